"""A small codec for the ASN.1 payloads: types are values that read and write one TLV each (gbcs.md 4.1).

DER with one exception the device makers agreed on: a length from 128 to 255 is written ``82 00 xx``; both that form
and ``81 xx`` are read. Nothing here recurses over input, only over the grammar, so depth is bounded by the schema;
lists are bounded by ``LIST_LIMIT``. Misfits raise ``WireError`` with the offset inside the payload and the field.
This module builds types from types; the types with contents of their own are in ``der_types``.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from trustcell.vocab import WireError

T = TypeVar("T")

LIST_LIMIT = 1024
"""Entries of one SEQUENCE OF; the largest real list is a device log with some dozens."""


class Asn1(ABC, Generic[T]):
    """One ASN.1 type, both directions. Values that it cannot write are ``ValueError``, octets ``WireError``."""

    kind: type
    """Python type of the values."""

    @abstractmethod
    def tags(self) -> tuple[int, ...]:
        """Tags a value of this type may start with."""

    @abstractmethod
    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[T, int]:
        """The value of the TLV at ``at`` and the offset after it."""

    @abstractmethod
    def write_tlv(self, value: T) -> bytes:
        """Tag, length and contents."""

    def parts(self) -> tuple["Asn1[Any]", ...]:
        """The types this one is made of."""
        return ()

    def decode(self, octets: bytes) -> T:
        """The value of exactly these octets."""
        try:
            value, stop = self.read_tlv(octets, 0, len(octets))
        except WireError as error:
            raise error if error.path else _within("payload", error) from None
        if stop != len(octets):
            raise WireError(stop, "payload", "octets after its end", "asn1_trailing")
        return value

    def encode(self, value: T) -> bytes:
        """Octets of a whole payload."""
        return self.write_tlv(value)


class Tagged(Asn1[T]):
    """A type with one outer tag of its own; subclasses read and write the contents."""

    tag: int

    @abstractmethod
    def read(self, octets: bytes, start: int, end: int) -> T:
        """The value of the contents ``octets[start:end]``."""

    @abstractmethod
    def write(self, value: T) -> bytes:
        """The contents of a value."""

    def tags(self) -> tuple[int, ...]:
        """The outer tag."""
        return (self.tag,)

    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[T, int]:
        """The value of the TLV at ``at`` and the offset after it."""
        start = at + 2
        # Nearly every TLV has a short length; the long way round sorts out the others and all misfits.
        if start <= end and octets[at] == self.tag and octets[at + 1] < 0x80:
            stop = start + octets[at + 1]
            if stop <= end:
                return self.read(octets, start, stop), stop
        _expect(self, octets, at, end)
        start, stop = read_length(octets, at + 1, end)
        return self.read(octets, start, stop), stop

    def write_tlv(self, value: T) -> bytes:
        """Tag, length and contents."""
        if not isinstance(value, self.kind):
            raise ValueError(f"{self.kind.__name__} expected, {type(value).__name__} given")
        contents = self.write(value)
        size = len(contents)
        if size < 0x80:
            return bytes((self.tag, size)) + contents
        return bytes((self.tag,)) + write_length(size) + contents


def read_length(octets: bytes, at: int, end: int) -> tuple[int, int]:
    """Start and end of the contents whose length stands at ``at``; ``82 00 80..FF`` is allowed."""
    if at >= end:
        raise WireError(end, "", "a length is missing", "asn1_truncated")
    length = octets[at]
    if length < 0x80:
        start = at + 1
    else:
        size = length - 0x80
        if size == 0 or size > 2:
            raise WireError(at, "", f"length octet {length:02X}: one, 81 xx or 82 xx xx expected", "asn1_length")
        start = at + 1 + size
        if start > end:
            raise WireError(end, "", "a length is cut off", "asn1_truncated")
        length = int.from_bytes(octets[at + 1 : start], "big")
        if length < 0x80:
            raise WireError(at, "", "a length under 128 takes one octet", "asn1_length")
    stop = start + length
    if stop > end:
        raise WireError(end, "", f"{length} octets announced, {end - start} left", "asn1_truncated")
    return start, stop


def write_length(length: int) -> bytes:
    """One octet under 128, else ``82 hh ll`` (gbcs.md 4.1)."""
    if length < 0x80:
        return length.to_bytes(1, "big")
    if length > 0xFFFF:
        raise ValueError("a payload part holds at most 65,535 octets")
    return b"\x82" + length.to_bytes(2, "big")


def _expect(asn1: Asn1[Any], octets: bytes, at: int, end: int) -> None:
    """Raise unless a tag of this type stands at ``at``."""
    tags = asn1.tags()
    if at < end and octets[at] in tags:
        return
    expected = " or ".join(f"{tag:02X}" for tag in tags)
    if at < end:
        raise WireError(at, "", f"tag {expected} expected, {octets[at]:02X} found", "asn1_tag")
    raise WireError(end, "", f"tag {expected} expected, the contents end here", "asn1_truncated")


def _within(field: str, error: WireError) -> WireError:
    """The same error seen from the type around: ``field[0].part`` or ``field.part``."""
    joint = "." if error.path and error.path[0] != "[" else ""
    return WireError(error.offset, f"{field}{joint}{error.path}", error.reason, error.code)


class Implicit(Tagged[T]):
    """``[n] IMPLICIT`` of another type; constructed types keep their constructed bit."""

    def __init__(self, number: int, inner: Tagged[T]) -> None:
        """``number`` is the context tag number."""
        self.inner = inner
        self.kind = inner.kind
        self.tag = 0x80 | number | (inner.tag & 0x20)
        self._read = inner.read
        self._write = inner.write

    def parts(self) -> tuple[Asn1[Any], ...]:
        """The type behind the tag."""
        return (self.inner,)

    def read(self, octets: bytes, start: int, end: int) -> T:
        """As the inner type."""
        return self._read(octets, start, end)

    def write(self, value: T) -> bytes:
        """As the inner type."""
        return self._write(value)


class SequenceOf(Tagged[tuple[Any, ...]]):
    """SEQUENCE OF one type, at most ``LIST_LIMIT`` entries."""

    tag = 0x30
    kind = tuple

    def __init__(self, inner: Asn1[Any]) -> None:
        """``inner`` is the type of every entry."""
        self.inner = inner

    def parts(self) -> tuple[Asn1[Any], ...]:
        """The type of the entries."""
        return (self.inner,)

    def read(self, octets: bytes, start: int, end: int) -> tuple[Any, ...]:
        """The entries in order."""
        values: list[Any] = []
        read_tlv = self.inner.read_tlv
        try:
            while start < end:
                if len(values) == LIST_LIMIT:
                    raise WireError(start, "", f"at most {LIST_LIMIT} entries expected", "asn1_too_many")
                value, start = read_tlv(octets, start, end)
                values.append(value)
        except WireError as error:
            raise _within(f"[{len(values)}]", error) from None
        return tuple(values)

    def write(self, value: tuple[Any, ...]) -> bytes:
        """The entries one after the other."""
        if len(value) > LIST_LIMIT:
            raise ValueError(f"at most {LIST_LIMIT} entries expected, {len(value)} given")
        write_tlv = self.inner.write_tlv
        return b"".join([write_tlv(entry) for entry in value])


_REQUIRED = object()


class Field:
    """One field of a SEQUENCE: attribute, type, the value that stands for its absence, and the name GBCS gives it."""

    __slots__ = ("absent", "name", "required", "type", "wire")

    def __init__(self, name: str, asn1: Asn1[Any], wire: str = "", absent: object = _REQUIRED) -> None:
        """``absent=None`` makes the field OPTIONAL; any other value is its DEFAULT, omitted when equal.

        ``wire`` is the name in GBCS; left out, it is the attribute name in camel case.
        """
        self.name = name
        self.type = asn1
        self.wire = wire or camel_case(name)
        self.required = absent is _REQUIRED
        self.absent = absent


def camel_case(name: str) -> str:
    """``execution_date_time`` as ``executionDateTime``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


