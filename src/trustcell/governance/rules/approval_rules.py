"""Whether an approval covers what somebody wants to do: each limb that is missing is a finding of its own.

L11.4B(a) and Appendix B 6.3.2(A)(i): the SMKI PMA approved it, having taken into account the views of the SSC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trustcell.certs import NO_EXPIRY, anniversary
from trustcell.governance.rules.approval_scope import KIND_RULES, KindRules
from trustcell.governance.rules.approvals import Approval, ApprovalKind
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import DUTIES, LISTED_ROLES, RECORD
from trustcell.governance.rules.duties import act_as_one
from trustcell.governance.rules.parties import Capacity, Person
from trustcell.governance.rules.rulebook import RuleSet, rule_set
from trustcell.vocab import Eui64, Finding, KeyUsage, RemotePartyRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to do under an approval of this kind.

    ``key`` is the SHA-256 (hex) of the SubjectPublicKeyInfo, ``request`` the name of the request; an approval that
    names none is not asked for it. The period is asked for from ``not_before`` to ``not_after``. ``requester`` and
    ``operator`` are names of people: who asks, and who issues, if that is known yet.
    """

    kind: ApprovalKind
    role: RemotePartyRole | int | None = None
    subject: Eui64 | None = None
    key_usage: KeyUsage | None = None
    key: str = ""
    request: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    purpose: str = ""
    requester: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When an approval is relied on: the moment, the rules in force, its uses so far, and who is who."""

    now: datetime
    rules: RuleSet
    uses: int = 0
    people: Mapping[str, Person] = field(default_factory=dict)


def approval_covers(approval: Approval | None, wanted: Wanted, circumstances: Circumstances) -> list[Finding]:
    """Everything that keeps this approval from covering what is wanted; empty when it does."""
    kind = KIND_RULES[wanted.kind]
    if approval is None:
        message = "there is no approval of this name"
        return [kind.clause.breach("approval_not_found", "approval", message, "cite an approval of the SMKI PMA")]
    if approval.kind is not wanted.kind:
        message = f"{approval.name} is a {approval.kind} approval"
        return [kind.clause.breach("approval_kind", "approval", message, f"cite a {wanted.kind} approval")]
    found = (
        *standing(approval, circumstances),
        *_scope(approval, wanted, kind),
        *_people(approval, wanted, circumstances.people),
    )
    return list(found)


def standing(approval: Approval, circumstances: Circumstances) -> list[Finding]:
    """Everything that keeps this approval from covering anything, whatever is wanted."""
    kind = KIND_RULES[approval.kind]
    return [
        *_decided(approval, kind),
        *_in_force(approval, kind, circumstances),
        *_by_the_rules(approval, kind, circumstances.rules),
    ]


def last_moment(not_before: datetime, years: int) -> datetime:
    """The end of so many calendar years: one second before the anniversary (trap T17)."""
    end = anniversary(not_before, years)
    return NO_EXPIRY if end is None else end - timedelta(seconds=1)


def _decided(approval: Approval, kind: KindRules) -> Iterator[Finding]:
    decision, view = approval.decision, approval.ssc_view
    breach, name = kind.clause.breach, approval.name
    if view is None:
        message = f"no view of the Security Sub-Committee is recorded for {name}"
        yield breach("ssc_view_missing", "ssc_view", message, "a view before the decision; it may be negative")
    if decision is None:
        yield breach(
            "approval_not_decided", "decision", f"the SMKI PMA has not decided {name}", "wait for the decision"
        )
        return
    if not decision.approved:
        message = f"the SMKI PMA rejected {name}: {decision.minute}"
        yield breach("approval_rejected", "decision", message, "cite another approval")
    if view is not None and view.date > decision.date:
        message = f"decided at {moment(decision.date)}, the view of the SSC is of {moment(view.date)}"
        yield breach("ssc_view_after_decision", "ssc_view", message, "decide again with the view at hand")
    if not decision.considered:
        message = "the views of the Security Sub-Committee were not taken into account"
        yield breach("ssc_views_not_considered", "decision", message, "a decision that considers them")


def _in_force(approval: Approval, kind: KindRules, at: Circumstances) -> Iterator[Finding]:
    breach, name, now = kind.clause.breach, approval.name, at.now
    if approval.withdrawn_at is not None and approval.withdrawn_at <= now:
        message = f"{name} was withdrawn at {moment(approval.withdrawn_at)}: {approval.withdrawn_reason}"
        yield breach("approval_withdrawn", "approval", message, "cite another approval")
    if _is_void(approval, at):
        message = f"who decided {name} no longer speaks for the SMKI PMA"
        yield DUTIES.breach("approval_void", "decision", message, "a new version, decided anew", approval=name)
    if now < approval.effective_from:
        message = f"{name} is effective from {moment(approval.effective_from)}"
        yield breach("approval_not_yet_effective", "effective_from", message, "wait until then")
    if now > approval.expires:
        message = f"{name} ended at {moment(approval.expires)}"
        yield breach("approval_expired", "expires", message, "a new version with a later end")
    if at.uses >= approval.scope.max_certificates:
        message = f"{name} is for {approval.scope.max_certificates} certificates, {at.uses} were issued under it"
        yield breach("approval_used_up", "max_certificates", message, "a new version for more certificates")


def _is_void(approval: Approval, at: Circumstances) -> bool:
    if approval.void_since is not None and approval.void_since <= at.now:
        return True
    if approval.decision is None:
        return False
    decider = at.people.get(approval.decision.decided_by)
    return decider is None or not decider.holds(Capacity.PMA, at.now)


def _by_the_rules(approval: Approval, kind: KindRules, rules: RuleSet) -> Iterator[Finding]:
    """An approval counts only where, when it was decided and since it is effective, the rules know its kind."""
    if not kind.modification:
        return
    moments = {"rules": rules, "effective_from": rule_set(approval.effective_from)}
    if approval.decision is not None:
        moments["decision"] = rule_set(approval.decision.date)
    for where, then in moments.items():
        if not then.has(kind.modification):
            message = f"the rules of {then.name} know no such approval"
            remedy = f"a day on which {kind.modification} is in force"
            yield kind.clause.breach("approval_before_modification", where, message, remedy, rules=then.name)


def _scope(approval: Approval, wanted: Wanted, kind: KindRules) -> Iterator[Finding]:
    scope, breach, name = approval.scope, kind.clause.breach, approval.name
    if wanted.role not in kind.roles:
        allowed = ", ".join(each.title for each in sorted(kind.roles))
        yield LISTED_ROLES.breach(
            "approval_scope_role", "role", f"{_title(wanted.role)} is not listed", f"{allowed} only"
        )
    elif wanted.role not in scope.roles:
        allowed = ", ".join(each.title for each in sorted(scope.roles))
        message = f"{name} does not cover {_title(wanted.role)}"
        yield breach("approval_scope_role", "role", message, f"it covers {allowed}")
    if scope.subjects and wanted.subject not in scope.subjects:
        message = f"{name} does not cover {wanted.subject}"
        yield breach("approval_scope_subject", "subject", message, "a subject in its scope")
    if scope.key_usages and wanted.key_usage not in scope.key_usages:
        message = f"{name} does not cover {wanted.key_usage.title if wanted.key_usage else 'no key usage'}"
        yield breach("approval_scope_key_usage", "key_usage", message, "a key usage in its scope")
    if (scope.keys or kind.names_keys) and wanted.key not in scope.keys:
        message = f"{name} does not cover this Public Key ({wanted.key[:16]}...)"
        yield breach("approval_scope_key", "key", message, "a key in its scope")
    if scope.purpose and wanted.purpose != scope.purpose:
        message = f"{name} is for {scope.purpose}"
        yield breach("approval_scope_purpose", "purpose", message, f"ask for {scope.purpose}")
    if scope.requests and wanted.request not in scope.requests:
        message = f"{name} was given for other requests than {wanted.request[:16]}..."
        yield RECORD.breach("approval_digest_mismatch", "request", message, "the very request that was approved")
    if kind.names_validity:
        yield from _validity(approval, wanted, kind)


def _validity(approval: Approval, wanted: Wanted, kind: KindRules) -> Iterator[Finding]:
    """Exact: that period and no other; otherwise it is the most there may be (smki.md 9, A6 and A7)."""
    scope, begin, end = approval.scope, wanted.not_before, wanted.not_after
    if begin is None or end is None:
        yield kind.clause.breach("approval_scope_validity", "validity", "no period is asked for", "ask for a period")
        return
    limits = [scope.not_after] if scope.not_after is not None else []
    if scope.years is not None:
        limits.append(last_moment(begin, scope.years))
    if limits and all(end == limit if scope.exact else end <= limit for limit in limits):
        return
    how = "exactly" if scope.exact else "at most"
    what = f"{scope.years} years" if scope.not_after is None else f"until {moment(scope.not_after)}"
    message = f"{approval.name} is for {how} {what}, asked is {moment(begin)} to {moment(end)}"
    remedy = " and ".join(f"{how} {moment(limit)}" for limit in limits)
    yield kind.clause.breach("approval_scope_validity", "validity", message, remedy)


def _people(approval: Approval, wanted: Wanted, people: Mapping[str, Person]) -> Iterator[Finding]:
    """Who asks, for the approval or under it, who decides and who issues are different people (hostile A3)."""
    decider = approval.decision.decided_by if approval.decision is not None else ""
    asked = dict.fromkeys(name for name in (approval.requested_by, wanted.requester) if name)
    pairs = [(each, decider) for each in asked] + [(each, wanted.operator) for each in (*asked, decider)]
    for one, other in dict.fromkeys(pairs):
        if act_as_one(one, other, people):
            message = f"{one} and {other} act as one person, but one asks, one decides and one issues"
            yield DUTIES.breach("separation_of_duties", "people", message, "another person", one=one, other=other)


def _title(role: RemotePartyRole | int | None) -> str:
    if role is None:
        return "no role"
    return RemotePartyRole(role).title if role in list(RemotePartyRole) else f"role {role:02X}"
