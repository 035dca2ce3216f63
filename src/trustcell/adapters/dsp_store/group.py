"""One writing transaction of a home: fenced by its lease, with numbers and audit entries of its own."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trustcell.adapters.dsp_store.rows import plain
from trustcell.adapters.dsp_store.schema import TRAIL
from trustcell.adapters.dsp_store.session import Row, Session
from trustcell.adapters.dsp_store.statements import insert
from trustcell.adapters.store.values import micros
from trustcell.dsp.ports import Fenced
from trustcell.dsp.rules.work import TrailEntry
from trustcell.governance.rules.canonical import quoted, text
from trustcell.vocab import Eui64

_ADD_TRAIL = insert(TRAIL)
_LEASE = "SELECT epoch, own_floor, given, seq, hash FROM lease WHERE home = ?"
_LEASE_LOCKED = f"{_LEASE} FOR UPDATE"
_GIVE = "UPDATE lease SET given = ?, seq = ?, hash = ? WHERE home = ? AND epoch = ?"


@dataclass(frozen=True, slots=True)
class Home:
    """A home of a database: its name, its ordinal among so many, and a device's partition."""

    name: str
    ordinal: int
    homes: int
    part: Callable[[Eui64], int]


class Group:
    """What one call writes. Made inside a transaction; ``close`` before its end."""

    def __init__(self, session: Session, home: Home, epoch: int, now: datetime) -> None:
        """Read the lease, and hold it on PostgreSQL; ``Fenced`` when another epoch began."""
        self.session, self.home, self.epoch = session, home, epoch
        self.now, self.at = now, micros(now)
        row = session.one(_LEASE_LOCKED if session.postgresql else _LEASE, (home.ordinal,))
        if row is None or row[0] != epoch:
            raise Fenced(f"home {home.name} is held under another lease now")
        self.own_floor: int = row[1]
        self._given: int = row[2]
        self._seq: int = row[3]
        self._hash: bytes = row[4]
        self._before = (row[2], row[3])
        self._trail: list[Row] = []
        # What every line of this group begins with and has in its middle: its names stand in their order.
        self._head = f'{{"at":{quoted(_text(now))},"epoch":{epoch},"facts":'
        self._home = f',"home":{quoted(home.name)},"kind":'

    def number(self) -> int:
        """The next number; one in the whole database."""
        self._given += 1
        return self._given * self.home.homes + self.home.ordinal

    def note(
        self, part: int, entries: Sequence[TrailEntry], request: Callable[[str], int | None] | None = None
    ) -> None:
        """Chain entries of the Service Audit Trail: each hash covers the one before.

        ``request`` knows the numbers of requests by the text of their IDs.
        """
        for entry in entries:
            self._seq += 1
            subject = entry.subject
            octets = (
                f'{self._head}{text(entry.facts)}{self._home}{quoted(entry.kind)},"part":{part},'
                f'"reference":{quoted(entry.reference)},"seq":{self._seq},"subject":{quoted(subject)}}}'
            ).encode()
            self._hash = hashlib.sha256(self._hash + octets).digest()
            about = None if request is None else request(subject)
            named = plain(subject) if about is None else None
            self._trail.append((self.home.ordinal, self._seq, part, about, named, octets, self._hash))

    def close(self) -> None:
        """Write the entries, and where numbers and chain stand."""
        self.session.write(_ADD_TRAIL, self._trail)
        if (self._given, self._seq) != self._before:
            self.session.run(_GIVE, (self._given, self._seq, self._hash, self.home.ordinal, self.epoch))

    @property
    def end(self) -> tuple[int, bytes]:
        """The end of the audit chain."""
        return self._seq, self._hash


def _text(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
