"""What the reports need: a snapshot that can be asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trustcell.reports.rules.fleet import AsOf

Row = tuple[Any, ...]


class Snapshot(Protocol):
    """Devices, certificates and parties as they were at one moment, in a database that knows SQL."""

    @property
    def at(self) -> AsOf:
        """The moment, and what depends on it."""
        ...

    def ask(self, text: str, asked: Mapping[str, Any]) -> Sequence[Row]:
        """Rows of a text of ``Report``: names of tables and values are put in by the snapshot."""
        ...

    def save(self, text: str, asked: Mapping[str, Any], path: str) -> int:
        """Write the rows of a text as Parquet; how many. ``Unavailable`` where the database cannot."""
        ...
