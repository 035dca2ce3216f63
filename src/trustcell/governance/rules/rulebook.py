"""The register of modifications: which rules are in force on a date (smki.md 8; features N5)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, slots=True)
class Modification:
    """A modification of the SEC, in force from the first moment (UTC) of its implementation date."""

    name: str
    title: str
    implemented: date
    changes: str


MODIFICATIONS = (
    Modification(
        "MP128A",
        "Gas Network Operators and SMKI",
        date(2023, 6, 29),
        "SEC B2.10, L, Appendix B 4.9.1(A)(iii): a gas network need not subscribe, and leaves in order",
    ),
    Modification(
        "MP261",
        "Organisation Certificate validity",
        date(2024, 2, 29),
        "SEC L11.4(b), L11.4A, L11.4B, Appendix B 6.3.2(A)(i): another validity and a repeated key, as approved",
    ),
)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one day. ``name`` is kept with every decision and says all there is to know."""

    as_of: date
    modifications: tuple[str, ...]

    @property
    def name(self) -> str:
        """For example ``2024-03-01: MP128A, MP261``."""
        return f"{self.as_of.isoformat()}: {', '.join(self.modifications) or 'none'}"

    def has(self, modification: str) -> bool:
        """Whether this modification is in force."""
        return modification in self.modifications


def rule_set(at: datetime, modifications: tuple[Modification, ...] = MODIFICATIONS) -> RuleSet:
    """The rules in force at this moment."""
    day = at.astimezone(UTC).date()
    return RuleSet(day, tuple(each.name for each in modifications if each.implemented <= day))
