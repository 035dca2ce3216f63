"""Certificates: two unique indexes that no race gets past, and look-ups that stay quick at a million rows."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from trustcell.adapters.store.certificate_rows import COLUMNS, RECORD, as_record, as_row, changing
from trustcell.adapters.store.certificate_search import question, select_of
from trustcell.adapters.store.schema import CERTIFICATE, CERTIFICATE_APPROVAL
from trustcell.adapters.store.unit import Duplicate, Unit
from trustcell.adapters.store.values import micros, number, when, wide
from trustcell.smki.rules.records import CertificateRecord, Family, Query
from trustcell.vocab import Clause, Finding, Refused

_C = CERTIFICATE.c
_CHUNK = 500
_KEYS = Clause("SEC L11.4", "SEC Section L11.4: a Public Key stands in one certificate of its family")
_SERIALS = Clause("RFC 5280 4.1.2.2", "RFC 5280 4.1.2.2: an issuer uses a serial number once")
_OURS, _IMPORTED = sa.text("imported = 0"), sa.text("imported = 1")
_ONE = f"SELECT {COLUMNS} FROM certificate WHERE issuer = ? AND serial = ?"
_HOLDING = f"SELECT number, {COLUMNS} FROM certificate WHERE key = ? AND imported"
_WITH_KEY = f"{_HOLDING} = 0 UNION ALL {_HOLDING} = 1 ORDER BY 1"
_CHANGE = (
    "UPDATE certificate SET lodged_at = ?, accepted = ?, superseded_at = ?, revoked_at = ?, revocation_reason = ?,"
    " revocation_circumstance = ? WHERE issuer = ? AND serial = ?"
)


class SqlCertificates:
    """See ``smki.ports.CertificateBook``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def add(self, record: CertificateRecord) -> None:
        """See the port."""
        self.add_many([record])

    def add_many(self, records: Sequence[CertificateRecord]) -> None:
        """See the port."""
        first = self._unit.next_number(_C.number)
        try:
            self._unit.add_rows(CERTIFICATE, map(as_row, itertools.count(first), records))
        except Duplicate:
            raise Refused(list(self._in_use(records))) from None
        approvals = [(name, place) for place, each in enumerate(records, first) for name in set(each.approvals)]
        if approvals:
            self._unit.add_rows(CERTIFICATE_APPROVAL, approvals)

    def get(self, issuer: str, serial: int) -> CertificateRecord | None:
        """See the port."""
        rows = self._unit.rows(self._unit.marked(_ONE), (issuer, wide(serial)))
        return as_record(rows[0]) if rows else None

    def with_key(self, key: bytes, family: Family | None = None) -> list[CertificateRecord]:
        """See the port."""
        rows = self._unit.rows(self._unit.marked(_WITH_KEY), (key, key))
        found = [as_record(row[1:]) for row in rows]
        return [each for each in found if family is None or each.family is family]

    def ends(self, family: Family, now: datetime) -> list[tuple[int | None, datetime]]:
        """See the port."""
        text = "SELECT role, not_after FROM certificate WHERE family = ? AND revoked_at IS NULL AND not_after >= ?"
        return [(role, when(end)) for role, end in self._unit.rows(self._unit.marked(text), (str(family), micros(now)))]

    def keys_in_use(self, family: Family, keys: Sequence[bytes]) -> set[bytes]:
        """See the port."""
        found: set[bytes] = set()
        for start in range(0, len(keys), _CHUNK):
            chosen = (_C.family == str(family), _C.key.in_(keys[start : start + _CHUNK]))
            query = sa.select(_C.key).where(*chosen, _OURS).union_all(sa.select(_C.key).where(*chosen, _IMPORTED))
            found.update(row.key for row in self._unit.read(query))
        return found

    def holders(self, keys: Sequence[bytes]) -> dict[bytes, list[tuple[Family, str]]]:
        """See the port."""
        found: dict[bytes, list[tuple[Family, str]]] = {}
        for imported in (0, 1):
            select = f"SELECT key, family, request FROM certificate WHERE imported = {imported} AND key"
            for key, family, request in self._unit.among(select, keys):
                found.setdefault(bytes(key), []).append((Family(family), request))
        return found

    def serials_in_use(self, issuer: str, serials: Sequence[int]) -> set[int]:
        """See the port."""
        select = self._unit.marked("SELECT serial FROM certificate WHERE issuer = ? AND serial")
        rows = self._unit.among(select, [wide(serial) for serial in serials], issuer)
        return {number(bytes(serial)) for (serial,) in rows}

    def issued_counts(self, entities: Sequence[bytes], family: Family) -> dict[bytes, int]:
        """See the port."""
        select = (
            f"SELECT entity_id FROM certificate WHERE family = '{Family(family)}' AND key_use >= 0"
            " AND entity_id IS NOT NULL AND entity_id"
        )
        return Counter(bytes(entity) for (entity,) in self._unit.among(select, entities))

    def search(self, query: Query, now: datetime) -> list[CertificateRecord]:
        """See the port."""
        shape, values = question(query, now)
        text = select_of(shape, postgresql=self._unit.postgresql)
        return [as_record(row) for row in self._unit.rows(text, values)]

    def all(self, after: tuple[str, int] | None = None) -> Iterator[CertificateRecord]:
        """See the port."""
        place = None if after is None else (after[0], wide(after[1]))
        return map(as_record, self._unit.pages(sa.select(*RECORD), _C.issuer, _C.serial, after=place))

    def issued_to(self, entity_id: bytes, family: Family) -> int:
        """See the port."""
        chosen = (_C.entity_id == bytes(entity_id), _C.family == str(family))
        return int(self._unit.read(sa.select(sa.func.count()).select_from(CERTIFICATE).where(*chosen)).scalar_one())

    def update(self, record: CertificateRecord) -> None:
        """See the port; ``KeyError`` when there is no such certificate."""
        if self.get(record.issuer, record.serial) is None:
            raise KeyError(f"no certificate of {record.issuer} with serial {record.serial:X}")
        self.update_many([record])

    def update_many(self, records: Sequence[CertificateRecord]) -> None:
        """``update`` for certificates that are known to be there."""
        rows = [(*changing(each), each.issuer, wide(each.serial)) for each in records]
        self._unit.update_rows(_CHANGE, rows)

    def _in_use(self, records: Sequence[CertificateRecord]) -> Iterator[Finding]:
        """Why an index refused: against what is kept, and among the records themselves."""
        keys = Counter((each.key, each.family, each.key_use) for each in records if not each.imported)
        serials = Counter((each.issuer, each.serial) for each in records)
        for each in records:
            serial = f"{each.serial:032X}"
            held = any(
                other.key_use == each.key_use and not other.imported for other in self.with_key(each.key, each.family)
            )
            if not each.imported and (held or keys[each.key, each.family, each.key_use] > 1):
                message = "another certificate of the family holds it"
                yield _KEYS.breach(
                    "public_key_in_use", "publicKey", message, "a new key pair", issuer=each.issuer, serial=serial
                )
            if serials[each.issuer, each.serial] > 1 or self.get(each.issuer, each.serial) is not None:
                message = f"{each.issuer} used {serial} already"
                yield _SERIALS.breach(
                    "serial_in_use", "serialNumber", message, "another serial", issuer=each.issuer, serial=serial
                )
