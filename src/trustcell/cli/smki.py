"""``trustcell smki``: requests for Organisation Certificates, their decisions, and what became of them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.app.repository_facts import facts, octets_for
from trustcell.cli.asking import Approvals, NotAfter, NotBefore, Purpose, Years, asked, read_serial
from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder, read_moment
from trustcell.cli.output import AsJson, lines, out, print_json, read, refusals
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.records import CertificateRecord, RequestRecord, RequestState
from trustcell.smki.service.issuing import Explanation

smki_app = typer.Typer(help="Ask for, issue, explain and look at Organisation Certificates.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="REQUEST", help="Its name, or eight digits or more from its beginning.")]
Made = Annotated[str, typer.Argument(metavar="ISSUER/SERIAL", help="The certificate, its serial in hex.")]
Confirm = Annotated[
    bool, typer.Option("--confirm-clock", help="The clock is right, although it is far ahead of the last decision.")
]


@smki_app.callback()
def group() -> None:
    """Ask for, issue, explain and look at Organisation Certificates."""


@smki_app.command()
@refusals
def request(
    file: Annotated[Path, typer.Argument(metavar="CSR|-", help="The CSR as PEM, base64 or DER; - reads it.")],
    person: AsPerson,
    years: Years = None,
    not_before: NotBefore = None,
    not_after: NotAfter = None,
    purpose: Purpose = "",
    approval: Approvals = None,
    confirm_clock: Confirm = False,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Submit a CSR, as the ARO of a party; it is checked at once, and waits to be issued."""
    from trustcell.app.home import open_home

    ask = asked(years, not_before, not_after, purpose, approval)
    csr = read(file)
    opened = open_home(home)
    made = opened.authority.submit(csr, ask, opened.credential(person), at or opened.now(), confirm_clock=confirm_clock)
    if as_json:
        print_json(_request_facts(made))
    else:
        lines([f"{made.name} is {made.state}: somebody else may issue it"])


