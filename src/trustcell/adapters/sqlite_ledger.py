"""The ledger on SQLite: WAL, ``synchronous=FULL``, one transaction a call, a trigger that lets no counter fall."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from trustcell.adapters.ledger_refusals import command_used, request_id_used
from trustcell.dsp import (
    Command,
    CommandKey,
    CounterChoice,
    CounterEvent,
    Effects,
    Kind,
    Reservation,
    Reserved,
    Settled,
    State,
    choose_counter,
    milliseconds,
    raised,
)
from trustcell.duis import RequestId
from trustcell.vocab import CellId, Eui64

_METADATA = sa.MetaData()
_OCTETS = sa.LargeBinary
# Counters of commands end at 2^63-1 and fit BIGINT; request counters reach 2^64-1 and are kept as 8 octets.
_REQUEST = sa.Table(
    "request",
    _METADATA,
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
)
_COMMAND = sa.Table(
    "command",
    _METADATA,
    sa.Column("originator", _OCTETS, primary_key=True),
    sa.Column("device", _OCTETS, primary_key=True),
    sa.Column("counter", _OCTETS, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("message_code", sa.Integer, nullable=False),
    sa.Column("request_originator", _OCTETS, nullable=False),
    sa.Column("request_counter", _OCTETS, nullable=False),
    sa.Column("variant", sa.Text, nullable=False),
    sa.Column("octets", _OCTETS, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("alerted", sa.Boolean, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
_DEVICE_COUNTER = sa.Table(
    "device_counter",
    _METADATA,
    sa.Column("device", _OCTETS, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("last_own", sa.BigInteger, nullable=False),
    sa.Column("network_operator_highest", sa.BigInteger),
)
_SLOT = sa.Table(
    "slot",
    _METADATA,
    sa.Column("device", _OCTETS, primary_key=True),
    sa.Column("cell", sa.Text, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("entity", _OCTETS, nullable=False),
    sa.Column("key_id", _OCTETS, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
_DEVICE_MESSAGE = sa.Table(
    "device_message",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("octets", _OCTETS, nullable=False),
    sa.Column("verdict", sa.Text, index=True),
    sa.Column("at", sa.Text, nullable=False),
)
_COUNTER_EVENT = sa.Table(
    "counter_event",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("device", _OCTETS, nullable=False, index=True),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("counter", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
_NEVER_FALLS = """
CREATE TRIGGER IF NOT EXISTS counters_never_fall BEFORE UPDATE ON device_counter
WHEN new.last_own < old.last_own
  OR (old.network_operator_highest IS NOT NULL AND new.network_operator_highest IS NULL)
  OR new.network_operator_highest < old.network_operator_highest
