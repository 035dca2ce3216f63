"""The tables of a DSP, or of its devices, by plain SQL in one reading transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from trustcell_audit.findings import Malformed, Problem

Row = Sequence[Any]


class Books:
    """One state of a database; rows come as tuples of plain values."""

    def __init__(self, connection: Any, mark: str = "?") -> None:
        """A connection, inside a transaction; ``mark`` is how its driver writes a value's place."""
        self._connection, self._mark = connection, mark

    def rows(self, statement: str, *values: Any) -> Iterator[Row]:
        """The rows of a SELECT with ``?`` marks."""
        yield from self._connection.execute(statement.replace("?", self._mark), values)

    def all(self, statement: str, *values: Any) -> list[Row]:
        """The rows of a SELECT, at once."""
        return list(self.rows(statement, *values))


@contextmanager
def open_books(url: str, needed: str) -> Iterator[Books]:
    """Open ``sqlite:////path/file`` or ``postgresql://...`` for reading; ``Malformed`` without a table ``needed``."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        opened = _sqlite(rest.removeprefix("/"))
    elif scheme.partition("+")[0] == "postgresql":
        opened = _postgresql(f"postgresql://{rest}")
    else:
        raise Malformed(Problem("database_unreadable", scheme, "sqlite:////path/file or postgresql://... was expected"))
    with opened as books:
        yield _having(books, needed)


@contextmanager
def _sqlite(path: str) -> Iterator[Books]:
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        connection.execute("BEGIN")
        yield Books(connection)
    except sqlite3.Error as error:
        raise _unreadable("database", error) from error
    finally:
        if connection is not None:
            connection.close()


@contextmanager
def _postgresql(url: str) -> Iterator[Books]:
    import psycopg  # whoever looks at a file needs no server's library

    try:
        with psycopg.connect(url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield Books(connection, "%s")
    except psycopg.Error as error:
        raise _unreadable("database", error) from error


def _having(books: Books, needed: str) -> Books:
    books.all(f"SELECT 1 FROM {needed} LIMIT 1")
    return books


def _unreadable(place: str, error: Exception) -> Malformed:
    return Malformed(Problem("database_unreadable", place, str(error).strip().partition("\n")[0]))
