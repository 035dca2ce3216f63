"""Statements about parties: who is one, which EUI-64s it has, whether it is, and remains, a DCC User."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from trustcell.governance.rules import fields
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import LEAVING, REGISTRATION
from trustcell.governance.rules.kind import StatementKind, Values
from trustcell.governance.rules.parties import Capacity, Party, PartyKind
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.vocab import Finding

if TYPE_CHECKING:
    from trustcell.governance.rules.register import Register

_CONTENT = {
    "entities": fields.entities,
    "subscribes": fields.distinct(fields.family),
    "title": fields.words,
}


def _known(register: "Register", statement: Statement, _: Values) -> Iterator[Finding]:
    if statement.subject not in register.parties:
        message = f"{statement.subject} is no party of the register"
        yield REGISTRATION.breach("party_unknown", "party", message, "add the party first")


def _added(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    if statement.subject in register.parties:
        message = f"{statement.subject} is in the register"
        yield REGISTRATION.breach("party_known", "party", message, "another name, or change the party")
    yield from _entities(register, statement, values)


def _changed(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    yield from _entities(register, statement, values)


def _entities(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    for entity in values["entities"]:
        owner = register.party_of(entity)
        if owner is not None and owner.name != statement.subject:
            message = f"{entity} belongs to {owner.title}"
            yield REGISTRATION.breach("entity_taken", "entities", message, "an EUI-64 of the party's own")


def _user(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    party = register.parties.get(statement.subject)
    if party is not None and party.user_history and values["since"] < party.user_history[-1][0]:
        message = f"what is known begins at {moment(party.user_history[-1][0])}"
        yield REGISTRATION.breach("user_status_order", "since", message, "a later moment; history is not rewritten")


def _leaves(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    yield from _on_behalf(register, statement)
    party = register.parties.get(statement.subject)
    if party is not None and party.kind is PartyKind.DCC:
        yield LEAVING.breach("party_is_dcc", "party", "the DCC is no User that could leave", "a User party")
    if party is not None and party.leaving_since is not None:
        message = f"a notice stands since {moment(party.leaving_since)}"
        yield LEAVING.breach("notice_stands", "party", message, "nothing more is needed")


def _stays(register: "Register", statement: Statement, values: Values) -> Iterator[Finding]:
    yield from _known(register, statement, values)
    yield from _on_behalf(register, statement)
    party = register.parties.get(statement.subject)
    if party is not None and party.leaving_since is None:
        yield LEAVING.breach("notice_missing", "party", "no notice stands", "nothing needs to be withdrawn")


def _on_behalf(register: "Register", statement: Statement) -> Iterator[Finding]:
    """A notice is given by an ARO of the party, or written down by a registrar who received it."""
    person = register.people[statement.actor]
    if not person.holds(Capacity.REGISTRAR, statement.at) and statement.subject not in person.acts_for:
        message = f"{person.title} does not act for {statement.subject}"
        yield REGISTRATION.breach("acts_for_other", "actor", message, "an ARO of the party, or a registrar")


def _keep(register: "Register", party: Party) -> "Register":
    return replace(register, parties={**register.parties, party.name: party})


def _add(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    party = Party(
        signed.statement.subject,
        values["title"],
        values["kind"],
        values["entities"],
        frozenset(values["subscribes"]),
    )
    return _keep(register, party)


def _change(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    party = register.parties[signed.statement.subject]
    content = {"title": values["title"], "entities": values["entities"], "subscribes": frozenset(values["subscribes"])}
    return _keep(register, replace(party, **content))


def _set_user(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    party = register.parties[signed.statement.subject]
    history = (*party.user_history, (values["since"], values["user"]))
    return _keep(register, replace(party, user_history=history))


def _leave(register: "Register", signed: SignedStatement, values: Values) -> "Register":
    return _keep(register, replace(register.parties[signed.statement.subject], leaving_since=values["since"]))


def _stay(register: "Register", signed: SignedStatement, _: Values) -> "Register":
    return _keep(register, replace(register.parties[signed.statement.subject], leaving_since=None))


_REGISTRAR = frozenset({Capacity.REGISTRAR})
_NOTICE = frozenset({Capacity.ARO, Capacity.REGISTRAR})

PARTY_KINDS = (
    StatementKind(
        "party.added", _REGISTRAR, REGISTRATION, {**_CONTENT, "kind": fields.choice(PartyKind)}, _added, _add
    ),
    StatementKind("party.changed", _REGISTRAR, REGISTRATION, _CONTENT, _changed, _change),
    StatementKind(
        "party.user", _REGISTRAR, REGISTRATION, {"since": fields.moment, "user": fields.flag}, _user, _set_user
    ),
    StatementKind(
        "party.leaving", _NOTICE, LEAVING, {"reference": fields.words, "since": fields.moment}, _leaves, _leave
    ),
    StatementKind("party.staying", _NOTICE, LEAVING, {"reference": fields.words}, _stays, _stay),
)
