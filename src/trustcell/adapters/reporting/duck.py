"""Reports on DuckDB over the Parquet files of a snapshot."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from trustcell.adapters.store.failures import unavailable
from trustcell.reports.ports import Row
from trustcell.reports.rules.fleet import TABLES, AsOf

_NAME = re.compile(r"\$(\w+)")


class DuckSnapshot:
    """See ``reports.ports.Snapshot``. Files are ``device.parquet``, ``certificate.parquet``, ``party.parquet``."""

    def __init__(self, folder: Path, at: AsOf, *, memory: str = "1GB", threads: int = 2) -> None:
        """Nothing is read yet; what does not fit into ``memory`` goes through a temporary folder beside the files."""
        self._folder, self._at = folder, at
        self._connection = duckdb.connect(
            config={"memory_limit": memory, "threads": threads, "temp_directory": str(folder / "tmp")}
        )
        self._names = {name: f"read_parquet('{quoted(folder / name)}.parquet')" for name in TABLES}

    @property
    def at(self) -> AsOf:
        """See the port."""
        return self._at

    def ask(self, text: str, asked: Mapping[str, Any]) -> Sequence[Row]:
        """See the port."""
        return self._run(text, asked).fetchall()

    def save(self, text: str, asked: Mapping[str, Any], path: str) -> int:
        """See the port."""
        values = self._values(text, asked)
        written = self._connection.execute(
            f"COPY ({text.format(**self._names)}) TO '{quoted(path)}' (FORMAT parquet)", values
        )
        found = written.fetchone()
        return int(found[0]) if found else 0

    def over(self, device: str, at: AsOf) -> "DuckSnapshot":
        """The same with other devices, by SQL text: those of a list of changes, and the moment at which they are so."""
        other = DuckSnapshot.__new__(DuckSnapshot)
        other.__dict__.update(self.__dict__)
        other._names, other._at = self._names | {"device": device}, at
        return other

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def __enter__(self) -> "DuckSnapshot":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, text: str, asked: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(text.format(**self._names), self._values(text, asked))
        except duckdb.IOException as error:
            raise unavailable("snapshot_missing", f"{self._folder} holds no whole snapshot: {error}") from None

    def _values(self, text: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        every = {**dataclasses.asdict(self._at), **asked}
        return {name: every[name] for name in _NAME.findall(text)}


class TableWriter:
    """Writes one table of a snapshot as Parquet, a part at a time; the file takes its name when it is whole."""

    def __init__(self, folder: Path, name: str, kinds: Mapping[str, str] | None = None) -> None:
        """Make the folder; nothing is written yet. ``kinds`` of the columns are those of the table without."""
        self._folder, self._name, self._kinds = folder, name, kinds or TABLES[name]
        self._waiting: dict[str, list[Any]] = {column: [] for column in self._kinds}
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f".{name}.parts"
        self._file.unlink(missing_ok=True)
        self._connection = duckdb.connect(str(self._file))
        fields = ", ".join(f"{column} {kind}" for column, kind in self._kinds.items())
        self._connection.execute(f"CREATE TABLE made ({fields})")

    def add(self, row: Mapping[str, Any]) -> None:
        """One row by name of column."""
        for column, values in self._waiting.items():
            values.append(row[column])
        if len(values) >= _PART:
            self._flush()

    def close(self) -> None:
        """Write the file."""
        self._flush()
        new = self._folder / f".{self._name}.new"
        order = " ORDER BY eui" if "eui" in self._kinds else ""
        self._connection.execute(f"COPY (SELECT * FROM made{order}) TO '{quoted(new)}' (FORMAT parquet)")
        self._connection.close()
        self._file.unlink()
        new.replace(self._folder / f"{self._name}.parquet")

    def _flush(self) -> None:
        arrays = {column: _array(kind, self._waiting[column]) for column, kind in self._kinds.items()}
        chosen = ", ".join(
            f"CASE WHEN {column} = {_NULL} THEN NULL ELSE {column} END"
            if kind == "BIGINT" and column != "eui"
            else column
            for column, kind in self._kinds.items()
        )
        if len(next(iter(arrays.values()))):
            self._connection.register("arrays", arrays)
            self._connection.execute(f"INSERT INTO made SELECT {chosen} FROM arrays")
            self._connection.unregister("arrays")
        for values in self._waiting.values():
            values.clear()


_PART = 100_000
_NULL = -(2**62)
"""Stands for "none" in a column of whole numbers on its way through an array."""


def _array(kind: str, values: Iterable[Any]) -> "np.ndarray[Any, Any]":
    if kind == "VARCHAR":
        return np.array(list(values), dtype=object)
    if kind == "BOOLEAN":
        return np.array([bool(value) for value in values], dtype=np.bool_)
    return np.array([_NULL if value is None else value for value in values], dtype=np.int64)


def quoted(path: Path | str) -> str:
    """A path inside a text of SQL."""
    return str(path).replace("'", "''")
