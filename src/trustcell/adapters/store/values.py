"""How values stand in columns: moments, long numbers, JSON, codes."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@lru_cache(4096)
def micros(at: datetime) -> int:
    """Whole microseconds since 1970; raises ``TypeError`` for a time without a zone. Batches share their dates."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def micros_or_none(at: datetime | None) -> int | None:
    """The same, and nothing for nothing."""
    return None if at is None else micros(at)


@lru_cache(4096)
def when(stored: int) -> datetime:
    """The moment in UTC."""
    return _EPOCH + stored * _MICROSECOND


def when_or_none(stored: int | None) -> datetime | None:
    """The same, and nothing for nothing."""
    return None if stored is None else when(stored)


def wide(number: int) -> bytes:
    """A serial or list number as 20 octets that sort as it does; raises ``OverflowError`` beyond 2^160."""
    return number.to_bytes(20, "big")


def wide_or_none(number: int | None) -> bytes | None:
    """The same, and nothing for nothing."""
    return None if number is None else wide(number)


def number(octets: bytes) -> int:
    """The number in 20 octets."""
    return int.from_bytes(octets, "big")


def listed(texts: Iterable[str]) -> str:
    """A few names as one text; nothing for none."""
    found = tuple(texts)
    return to_json(found) if found else ""


def unlisted(stored: str) -> tuple[str, ...]:
    """What ``listed`` wrote."""
    return tuple(json.loads(stored)) if stored else ()


def to_json(value: Any) -> str:
    """JSON with sorted keys."""
    return _ENCODE(value)


def from_json(stored: str) -> Any:
    """What ``to_json`` wrote."""
    return json.loads(stored)
