"""Approvals of a bundle: whether one really covered this certificate on the day it was decided (smki.md 8)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from trustcell_audit.canonical import moment_of
from trustcell_audit.findings import Report
from trustcell_audit.people import People
from trustcell_audit.statements import Statement, Statements

MP261 = datetime(2024, 2, 29, tzinfo=UTC)
LISTED = frozenset({1, 4, 5, 6})
"""recovery, accessControlBroker, transitionalCoS, wanProvider: the roles of L11.4B(b)."""

_USAGES = {1: "digitalSignature", 16: "keyAgreement"}


@dataclass(frozen=True)
class Case:
    """What an approval has to cover: the certificate and the moment it was decided on."""

    record: dict[str, Any]
    party: str
    at: datetime
    issuer_ends: datetime

    @property
    def period(self) -> tuple[datetime, datetime]:
        """From when until when the certificate holds."""
        begin, end = moment_of(self.record["not_before"]), moment_of(self.record["not_after"])
        assert begin is not None
        assert end is not None
        return begin, end


def last_second(begin: datetime, years: int) -> datetime:
    """One second before the anniversary, 28 February for a leap day."""
    try:
        day = begin.replace(year=begin.year + years)
    except ValueError:
        day = begin.replace(year=begin.year + years, day=28)
    return day - timedelta(seconds=1)


def check_approval(
    name: str, case: Case, uses: list[dict[str, Any]], statements: Statements, people: People, report: Report
) -> str:
    """Check one approval from its statements; gives its kind, empty when nothing approved it."""
    place = f"approval {name}"
    draft = _decided_draft(name, case.at, statements)
    if draft is None:
        report.need(False, "approval_missing", place, "no draft of it was approved by the PMA before the decision")
        return ""
    decision, view = _beside(draft, "approval.decision", statements), _beside(draft, "approval.ssc_view", statements)
    assert decision is not None
    _bodies(place, draft, view, decision, people, case, report)
    _in_force(place, draft, decision, case, statements, people, report)
    _scope(place, draft.body["kind"], draft.body["scope"], case, people, report)
    _count(place, draft.body["scope"]["max_certificates"], uses, f"{case.record['issuer']}/{_short(case)}", report)
    return str(draft.body["kind"])


def documents(name: str, statements: Statements) -> set[str]:
    """The files that the statements about an approval cite by SHA-256."""
    found: set[str] = set()
    for said in statements.about(name):
        found |= set(said.body.get("evidence", ())) | {said.body.get("document", "")}
    return found - {""}


def _short(case: Case) -> str:
    return f"{int(case.record['serial'], 16):X}"


def _beside(draft: Statement, kind: str, statements: Statements) -> Statement | None:
    """The statement of this kind that names the digest of the draft."""
    return next((each for each in statements.about(draft.subject, kind) if each.body["digest"] == draft.digest), None)


def _decided_draft(name: str, at: datetime, statements: Statements) -> Statement | None:
    """The newest version that was approved by then."""
    found = None
    for draft in statements.about(name, "approval.draft"):
        decision = _beside(draft, "approval.decision", statements)
        if decision is not None and decision.body["approved"] and decision.at <= at:
            found = draft
    return found


def _bodies(
    place: str,
    draft: Statement,
    view: Statement | None,
    decision: Statement,
    people: People,
    case: Case,
    report: Report,
) -> None:
    """Two bodies, in their order, and the statement that the views of one were taken into account by the other."""
    decided = moment_of(decision.body["date"])
    stated = decision.body["considered"] is True and str(decision.body["considered_text"]).strip()
    report.need(
        bool(stated), "ssc_views_not_considered", place, "no statement that SSC views were considered", "considered"
    )
    minuted = all(str(decision.body[each]).strip() for each in ("meeting", "minute", "quorum"))
    report.need(minuted, "decision_without_minute", place, "meeting, minute and quorum were expected", "minute")
    on_time = decided is not None and decided <= decision.at <= case.at
    report.need(on_time, "decision_late", place, "decided or recorded after the certificate was", "date")
    if report.need(view is not None, "ssc_view_missing", place, "no view of the Security Sub-Committee is on record"):
        assert view is not None
        viewed = moment_of(view.body["date"])
        before = viewed is not None and decided is not None and viewed <= decided and view.number < decision.number
        report.need(before, "ssc_view_after_decision", place, "the view of the SSC is dated after the decision", "date")
    duties = [("asked for it", draft.actor), ("decided on it", decision.actor)]
    duties += [("recorded the view of the SSC", view.actor)] if view else []
    for sentence in people.separate(duties):
        report.need(False, "separation_of_duties", place, sentence)


def _in_force(
    place: str,
    draft: Statement,
    decision: Statement,
    case: Case,
    statements: Statements,
    people: People,
    report: Report,
) -> None:
    begins, ends, decided = (
        moment_of(each) for each in (draft.body["effective_from"], draft.body["expires"], decision.body["date"])
    )
    inside = begins is not None and ends is not None and begins <= case.at <= ends
    report.need(inside, "approval_not_in_force", place, "the decision on the certificate lies outside it", "expires")
    if draft.body["kind"] in ("VALIDITY", "KEY_REUSE"):
        known = begins is not None and decided is not None and min(begins, decided) >= MP261
        report.need(known, "approval_before_modification", place, "older than MP261 (2024-02-29)", "effective_from")
    ended = [each for each in statements.about(draft.subject, "approval.withdrawn") if each.at <= case.at]
    ended = [each for each in ended if each.number > draft.number]
    report.need(not ended, "approval_withdrawn", place, "it had been withdrawn")
    decider = people.people.get(decision.actor)
    stands = decider is not None and decider.held_throughout("pma", decision.at, case.at)
    report.need(stands, "approval_void", place, f"{decision.actor} did not speak for the PMA until then", "decided_by")


def _scope(place: str, kind: str, scope: dict[str, Any], case: Case, people: People, report: Report) -> None:
    record, party = case.record, people.parties.get(case.party, {})
    entity = "-".join(record["entity_id"][at : at + 2] for at in range(0, 16, 2)).upper()
    covered = {
        "roles": record["role"] in scope["roles"],
        "subjects": not scope["subjects"] or entity in scope["subjects"],
        "key_usages": not scope["key_usages"] or _USAGES.get(record["key_usage"]) in scope["key_usages"],
        "keys": not scope["keys"] or record["key"] in scope["keys"],
        "requests": not scope["requests"] or record["request"] in scope["requests"],
        "purpose": not scope["purpose"] or record["purpose"] == scope["purpose"],
    }
    for name, holds in covered.items():
        report.need(holds, "approval_scope", place, "it does not cover this certificate", f"scope.{name}")
    if kind == "VALIDITY":
        report.need(_validity(scope, case), "approval_scope", place, "another period than it allows", "scope.years")
    if kind == "KEY_REUSE":
        listed = record["role"] in LISTED
        report.need(listed, "role_not_listed", place, "the role is none of L11.4B(b)", "role")
        report.need(
            party.get("kind") == "dcc", "party_not_dcc", place, "the DCC alone may repeat a key (L11.4A)", "party"
        )
        report.need(record["key"] in scope["keys"], "approval_scope", place, "it does not name the key", "scope.keys")


def _validity(scope: dict[str, Any], case: Case) -> bool:
    begin, end = case.period
    limit = moment_of(scope["not_after"]) if scope["not_after"] else last_second(begin, scope["years"])
    if limit is None:
        return False
    return end == limit if scope["exact"] else end <= limit


def _count(place: str, limit: int, uses: list[dict[str, Any]], certificate: str, report: Report) -> None:
    numbers = [each["number"] for each in uses]
    in_order = numbers == list(range(1, len(numbers) + 1))
    report.need(in_order, "approval_uses", place, f"uses are numbered {numbers}", "uses")
    within = len(numbers) <= limit
    report.need(within, "approval_used_up", place, f"{len(numbers)} uses of {limit}", "uses")
    counted = sum(each["certificate"] == certificate for each in uses)
    report.need(counted == 1, "approval_use_not_counted", place, f"{certificate} is counted {counted} times", "uses")