@smki_app.command()
@refusals
def issue(
    name: Name,
    person: AsPerson,
    to: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it, PEM if it ends in .pem.")] = None,
    confirm_clock: Confirm = False,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Issue what was requested, as an ISSUER; the checks are made again."""
    from trustcell.app.files import write_output
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = opened.authority.issue(name, opened.credential(person), now, confirm_clock=confirm_clock)
    if to is not None:
        write_output(to, octets_for(made, to))
    _tell_certificate(made, now, as_json, str(to) if to else None)


@smki_app.command()
@refusals
def recover(home: HomeFolder = DEFAULT_HOME, at: AtMoment = None, as_json: AsJson = False) -> None:
    """Finish, or give up and begin anew, what a crash left between intent and certificate."""
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = opened.authority.recover(now)
    if as_json:
        print_json([facts(each, now) for each in made])
    else:
        lines([f"{each.issuer}/{each.serial:X} is finished" for each in made] or ["nothing was left open"])


@smki_app.command()
@refusals
def explain(
    name: Annotated[
        str, typer.Argument(metavar="REQUEST|CSR", help="The name of a request, or the file of a CSR not yet sent.")
    ],
    on: Annotated[
        list[datetime] | None,
        typer.Option(metavar="MOMENT", parser=read_moment, help="Under the rules of then; may be repeated."),
    ] = None,
    person: Annotated[str, typer.Option("--as", metavar="PERSON", help="Who would submit the CSR.")] = "",
    years: Years = None,
    not_before: NotBefore = None,
    not_after: NotAfter = None,
    purpose: Purpose = "",
    approval: Approvals = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Print each check of a request with its facts, clause and verdict, and what was decided about it."""
    from trustcell.app.home import open_home

    ask = asked(years, not_before, not_after, purpose, approval)
    opened = open_home(home)
    what: str | tuple[bytes, Ask] = (read(Path(name)), ask) if Path(name).is_file() else name
    moments = on or [at or opened.now()]
    told = [opened.authority.explain(what, each, requester=person) for each in moments]
    if as_json:
        print_json(told[0].as_json() if len(told) == 1 else [each.as_json() for each in told])
        return
    for each in told:
        _tell_explanation(each)


@smki_app.command()
@refusals
def accept(
    certificate: Made, person: AsPerson, home: HomeFolder = DEFAULT_HOME, at: AtMoment = None, as_json: AsJson = False
) -> None:
    """Accept a certificate, as the ARO of its subscriber (L11.5)."""
    from trustcell.app.home import open_home

    issuer, serial = read_serial(certificate)
    opened = open_home(home)
    now = at or opened.now()
    made = opened.authority.accept_certificate(issuer, serial, opened.credential(person), now)
    _tell_certificate(made, now, as_json)


@smki_app.command()
@refusals
def reject(
    certificate: Made,
    person: AsPerson,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded.")],
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Reject a certificate, as the ARO of its subscriber: it is revoked, and its key needs a successor."""
    from trustcell.app.home import open_home
    from trustcell.smki.service.answering import devices_raised

    issuer, serial = read_serial(certificate)
    opened = open_home(home)
    now = at or opened.now()
    made = opened.authority.reject_certificate(issuer, serial, opened.credential(person), now, reason)
    with opened.store.reading() as books:
        devices = [str(each) for each in devices_raised(books, issuer, serial)]
    _tell_certificate(made, now, as_json, devices_that_may_hold_it=devices)


@smki_app.command(name="list")
@refusals
def list_requests(
    state: Annotated[RequestState | None, typer.Option(help="Only those in this state.")] = None,
    home: HomeFolder = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List requests, oldest first."""
    from trustcell.app.home import open_home

    with open_home(home).store.reading() as books:
        found = [_request_facts(each) for each in books.requests.search(state)]
    if as_json:
        print_json(found)
        return
    table = Table("request", "when", "party", "role", "use", "by", "state", box=box.SIMPLE)
    for each in found:
        row = (each["request"][:12], each["at"], each["party"], each["role"], each["usage"], each["requester"])
        table.add_row(*(escape(str(value or "-")) for value in row), each["state"])
    out.print(table)


def _request_facts(made: RequestRecord) -> dict[str, Any]:
    return {
        "request": made.name,
        "state": made.state.value,
        "party": made.party,
        "entity": str(made.entity_id) if made.entity_id else None,
        "role": None if made.role is None else f"{made.role:02X}",
        "usage": made.key_usage.title,
        "key_sha256": made.key.hex(),
        "requester": made.requester,
        "statement": made.statement,
        "at": moment(made.at),
        "ask": dict(made.ask),
    }


def _tell_certificate(
    made: CertificateRecord, now: datetime, as_json: bool, file: str | None = None, **more: list[str]
) -> None:
    report = {**facts(made, now), "accepted": made.accepted, **({"written_to": file} if file else {}), **more}
    if as_json:
        print_json(report)
        return
    key = "a key of its own" if not made.key_use else f"a repeated key, under {', '.join(made.approvals)}"
    lines(
        [
            f"{made.issuer}/{made.serial:X} ({made.status(now).name.lower().replace('_', ' ')})",
            f"  {made.subject}, {made.key_usage.title}, over {key}",
            f"  {moment(made.not_before)} to {moment(made.not_after)}",
        ]
    )
    lines(f"  {name.replace('_', ' ')}: {', '.join(each) or 'none known'}" for name, each in more.items())


def _tell_explanation(told: Explanation) -> None:
    verdict = "[green]granted[/green]" if told.granted else "[bold red]refused[/bold red]"
    out.print(f"{told.request[:16]} under the rules of {escape(told.rule_set)}: {verdict}")
    table = Table("check", "what it asks", "verdict", "clause", "by these facts", box=box.SIMPLE)
    for each in told.checks:
        shown = "; ".join(f"{name} {value}" for name, value in each.facts.items() if value not in (None, [], ""))
        check = each.check
        table.add_row(check.name, check.title, each.verdict.value, escape(check.clause), escape(shown))
    out.print(table)
    lines(str(finding) for each in told.checks for finding in each.findings)
    for decision in told.recorded:
        what = "granted" if decision.granted else "refused"
        who, when = decision.decider, moment(decision.at)
        lines([f"decision {decision.number} of {when} by {who}: {what} ({decision.rule_set})"])
