"""Compact arrays: one type description, then values without tags until the contents end (dlms-gbz.md 2.6).

```
compact-array 13 type length contents
type          02 n type*n | 01 count[2] type | tag
```
"""

from dataclasses import dataclass
from typing import Any, Final

from trustcell.gbcs.dlms.lengths import MAX_LENGTH, read_length, write_length
from trustcell.gbcs.dlms.scalars import END, READERS, WRITERS, DataType
from trustcell.vocab import WireError

MAX_TYPE_DEPTH: Final = 8
"""Nesting of a type description; arrays of numbers in a structure are two levels."""

_WITHOUT_OCTETS: Final = (DataType.NULL, DataType.DONT_CARE)


@dataclass(frozen=True, slots=True)
class RowType:
    """What one row holds: a structure of ``members``, an array of ``count`` times its one member, or a plain type.

    Every type here takes at least one octet, so that the rows of some octets are never more than those.
    """

    kind: DataType
    members: tuple["RowType", ...] = ()
    count: int = 0

    def __post_init__(self) -> None:
        """Refuse a type that rows cannot be cut by."""
        if self.kind is DataType.STRUCTURE:
            fits = 0 < len(self.members) <= MAX_LENGTH and not self.count
        elif self.kind is DataType.ARRAY:
            fits = len(self.members) == 1 and 0 < self.count <= MAX_LENGTH
        else:
            fits = self.kind in WRITERS and self.kind not in _WITHOUT_OCTETS and not self.members and not self.count
        if not fits:
            raise ValueError("a row is made of structures, arrays and plain types that each take at least one octet")
        if self.depth > MAX_TYPE_DEPTH:
            raise ValueError(f"a type description nests at most {MAX_TYPE_DEPTH} levels")

    @property
    def depth(self) -> int:
        """Levels of this type."""
        return 1 + max((member.depth for member in self.members), default=0)

    def encode(self) -> bytes:
        """The type description."""
        tag = bytes((self.kind,))
        if self.kind is DataType.STRUCTURE:
            return tag + write_length(len(self.members)) + b"".join(member.encode() for member in self.members)
        if self.kind is DataType.ARRAY:
            return tag + self.count.to_bytes(2, "big") + self.members[0].encode()
        return tag


@dataclass(frozen=True, slots=True)
class CompactArray:
    """Rows of one type: plain Python values, tuples for the structures and arrays of the type."""

    row: RowType
    rows: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuse rows that their type cannot carry, or more than a length can say."""
        if not isinstance(self.rows, tuple):
            raise ValueError("rows are a tuple")
        self.encode()

    def encode(self) -> bytes:
        """Type description, length and contents."""
        contents: list[bytes] = []
        for row in self.rows:
            _write_cell(self.row, row, contents)
        joined = b"".join(contents)
        return self.row.encode() + write_length(len(joined)) + joined


def read_compact_array(octets: bytes, at: int) -> tuple[CompactArray, int]:
    """The compact array behind its tag, and the offset behind it."""
    row, at = _read_type(octets, at, MAX_TYPE_DEPTH)
    size, at = read_length(octets, at)
    end = at + size
    if end > len(octets):
        raise IndexError
    # Cells are read from their own octets, so that none reaches past the contents.
    contents = octets[:end]
    rows = []
    try:
        while at < end:
            cell, at = _read_cell(row, contents, at)
            rows.append(cell)
    except END:
        raise WireError(end, "", "the contents of a compact array end inside a row", "dlms_compact_array") from None
    array = object.__new__(CompactArray)
    object.__setattr__(array, "row", row)
    object.__setattr__(array, "rows", tuple(rows))
    return array, end


def _read_type(octets: bytes, at: int, levels: int) -> tuple[RowType, int]:
    """A type description of at most ``levels`` levels."""
    start, tag = at, octets[at]
    if not levels:
        raise WireError(at, "", f"a type description nests at most {MAX_TYPE_DEPTH} levels", "dlms_depth")
    at += 1
    try:
        if tag == DataType.STRUCTURE:
            count, at = read_length(octets, at)
            members = []
            for _ in range(count):
                member, at = _read_type(octets, at, levels - 1)
                members.append(member)
            return RowType(DataType.STRUCTURE, tuple(members)), at
        if tag == DataType.ARRAY:
            count = octets[at] << 8 | octets[at + 1]
            member, at = _read_type(octets, at + 2, levels - 1)
            return RowType(DataType.ARRAY, (member,), count), at
        return RowType(DataType(tag)), at
    except ValueError:
        raise WireError(start, "", f"{tag:02X} is no type of a row here", "dlms_type") from None


def _read_cell(row: RowType, octets: bytes, at: int) -> tuple[Any, int]:
    """One value of a type."""
    if not row.members:
        return READERS[row.kind](octets, at)
    members = row.members if row.kind is DataType.STRUCTURE else row.members * row.count
    cells = []
    for member in members:
        cell, at = _read_cell(member, octets, at)
        cells.append(cell)
    return tuple(cells), at


def _write_cell(row: RowType, cell: Any, contents: list[bytes]) -> None:
    """Append the octets of one value."""
    if not row.members:
        contents.append(WRITERS[row.kind](cell))
        return
    members = row.members if row.kind is DataType.STRUCTURE else row.members * row.count
    if not isinstance(cell, tuple) or len(cell) != len(members):
        raise ValueError(f"a tuple of {len(members)} cells was expected")
    for member, part in zip(members, cell, strict=True):
        _write_cell(member, part, contents)
