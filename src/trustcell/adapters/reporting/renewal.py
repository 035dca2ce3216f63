"""A snapshot made from an earlier one: rows that may have changed are given anew, all others are taken over."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from trustcell.adapters.reporting.duck import TableWriter, quoted
from trustcell.reports.rules.export import Begun
from trustcell.reports.rules.fleet import TABLES, AsOf

REGISTRATION = "registration"
_LINES = {"mpxn": "VARCHAR", "begins": "BIGINT", "supplier": "VARCHAR", "operator": "VARCHAR"}


def write_table(
    folder: Path, name: str, rows: Iterable[Mapping[str, Any]], kinds: Mapping[str, str] | None = None
) -> None:
    """One table of a snapshot."""
    writer = TableWriter(folder, name, kinds)
    for row in rows:
        writer.add(row)
    writer.close()


def write_registrations(folder: Path, registered: Mapping[str, Iterable[Begun]]) -> None:
    """Who is responsible for what, for the comparison with the next snapshot."""
    lines = (
        {"mpxn": mpxn, "begins": each.at, "supplier": str(each.supplier), "operator": str(each.operator)}
        for mpxn, begun in registered.items()
        for each in begun
    )
    write_table(folder, REGISTRATION, lines, _LINES)


class Earlier:
    """An earlier snapshot, and what of it may have changed since."""

    def __init__(self, folder: Path, at: AsOf) -> None:
        """Nothing is read yet."""
        self._folder, self._at = folder, at
        self._connection = duckdb.connect()

    def has_same(self, name: str, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Whether a small table has these rows; with other parties or certificates the numbers mean something else."""
        columns = list(TABLES[name])
        with suppress(duckdb.Error):
            held = self._ask(f"SELECT {', '.join(columns)} FROM {self._file(name)} ORDER BY number")
            return held == [tuple(row[column] for column in columns) for row in _by_number(rows)]
        return False

    def not_yet_due(self) -> set[int]:
        """Devices that were inside their first days: what they show follows from the time."""
        text = f"SELECT eui FROM {self._file('device')} WHERE commissioned + {self._at.due_after} > {self._at.moment}"
        return {eui for (eui,) in self._ask(text)}

    def points_changed(self, newer: Path) -> set[str]:
        """Metering points with other lines than before, or with one that began since."""
        old, new = self._file(REGISTRATION), f"read_parquet('{quoted(newer / REGISTRATION)}.parquet')"
        differ = f"((FROM {new} EXCEPT FROM {old}) UNION ALL (FROM {old} EXCEPT FROM {new}))"
        begun = f"SELECT mpxn FROM {new} WHERE begins > {self._at.moment}"
        return {mpxn for (mpxn,) in self._ask(f"SELECT mpxn FROM {differ} UNION {begun}")}

    def renew(self, folder: Path, gone: Collection[int], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the table of devices: those of before without ``gone``, and these rows."""
        write_table(folder, "changed", rows, TABLES["device"])
        changed, new = folder / "changed.parquet", folder / ".device.new"
        self._connection.execute("CREATE OR REPLACE TABLE gone (eui BIGINT)")
        if gone:
            self._connection.executemany("INSERT INTO gone VALUES (?)", [(eui,) for eui in gone])
        columns = ", ".join(TABLES["device"])
        self._connection.execute(
            f"COPY (SELECT {columns} FROM {self._file('device')} ANTI JOIN gone USING (eui) UNION ALL "
            f"SELECT {columns} FROM read_parquet('{quoted(changed)}') ORDER BY eui) TO '{quoted(new)}' (FORMAT parquet)"
        )
        new.replace(folder / "device.parquet")
        changed.unlink()

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def _file(self, name: str) -> str:
        return f"read_parquet('{quoted(self._folder / name)}.parquet')"

    def _ask(self, text: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(text).fetchall()


def _by_number(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: int(row["number"]))
