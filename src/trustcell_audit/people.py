"""Who the people of a bundle are, as its statements leave them: capacities over time, credentials, identities."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trustcell_audit.findings import Report
from trustcell_audit.statements import Statement, Statements

NEEDS = {
    "register.founded": {"registrar"},
    "person.added": {"registrar"},
    "person.capacity_granted": {"registrar"},
    "person.capacity_withdrawn": {"registrar"},
    "person.credential_added": {"registrar"},
    "person.credential_withdrawn": {"registrar"},
    "party.added": {"registrar"},
    "party.changed": {"registrar"},
    "party.user": {"registrar"},
    "party.leaving": {"aro", "registrar"},
    "party.staying": {"aro", "registrar"},
    "approval.draft": {"aro"},
    "approval.ssc_view": {"ssc"},
    "approval.decision": {"pma"},
    "approval.withdrawn": {"pma"},
    "csr.submit": {"aro"},
    "certificate.issue": {"issuer"},
    "batch.submit": {"aro"},
    "batch.issue": {"issuer"},
    "certificate.accept": {"aro"},
    "certificate.reject": {"aro"},
    "revocation.request": {"aro", "pma"},
    "revocation.decision": {"issuer"},
}
"""One of which capacities the actor of each kind of statement holds; other kinds need to be of a known person."""


@dataclass
class Person:
    """One account: the human being behind it, when each capacity began and ended, for whom it acts."""

    name: str
    identity: str
    delegate_of: str
    acts_for: set[str]
    certificates: set[str]
    spans: dict[str, list[list[datetime | None]]] = field(default_factory=dict)

    def begin(self, capacity: str, at: datetime) -> None:
        """The capacity is held from now on."""
        if not self.holds(capacity, at):
            self.spans.setdefault(capacity, []).append([at, None])

    def end(self, capacity: str, at: datetime) -> None:
        """It is held no more."""
        for span in self.spans.get(capacity, []):
            if span[1] is None:
                span[1] = at

    def holds(self, capacity: str, at: datetime) -> bool:
        """Whether it was held at this moment."""
        return any(
            since is not None and since <= at and (until is None or at < until)
            for since, until in self.spans.get(capacity, [])
        )

    def held_throughout(self, capacity: str, since: datetime, until: datetime) -> bool:
        """Whether it was held from the one moment to the other without a break."""
        spans = self.spans.get(capacity, [])
        return any(a is not None and a <= since and (b is None or until < b) for a, b in spans)


@dataclass
class People:
    """Everybody the statements speak of. ``parties`` holds what was last said of each party."""

    people: dict[str, Person] = field(default_factory=dict)
    parties: dict[str, dict[str, Any]] = field(default_factory=dict)
    ica: str = ""

    def humans(self, name: str) -> set[str]:
        """The human beings an account stands for: its own and, along the chain, those it is a delegate of."""
        found: set[str] = set()
        here = self.people.get(name)
        while here is not None and here.identity not in found:
            found.add(here.identity)
            here = self.people.get(here.delegate_of)
        return found

    def separate(self, duties: list[tuple[str, str]]) -> Iterator[str]:
        """A sentence for each pair of duties that one human being has; ``duties`` are (duty, account)."""
        for number, (duty, name) in enumerate(duties):
            for other_duty, other in duties[number + 1 :]:
                if self.humans(name) & self.humans(other):
                    yield f"{name} {duty} and {other} {other_duty}: one person"


def party_at(statements: Statements, name: str, at: datetime) -> dict[str, Any]:
    """What a party was at this moment, whatever was changed since."""
    found: dict[str, Any] = {}
    for each in statements.about(name, "party.added", "party.changed"):
        if each.at <= at:
            found |= each.body
    return found


def read_people(statements: Statements, report: Report) -> People:
    """Fold the statements in their order; each actor must have been entitled to what he stated."""
    known = People()
    for each in statements.in_order():
        _entitled(known, each, report)
        _take(known, each)
    return known


def _entitled(known: People, said: Statement, report: Report) -> None:
    if said.kind == "register.founded":
        first = not known.people and said.subject == said.actor
        report.need(first, "register_founded_twice", said.place, "the first statement of all founds the register")
        return
    actor = known.people.get(said.actor)
    if actor is None:
        report.need(False, "actor_unknown", said.place, f"no statement before it makes {said.actor} known", "actor")
        return
    own = said.certificate in actor.certificates
    report.need(own, "credential_foreign", said.place, f"not signed with a credential of {said.actor}", "certificate")
    wanted = NEEDS.get(said.kind)
    message = f"{said.actor} was none of {', '.join(sorted(wanted or ()))} then"
    held = wanted is None or any(actor.holds(each, said.at) for each in wanted)
    report.need(held and not actor.holds("auditor", said.at), "capacity_missing", said.place, message, "actor")


def _take(known: People, said: Statement) -> None:
    body, person = said.body, known.people.get(said.subject)
    match said.kind:
        case "register.founded":
            founder = Person(said.subject, body["identity"], "", set(), {body["certificate"]})
            founder.begin("registrar", said.at)
            known.people[said.subject], known.ica = founder, body["ica"]
        case "person.added":
            added = Person(
                said.subject, body["identity"], body["delegate_of"], set(body["acts_for"]), {body["certificate"]}
            )
            for capacity in body["capacities"]:
                added.begin(capacity, said.at)
            known.people[said.subject] = added
        case "person.capacity_granted" if person:
            person.begin(body["capacity"], said.at)
            person.acts_for |= set(body["acts_for"])
        case "person.capacity_withdrawn" if person:
            person.end(body["capacity"], said.at)
        case "person.credential_added" if person:
            person.certificates.add(body["certificate"])
        case "person.credential_withdrawn" if person:
            person.certificates.discard(body["certificate"])
        case "party.added" | "party.changed":
            known.parties[said.subject] = known.parties.get(said.subject, {}) | body
        case _:
            pass
