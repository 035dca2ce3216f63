"""Clauses of the code book, and findings that cite them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What a finding means if nobody sets it aside."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule found: the clause, the field, what is wrong and what would make it pass."""

    code: str
    clause: str
    field: str
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        """One sentence for people."""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.field}: {self.message} ({self.clause}{remedy}) [{self.code}]"

    def as_json(self) -> dict[str, object]:
        """Plain values for ``--json`` output."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "clause": self.clause,
            "field": self.field,
            "message": self.message,
            "remedy": self.remedy,
            "facts": dict(self.facts),
        }


def finding_of(values: Mapping[str, Any]) -> Finding:
    """What ``Finding.as_json`` wrote; raises ``KeyError`` or ``ValueError`` for anything else."""
    return Finding(
        values["code"],
        values["clause"],
        values["field"],
        values["message"],
        values["remedy"],
        Severity(values["severity"]),
        values["facts"],
    )


@dataclass(frozen=True, slots=True)
class Clause:
    """A place in the code book: its short name, the document it stands in, and since when it has been in force."""

    ref: str
    source: str
    effective: date | None = None

    def breach(
        self,
        code: str,
        field: str,
        message: str,
        remedy: str = "",
        severity: Severity = Severity.ERROR,
        **facts: object,
    ) -> Finding:
        """A finding that cites this clause."""
        return Finding(code, self.ref, field, message, remedy, severity, {k: str(v) for k, v in facts.items()})
