"""A-XDR Data: every type of the code book as a tagged value, read and written through one table (dlms-gbz.md 2.1).

```
null 00 | array 01 n data*n | structure 02 n data*n | boolean 03 FF or 00 | bit-string 04 bits octets
double-long 05, unsigned 06 | octet-string 09 n octets | visible-string 0A | utf8-string 0C | bcd 0D | integer 0F
long 10 | unsigned 11 | long-unsigned 12 | compact-array 13 | long64 14, unsigned 15 | enum 16 | float 17, 18
date-time 19 | date 1A | time 1B | dont-care FF
```
"""

from collections.abc import Callable
from typing import Any, Final

from trustcell.gbcs.dlms.compact import CompactArray, read_compact_array
from trustcell.gbcs.dlms.lengths import read_length, write_length
from trustcell.gbcs.dlms.scalars import END, READERS, WRITERS, DataType
from trustcell.vocab import WireError

MAX_DEPTH: Final = 32
"""Nesting of arrays and structures; reference payloads stay under 8."""


class Data(tuple[DataType, Any]):
    """One value with its type.

    ``value`` is ``None`` for null and dont-care, ``bool``, ``int`` for every kind of number and the enum, ``str`` for
    the two kinds of text, ``bytes`` for octet strings, dates and floats (a not-a-number has many forms), ``Bits``,
    ``CompactArray``, or a tuple of ``Data`` for arrays and structures.

    ``Data.of`` makes one and refuses a value that its type cannot carry. The class itself takes a pair as it is, since
    a reader makes thousands of them; ``encode`` refuses what is not right there.
    """

    __slots__ = ()

    @classmethod
    def of(cls, kind: DataType, value: Any = None) -> "Data":
        """A value that its type can carry; ``ValueError`` for anything else."""
        kind = DataType(kind)
        if kind is DataType.COMPACT_ARRAY:
            if not isinstance(value, CompactArray):
                raise ValueError("a compact array was expected")
        elif kind is DataType.ARRAY or kind is DataType.STRUCTURE:
            if not isinstance(value, tuple) or not all(isinstance(member, Data) for member in value):
                raise ValueError("an array or a structure is a tuple of Data")
        else:
            WRITERS[kind](value)
        return cls((kind, value))

    @property
    def kind(self) -> DataType:
        """The type."""
        return self[0]

    @property
    def value(self) -> Any:
        """The value."""
        return self[1]

    def __repr__(self) -> str:
        """For example ``Data(UNSIGNED, 5)``."""
        return f"Data({self[0].name}, {self[1]!r})"

    def encode(self) -> bytes:
        """Tag and contents; ``ValueError`` when it nests deeper than a reader follows."""
        parts: list[bytes] = []
        write_data(self, parts)
        return b"".join(parts)


def decode_data(octets: bytes) -> Data:
    """One value from exactly these octets: the plaintext of an encrypted attribute, for example (dlms-gbz.md 2.7)."""
    try:
        (value,), end = read_members(octets, 0, 1)
    except END:
        raise WireError(len(octets), "data", "the octets end inside a value", "dlms_truncated") from None
    if end != len(octets):
        raise WireError(end, "data", "octets after the end of the value", "dlms_trailing")
    return value


def read_members(octets: bytes, at: int, count: int, levels: int = MAX_DEPTH) -> tuple[tuple[Data, ...], int]:
    """``count`` values in a row, and the offset behind the last; raises one of ``END`` where the octets stop."""
    members: list[Data] = []
    append = members.append
    for _ in range(count):
        tag = octets[at]
        # The most frequent types first and in place, without a call.
        if tag == 0x09 and (size := octets[at + 1]) < 0x80:
            start = at + 2
            at = start + size
            value = octets[start:at]
            if len(value) != size:
                raise IndexError
            append(Data((_OCTET_STRING, value)))
        elif 0x01 <= tag <= 0x02:
            if not levels:
                raise WireError(at, "", f"more than {MAX_DEPTH} levels deep", "dlms_depth")
            size, at = octets[at + 1], at + 2
            if size >= 0x80:
                size, at = read_length(octets, at - 1)
            inner, at = read_members(octets, at, size, levels - 1)
            append(Data((_STRUCTURE if tag == 0x02 else _ARRAY, inner)))
        elif tag == 0x10:
            high = octets[at + 1]
            append(Data((_LONG, (high << 8 | octets[at + 2]) - (0x10000 if high & 0x80 else 0))))
            at += 3
        elif tag == 0x12:
            append(Data((_LONG_UNSIGNED, octets[at + 1] << 8 | octets[at + 2])))
            at += 3
        elif tag == 0x00:
            append(NULL)
            at += 1
        elif (ready := _READY[tag]) is not None:
            append(ready[octets[at + 1]])
            at += 2
        else:
            read = _READERS[tag]
            if read is None:
                raise WireError(at, "", f"{tag:02X} is no A-XDR type", "dlms_type")
            value, at = read(octets, at + 1)
            append(Data((_TYPES[tag], value)))
    return tuple(members), at


