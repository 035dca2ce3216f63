"""The checks C1 to C11 of an Organisation CSR: which rules, in which order, and what each was judged by."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trustcell.governance.rules.approval_scope import LISTED
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules import appendix_b_6_3_2 as period_rules
from trustcell.smki.rules import appendix_m, cited, records_complete, sec_l11, subscribers
from trustcell.smki.rules.exceptions import used
from trustcell.smki.rules.facts import Application, Facts
from trustcell.vocab import Finding, RemotePartyRole, Severity

Rule = Callable[[Application, Facts], Iterator[Finding]]
Basis = Callable[[Application, Facts], Mapping[str, Any]]


class CheckVerdict(StrEnum):
    """What a check came to."""

    MET = "met"
    NOT_MET = "not met"
    LATER = "at issue"
    """It can be judged only once there is a certificate to be."""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of smki.md 3.4: its name, what it asks, where that stands, the rule and what the rule looks at."""

    name: str
    title: str
    clause: str
    rule: Rule
    basis: Basis
    at_issue: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and by which facts."""

    check: Check
    verdict: CheckVerdict
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As it stands in a decision."""
        return {
            "check": self.check.name,
            "title": self.check.title,
            "clause": self.check.clause,
            "verdict": self.verdict.value,
            "facts": dict(self.facts),
            "findings": [each.as_json() for each in self.findings],
        }


def judge(application: Application, facts: Facts) -> tuple[Checked, ...]:
    """Every check, whatever those before it found."""
    return tuple(_judge(check, application, facts) for check in CHECKS)


def errors(checked: tuple[Checked, ...]) -> list[Finding]:
    """The findings that keep a certificate from being issued, in the order of the checks."""
    return [each for one in checked for each in one.findings if each.severity is Severity.ERROR]


def _judge(check: Check, application: Application, facts: Facts) -> Checked:
    if check.at_issue and facts.operator is None:
        return Checked(check, CheckVerdict.LATER, (), {})
    findings = tuple(check.rule(application, facts))
    broken = any(each.severity is Severity.ERROR for each in findings)
    verdict = CheckVerdict.NOT_MET if broken else CheckVerdict.MET
    return Checked(check, verdict, findings, check.basis(application, facts))


def _form(application: Application, _: Facts) -> Mapping[str, Any]:
    csr = application.csr
    return {"key": csr.key_form.value, "key_sha256": application.key_hex, "signature": csr.signature_algorithm}


def _subject(application: Application, _: Facts) -> Mapping[str, Any]:
    return {"subject": str(application.csr.subject)}


def _usage(application: Application, _: Facts) -> Mapping[str, Any]:
    csr = application.csr
    return {"key_usage": csr.key_usage.title, "extensions": [each.title for each in csr.extensions]}


def _subscriber(application: Application, facts: Facts) -> Mapping[str, Any]:
    csr, person, party = application.csr, facts.requester, facts.party
    return {
        "entity": str(csr.entity_id) if csr.entity_id else None,
        "role": _titled(csr.role),
        "requester": person.name if person else None,
        "acts_for": sorted(person.acts_for) if person else [],
        "party": party.name if party and person and party.name in person.acts_for else None,
    }


def _uniqueness(application: Application, facts: Facts) -> Mapping[str, Any]:
    return {
        "key_sha256": application.key_hex,
        "holders": [
            {
                "issuer": each.issuer,
                "serial": f"{each.serial:032X}",
                "family": each.family.value,
                "status": each.status(facts.now).name,
            }
            for each in facts.holders
        ],
        "being_made": [f"{each.issuer} {each.serial:032X}" for each in facts.pending],
        "barred": facts.barred,
    }


def _reuse(application: Application, facts: Facts) -> Mapping[str, Any]:
    return {
        "repeats_a_key": sec_l11.repeats_a_key(application, facts),
        "party_kind": facts.party.kind.value if facts.party else None,
        "role": _titled(application.csr.role),
        "role_listed": application.csr.role in LISTED,
        "rules": facts.rules.name,
        "approvals": cited.described(facts),
    }


def _duration(application: Application, facts: Facts) -> Mapping[str, Any]:
    found = period_rules.period(application, facts)
    return {
        "not_before": moment(found.not_before),
        "not_after": moment(found.not_after),
        "asked_until": moment(found.asked_until),
        "ten_years": found.standard,
        "rules": facts.rules.name,
        "approvals": cited.described(facts),
    }


def _issuer(_: Application, facts: Facts) -> Mapping[str, Any]:
    issuer = facts.issuer
    return {
        "issuer": issuer.name,
        "not_before": moment(issuer.not_before),
        "not_after": moment(issuer.not_after),
        "now": moment(facts.now),
    }


def _user(_: Application, facts: Facts) -> Mapping[str, Any]:
    party = facts.party
    leaving = party.leaving_since if party else None
    return {
        "party_kind": party.kind.value if party else None,
        "dcc_user": party.is_user(facts.now) if party else None,
        "leaving_since": moment(leaving) if leaving else None,
        "rules": facts.rules.name,
    }


def _serial(_: Application, facts: Facts) -> Mapping[str, Any]:
    return {"issuer": facts.issuer.name, "serial": None if facts.serial is None else f"{facts.serial:032X}"}


def _record(application: Application, facts: Facts) -> Mapping[str, Any]:
    return {
        "request": application.name,
        "statement": facts.statement,
        "requester": facts.requester.name if facts.requester else None,
        "operator": facts.operator.name if facts.operator else None,
        "approvals_used": [each.name for each in used(application, facts)],
    }


def _titled(role: int | None) -> str | None:
    if role is None:
        return None
    try:
        return RemotePartyRole(role).title
    except ValueError:
        return f"{role:02X}"


CHECKS = (
    Check("C1", "the key is P-256 and its possession proved", "SEC Appendix M Appendix F",
          appendix_m.key_and_signature, _form),
    Check("C2", "subject: OU and uniqueIdentifier, CN if any", "SEC Appendix M Appendix F",
          appendix_m.subject, _subject),
    Check("C3", "one key usage, no other extension", "SEC Appendix M Appendix F", appendix_m.extensions, _usage),
    Check("C4", "the ARO acts for the subscriber, who may have the role", "SEC L3", subscribers.eligible, _subscriber),
    Check("C5", "the key is in no other Organisation or OCA Certificate", "SEC L11.4(b)",
          sec_l11.key_unique, _uniqueness),
    Check("C6", "or the DCC repeats it for a listed role as approved", "SEC L11.4A, L11.4B", sec_l11.key_reuse, _reuse),
    Check("C7", "10 years, or a duration as approved", "SEC Appendix B 6.3.2(A)(i)",
          period_rules.duration_approved, _duration),
    Check("C8", "within the issuer's period", "SEC Appendix B 6.3.2(B), (C)", period_rules.within_issuer, _issuer),
    Check("C9", "a gas network that leaves subscribes no more", "SEC Appendix B 4.9.1(A)(iii)",
          subscribers.gas_network_stays, _user),
    Check("C10", "the serial is new", "SEC Appendix B Annex B", records_complete.serial_new, _serial, at_issue=True),
    Check("C11", "the record is complete, duties are separated", "smki.md 8",
          records_complete.on_record, _record),
)  # fmt: skip
