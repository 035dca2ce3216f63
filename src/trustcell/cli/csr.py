"""``trustcell csr``: requests for Organisation Certificates, made and looked at."""

from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from trustcell import certs
from trustcell.app.certificate_facts import request_facts
from trustcell.cli.asking import (
    NotAfter,
    NotBefore,
    Purpose,
    Years,
    asked,
    read_role,
    read_usage,
)
from trustcell.cli.options import read_eui
from trustcell.cli.output import AsJson, in_file, lines, print_json, read, refusals
from trustcell.governance.rules.canonical import digest
from trustcell.smki.rules.ask import request_name
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole, Severity, WireError

app = typer.Typer(help="Make and look at requests for Organisation Certificates.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Make and look at requests for Organisation Certificates."""


@app.command()
@refusals
def make(
    role: Annotated[RemotePartyRole, typer.Option(metavar="ROLE", parser=read_role, help="A name, or two hex digits.")],
    eui: Annotated[Eui64, typer.Option(metavar="EUI-64", parser=read_eui, help="Of the subscriber.")],
    usage: Annotated[KeyUsage, typer.Option(metavar="DS|KA", parser=read_usage, help="What the key is for.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key, made if it is not there.")],
    to: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the request goes, in PEM.")],
    cn: Annotated[str | None, typer.Option(metavar="TEXT", help="A common name, if the subject has one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a request, with a new key pair or over the key of a file that is there."""
    from trustcell.app.csr import make_csr
    from trustcell.app.files import write_output

    try:
        der = make_csr(key, role, eui, usage, cn)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    request = certs.CertificationRequest.from_der(der)
    write_output(to, request.x509.public_bytes(Encoding.PEM))
    report = {"csr": str(to), "key": str(key), **_facts(request)}
    if as_json:
        print_json(report)
    else:
        lines([f"{to}: {report['role']} {report['key_usage']} for {report['entity']}, key in {key}"])


@app.command()
@refusals
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="A request as PEM, base64 or DER; - reads it.")],
    years: Years = None,
    not_before: NotBefore = None,
    not_after: NotAfter = None,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Show what a request says, and the name approvals call it by; exit code 1 when a finding is an error."""
    ask = asked(years, not_before, not_after, purpose)
    octets = read(file)
    try:
        request = certs.load_csr(octets)
    except WireError as error:
        raise in_file(file, error) from None
    findings = certs.check_csr(request)
    report = {
        "request": request_name(request.der, ask),
        **_facts(request),
        **ask.as_json(),
        "findings": [each.as_json() for each in findings],
    }
    if as_json:
        print_json(report)
    else:
        lines(f"{name.replace('_', ' '):<11} {report[name]}" for name in _SHOWN if report.get(name))
        lines([str(each) for each in findings] or ["no findings"])
    if any(each.severity is Severity.ERROR for each in findings):
        raise typer.Exit(1)


_SHOWN = ("request", "subject", "entity", "role", "key_usage", "key_form", "key_sha256", "years", "purpose")


def _facts(request: certs.CertificationRequest) -> dict[str, Any]:
    facts = request_facts(request)
    return {
        **{name: facts[name] for name in ("subject", "entity", "role", "key_usage")},
        "key_form": facts["key"],
        "key_sha256": digest(request.spki),
        "csr_sha256": digest(request.der),
    }
