"""Running totals: yesterday's totals, less what the changed devices counted, more what they count now.

What changes is listed twice, as it was and as it is. A device also changes by mere time, when its seven days are over:
whoever lists the changes adds those devices as well.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from trustcell.adapters.reporting.duck import DuckSnapshot
from trustcell.reports.rules.definition import Report

Key = tuple[Any, ...]


class RunningTotals:
    """Totals of one report that add up device by device."""

    def __init__(self, report: Report) -> None:
        """Empty; ``ValueError`` for a report whose totals do not add up."""
        if not report.running:
            raise ValueError(f"totals of {report.name} do not add up device by device")
        self._report = report
        self._sums: dict[Key, Counter[int]] = {}

    def count(self, snapshot: DuckSnapshot) -> None:
        """Count everything anew."""
        self._sums = {}
        self._add(snapshot, 1)

    def refresh(self, before: DuckSnapshot, after: DuckSnapshot) -> None:
        """Take away what the changed devices were at their time, and add what they are now."""
        self._add(before, -1)
        self._add(after, 1)

    def rows(self) -> Sequence[Key]:
        """Keys with their measures, in order."""
        measures = range(len(self._report.measures))
        found = ((*key, *(sums[place] for place in measures)) for key, sums in self._sums.items() if any(sums.values()))
        return sorted(found, key=str)

    def _add(self, snapshot: DuckSnapshot, sign: int) -> None:
        width = len(self._report.keys)
        for row in snapshot.ask(self._report.totals, {}):
            sums = self._sums.setdefault(row[:width], Counter())
            for place, value in enumerate(row[width:]):
                sums[place] += sign * int(value)
