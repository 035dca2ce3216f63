"""The WAN as tables of the DSP's PostgreSQL: workers write commands and read messages, the HAN's side pumps between.

At least once both ways. A row is settled by whoever has made its octets safe: the pump deletes a command once the HAN
has it, a worker deletes a message once what it taught is committed. Order within a device is that of ``seq``.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa

from trustcell.adapters.dsp_store.session import Session
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.failures import translated, unavailable
from trustcell.adapters.store.values import micros, when
from trustcell.dsp import Fenced, Sending, Wan
from trustcell.dsp.ports import Undelivered
from trustcell.vocab import Eui64

POLL = timedelta(milliseconds=20)
"""How often rows are looked for: a device takes seconds, and a notification takes a lock of the whole server."""

_PAUSE = 0.02
_IMAGE_POLLS = 250
_MESSAGE, _UNREACHABLE = 0, 1
_PUMP_LOCK = 0x74_63_77_6E
"""``tcwn``: one pump, and so one HAN, on a database."""

_METADATA = sa.MetaData()
_SEQ = sa.Identity(always=True)
sa.Table(
    "wan_down",
    _METADATA,
    sa.Column("seq", sa.BigInteger, _SEQ, primary_key=True),
    sa.Column("message_id", sa.Text, nullable=False, unique=True),
    sa.Column("home", sa.SmallInteger, nullable=False),
    sa.Column("part", sa.SmallInteger, nullable=False),
    sa.Column("device", sa.LargeBinary, nullable=False),
    sa.Column("octets", sa.LargeBinary, nullable=False),
    sa.Column("not_after", sa.BigInteger, nullable=False),
)
_UP = sa.Table(
    "wan_up",
    _METADATA,
    sa.Column("seq", sa.BigInteger, _SEQ, primary_key=True),
    sa.Column("handle", sa.BigInteger, unique=True),
    sa.Column("home", sa.SmallInteger, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("message_id", sa.Text),
    sa.Column("device", sa.LargeBinary, nullable=False),
    sa.Column("octets", sa.LargeBinary, nullable=False),
)
sa.Index("wan_up_home", _UP.c.home, _UP.c.seq)
sa.Table(
    "wan_image",
    _METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("image", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("devices", sa.LargeBinary, nullable=False),
    sa.Column("reached", sa.LargeBinary),
)
"""A firmware image on its way; ``reached`` has an octet for each device once the HAN has said so."""

# A stale owner must write nothing: its epoch is matched under a lock that a taking over waits for (scale.md 2, 6).
_FENCE = "SELECT 1 FROM lease WHERE home = ? AND epoch = ? FOR SHARE"
_SEND = (
    "INSERT INTO wan_down (message_id, home, part, device, octets, not_after) "
    "SELECT id, ?, part, device, octets, not_after FROM unnest(?::text[], ?::smallint[], ?::bytea[], ?::bytea[], "
    "?::bigint[]) WITH ORDINALITY AS t (id, part, device, octets, not_after, n) ORDER BY n "
    "ON CONFLICT (message_id) DO NOTHING"
)
_RECEIVE = "SELECT seq, kind, message_id, device, octets FROM wan_up WHERE home = ? ORDER BY seq LIMIT ?"
_DONE = "DELETE FROM wan_up WHERE home = ? AND seq = ANY (?)"
_COMMANDS = "SELECT seq, message_id, home, device, octets, not_after FROM wan_down ORDER BY seq LIMIT ?"
_TAKEN = "DELETE FROM wan_down WHERE seq = ANY (?)"
_PUT_UP = (
    "INSERT INTO wan_up (handle, home, kind, message_id, device, octets) "
    "SELECT handle, home, kind, id, device, octets FROM unnest(?::bigint[], ?::smallint[], ?::smallint[], ?::text[], "
    "?::bytea[], ?::bytea[]) WITH ORDINALITY AS t (handle, home, kind, id, device, octets, n) ORDER BY n "
    "ON CONFLICT (handle) DO NOTHING"
)
_ASK_IMAGE = "INSERT INTO wan_image (name, image, version, devices) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"
_IMAGE_REACHED = "SELECT reached FROM wan_image WHERE name = ?"
_IMAGE_DONE = "DELETE FROM wan_image WHERE name = ?"
_IMAGES = "SELECT name, image, version, devices FROM wan_image WHERE reached IS NULL ORDER BY name"
_REACHED = "UPDATE wan_image SET reached = ? WHERE name = ?"

_Up = tuple[int | None, int, int, str | None, bytes, bytes]


def make_wan_tables(url: str) -> None:
    """Make the tables in the database of the books if they are not there; before anybody uses them."""
    engine = make_engine(url)
    try:
        with translated(engine.url.render_as_string(hide_password=True)):
            _METADATA.create_all(engine)
    finally:
        engine.dispose()


class _Tables:
    """One connection to the tables, made again when the server was away."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._name = self._engine.url.render_as_string(hide_password=True)
        self._session: Session | None = None

    def close(self) -> None:
        """Give the connection up."""
        if self._session is not None:
            self._session.close()
            self._session = None
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction."""
        with self._open() as session, session.writing():
            yield session

    @contextmanager
    def _open(self) -> Iterator[Session]:
        try:
            with translated(self._name):
                if self._session is None:
                    session = Session(self._engine)
                    try:
                        self.opened(session)
                    except BaseException:
                        session.close()
                        raise
                    self._session = session
                yield self._session
        finally:
            if self._session is not None and self._session.broken:
                self._session.close()
                self._session = None

    def opened(self, session: Session) -> None:
        """What has to be done with a new connection."""


class TableWan(_Tables):
    """The workers' side, for one home under one epoch: see ``dsp.Wan``. For one thread."""

    def __init__(
        self, url: str, home: int, epoch: int, part: Callable[[Eui64], int], pause: Callable[[float], None]
    ) -> None:
        """``home`` is the ordinal of the home; ``pause`` waits for so many seconds."""
        super().__init__(url)
        self._home, self._epoch, self._part, self._pause = home, epoch, part, pause
        self._looked: datetime | None = None
        self._undelivered: list[Undelivered] = []

    def send(self, messages: Sequence[tuple[str, Eui64, bytes, datetime]], now: datetime) -> Sequence[Sending]:
        """See the port: all of them are taken; which could not be delivered comes back by ``undelivered``."""
        rows = [(name, self._part(eui), bytes(eui), octets, micros(until)) for name, eui, octets, until in messages]
        with self.writing() as session:
            self._fence(session)
            session.run(_SEND, (self._home, *_columns(rows)))
        return [Sending.TAKEN] * len(messages)

    def receive(self, limit: int, now: datetime) -> Sequence[tuple[int, Eui64, bytes]]:
        """See the port: the oldest that are not done, the same ones again when their group could not be learned."""
        with self.writing() as session:
            rows = session.all(_RECEIVE, (self._home, limit))
        self._looked = now
        self._undelivered = [Undelivered(seq, name) for seq, kind, name, _, _ in rows if kind == _UNREACHABLE]
        return [(seq, Eui64(device), octets) for seq, kind, _, device, octets in rows if kind == _MESSAGE]

    def undelivered(self) -> Sequence[Undelivered]:
        """See the port."""
        return self._undelivered

    def done(self, handles: Sequence[int]) -> None:
        """See the port."""
        if handles:
            with self.writing() as session:
                session.run(_DONE, (self._home, list(handles)))

    def distribute(self, image: bytes, version: str, devices: Sequence[Eui64], now: datetime) -> Sequence[bool]:
        """See the port; waits some seconds for the HAN, and ``Unavailable`` (``wan_silent``) lets it be asked again."""
        euis = b"".join(devices)
        name = hashlib.sha256(b"".join((version.encode(), euis, image))).hexdigest()
        with self.writing() as session:
            self._fence(session)
            session.run(_ASK_IMAGE, (name, image, version, euis))
        for _ in range(_IMAGE_POLLS):
            with self.writing() as session:
                row = session.one(_IMAGE_REACHED, (name,))
                if row is not None and row[0] is not None:
                    session.run(_IMAGE_DONE, (name,))
                    return [bool(octet) for octet in row[0]]
            self._pause(_PAUSE)
        raise unavailable("wan_silent", "nobody has brought the firmware image to its devices yet")

    def next_at(self) -> datetime | None:
        """See the port: the next look."""
        return None if self._looked is None else self._looked + POLL

    def _fence(self, session: Session) -> None:
        if session.one(_FENCE, (self._home, self._epoch)) is None:
            raise Fenced(f"home {self._home} is held under another lease now")


