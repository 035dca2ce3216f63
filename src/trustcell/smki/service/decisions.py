"""Decisions about requests: every check with its facts, kept for what is granted and for what is refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.ports import Books
from trustcell.smki.rules.audit_forms import decision_digest
from trustcell.smki.rules.checks import Checked, errors
from trustcell.smki.rules.exceptions import used
from trustcell.smki.rules.facts import Application, Facts
from trustcell.smki.rules.records import DecisionRecord, IntentRecord, RequestRecord
from trustcell.smki.service.intents import abandon
from trustcell.vocab import Finding, Refused


class Declined(Refused):
    """The checks of a request were not met; ``decision`` is what is to be recorded of it, ``request`` if it is new."""

    def __init__(
        self, findings: Sequence[Finding], decision: DecisionRecord, request: RequestRecord | None = None
    ) -> None:
        """Keep the decision beside the findings."""
        super().__init__(findings)
        self.decision = decision
        self.request = request


class Unfinished(Refused):
    """An intent that came to no certificate."""

    def __init__(self, findings: Sequence[Finding], intent: IntentRecord) -> None:
        """Keep the intent beside the findings."""
        super().__init__(findings)
        self.intent = intent


def decision_of(
    application: Application,
    facts: Facts,
    checked: tuple[Checked, ...],
    decider: str,
    statement: str = "",
    certificate: tuple[str, int] | None = None,
) -> DecisionRecord:
    """The decision the checks lead to; its number is given when it is kept."""
    granted = not errors(checked)
    return DecisionRecord(
        application.name,
        0,
        facts.now,
        facts.rules.name,
        granted,
        tuple(each.as_json() for each in checked),
        tuple(each.name for each in used(application, facts)) if granted else (),
        decider,
        statement,
        certificate if granted else None,
    )


def told(decision: DecisionRecord) -> dict[str, Any]:
    """What the audit chain says of a decision that was kept: its number, and the digest of all that stands in it."""
    return {"decision": decision.number, "decision_sha256": decision_digest(decision)}


def log_refusal(
    books: Books, kind: str, subject: str, actor: str, refusal: Refused, now: datetime, **facts: Any
) -> None:
    """One entry of the audit chain for a refusal, with every finding; a decision beside it if checks led to it."""
    body: dict[str, Any] = {
        "actor": actor,
        "findings": [each.as_json() for each in refusal.findings],
        "rule_set": rule_set(now).name,
        **facts,
    }
    if isinstance(refusal, Declined):
        if refusal.request is not None:
            if books.requests.get(subject) is not None:
                books.requests.move(subject, refusal.request.state)
            books.requests.add(refusal.request)
        body |= told(books.requests.decide(refusal.decision))
    if isinstance(refusal, Unfinished):
        stands = books.requests.intent(refusal.intent.issuer, refusal.intent.serial)
        if stands is not None and not stands.settled:
            abandon(books, stands, now)
    books.audit.append(kind, subject, body, now)