def write_data(data: Data, parts: list[bytes], levels: int = MAX_DEPTH) -> None:
    """Append tag and contents of a value."""
    kind, value = data
    write = _WRITERS[kind]
    if write is not None:
        parts.append(_TAGS[kind])
        parts.append(write(value))
        return
    if not levels:
        raise ValueError(f"arrays and structures nest at most {MAX_DEPTH} levels")
    parts.append(_TAGS[kind])
    parts.append(write_length(len(value)))
    for member in value:
        write_data(member, parts, levels - 1)


def array(*members: Data) -> Data:
    """An array."""
    return Data.of(DataType.ARRAY, members)


def structure(*members: Data) -> Data:
    """A structure."""
    return Data.of(DataType.STRUCTURE, members)


def octet_string(octets: bytes) -> Data:
    """An octet string."""
    return Data.of(DataType.OCTET_STRING, octets[:])  # exactly bytes, also of an EUI-64


def unsigned(value: int) -> Data:
    """A number of one octet."""
    return Data.of(DataType.UNSIGNED, value)


def long_unsigned(value: int) -> Data:
    """A number of two octets."""
    return Data.of(DataType.LONG_UNSIGNED, value)


def double_long_unsigned(value: int) -> Data:
    """A number of four octets."""
    return Data.of(DataType.DOUBLE_LONG_UNSIGNED, value)


def integer(value: int) -> Data:
    """A signed number of one octet."""
    return Data.of(DataType.INTEGER, value)


def enum(value: int) -> Data:
    """One of a list of meanings."""
    return Data.of(DataType.ENUM, value)


def boolean(value: bool) -> Data:
    """True or false."""
    return Data.of(DataType.BOOLEAN, value)


NULL: Final = Data.of(DataType.NULL)
"""No value: what a get asks with, and what a set answers with."""

_OCTET_STRING, _LONG, _LONG_UNSIGNED = DataType.OCTET_STRING, DataType.LONG, DataType.LONG_UNSIGNED
_STRUCTURE, _ARRAY = DataType.STRUCTURE, DataType.ARRAY
_TYPES: Final = {int(kind): kind for kind in DataType}
_TAGS: Final = {kind: bytes((kind,)) for kind in DataType}

# Values of one octet are made once: there are only 256 of each type.
_READY: Final[tuple[tuple[Data, ...] | None, ...]] = tuple(
    tuple(Data((_TYPES[tag], READERS[tag](bytes((octet,)), 0)[0])) for octet in range(256))
    if tag in (DataType.INTEGER, DataType.UNSIGNED, DataType.ENUM, DataType.BCD)
    else None
    for tag in range(256)
)
_NOT_PLAIN: Final = (DataType.NULL, DataType.ARRAY, DataType.STRUCTURE)
_READERS: Final[tuple[Callable[[bytes, int], tuple[Any, int]] | None, ...]] = tuple(
    read_compact_array if tag == DataType.COMPACT_ARRAY else None if tag in _NOT_PLAIN else READERS.get(tag)
    for tag in range(256)
)
_WRITERS: Final[dict[int, Callable[[Any], bytes] | None]] = {
    **WRITERS,
    DataType.COMPACT_ARRAY: CompactArray.encode,
    DataType.ARRAY: None,
    DataType.STRUCTURE: None,
}
