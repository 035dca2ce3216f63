"""Reading and writing the canonical octets of what devices remember: counts, numbers, optional parts, instants."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from trustcell.vocab import WireError

_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


class Reader:
    """Octets and a position; ``ValueError`` where they are not what was written."""

    def __init__(self, octets: bytes) -> None:
        """At the beginning."""
        self.octets = octets
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next octets."""
        part = self.octets[self.at : self.at + size]
        if len(part) != size:
            raise ValueError(f"{size} octets were expected, {len(part)} are left")
        self.at += size
        return part

    def number(self, size: int) -> int:
        """A number of this many octets."""
        return int.from_bytes(self.take(size), "big")

    def flag(self) -> bool:
        """00 or 01."""
        value = self.number(1)
        if value > 1:
            raise ValueError("a flag of 00 or 01 was expected")
        return value == 1

    def sized(self) -> bytes:
        """Octets behind their size."""
        return self.take(self.number(2))

    def many(self, read: Callable[["Reader"], _T], size: int = 1) -> tuple[_T, ...]:
        """As many parts as their count says."""
        return tuple(read(self) for _ in range(self.number(size)))

    def optional(self, read: Callable[["Reader"], _T]) -> _T | None:
        """A part behind 01, or nothing behind 00."""
        return read(self) if self.flag() else None

    def second(self) -> datetime:
        """An instant in whole seconds."""
        return _EPOCH + self.number(8) * _SECOND

    def moment(self) -> datetime:
        """An instant in microseconds."""
        return _EPOCH + self.number(8) * _MICROSECOND


def read_all(octets: bytes, read: Callable[[Reader], _T], write: Callable[[_T], bytes], path: str) -> _T:
    """The value of exactly these octets and of no others; anything else is a ``WireError``."""
    reader = Reader(bytes(octets))
    try:
        value = read(reader)
        if reader.at != len(reader.octets) or write(value) != reader.octets:
            raise ValueError("these are not the octets this value is written as")
    except (ValueError, OverflowError, WireError) as error:
        raise WireError(reader.at, path, str(error), f"device_{path}_malformed") from None
    return value


def number(value: int, size: int) -> bytes:
    """A number of this many octets; ``OverflowError`` if it does not fit."""
    return value.to_bytes(size, "big")


def sized(octets: bytes) -> bytes:
    """Octets behind their size."""
    return number(len(octets), 2) + octets


def optional(octets: bytes | None) -> bytes:
    """00, or 01 and the octets."""
    return b"\x00" if octets is None else b"\x01" + octets


def many(parts: list[bytes], size: int = 1) -> bytes:
    """Parts behind their count."""
    return number(len(parts), size) + b"".join(parts)


def second(at: datetime) -> bytes:
    """An instant in whole seconds since 1970."""
    return number((at - _EPOCH) // _SECOND, 8)


def moment(at: datetime) -> bytes:
    """An instant in microseconds since 1970."""
    return number((at - _EPOCH) // _MICROSECOND, 8)
