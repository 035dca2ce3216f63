"""``trustcell approval``: what the SMKI PMA approved, having taken into account the views of the SSC."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell import certs
from trustcell.cli.approval_view import print_approval
from trustcell.cli.asking import NotAfter, NotBefore, Purpose, asked, read_role, read_usage
from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder, read_eui, read_moment
from trustcell.cli.output import AsJson, in_file, lines, out, print_json, read, refusals
from trustcell.governance.rules.approvals import Approval, ApprovalKind, Position, Scope
from trustcell.smki.rules.ask import Ask
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole, WireError

if TYPE_CHECKING:
    from trustcell.app.request_papers import RequestPaper

app = typer.Typer(help="Ask for approvals, record views and decisions, look at them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the approval.")]
Digest = Annotated[
    str, typer.Option(metavar="DIGEST", help="Of the draft, as approval show prints it; eight digits or more.")
]
When = Annotated[
    datetime, typer.Option("--date", metavar="MOMENT", parser=read_moment, help="When it was given; a day will do.")
]
Papers = Annotated[
    list[Path] | None, typer.Option("--document", metavar="FILE", help="Evidence, kept by hash; may be repeated.")
]
Paper = Annotated[Path | None, typer.Option("--document", metavar="FILE", help="The paper itself, kept by hash.")]


@app.callback()
def group() -> None:
    """Ask for approvals, record views and decisions, look at them."""


def _papers(files: list[Path], ask: Ask) -> "list[RequestPaper]":
    from trustcell.app.request_papers import RequestPaper

    found = []
    for file in files:
        octets = read(file)
        try:
            found.append(RequestPaper(certs.load_csr(octets), ask))
        except WireError as error:
            raise in_file(file, error) from None
    return found


@app.command()
@refusals
def draft(
    name: Name,
    kind: Annotated[ApprovalKind, typer.Option(case_sensitive=False, help="What it allows.")],
    expires: Annotated[datetime, typer.Option(metavar="MOMENT", parser=read_moment, help="It ends then.")],
    rationale: Annotated[str, typer.Option(metavar="TEXT", help="Why it is asked for.")],
    person: AsPerson,
    csr: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A CSR it is for: fills the scope; may be repeated.")
    ] = None,
    years: Annotated[int | None, typer.Option(min=1, max=50, help="The CSRs ask for so many years.")] = None,
    not_before: NotBefore = None,
    not_after: NotAfter = None,
    at_most: Annotated[bool, typer.Option("--at-most", help="Less will do as well; exactly that without it.")] = False,
    purpose: Purpose = "",
    role: Annotated[
        list[RemotePartyRole] | None, typer.Option(metavar="ROLE", parser=read_role, help="A role besides the CSRs'.")
    ] = None,
    eui: Annotated[
        list[Eui64] | None, typer.Option(metavar="EUI-64", parser=read_eui, help="A subject besides the CSRs'.")
    ] = None,
    usage: Annotated[
        list[KeyUsage] | None, typer.Option(metavar="DS|KA", parser=read_usage, help="A usage besides the CSRs'.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", help="Of a public key that may be repeated, besides the CSRs'."),
    ] = None,
    count: Annotated[
        int, typer.Option("--max", min=0, metavar="NUMBER", help="So many certificates; one a CSR without it.")
    ] = 0,
    begins: Annotated[
        datetime | None,
        typer.Option("--from", metavar="MOMENT", parser=read_moment, help="Effective then; now without."),
    ] = None,
    document: Papers = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Ask for an approval, as an ARO; an approval of this name gets a new version."""
    from trustcell.app.drafting import scope_for
    from trustcell.app.governing import act, keep_documents
    from trustcell.app.home import open_home

    ask = asked(years, not_before, not_after, purpose)
    papers = _papers(csr or [], ask)
    more = Scope(
        frozenset(role or []), frozenset(eui or []), frozenset(usage or []), frozenset(key or []),
        exact=not at_most, max_certificates=count,
    )  # fmt: skip
    try:
        scope = scope_for(kind, papers, ask, more)
    except ValueError as error:
        raise typer.BadParameter(f"a CSR asks for a role that is not known: {error}") from None
    opened = open_home(home)
    now = at or opened.now()
    evidence = {*keep_documents(opened, document or []), *(opened.evidence.keep(paper.octets()) for paper in papers)}
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.draft_approval(
            books, credential, name, kind=kind, scope=scope, effective_from=begins or now, expires=expires,
            rationale=rationale, evidence=evidence, now=now,
        ),
    )  # fmt: skip
    _tell(made, now, as_json, "drafted: the SSC may give its view")


