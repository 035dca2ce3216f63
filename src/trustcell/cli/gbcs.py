"""``trustcell gbcs``: decode, verify, sign and MAC GBCS messages."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustcell import gbcs
from trustcell.cli.output import (
    AsJson,
    KeysFile,
    in_file,
    lines,
    out,
    print_json,
    print_tree,
    read,
    refusals,
    with_progress,
)
from trustcell.vocab import Clause, Eui64, Refused, WireError

if TYPE_CHECKING:
    from trustcell.app.key_files import KeyFile

app = typer.Typer(help="Decode, verify, sign and MAC GBCS messages.", no_args_is_help=True)

MessageFile = Annotated[Path, typer.Argument(metavar="FILE|-", help="A message in hex, base64 or binary; - reads it.")]
OptionalKeys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="Also check signature and MAC and decrypt, with these keys."),
]
KeyName = Annotated[
    str | None, typer.Option("--key", metavar="NAME", help="The key to use, by its name in the key file.")
]
_SIGNATURE = Clause("GBCS protection", "GBCS: who signs a message and who makes its MAC")


@app.command()
@refusals
def decode(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...|-", help="Messages in hex, base64 or binary; - reads one.")
    ],
    keys: OptionalKeys = None,
    as_json: AsJson = False,
) -> None:
    """Show what a message says: header, payload, certificates, protection."""
    ring = _key_file(keys).ring() if keys is not None else None
    decoded = [_decoded(file, ring) for file in files]
    if as_json:
        print_json(decoded[0] if len(decoded) == 1 else decoded)
        return
    for file, plain in zip(files, decoded, strict=True):
        print_tree(gbcs.as_tree(plain, str(file) if len(files) > 1 else "message"))


@app.command()
@refusals
def verify(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Message files, or folders of them.")],
    keys: KeysFile,
    as_json: AsJson = False,
) -> None:
    """Check every message: octets, signature, MAC, payload."""
    from trustcell.app.message_check import message_files, verify_messages

    key_file = _key_file(keys)
    files = message_files(paths)
    with with_progress("checking messages", len(files)) as progress:
        task = progress.task_ids[0]
        tally = verify_messages(files, key_file, lambda: progress.advance(task))
    report = tally.as_plain()
    if as_json:
        print_json(report)
    else:
        _print_report(report, key_file.skipped)
    if not tally.clean or not files:
        raise typer.Exit(1)


@app.command()
@refusals
def sign(file: MessageFile, keys: KeysFile, key: KeyName = None, as_json: AsJson = False) -> None:
    """Sign a pre-command with its originator's Digital Signature key and print the signed message in hex."""
    message = _message(file)
    if message.signature:
        raise _refused("already_signed", "signature", "the message carries a signature already", "give a pre-command")
    candidates = [
        entry
        for entry in _key_file(keys).ring().signing_keys(message.originator)
        if entry.private_key is not None and (key is None or entry.name == key)
    ]
    entry = _only(candidates, message.originator, "digital signature", key)
    assert entry.private_key is not None
    signed = gbcs.attach_signature(message, gbcs.sign(entry.private_key, gbcs.signed_octets(message)))
    _print_message(signed, as_json, {"signed_with": entry.name or str(entry.entity)})


@app.command()
@refusals
def mac(file: MessageFile, keys: KeysFile, as_json: AsJson = False) -> None:
    """Add the MAC of a command, response or alert, with the keys that GBCS says, and print the message in hex."""
    message = _message(file)
    if message.mac is not None:
        raise _refused("already_maced", "mac", "the message carries a MAC already", "give a message without one")
    ring = _key_file(keys).ring()
    pairs = ring.mac_pairs(message)
    if not pairs:
        raise _refused(
            "key_missing",
            "mac",
            f"no Key Agreement keys for {message.originator} and {message.target} are in the key file",
            "give the private key of one side and the certificate of the other",
        )
    ours, theirs = pairs[0]
    maced = gbcs.attach_mac(message, gbcs.make_mac(message, ring.shared_secret(ours, theirs)))
    _print_message(
        maced, as_json, {"agreed_between": [ours.name or str(ours.entity), theirs.name or str(theirs.entity)]}
    )


