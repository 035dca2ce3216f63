"""One connection of its own to a database, at driver level: groups of statements within transactions."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg
import sqlalchemy as sa

from trustcell.adapters.dsp_store.statements import Lookup, Write

Row = tuple[Any, ...]
UNIQUE_VIOLATION = "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"
_PAUSE = "5s"
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Duplicate(Exception):
    """A unique index refused a row; the transaction is gone."""


class Session:
    """Statements with ``?`` marks on either database; texts are prepared once by the driver."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take a connection out of the engine's pool; in memory there is only one, which everybody shares."""
        self.postgresql = engine.dialect.name == "postgresql"
        proxied = engine.raw_connection()
        driver: Any = proxied.driver_connection
        self._driver, self._proxied = driver, proxied
        if not isinstance(engine.pool, sa.StaticPool):
            proxied.detach()
        if self.postgresql:
            driver.autocommit = True  # BEGIN and COMMIT are ours to write
            # A worker that is paused inside a transaction would keep others from its lease.
            driver.execute(f"SET idle_in_transaction_session_timeout = '{_PAUSE}'")

    def close(self) -> None:
        """Give the connection up; of one that the server has ended there is nothing left to roll back."""
        if not self.broken:
            self._proxied.close()
        elif self._proxied.is_valid:
            self._driver.close()
            self._proxied.invalidate()

    @property
    def broken(self) -> bool:
        """Whether the server is gone."""
        return self.postgresql and bool(self._driver.closed or self._driver.broken)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that holds SQLite's write lock from its beginning."""
        with self._within("BEGIN" if self.postgresql else "BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A transaction that sees one state."""
        with self._within(_READING if self.postgresql else "BEGIN"):
            yield

    @contextmanager
    def _within(self, begin: str) -> Iterator[None]:
        self._driver.execute(begin)
        try:
            yield
            self._driver.execute("COMMIT")
        except BaseException as error:
            self._undo()
            if _is_duplicate(error):
                raise Duplicate(str(error)) from error
            raise

    def _undo(self) -> None:
        try:
            if self.postgresql or self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
        except (sqlite3.Error, psycopg.Error):
            return  # the error that led here says more

    def all(self, text: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows of a SELECT."""
        if self.postgresql:
            text = text.replace("?", "%s")
        rows: list[Row] = self._driver.execute(text, values).fetchall()
        return rows

    def one(self, text: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of a SELECT."""
        if self.postgresql:
            text = text.replace("?", "%s")
        row: Row | None = self._driver.execute(text, values).fetchone()
        return row

    def find(self, wanted: Lookup, keys: Sequence[Row]) -> list[Row]:
        """Rows under these keys, in no order."""
        if not keys:
            return []
        if self.postgresql:
            columns = [list(column) for column in zip(*keys, strict=True)]
            found: list[Row] = self._driver.execute(wanted.postgresql, columns).fetchall()
            return found
        rows: list[Row] = []
        for text, values in wanted.chunks(keys):
            rows += self._driver.execute(text, values).fetchall()
        return rows

    def run(self, text: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that writes; how many rows it changed."""
        if self.postgresql:
            text = text.replace("?", "%s")
        return int(self._driver.execute(text, values).rowcount)

    def write(self, statement: Write, rows: Sequence[Row]) -> None:
        """Run a statement over rows that name different rows of the table."""
        if not rows:
            return
        if self.postgresql:
            self._driver.execute(statement.postgresql, [list(column) for column in zip(*rows, strict=True)])
        else:
            self._driver.executemany(statement.sqlite, rows)

    def together(self) -> AbstractContextManager[Any]:
        """Statements inside go to the server at once; none of them may be read."""
        return self._driver.pipeline() if self.postgresql else nullcontext()


def _is_duplicate(error: BaseException) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return getattr(error, "sqlite_errorname", "") in UNIQUE_VIOLATION
    return isinstance(error, psycopg.errors.UniqueViolation)
