"""Statements about approvals: drafted, viewed by the SSC, decided by the SMKI PMA, withdrawn (smki.md 8)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from trustcell.governance.rules import fields
from trustcell.governance.rules.approval_scope import KIND_RULES, read_scope, scope_findings
from trustcell.governance.rules.approvals import (
    Approval,
    ApprovalKind,
    ApprovalState,
    PmaDecision,
    Position,
    SscView,
)
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import DUTIES, RECORD, REPEATED_KEY
from trustcell.governance.rules.duties import act_as_one
from trustcell.governance.rules.kind import StatementKind, Values
from trustcell.governance.rules.parties import Capacity, PartyKind
from trustcell.governance.rules.rulebook import rule_set
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.vocab import Finding

if TYPE_CHECKING:
    from trustcell.governance.rules.register import Register

DRAFT, SSC_VIEW, DECISION, WITHDRAWN = "approval.draft", "approval.ssc_view", "approval.decision", "approval.withdrawn"

TAKES: Mapping[str, Mapping[ApprovalState, str]] = {
    SSC_VIEW: {
        ApprovalState.DRAFT: "",
        ApprovalState.SSC_CONSULTED: "ssc_view_recorded",
        ApprovalState.APPROVED: "approval_decided",
        ApprovalState.REJECTED: "approval_decided",
        ApprovalState.EXPIRED: "approval_decided",
        ApprovalState.EXHAUSTED: "approval_decided",
        ApprovalState.WITHDRAWN: "approval_withdrawn",
    },
    DECISION: {
        ApprovalState.DRAFT: "ssc_view_missing",
        ApprovalState.SSC_CONSULTED: "",
        ApprovalState.APPROVED: "approval_decided",
        ApprovalState.REJECTED: "approval_decided",
        ApprovalState.EXPIRED: "approval_decided",
        ApprovalState.EXHAUSTED: "approval_decided",
        ApprovalState.WITHDRAWN: "approval_withdrawn",
    },
    WITHDRAWN: {
        ApprovalState.DRAFT: "",
        ApprovalState.SSC_CONSULTED: "",
        ApprovalState.APPROVED: "",
        ApprovalState.REJECTED: "approval_rejected",
        ApprovalState.EXPIRED: "",
        ApprovalState.EXHAUSTED: "",
        ApprovalState.WITHDRAWN: "approval_withdrawn",
    },
}
"""What each state makes of each statement: empty when it takes it, else the code of the refusal.

