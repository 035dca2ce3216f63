"""``trustcell smki revoke|crl|archive``: revocations, the lists of them, and the archive of public keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_crl

from trustcell.app.files import read_input, write_output
from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder
from trustcell.cli.output import AsJson, err, lines, print_json, refusals
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.archive import archive_findings
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import Family, ListRecord
from trustcell.smki.rules.revocation import GROUNDS, REASON_TITLES, Circumstance, RevocationAsk, identity
from trustcell.vocab import Refused

if TYPE_CHECKING:
    from trustcell.app.home import Home

revoke = typer.Typer(help="Ask for a revocation, and carry one out.", no_args_is_help=True)

BECAUSE = {
    "compromise": Circumstance.COMPROMISE,
    "not-eligible": Circumstance.NOT_ELIGIBLE,
    "not-a-user": Circumstance.NOT_A_USER,
    "rejected": Circumstance.REJECTED,
    "pma-direction": Circumstance.PMA_DIRECTION,
    "error": Circumstance.ERROR,
}
_REASONS = {title: number for number, title in REASON_TITLES.items() if number is not None}


@revoke.callback()
def group() -> None:
    """Ask for a revocation, and carry one out."""


def _because(text: str) -> Circumstance:
    if text not in BECAUSE:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(BECAUSE)}")
    return BECAUSE[text]


def _reason(text: str) -> int:
    if text not in _REASONS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(_REASONS)}")
    return _REASONS[text]


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate as it was named; ``issuer`` is empty when only a serial was given."""

    issuer: str
    serial: int

    def found(self, home: "Home", now: datetime) -> tuple[str, int]:
        """Issuer and serial, the issuer looked up when only the serial was given."""
        record = None if self.issuer else home.repository.retrieve_serial(self.serial, now)
        return (record.issuer, record.serial) if record else (self.issuer, self.serial)


def _named(text: str) -> Named:
    issuer, _, serial = text.replace(":", "/").rpartition("/")
    try:
        return Named(issuer, int(serial, 16))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no ISSUER/SERIAL, the serial in hex") from None


Certificate = Annotated[
    Named, typer.Argument(metavar="[ISSUER/]SERIAL", parser=_named, help="The certificate; the serial in hex.")
]


@revoke.command()
@refusals
def request(
    certificate: Certificate,
    person: AsPerson,
    because: Annotated[
        Circumstance, typer.Option(metavar="WHY", parser=_because, help=f"One of {', '.join(BECAUSE)}.")
    ],
    explain: Annotated[str, typer.Option(metavar="TEXT", help="What happened.")],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="The minute, report or finding cited.")] = "",
    reason: Annotated[
        int | None, typer.Option(metavar="REASON", parser=_reason, help="The reason to list; the usual one without it.")
    ] = None,
    proof: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The challenge signed with the private key, ECDSA in DER.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a revocation; another person carries it out."""
    opened = _open(home)
    now = at or opened.now()
    issuer, serial = certificate.found(opened, now)
    ask = RevocationAsk(issuer, serial, because, explain, reference, reason, read_input(proof) if proof else b"")
    made = opened.revocation.request(ask, opened.credential(person), now)
    if as_json:
        print_json(made.as_json())
        return
    how = f", {made.standing}" if made.standing else ""
    lines([f"{identity(issuer, serial)}: {GROUNDS[because].title} ({because}{how})", f"request {made.name}"])


@revoke.command()
@refusals
def challenge(
    certificate: Certificate,
    file: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the octets to sign go.")],
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Write the octets to sign with a private key to prove that it is known."""
    opened = _open(home)
    issuer, serial = certificate.found(opened, at or opened.now())
    octets = opened.revocation.challenge(issuer, serial)
    write_output(file, octets)
    report = {"certificate": identity(issuer, serial), "file": str(file), "octets": len(octets)}
    if as_json:
        print_json(report)
    else:
        lines([f"{len(octets)} octets to sign for {identity(issuer, serial)}: {file}"])


