"""The decision behind a certificate: its checks, its statements, its audit entries, and that all of them agree."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trustcell_audit.canonical import canonical, moment_of
from trustcell_audit.certificate import Parsed
from trustcell_audit.chain import Entry
from trustcell_audit.findings import Report
from trustcell_audit.keys import sha256
from trustcell_audit.people import People, party_at
from trustcell_audit.statements import Statements

CHECKS = tuple(f"C{number}" for number in range(1, 12))
MODIFICATIONS = (("MP128A", datetime(2023, 6, 29, tzinfo=UTC)), ("MP261", datetime(2024, 2, 29, tzinfo=UTC)))


@dataclass(frozen=True)
class Papers:
    """What a bundle says of one certificate, as it was read."""

    certificate: Parsed
    identity: str
    record: dict[str, Any]
    request: dict[str, Any]
    decisions: list[dict[str, Any]]
    intent: dict[str, Any] | None
    statements: Statements
    people: People
    entries: list[Entry]

    def entry(self, kind: str, subject: str) -> Entry | None:
        """The newest audit entry of this kind about this subject."""
        found = [each for each in self.entries if (each.raw["kind"], each.raw["subject"]) == (kind, subject)]
        return found[-1] if found else None


def rule_set(at: datetime) -> str:
    """The rules in force on the day of this moment, as a decision names them."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    names = ", ".join(name for name, since in MODIFICATIONS if since <= day)
    return f"{day.date().isoformat()}: {names or 'none'}"


def check_twin(papers: Papers, report: Report) -> None:
    """What was linted before signing is what was signed."""
    intent = papers.intent
    if not report.need(intent is not None, "intent_missing", "intent", "nothing says what was to be signed"):
        return
    assert intent is not None
    tbs = bytes.fromhex(intent["tbs"])
    report.need(tbs == papers.certificate.tbs, "intent_differs", "intent", "other octets were to be signed", "tbs")
    try:
        twin = Parsed.read(bytes.fromhex(intent["twin"]))
    except ValueError as error:
        report.need(False, "twin_unreadable", "intent", str(error), "twin")
        return
    report.need(twin.tbs == papers.certificate.tbs, "twin_differs", "intent", "the twin has other octets", "twin")
    own = twin.signature != papers.certificate.signature
    report.need(own, "twin_signed_for_real", "intent", "the twin has the signature of the certificate", "twin")


def check_digests(papers: Papers, report: Report) -> None:
    """The audit log holds the digest of every decision to its last word, of those that refused as well."""
    cited = {each.raw["body"].get("decision_sha256") for each in papers.entries}
    for decision in papers.decisions:
        found = sha256(canonical(decision))
        message = f"no audit entry cites a decision with its words (SHA-256 {found})"
        report.need(found in cited, "decision_altered", f"decision {decision['number']}", message, "decision_sha256")


def check_decision(papers: Papers, report: Report) -> dict[str, Any] | None:
    """The decision that granted the certificate, checked; ``None`` when there is none."""
    granted = [each for each in papers.decisions if each["granted"] and each["certificate"] == papers.identity]
    if not report.need(len(granted) == 1, "decision_missing", "decisions", f"{len(granted)} decisions granted it"):
        return None
    decision = granted[0]
    place, at = f"decision {decision['number']}", moment_of(decision["at"])
    named = [each["check"] for each in decision["checks"]]
    report.need(named == list(CHECKS), "checks_incomplete", place, f"the checks are {', '.join(named)}", "checks")
    for check in decision["checks"]:
        report.need(check["verdict"] == "met", "check_not_met", place, f"it was {check['verdict']}", check["check"])
    known = at is not None and decision["rule_set"] == rule_set(at)
    report.need(known, "rule_set_wrong", place, f"{decision['rule_set']} on {decision['at']}", "rule_set")
    of_it = decision["request"] == papers.request["name"] == papers.record["request"]
    report.need(of_it, "request_differs", place, "of another request", "request")
    same = decision["approvals"] == papers.record["approvals"]
    report.need(same, "approvals_differ", place, "the record names other approvals", "approvals")
    _facts(papers, decision, place, report)
    return decision


def _facts(papers: Papers, decision: dict[str, Any], place: str, report: Report) -> None:
    """What the checks were judged by is what the certificate and the request say."""
    facts = {each["check"]: each["facts"] for each in decision["checks"]}
    record, request = papers.record, papers.request
    expected = {
        ("C1", "key_sha256"): record["key"],
        ("C4", "requester"): request["requester"],
        ("C4", "party"): request["party"],
        ("C5", "key_sha256"): record["key"],
        ("C7", "not_before"): record["not_before"],
        ("C7", "not_after"): record["not_after"],
        ("C10", "serial"): record["serial"],
        ("C11", "request"): request["name"],
        ("C11", "statement"): request["statement"],
        ("C11", "operator"): decision["decider"],
    }
    for (check, name), value in expected.items():
        found = facts.get(check, {}).get(name)
        message = f"it was judged by {found!r}, not {value!r}"
        report.need(found == value, "check_facts_differ", place, message, f"{check}.{name}")


