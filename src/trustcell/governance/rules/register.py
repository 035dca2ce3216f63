"""The register: parties, people and approvals as the statements up to a moment leave them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.kinds import KINDS
from trustcell.governance.rules.objections import judged
from trustcell.governance.rules.parties import Party, Person
from trustcell.governance.rules.statements import SignedStatement
from trustcell.vocab import Eui64


@dataclass(frozen=True)
class Register:
    """What governance knows at one moment.

    ``environment`` and ``ica`` (the DER of the ICA certificate that credentials chain to) were stated at the ceremony.
    ``versions`` holds every version of every approval, oldest first.
    """

    parties: Mapping[str, Party] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    versions: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)
    environment: str = ""
    ica: bytes = field(default=b"", repr=False)

    @classmethod
    def fold(cls, statements: Iterable[SignedStatement], as_of: datetime | None = None) -> "Register":
        """What the statements say, in their order; those after ``as_of`` are left out."""
        register = cls()
        for signed in statements:
            if as_of is None or signed.statement.at <= as_of:
                register = register.after(signed)
        return register

    def after(self, signed: SignedStatement) -> "Register":
        """The register once this was stated: unchanged by what the rules do not let anybody state."""
        kind = KINDS.get(signed.statement.kind)
        if kind is None or kind.effect is None:
            return self
        found, values = judged(self, signed.statement)
        return self if found else kind.effect(self, signed, values)

    @cached_property
    def approvals(self) -> Mapping[str, Approval]:
        """Of each approval the version that counts: the newest one approved or, before there is one, the newest."""
        return {name: _counts(versions) for name, versions in self.versions.items()}

    def newest(self, approval: str) -> Approval | None:
        """The newest version of an approval, which views and decisions are about."""
        versions = self.versions.get(approval, ())
        return versions[-1] if versions else None

    def party_of(self, entity_id: Eui64) -> Party | None:
        """The party this EUI-64 belongs to."""
        return next((party for party in self.parties.values() if entity_id in party.entities), None)


def _counts(versions: tuple[Approval, ...]) -> Approval:
    approved = (each for each in reversed(versions) if each.decision is not None and each.decision.approved)
    return next(approved, versions[-1])
