"""The audit chain: entries without a gap, each with the hash of the one before, and a signed head for each commit."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.store.schema import AUDIT_ENTRY, AUDIT_HEAD
from trustcell.adapters.store.unit import Unit
from trustcell.adapters.store.values import micros, to_json, when
from trustcell.governance.rules.audit import GENESIS, AuditEntry, AuditHead
from trustcell.governance.rules.canonical import canonical, moment

_LAST = sa.select(AUDIT_ENTRY.c.seq, AUDIT_ENTRY.c.octets).order_by(AUDIT_ENTRY.c.seq.desc()).limit(1)
_NEWEST = sa.select(AUDIT_HEAD).order_by(AUDIT_HEAD.c.seq.desc()).limit(1)


class SqlAudit:
    """See ``governance.ports.AuditLog``; ``appended`` counts what this transaction added."""

    def __init__(self, unit: Unit, environment: str, chain: str) -> None:
        """Work within a transaction on the chain of a store."""
        self._unit, self._environment, self._chain = unit, environment, chain
        self._end: tuple[int, bytes] | None = None
        self.appended = 0

    def append(self, kind: str, subject: str, body: Mapping[str, Any], at: datetime) -> AuditEntry:
        """See the port."""
        seq, previous = self._tail()
        entry = AuditEntry(self._chain, seq + 1, at.replace(microsecond=0), kind, subject, body, previous)
        self._unit.write(AUDIT_ENTRY.insert(), {"seq": entry.seq, "subject": _column(subject), "octets": entry.octets})
        self._end = (entry.seq, entry.hash)
        self.appended += 1
        return entry

    def append_many(self, at: datetime, items: Sequence[tuple[str, str, Mapping[str, Any]]]) -> tuple[int, int]:
        """See the port."""
        if not items:
            raise ValueError("there is nothing to append")
        before, digest = self._tail()
        rows, seq = [], before
        # The canonical form of an entry put together by hand: its keys are known, so only the body needs sorting.
        start, chain = f'{{"at":"{moment(at)}","body":'.encode(), to_json(self._chain)
        for seq, (kind, subject, body) in enumerate(items, before + 1):
            end = f',"chain":{chain},"kind":{to_json(kind)},"previous":"{digest.hex()}","seq":{seq},"subject":'
            octets = b"".join((start, canonical(body), end.encode(), to_json(subject).encode(), b"}"))
            digest = hashlib.sha256(octets).digest()
            rows.append((seq, _column(subject), octets))
        self._unit.add_rows(AUDIT_ENTRY, rows)
        self._end = (seq, digest)
        self.appended += len(rows)
        return before + 1, seq

    def head(self) -> AuditHead | None:
        """See the port."""
        row = self._unit.read(_NEWEST).one_or_none()
        return None if row is None else self._as_head(row)

    def heads(self) -> Iterator[AuditHead]:
        """See the port."""
        return map(self._as_head, self._unit.pages(sa.select(AUDIT_HEAD), AUDIT_HEAD.c.seq))

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[AuditEntry]:
        """See the port."""
        query = sa.select(AUDIT_ENTRY.c.seq, AUDIT_ENTRY.c.octets).where(AUDIT_ENTRY.c.seq >= first)
        if last is not None:
            query = query.where(AUDIT_ENTRY.c.seq <= last)
        for row in self._unit.pages(query, AUDIT_ENTRY.c.seq):
            yield AuditEntry.from_octets(row.octets)

    def about(self, subject: str) -> list[AuditEntry]:
        """See the port."""
        query = (
            sa.select(AUDIT_ENTRY.c.octets).where(AUDIT_ENTRY.c.subject == _column(subject)).order_by(AUDIT_ENTRY.c.seq)
        )
        return [AuditEntry.from_octets(row.octets) for row in self._unit.read(query)]

    def close(self, now: datetime, seal: Callable[[bytes], bytes]) -> AuditHead:
        """Sign the head that this transaction leaves, and keep it."""
        seq, digest = self._tail()
        at = now.replace(microsecond=0)
        unsigned = AuditHead(self._environment, self._chain, seq, digest, at)
        head = AuditHead(self._environment, self._chain, seq, digest, at, seal(unsigned.octets))
        row = {"seq": seq, "hash": digest, "at": micros(at), "signature": head.signature}
        self._unit.write(AUDIT_HEAD.insert(), row)
        return head

    def _tail(self) -> tuple[int, bytes]:
        if self._end is None:
            row = self._unit.read(_LAST).one_or_none()
            self._end = (0, GENESIS) if row is None else (row.seq, hashlib.sha256(row.octets).digest())
        return self._end

    def _as_head(self, row: sa.Row[Any]) -> AuditHead:
        return AuditHead(self._environment, self._chain, row.seq, row.hash, when(row.at), row.signature)


def _column(subject: str) -> str:
    """A subject to be looked up; PostgreSQL keeps no NUL in text, and what strangers send is logged too."""
    return subject.replace("\x00", "\ufffd")
