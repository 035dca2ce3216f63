"""The homes of one database, and how it is taken: see ``dsp.ports.Homes``."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.dsp_store.group import Home
from trustcell.adapters.dsp_store.home import Held, SqlHome
from trustcell.adapters.dsp_store.schema import LEASE, PART_HOME, STORE
from trustcell.adapters.dsp_store.sealing import Seal, Sealing
from trustcell.adapters.dsp_store.session import Session
from trustcell.adapters.dsp_store.views import SqlViews
from trustcell.adapters.store import opening
from trustcell.adapters.store.engine import MEMORY, file_of, make_engine
from trustcell.adapters.store.failures import translated, unavailable
from trustcell.adapters.store.owners import Owners
from trustcell.adapters.store.values import micros, when
from trustcell.dsp.rules.partition import PARTITIONS, partition
from trustcell.governance.rules.audit import GENESIS, AuditHead
from trustcell.vocab import Eui64

REVISION = "0001"
LAYOUT = opening.Layout(0x74_63_64_31, "lease", REVISION, Path(__file__).with_name("migrations"))
"""``tcd1``: the books of a DSP, and nobody else's."""

LEASE_LASTS = timedelta(seconds=10)
_HOLDER = "SELECT owner, until, epoch FROM lease WHERE home = ?"
_HEADS = "SELECT home, seq, hash, at, signature FROM audit_head ORDER BY home, seq"
_TAKE = "UPDATE lease SET epoch = ?, owner = ?, until = ? WHERE home = ?"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a database is opened.

    ``url`` is ``sqlite:////path/file``, ``sqlite://`` (in memory) or ``postgresql+psycopg://...``. ``homes`` counts for
    a new database. ``head_folder`` gets the signed heads of every home's audit chain, and lies outside the database.
    """

    url: str
    environment: str
    seal: Seal | None = None
    head_folder: Path | None = None
    homes: int = 1
    lease: timedelta = LEASE_LASTS


class SqlHomes:
    """See ``dsp.ports.Homes``; made by ``open_homes``."""

    def __init__(
        self,
        settings: Settings,
        engine: sa.Engine,
        owners: Owners | None,
        chain: str,
        homes: int,
        of_part: Sequence[int],
    ) -> None:
        """Use a database that was taken."""
        self._owners = owners
        self._settings, self._engine, self._chain = settings, engine, chain
        self._names = [str(ordinal) for ordinal in range(homes)]
        self._of_part = of_part
        self._part = lru_cache(65_536)(partition)
        self._database = opening.told(engine)
        # In memory there is one connection, and everybody takes turns on it.
        self._turn = threading.Lock() if settings.url == MEMORY else None
        self._views = SqlViews(engine, self._database, self._names, self._turn)

    def names(self) -> Sequence[str]:
        """See the port."""
        return tuple(self._names)

    def home_of(self, eui: Eui64) -> str:
        """See the port."""
        return self._names[self._of_part[self._part(eui)]]

    def take(self, home: str, owner: str, now: datetime) -> SqlHome:
        """See the port; ``Unavailable`` also when the exported head of its chain is ahead (``store_rolled_back``)."""
        ordinal = self._ordinal(home)
        sealing = self.sealing(home)
        lasts = self._settings.lease
        with self.session() as session:
            with session.reading():
                sealing.compare(session, ordinal)
            with session.writing():
                row = session.one(_HOLDER + (" FOR UPDATE" if session.postgresql else ""), (ordinal,))
                if row is None:
                    raise unavailable("storage_damaged", f"home {home} has no lease")
                held_by, until, epoch = row
                # A file on this machine has one process: whoever had it before is gone, or must stop.
                if session.postgresql and held_by not in ("", owner) and until > micros(now):
                    raise unavailable("lease_held", f"home {home} is held by {held_by} until {when(until).isoformat()}")
                session.run(_TAKE, (epoch + 1, owner, micros(now + lasts), ordinal))
        sealing.export()
        held = Held(Home(home, ordinal, len(self._names), self._part), epoch + 1, owner, lasts)
        return SqlHome(self._engine, self._database, held, sealing, self._turn)

    def holder(self, home: str) -> tuple[str, datetime] | None:
        """See the port."""
        with self.session() as session, session.reading():
            row = session.one(_HOLDER, (self._ordinal(home),))
        return None if row is None or row[0] == "" else (row[0], when(row[1]))

    def leases(self) -> Mapping[str, tuple[str, datetime] | None]:
        """``holder`` of every home, as of one moment."""
        with self.session() as session, session.reading():
            rows = session.all("SELECT home, owner, until FROM lease ORDER BY home")
        return {self._names[home]: None if owner == "" else (owner, when(until)) for home, owner, until in rows}

    @property
    def views(self) -> SqlViews:
        """See the port."""
        return self._views

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()
        if self._owners is not None:
            self._owners.leave()

    def compare(self) -> None:
        """Compare every home with its exported head."""
        with self.session() as session, session.reading():
            for ordinal, home in enumerate(self._names):
                self.sealing(home).compare(session, ordinal)

    def heads(self) -> list[tuple[str, AuditHead]]:
        """Every signed head by home, oldest first."""
        with self.session() as session, session.reading():
            found = session.all(_HEADS)
        environment, chain = self._settings.environment, self._chain
        return [
            (name, AuditHead(environment, f"{chain}/{name}", seq, bytes(digest), when(at), bytes(signature)))
            for home, seq, digest, at, signature in found
            for name in (self._names[home],)
        ]

    def sealing(self, home: str) -> Sealing:
        """Heads of a home."""
        settings = self._settings
        return Sealing(settings.environment, self._chain, home, settings.seal, settings.head_folder)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection for a while."""
        with self._turn or nullcontext(), translated(self._database):
            session = Session(self._engine)
            try:
                yield session
            finally:
                session.close()

    def _ordinal(self, home: str) -> int:
        if home not in self._names:
            raise unavailable("home_unknown", f"the database {self._database} has no home {home}")
        return self._names.index(home)


