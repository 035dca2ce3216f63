"""The types of A-XDR Data that hold no other Data: one reader and one writer each, without the tag (dlms-gbz.md 2.1).

A reader takes the octets and the offset behind the tag, and returns a Python value and the offset behind it. At the
end of the octets it raises ``IndexError`` or ``struct.error``; whoever calls the first reader turns those into one
``WireError``, so that no value pays for the check.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from types import MappingProxyType
from typing import Any, Final

from trustcell.gbcs.dlms.lengths import read_length, write_length
from trustcell.vocab import WireError

Reader = Callable[[bytes, int], tuple[Any, int]]
Writer = Callable[[Any], bytes]

END: Final = (IndexError, StructError)
"""What a reader raises where the octets end too early."""


class DataType(IntEnum):
    """The tag in front of a value."""

    NULL = 0x00
    ARRAY = 0x01
    STRUCTURE = 0x02
    BOOLEAN = 0x03
    BIT_STRING = 0x04
    DOUBLE_LONG = 0x05
    DOUBLE_LONG_UNSIGNED = 0x06
    OCTET_STRING = 0x09
    VISIBLE_STRING = 0x0A
    UTF8_STRING = 0x0C
    BCD = 0x0D
    INTEGER = 0x0F
    LONG = 0x10
    UNSIGNED = 0x11
    LONG_UNSIGNED = 0x12
    COMPACT_ARRAY = 0x13
    LONG64 = 0x14
    LONG64_UNSIGNED = 0x15
    ENUM = 0x16
    FLOAT32 = 0x17
    FLOAT64 = 0x18
    DATE_TIME = 0x19
    DATE = 0x1A
    TIME = 0x1B
    DONT_CARE = 0xFF


class Bits(tuple[int, bytes]):
    """A bit string: ``octets`` hold ``size`` bits, the first one most significant; spare bits are zero."""

    __slots__ = ()

    def __new__(cls, size: int, octets: bytes) -> "Bits":
        """Refuse octets that are not as many as the bits need, or spare bits that say something."""
        if size < 0 or not isinstance(octets, bytes) or len(octets) != (size + 7) // 8:
            raise ValueError("a bit string of n bits has n / 8 octets, rounded up")
        if size % 8 and octets[-1] & (0xFF >> size % 8):
            raise ValueError("spare bits of a bit string are zero")
        return tuple.__new__(cls, (size, octets))

    def __getnewargs__(self) -> tuple[int, bytes]:
        """Copies are made of size and octets."""
        return self[0], self[1]

    @property
    def size(self) -> int:
        """How many bits."""
        return self[0]

    @property
    def octets(self) -> bytes:
        """The octets that hold them."""
        return self[1]

    def __str__(self) -> str:
        """The bits as zeros and ones, first bit first."""
        return "".join(f"{octet:08b}" for octet in self.octets)[: self.size]


def _number(form: str) -> tuple[Reader, Writer]:
    """A number of fixed width, big-endian."""
    struct = Struct(f">{form}")
    unpack, width = struct.unpack_from, struct.size

    def read(octets: bytes, at: int) -> tuple[int, int]:
        return unpack(octets, at)[0], at + width

    def write(value: int) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"a whole number was expected, not {type(value).__name__}")
        try:
            return struct.pack(value)
        except StructError:
            raise ValueError(f"{value} does not fit {width} octets of its type") from None

    return read, write


def _octets(width: int) -> tuple[Reader, Writer]:
    """Octets of a fixed number, kept as they are."""
    unpack = Struct(f"{width}s").unpack_from

    def read(octets: bytes, at: int) -> tuple[bytes, int]:
        return unpack(octets, at)[0], at + width

    def write(value: bytes) -> bytes:
        if not isinstance(value, bytes) or len(value) != width:
            raise ValueError(f"{width} octets were expected")
        return value

    return read, write


def read_octet_string(octets: bytes, at: int) -> tuple[bytes, int]:
    """Length and octets."""
    size = octets[at]
    at += 1
    if size >= 0x80:
        size, at = read_length(octets, at - 1)
    end = at + size
    if end > len(octets):
        raise IndexError
    return octets[at:end], end


def _write_octet_string(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"octets were expected, not {type(value).__name__}")
    return write_length(len(value)) + value


def _text(encoding: str) -> tuple[Reader, Writer]:
    """A length, counted in octets, and characters."""

    def read(octets: bytes, at: int) -> tuple[str, int]:
        value, end = read_octet_string(octets, at)
        try:
            return value.decode(encoding), end
        except UnicodeDecodeError:
            raise WireError(at, "", f"text in {encoding} was expected", "dlms_text") from None

    def write(value: str) -> bytes:
        if not isinstance(value, str):
            raise ValueError(f"text was expected, not {type(value).__name__}")
        # UnicodeEncodeError is a ValueError and says what does not fit.
        return _write_octet_string(value.encode(encoding))

    return read, write


def _read_bits(octets: bytes, at: int) -> tuple[Bits, int]:
    """A length in bits, and octets."""
    count, start = read_length(octets, at)
    end = start + (count + 7) // 8
    if end > len(octets):
        raise IndexError
    if count % 8 and octets[end - 1] & (0xFF >> count % 8):
        raise WireError(end - 1, "", "spare bits of a bit string are zero", "dlms_bits")
    return tuple.__new__(Bits, (count, octets[start:end])), end


def _write_bits(value: Bits) -> bytes:
    if not isinstance(value, Bits):
        raise ValueError(f"a bit string was expected, not {type(value).__name__}")
    return write_length(value.size) + value.octets


_BOOLEANS: Final = {0x00: False, 0xFF: True}


def _read_boolean(octets: bytes, at: int) -> tuple[bool, int]:
    """FF is true and 00 false, nothing else is either (dlms-gbz.md 5)."""
    value = _BOOLEANS.get(octets[at])
    if value is None:
        raise WireError(at, "", f"a boolean is FF or 00, not {octets[at]:02X}", "dlms_boolean")
    return value, at + 1


def _write_boolean(value: bool) -> bytes:
    if not isinstance(value, bool):
        raise ValueError(f"true or false was expected, not {type(value).__name__}")
    return b"\xff" if value else b"\x00"


def _read_nothing(octets: bytes, at: int) -> tuple[None, int]:
    return None, at


def _write_nothing(value: None) -> bytes:
    if value is not None:
        raise ValueError("a type without contents has no value")
    return b""


_SCALARS: Final[dict[DataType, tuple[Reader, Writer]]] = {
    DataType.NULL: (_read_nothing, _write_nothing),
    DataType.BOOLEAN: (_read_boolean, _write_boolean),
    DataType.BIT_STRING: (_read_bits, _write_bits),
    DataType.DOUBLE_LONG: _number("i"),
    DataType.DOUBLE_LONG_UNSIGNED: _number("I"),
    DataType.OCTET_STRING: (read_octet_string, _write_octet_string),
    # Visible characters are ASCII; an octet above is kept as the Latin-1 character it looks like, not refused.
    DataType.VISIBLE_STRING: _text("latin-1"),
    DataType.UTF8_STRING: _text("utf-8"),
    DataType.BCD: _number("B"),
    DataType.INTEGER: _number("b"),
    DataType.LONG: _number("h"),
    DataType.UNSIGNED: _number("B"),
    DataType.LONG_UNSIGNED: _number("H"),
    DataType.LONG64: _number("q"),
    DataType.LONG64_UNSIGNED: _number("Q"),
    DataType.ENUM: _number("B"),
    DataType.FLOAT32: _octets(4),
    DataType.FLOAT64: _octets(8),
    DataType.DATE_TIME: _octets(12),
    DataType.DATE: _octets(5),
    DataType.TIME: _octets(4),
    DataType.DONT_CARE: (_read_nothing, _write_nothing),
}

READERS: Final[Mapping[int, Reader]] = MappingProxyType({tag: pair[0] for tag, pair in _SCALARS.items()})
"""How to read the contents of each type without members, by tag."""

WRITERS: Final[Mapping[int, Writer]] = MappingProxyType({tag: pair[1] for tag, pair in _SCALARS.items()})
"""How to write them; ``ValueError`` for a value of another type or out of range."""