@app.command(name="ssc-view")
@refusals
def ssc_view(
    name: Name,
    digest: Digest,
    date: When,
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where it is minuted.")],
    position: Annotated[Position, typer.Option(help="Support, oppose, or no view; any of them will do.")],
    person: AsPerson,
    text: Annotated[str, typer.Option(metavar="TEXT", help="What it says.")] = "",
    document: Paper = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Record the view of the Security Sub-Committee on a draft."""
    from trustcell.app.governing import act, keep_documents, read_digest
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    paper = "".join(keep_documents(opened, [document] if document else []))
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.ssc_view(
            books, credential, name, digest=read_digest(opened.governance.register(books), name, digest), date=date,
            reference=reference, position=position, text=text, document=paper, now=now,
        ),
    )  # fmt: skip
    _tell(made, now, as_json, "viewed: the SMKI PMA may decide")


@app.command()
@refusals
def decide(
    name: Name,
    digest: Digest,
    date: When,
    meeting: Annotated[str, typer.Option(metavar="TEXT", help="The meeting that decided.")],
    minute: Annotated[str, typer.Option(metavar="TEXT", help="The minute it is in.")],
    quorum: Annotated[str, typer.Option(metavar="TEXT", help="Who decided, or where that is written.")],
    approve: Annotated[bool, typer.Option("--approve/--reject", help="What was decided.")],
    person: AsPerson,
    considered: Annotated[
        str, typer.Option(metavar="TEXT", help="States how the views of the SSC were taken into account.")
    ] = "",
    conditions: Annotated[str, typer.Option(metavar="TEXT", help="On which conditions.")] = "",
    document: Paper = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Record the decision of the SMKI PMA on a draft; nothing in it changes any more."""
    from trustcell.app.governing import act, keep_documents, read_digest
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    paper = "".join(keep_documents(opened, [document] if document else []))
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.decide(
            books, credential, name, digest=read_digest(opened.governance.register(books), name, digest), date=date,
            meeting=meeting, minute=minute, approved=approve, quorum=quorum, considered=bool(considered.strip()),
            considered_text=considered or "nothing is stated about them", conditions=conditions, document=paper,
            now=now,
        ),
    )  # fmt: skip
    _tell(made, now, as_json, "approved" if approve else "rejected")


@app.command()
@refusals
def withdraw(
    name: Name,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    person: AsPerson,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw an approval: nothing more is issued under it, what was issued stays."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.withdraw(books, credential, name, reason=reason, now=now),
    )  # fmt: skip
    _tell(made, now, as_json, "withdrawn")


@app.command()
@refusals
def show(
    name: Name,
    version: Annotated[int | None, typer.Option(min=1, help="This version; the newest without it.")] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Show what an approval says, what is issued under it, and every check of its state."""
    from trustcell.app.governing import approval_report
    from trustcell.app.home import open_home

    opened = open_home(home)
    report = approval_report(opened, name, at or opened.now(), version)
    if as_json:
        print_json(report)
    else:
        print_approval(report)


@app.command(name="list")
@refusals
def list_approvals(home: HomeFolder = DEFAULT_HOME, at: AtMoment = None, as_json: AsJson = False) -> None:
    """List all approvals with their newest version."""
    from trustcell.app.governing import approvals_listed
    from trustcell.app.home import open_home

    opened = open_home(home)
    found = approvals_listed(opened, at or opened.now())
    if as_json:
        print_json(found)
        return
    table = Table("approval", "version", "kind", "state", "used", "until", "asked for by", box=box.SIMPLE)
    for each in found:
        used = f"{each['uses']} of {each['max_certificates']}"
        row = (
            each["approval"],
            str(each["version"]),
            each["kind"],
            each["state"],
            used,
            each["expires"],
            each["requested_by"],
        )
        table.add_row(*(escape(value) for value in row))
    out.print(table)


def _tell(made: Approval, now: datetime, as_json: bool, what: str) -> None:
    from trustcell.app.governing import approval_facts

    report: dict[str, Any] = approval_facts(made, now, 0)
    if as_json:
        print_json(report)
    else:
        lines([f"{made.name} version {made.version} is {what}", f"  digest {made.digest}"])
