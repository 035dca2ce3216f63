"""A small codec for the ASN.1 payloads: types are values that read and write one TLV each (gbcs.md 4.1).

DER with one exception the device makers agreed on: a length from 128 to 255 is written ``82 00 xx``; both that form
and ``81 xx`` are read. Nothing here recurses over input, only over the grammar, so depth is bounded by the schema;
lists are bounded by ``LIST_LIMIT``. Misfits raise ``WireError`` with the offset inside the payload and the field.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Generic, TypeVar

from trustcell.vocab import KeyUsage, WireError

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)

LIST_LIMIT = 1024
"""Entries of one SEQUENCE OF; the largest real list is a device log with some dozens."""


class Asn1(Generic[T]):
    """One ASN.1 type: its outer tag, and both directions for the contents."""

    tag: int

    def read(self, octets: bytes, start: int, end: int) -> T:
        """The value of the contents ``octets[start:end]``."""
        raise AssertionError("every ASN.1 type reads its own contents")

    def write(self, value: T) -> bytes:
        """The contents of a value."""
        raise AssertionError("every ASN.1 type writes its own contents")

    def tags(self) -> tuple[int, ...]:
        """Tags a value of this type may start with."""
        return (self.tag,)

    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[T, int]:
        """The value of the TLV at ``at`` and the offset after it."""
        if at >= end:
            raise WireError(end, "", f"tag {self.tag:02X} expected, the contents end here", "asn1_truncated")
        if octets[at] != self.tag:
            raise WireError(at, "", f"tag {self.tag:02X} expected, {octets[at]:02X} found", "asn1_tag")
        start, stop = read_length(octets, at + 1, end)
        return self.read(octets, start, stop), stop

    def write_tlv(self, value: T) -> bytes:
        """Tag, length and contents."""
        contents = self.write(value)
        return b"".join((self.tag.to_bytes(1, "big"), write_length(len(contents)), contents))

    def decode(self, octets: bytes) -> T:
        """The value of exactly these octets."""
        value, stop = self.read_tlv(octets, 0, len(octets))
        if stop != len(octets):
            raise WireError(stop, "", "octets after the end of the payload", "asn1_trailing")
        return value

    def encode(self, value: T) -> bytes:
        """Octets of a whole payload."""
        return self.write_tlv(value)


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


class Integer(Asn1[int]):
    """INTEGER with bounds, minimal and never negative."""

    tag = 0x02

    def __init__(self, maximum: int) -> None:
        """``maximum`` is the largest value allowed."""
        self.maximum = maximum

    def read(self, octets: bytes, start: int, end: int) -> int:
        """A number from 0 to the maximum."""
        size = end - start
        if size == 0:
            raise WireError(start, "", "an INTEGER has at least one octet", "asn1_integer")
        if octets[start] & 0x80:
            raise WireError(start, "", "a negative INTEGER is not allowed", "asn1_integer")
        if size > 1 and octets[start] == 0 and not octets[start + 1] & 0x80:
            raise WireError(start, "", "the INTEGER is not minimal", "asn1_integer")
        if size > 9:
            raise WireError(start, "", f"at most {self.maximum} expected", "asn1_integer")
        value = int.from_bytes(octets[start:end], "big")
        if value > self.maximum:
            raise WireError(start, "", f"at most {self.maximum} expected, {value} found", "asn1_integer")
        return value

    def write(self, value: int) -> bytes:
        """Minimal two's complement."""
        if not 0 <= value <= self.maximum:
            raise ValueError(f"{value} is not in 0..{self.maximum}")
        return value.to_bytes(value.bit_length() // 8 + 1, "big")


class Enumeration(Asn1[E]):
    """INTEGER with named values, or ENUMERATED when ``tag`` says so."""

    def __init__(self, names: type[E], tag: int = 0x02) -> None:
        """``names`` lists every value allowed."""
        self.names = names
        self.tag = tag
        self._by_contents = {self.write(name): name for name in names}

    def read(self, octets: bytes, start: int, end: int) -> E:
        """A named value."""
        value = self._by_contents.get(octets[start:end])
        if value is None:
            found = octets[start : min(end, start + 9)].hex().upper() or "nothing"
            raise WireError(start, "", f"a value of {self.names.__name__} expected, {found} found", "asn1_value")
        return value

    def write(self, value: E) -> bytes:
        """Minimal two's complement."""
        return int(value).to_bytes(int(value).bit_length() // 8 + 1, "big")


class Octets(Asn1[bytes]):
    """OCTET STRING of a fixed size, or of any size up to ``limit``."""

    tag = 0x04

    def __init__(self, size: int | None = None, make: Callable[[bytes], Any] = bytes) -> None:
        """``make`` turns the contents into the value, for example ``Eui64``."""
        self.size = size
        self.make = make

    def read(self, octets: bytes, start: int, end: int) -> Any:
        """The contents as they stand."""
        if self.size is not None and end - start != self.size:
            raise WireError(start, "", f"{self.size} octets expected, {end - start} found", "asn1_size")
        return self.make(octets[start:end])

    def write(self, value: bytes) -> bytes:
        """The contents as they stand."""
        if self.size is not None and len(value) != self.size:
            raise ValueError(f"{self.size} octets expected, {len(value)} given")
        return bytes(value)


class Null(Asn1[None]):
    """NULL."""

    tag = 0x05

    def read(self, octets: bytes, start: int, end: int) -> None:
        """Nothing; contents must be empty."""
        if end != start:
            raise WireError(start, "", "NULL has no contents", "asn1_size")

    def write(self, value: None) -> bytes:
        """No octets."""
        return b""


def _usage_contents(usage: KeyUsage) -> bytes:
    """Unused-bits octet and bits of a named-bit list, trailing zero bits removed."""
    bits = usage.value
    top = bits.bit_length()
    data = bytearray((top + 7) // 8)
    for bit in range(top):
        if bits >> bit & 1:
            data[bit // 8] |= 0x80 >> bit % 8
    return bytes([len(data) * 8 - top]) + bytes(data)


class KeyUsageBits(Asn1[KeyUsage]):
    """KeyUsage ::= BIT STRING, a named-bit list in DER."""

    tag = 0x03

    def __init__(self) -> None:
        """Forms with one bit, nearly all there are, are looked up."""
        self._single = {_usage_contents(usage): usage for usage in KeyUsage}

    def read(self, octets: bytes, start: int, end: int) -> KeyUsage:
        """The bits that are set; at least one."""
        contents = octets[start:end]
        usage = self._single.get(contents)
        if usage is None:
            text = "".join(f"{octet:08b}" for octet in contents[1:3])
            usage = KeyUsage(sum(1 << bit for bit in range(min(len(text), 9)) if text[bit] == "1"))
            if not usage or _usage_contents(usage) != contents:
                raise WireError(start, "", "a DER named-bit list of key usages expected", "asn1_bit_string")
        return usage

    def write(self, value: KeyUsage) -> bytes:
        """Unused-bits octet and bits."""
        return _usage_contents(value)


class Time(Asn1[datetime]):
    """GeneralizedTime ``YYYYMMDDHHMMSSZ``."""

    tag = 0x18

    def read(self, octets: bytes, start: int, end: int) -> datetime:
        """An instant in UTC, to the second."""
        text = octets[start:end]
        if len(text) != 15 or text[14:] != b"Z" or not text[:14].isdigit():
            raise WireError(start, "", "a GeneralizedTime YYYYMMDDHHMMSSZ expected", "asn1_time")
        month, day, hour, minute, second = (int(text[i : i + 2]) for i in range(4, 14, 2))
        try:
            return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise WireError(start, "", f"{text.decode()} is not a date and time", "asn1_time") from None

    def write(self, value: datetime) -> bytes:
        """Fifteen characters."""
        if value.tzinfo is None or value.utcoffset() or value.microsecond:
            raise ValueError("a time in UTC without fractions of a second was expected")
        return b"%04d%02d%02d%02d%02d%02dZ" % value.timetuple()[:6]


class Verbatim(Asn1[bytes]):
    """A SEQUENCE carried as it came, tag and length included: certificates and certification requests."""

    tag = 0x30

    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[bytes, int]:
        """The whole TLV."""
        _, stop = super().read_tlv(octets, at, end)
        return octets[at:stop], stop

    def read(self, octets: bytes, start: int, end: int) -> bytes:
        """Contents are opaque here."""
        return b""

    def write_tlv(self, value: bytes) -> bytes:
        """The octets as they came; they must be one SEQUENCE."""
        self.decode(value)
        return value


class Implicit(Asn1[T]):
    """``[n] IMPLICIT`` of another type; constructed types keep their constructed bit."""

    def __init__(self, number: int, inner: Asn1[T]) -> None:
        """``number`` is the context tag number."""
        self.inner = inner
        self.tag = 0x80 | number | (inner.tag & 0x20)

    def read(self, octets: bytes, start: int, end: int) -> T:
        """As the inner type."""
        return self.inner.read(octets, start, end)

    def write(self, value: T) -> bytes:
        """As the inner type."""
        return self.inner.write(value)


class SequenceOf(Asn1[tuple[Any, ...]]):
    """SEQUENCE OF one type, at most ``LIST_LIMIT`` entries."""

    tag = 0x30

    def __init__(self, inner: Asn1[Any]) -> None:
        """``inner`` is the type of every entry."""
        self.inner = inner

    def read(self, octets: bytes, start: int, end: int) -> tuple[Any, ...]:
        """The entries in order."""
        values: list[Any] = []
        read_tlv = self.inner.read_tlv
        while start < end:
            if len(values) == LIST_LIMIT:
                raise WireError(start, "", f"at most {LIST_LIMIT} entries expected", "asn1_too_many")
            try:
                value, start = read_tlv(octets, start, end)
            except WireError as error:
                raise error.moved(0, f"[{len(values)}]") from None
            values.append(value)
        return tuple(values)

    def write(self, value: tuple[Any, ...]) -> bytes:
        """The entries one after the other."""
        return b"".join([self.inner.write_tlv(entry) for entry in value])


_REQUIRED = object()


class Field:
    """One field of a SEQUENCE: attribute name, type, and the value that stands for its absence, if it may be absent."""

    __slots__ = ("absent", "name", "required", "tags", "type")

    def __init__(self, name: str, asn1: Asn1[Any], absent: object = _REQUIRED) -> None:
        """``absent=None`` makes the field OPTIONAL; any other value is its DEFAULT, omitted when equal."""
        self.name = name
        self.type = asn1
        self.tags = asn1.tags()
        self.required = absent is _REQUIRED
        self.absent = absent


class Sequence(Asn1[T]):
    """SEQUENCE with named fields, read into and written from instances of ``make``."""

    tag = 0x30

    def __init__(self, make: Callable[..., T], *fields: Field) -> None:
        """``make`` takes the field values in this order and has attributes of these names."""
        self.make = make
        self.fields = fields

    def read(self, octets: bytes, start: int, end: int) -> T:
        """An instance with every field; whatever its constructor refuses is a misfit of the SEQUENCE."""
        values: list[Any] = []
        at = start
        for field in self.fields:
            if not field.required and (at >= end or octets[at] not in field.tags):
                values.append(field.absent)
                continue
            try:
                value, at = field.type.read_tlv(octets, at, end)
            except WireError as error:
                raise error.moved(0, field.name) from None
            if not field.required and value == field.absent:
                raise WireError(at, field.name, "a default value must be omitted", "asn1_default")
            values.append(value)
        if at != end:
            raise WireError(at, "", f"no further field expected, tag {octets[at]:02X} found", "asn1_trailing")
        try:
            return self.make(*values)
        except ValueError as error:
            raise WireError(start, "", str(error), "asn1_value") from None

    def write(self, value: T) -> bytes:
        """The fields that are not absent, in order."""
        parts = []
        for field in self.fields:
            part = getattr(value, field.name)
            if field.required or part != field.absent:
                parts.append(field.type.write_tlv(part))
        return b"".join(parts)


class Choice(Asn1[Any]):
    """CHOICE between types with different tags; ``select`` names the alternative a value belongs to."""

    def __init__(self, *alternatives: tuple[type, Asn1[Any]]) -> None:
        """Each alternative is the Python type of its values and the ASN.1 type."""
        self.alternatives = alternatives
        self._by_tag = {tag: asn1 for _, asn1 in alternatives for tag in asn1.tags()}
        self.tag = alternatives[0][1].tag

    def tags(self) -> tuple[int, ...]:
        """Tags of all alternatives."""
        return tuple(self._by_tag)

    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[Any, int]:
        """Whatever alternative the tag selects."""
        asn1 = self._by_tag.get(octets[at]) if at < end else None
        if asn1 is None:
            found = f"{octets[at]:02X}" if at < end else "nothing"
            expected = " or ".join(f"{tag:02X}" for tag in self._by_tag)
            raise WireError(at, "", f"tag {expected} expected, {found} found", "asn1_tag")
        return asn1.read_tlv(octets, at, end)

    def write_tlv(self, value: Any) -> bytes:
        """The alternative for the type of the value."""
        for kind, asn1 in self.alternatives:
            if isinstance(value, kind):
                return asn1.write_tlv(value)
        raise ValueError(f"no alternative for {type(value).__name__}")