A version that was decided never changes; a change is a new version, with a view and a decision of its own.
"""

_REMEDIES = {
    "ssc_view_recorded": "draft a new version if the SSC has changed its view",
    "approval_decided": "draft a new version; what was decided does not change",
    "approval_withdrawn": "draft a new version",
    "approval_rejected": "nothing was approved that could be withdrawn",
    "ssc_view_missing": "record the view of the SSC first",
}


def _drafts(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    kind, scope, at = values["kind"], values["scope"], statement.at
    rules = KIND_RULES[kind]
    found = register.newest(statement.subject)
    number = 1 if found is None else found.version + 1
    if values["version"] != number:
        message = f"version {values['version']}, but {number} comes next"
        yield RECORD.breach("approval_version", "version", message, f"version {number}")
    if values["legal_basis"] != rules.legal_basis:
        yield rules.clause.breach("approval_legal_basis", "legal_basis", "it is another clause", rules.legal_basis)
    if found is not None and found.kind is not kind:
        message = f"{found.name} is a {found.kind} approval"
        yield RECORD.breach("approval_kind", "kind", message, "another name for another kind")
    if found is not None and not _acts_for(register, statement.actor) & _acts_for(register, found.requested_by):
        message = f"{found.name} was asked for by another party"
        yield RECORD.breach("approval_other_party", "approval", message, "another name")
    yield from scope_findings(kind, scope)
    yield from _dcc_alone(register, statement, kind)
    if values["effective_from"] > values["expires"]:
        message = f"it would be effective from {moment(values['effective_from'])}"
        yield RECORD.breach("approval_period", "expires", message, "an end after the beginning")
    if values["expires"] <= at:
        message = f"{moment(values['expires'])} is past"
        yield RECORD.breach("approval_expired", "expires", message, "an end in the future")
    rules_then = rule_set(values["effective_from"])
    if rules.modification and not rules_then.has(rules.modification):
        message = f"the rules of {rules_then.name} know no such approval"
        remedy = f"a day on which {rules.modification} is in force"
        yield rules.clause.breach(
            "approval_before_modification", "effective_from", message, remedy, rules=rules_then.name
        )


def _dcc_alone(register: "Register", statement: Statement, kind: ApprovalKind) -> Iterator[Finding]:
    if kind is not ApprovalKind.KEY_REUSE:
        return
    parties = (register.parties.get(name) for name in _acts_for(register, statement.actor))
    if not any(party is not None and party.kind is PartyKind.DCC for party in parties):
        message = f"{statement.actor} does not act for the DCC, which alone may repeat a key"
        yield REPEATED_KEY.breach("approval_not_for_dcc", "actor", message, "an ARO of the DCC")


def _acts_for(register: "Register", name: str) -> frozenset[str]:
    person = register.people.get(name)
    return person.acts_for if person is not None else frozenset()


def _takes(register: "Register", statement: Statement) -> Iterator[Finding]:
    found = register.newest(statement.subject)
    if found is None:
        message = f"{statement.subject} is no approval of the register"
        yield RECORD.breach("approval_not_found", "approval", message, "draft it first")
        return
    state = found.state_at(statement.at)
    code = TAKES[statement.kind][state]
    if code:
        message = f"version {found.version} of {found.name} is {state}"
        yield RECORD.breach(code, "approval", message, _REMEDIES[code])


def _this_draft(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    found = register.newest(statement.subject)
    if found is not None and values["digest"] != found.digest:
        message = f"it names {values['digest'][:16]}..., version {found.version} is {found.digest[:16]}..."
        yield RECORD.breach("approval_digest_mismatch", "digest", message, "the digest of the draft as it stands")


def _not_by_one(register: "Register", statement: Statement, others: Mapping[str, str]) -> Iterator[Finding]:
    for duty, name in others.items():
        if act_as_one(statement.actor, name, register.people):
            message = f"{name} {duty} it, and acts as one person with {statement.actor}"
            yield DUTIES.breach("separation_of_duties", "actor", message, "another person")


def _views(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _takes(register, statement)
    yield from _this_draft(register, statement, values)
    found = register.newest(statement.subject)
    if found is not None:
        yield from _not_by_one(register, statement, {"asked for": found.requested_by})
    if values["date"] > statement.at:
        message = f"{moment(values['date'])} is in the future"
        yield RECORD.breach("ssc_view_in_future", "date", message, "record it once it was given")
    if not (values["text"].strip() or values["document"] or values["position"] is Position.NO_VIEW):
        message = "neither its text nor a document says what the view is"
        yield RECORD.breach("ssc_view_empty", "text", message, "the text, or the SHA-256 of the document")


def _decides(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _takes(register, statement)
    yield from _this_draft(register, statement, values)
    found, date = register.newest(statement.subject), values["date"]
    if date > statement.at:
        yield RECORD.breach(
            "decision_in_future", "date", f"{moment(date)} is in the future", "record it once it is made"
        )
    if values["approved"] and not values["considered"]:
        message = "the views of the Security Sub-Committee were not taken into account"
        clause = KIND_RULES[found.kind].clause if found else RECORD
        yield clause.breach("ssc_views_not_considered", "considered", message, "consider them, and state so")
    if found is None:
        return
    rules, rules_then = KIND_RULES[found.kind], rule_set(date)
    others = {"asked for": found.requested_by}
    if found.ssc_view is not None:
        others["recorded the view of the SSC on"] = found.ssc_view.recorded_by
        if date < found.ssc_view.date:
            message = f"decided at {moment(date)}, the view of the SSC is of {moment(found.ssc_view.date)}"
            yield rules.clause.breach("ssc_view_after_decision", "date", message, "decide again with the view at hand")
    yield from _not_by_one(register, statement, others)
    if found.expires < statement.at:
        message = f"it would have ended at {moment(found.expires)}"
        yield RECORD.breach("approval_expired", "expires", message, "draft a new version with a later end")
    if rules.modification and not rules_then.has(rules.modification):
        message = f"the rules of {rules_then.name} know no such approval"
        remedy = f"a decision made since {rules.modification} is in force"
        yield rules.clause.breach("approval_before_modification", "date", message, remedy, rules=rules_then.name)


def _withdraws(register: "Register", statement: Statement, _: Values) -> Iterator[Finding]:
    yield from _takes(register, statement)


def _draft(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    statement = signed.statement
    approval = Approval(
        name=statement.subject,
        version=values["version"],
        kind=values["kind"],
        legal_basis=values["legal_basis"],
        effective_from=values["effective_from"],
        expires=values["expires"],
        requested_by=statement.actor,
        drafted_at=statement.at,
        rationale=values["rationale"],
        scope=values["scope"],
        digest=signed.digest,
        evidence=values["evidence"],
    )
    versions = (*register.versions.get(approval.name, ()), approval)
    return replace(register, versions={**register.versions, approval.name: versions})


def _change(register: "Register", approval: Approval) -> "Register":
    versions = tuple(
        approval if each.version == approval.version else each for each in register.versions[approval.name]
    )
    return replace(register, versions={**register.versions, approval.name: versions})


def _view(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    view = SscView(
        date=values["date"],
        reference=values["reference"],
        position=values["position"],
        text=values["text"],
        document=values["document"],
        recorded_by=signed.statement.actor,
        statement=signed.digest,
    )
    return _change(register, replace(register.versions[signed.statement.subject][-1], ssc_view=view))


def _decide(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    decision = PmaDecision(
        date=values["date"],
        meeting=values["meeting"],
        minute=values["minute"],
        approved=values["approved"],
        quorum=values["quorum"],
        considered=values["considered"],
        considered_text=values["considered_text"],
        conditions=values["conditions"],
        document=values["document"],
        decided_by=signed.statement.actor,
        statement=signed.digest,
    )
    return _change(register, replace(register.versions[signed.statement.subject][-1], decision=decision))


def _withdraw(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    """It ends for every version there is: what was superseded does not come back."""
    name, at, reason = signed.statement.subject, signed.statement.at, values["reason"]
    versions = tuple(
        each if each.withdrawn_at is not None else replace(each, withdrawn_at=at, withdrawn_reason=reason)
        for each in register.versions[name]
    )
    return replace(register, versions={**register.versions, name: versions})


APPROVAL_KINDS = (
    StatementKind(
        DRAFT,
        frozenset({Capacity.ARO}),
        RECORD,
        {
            "effective_from": fields.moment,
            "evidence": fields.distinct(fields.sha256),
            "expires": fields.moment,
            "kind": fields.choice(ApprovalKind),
            "legal_basis": fields.words,
            "rationale": fields.words,
            "scope": read_scope,
            "version": fields.number(1, 1_000_000),
        },
        _drafts,
        _draft,
    ),
    StatementKind(
        SSC_VIEW,
        frozenset({Capacity.SSC}),
        RECORD,
        {
            "date": fields.moment,
            "digest": fields.sha256,
            "document": fields.optional_sha256,
            "position": fields.choice(Position),
            "reference": fields.words,
            "text": fields.text,
        },
        _views,
        _view,
    ),
    StatementKind(
        DECISION,
        frozenset({Capacity.PMA}),
        RECORD,
        {
            "approved": fields.flag,
            "conditions": fields.text,
            "considered": fields.flag,
            "considered_text": fields.words,
            "date": fields.moment,
            "digest": fields.sha256,
            "document": fields.optional_sha256,
            "meeting": fields.words,
            "minute": fields.words,
            "quorum": fields.words,
        },
        _decides,
        _decide,
    ),
    StatementKind(WITHDRAWN, frozenset({Capacity.PMA}), RECORD, {"reason": fields.words}, _withdraws, _withdraw),
)
