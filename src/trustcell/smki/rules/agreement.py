"""Whether all that is kept about a certificate tells one story: request, decision, twin, log, record (I4, I5, I9).

Pure: what the books hold comes in, faults go out. What the octets say is judged elsewhere, by code not shared with the
issuer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trustcell.governance.rules.approvals import Approval, ApprovalKind
from trustcell.governance.rules.canonical import digest, moment
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.rules.appendix_b_6_3_2 import last_second
from trustcell.smki.rules.records import ABANDONED, CertificateRecord, DecisionRecord, IntentRecord, RequestRecord
from trustcell.smki.rules.revocation import identity

_CHECKS = tuple(f"C{number}" for number in range(1, 12))
_TBS_START = 4
"""Octets of the tag and length before the TBSCertificate; a certificate has 256 octets or more."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it must be: the invariant it breaks, a stable code, about what, in which field."""

    invariant: str
    code: str
    subject: str
    message: str
    field: str = ""

    def __str__(self) -> str:
        """One sentence."""
        place = f"{self.subject}, {self.field}" if self.field else self.subject
        return f"{place}: {self.message} ({self.invariant}) [{self.code}]"

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return {
            "invariant": self.invariant,
            "code": self.code,
            "subject": self.subject,
            "field": self.field,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Papers:
    """What the books hold about one certificate. ``entries`` are bodies of audit entries by kind, newest last."""

    record: CertificateRecord
    request: RequestRecord | None = None
    decisions: Sequence[DecisionRecord] = ()
    intent: IntentRecord | None = None
    entries: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def agreement(papers: Papers, approvals: Mapping[str, Approval], years: int) -> Iterator[Fault]:
    """What does not agree about a certificate that was issued on a request; ``years`` is the nominal period."""
    record, request = papers.record, papers.request
    name = identity(record.issuer, record.serial)
    if request is None:
        yield Fault("I4", "request_missing", name, "there is no request for it", "request")
        return
    same = (request.family, request.key, request.role, request.entity_id, request.key_usage)
    if same != (record.family, record.key, record.role, record.entity_id, record.key_usage):
        yield Fault("I4", "request_differs", name, "its request is for another key, role, subject or usage", "request")
    yield from _octets(papers, name)
    if record.kind == ABANDONED:
        yield from _entry(papers, "certificate.abandoned", {"request": record.request}, name)
        return
    granted = [each for each in papers.decisions if each.granted and each.certificate == (record.issuer, record.serial)]
    if len(granted) != 1:
        yield Fault("I4", "decision_missing", name, f"{len(granted)} decisions granted it", "decision")
        return
    decision = granted[0]
    yield from _decision(papers, decision, name)
    yield from _exceptions(record, decision, approvals, years, name)
    yield from _log(papers, request, decision, name)


def own_period(record: CertificateRecord, issuers: Sequence[CertificateRecord]) -> Iterator[Fault]:
    """Whether an authority of the issuer's name was in its period when the certificate was issued (I9, 6.3.2(C))."""
    name = identity(record.issuer, record.serial)
    if record.imported:
        return
    if not any(each.not_before <= record.issued_at <= each.not_after for each in issuers):
        message = f"issued at {moment(record.issued_at)}, outside the period of {record.issuer}"
        yield Fault("I9", "ca_key_period", name, message, "issued_at")
    for each in issuers:
        if each.revoked_at is not None and record.issued_at >= each.revoked_at:
            message = f"issued at {moment(record.issued_at)}, after {record.issuer} was revoked"
            yield Fault("I9", "ca_key_revoked", name, message, "issued_at")


def tbs_of(der: bytes) -> bytes:
    """The TBSCertificate of a certificate in DER; empty when it is none of 256 octets to 64 KiB."""
    start = _TBS_START
    if len(der) < 2 * start or der[:2] != b"\x30\x82" or der[start : start + 2] != b"\x30\x82":
        return b""
    return der[start : start + 4 + int.from_bytes(der[start + 2 : start + 4], "big")]


def _octets(papers: Papers, name: str) -> Iterator[Fault]:
    """The intent and its twin hold the octets that were signed, to the last one."""
    record, intent = papers.record, papers.intent
    if intent is None:
        yield Fault("I4", "intent_missing", name, "nothing says what was about to be signed", "intent")
        return
    tbs = tbs_of(record.der)
    if intent.tbs != tbs:
        yield Fault("I4", "intent_differs", name, "other octets were about to be signed", "tbs")
    if tbs_of(intent.twin) != tbs:
        yield Fault("I4", "twin_differs", name, "the twin that was linted has other octets", "twin")
    wanted = "abandoned" if record.kind == ABANDONED else "issued"
    if intent.settled != wanted:
        yield Fault("I4", "intent_unsettled", name, f"its intent is {intent.settled or 'open'}, not {wanted}", "intent")


def _decision(papers: Papers, decision: DecisionRecord, name: str) -> Iterator[Fault]:
    record, request = papers.record, papers.request
    assert request is not None
    verdicts = {str(each["check"]): each["verdict"] for each in decision.checks}
    if tuple(verdicts) != _CHECKS or set(verdicts.values()) != {"met"}:
        yield Fault("I4", "checks_incomplete", name, "not every check C1 to C11 was met", "checks")
    if decision.rule_set != rule_set(decision.at).name:
        yield Fault("I4", "rule_set_wrong", name, f"{decision.rule_set} at {moment(decision.at)}", "rule_set")
    if decision.approvals != record.approvals:
        yield Fault("I4", "approvals_differ", name, "record and decision name other approvals", "approvals")
    facts = {str(each["check"]): each["facts"] for each in decision.checks}
    judged: dict[tuple[str, str], Any] = {
        ("C1", "key_sha256"): record.key.hex(),
        ("C4", "requester"): request.requester,
        ("C4", "party"): request.party,
        ("C7", "not_before"): moment(record.not_before),
        ("C7", "not_after"): moment(record.not_after),
        ("C10", "serial"): f"{record.serial:032X}",
        ("C11", "statement"): request.statement,
        ("C11", "operator"): decision.decider,
    }
    for (check, field_name), value in judged.items():
        found = facts.get(check, {}).get(field_name)
        if found != value:
            message = f"it was judged by {found!r}, not {value!r}"
            yield Fault("I4", "check_facts_differ", name, message, f"{check}.{field_name}")


def _exceptions(
    record: CertificateRecord,
    decision: DecisionRecord,
    approvals: Mapping[str, Approval],
    years: int,
    name: str,
) -> Iterator[Fault]:
    """What is not plain stands on an approval that was in force, about this role, and decided before."""
    kinds = set()
    for each in decision.approvals:
        approval = approvals.get(each)
        made = approval.decision if approval is not None else None
        if approval is None or made is None or not made.approved:
            yield Fault("I4", "approval_missing", name, f"nobody approved {each}", "approvals")
            continue
        kinds.add(approval.kind)
        if not approval.effective_from <= decision.at <= approval.expires or made.date > decision.at:
            yield Fault("I4", "approval_not_in_force", name, f"{each} was not in force", "approvals")
        if record.role not in approval.scope.roles:
            yield Fault("I4", "approval_scope", name, f"{each} is for other roles", "approvals")
    if record.not_after != last_second(record.not_before, years) and ApprovalKind.VALIDITY not in kinds:
        message = f"it does not last {years} years, and no VALIDITY approval says why"
        yield Fault("I4", "validity_not_approved", name, message, "not_after")
    if record.key_use > 0 and ApprovalKind.KEY_REUSE not in kinds:
        message = "it repeats a key, and no KEY_REUSE approval says why"
        yield Fault("I5", "key_reuse_not_approved", name, message, "key")


def _log(papers: Papers, request: RequestRecord, decision: DecisionRecord, name: str) -> Iterator[Fault]:
    record, tbs = papers.record, tbs_of(papers.record.der)
    digests = {"tbs_sha256": digest(tbs)}
    if papers.intent is not None:
        digests["twin_sha256"] = digest(papers.intent.twin)
    yield from _entry(papers, "request.approved", {"statement": request.statement, "party": request.party}, name)
    yield from _entry(
        papers,
        "certificate.intended",
        digests | {"decision": decision.number, "operator": decision.decider, "statement": decision.statement},
        name,
    )
    yield from _entry(
        papers,
        "certificate.issued",
        digests
        | {
            "approvals": list(record.approvals),
            "decision": decision.number,
            "key_use": record.key_use,
            "request": record.request,
            "rule_set": decision.rule_set,
            "sha256": digest(record.der),
        },
        name,
    )


def _entry(papers: Papers, kind: str, facts: Mapping[str, Any], name: str) -> Iterator[Fault]:
    found = papers.entries.get(kind, ())
    if not found:
        yield Fault("I4", "audit_entry_missing", name, f"the audit log has no {kind} about it", kind)
        return
    for field_name, value in facts.items():
        if found[-1].get(field_name) != value:
            message = f"the audit log says {found[-1].get(field_name)!r}, the books {value!r}"
            yield Fault("I4", "audit_entry_differs", name, message, f"{kind}.{field_name}")