class Sequence(Tagged[T]):
    """SEQUENCE with named fields, read into and written from instances of a dataclass."""

    tag = 0x30

    def __init__(self, make: type[T], *fields: Field) -> None:
        """``fields`` stand in the order of the octets; the attributes of ``make`` may stand in another."""
        self.kind = make
        self.fields = fields
        self._make: Callable[..., T] = make
        # What a read needs of each field; no tags for one that is required, since it must come in any case.
        self._plan = [
            (field, field.type.read_tlv, () if field.required else field.type.tags(), field.absent) for field in fields
        ]
        self._writers = [
            (attrgetter(field.name), field.type.write_tlv, field.required, field.absent, field.wire) for field in fields
        ]
        names = [field.name for field in fields]
        attributes = [each.name for each in dataclasses.fields(cast(Any, make))]
        self._order = [] if names == attributes else [names.index(name) for name in attributes]

    def parts(self) -> tuple[Asn1[Any], ...]:
        """The types of the fields."""
        return tuple(field.type for field in self.fields)

    def read(self, octets: bytes, start: int, end: int) -> T:
        """An instance with every field; whatever its constructor refuses is a misfit of the SEQUENCE."""
        values: list[Any] = []
        at = start
        for field, read_tlv, tags, absent in self._plan:
            if tags and (at >= end or octets[at] not in tags):
                values.append(absent)
                continue
            try:
                value, at = read_tlv(octets, at, end)
            except WireError as error:
                raise _within(field.wire, error) from None
            if tags and value == absent:
                raise WireError(at, field.wire, "a default value must be omitted", "asn1_default")
            values.append(value)
        if at != end:
            raise WireError(at, "", f"no further field expected, tag {octets[at]:02X} found", "asn1_trailing")
        if self._order:
            values = [values[place] for place in self._order]
        try:
            return self._make(*values)
        except ValueError as error:
            raise WireError(start, "", str(error), "asn1_value") from None

    def write(self, value: T) -> bytes:
        """The fields that are not absent, in order."""
        parts = []
        for get, write_tlv, required, absent, wire in self._writers:
            part = get(value)
            if required or (part is not absent and part != absent):
                try:
                    parts.append(write_tlv(part))
                except ValueError as error:
                    raise ValueError(f"{wire}: {error}") from None
        return b"".join(parts)


class Choice(Asn1[Any]):
    """CHOICE between types with different tags and different Python types, which tell the alternatives apart."""

    kind = object

    def __init__(self, *alternatives: Asn1[Any]) -> None:
        """The alternatives, in no particular order."""
        self.alternatives = alternatives
        self._by_tag = {tag: asn1 for asn1 in alternatives for tag in asn1.tags()}

    def parts(self) -> tuple[Asn1[Any], ...]:
        """The alternatives."""
        return self.alternatives

    def tags(self) -> tuple[int, ...]:
        """Tags of all alternatives."""
        return tuple(self._by_tag)

    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[Any, int]:
        """Whatever alternative the tag selects."""
        _expect(self, octets, at, end)
        return self._by_tag[octets[at]].read_tlv(octets, at, end)

    def write_tlv(self, value: Any) -> bytes:
        """The alternative for the type of the value."""
        for asn1 in self.alternatives:
            if isinstance(value, asn1.kind):
                return asn1.write_tlv(value)
        raise ValueError(f"no alternative for {type(value).__name__}")
