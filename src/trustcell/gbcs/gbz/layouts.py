"""The payload of a cluster command as a list of named fields, read from a line of ``commands.csv`` (dlms-gbz.md 3.4).

A layout is written ``name:type`` for each field, in order. Types are ``u8 u16 u24 u32 u48 i32``, ``time`` (seconds
since 2000-01-01 UTC), ``string`` (a length and octets), ``date`` (year - 1900, month, day, weekday) and ``octetsN``.
After a type, ``*4`` repeats it four times, ``*field`` as often as an earlier field says, ``*field&15`` as its low four
bits say; ``?`` marks a last field that may be missing; ``name:(a:u8,b:u32)*`` is a list of rows to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from trustcell.vocab import WireError

NEVER: Final = 0xFFFFFFFF
"""A time at which nothing happens; two commands write FFFFFFFE instead (dlms-gbz.md 3.4)."""


@dataclass(frozen=True)
class Field:
    """One field of a layout. ``times`` counts repetitions: a number, the name of a field, or ``None`` for one value."""

    name: str
    type: str
    times: int | str | None = None
    mask: int = 0xFFFF
    optional: bool = False
    rows: "Layout | None" = None


class Layout:
    """Named fields in order; reads and writes the octets of one command."""

    def __init__(self, name: str, text: str) -> None:
        """``text`` in the notation of this module."""
        self.name = name
        self.text = text
        self.fields = tuple(_fields(text))
        self._positions = {field.name: at for at, field in enumerate(self.fields)}
        if len(self._positions) != len(self.fields):
            raise ValueError(f"a field of {name} is named twice")
        self._steps = tuple(self._plan())

    def __repr__(self) -> str:
        """The name of the command."""
        return f"Layout({self.name!r})"

    def __eq__(self, other: object) -> bool:
        """Layouts of the same name and text are the same."""
        return isinstance(other, Layout) and (self.name, self.text) == (other.name, other.text)

    def __hash__(self) -> int:
        """By name."""
        return hash(self.name)

    def __reduce__(self) -> tuple[type["Layout"], tuple[str, str]]:
        """Copies are made of name and text."""
        return Layout, (self.name, self.text)

    def position(self, name: str) -> int:
        """Where a field stands; ``KeyError`` for a name this command has not."""
        return self._positions[name]

    def read(self, octets: bytes, at: int = 0) -> tuple[Any, ...]:
        """The values of exactly these octets from ``at``; ``WireError`` with an offset inside them."""
        values: list[Any] = []
        try:
            for step in self._steps:
                at = step.read(octets, at, values)
        except (IndexError, StructError):
            name = self.fields[min(len(values), len(self.fields) - 1)].name
            raise WireError(len(octets), name, "the command ends inside a field", "gbz_truncated") from None
        if at != len(octets):
            raise WireError(at, "", f"octets after the last field of {self.name}", "gbz_trailing")
        return tuple(values)

    def read_row(self, octets: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        """The values of one row of a list, and the offset behind it."""
        values: list[Any] = []
        for step in self._steps:
            at = step.read(octets, at, values)
        return tuple(values), at

    def write(self, values: tuple[Any, ...]) -> bytes:
        """The octets of the values; ``ValueError`` when they are not what the fields hold."""
        parts: list[bytes] = []
        at = 0
        for step in self._steps:
            at = step.write(values, at, parts)
        if at != len(values):
            raise ValueError(f"{self.name} has {len(self.fields)} fields, not {len(values)}")
        return b"".join(parts)

    def _plan(self) -> "Iterator[_Step]":
        """Neighbours of fixed width as one step, every other field as its own."""
        run: list[Field] = []
        for field in self.fields:
            if field.type in _NUMBERS and field.times is None and not field.optional:
                run.append(field)
                continue
            if run:
                yield _Fixed(run)
                run = []
            yield self._step(field)
        if run:
            yield _Fixed(run)

    def _step(self, field: Field) -> "_Step":
        if field.rows is not None:
            return _Rows(field.rows)
        one = _String() if field.type == "string" else _Fixed([field])
        if field.optional:
            return _Optional(one)
        if field.times is None:
            return one
        if isinstance(field.times, int):
            return _Repeated(one, field.times)
        return _Counted(one, self._positions[field.times], field.mask)


class _Step:
    """Some fields in a row: appends their values, or their octets, and returns where the next step begins."""

    def read(self, octets: bytes, at: int, values: list[Any]) -> int:
        """Append values; the offset behind them."""
        raise NotImplementedError

    def write(self, values: tuple[Any, ...], at: int, parts: list[bytes]) -> int:
        """Append octets of the values from position ``at``; the position behind them."""
        raise NotImplementedError


_NUMBERS: Final = {
    "u8": "B", "u16": "H", "u24": "3s", "u32": "I", "u48": "6s", "i32": "i", "time": "I", "date": "4s",
    **{f"octets{n}": f"{n}s" for n in (19,)},
}  # fmt: skip
_WIDE: Final = {"u24": 3, "u48": 6}


class _Fixed(_Step):
    """Fields of fixed width, little-endian, in one go."""

    def __init__(self, fields: list[Field]) -> None:
        self._struct = Struct("<" + "".join(_NUMBERS[field.type] for field in fields))
        # Numbers that struct does not know come out as octets first.
        self._wide = tuple((at, _WIDE[field.type]) for at, field in enumerate(fields) if field.type in _WIDE)
        # And struct would pad octets that are too few.
        self._octets = tuple(
            (at, Struct(_NUMBERS[field.type]).size)
            for at, field in enumerate(fields)
            if _NUMBERS[field.type][-1] == "s" and field.type not in _WIDE
        )
        self._names = tuple(field.name for field in fields)

    def read(self, octets: bytes, at: int, values: list[Any]) -> int:
        found = self._struct.unpack_from(octets, at)
        if self._wide:
            numbers = list(found)
            for place, _ in self._wide:
                numbers[place] = int.from_bytes(found[place], "little")
            values.extend(numbers)
        else:
            values.extend(found)
        return at + self._struct.size

    def write(self, values: tuple[Any, ...], at: int, parts: list[bytes]) -> int:
        count = len(self._names)
        chosen = list(values[at : at + count])
        try:
            for place, width in self._wide:
                chosen[place] = chosen[place].to_bytes(width, "little")
            if any(len(chosen[place]) != width for place, width in self._octets):
                raise StructError
            parts.append(self._struct.pack(*chosen))
        except (StructError, OverflowError, AttributeError, IndexError, TypeError):
            raise ValueError(f"a value does not fit one of the fields {', '.join(self._names)}") from None
        return at + count


class _String(_Step):
    """A length of one octet, and octets."""

    def read(self, octets: bytes, at: int, values: list[Any]) -> int:
        end = at + 1 + octets[at]
        if end > len(octets):
            raise IndexError
        values.append(octets[at + 1 : end])
        return end

    def write(self, values: tuple[Any, ...], at: int, parts: list[bytes]) -> int:
        value = values[at] if at < len(values) else None
        if not isinstance(value, bytes) or len(value) > 0xFF:
            raise ValueError("a string is at most 255 octets")
        parts.append(bytes((len(value),)) + value)
        return at + 1


class _Repeated(_Step):
    """One value a fixed number of times."""

    def __init__(self, one: _Step, times: int) -> None:
        self._one, self._times = one, times

    def read(self, octets: bytes, at: int, values: list[Any]) -> int:
        found: list[Any] = []
        for _ in range(self._count(values)):
            at = self._one.read(octets, at, found)
        values.append(tuple(found))
        return at

    def write(self, values: tuple[Any, ...], at: int, parts: list[bytes]) -> int:
        members = values[at] if at < len(values) else None
        if not isinstance(members, tuple) or len(members) != self._count(values):
            raise ValueError("a repeated field is a tuple of as many values as the command says")
        for place in range(len(members)):
            self._one.write(members, place, parts)
        return at + 1

    def _count(self, values: Any) -> int:
        """How many times."""
        return self._times


class _Counted(_Repeated):
    """One value as often as an earlier field says."""

    def __init__(self, one: _Step, position: int, mask: int) -> None:
        super().__init__(one, 0)
        self._position, self._mask = position, mask

    def _count(self, values: Any) -> int:
        count: int = values[self._position] & self._mask
        return count


class _Optional(_Step):
    """A last value that may be missing."""

    def __init__(self, one: _Step) -> None:
        self._one = one

    def read(self, octets: bytes, at: int, values: list[Any]) -> int:
        if at < len(octets):
            return self._one.read(octets, at, values)
        values.append(None)
        return at

    def write(self, values: tuple[Any, ...], at: int, parts: list[bytes]) -> int:
        if at < len(values) and values[at] is None:
            return at + 1
        return self._one.write(values, at, parts)


class _Rows(_Step):
    """Rows of the same fields until the command ends."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def read(self, octets: bytes, at: int, values: list[Any]) -> int:
        rows = []
        while at < len(octets):
            row, at = self._layout.read_row(octets, at)
            rows.append(row)
        values.append(tuple(rows))
        return at

    def write(self, values: tuple[Any, ...], at: int, parts: list[bytes]) -> int:
        rows = values[at] if at < len(values) else None
        if not isinstance(rows, tuple) or not all(isinstance(row, tuple) for row in rows):
            raise ValueError("rows are a tuple of tuples")
        parts.extend(self._layout.write(row) for row in rows)
        return at + 1


_FIELD: Final = re.compile(
    r"(?P<name>[a-z0-9_]+):(?:(?P<type>[a-z0-9]+)(?:\*(?P<times>[a-z0-9_]+)(?:&(?P<mask>\d+))?)?(?P<optional>\?)?"
    r"|\((?P<rows>[^)]*)\)\*)"
)


def _fields(text: str) -> Iterator[Field]:
    """The fields of one line."""
    for word in text.split():
        found = _FIELD.fullmatch(word)
        if found is None or not (found["rows"] or found["type"] in _NUMBERS or found["type"] == "string"):
            raise ValueError(f"{word} is no field of a command")
        if found["rows"]:
            yield Field(found["name"], "rows", rows=Layout(found["name"], found["rows"].replace(",", " ")))
        else:
            times = found["times"]
            count = int(times) if times and times.isdigit() else times
            mask = int(found["mask"]) if found["mask"] else 0xFFFF
            yield Field(found["name"], found["type"], count, mask, bool(found["optional"]))