class WanPump(_Tables):
    """The HAN's side: commands from the tables to a WAN in this process, its messages back. For one thread."""

    def __init__(self, url: str, wan: Wan, home_of: Callable[[Eui64], int], limit: int = 256) -> None:
        """``home_of`` gives the ordinal of a device's home; ``wan`` is the way to the devices."""
        super().__init__(url)
        self._wan, self._home_of, self._limit = wan, home_of, limit
        self._arrived: Sequence[tuple[int, Eui64, bytes]] = ()

    def opened(self, session: Session) -> None:
        """A second pump would be a second HAN: ``Unavailable`` (``han_held``)."""
        row = session.one("SELECT pg_try_advisory_lock(?)", (_PUMP_LOCK,))
        if row is None or not row[0]:
            raise unavailable("han_held", "another process serves the virtual devices of this database")

    def turn(self, now: datetime) -> bool:
        """Everything that waits once, either way; whether there was anything."""
        return self._down(now) | self._images(now) | self._up(now)

    def _down(self, now: datetime) -> bool:
        with self.writing() as session:
            rows = session.all(_COMMANDS, (self._limit,))
        if not rows:
            return False
        messages = [(name, Eui64(eui), octets, when(until)) for _, name, _, eui, octets, until in rows]
        said = self._wan.send(messages, now)
        # What falls between the two is sent again: the HAN knows it by its name.
        back: list[_Up] = [
            (None, home, _UNREACHABLE, name, eui, b"")
            for (_, name, home, eui, _, _), each in zip(rows, said, strict=True)
            if each is Sending.UNREACHABLE
        ]
        with self.writing() as session:
            session.run(_TAKEN, ([row[0] for row in rows],))
            _put_up(session, back)
        return True

    def _up(self, now: datetime) -> bool:
        # What could not be written last time is still ours: the WAN gives it once.
        self._arrived = self._arrived or self._wan.receive(self._limit, now)
        if not self._arrived:
            return False
        with self.writing() as session:
            _put_up(
                session,
                [
                    (handle, self._home_of(eui), _MESSAGE, None, bytes(eui), octets)
                    for handle, eui, octets in self._arrived
                ],
            )
        arrived, self._arrived = self._arrived, ()
        self._wan.done([handle for handle, _, _ in arrived])
        return True

    def _images(self, now: datetime) -> bool:
        with self.writing() as session:
            rows = session.all(_IMAGES)
        for name, image, version, euis in rows:
            devices = [Eui64(euis[start : start + 8]) for start in range(0, len(euis), 8)]
            reached = self._wan.distribute(image, version, devices, now)
            with self.writing() as session:
                session.run(_REACHED, (bytes(reached), name))
        return bool(rows)


def _put_up(session: Session, rows: Sequence[_Up]) -> None:
    if rows:
        session.run(_PUT_UP, _columns(rows))


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
