"""The ledger's SQLite file: tables, triggers that let no counter fall, settings, and how a file is taken or refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from trustcell.vocab import Unavailable

METADATA = sa.MetaData()
_OCTETS = sa.LargeBinary
# Counters are kept as 8 octets where they may reach 2^64-1; those the broker chooses end at 2^63-1 and fit BIGINT.
REQUEST = sa.Table(
    "request",
    METADATA,
    sa.Column("originator", _OCTETS, primary_key=True),
    sa.Column("target", _OCTETS, primary_key=True),
    sa.Column("counter", _OCTETS, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("variant", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("pre_command", _OCTETS),
    sa.Column("octets", _OCTETS),
    sa.Column("reserved_counter", sa.BigInteger),
    sa.Column("at", sa.Text, nullable=False),
    # A number given out by the broker is spent for ever, recorded or not: one number, one command (I1).
    sa.Index("spent", "target", "reserved_counter", unique=True),
)
COMMAND = sa.Table(
    "command",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("originator", _OCTETS, nullable=False),
    sa.Column("device", _OCTETS, nullable=False),
    sa.Column("counter", _OCTETS, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("message_code", sa.Integer, nullable=False),
    sa.Column("request_originator", _OCTETS, nullable=False),
    sa.Column("request_counter", _OCTETS, nullable=False),
    sa.Column("variant", sa.Text, nullable=False),
    sa.Column("octets", _OCTETS, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("alerted", sa.Boolean, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.UniqueConstraint("originator", "device", "counter"),
)
DEVICE_COUNTER = sa.Table(
    "device_counter",
    METADATA,
    sa.Column("device", _OCTETS, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("last_own", sa.BigInteger, nullable=False),
    sa.Column("network_operator_highest", sa.BigInteger),
)
SLOT = sa.Table(
    "slot",
    METADATA,
    sa.Column("device", _OCTETS, primary_key=True),
    sa.Column("cell", sa.Text, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("entity", _OCTETS, nullable=False),
    sa.Column("key_id", _OCTETS, nullable=False),
    sa.Column("taught_by", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
DEVICE_MESSAGE = sa.Table(
    "device_message",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("octets", _OCTETS, nullable=False),
    sa.Column("verdict", sa.Text, index=True),
    sa.Column("at", sa.Text, nullable=False),
)
COUNTER_EVENT = sa.Table(
    "counter_event",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("device", _OCTETS, nullable=False, index=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("counter", _OCTETS, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
_NEVER_FALLS = "a counter never falls (SECMP0128A 4.1.1)"
_NEVER_CHANGES = "the octets of a command never change"
# A row is inserted once, so the triggers on INSERT also stop INSERT OR REPLACE.
_TRIGGERS = (
    f"""CREATE TRIGGER IF NOT EXISTS counters_never_fall BEFORE UPDATE ON device_counter
    WHEN new.device <> old.device OR new.last_own < old.last_own
      OR (old.network_operator_highest IS NOT NULL AND new.network_operator_highest IS NULL)
      OR new.network_operator_highest < old.network_operator_highest
    BEGIN SELECT RAISE(ABORT, '{_NEVER_FALLS}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS counters_never_go BEFORE DELETE ON device_counter
    BEGIN SELECT RAISE(ABORT, '{_NEVER_FALLS}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS counters_never_replaced BEFORE INSERT ON device_counter
    WHEN EXISTS (SELECT 1 FROM device_counter WHERE device = new.device)
    BEGIN SELECT RAISE(ABORT, '{_NEVER_FALLS}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS commands_never_change BEFORE UPDATE ON command
    WHEN new.number <> old.number OR new.octets <> old.octets OR new.originator <> old.originator
      OR new.device <> old.device OR new.counter <> old.counter
    BEGIN SELECT RAISE(ABORT, '{_NEVER_CHANGES}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS commands_never_go BEFORE DELETE ON command
    BEGIN SELECT RAISE(ABORT, '{_NEVER_CHANGES}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS commands_never_replaced BEFORE INSERT ON command
    WHEN EXISTS (SELECT 1 FROM command
      WHERE originator = new.originator AND device = new.device AND counter = new.counter)
    BEGIN SELECT RAISE(ABORT, '{_NEVER_CHANGES}'); END""",
)
# The wait comes first: switching a file to WAL needs a lock as well.
_PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_APPLICATION = 0x74_63_6C_31
"""``tcl1`` in the header of the file: a ledger of this layout and of nobody else."""


def open_engine(path: Path | str) -> sa.Engine:
    """Open or create the file; ``Unavailable`` when it cannot be opened or is no ledger of this layout."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        with translated(path), engine.begin() as connection:
            _take(connection, path)
    except Unavailable:
        engine.dispose()
        raise
    return engine


@contextmanager
def translated(path: Path | str) -> Iterator[None]:
    """Whatever the store raises as ``Unavailable``, in one sentence that names the file."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        reason = getattr(error, "orig", None) or error
        raise Unavailable(f"the ledger {path} cannot be used: {reason}") from error


def _take(connection: sa.Connection, path: Path | str) -> None:
    """Set a new file up, or make sure that an old one is ours; nothing is written into somebody else's."""
    application = connection.exec_driver_sql("PRAGMA application_id").scalar()
    if application == _APPLICATION:
        return
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
    if application or tables:
        raise Unavailable(f"the ledger {path} cannot be used: the file belongs to another application or layout")
    METADATA.create_all(connection)
    for trigger in _TRIGGERS:
        connection.exec_driver_sql(trigger)
    connection.exec_driver_sql(f"PRAGMA application_id={_APPLICATION}")


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is ours to write: see _begin
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    """Writers take the lock at once; a single SELECT is its own transaction and needs none."""
    if not connection.get_execution_options().get("reading", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
