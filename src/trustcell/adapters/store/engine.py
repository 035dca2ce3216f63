"""How a database is opened: its settings, and that writers take turns."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from trustcell.adapters.store.failures import unavailable

MEMORY = "sqlite://"
"""A database in memory, for ``make_engine(..., memory=True)`` alone: it ends with its engine."""
# The wait comes first: switching a file to WAL needs a lock as well. REPLACE fires triggers on DELETE only if asked to.
_PRAGMAS = ("busy_timeout=60000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON",
            "cache_size=-131072", "wal_autocheckpoint=8000")  # fmt: skip
_POSTGRESQL = "-c lock_timeout=60s -c TimeZone=UTC -c default_transaction_isolation=read\\ committed"


def make_engine(url: str, *, memory: bool = False) -> sa.Engine:
    """An engine for ``sqlite:///FILE`` or ``postgresql+psycopg://...``; nothing is opened yet.

    ``memory`` allows ``MEMORY`` as well: everybody shares its only connection, and must take turns.
    """
    if memory and url == MEMORY:
        engine = sa.create_engine(url, poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine
    parsed = readable(url)
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, poolclass=sa.QueuePool, max_overflow=-1, connect_args={"timeout": 60})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine
    # A server that went away is noticed before a connection is used.
    options = {"options": _POSTGRESQL, "connect_timeout": 10}
    return sa.create_engine(parsed, max_overflow=-1, pool_pre_ping=True, connect_args=options)


def readable(url: str) -> sa.URL:
    """The URL in parts; ``Unavailable`` (``storage_unknown``) for a database that is neither."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise unavailable("storage_unknown", "the database is no URL, such as sqlite:////path/to/file") from error
    name = parsed.get_backend_name()
    if name == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if name == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    told = parsed.render_as_string(hide_password=True)
    raise unavailable("storage_unknown", f"{told} is no SQLite file and no PostgreSQL database")


def file_of(url: sa.URL) -> Path | None:
    """The file of an SQLite database."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" and url.database else None


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is ours to write: see _begin
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    """A writer takes the lock at once, a reader sees one state."""
    reading = connection.get_execution_options().get("reading", False)
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:  # a reader of the store has begun already
        driver.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
