"""The audit log: its newest entries, its signed head, and the verdict of the separate audit program."""

from collections import deque
from typing import Any

from starlette.responses import Response

from trustcell.app.accounts import ConsoleRole
from trustcell.app.audit_home import audit_lines, verify_log
from trustcell.app.jobs import Progress
from trustcell.web.console.authority import home_of
from trustcell.web.console.visit import Page, Section, Visit, download

AUDITORS = frozenset({ConsoleRole.AUDITOR})
_SHOWN, _LOOKED_AT = 100, 2_000
"""Of a kind, the newest entries are looked through; the export and trustcell audit show have all."""
_JOB = "audit"


async def audit(visit: Visit) -> Response:
    """The last entries, of one subject or kind when asked so."""
    subject, kind = visit.asked("subject"), visit.asked("kind")
    entries, head = await visit.ask(_newest, visit, subject, kind)
    return visit.page(
        "audit", entries=entries, head=head, subject=subject, kind=kind, jobs=visit.door.jobs.of(_JOB)[:3],
    )  # fmt: skip


def _newest(visit: Visit, subject: str, kind: str) -> tuple[list[dict[str, Any]], Any]:
    with visit.door.repository.repository.store.reading() as books:
        head = books.audit.head()
        first = 1 if head is None else max(1, head.seq - (_LOOKED_AT if kind else _SHOWN) + 1)
        entries = iter(books.audit.about(subject)) if subject else books.audit.entries(first)
        kept = deque((each for each in entries if not kind or each.kind.startswith(kind)), _SHOWN)
    shown = [
        {
            "seq": each.seq, "at": f"{each.at:%Y-%m-%dT%H:%M:%SZ}", "kind": each.kind, "subject": each.subject,
            "facts": ", ".join(f"{name} {_short(value)}" for name, value in each.body.items() if value),
        }
        for each in reversed(kept)
    ]  # fmt: skip
    return shown, head


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


async def verify(visit: Visit) -> Response:
    """Let the audit program look at the whole log."""
    home = home_of(visit)

    def task(told: Progress) -> dict[str, Any]:
        told(0, 1)
        verdict = verify_log(home)
        told(1, 1)
        return verdict

    visit.door.jobs.start(visit.reference, _JOB, "The audit program verifies the log", visit.actor.name, task)
    return visit.go("/console/audit")


async def export(visit: Visit) -> Response:
    """The whole log as lines of JSON, which the audit program reads offline."""
    octets = await visit.ask(lambda: b"".join(audit_lines(home_of(visit))))
    return download(octets, "audit-log.jsonl", "application/jsonl")


SECTIONS = (Section("Audit", "/console/audit", "trust"),)
PAGES = (
    Page("/console/audit", audit, frozenset({ConsoleRole.AUDITOR, ConsoleRole.OPERATOR})),
    Page("/console/audit/verify", verify, AUDITORS, "POST"),
    Page("/console/audit/export", export, AUDITORS),
)