@revoke.command("list")
@refusals
def listed(
    everything: Annotated[bool, typer.Option("--all", help="Those already carried out as well.")] = False,
    home: HomeFolder = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the requests that wait to be carried out."""
    found = _open(home).revocation.requests(open_only=not everything)
    if as_json:
        print_json([each.as_json() for each in found])
        return
    for each in found:
        state = "decided" if each.decided else "open"
        how = f", {each.standing}" if each.standing else ""
        lines(
            [
                f"{each.name[:16]}  {state}, asked by {each.asker} at {moment(each.at)}",
                f"  {identity(each.ask.issuer, each.ask.serial)}: {each.ask.circumstance}{how}",
                f"  {each.ask.explanation}",
            ]
        )
    lines([] if found else ["no request waits"])


@revoke.command()
@refusals
def decide(
    name: Annotated[str, typer.Argument(metavar="REQUEST", help="The request, or the beginning of its name.")],
    person: AsPerson,
    no_lists: Annotated[bool, typer.Option("--no-lists", help="Make no new lists now.")] = False,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Carry a request out: revoke, bar the key where that is called for, and make the lists it changes."""
    opened = _open(home)
    now, credential = at or opened.now(), opened.credential(person)
    report = opened.revocation.revoke(name, credential, now)
    issuers = {each.issuer for each in report.cascade.revoked}
    kinds = [each for each in ListKind if each.issuer(opened.environment) in issuers and not no_lists]
    made = [opened.revocation.lists.issue(kind, credential, now) for kind in kinds]
    if as_json:
        print_json({**report.as_json(), "lists": [_list_facts(each) for each in made]})
        return
    for fallen in report.cascade.as_json()["certificates"]:
        subject, used = fallen["entity"] or fallen["subject"], fallen["used_for"]
        lines(
            [
                f"{fallen['certificate']}: {fallen['fate']}",
                f"  {subject}, {fallen['key_usage']}, ends {fallen['not_after']}{f', used for {used}' if used else ''}",
            ]
        )
    lines([f"key {report.cascade.key.hex()} is {'barred for ever' if report.cascade.bars else 'not barred'}"])
    lines(f"list {each.number} of {each.issuer}, next one by {moment(each.next_update)}" for each in made)


@refusals
def crl(
    person: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="Make a list as this person, an ISSUER.")
    ] = None,
    arl: Annotated[bool, typer.Option("--arl", help="The ARL of the Root OCA instead of the CRL.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Show which lists are due; with --as, make those.")] = False,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where the list goes, as PEM if it ends in .pem.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Give out the revocation list that is served, or with --as make the next one. Exit code 1 when one is late."""
    if due and (arl or file):
        raise typer.BadParameter("--due goes without --arl and --out")
    opened = _open(home)
    now, lists = at or opened.now(), opened.revocation.lists
    if due:
        _due(opened, person, now, as_json=as_json)
        return
    kind = ListKind.ARL if arl else ListKind.CRL
    if person is not None:
        lists.recover(now)
        record: ListRecord | None = lists.issue(kind, opened.credential(person), now)
    else:
        record = lists.served(kind)
    if record is None:
        raise Refused([_none_yet(kind)])
    if file is not None:
        write_output(file, _encoded(record.der, file))
    if as_json:
        print_json({**_list_facts(record), "file": str(file) if file else None})
    else:
        lines([f"{kind.long_name} {record.number} of {record.issuer}", *_times(record)])
        lines([f"  written to {file}"] if file else [])


def _due(home: "Home", person: str | None, now: datetime, *, as_json: bool) -> None:
    lists = home.revocation.lists
    if person is not None:
        lists.recover(now)
    found = lists.due(now)
    made = [lists.issue(each.kind, home.credential(person), now) for each in found] if person is not None else []
    if as_json:
        print_json({"due": [each.as_json() for each in found], "made": [_list_facts(each) for each in made]})
    else:
        lines(f"{each.kind.long_name}: {each.reason}, by {moment(each.by)}" for each in found)
        lines(f"made list {each.number} of {each.issuer}" for each in made)
        lines([] if found else ["no list is due"])
    if not made and any(each.late for each in found):
        raise typer.Exit(1)


@refusals
def archive(
    file: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the archive goes.")] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Check an archive instead.")] = None,
    family: Annotated[list[Family] | None, typer.Option(help="Only this family; may stand several times.")] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Write the archive of public keys (part 5.5), or check one. Exit code 1 when a checked one is not right."""
    if (file is None) == (check is None):
        raise typer.BadParameter("one of --out and --check is needed")
    if check is not None:
        findings = archive_findings(read_input(check).splitlines(keepends=True))
        if as_json:
            print_json({"file": str(check), "findings": [each.as_json() for each in findings]})
        else:
            lines([str(each) for each in findings] or ["no findings"])
        raise typer.Exit(1 if findings else 0)
    opened = _open(home)
    with err.status("reading certificates"):
        octets = list(opened.archive.lines(at or opened.now(), frozenset(family or Family)))
    assert file is not None
    write_output(file, b"".join(octets))
    if as_json:
        print_json({"file": str(file), "certificates": len(octets) - 2})
    else:
        lines([f"{len(octets) - 2} certificates in {file}"])


def _open(folder: Path) -> "Home":
    from trustcell.app.home import open_home  # costs what other commands need not pay

    return open_home(folder)


def _none_yet(kind: ListKind) -> Any:
    from trustcell.smki.rules.lists import FREQUENCY_CLAUSE

    message, remedy = f"there is no {kind.long_name} yet", "make one: trustcell smki crl --as PERSON"
    return FREQUENCY_CLAUSE.breach("list_missing", kind.value, message, remedy)


def _encoded(der: bytes, file: Path) -> bytes:
    return load_der_x509_crl(der).public_bytes(Encoding.PEM) if file.suffix.lower() == ".pem" else der


def _list_facts(record: ListRecord) -> dict[str, Any]:
    return {
        "issuer": record.issuer,
        "number": record.number,
        "this_update": moment(record.this_update),
        "next_update": moment(record.next_update),
        "entries": len(load_der_x509_crl(record.der)),
        "served": record.served,
    }


def _times(record: ListRecord) -> Iterable[str]:
    yield f"  made {moment(record.this_update)}, next one by {moment(record.next_update)}"
    yield f"  {len(load_der_x509_crl(record.der))} revoked"
