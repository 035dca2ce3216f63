"""Barred keys and revocation lists: numbers only rise, and what was given out is never taken back for an older one."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.store.certificate_rows import RECORD, as_record
from trustcell.adapters.store.schema import BARRED_KEY, CERTIFICATE, FOREVER, REVOCATION_LIST
from trustcell.adapters.store.unit import Unit
from trustcell.adapters.store.values import micros, number, when, wide
from trustcell.smki.rules.records import CertificateRecord, ListRecord, Revoked
from trustcell.vocab import Clause, Refused

_NUMBERS = Clause("RFC 5280 5.2.3", "RFC 5280 5.2.3: the CRL number of an issuer only rises")
_L, _C = REVOCATION_LIST.c, CERTIFICATE.c
_PAGE = 10_000
_COLUMNS = "SELECT serial, revoked_at, revocation_reason, not_after FROM certificate WHERE"
_GONE = (
    f"{_COLUMNS} issuer = ? AND revoked_at IS NOT NULL AND (revoked_at, serial) > (?, ?)"
    " ORDER BY revoked_at, serial LIMIT ?"
)
_GONE_BEFORE = "SELECT count(*) FROM certificate WHERE issuer = ? AND revoked_at IS NOT NULL AND revoked_at < ?"
_BY_END = (
    f"{_COLUMNS} not_after >= ? AND not_after < ? AND not_after < {FOREVER}"
    " AND issuer = ? AND +revoked_at IS NOT NULL AND +revoked_at < ?"
)
_BY_TIME = f"{_COLUMNS} issuer = ? AND revoked_at IS NOT NULL AND revoked_at >= ? AND revoked_at < ? AND not_after < ?"


class SqlRevocations:
    """See ``smki.ports.RevocationBook``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def bar(self, key: bytes, reason: str, at: datetime) -> None:
        """See the port; a key that is barred already keeps its first reason."""
        if self.barred(key) is None:
            self._unit.write(BARRED_KEY.insert(), {"key": key, "reason": reason, "at": micros(at)})

    def barred(self, key: bytes) -> str | None:
        """See the port."""
        return self._unit.read(sa.select(BARRED_KEY.c.reason).where(BARRED_KEY.c.key == key)).scalar()

    def barred_many(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """See the port."""
        rows = self._unit.among("SELECT key, reason FROM barred_key WHERE key", keys)
        return {bytes(key): reason for key, reason in rows}

    def add_list(self, record: ListRecord) -> None:
        """See the port."""
        self._above(record.issuer, record.number, sa.true(), lowest=1)
        row = {
            "issuer": record.issuer, "number": wide(record.number), "this_update": micros(record.this_update),
            "next_update": micros(record.next_update), "der": record.der, "served": int(record.served),
        }  # fmt: skip
        self._unit.write(REVOCATION_LIST.insert(), row)

    def serve(self, issuer: str, number: int) -> None:
        """See the port; ``KeyError`` when there is no such list."""
        self._above(issuer, number, _L.served == 1, lowest=0)
        chosen = REVOCATION_LIST.update().where(_L.issuer == issuer, _L.number == wide(number))
        if self._unit.write(chosen.values(served=1)).rowcount == 0:
            raise KeyError(f"no list {number} of {issuer}")

    def served(self, issuer: str) -> ListRecord | None:
        """See the port."""
        return self._last(issuer, _L.served == 1)

    def newest(self, issuer: str) -> ListRecord | None:
        """See the port."""
        return self._last(issuer, sa.true())

    def revoked(self, issuer: str, since: datetime | None = None) -> Iterator[CertificateRecord]:
        """See the port."""
        query = sa.select(*RECORD).where(_C.issuer == issuer, _C.revoked_at.is_not(None))
        if since is not None:
            query = query.where(_C.revoked_at >= micros(since))
        return map(as_record, self._unit.pages(query, _C.revoked_at, _C.serial))

    def gone(self, issuer: str, since: datetime | None = None) -> Iterator[Revoked]:
        """See the port."""
        after: tuple[int, bytes] = (-(2**62) if since is None else micros(since), b"")
        select = self._unit.marked(_GONE)
        while True:
            rows = self._unit.rows(select, (issuer, *after, _PAGE))
            yield from map(_gone, rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][1], rows[-1][0]

    def gone_before(self, issuer: str, moment: datetime) -> int:
        """See the port."""
        return int(self._unit.rows(self._unit.marked(_GONE_BEFORE), (issuer, micros(moment)))[0][0])

    def ended(self, issuer: str, since: datetime, until: datetime) -> list[Revoked]:
        """See the port."""
        begin, end = micros(since), micros(until)
        if begin >= end:
            return []
        # SQLite, without statistics, would look through everything revoked: a plus sign leaves it the other index.
        by_end = _BY_END if self._unit.postgresql else _BY_END.replace("issuer =", "+issuer =")
        rows = [
            *self._unit.rows(self._unit.marked(by_end), (begin, end, issuer, end)),
            *self._unit.rows(self._unit.marked(_BY_TIME), (issuer, begin, end, end)),
        ]
        return sorted(set(map(_gone, rows)))

    def _last(self, issuer: str, which: sa.ColumnElement[bool]) -> ListRecord | None:
        chosen = sa.select(REVOCATION_LIST).where(_L.issuer == issuer, which)
        row = self._unit.read(chosen.order_by(_L.number.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        dates = (when(row.this_update), when(row.next_update))
        return ListRecord(row.issuer, number(row.number), *dates, row.der, bool(row.served))

    def _above(self, issuer: str, given: int, which: sa.ColumnElement[bool], *, lowest: int) -> None:
        query = sa.select(_L.number).where(_L.issuer == issuer, which).order_by(_L.number.desc()).limit(1)
        highest = self._unit.read(query).scalar()  # PostgreSQL has no max() of octets
        if highest is not None and given < number(highest) + lowest:
            message = f"{given} does not follow {number(highest)} of {issuer}"
            raise Refused([_NUMBERS.breach("crl_number_fell", "cRLNumber", message, "a number above every other")])


def _gone(row: tuple[Any, ...]) -> Revoked:
    serial, revoked_at, reason, not_after = row
    return Revoked(number(serial), when(revoked_at), reason, when(not_after))