def _key_file(path: Path) -> "KeyFile":
    from trustcell.app.key_files import read_key_file

    return read_key_file(path)


def _summary(der: bytes) -> dict[str, Any] | None:
    """What a certificate says; most messages carry none, and need not wait for what reads them."""
    from trustcell.app.certificate_facts import summary

    return summary(der)


def _decoded(file: Path, ring: gbcs.KeyRing | None) -> dict[str, Any]:
    data = read(file)
    try:
        octets = gbcs.message_octets(data)
        if octets[:2] == gbcs.blocks.ROUTING_HEADER:
            return gbcs.block_as_plain(gbcs.blocks.decode_block(octets))
        message = gbcs.decode(octets)
        plain = gbcs.as_plain(message, _summary)
    except WireError as error:
        raise in_file(file, error) from None
    if ring is not None:
        verdicts = ring.check(message)
        plain["protection"]["signature_verdict"] = verdicts.signature.value
        plain["protection"]["mac_verdict"] = verdicts.mac.value
        opened = ring.open_parts(message, gbcs.decode_payload(message))
        if opened:
            plain["decrypted"] = [each.plaintext.hex() if each is not None else "no key opens it" for each in opened]
            plain["plaintexts"] = _plaintexts(file, message, opened)
    return plain


def _plaintexts(file: Path, message: gbcs.Message, opened: tuple[gbcs.OpenedPart | None, ...]) -> list[Any]:
    try:
        return gbcs.parts_as_plain(message, opened)
    except WireError as error:
        raise in_file(file, error) from None


def _message(file: Path) -> gbcs.Message:
    octets = read(file)
    try:
        return gbcs.decode(gbcs.message_octets(octets))
    except WireError as error:
        raise in_file(file, error) from None


def _only(candidates: list[gbcs.KeyEntry], entity: Eui64, what: str, name: str | None) -> gbcs.KeyEntry:
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        named = f" named {name}" if name else ""
        raise _refused(
            "key_missing",
            "originator",
            f"the key file has no private {what} key of {entity}{named}",
            "give its key file",
        )
    names = ", ".join(entry.name or "unnamed" for entry in candidates)
    raise _refused(
        "key_ambiguous", "originator", f"the key file has several {what} keys of {entity}: {names}", "choose with --key"
    )


def _print_message(message: gbcs.Message, as_json: bool, facts: dict[str, Any]) -> None:
    octets = gbcs.encode(message)
    if as_json:
        print_json({"hex": octets.hex().upper(), "base64": base64.b64encode(octets).decode(), **facts})
    else:
        out.print(octets.hex().upper())


def _print_report(report: dict[str, Any], skipped: tuple[str, ...]) -> None:
    signatures, macs, parts = report["signatures"], report["macs"], report["encrypted"]
    lines(
        [
            f"messages    {report['messages']}: {report['parsed']} parsed, {report['reencoded']} re-encoded the same",
            f"signatures  {_verdicts(signatures)}",
            f"MACs        {_verdicts(macs)}",
            f"ASN.1       {_payloads(report['asn1'])}",
            f"DLMS        {_payloads(report['dlms'])}",
            f"GBZ         {_payloads(report['gbz'])}",
            f"encrypted   {parts['parts']}: {parts['opened']} opened, {parts['reencrypted']} re-encrypted the same",
            *(f"key skipped {reason}" for reason in skipped),
            *(f"failure     {failure['file']}: {failure['reason']}" for failure in report["failures"]),
        ]
    )


def _payloads(counts: dict[str, int]) -> str:
    return f"{counts['payloads']}: {counts['decoded']} decoded, {counts['reencoded']} re-encoded the same"


def _verdicts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([_SIGNATURE.breach(code, field, message, remedy)])
