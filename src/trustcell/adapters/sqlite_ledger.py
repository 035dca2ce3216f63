"""The ledger port on SQLite: WAL, ``synchronous=FULL``, one transaction a call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from trustcell.adapters import sqlite_rows as rows
from trustcell.adapters.ledger_refusals import command_used, request_id_used
from trustcell.adapters.sqlite_schema import (
    COMMAND,
    COUNTER_EVENT,
    DEVICE_MESSAGE,
    REQUEST,
    open_engine,
    translated,
)
from trustcell.dsp import (
    Command,
    CommandKey,
    CounterChoice,
    CounterEvent,
    Effects,
    Kind,
    Offered,
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


class SqliteLedger:
    """The ledger port over one SQLite file; ``close`` when done. ``Unavailable`` when the store does not work."""

    def __init__(self, path: Path | str) -> None:
        """Open or create the file at ``path``."""
        self._path = path
        self._engine = open_engine(path)

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    def transform(self, request_id: RequestId, service_variant: str, pre_command: bytes, now: datetime) -> None:
        """See ``Ledger.transform``."""
        with self._writing() as connection:
            known = rows.offered(connection, request_id)
            if known is None:
                rows.insert_request(
                    connection,
                    request_id,
                    now,
                    variant=service_variant,
                    state=State.TRANSFORMED,
                    pre_command=pre_command,
                )
            elif known != Offered(service_variant, pre_command):
                raise request_id_used(request_id)

    def offered(self, request_id: RequestId) -> Offered | None:
        """See ``Ledger.offered``."""
        with self._reading() as connection:
            return rows.offered(connection, request_id)

    def reserve(self, reservation: Reservation, now: datetime) -> CounterChoice:
        """See ``Ledger.reserve``."""
        request_id, device = reservation.request_id, reservation.request_id.target
        with self._writing() as connection:
            if rows.request(connection, request_id) is not None:
                raise request_id_used(request_id)
            last_own, highest = rows.counters(connection, device)
            choice = choose_counter(
                last_own,
                highest,
                milliseconds(now),
                lambda number: rows.is_spent(connection, device, number),
                raise_above_highest=reservation.raise_above_highest,
            )
            rows.set_counters(connection, device, choice.last_own, choice.highest)
            rows.log(
                connection, now, device, choice.counter, f"broker for {reservation.service_variant}", choice.reason
            )
            rows.insert_request(
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
        query = sa.select(REQUEST).where(REQUEST.c.state == State.RESERVED).order_by(sa.text("rowid"))
        with self._reading() as connection:
            found = connection.execute(query).all()
        return [Reserved(rows.request_id(row), row.variant, row.octets, row.reserved_counter) for row in found]

    def abandon(self, request_id: RequestId, reason: str, now: datetime) -> bool:
        """See ``Ledger.abandon``."""
        with self._writing() as connection:
            known = rows.request(connection, request_id)
            if known is None or known.state != State.RESERVED:
                return False
            rows.set_state(connection, request_id, State.ABANDONED)
            who = f"abandoned: {reason}"
            why = "the number is spent without a command"
            rows.log(connection, now, request_id.target, known.reserved_counter, who, why)
        return True

    def record(self, command: Command, now: datetime) -> None:
        """See ``Ledger.record``."""
        key = command.key
        with self._writing() as connection:
            row = rows.command(connection, key)
            there = None if row is None else rows.as_command(row)
            if there is not None and (there.request_id, there.octets) == (command.request_id, command.octets):
                return
            known = rows.request(connection, command.request_id)
            if known is None or known.state not in (State.TRANSFORMED, State.RESERVED):
                raise request_id_used(command.request_id)
            if there is not None:
                raise command_used(key)
            rows.insert_command(connection, command, now)
            if known.state == State.TRANSFORMED:
                reason = "the user's own counter, from its request ID"
                rows.log(connection, now, key.device, key.counter, str(key.originator), reason)
            rows.set_state(connection, command.request_id, State.COMMANDED)

    def outbox(self) -> Sequence[Command]:
        """See ``Ledger.outbox``."""
        query = sa.select(COMMAND).where(COMMAND.c.state == State.COMMANDED).order_by(COMMAND.c.number)
        with self._reading() as connection:
            return [rows.as_command(row) for row in connection.execute(query)]

    def correlate(self, key: CommandKey) -> Command | None:
        """See ``Ledger.correlate``."""
        with self._reading() as connection:
            row = rows.command(connection, key)
        return None if row is None else rows.as_command(row)

    def time_out(self, key: CommandKey, now: datetime) -> bool:
        """See ``Ledger.time_out``."""
        with self._writing() as connection:
            return rows.silence(connection, key)

    def keep(self, octets: bytes, now: datetime) -> int:
        """See ``Ledger.keep``."""
        with self._writing() as connection:
            return rows.insert_message(connection, octets, now)

    def unprocessed(self) -> Sequence[tuple[int, bytes]]:
        """See ``Ledger.unprocessed``."""
        query = sa.select(DEVICE_MESSAGE).where(DEVICE_MESSAGE.c.verdict.is_(None)).order_by(DEVICE_MESSAGE.c.number)
        with self._reading() as connection:
            return [(row.number, row.octets) for row in connection.execute(query)]

    def dismiss(self, message: int, verdict: str, now: datetime) -> None:
        """See ``Ledger.dismiss``."""
        with self._writing() as connection:
            rows.judge(connection, message, verdict)

    def learn(self, message: int, key: CommandKey, kind: Kind, effects: Effects, now: datetime) -> Settled:
        """See ``Ledger.learn``."""
        device, alert = key.device, kind is Kind.ALERT
        with self._writing() as connection:
            command = rows.command(connection, key)
            if command is None:
                raise KeyError(f"no command {key}")
            repeated = command.alerted if alert else command.state == State.RESPONDED
            in_time = not repeated and (alert or command.state == State.COMMANDED)
            rows.judge(connection, message, kind.value)
            if not repeated:
                rows.answered(connection, key, alert=alert)
                for slot in effects.slots:
                    rows.settle_slot(connection, device, slot, command.number, now, alert=alert)
            last_own, before = rows.counters(connection, device)
            after = before if effects.learned is None else raised(before, effects.learned)
            if after != before:
                rows.set_counters(connection, device, last_own, after)
            if effects.learned is not None and (not repeated or after != before):
                who = f"learned by the DSP from {key.originator}"
                rows.log(connection, now, device, effects.learned, who, effects.learned_from)
        return Settled(in_time, after)

    def highest(self, device: Eui64) -> int | None:
        """See ``Ledger.highest``."""
        with self._reading() as connection:
            return rows.counters(connection, device)[1]

    def slot(self, device: Eui64, cell: CellId) -> tuple[Eui64, bytes] | None:
        """See ``Ledger.slot``."""
        with self._reading() as connection:
            row = rows.slot(connection, device, cell)
        return None if row is None else (Eui64(row.entity), row.key_id)

    def history(self, device: Eui64) -> Sequence[CounterEvent]:
        """See ``Ledger.history``."""
        query = sa.select(COUNTER_EVENT).where(COUNTER_EVENT.c.device == bytes(device)).order_by(COUNTER_EVENT.c.number)
        with self._reading() as connection:
            found = connection.execute(query).all()
        return [
            CounterEvent(datetime.fromisoformat(row.at), device, rows.number(row.counter), row.who, row.reason)
            for row in found
        ]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction that holds the write lock from its beginning."""
        with translated(self._path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection for one SELECT, which takes no write lock."""
        with translated(self._path), self._engine.connect().execution_options(reading=True) as connection:
            yield connection
