"""What the program finds: problems with their place, and a report that says what it relied on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it must be: a stable code, where it is, and what is wrong.

    ``place`` names an entry, head or part; ``field`` the field in it, if one is to blame; ``octet`` where that begins
    in the file, -1 when the file does not tell.
    """

    code: str
    place: str
    message: str
    field: str = ""
    octet: int = -1

    def __str__(self) -> str:
        """One sentence."""
        where = self.place + (f", {self.field}" if self.field else "")
        return f"{where}{f' (octet {self.octet})' if self.octet >= 0 else ''}: {self.message} [{self.code}]"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "code": self.code,
            "place": self.place,
            "field": self.field,
            "octet": None if self.octet < 0 else self.octet,
            "message": self.message,
        }


class Malformed(Exception):
    """A file or value cannot be read at all; carries the one problem that says so."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class Report:
    """What a check came to. ``facts`` says what was looked at; ``relied`` what was taken as given."""

    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    relied: list[str] = field(default_factory=list)

    def need(self, holds: bool, code: str, place: str, message: str, name: str = "", octet: int = -1) -> bool:
        """Note a problem unless it ``holds``; gives back whether it did."""
        if not holds:
            self.problems.append(Problem(code, place, message, name, octet))
        return holds

    def add(self, problems: Iterable[Problem]) -> None:
        """Note these problems."""
        self.problems.extend(problems)

    def as_json(self) -> dict[str, Any]:
        """Plain values; ``ok`` is true when there is no problem."""
        return {
            "ok": not self.problems,
            "problems": [problem.as_json() for problem in self.problems],
            "facts": self.facts,
            "relied_on": self.relied,
        }
