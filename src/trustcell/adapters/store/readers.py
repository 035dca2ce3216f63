"""Connections for reading, kept open between two readings: a search costs little more than its look-up."""

import select
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

_KEPT = 8


class Readers:
    """Lends connections within a transaction that sees one state and writes nothing; any number at a time."""

    def __init__(self, engine: sa.Engine) -> None:
        """Open none yet."""
        self._engine = engine
        self._postgresql = engine.dialect.name == "postgresql"
        self._idle: list[sa.Connection] = []
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[sa.Connection]:
        """A connection; the transaction ends with the block."""
        connection = self._taken()
        driver: Any = connection.connection.driver_connection
        try:
            if not self._postgresql:
                driver.execute("BEGIN")  # PostgreSQL's driver does so with the first statement
            yield connection
        finally:
            self._back(connection, driver)

    def close(self) -> None:
        """Close what is idle; what is lent is closed when it comes back."""
        self._closed = True
        while self._idle:
            _end(self._idle.pop())

    def _taken(self) -> sa.Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if not self._postgresql or not _ended_by_server(connection):
                return connection
            _end(connection)
        options: dict[str, object] = {"reading": True}
        if self._postgresql:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self._engine.connect().execution_options(**options)

    def _back(self, connection: sa.Connection, driver: Any) -> None:
        try:
            if connection.in_transaction():  # somebody asked through SQLAlchemy
                connection.rollback()
            else:
                driver.rollback()
            kept = not self._closed and len(self._idle) < _KEPT
        except (sa.exc.SQLAlchemyError, sqlite3.Error, psycopg.Error):
            kept = False  # what was read was read
        if kept:
            self._idle.append(connection)
        else:
            _end(connection)


def _end(connection: sa.Connection) -> None:
    connection.invalidate()
    connection.close()


def _ended_by_server(connection: sa.Connection) -> bool:
    """Whether there is something to read where nobody has asked: the server's good-bye."""
    driver: Any = connection.connection.driver_connection
    if driver.closed:
        return True
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    return bool(poll.poll(0))
