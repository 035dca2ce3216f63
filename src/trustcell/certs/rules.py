"""Profile rules as data: a field, what it must be, where that is written, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from trustcell.certs.certificate import Certificate
from trustcell.vocab import Clause, Finding, Severity

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class View:
    """A certificate and the environment it is judged in."""

    certificate: Certificate
    policy: str | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProfileRule(Generic[T]):
    """One rule over a ``T``: ``show`` gives the value for people, ``holds`` the judgement, ``code`` names a breach."""

    code: str
    field: str
    clause: Clause
    expected: str
    show: Callable[[T], str]
    holds: Callable[[T], bool]
    severity: Severity = Severity.ERROR

    def row(self, subject: T) -> ProfileRow:
        """Apply the rule."""
        value = self.show(subject)
        if self.holds(subject):
            return ProfileRow(self.field, value, self.expected, Verdict.OK, self.clause.ref)
        finding = self.clause.breach(
            self.code, self.field, f"it is {value}", f"{self.expected} was expected", self.severity, value=value
        )
        return ProfileRow(self.field, value, self.expected, Verdict.FINDING, self.clause.ref, finding)
