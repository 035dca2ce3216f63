"""SEC Appendix B 6.3.2: how long an Organisation Certificate holds, and when its issuer may sign (checks C7 and C8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trustcell.governance.rules.approval_rules import last_moment
from trustcell.governance.rules.approvals import ApprovalKind
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules import cited
from trustcell.smki.rules.clauses import KEY_PERIOD, PERIOD, PERIOD_END
from trustcell.smki.rules.facts import Application, Facts
from trustcell.vocab import Finding


@dataclass(frozen=True, slots=True)
class Period:
    """``asked_until`` is what was asked; ``not_after`` is cut to the issuer's end where an approval allows less."""

    not_before: datetime
    not_after: datetime
    asked_until: datetime
    standard: bool


def last_second(begin: datetime, years: int) -> datetime:
    """The end of so many calendar years: one second before the anniversary, 28 February for a leap day (trap T17)."""
    return last_moment(begin, years)


def period(application: Application, facts: Facts) -> Period:
    """From when until when the certificate would hold."""
    begin, end = cited.asked_period(application, facts)
    is_standard = end == last_second(begin, facts.environment.organisation_years)
    until = end
    if not is_standard and end > facts.issuer.not_after:
        approval, _ = cited.choose(ApprovalKind.VALIDITY, application, facts)
        if approval is not None and not approval.scope.exact:
            until = facts.issuer.not_after
    return Period(begin, until, end, is_standard)


def duration_approved(application: Application, facts: Facts) -> Iterator[Finding]:
    """C7: 10 years or, since MP261, a different duration that the SMKI PMA approved with the SSC's views considered."""
    found = period(application, facts)
    years = facts.environment.organisation_years
    if found.asked_until <= found.not_before:
        message = f"it ends at {moment(found.asked_until)} and begins at {moment(found.not_before)}"
        yield PERIOD.breach("validity_reversed", "validity", message, "an end after the beginning")
        return
    earliest = facts.now - facts.environment.clock_tolerance
    if found.not_before < earliest:
        message = f"it begins at {moment(found.not_before)}, before now ({moment(facts.now)})"
        yield PERIOD.breach("validity_starts_in_past", "validity", message, "a beginning that is not past")
    if found.standard:
        return
    asked = f"it would hold from {moment(found.not_before)} to {moment(found.asked_until)}"
    if not facts.rules.has("MP261"):
        message = f"{asked}; the rules of {facts.rules.name} know {years} years alone"
        yield PERIOD.breach("validity_not_approved", "validity", message, f"{years} years less one second")
        return
    approval, findings = cited.choose(ApprovalKind.VALIDITY, application, facts)
    if approval is None:
        remedy = f"{years} years less one second, or an approval of the SMKI PMA for another duration"
        yield PERIOD.breach("validity_not_approved", "validity", f"{asked}, which no approval covers", remedy)
        yield from findings


def within_issuer(application: Application, facts: Facts) -> Iterator[Finding]:
    """C8: the certificate ends no later than its issuer's, 6.3.2(B); no OCA key is used outside its period, (C)."""
    issuer, found = facts.issuer, period(application, facts)
    if issuer.revoked_at is not None:
        message = f"the certificate of {issuer.name} was revoked at {moment(issuer.revoked_at)}"
        yield KEY_PERIOD.breach("ca_key_period_ended", "issuer", message, "an issuer in use")
    if not issuer.not_before <= facts.now <= issuer.not_after:
        message = f"{issuer.name} may sign from {moment(issuer.not_before)} to {moment(issuer.not_after)}"
        yield KEY_PERIOD.breach("ca_key_period_ended", "issuer", message, "an issuer within its period")
    if found.not_after > issuer.not_after:
        message = f"it ends at {moment(found.not_after)}, {issuer.name} at {moment(issuer.not_after)}"
        remedy = "a duration that ends with the issuer, as the SMKI PMA may approve"
        yield PERIOD_END.breach("validity_ends_after_issuer", "validity", message, remedy)
    if found.not_before < issuer.not_before:
        message = f"it begins at {moment(found.not_before)}, {issuer.name} at {moment(issuer.not_before)}"
        yield PERIOD_END.breach("validity_begins_before_issuer", "validity", message, "a later beginning")
