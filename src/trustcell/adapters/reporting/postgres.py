"""The same reports on PostgreSQL, over tables in a schema of their own."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from trustcell.adapters.store.failures import unavailable
from trustcell.reports.ports import Row
from trustcell.reports.rules.fleet import TABLES, AsOf

SCHEMA = "trustcell_reports"
_NAME = re.compile(r"\$(\w+)")


class PostgresSnapshot:
    """See ``reports.ports.Snapshot``."""

    def __init__(self, conninfo: str, at: AsOf) -> None:
        """Connect; ``load`` fills the tables."""
        self._at = at
        self._connection = psycopg.connect(conninfo)
        self._names = {name: f"{SCHEMA}.{name}" for name in TABLES}

    @property
    def at(self) -> AsOf:
        """See the port."""
        return self._at

    def load(self, tables: Mapping[str, Sequence[Row]]) -> None:
        """Replace what is there by these rows, in one transaction."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            for name, columns in TABLES.items():
                fields = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                cursor.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{name}")
                cursor.execute(f"CREATE TABLE {SCHEMA}.{name} ({fields})")
                with cursor.copy(f"COPY {SCHEMA}.{name} FROM STDIN") as copy:
                    for row in tables[name]:
                        copy.write_row(row)

    def ask(self, text: str, asked: Mapping[str, Any]) -> Sequence[Row]:
        """See the port."""
        every = {**dataclasses.asdict(self._at), **asked}
        named = _NAME.sub(lambda found: _mark(found[1], every), text.format(**self._names))
        with self._connection.transaction():
            return self._connection.execute(named, every).fetchall()

    def save(self, text: str, asked: Mapping[str, Any], path: str) -> int:
        """See the port."""
        raise unavailable("parquet_not_offered", "PostgreSQL writes no Parquet; run the report on DuckDB")

    def close(self) -> None:
        """Give the connection up."""
        self._connection.close()


def _mark(name: str, every: Mapping[str, Any]) -> str:
    return f"%({name})s::{'bigint' if isinstance(every[name], int) else 'text'}"
