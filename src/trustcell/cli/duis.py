"""``trustcell duis``: sign, verify and check DUIS messages."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trustcell import duis, gbcs
from trustcell.app.files import write_output
from trustcell.app.key_files import read_key_file
from trustcell.cli.output import AsJson, KeysFile, in_file, lines, print_json, read, refusals
from trustcell.vocab import Refused, WireError

app = typer.Typer(help="Sign, verify and check DUIS requests and responses.", no_args_is_help=True)

XmlFile = Annotated[Path, typer.Argument(metavar="FILE|-", help="A DUIS message; - reads it.")]


@app.command()
@refusals
def check(file: XmlFile, as_json: AsJson = False) -> None:
    """Check a request or response: well-formed, to the schema, parts that fit each other. No signature is checked."""
    schema = _schema()
    parsed = _parsed(file, schema)
    checked = "valid" if schema is not None else "not checked: set TRUSTCELL_SCHEMA_FOLDER to its folder"
    facts = {**_facts(parsed), "official_schema": checked}
    _print_facts(facts, as_json)


@app.command()
@refusals
def verify(file: XmlFile, keys: KeysFile, as_json: AsJson = False) -> None:
    """Check a message and its XML signature with the certificate it names; the signer must be the originator."""
    parsed = _parsed(file, _schema())
    credentials = read_key_file(keys).credentials
    holders: list[str] = []

    def key_of(claim: duis.SignatureClaim) -> Any:
        for credential in credentials:
            if credential.certificate is not None and credential.certificate.serial == claim.serial:
                holders.append(str(credential.key.entity))
                return credential.key.public_key
        raise _refused(
            "signer_unknown",
            "Signature.KeyInfo",
            f"serial {claim.serial} is not in the key file",
            "give its certificate",
        )

    claim = duis.verify(parsed, key_of)
    facts = {**_facts(parsed), "signature": "valid", "signer": holders[0], "signer_serial": claim.serial}
    if isinstance(parsed, duis.ParsedRequest) and holders[0] != str(parsed.request.request_id.originator):
        raise _refused(
            "signer_not_originator",
            "Header.RequestID",
            f"the signer is {holders[0]}, the originator {parsed.request.request_id.originator}",
            "sign with the originator's own certificate",
        )
    _print_facts(facts, as_json)


@app.command()
@refusals
def sign(
    file: XmlFile,
    keys: KeysFile,
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="Name of the signing key in the key file.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; standard output without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a message as real clients do: white space goes, the signature comes as the last child of the root."""
    credential = read_key_file(keys).named(key)
    private = credential.key.private_key
    if private is None or credential.certificate is None:
        raise _refused("key_missing", "key", f"{key} has no private key or no certificate", "give both in the key file")
    signed = duis.sign(
        _unsigned(file),
        issuer_name=credential.certificate.issuer.rfc4514,
        serial=credential.certificate.serial,
        sign=lambda octets: gbcs.sign(private, octets),
    )
    if out is not None:
        write_output(out, signed)
    if as_json:
        placed = {"xml": signed.decode()} if out is None else {"out": str(out)}
        print_json({**placed, "signed_with": key, "signer_serial": credential.certificate.serial})
    elif out is None:
        sys.stdout.buffer.write(signed + b"\n")


@app.command()
@refusals
def send(
    file: XmlFile,
    url: Annotated[
        str, typer.Option(metavar="URL", envvar="TRUSTCELL_DUIS_URL", help="The DUIS services of a server.")
    ] = "http://127.0.0.1:8079",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write the response as it came.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a signed request to the service of its variant, and tell the response; it is not verified here."""
    from trustcell.app.duis_client import send_request

    octets = read(file)
    try:
        request = duis.parse_request(octets, max_octets=len(octets)).request
    except WireError as error:
        raise in_file(file, error) from None
    answered = send_request(url, request.command_variant, octets)
    if out is not None:
        write_output(out, answered)
    _print_facts(_facts(duis.parse_response(answered)), as_json)


def _print_facts(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        lines(f"{key.replace('_', ' ')}: {value}" for key, value in facts.items())


def _schema() -> duis.Schema | None:
    from trustcell.app.settings import official_schema  # settings are slow to import, and only DUIS asks for them

    return official_schema()


def _unsigned(file: Path) -> bytes:
    parsed = _parsed(file, None)
    if isinstance(parsed, duis.ParsedRequest):
        return duis.build_request(parsed.request)
    return duis.build_response(parsed.response)


def _parsed(file: Path, schema: duis.Schema | None) -> duis.ParsedRequest | duis.ParsedResponse:
    octets = read(file)
    try:
        document = duis.parse_document(octets)
        if document.root.tag.endswith("}Response"):
            return duis.parse_response(octets, schema=schema)
        return duis.parse_request(octets, schema=schema)
    except WireError as error:
        raise in_file(file, error) from None


def _facts(parsed: duis.ParsedRequest | duis.ParsedResponse) -> dict[str, Any]:
    if isinstance(parsed, duis.ParsedResponse):
        response = parsed.response
        return {
            "message": "response",
            "response_code": response.response_code,
            "request_id": str(response.request_id) if response.request_id else None,
            "response_id": str(response.response_id) if response.response_id else None,
        }
    request = parsed.request
    return {
        "message": "request",
        "service": f"{request.service_reference_variant} {request.service.name}",
        "command_variant": request.command_variant,
        "request_id": str(request.request_id),
    }


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([duis.DUIS_SIGNATURE.breach(code, field, message, remedy)])
