"""What a kind of statement is: who may make it, what it says, and what it does to the register."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trustcell.governance.rules.fields import Reader
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.vocab import Clause, Finding

if TYPE_CHECKING:
    from trustcell.governance.rules.register import Register

Values = Mapping[str, Any]
Objections = Callable[["Register", Statement, Values], Iterator[Finding]]
Effect = Callable[["Register", SignedStatement, Values], "Register"]


@dataclass(frozen=True, slots=True)
class StatementKind:
    """One row of the table of kinds.

    The actor holds one of ``capacities``. ``fields`` names every field of the body and reads it; ``None`` leaves the
    body to the room that uses the kind. ``objections`` gives what stands against the statement, ``effect`` the register
    after it; a kind without effect concerns another room.
    """

    name: str
    capacities: frozenset[Capacity]
    clause: Clause
    fields: Mapping[str, Reader] | None = None
    objections: Objections | None = None
    effect: Effect | None = None
