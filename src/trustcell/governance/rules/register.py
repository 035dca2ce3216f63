"""The register: parties, people and approvals as the statements up to a moment leave them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.parties import Party, Person
from trustcell.governance.rules.statements import SignedStatement
from trustcell.vocab import Eui64


@dataclass(frozen=True)
class Register:
    """What governance knows at one moment. ``approvals`` holds the newest version of each."""

    parties: Mapping[str, Party] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)

    @classmethod
    def fold(cls, statements: Iterable[SignedStatement], as_of: datetime | None = None) -> "Register":
        """What the statements say, in their order; those after ``as_of`` are left out."""
        raise NotImplementedError

    def party_of(self, entity_id: Eui64) -> Party | None:
        """The party this EUI-64 belongs to."""
        return next((party for party in self.parties.values() if entity_id in party.entities), None)
