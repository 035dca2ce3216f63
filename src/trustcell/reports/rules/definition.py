"""What a report is: a question, the clauses behind it, and one SQL text that DuckDB and PostgreSQL both understand.

``{device}``, ``{certificate}`` and ``{party}`` stand for the tables of the snapshot (see ``fleet``), ``$name`` for a
field of ``AsOf`` or a value the report asks for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trustcell.vocab import Clause


class Kind(StrEnum):
    """What stands in a column, so that it is told to people in the right words."""

    DEVICE = "device"
    PARTY = "party"
    REGION = "region"
    STATE = "state"
    CELL = "cell"
    TEXT = "text"
    MOMENT = "moment"
    YEAR = "year"
    COUNT = "count"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by name and kind; ``words`` say what its codes mean."""

    name: str
    kind: Kind
    words: Mapping[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report. ``totals`` gives ``keys`` then ``measures``, ``rows`` the ``columns`` of what needs a look,
    ``cite`` the clause and the remedy of one such row.

    ``asks`` names values that must be given besides the moment. ``running`` reports have totals that add up device by
    device, so a day's changes can be added instead of counting everything again. ``notes`` are told with it.
    """

    name: str
    title: str
    question: str
    clauses: tuple[Clause, ...]
    keys: tuple[Column, ...]
    measures: tuple[Column, ...]
    totals: str
    columns: tuple[Column, ...]
    rows: str
    cite: Callable[[Mapping[str, Any]], tuple[Clause, str]]
    asks: tuple[str, ...] = ()
    running: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A report that was run: its totals in order, the rows that need a look, at most so many of ``count``."""

    report: Report
    at: datetime
    totals: Sequence[Sequence[Any]]
    rows: Sequence[Mapping[str, Any]]
    count: int
    asked: Mapping[str, str] = field(default_factory=dict)
