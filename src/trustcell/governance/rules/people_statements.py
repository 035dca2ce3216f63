"""Statements about people: who there is, with which credentials, in what capacities."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from trustcell.governance.rules import fields
from trustcell.governance.rules.clauses import CREDENTIALS, DUTIES, REGISTRATION
from trustcell.governance.rules.duties import humans
from trustcell.governance.rules.kind import StatementKind, Values
from trustcell.governance.rules.parties import Capacity, Person
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.vocab import Finding

if TYPE_CHECKING:
    from trustcell.governance.rules.register import Register

FOUNDED = "register.founded"
_CAPACITY = fields.choice(Capacity)


def _founds(register: "Register", _: Statement, __: Values) -> Iterator[Finding]:
    if register.people:
        message = "there is a register with people in it"
        yield REGISTRATION.breach("register_founded", "register", message, "let a registrar add people")


def _known(register: "Register", statement: Statement, _: Values) -> Iterator[Finding]:
    if statement.subject not in register.people:
        message = f"{statement.subject} is no person of the register"
        yield REGISTRATION.breach("person_unknown", "person", message, "add the person first")


def _added(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    if statement.subject in register.people:
        message = f"{statement.subject} is in the register"
        yield REGISTRATION.breach("person_known", "person", message, "another name")
    if values["delegate_of"] and values["delegate_of"] not in register.people:
        message = f"{values['delegate_of']} is no person of the register"
        yield REGISTRATION.breach("person_unknown", "delegate_of", message, "add that person first")
    principal = register.people.get(values["delegate_of"])
    behind = {values["identity"]} | (humans(principal, register.people) if principal else frozenset())
    yield from _capacities(register, statement, values["capacities"], values["acts_for"], frozenset(behind))
    yield from _free(register, values)


def _grants(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    person = register.people.get(statement.subject)
    if person is None:
        return
    if person.holds(values["capacity"], statement.at) and set(values["acts_for"]) <= person.acts_for:
        message = f"{person.title} has the capacity {values['capacity']}"
        yield REGISTRATION.breach("capacity_held", "capacity", message, "nothing more is needed")
    behind = humans(person, register.people)
    yield from _capacities(register, statement, (values["capacity"],), values["acts_for"], behind)


def _capacities(
    register: "Register",
    statement: Statement,
    capacities: tuple[Capacity, ...],
    acts_for: tuple[str, ...],
    behind: frozenset[str],
) -> Iterator[Finding]:
    """``behind`` are the human beings the account stands for; nobody gives himself a capacity."""
    if (Capacity.ARO in capacities) != bool(acts_for):
        message = "an ARO acts for a party" if not acts_for else "only an ARO acts for a party"
        yield REGISTRATION.breach(
            "acts_for_wrong", "acts_for", message, "name the parties of an ARO, and of nobody else"
        )
    for party in acts_for:
        if party not in register.parties:
            message = f"{party} is no party of the register"
            yield REGISTRATION.breach("party_unknown", "acts_for", message, "add the party first")
    if capacities and behind & humans(register.people[statement.actor], register.people):
        message = f"{statement.actor} and {statement.subject} act as one person"
        yield DUTIES.breach("separation_of_duties", "person", message, "let another registrar grant it")


def _withdraws(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    person = register.people.get(statement.subject)
    if person is None:
        return
    if not person.holds(values["capacity"], statement.at):
        message = f"{person.title} has no capacity {values['capacity']}"
        yield REGISTRATION.breach("capacity_missing", "capacity", message, "nothing needs to be withdrawn")
    others = (each for each in register.people.values() if each.name != person.name)
    if values["capacity"] is Capacity.REGISTRAR and not any(
        each.holds(Capacity.REGISTRAR, statement.at) and each.certificates for each in others
    ):
        message = f"{person.title} is the last registrar"
        yield REGISTRATION.breach("last_registrar", "person", message, "make somebody else a registrar first")


def _credential(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    yield from _free(register, values)


def _no_credential(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    person = register.people.get(statement.subject)
    if person is not None and values["certificate"] not in person.certificates:
        message = f"it is no credential of {person.title}"
        yield CREDENTIALS.breach("credential_not_of_person", "certificate", message, "a credential of this person")


def _free(register: "Register", values: Values) -> Iterator[Finding]:
    for each in register.people.values():
        if values["certificate"] in each.certificates:
            message = f"it is the credential of {each.title}"
            yield CREDENTIALS.breach(
                "credential_in_use", "certificate", message, "a credential of its own for everybody"
            )


def _keep(register: "Register", person: Person) -> "Register":
    return replace(register, people={**register.people, person.name: person})


def _found(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    statement = signed.statement
    person = Person(
        statement.subject,
        values["title"],
        values["identity"],
        {Capacity.REGISTRAR: statement.at},
        certificates=(values["certificate"],),
    )
    return _keep(replace(register, environment=statement.environment, ica=values["ica"]), person)


def _add(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    person = Person(
        signed.statement.subject,
        values["title"],
        values["identity"],
        dict.fromkeys(values["capacities"], signed.statement.at),
        acts_for=frozenset(values["acts_for"]),
        delegate_of=values["delegate_of"],
        certificates=(values["certificate"],),
    )
    return _keep(register, person)


def _grant(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    person, capacity = register.people[signed.statement.subject], values["capacity"]
    began = (
        person.capacities
        if person.holds(capacity, signed.statement.at)
        else {**person.capacities, capacity: signed.statement.at}
    )
    ended = {each: at for each, at in person.withdrawn.items() if each is not capacity}
    acts_for = person.acts_for | frozenset(values["acts_for"])
    return _keep(register, replace(person, capacities=began, withdrawn=ended, acts_for=acts_for))


def _withdraw(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    person, capacity, at = register.people[signed.statement.subject], values["capacity"], signed.statement.at
    acts_for = frozenset[str]() if capacity is Capacity.ARO else person.acts_for
    person = replace(person, withdrawn={**person.withdrawn, capacity: at}, acts_for=acts_for)
    register = _keep(register, person)
    return _void(register, person.name, at) if capacity is Capacity.PMA else register


def _void(register: "Register", decider: str, at: datetime) -> "Register":
    """What somebody decided is void once he no longer speaks for the SMKI PMA; it stays so if he returns."""
    versions = {
        name: tuple(
            replace(each, void_since=at)
            if each.decision is not None and each.decision.decided_by == decider and each.void_since is None
            else each
            for each in found
        )
        for name, found in register.versions.items()
    }
    return replace(register, versions=versions)


def _add_credential(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    person = register.people[signed.statement.subject]
    return _keep(register, replace(person, certificates=(*person.certificates, values["certificate"])))


def _drop_credential(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    person = register.people[signed.statement.subject]
    kept = tuple(each for each in person.certificates if each != values["certificate"])
    return _keep(register, replace(person, certificates=kept))


_REGISTRAR = frozenset({Capacity.REGISTRAR})
_WHO = {"certificate": fields.sha256, "identity": fields.words, "title": fields.words}
_GRANTED = {"acts_for": fields.distinct(fields.name), "capacity": _CAPACITY}
_CERTIFICATE = {"certificate": fields.sha256}

PEOPLE_KINDS = (
    StatementKind(FOUNDED, _REGISTRAR, REGISTRATION, {**_WHO, "ica": fields.octets}, _founds, _found),
    StatementKind(
        "person.added",
        _REGISTRAR,
        REGISTRATION,
        {
            **_WHO,
            "acts_for": fields.distinct(fields.name),
            "capacities": fields.distinct(_CAPACITY),
            "delegate_of": fields.optional_name,
        },
        _added,
        _add,
    ),
    StatementKind("person.capacity_granted", _REGISTRAR, REGISTRATION, _GRANTED, _grants, _grant),
    StatementKind(
        "person.capacity_withdrawn",
        _REGISTRAR,
        REGISTRATION,
        {"capacity": _CAPACITY, "reason": fields.words},
        _withdraws,
        _withdraw,
    ),
    StatementKind("person.credential_added", _REGISTRAR, CREDENTIALS, _CERTIFICATE, _credential, _add_credential),
    StatementKind(
        "person.credential_withdrawn", _REGISTRAR, CREDENTIALS, _CERTIFICATE, _no_credential, _drop_credential
    ),
)
