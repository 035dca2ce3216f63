"""Why a request is granted or refused: each check with its facts, clause and verdict, under the rules of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustcell import certs
from trustcell.governance import Governance
from trustcell.governance.ports import Evidence
from trustcell.governance.rules.canonical import moment
from trustcell.smki.ports import Books
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.checks import Checked, errors, judge
from trustcell.smki.rules.clauses import CSR_STATES
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.facts import Application
from trustcell.smki.rules.records import CertificateRecord, DecisionRecord
from trustcell.smki.service.gathering import as_they_were, gather, issuer_facts
from trustcell.vocab import Finding, Refused


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the rules of ``as_of`` say to a request, and what was really decided about it (``recorded``)."""

    request: str
    as_of: datetime
    rule_set: str
    checks: tuple[Checked, ...]
    recorded: tuple[DecisionRecord, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """What keeps it from being granted."""
        return errors(self.checks)

    @property
    def granted(self) -> bool:
        """Whether it would be granted."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "request": self.request,
            "as_of": moment(self.as_of),
            "rule_set": self.rule_set,
            "granted": self.granted,
            "clauses": sorted({each.clause for each in self.findings}),
            "checks": [each.as_json() for each in self.checks],
            "recorded": [_plain(each) for each in self.recorded],
        }


def explain(
    books: Books,
    governance: Governance,
    environment: Environment,
    evidence: Evidence,
    issuer: CertificateRecord,
    what: str | tuple[bytes, Ask],
    as_of: datetime,
    requester: str,
) -> Explanation:
    """Judge a request as it would have been at ``as_of``, as if nothing had come of it since."""
    recorded: tuple[DecisionRecord, ...] = ()
    statement = "not yet signed"
    if isinstance(what, str):
        found = books.requests.get(what)
        if found is None:
            message = f"there is no request {what}"
            raise Refused([CSR_STATES.breach("request_unknown", "request", message, "a request that was submitted")])
        application = Application(certs.CertificationRequest.from_der(found.csr), Ask.from_json(found.ask))
        requester, statement = found.requester, found.statement
        recorded = tuple(books.requests.decisions(found.name))
    else:
        application = Application(certs.load_csr(what[0]), what[1])
    as_of = as_of.replace(microsecond=0)
    register = governance.register(books, as_of)
    facts = gather(
        books,
        register,
        environment,
        issuer_facts(books, issuer),
        evidence,
        application,
        requester,
        as_of,
        statement=statement,
    )
    checks = judge(application, as_they_were(books, facts, application))
    return Explanation(application.name, as_of, facts.rules.name, checks, recorded)


def _plain(decision: DecisionRecord) -> Mapping[str, Any]:
    return {
        "number": decision.number,
        "at": moment(decision.at),
        "rule_set": decision.rule_set,
        "granted": decision.granted,
        "decider": decision.decider,
        "approvals": list(decision.approvals),
        "certificate": f"{decision.certificate[0]}/{decision.certificate[1]:X}" if decision.certificate else None,
        "clauses": sorted({f["clause"] for c in decision.checks for f in c["findings"] if f["severity"] == "error"}),
    }
