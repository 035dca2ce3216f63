"""Uses of approvals, verdicts on batches, and named documents."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.store.schema import APPROVAL_USE, BATCH_ITEM, DOCUMENT
from trustcell.adapters.store.unit import Duplicate, Unit
from trustcell.adapters.store.values import from_json, micros, number, to_json, when, wide, wide_or_none
from trustcell.smki.rules.records import ItemVerdict
from trustcell.vocab import Clause, Refused

_EXCEPTIONS = Clause("SEC L11.4B", "SEC Section L11.4B: what the SMKI PMA approved, and no more")
_U, _B, _D = APPROVAL_USE.c, BATCH_ITEM.c, DOCUMENT.c


class SqlApprovalUses:
    """See ``smki.ports.ApprovalUses``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def take(self, approval: str, limit: int, issuer: str, serial: int, at: datetime) -> int:
        """See the port."""
        last = self._unit.read(sa.select(sa.func.max(_U.number)).where(_U.approval == approval)).scalar()
        place = int(last or 0) + 1
        if place > limit:
            message, remedy = f"{approval} was used {place - 1} times of {limit}", "a new approval"
            raise Refused([_EXCEPTIONS.breach("approval_used_up", "approval", message, remedy, uses=place - 1)])
        row = {"approval": approval, "number": place, "issuer": issuer, "serial": wide(serial), "at": micros(at)}
        self._unit.write(APPROVAL_USE.insert(), row)
        return place

    def uses(self, approval: str) -> list[tuple[int, str, int, datetime]]:
        """See the port."""
        rows = self._unit.read(sa.select(APPROVAL_USE).where(_U.approval == approval).order_by(_U.number))
        return [(row.number, row.issuer, number(row.serial), when(row.at)) for row in rows]


class SqlBatches:
    """See ``smki.ports.BatchBook``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def record(self, batch: str, verdicts: Sequence[ItemVerdict]) -> None:
        """See the port; ``ValueError`` unless they follow on those that are there."""
        done = self.done(batch)
        if [each.number for each in verdicts] != list(range(done + 1, done + 1 + len(verdicts))):
            raise ValueError(f"the verdicts of {batch} go on from item {done + 1}")
        rows = [(batch, v.number, v.status, v.code, v.message, wide_or_none(v.serial)) for v in verdicts]
        try:
            self._unit.add_rows(BATCH_ITEM, rows)
        except Duplicate:
            raise ValueError(f"an item of {batch} has its verdict already") from None

    def done(self, batch: str) -> int:
        """See the port."""
        return int(self._unit.read(sa.select(sa.func.max(_B.number)).where(_B.batch == batch)).scalar() or 0)

    def verdicts(self, batch: str) -> Iterator[ItemVerdict]:
        """See the port."""
        return map(_verdict, self._unit.pages(sa.select(BATCH_ITEM).where(_B.batch == batch), _B.number))


class SqlDocuments:
    """See ``smki.ports.DocumentBook``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def put(self, kind: str, name: str, body: dict[str, object], octets: bytes = b"") -> None:
        """See the port."""
        values = {"body": to_json(body), "octets": octets}
        if self._unit.write(DOCUMENT.update().where(_D.kind == kind, _D.name == name).values(values)).rowcount == 0:
            self._unit.write(DOCUMENT.insert(), {"kind": kind, "name": name, **values})

    def get(self, kind: str, name: str) -> tuple[dict[str, object], bytes] | None:
        """See the port."""
        row = self._unit.read(sa.select(DOCUMENT).where(_D.kind == kind, _D.name == name)).one_or_none()
        return None if row is None else (from_json(row.body), row.octets)

    def names(self, kind: str) -> list[str]:
        """See the port."""
        return list(self._unit.read(sa.select(_D.name).where(_D.kind == kind).order_by(_D.name)).scalars())


def _verdict(row: sa.Row[Any]) -> ItemVerdict:
    serial = None if row.serial is None else number(row.serial)
    return ItemVerdict(row.number, row.status, row.code, row.message, serial)
