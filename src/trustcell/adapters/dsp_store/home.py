"""The books of one home under a lease: see ``dsp.ports.Store``."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from trustcell.adapters.dsp_store import committing, deliveries, gathering, reserving, rows
from trustcell.adapters.dsp_store.group import Group, Home
from trustcell.adapters.dsp_store.schema import COMMAND
from trustcell.adapters.dsp_store.sealing import Sealing
from trustcell.adapters.dsp_store.session import Duplicate, Session
from trustcell.adapters.dsp_store.statements import lookup
from trustcell.adapters.store.failures import translated, unavailable
from trustcell.adapters.store.values import micros, when
from trustcell.dsp.ports import Fenced, Reserved
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.facts import Facts, KnownRequest, Schedule
from trustcell.dsp.rules.plan import Distribution, Needs
from trustcell.dsp.rules.work import Command, Delivery, Due, DueKind, Reservation, Work
from trustcell.duis import RequestId
from trustcell.vocab import Eui64, Refused, Unavailable

_T = TypeVar("_T")
_GROUP = 64
_TRIES = 3
_REMEMBERED = 8192
_COMMANDS = lookup(rows.COMMAND_COLUMNS, (COMMAND.c.originator, COMMAND.c.counter, COMMAND.c.device))
_OPEN = f"SELECT {rows.COMMAND_COLUMNS} FROM command t WHERE t.home = ? AND t.state = 'open' ORDER BY t.number"
_RESERVED = (
    f"SELECT {rows.KNOWN_COLUMNS}, t.reserved_by, t.reserved FROM request t{rows.KNOWN_JOIN} "
    "WHERE t.home = ? AND t.state = 'reserved' ORDER BY t.number"
)
_TRIED = (
    "SELECT count(*) FROM command c JOIN request t ON c.request = t.number "
    "WHERE t.target = ? AND t.originator = ? AND t.counter = ?"
)
_ACCEPTED = "SELECT count(*) FROM request WHERE originator = ? AND accepted_at >= ?"
_DUE = "SELECT at, kind, ref FROM due WHERE home = ? AND at <= ? ORDER BY at, kind, ref LIMIT ?"
# An open command is its own timer.
_LATE = "FROM command WHERE home = ? AND state = 'open' AND not_after IS NOT NULL"
_SILENT = f"SELECT not_after, originator, device, counter {_LATE} AND not_after <= ? ORDER BY not_after LIMIT ?"
_NEXT_DUE = f"SELECT (SELECT min(at) FROM due WHERE home = ?), (SELECT min(not_after) {_LATE})"
_SCHEDULE = "SELECT * FROM schedule WHERE number = ?"
_DISTRIBUTION = "SELECT user_id, image, version, devices, request FROM distribution WHERE number = ?"
_RENEW = "UPDATE lease SET until = ? WHERE home = ? AND epoch = ?"
_RELEASE = "UPDATE lease SET owner = '', until = 0 WHERE home = ? AND epoch = ?"


@dataclass(frozen=True, slots=True)
class Held:
    """A home that was taken: which, in which epoch, for how long a lease runs."""

    home: Home
    epoch: int
    owner: str
    lasts: timedelta


class SqlHome:
    """See ``dsp.ports.Store``. Has a connection of its own; threads take turns."""

    def __init__(
        self,
        engine: sa.Engine,
        name: str,
        held: Held,
        sealing: Sealing,
        turn: AbstractContextManager[object] | None,
    ) -> None:
        """Use a home that ``SqlHomes.take`` took; ``turn`` is shared where the connection is."""
        self._engine, self._name, self._held, self._sealing = engine, name, held, sealing
        self._turn = turn or threading.Lock()
        self._session: Session | None = None
        self._failed = ""
        self._remembered = gathering.Remembered(_REMEMBERED)

    def facts(self, asks: Sequence[tuple[RequestId | None, Eui64, Needs]]) -> Sequence[Facts]:
        """See the port."""
        with self._reading() as session:
            return gathering.gather(session, asks, self._remembered)

    def reserve(self, reservations: Sequence[Reservation], now: datetime) -> Sequence[CounterChoice | Refused]:
        """See the port."""
        _check_group([each.device for each in reservations])
        return self._written(now, lambda group: reserving.reserve(group, reservations))

    def commit(self, works: Sequence[Work], now: datetime) -> Sequence[Refused | None]:
        """See the port; a work whose very command stands already changes nothing."""
        _check_group([each.device for each in works])
        return self._written(now, lambda group: committing.commit(group, works))

    def commands(self, keys: Sequence[CommandKey]) -> Sequence[Command | None]:
        """See the port."""
        with self._reading() as session:
            found = session.find(_COMMANDS, [rows.command_key(key) for key in keys])
        known = {each.key: each for each in map(rows.as_command, found)}
        return [known.get(key) for key in keys]

    def request(self, request_id: RequestId) -> KnownRequest | None:
        """See the port."""
        with self._reading() as session:
            found = session.find(gathering.KNOWN, [rows.id_key(request_id)])
        return rows.as_known(found[0]) if found else None

    def schedule(self, number: int) -> Schedule | None:
        """See the port."""
        with self._reading() as session:
            row = session.one(_SCHEDULE, (number,))
        return None if row is None else rows.as_schedule(row)

    def distribution(self, number: int) -> Distribution | None:
        """See the port."""
        with self._reading() as session:
            row = session.one(_DISTRIBUTION, (number,))
        if row is None:
            return None
        user, image, version, devices, request = row
        euis = tuple(Eui64(devices[start : start + 8]) for start in range(0, len(devices), 8))
        return Distribution(Eui64(user), image, version, euis, RequestId.parse(request) if request else None)

    def tried(self, request_id: RequestId) -> int:
        """See the port."""
        target, originator, counter = rows.id_key(request_id)
        with self._reading() as session:
            row = session.one(_TRIED, (target, originator, counter))
        return 0 if row is None else int(row[0])

    def accepted(self, user: Eui64, service_variant: str | None, since: datetime) -> int:
        """See the port."""
        with self._reading() as session:
            if service_variant is None:
                row = session.one(_ACCEPTED, (bytes(user), micros(since)))
            else:
                row = session.one(f"{_ACCEPTED} AND service_variant = ?", (bytes(user), micros(since), service_variant))
        return 0 if row is None else int(row[0])

    def open_commands(self) -> Sequence[Command]:
        """See the port."""
        with self._reading() as session:
            return [rows.as_command(row) for row in session.all(_OPEN, (self._held.home.ordinal,))]

    def reserved(self) -> Sequence[Reserved]:
        """See the port."""
        with self._reading() as session:
            found = session.all(_RESERVED, (self._held.home.ordinal,))
        return [Reserved(rows.as_known(row[:-2]), Eui64(row[-2]), row[-1]) for row in found]

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """See the port."""
        with self._reading() as session:
            asked = (self._held.home.ordinal, micros(now), limit)
            found, silent = session.all(_DUE, asked), session.all(_SILENT, asked)
        due = [Due(when(at), DueKind(kind), ref) for at, kind, ref in found]
        for at, originator, device, counter in silent:
            key = CommandKey(Eui64(originator), Eui64(device), rows.wide(counter))
            due.append(Due(when(at), DueKind.RESPONSE_TIMEOUT, key.text))
        return sorted(due, key=lambda each: each.at)[:limit]

    def next_due(self) -> datetime | None:
        """See the port."""
        with self._reading() as session:
            row = session.one(_NEXT_DUE, (self._held.home.ordinal, self._held.home.ordinal))
        times = [at for at in row or () if at is not None]
        return when(min(times)) if times else None

    def deliveries(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """See the port."""
        with self._reading() as session:
            return deliveries.waiting(session, self._held.home.ordinal, now, limit)

    def next_delivery(self) -> datetime | None:
        """See the port."""
        with self._reading() as session:
            return deliveries.next_waiting(session, self._held.home.ordinal)

    def settle_deliveries(self, outcomes: Sequence[tuple[int, str, datetime | None]], now: datetime) -> None:
        """See the port."""
        self._written(now, lambda group: deliveries.settle(group, outcomes))

    def renew(self, now: datetime) -> None:
        """See the port."""
        until = micros(now + self._held.lasts)
        with self._writing() as session:
            self._fenced(session.run(_RENEW, (until, self._held.home.ordinal, self._held.epoch)))

    def seal(self, now: datetime) -> None:
        """See the port; the key signs while no transaction is open."""
        with self._reading() as session:
            head = self._sealing.wanted(session, self._held.home.ordinal)
        if head is not None:
            signed = self._sealing.sign(head, now)
            with self._writing() as session:
                Group(session, self._held.home, self._held.epoch, now)
                self._sealing.keep(session, self._held.home.ordinal, signed)
        self._sealing.export()

    def release(self, now: datetime) -> None:
        """See the port; closes the connection."""
        self.seal(now)
        with self._writing() as session:
            self._fenced(session.run(_RELEASE, (self._held.home.ordinal, self._held.epoch)))
        self.close()

    @property
    def epoch(self) -> int:
        """The epoch of this lease."""
        return self._held.epoch

    def close(self) -> None:
        """Give up the connection, and leave the lease to run out."""
        with self._turn:
            self._drop()

    def _written(self, now: datetime, work: Callable[[Group], _T]) -> _T:
        """One transaction; where another home wrote the same ID meanwhile, again with what stands now."""
        for attempt in range(_TRIES):
            try:
                with self._writing() as session:
                    return work(Group(session, self._held.home, self._held.epoch, now))
            except Duplicate as error:
                if attempt == _TRIES - 1:
                    raise unavailable("storage_failed", f"the store {self._name} refused a row: {error}") from error
        raise AssertionError("unreachable")

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._opened() as session, session.writing():
            yield session

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._opened() as session, session.reading():
            yield session

    @contextmanager
    def _opened(self) -> Iterator[Session]:
        with self._turn:
            if self._failed:
                # A sync that failed is not tried again and believed (hostile F2): who opens anew, verifies.
                raise unavailable("storage_failed", self._failed)
            try:
                with translated(self._name):
                    if self._session is None:
                        self._session = Session(self._engine)
                    yield self._session
            except Unavailable as error:
                self._failure(error)
                raise

    def _failure(self, error: Unavailable) -> None:
        if self._session is None or isinstance(error, Fenced):
            return
        if not self._session.postgresql and error.code in ("storage_failed", "storage_damaged"):
            self._failed = str(error)
        if self._failed or self._session.broken:
            self._drop()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _fenced(self, changed: int) -> None:
        if changed != 1:
            raise Fenced(f"home {self._held.home.name} is held under another lease now")


def _check_group(devices: Sequence[Eui64]) -> None:
    if len(devices) > _GROUP or len(set(devices)) != len(devices):
        raise ValueError(f"a group has at most {_GROUP} members and names a device once")
