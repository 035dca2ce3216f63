"""``trustcell smki search|show|export|import``: the SMKI Repository of a home."""

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Column, Table

from trustcell.app.files import write_output
from trustcell.app.repository_facts import USAGES, facts, noted, octets_for, same_to_a_device
from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder, read_eui, read_moment
from trustcell.cli.output import AsJson, err, lines, out, print_json, refusals
from trustcell.smki.rules.records import Family, Query, Status
from trustcell.vocab import Eui64, Finding, KeyUsage, RemotePartyRole

_ROLES = {role.title.casefold(): role for role in RemotePartyRole}
_HEX = re.compile(r"[0-9A-Fa-f]+")


def _role(text: str) -> int:
    """A name as the code book spells it, or the two hex digits of a certificate's OU."""
    if (named := _ROLES.get(text.casefold())) is not None:
        return named
    if len(text) == 2 and _HEX.fullmatch(text):
        return int(text, 16)
    raise typer.BadParameter(f"{text!r} is no role: a name such as supplier, or two hex digits, was expected")


def _usage(text: str) -> KeyUsage:
    for usage, names in USAGES.items():
        if text.casefold() in (name.casefold() for name in names):
            return usage
    raise typer.BadParameter(f"{text!r} is no key usage: DS or KA was expected")


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not written in hex") from None


def _serial(text: str) -> int:
    if not _HEX.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no serial number in hex")
    return int(text, 16)


