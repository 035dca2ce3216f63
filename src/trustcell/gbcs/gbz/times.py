"""Instants of GBZ: seconds since 2000-01-01 UTC (dlms-gbz.md 3.1)."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def seconds_of(at: datetime) -> int:
    """Whole seconds since 2000; ``ValueError`` for an instant outside 32 bits, a zone or a fraction of a second."""
    if at.tzinfo is None or at.utcoffset() or at.microsecond:
        raise ValueError("a time in UTC without fractions of a second was expected")
    seconds = int((at - EPOCH).total_seconds())
    if seconds >> 32:
        raise ValueError("an instant of GBZ lies between 2000 and 2136")
    return seconds


def instant_of(seconds: int) -> datetime:
    """The instant in UTC."""
    return EPOCH + timedelta(seconds=seconds)
