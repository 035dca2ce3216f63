"""Dates and times of DLMS: octet strings of 12, 5 and 4 octets (dlms-gbz.md 2.2)."""

from datetime import UTC, datetime
from typing import Final

NOW: Final = bytes(9) + b"\x80\x00\xff"
"""As an activation time: at once."""

NEVER: Final = b"\xff" * 9 + b"\x80\x00\xff"
"""As an activation time: cancelled; as a bound of the clock: not used."""

_NOT_STATED: Final = b"\x80\x00\xff"


def date_time_octets(at: datetime) -> bytes:
    """An instant in whole seconds of UTC; weekday, deviation and status not stated (dlms-gbz.md 2.2)."""
    if at.tzinfo is None or at.utcoffset() or at.microsecond:
        raise ValueError("a time in UTC without fractions of a second was expected")
    fields = (at.month, at.day, 0xFF, at.hour, at.minute, at.second, 0)
    return at.year.to_bytes(2, "big") + bytes(fields) + _NOT_STATED


def read_date_time(octets: bytes) -> datetime:
    """The instant in such octets; ``ValueError`` for any other form, marks and unstated parts included."""
    if len(octets) != 12 or octets[4] != 0xFF or octets[8] or octets[9:] != _NOT_STATED:
        raise ValueError("a date-time in UTC to the second was expected")
    year, month, day = octets[0] << 8 | octets[1], octets[2], octets[3]
    return datetime(year, month, day, octets[5], octets[6], octets[7], tzinfo=UTC)