@refusals
def search(
    entity: Annotated[Eui64 | None, typer.Option(metavar="EUI-64", parser=read_eui, help="Of this subject.")] = None,
    role: Annotated[int | None, typer.Option(metavar="ROLE", parser=_role, help="A name or two hex digits.")] = None,
    usage: Annotated[KeyUsage | None, typer.Option(metavar="DS|KA", parser=_usage, help="For this use.")] = None,
    family: Annotated[Family | None, typer.Option(help="Of this family.")] = None,
    status: Annotated[Status | None, typer.Option(help="Pending, in use, not in use, expired, revoked.")] = None,
    key: Annotated[bytes | None, typer.Option(metavar="SHA256", parser=_hex, help="Over this public key.")] = None,
    ski: Annotated[bytes | None, typer.Option(metavar="HEX", parser=_hex, help="With this key identifier.")] = None,
    issuer: Annotated[str | None, typer.Option(metavar="CN", help="Issued by this authority.")] = None,
    serial: Annotated[int | None, typer.Option(metavar="HEX", parser=_serial, help="With this serial.")] = None,
    expires_from: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=read_moment, help="Ends then or later.")
    ] = None,
    expires_to: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=read_moment, help="Ends then or before.")
    ] = None,
    pack: Annotated[str | None, typer.Option(metavar="NAME", help="In or for this manufacturing pack.")] = None,
    approval: Annotated[str | None, typer.Option(metavar="NAME", help="Issued under this approval.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 1000,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Find certificates; every option narrows. Exit code 1 when one was found that had been altered."""
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    query = Query(
        entity, role, usage, key, ski, issuer, serial, family, None, status, expires_from, expires_to, None, approval,
        limit,
    )  # fmt: skip
    repository = opened.repository
    found = repository.search(query, now) if pack is None else repository.search_pack(pack, query, now)
    shown = [facts(record, now) for record in found.records]
    if as_json:
        print_json({"certificates": shown, "altered": [finding.as_json() for finding in found.altered]})
    else:
        _print_table(shown)
    _refuse(found.altered, told=as_json)


@refusals
def show(
    serial: Annotated[int, typer.Argument(metavar="SERIAL", parser=_serial, help="The serial in hex.")],
    issuer: Annotated[str | None, typer.Option(metavar="CN", help="The issuer, when several used this serial.")] = None,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the certificate, as PEM if it ends in .pem.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Show one certificate: what is known of it, what was noted at its import, and what shares its key."""
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    repository = opened.repository
    record = repository.needed(issuer, serial, now)
    if file is not None:
        write_output(file, octets_for(record, file))
    companions = repository.companions(record, now)
    report = {
        **facts(record, now),
        "in_pack": repository.in_pack([record])[0],
        "noted": noted(repository.note(record)),
        "same_key": [
            {**facts(each, now), "same_to_a_device": same_to_a_device(each, record)} for each in companions.records
        ],
    }
    if as_json:
        print_json(report)
    else:
        _print_one(report)
    _refuse(companions.altered, told=False)


@refusals
def export(
    file: Annotated[Path, typer.Option("--out", metavar="FOLDER|FILE.zip", help="A folder, or a zip by its ending.")],
    since: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=read_moment, help="Only what changed since then.")
    ] = None,
    delta: Annotated[bool, typer.Option("--delta", help="Only what changed since the last export.")] = False,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Export every certificate, or what changed, as CSV, JSON lines and DER, with digests.

    Exit code 1 when a certificate was left out because it had been altered.
    """
    from trustcell.app.home import open_home
    from trustcell.app.repository import export as write_export

    if delta and since is not None:
        raise typer.BadParameter("--since and --delta say the same, one of them is enough")
    opened = open_home(home)
    made = write_export(opened.repository, file, at or opened.now(), since=since, delta=delta)
    if as_json:
        print_json({"out": str(file), "manifest_sha256": made.sha256, **made.manifest})
    else:
        kind, count = made.manifest["kind"], made.manifest["certificates"]
        lines([f"{kind} export of {count} certificates: {file}", f"SHA-256 of its manifest.json: {made.sha256}"])
    _refuse(made.altered, told=as_json)


@refusals
def take_in(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="PEM, DER, key files, or folders of them.")],
    person: AsPerson,
    pin: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", help="Keep this self-signed certificate although it names another issuer."),
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Take in certificates of other authorities as they are; what is wrong with each is noted or keeps it out."""
    from trustcell.app.home import open_home
    from trustcell.app.repository import import_files

    pins = [_hex(text).hex() for text in pin or []]
    opened = open_home(home)
    credential, now = opened.credential(person), at or opened.now()
    imported = import_files(opened.repository, opened.governance, files, credential, now, pins)
    items = [verdict.as_json() for verdict in imported.verdicts]
    if as_json:
        print_json({"manifest": imported.manifest, "items": items})
        return
    for item in items:
        for finding in item["findings"]:
            lines([f"{item['outcome']:<9} {finding['severity']:<7} {finding['field']}: {finding['message']}"])
    counts = Counter(item["outcome"] for item in items)
    lines([", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))])


def _refuse(altered: tuple[Finding, ...], *, told: bool) -> None:
    if altered and not told:
        for finding in altered:
            err.print(f"[red]refused:[/red] {escape(str(finding))}")
    if altered:
        raise typer.Exit(1)


def _print_table(shown: list[dict[str, Any]]) -> None:
    serial = Column("serial", no_wrap=True, min_width=32)  # people copy it into the next command
    folded = (Column(name, overflow="fold") for name in ("subject", "role", "use", "status", "until"))
    table = Table("issuer", serial, *folded, box=box.SIMPLE)
    for each in shown:
        subject = each["entity_id"] or each["subject"]
        cells = (each["issuer"], each["serial"], subject, each["role_title"] or "", each["usage"], each["status"])
        table.add_row(*map(escape, cells), each["not_after"][:10])
    if shown:
        out.print(table)
    lines([f"{len(shown)} found"])


def _print_one(report: dict[str, Any]) -> None:
    names = ("issuer", "serial", "kind", "subject", "entity_id", "role_title", "usage", "status", "not_before",
             "not_after", "ski", "key_sha256", "sha256", "request", "purpose", "revoked_at")  # fmt: skip
    lines(f"{name.replace('_', ' '):<12} {report[name]}" for name in names if report[name])
    if report["approvals"]:
        lines([f"approvals    {', '.join(report['approvals'])}"])
    lines([f"in a pack    {'yes' if report['in_pack'] else 'no'}"])
    for finding in report["noted"]["findings"] if report["noted"] else ():
        lines([f"noted        {finding['field']}: {finding['message']} [{finding['code']}]"])
    for each in report["same_key"]:
        same = "the same to a device" if each["same_to_a_device"] else "another to a device"
        lines(
            [f"same key     {each['issuer']} {each['serial']} {each['status']} until {each['not_after'][:10]}, {same}"]
        )
