"""Approvals: drafted, viewed by the SSC, decided by the SMKI PMA, each by somebody else, each over the same digest."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from trustcell import certs
from trustcell.app.accounts import ConsoleRole
from trustcell.app.certificate_facts import role_title
from trustcell.app.drafting import scope_for
from trustcell.app.governing import act, approval_report, approvals_listed, read_digest
from trustcell.app.request_papers import RequestPaper
from trustcell.governance.rules.approvals import ApprovalKind, Position, Scope
from trustcell.smki.ports import Books
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.records import Family, Query
from trustcell.web.console.authority import home_of, moment_field, needed, whole
from trustcell.web.console.visit import Page, Section, Visit

if TYPE_CHECKING:
    from trustcell.app.home import Home

REQUESTERS = frozenset({ConsoleRole.REQUESTER})
APPROVERS = frozenset({ConsoleRole.APPROVER})
_MOST_CSRS = 40


async def approvals(visit: Visit) -> Response:
    """All of them with their newest version."""
    found = await visit.ask(approvals_listed, home_of(visit), visit.door.authority_now())
    return visit.page("approvals", found=found, kinds=[kind.value for kind in ApprovalKind])


async def approval(visit: Visit) -> Response:
    """What it says, exactly what would be issued under it beside what is there now, and every check of its state."""
    report = await visit.ask(approval_report, home_of(visit), visit.path("name"), visit.door.authority_now())
    changes = await visit.ask(_changes, visit, report["requests"])
    positions = [each.value for each in Position]
    return visit.page("approval", report=report, changes=changes, positions=positions, today=visit.door.authority_now())


def _changes(visit: Visit, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each request, what would be issued beside the newest certificate of the same subject, role and use."""
    home, now = home_of(visit), visit.door.authority_now()
    found = []
    for each in requests:
        if "role" not in each:
            found.append({"request": each["request"], "state": each["state"], "rows": []})
            continue
        with home.store.reading() as books:
            before = _newest(books, each, now)
        period = each["not_after"] or f"{each['years'] or 10} years from issue"
        rows = [
            ("subject", before and before.subject, each["subject"]),
            ("role", before and role_title(before.role), role_title(each["role"])),
            ("use", before and before.key_usage.title, each["key_usage"]),
            ("public key", before and before.key.hex(), each["key_sha256"]),
            ("ends", before and f"{before.not_after:%Y-%m-%dT%H:%M:%SZ}", period),
            ("for", before and before.purpose, each["purpose"]),
        ]
        found.append({"request": each["request"], "state": each["state"], "rows": rows})
    return found


def _newest(books: Books, each: dict[str, Any], now: datetime) -> Any:
    if not each["entity"]:
        return None
    from trustcell.vocab import Eui64

    query = Query(entity_id=Eui64.parse(each["entity"]), role=each["role"], family=Family.ORGANISATION)
    same = [
        record
        for record in books.certificates.search(query, now)
        if record.key_usage.title == each["key_usage"] and record.request != each["request"]
    ]
    return max(same, key=lambda record: record.issued_at, default=None)


async def draft(visit: Visit) -> Response:
    """Ask for an approval, as an ARO."""
    home, form, now = home_of(visit), visit.form, visit.door.authority_now()
    name = needed(form, "name")
    kind = ApprovalKind(needed(form, "kind"))
    ask = Ask(whole(form, "years"), None, moment_field(form, "not_after"), (), form.get("purpose", "").strip())
    csrs = [octets for field, octets in sorted(visit.uploads.items()) if field.startswith("csr") and octets]
    if text := form.get("csr_text", "").strip():
        csrs += [part.encode() for part in _split(text)]
    if len(csrs) > _MOST_CSRS:
        raise ValueError(f"{_MOST_CSRS} CSRs at most in one draft")
    papers = [RequestPaper(certs.load_csr(each), ask) for each in csrs]
    scope = scope_for(kind, papers, ask, _wanted(form))
    expires = moment_field(form, "expires")
    if expires is None:
        raise ValueError("expires: it is empty")

    def write() -> None:
        evidence = {home.evidence.keep(paper.octets()) for paper in papers}
        act(
            home, visit.person, name, now,
            lambda books, credential: home.governance.draft_approval(
                books, credential, name, kind=kind, scope=scope, effective_from=now, expires=expires,
                rationale=needed(form, "rationale"), evidence=evidence, now=now,
            ),
            form.get("pin", ""),
        )  # fmt: skip

    await visit.ask(write)
    return visit.go(f"/console/approvals/{name}", "Drafted: the SSC may give its view.")


