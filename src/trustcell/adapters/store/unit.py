"""One open transaction: statements go through here, so that what was written is known before the commit."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
import sqlalchemy as sa

_PAGE = 1000
_TYPES: Mapping[type, str] = {
    sa.BigInteger: "int8", sa.Integer: "int4", sa.SmallInteger: "int2", sa.Text: "text", sa.LargeBinary: "bytea",
}  # fmt: skip
_AMONG = 500
_AMONG_POSTGRESQL = 10_000


class Duplicate(Exception):
    """A unique index refused a row; nothing of the call was kept."""


class Unit:
    """A connection within a transaction, for reading or for writing; ``changed`` once something was written."""

    def __init__(self, connection: sa.Connection, *, writing: bool) -> None:
        """Use a connection on which a transaction has begun."""
        self.connection = connection
        self.writing = writing
        self.changed = False
        self.postgresql = connection.dialect.name == "postgresql"
        self._driver: Any = connection.connection.driver_connection

    def read(self, query: sa.Executable, values: Mapping[str, Any] | None = None) -> sa.CursorResult[Any]:
        """Run a SELECT."""
        return self.connection.execute(query, values)

    def rows(self, select: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of a SELECT with the driver's marks for values, straight from the driver."""
        if self.postgresql:
            found: list[tuple[Any, ...]] = self._driver.execute(select, values, binary=True).fetchall()
            return found
        return list(self._driver.execute(select, values))

    def marked(self, text: str) -> str:
        """A statement with ``?`` for each value, with the marks of the driver."""
        return text.replace("?", "%s") if self.postgresql else text

    def pages(
        self, query: "sa.Select[Any]", *order: "sa.Column[Any]", after: Sequence[Any] | None = None
    ) -> Iterator[sa.Row[Any]]:
        """Rows of a large SELECT by columns that identify a row, from behind ``after``; a page is a query of its own.

        So a caller may stop, or write, between two of them, and no cursor is left open.
        """
        page = query.order_by(*order).limit(_PAGE)
        while True:
            beyond = sa.true() if after is None else sa.tuple_(*order) > sa.tuple_(*after)
            rows = self.read(page.where(beyond)).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = [rows[-1]._mapping[column] for column in order]

    def write(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> sa.CursorResult[Any]:
        """Run an INSERT or UPDATE."""
        self._touch()
        return self.connection.execute(statement, values)

    def add_rows(self, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows that have a value for each column in order; raises ``Duplicate``, and then none is kept.

        Rows that are made while they are read are made while PostgreSQL already works on those before.
        """
        self._touch()
        with self._all_or_none():
            if self.postgresql:
                self._copy(table, rows)
            else:
                marks = ",".join("?" * len(table.columns))
                self._driver.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)

    def update_rows(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run one UPDATE with ``?`` for each value over many rows."""
        self._touch()
        if self.postgresql:
            with self._driver.cursor() as cursor:
                cursor.executemany(statement.replace("?", "%s"), rows)
        else:
            self._driver.executemany(statement, rows)

    def among(self, select: str, values: Sequence[bytes], *first: str) -> list[tuple[Any, ...]]:
        """Rows of a SELECT that ends in a column, where it is one of these values; ``first`` fills marks before."""
        rows: list[tuple[Any, ...]] = []
        if self.postgresql:
            for start in range(0, len(values), _AMONG_POSTGRESQL):
                chosen = (*first, list(values[start : start + _AMONG_POSTGRESQL]))
                # Planned with the values at hand: a plan kept from when the table was empty would read all of it.
                found = self._driver.execute(f"{select} = ANY(%b)", chosen, binary=True, prepare=False)
                rows += found.fetchall()
            return rows
        for start in range(0, len(values), _AMONG):
            some = values[start : start + _AMONG]
            marks = ",".join("?" * len(some))
            rows += self.rows(f"{select} IN ({marks})", (*first, *some))
        return rows

    def next_number(self, column: "sa.Column[Any]") -> int:
        """One more than the highest: writers take turns, so nobody else gets it."""
        highest = self.connection.execute(sa.select(sa.func.max(column))).scalar()
        return int(highest or 0) + 1

    def _copy(self, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
        names, types = _columns(table)
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(types)
            write = copy.write_row
            for row in rows:
                write(row)

    @contextmanager
    def _all_or_none(self) -> Iterator[None]:
        # A statement that fails ends the whole transaction on PostgreSQL, and executemany stops half way on SQLite.
        self.connection.exec_driver_sql("SAVEPOINT rows")
        try:
            yield
        except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation) as error:
            self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT rows")
            self.connection.exec_driver_sql("RELEASE SAVEPOINT rows")
            if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" not in str(error):
                raise
            raise Duplicate(str(error)) from error
        self.connection.exec_driver_sql("RELEASE SAVEPOINT rows")

    def _touch(self) -> None:
        if not self.writing:
            raise RuntimeError("these books are open for reading only")
        self.changed = True


@cache
def _columns(table: sa.Table) -> tuple[str, list[str]]:
    """Names and types of the columns as PostgreSQL has them; octets go over as they are, not as hex."""
    return ", ".join(column.name for column in table.columns), [_TYPES[type(each.type)] for each in table.columns]
