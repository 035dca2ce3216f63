"""Values of ZCL attributes by their type octet: little-endian numbers, strings, addresses (dlms-gbz.md 3.3)."""

from collections.abc import Callable, Mapping
from struct import Struct
from struct import error as StructError
from types import MappingProxyType
from typing import Any, Final

from trustcell.vocab import WireError

Reader = Callable[[bytes, int], tuple[Any, int]]
Writer = Callable[[Any], bytes]

OCTET_STRING: Final = 0x41
CHARACTER_STRING: Final = 0x42


def _number(width: int, signed: bool) -> tuple[Reader, Writer]:
    def read(octets: bytes, at: int) -> tuple[int, int]:
        end = at + width
        if end > len(octets):
            raise IndexError
        return int.from_bytes(octets[at:end], "little", signed=signed), end

    def write(value: int) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"a whole number was expected, not {type(value).__name__}")
        try:
            return value.to_bytes(width, "little", signed=signed)
        except OverflowError:
            raise ValueError(f"{value} does not fit {width} octets of its type") from None

    return read, write


def _octets(width: int) -> tuple[Reader, Writer]:
    unpack = Struct(f"{width}s").unpack_from

    def read(octets: bytes, at: int) -> tuple[bytes, int]:
        return unpack(octets, at)[0], at + width

    def write(value: bytes) -> bytes:
        if not isinstance(value, bytes) or len(value) != width:
            raise ValueError(f"{width} octets were expected")
        return value

    return read, write


def _string(prefix: int) -> tuple[Reader, Writer]:
    """A length of ``prefix`` octets and as many octets; all ones in the length mean that there is no value."""
    none = (1 << 8 * prefix) - 1

    def read(octets: bytes, at: int) -> tuple[bytes | None, int]:
        start = at + prefix
        if start > len(octets):
            raise IndexError
        size = int.from_bytes(octets[at:start], "little")
        if size == none:
            return None, start
        if start + size > len(octets):
            raise IndexError
        return octets[start : start + size], start + size

    def write(value: bytes | None) -> bytes:
        if value is None:
            return none.to_bytes(prefix, "little")
        if not isinstance(value, bytes) or len(value) >= none:
            raise ValueError(f"fewer than {none} octets were expected")
        return len(value).to_bytes(prefix, "little") + value

    return read, write


def _boolean() -> tuple[Reader, Writer]:
    def read(octets: bytes, at: int) -> tuple[int, int]:
        # FF stands for "no value" here, so this is a number of its own rather than true or false.
        if octets[at] not in (0x00, 0x01, 0xFF):
            raise WireError(at, "value", f"a boolean is 00, 01 or FF, not {octets[at]:02X}", "gbz_boolean")
        return octets[at], at + 1

    def write(value: int) -> bytes:
        if type(value) is not int or value not in (0x00, 0x01, 0xFF):
            raise ValueError("a boolean is 0, 1 or 255")
        return bytes((value,))

    return read, write


_TYPES: Final[dict[int, tuple[Reader, Writer]]] = {
    0x10: _boolean(),
    **{first + n: _number(n + 1, False) for first in (0x08, 0x18, 0x20) for n in range(8)},
    **{0x28 + n: _number(n + 1, True) for n in range(8)},
    0x30: _number(1, False),
    0x31: _number(2, False),
    0x38: _octets(2),
    0x39: _octets(4),
    0x3A: _octets(8),
    OCTET_STRING: _string(1),
    CHARACTER_STRING: _string(1),
    0x43: _string(2),
    0x44: _string(2),
    0xE0: _octets(4),
    0xE1: _octets(4),
    0xE2: _number(4, False),
    0xE8: _number(2, False),
    0xE9: _number(2, False),
    0xEA: _number(4, False),
    0xF0: _octets(8),
    0xF1: _octets(16),
}
READERS: Final[Mapping[int, Reader]] = MappingProxyType({kind: pair[0] for kind, pair in _TYPES.items()})
WRITERS: Final[Mapping[int, Writer]] = MappingProxyType({kind: pair[1] for kind, pair in _TYPES.items()})
SUCCESS: Final = 0x00


class Attribute(tuple[int, int, int | None, Any]):
    """One record of an answer to Read Attributes: identifier, status, and type and value if the status is success."""

    __slots__ = ()

    def __new__(cls, identifier: int, status: int = SUCCESS, kind: int | None = None, value: Any = None) -> "Attribute":
        """Refuse what has no octets."""
        if not 0 <= identifier <= 0xFFFF or not 0 <= status <= 0xFF:
            raise ValueError("an attribute has 16 bits and a status 8")
        if status == SUCCESS:
            if kind is None or kind not in WRITERS:
                raise ValueError("an attribute that was read has a type of the ZigBee Cluster Library")
            WRITERS[kind](value)
        elif kind is not None or value is not None:
            raise ValueError("an attribute that was not read has no value")
        return tuple.__new__(cls, (identifier, status, kind, value))

    def __getnewargs__(self) -> tuple[int, int, int | None, Any]:
        """Copies are made of the four fields."""
        return tuple(self)

    @property
    def identifier(self) -> int:
        """The number of the attribute in its cluster."""
        return self[0]

    @property
    def status(self) -> int:
        """0 when it was read."""
        return self[1]

    @property
    def kind(self) -> int | None:
        """The ZCL type of the value."""
        return self[2]

    @property
    def value(self) -> Any:
        """A number or octets."""
        return self[3]


def read_attributes(octets: bytes) -> tuple[Attribute, ...]:
    """The records of a whole answer to Read Attributes."""
    records = []
    at, size = 0, len(octets)
    try:
        while at < size:
            identifier, status = octets[at] | octets[at + 1] << 8, octets[at + 2]
            at += 3
            kind, value = None, None
            if status == SUCCESS:
                kind = octets[at]
                read = READERS.get(kind)
                if read is None:
                    raise WireError(at, "type", f"{kind:02X} is no type of an attribute", "gbz_type")
                value, at = read(octets, at + 1)
            records.append(tuple.__new__(Attribute, (identifier, status, kind, value)))
    except (IndexError, StructError):
        raise WireError(size, "attribute", "the answer ends inside an attribute", "gbz_truncated") from None
    return tuple(records)


def write_attributes(records: tuple[Attribute, ...]) -> bytes:
    """The octets of the records."""
    parts = []
    for identifier, status, kind, value in records:
        parts.append(identifier.to_bytes(2, "little") + bytes((status,)))
        if kind is not None:
            parts.append(bytes((kind,)) + WRITERS[kind](value))
    return b"".join(parts)