def _wanted(form: Mapping[str, str]) -> Scope:
    """What is said besides the CSRs."""
    nobody: frozenset[Any] = frozenset()
    exact = form.get("at_most") != "yes"
    return Scope(nobody, nobody, nobody, nobody, exact=exact, max_certificates=whole(form, "count") or 0)


def _read(home: "Home", books: Books, name: str, form: Mapping[str, str]) -> str:
    """The digest of the draft that the page showed; ``Refused`` when there is a newer one."""
    return read_digest(home.governance.register(books), name, needed(form, "digest"))


def _split(text: str) -> list[str]:
    """PEM blocks one after the other, or one CSR in another armour."""
    end = "-----END CERTIFICATE REQUEST-----"
    parts = [part.strip() for part in text.split(end)]
    return [part + "\n" + end for part in parts if part] if end in text else [text]


async def ssc_view(visit: Visit) -> Response:
    """Record the view of the Security Sub-Committee."""
    home, form, now, name = home_of(visit), visit.form, visit.door.authority_now(), visit.path("name")

    def write() -> None:
        document = visit.uploads.get("document", b"")
        paper = home.evidence.keep(document) if document else ""
        act(
            home, visit.person, name, now,
            lambda books, credential: home.governance.ssc_view(
                books, credential, name, digest=_read(home, books, name, form),
                date=moment_field(form, "date") or now, reference=needed(form, "reference"),
                position=Position(needed(form, "position")), text=form.get("text", ""), document=paper, now=now,
            ),
            form.get("pin", ""),
        )  # fmt: skip

    await visit.ask(write)
    return visit.go(f"/console/approvals/{name}", "The view is recorded: the SMKI PMA may decide.")


async def decide(visit: Visit) -> Response:
    """Record the decision of the SMKI PMA; nothing in the draft changes any more."""
    home, form, now, name = home_of(visit), visit.form, visit.door.authority_now(), visit.path("name")
    approved = needed(form, "decision") == "approve"

    def write() -> None:
        document = visit.uploads.get("document", b"")
        paper = home.evidence.keep(document) if document else ""
        considered = form.get("considered", "").strip()
        act(
            home, visit.person, name, now,
            lambda books, credential: home.governance.decide(
                books, credential, name, digest=_read(home, books, name, form),
                date=moment_field(form, "date") or now, meeting=needed(form, "meeting"), minute=needed(form, "minute"),
                approved=approved, quorum=needed(form, "quorum"), considered=bool(considered),
                considered_text=considered or "nothing is stated about them", conditions=form.get("conditions", ""),
                document=paper, now=now,
            ),
            form.get("pin", ""),
        )  # fmt: skip

    await visit.ask(write)
    return visit.go(f"/console/approvals/{name}", "Approved." if approved else "Rejected.")


async def withdraw(visit: Visit) -> Response:
    """Withdraw it: nothing more is issued under it, what was issued stays."""
    home, form, now, name = home_of(visit), visit.form, visit.door.authority_now(), visit.path("name")
    reason = needed(form, "reason")
    await visit.ask(
        act, home, visit.person, name, now,
        lambda books, credential: home.governance.withdraw(books, credential, name, reason=reason, now=now),
        form.get("pin", ""),
    )  # fmt: skip
    return visit.go(f"/console/approvals/{name}", "Withdrawn.")


SECTIONS = (Section("Approvals", "/console/approvals", "trust"),)
PAGES = (
    Page("/console/approvals", approvals),
    Page("/console/approvals", draft, REQUESTERS, "POST"),
    Page("/console/approvals/{name}", approval),
    Page("/console/approvals/{name}/ssc-view", ssc_view, APPROVERS, "POST"),
    Page("/console/approvals/{name}/decision", decide, APPROVERS, "POST"),
    Page("/console/approvals/{name}/withdraw", withdraw, APPROVERS, "POST"),
)
