"""Searches among certificates: one SQL text for each shape of question, written once, and the values in its order.

Conditions are in the words of the partial indexes, so that either database uses them.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from trustcell.adapters.store.certificate_rows import COLUMNS
from trustcell.adapters.store.schema import FOREVER, RARE
from trustcell.adapters.store.values import micros, wide
from trustcell.smki.rules.records import Family, Query, Status
from trustcell.vocab import KeyUsage

_RARE = f"{RARE} AND family IN ({', '.join(repr(each.value) for each in Family)})"
_KEY = (
    "number IN (SELECT number FROM certificate WHERE key = ? AND imported = 0"
    " UNION ALL SELECT number FROM certificate WHERE key = ? AND imported = 1)"
)  # each half has an index of its own
_APPROVAL = "number IN (SELECT certificate FROM certificate_approval WHERE approval = ?)"
# A serial alone is looked up under every issuer: there are a handful, and each is one step along the index.
_ISSUERS = (
    "WITH RECURSIVE known(name) AS (SELECT min(issuer) FROM certificate UNION ALL"
    " SELECT (SELECT min(issuer) FROM certificate WHERE issuer > name) FROM known WHERE name IS NOT NULL) "
)
_OF_ANY = "issuer IN (SELECT name FROM known WHERE name IS NOT NULL) AND serial = ?"
_NO_PURPOSE, _PURPOSE = "purpose = ?", "purpose = ? AND purpose <> ''"
_EXPIRING = f"not_after < {FOREVER}"
_STATUS = {
    Status.REVOKED: "revoked_at IS NOT NULL",
    Status.EXPIRED: f"revoked_at IS NULL AND not_after < ? AND {_EXPIRING}",
    Status.PENDING: "revoked_at IS NULL AND not_after >= ? AND lodged_at IS NULL",
    Status.IN_USE: "revoked_at IS NULL AND not_after >= ? AND lodged_at IS NOT NULL AND superseded_at IS NULL",
    Status.NOT_IN_USE: "revoked_at IS NULL AND not_after >= ? AND lodged_at IS NOT NULL AND superseded_at IS NOT NULL",
}
"""The first of R, E, P, N, I that holds, as ``CertificateRecord.status`` has it; all but the first ask for now."""


class Shape(NamedTuple):
    """What a question asks for, without the values: conditions in order, whether few match, how many are wanted."""

    conditions: tuple[str, ...]
    few: bool
    limit: int | None


def question(query: Query, now: datetime) -> tuple[Shape, list[Any]]:
    """The shape of a query and its values; ``now`` decides the status."""
    conditions: list[str] = []
    values: list[Any] = []
    few = False
    if query.issuer is not None:
        conditions.append("issuer = ?")
        values.append(query.issuer)
    if query.serial is not None:
        conditions.append(_OF_ANY if query.issuer is None else "serial = ?")
        values.append(wide(query.serial))
    for condition, column in _NAMED:
        value = getattr(query, column)
        if value is not None:
            few = True
            conditions.append(condition)
            values += _AS_STORED[column](value)
    if query.purpose is not None:
        few = few or bool(query.purpose)
        conditions.append(_PURPOSE if query.purpose else _NO_PURPOSE)
        values.append(query.purpose)
    if query.family is not None or query.kind is not None or query.key_usage is not None:
        for condition, value in _sorts(query):
            few = few or condition == _RARE
            conditions.append(condition)
            values += value
    if query.expires_from is not None or query.expires_to is not None:
        few = True
        for condition, value in _expiry(query):
            conditions.append(condition)
            values += value
    if query.status is not None:
        few = few or query.status is not Status.IN_USE
        conditions.append(_STATUS[query.status])
        if query.status is not Status.REVOKED:
            values.append(micros(now))
    return Shape(tuple(conditions), few, query.limit), values


@lru_cache(1024)
def select_of(shape: Shape, *, postgresql: bool) -> str:
    """The SELECT of a shape, with the marks of the driver.

    Rows come by issuer and serial: read in that order when most match, sorted when an index finds a few. SQLite, which
    has no statistics here, would always read all rows in order; a plus sign stops it. PostgreSQL knows.
    """
    start = _ISSUERS if _OF_ANY in shape.conditions else ""
    where = f" WHERE {' AND '.join(shape.conditions)}" if shape.conditions else ""
    order = "+issuer, +serial" if shape.few and not postgresql else "issuer, serial"
    limit = "" if shape.limit is None else f" LIMIT {int(shape.limit)}"
    text = f"{start}SELECT {COLUMNS} FROM certificate{where} ORDER BY {order}{limit}"
    return text.replace("?", "%s") if postgresql else text


_NAMED = (
    (_KEY, "key"), ("ski = ?", "ski"), ("entity_id = ?", "entity_id"), ("role = ?", "role"), (_APPROVAL, "approval"),
)  # fmt: skip
_AS_STORED: dict[str, Any] = {
    "key": lambda key: (key, key),
    "ski": lambda ski: (ski,),
    "entity_id": lambda entity: (bytes(entity),),
    "role": lambda role: (int(role),),
    "approval": lambda approval: (approval,),
}
_COMMON_FAMILIES, _COMMON_KINDS = (None, Family.DEVICE), (None, "device")
_COMMON_USAGES = (None, KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)


def _sorts(query: Query) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What is common needs no index, for half of all rows do."""
    common = query.family in _COMMON_FAMILIES and query.kind in _COMMON_KINDS and query.key_usage in _COMMON_USAGES
    if not common:
        yield _RARE, ()
    if query.family is not None:
        yield "family = ?", (query.family.value,)
    if query.kind is not None:
        yield "kind = ?", (query.kind,)
    if query.key_usage is not None:
        yield "key_usage = ?", (int(query.key_usage),)


def _expiry(query: Query) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if query.expires_from is not None:
        yield "not_after >= ?", (micros(query.expires_from),)
    if query.expires_to is not None:
        yield "not_after <= ?", (micros(query.expires_to),)
        if micros(query.expires_to) < FOREVER:
            yield _EXPIRING, ()