BEGIN SELECT RAISE(ABORT, 'a counter never falls (SECMP0128A 4.1.1)'); END
"""
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000")


def partition(device: Eui64) -> int:
    """The first ten bits of SHA-256 of the EUI-64: 0 to 1,023, for ever the same (scale.md 3)."""
    return int.from_bytes(sha256(device).digest()[:2], "big") >> 6


class SqliteLedger:
    """The ledger port over one SQLite file; ``close`` when done. A broken store raises ``sqlalchemy.exc`` errors."""

    def __init__(self, path: Path | str) -> None:
        """Open or create the file at ``path``."""
        self._engine = sa.create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin_immediate)
        with self._engine.begin() as connection:
            _METADATA.create_all(connection)
            connection.exec_driver_sql(_NEVER_FALLS)

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    def transform(self, request_id: RequestId, service_variant: str, pre_command: bytes, now: datetime) -> None:
        """See ``Ledger.transform``."""
        with self._engine.begin() as connection:
            known = _request(connection, request_id)
            if known is None:
                _insert_request(
                    connection,
                    request_id,
                    now,
                    variant=service_variant,
                    state=State.TRANSFORMED,
                    pre_command=pre_command,
                )
            elif known.state != State.TRANSFORMED or known.pre_command != pre_command:
                raise request_id_used(request_id)

    def pre_command(self, request_id: RequestId) -> bytes | None:
        """See ``Ledger.pre_command``."""
        with self._reading() as connection:
            known = _request(connection, request_id)
        return known.pre_command if known is not None and known.state == State.TRANSFORMED else None

    def reserve(self, reservation: Reservation, now: datetime) -> CounterChoice:
        """See ``Ledger.reserve``."""
        request_id, device = reservation.request_id, reservation.request_id.target
        with self._engine.begin() as connection:
            if _request(connection, request_id) is not None:
                raise request_id_used(request_id)
            last_own, highest = _counters(connection, device)
            choice = choose_counter(
                last_own,
                highest,
                milliseconds(now),
                lambda number: _command(connection, CommandKey(reservation.broker, device, number)) is not None,
                raise_above_highest=reservation.raise_above_highest,
            )
            _set_counters(connection, device, choice.last_own, choice.highest)
            _log(connection, now, device, choice.counter, f"broker for {reservation.service_variant}", choice.reason)
            _insert_request(
                connection,
                request_id,
                now,
                variant=reservation.service_variant,
                state=State.RESERVED,
                octets=reservation.octets,
                reserved_counter=choice.counter,
            )
        return choice

    def reserved(self) -> Sequence[Reserved]:
        """See ``Ledger.reserved``."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(_REQUEST).where(_REQUEST.c.state == State.RESERVED)).all()
        return [Reserved(_request_id(row), row.octets, row.reserved_counter) for row in rows]

    def record(self, command: Command, now: datetime) -> None:
        """See ``Ledger.record``."""
        key = command.key
        with self._engine.begin() as connection:
            known = _request(connection, command.request_id)
            if known is None or known.state not in (State.TRANSFORMED, State.RESERVED):
                raise request_id_used(command.request_id)
            if _command(connection, key) is not None:
                raise command_used(key)
            connection.execute(
                _COMMAND.insert().values(
                    originator=bytes(key.originator),
                    device=bytes(key.device),
                    counter=_wide(key.counter),
                    part=partition(key.device),
                    message_code=command.message_code,
                    request_originator=bytes(command.request_id.originator),
                    request_counter=_wide(command.request_id.counter),
                    variant=command.service_variant,
                    octets=command.octets,
                    state=State.COMMANDED,
                    alerted=False,
                    at=_text(now),
                )
            )
            if known.state == State.TRANSFORMED:
                reason = "the user's own counter, from its request ID"
                _log(connection, now, key.device, key.counter, str(key.originator), reason)
            connection.execute(
                _REQUEST.update().where(*_same_request(command.request_id)).values(state=State.COMMANDED)
            )

    def outbox(self) -> Sequence[Command]:
        """See ``Ledger.outbox``."""
        query = sa.select(_COMMAND).where(_COMMAND.c.state == State.COMMANDED).order_by(sa.text("rowid"))
        with self._reading() as connection:
            return [_as_command(row) for row in connection.execute(query)]

    def correlate(self, key: CommandKey) -> Command | None:
        """See ``Ledger.correlate``."""
        with self._reading() as connection:
            row = _command(connection, key)
        return None if row is None else _as_command(row)

    def time_out(self, key: CommandKey, now: datetime) -> None:
        """See ``Ledger.time_out``."""
        with self._engine.begin() as connection:
            waiting = _COMMAND.update().where(*_same_command(key), _COMMAND.c.state == State.COMMANDED)
            connection.execute(waiting.values(state=State.SILENT))

    def keep(self, octets: bytes, now: datetime) -> int:
        """See ``Ledger.keep``."""
        with self._engine.begin() as connection:
            added = connection.execute(_DEVICE_MESSAGE.insert().values(octets=octets, at=_text(now)))
            return int(added.lastrowid)

    def unprocessed(self) -> Sequence[tuple[int, bytes]]:
        """See ``Ledger.unprocessed``."""
        query = sa.select(_DEVICE_MESSAGE).where(_DEVICE_MESSAGE.c.verdict.is_(None)).order_by(_DEVICE_MESSAGE.c.number)
        with self._reading() as connection:
            return [(row.number, row.octets) for row in connection.execute(query)]

    def dismiss(self, message: int, verdict: str, now: datetime) -> None:
        """See ``Ledger.dismiss``."""
        with self._engine.begin() as connection:
            _judge(connection, message, verdict)

    def learn(self, message: int, key: CommandKey, kind: Kind, effects: Effects, now: datetime) -> Settled:
        """See ``Ledger.learn``."""
        device = key.device
        with self._engine.begin() as connection:
            command = _command(connection, key)
            if command is None:
                raise KeyError(f"no command {key}")
            first = not command.alerted if kind is Kind.ALERT else command.state == State.COMMANDED
            change = _COMMAND.update().where(*_same_command(key))
            is_alert = kind is Kind.ALERT
            connection.execute(change.values(alerted=True) if is_alert else change.values(state=State.RESPONDED))
            for slot in effects.slots:
                _set_slot(connection, device, slot.cell, slot.entity, slot.key_id, now)
            last_own, highest = _counters(connection, device)
            if effects.learned is not None:
                highest = raised(highest, effects.learned)
                _set_counters(connection, device, last_own, highest)
                who = f"learned by the DSP from {key.originator}"
                _log(connection, now, device, effects.learned, who, effects.learned_from)
            _judge(connection, message, kind.value)
        return Settled(first, highest)

    def highest(self, device: Eui64) -> int | None:
        """See ``Ledger.highest``."""
        with self._reading() as connection:
            return _counters(connection, device)[1]

    def slot(self, device: Eui64, cell: CellId) -> tuple[Eui64, bytes] | None:
        """See ``Ledger.slot``."""
        query = sa.select(_SLOT).where(_SLOT.c.device == bytes(device), _SLOT.c.cell == str(cell))
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (Eui64(row.entity), row.key_id)

    def history(self, device: Eui64) -> Sequence[CounterEvent]:
        """See ``Ledger.history``."""
        query = (
            sa.select(_COUNTER_EVENT).where(_COUNTER_EVENT.c.device == bytes(device)).order_by(_COUNTER_EVENT.c.number)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [CounterEvent(datetime.fromisoformat(row.at), device, row.counter, row.who, row.reason) for row in rows]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection whose transaction takes no write lock."""
        with self._engine.connect().execution_options(reading=True) as connection:
            yield connection


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is ours to write: see _begin_immediate
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _wide(counter: int) -> bytes:
    return counter.to_bytes(8, "big")


def _text(now: datetime) -> str:
    return now.isoformat()


def _same_request(request_id: RequestId) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _REQUEST.c.originator == bytes(request_id.originator),
        _REQUEST.c.target == bytes(request_id.target),
        _REQUEST.c.counter == _wide(request_id.counter),
    )


def _same_command(key: CommandKey) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _COMMAND.c.originator == bytes(key.originator),
        _COMMAND.c.device == bytes(key.device),
        _COMMAND.c.counter == _wide(key.counter),
    )


def _request(connection: sa.Connection, request_id: RequestId) -> sa.Row[Any] | None:
    return connection.execute(sa.select(_REQUEST).where(*_same_request(request_id))).one_or_none()


def _command(connection: sa.Connection, key: CommandKey) -> sa.Row[Any] | None:
    return connection.execute(sa.select(_COMMAND).where(*_same_command(key))).one_or_none()


def _insert_request(connection: sa.Connection, request_id: RequestId, now: datetime, **values: object) -> None:
    connection.execute(
        _REQUEST.insert().values(
            originator=bytes(request_id.originator),
            target=bytes(request_id.target),
            counter=_wide(request_id.counter),
            part=partition(request_id.target),
            at=_text(now),
            **values,
        )
    )


def _counters(connection: sa.Connection, device: Eui64) -> tuple[int, int | None]:
    query = sa.select(_DEVICE_COUNTER).where(_DEVICE_COUNTER.c.device == bytes(device))
    row = connection.execute(query).one_or_none()
    return (0, None) if row is None else (row.last_own, row.network_operator_highest)


def _set_counters(connection: sa.Connection, device: Eui64, last_own: int, highest: int | None) -> None:
    values = {"last_own": last_own, "network_operator_highest": highest}
    changed = connection.execute(
        _DEVICE_COUNTER.update().where(_DEVICE_COUNTER.c.device == bytes(device)).values(**values)
    )
    if changed.rowcount == 0:
        connection.execute(_DEVICE_COUNTER.insert().values(device=bytes(device), part=partition(device), **values))


def _set_slot(
    connection: sa.Connection, device: Eui64, cell: CellId, entity: Eui64, key_id: bytes, now: datetime
) -> None:
    values = {"entity": bytes(entity), "key_id": key_id, "at": _text(now)}
    same = (_SLOT.c.device == bytes(device), _SLOT.c.cell == str(cell))
    if connection.execute(_SLOT.update().where(*same).values(**values)).rowcount == 0:
        connection.execute(
            _SLOT.insert().values(device=bytes(device), cell=str(cell), part=partition(device), **values)
        )


def _log(connection: sa.Connection, now: datetime, device: Eui64, counter: int, who: str, reason: str) -> None:
    connection.execute(
        _COUNTER_EVENT.insert().values(
            device=bytes(device), part=partition(device), counter=counter, who=who, reason=reason, at=_text(now)
        )
    )


def _judge(connection: sa.Connection, message: int, verdict: str) -> None:
    connection.execute(_DEVICE_MESSAGE.update().where(_DEVICE_MESSAGE.c.number == message).values(verdict=verdict))


def _request_id(row: sa.Row[Any]) -> RequestId:
    return RequestId(Eui64(row.originator), Eui64(row.target), int.from_bytes(row.counter, "big"))


def _as_command(row: sa.Row[Any]) -> Command:
    key = CommandKey(Eui64(row.originator), Eui64(row.device), int.from_bytes(row.counter, "big"))
    request_id = RequestId(Eui64(row.request_originator), key.device, int.from_bytes(row.request_counter, "big"))
    return Command(key, row.message_code, request_id, row.variant, row.octets, State(row.state))
