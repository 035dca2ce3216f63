"""The approvals a request cites: which of them covers what it needs, and why the others do not."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trustcell.governance.rules.approval_rules import Circumstances, Wanted, approval_covers, last_moment
from trustcell.governance.rules.approvals import Approval, ApprovalKind
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import RECORD
from trustcell.smki.rules.clauses import DUTIES
from trustcell.smki.rules.facts import Application, Cited, Facts
from trustcell.vocab import Finding


def asked_period(application: Application, facts: Facts) -> tuple[datetime, datetime]:
    """From when until when the certificate is asked for; 10 calendar years from now unless the request says more."""
    ask = application.ask
    begin = ask.not_before or facts.now.replace(microsecond=0)
    return begin, ask.not_after or last_moment(begin, ask.years or facts.environment.organisation_years)


def choose(kind: ApprovalKind, application: Application, facts: Facts) -> tuple[Approval | None, list[Finding]]:
    """The first cited approval of this kind that covers the request, or what keeps each of them from it."""
    csr = application.csr
    begin, end = asked_period(application, facts)
    wanted = Wanted(
        kind=kind,
        role=csr.role,
        subject=csr.entity_id,
        key_usage=csr.key_usage,
        key=application.key_hex,
        request=application.name,
        not_before=begin,
        not_after=end,
        purpose=application.ask.purpose,
        requester=facts.requester.name if facts.requester else "",
        operator=facts.operator.name if facts.operator else "",
    )
    findings: list[Finding] = []
    for each in facts.approvals:
        if each.approval is not None and each.approval.kind is not kind:
            continue
        at = Circumstances(now=facts.now, rules=facts.rules, uses=each.uses, people=facts.people)
        found = [*approval_covers(each.approval, wanted, at), *_unbound(each.approval, facts), *_altered(each)]
        if not found:
            return each.approval, []
        findings += found
    return None, findings


def described(facts: Facts) -> list[Mapping[str, Any]]:
    """The cited approvals as plain values."""
    return [_described(each, facts) for each in facts.approvals]


def _unbound(approval: Approval | None, facts: Facts) -> list[Finding]:
    if approval is None or approval.scope.requests or not facts.environment.approvals_bind_requests:
        return []
    message = f"{approval.name} names no request, so it was not given for this one"
    return [DUTIES.breach("approval_digest_mismatch", "request", message, "an approval that names the request")]


def _altered(each: Cited) -> Iterator[Finding]:
    """An approval is relied on with the documents it was given on, or not at all (hostile V5)."""
    for name, code in each.altered:
        message = f"the file {name} behind {each.name} is not the one that was kept"
        yield RECORD.breach(code, "evidence", message, "restore it from a backup", approval=each.name)


def _described(each: Cited, facts: Facts) -> Mapping[str, Any]:
    approval = each.approval
    if approval is None:
        return {"name": each.name, "state": None}
    return {
        "name": each.name,
        "version": approval.version,
        "kind": approval.kind.value,
        "state": approval.state_at(facts.now, each.uses).value,
        "uses": each.uses,
        "of": approval.scope.max_certificates,
        "ssc_view": moment(approval.ssc_view.date) if approval.ssc_view else None,
        "decision": moment(approval.decision.date) if approval.decision else None,
        "digest": approval.digest,
        "evidence_altered": [name for name, _ in each.altered],
    }