def check_people(papers: Papers, decision: dict[str, Any], report: Report) -> None:
    """Who asked and who issued said so themselves, were entitled to, and are different people."""
    request, statements, people = papers.request, papers.statements, papers.people
    asked, issued = statements.all.get(request["statement"]), statements.all.get(decision["statement"])
    if report.need(asked is not None, "statement_missing", "request", "no statement of who asked", "statement"):
        assert asked is not None
        place = asked.place
        report.need(asked.actor == request["requester"], "requester_differs", place, "by somebody else", "actor")
        report.need(asked.subject == request["name"], "request_differs", place, "about another request", "subject")
        csr = asked.body.get("csr_sha256") == sha256(bytes.fromhex(request["csr"]))
        report.need(csr, "csr_differs", place, "about another CSR", "csr_sha256")
        for name, value in request["ask"].items():
            report.need(asked.body.get(name) == value, "ask_differs", place, "something else was asked", name)
        person = people.people.get(asked.actor)
        acts = person is not None and person.holds("aro", asked.at) and request["party"] in person.acts_for
        report.need(acts, "not_authorised", place, f"{asked.actor} was no ARO of {request['party']}", "actor")
    if report.need(issued is not None, "statement_missing", "decision", "no statement of who issued", "statement"):
        assert issued is not None
        place = issued.place
        report.need(issued.actor == decision["decider"], "decider_differs", place, "by somebody else", "actor")
        report.need(issued.subject == request["name"], "request_differs", place, "about another request", "subject")
        person = people.people.get(issued.actor)
        may = person is not None and person.holds("issuer", issued.at)
        report.need(may, "not_authorised", place, f"{issued.actor} was no issuer", "actor")
    decided = moment_of(decision["at"])
    owns = party_at(statements, request["party"], decided).get("entities", {}) if decided is not None else {}
    entity = "-".join(request["entity_id"][at : at + 2] for at in range(0, len(request["entity_id"]), 2)).upper()
    message = f"{entity} is none of {request['party']} with this role"
    held = request["role"] in owns.get(entity, ())
    report.need(held, "entity_not_of_party", "request", message, "entity_id")


def check_separation(papers: Papers, decision: dict[str, Any], report: Report) -> None:
    """Who asked, who issued and who decided on approvals are different human beings."""
    deciders = {
        each.actor
        for name in decision["approvals"]
        for each in papers.statements.about(name, "approval.decision")
        if each.body["approved"]
    }
    fixed = [("asked", papers.request["requester"]), ("issued", decision["decider"])]
    sentences = {
        sentence
        for decider in sorted(deciders) or [""]
        for sentence in papers.people.separate([*fixed, *([("decided on an approval", decider)] if decider else [])])
    }
    for sentence in sorted(sentences):
        report.need(False, "separation_of_duties", "people", sentence)


def check_entries(papers: Papers, decision: dict[str, Any], report: Report) -> None:
    """The audit log tells the same story as the record, the decision and the octets."""
    record, certificate = papers.record, papers.certificate
    digests = {"tbs_sha256": sha256(certificate.tbs)}
    if papers.intent is not None:
        digests["twin_sha256"] = sha256(bytes.fromhex(papers.intent["twin"]))
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "request.approved": (
            papers.request["name"],
            {
                "party": papers.request["party"],
                "requester": papers.request["requester"],
                "statement": papers.request["statement"],
            },
        ),
        "certificate.intended": (
            papers.identity,
            digests
            | {
                "decision": decision["number"],
                "operator": decision["decider"],
                "request": record["request"],
                "statement": decision["statement"],
            },
        ),
        "certificate.issued": (
            papers.identity,
            digests
            | {
                "approvals": record["approvals"],
                "decision": decision["number"],
                "key": record["key"],
                "key_use": record["key_use"],
                "request": record["request"],
                "rule_set": decision["rule_set"],
                "sha256": sha256(certificate.der),
            },
        ),
    }
    for kind, (subject, facts) in wanted.items():
        entry = papers.entry(kind, subject)
        if not report.need(entry is not None, "audit_entry_missing", "audit", f"no {kind} about {subject}"):
            continue
        assert entry is not None
        for name, value in facts.items():
            found = entry.raw["body"].get(name)
            place = f"audit entry {entry.seq} ({kind})"
            report.need(found == value, "audit_entry_differs", place, f"it says {found!r}, not {value!r}", name)
    issued = papers.entry("certificate.issued", papers.identity)
    if issued is not None:
        same = issued.raw["at"] == record["issued_at"]
        report.need(same, "record_differs", "record", f"the audit log says {issued.raw['at']}", "issued_at")