def open_homes(settings: Settings) -> SqlHomes:
    """Open the books of an environment, or set new ones up.

    ``Unavailable``: ``storage_foreign``, ``storage_outdated``, ``storage_damaged``, ``environment_mismatch``,
    ``store_rolled_back`` (an older copy: see ``confirm_restore``), ``store_forked``, ``storage_failed``.
    """
    homes = taken(settings)
    try:
        homes.compare()
    except BaseException:
        homes.close()
        raise
    return homes


def open_homes_to_read(settings: Settings) -> SqlHomes:
    """The books as they are, beside whoever works with them: nothing is set up, and nothing can be written.

    ``Unavailable``: ``storage_foreign``, ``storage_outdated``, ``environment_mismatch``, ``storage_failed``.
    """
    engine = make_engine(settings.url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _read_only)
    try:
        with translated(opening.told(engine)), engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            found = opening.revision(reader, LAYOUT)
            if found != LAYOUT.revision:
                code = "storage_foreign" if found is None else "storage_outdated"
                raise unavailable(code, f"{opening.told(engine)} has no books of revision {LAYOUT.revision}")
            chain, homes = _environment(reader, settings)
            of_part = list(reader.execute(sa.select(PART_HOME.c.home).order_by(PART_HOME.c.part)).scalars())
    except BaseException:
        engine.dispose()
        raise
    return SqlHomes(settings, engine, None, chain, homes, of_part)


def _read_only(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def taken(settings: Settings) -> SqlHomes:
    """``open_homes`` without the comparison with exported heads."""
    engine = make_engine(settings.url, memory=True)
    path = file_of(engine.url)
    owners = None if path is None else Owners(path)
    try:
        with translated(opening.told(engine)):
            if owners is not None:
                if owners.alone:
                    opening.check_integrity(engine)
                owners.settle()
            with engine.begin() as connection:
                opening.take(connection, LAYOUT)
                chain, homes = _environment(connection, settings)
                of_part = list(connection.execute(sa.select(PART_HOME.c.home).order_by(PART_HOME.c.part)).scalars())
    except BaseException:
        engine.dispose()
        if owners is not None:
            owners.leave()
        raise
    return SqlHomes(settings, engine, owners, chain, homes, of_part)


def migrate(url: str) -> None:
    """Bring a database to the tables of this version, all or nothing; a new one is set up."""
    opening.migrate(url, LAYOUT)


def _environment(connection: sa.Connection, settings: Settings) -> tuple[str, int]:
    row = connection.execute(sa.select(STORE.c.environment, STORE.c.chain, STORE.c.homes)).one_or_none()
    if row is None:
        # A chain is told from every other one of the same environment.
        chain = os.urandom(8).hex()
        _set_up(connection, settings, chain)
        return chain, settings.homes
    if row.environment != settings.environment:
        message = f"the database is of environment {row.environment}, not of {settings.environment}"
        raise unavailable("environment_mismatch", message)
    return str(row.chain), int(row.homes)


def _set_up(connection: sa.Connection, settings: Settings, chain: str) -> None:
    homes = settings.homes
    if not 1 <= homes <= PARTITIONS:
        raise ValueError(f"a database has 1 to {PARTITIONS} homes")
    row = {"number": 1, "environment": settings.environment, "chain": chain, "homes": homes}
    connection.execute(STORE.insert(), row)
    placed = [{"part": part, "home": part * homes // PARTITIONS, "version": 1} for part in range(PARTITIONS)]
    connection.execute(PART_HOME.insert(), placed)
    free = {"epoch": 0, "owner": "", "until": 0, "own_floor": 0, "given": 0, "seq": 0, "hash": GENESIS}
    connection.execute(LEASE.insert(), [{"home": ordinal, **free} for ordinal in range(homes)])
