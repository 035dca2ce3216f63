"""What a profile finds: fields in the order they stand, each with its value, what is wanted, and every breach."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from trustcell.vocab import Clause, Finding, Severity


class Verdict(StrEnum):
    """Whether a field is as its profile wants it."""

    OK = "ok"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One line of ``cert show``: the field, what it is, what the profile wants, the verdict and its clause."""

    field: str
    value: str
    expected: str
    verdict: Verdict
    clause: str
    finding: Finding | None = None


@dataclass(slots=True)
class Field:
    """One field under judgement: its value for people, and all that its profile wants of it."""

    name: str
    value: str
    clause: Clause
    expected: str
    breaches: list[ProfileRow] = field(default_factory=list)

    def need(self, holds: bool, code: str, clause: Clause, expected: str, severity: Severity = Severity.ERROR) -> None:
        """Note a breach unless it ``holds``."""
        if not holds:
            message, remedy = f"it is {self.value}", f"{expected} was expected"
            finding = clause.breach(code, self.name, message, remedy, severity, value=self.value)
            row = ProfileRow(self.name, self.value, expected, Verdict.FINDING, clause.ref, finding)
            self.breaches.append(row)


def rows_of(fields: Iterable[Field]) -> list[ProfileRow]:
    """A row for each breach, and one for each field without any."""
    rows: list[ProfileRow] = []
    for judged in fields:
        ok = ProfileRow(judged.name, judged.value, judged.expected, Verdict.OK, judged.clause.ref)
        rows += judged.breaches or [ok]
    return rows


def findings_of(rows: Iterable[ProfileRow]) -> list[Finding]:
    """The findings of the rows."""
    return [row.finding for row in rows if row.finding is not None]
