"""What stands against a statement: asked before it is signed and, again, whenever the log is read."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import REGISTRATION, STATEMENTS
from trustcell.governance.rules.fields import name
from trustcell.governance.rules.kind import StatementKind, Values
from trustcell.governance.rules.kinds import KINDS
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.rules.people_statements import FOUNDED
from trustcell.governance.rules.statements import Statement
from trustcell.vocab import Finding

if TYPE_CHECKING:
    from trustcell.governance.rules.register import Register


def objections(register: "Register", statement: Statement) -> list[Finding]:
    """Everything the rules have against this statement; whether its signature is right is another question."""
    return judged(register, statement)[0]


def judged(register: "Register", statement: Statement) -> tuple[list[Finding], Values]:
    """The same, and the values of its fields, which mean something only when nothing is against it."""
    kind = KINDS.get(statement.kind)
    if kind is None:
        message = f"{statement.kind} is no kind of statement"
        return [STATEMENTS.breach("statement_kind_unknown", "kind", message, "a kind of the table")], {}
    values: Values = {}
    found = [*_environment(register, statement), *_capacity(register, kind, statement)]
    if kind.fields is not None:
        try:
            name(statement.subject)
            values = values_of(kind, statement)
        except ValueError as error:
            message = f"{statement.kind} says {error}"
            found.append(STATEMENTS.breach("statement_malformed", "body", message, "the fields of its kind"))
    if not found and kind.objections is not None:
        found += kind.objections(register, statement, values)
    return found, values


def values_of(kind: StatementKind, statement: Statement) -> dict[str, Any]:
    """The fields of the body as values; raises ``ValueError`` naming the field that is not what it should be."""
    expected, body = kind.fields or {}, statement.body
    if not isinstance(body, Mapping):
        raise ValueError("body: it has no fields")
    if odd := sorted(set(expected) ^ set(body)):
        raise ValueError(f"{odd[0]}: it is {'missing' if odd[0] in expected else 'not expected'}")
    found: dict[str, Any] = {}
    for field, reader in expected.items():
        try:
            found[field] = reader(body[field])
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from None
    return found


def _environment(register: "Register", statement: Statement) -> Iterator[Finding]:
    if register.environment and statement.environment != register.environment:
        message = f"it is of {statement.environment}, the register of {register.environment}"
        yield STATEMENTS.breach("environment_differs", "environment", message, "state it in its own environment")


def _capacity(register: "Register", kind: StatementKind, statement: Statement) -> Iterator[Finding]:
    if kind.name == FOUNDED:
        if statement.actor != statement.subject:
            message = "the first registrar founds the register"
            yield REGISTRATION.breach("statement_malformed", "subject", message, "the name of the first registrar")
        return
    person = register.people.get(statement.actor)
    if person is None:
        message = f"{statement.actor} is no person of the register"
        yield REGISTRATION.breach("person_unknown", "actor", message, "have a registrar add the person")
        return
    if person.holds(Capacity.AUDITOR, statement.at):
        message = f"{person.title} is an auditor, who reads everything and states nothing"
        yield kind.clause.breach("auditor_states_nothing", "actor", message, "another person")
    elif not any(person.holds(capacity, statement.at) for capacity in kind.capacities):
        wanted = " or ".join(sorted(kind.capacities))
        message = f"{person.title} is no {wanted} at {moment(statement.at)}"
        yield kind.clause.breach("capacity_missing", "actor", message, f"somebody who acts as {wanted}")
