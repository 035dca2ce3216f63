"""The ASN.1 types with contents of their own: numbers, names, octets, key usages, times, certificates (gbcs.md 4.2)."""

from collections.abc import Callable, Container
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

from trustcell.gbcs.der import Tagged, read_length
from trustcell.vocab import KeyUsage, WireError

E = TypeVar("E", bound=IntEnum)


class Integer(Tagged[int]):
    """INTEGER with bounds, minimal and never negative."""

    tag = 0x02
    kind = int

    def __init__(self, maximum: int) -> None:
        """``maximum`` is the largest value allowed."""
        self.maximum = maximum
        self._octets = maximum.bit_length() // 8 + 1

    def read(self, octets: bytes, start: int, end: int) -> int:
        """A number from 0 to the maximum."""
        size = end - start
        if size == 0:
            raise WireError(start, "", "an INTEGER has at least one octet", "asn1_integer")
        first = octets[start]
        if first & 0x80:
            raise WireError(start, "", "a negative INTEGER is not allowed", "asn1_integer")
        if first == 0 and size > 1 and not octets[start + 1] & 0x80:
            raise WireError(start, "", "the INTEGER is not minimal", "asn1_integer")
        if size > self._octets:
            raise WireError(start, "", f"at most {self.maximum} expected", "asn1_integer")
        value = int.from_bytes(octets[start:end], "big")
        if value > self.maximum:
            raise WireError(start, "", f"at most {self.maximum} expected, {value} found", "asn1_integer")
        return value

    def write(self, value: int) -> bytes:
        """Minimal two's complement."""
        if not 0 <= value <= self.maximum:
            raise ValueError(f"0 to {self.maximum} expected, {value} given")
        return _minimal(value)


class Enumeration(Tagged[E]):
    """INTEGER with named values, or ENUMERATED when ``tag`` says so."""

    def __init__(self, names: type[E], tag: int = 0x02, only: Container[int] | None = None) -> None:
        """``names`` lists every value allowed; ``only`` leaves out those of its numbers that it does not contain."""
        self.kind = names
        self.tag = tag
        self._contents = {name: _minimal(name) for name in names if only is None or name in only}
        self._names = {contents: name for name, contents in self._contents.items()}

    def read(self, octets: bytes, start: int, end: int) -> E:
        """A named value."""
        value = self._names.get(octets[start:end])
        if value is None:
            found = octets[start : min(end, start + 9)].hex().upper() or "nothing"
            raise WireError(start, "", f"a value of {self.kind.__name__} expected, {found} found", "asn1_value")
        return value

    def write(self, value: E) -> bytes:
        """Minimal two's complement."""
        contents = self._contents.get(value)
        if contents is None:
            raise ValueError(f"{value.name} is not used in GBCS messages")
        return contents


def _minimal(value: int) -> bytes:
    """Two's complement in as few octets as possible."""
    return int(value).to_bytes(value.bit_length() // 8 + 1, "big")


class Octets(Tagged[Any]):
    """OCTET STRING of a fixed size, or of any size."""

    tag = 0x04
    kind = bytes

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


class Null(Tagged[None]):
    """NULL."""

    tag = 0x05
    kind = type(None)

    def read(self, octets: bytes, start: int, end: int) -> None:
        """Nothing; contents must be empty."""
        if end != start:
            raise WireError(start, "", "NULL has no contents", "asn1_size")

    def write(self, value: None) -> bytes:
        """No octets."""
        return b""


class KeyUsageBits(Tagged[KeyUsage]):
    """KeyUsage ::= BIT STRING, a named-bit list in DER."""

    tag = 0x03
    kind = KeyUsage

    def __init__(self) -> None:
        """Forms with one bit, nearly all there are, are looked up."""
        self._single = {_usage_contents(usage): usage for usage in KeyUsage}
        self._contents = {usage: contents for contents, usage in self._single.items()}

    def read(self, octets: bytes, start: int, end: int) -> KeyUsage:
        """The bits that are set; at least one."""
        contents = octets[start:end]
        usage = self._single.get(contents)
        if usage is None:
            bits = int.from_bytes(contents[1:3].ljust(2, b"\0"), "big")
            usage = KeyUsage(sum(1 << bit for bit in range(9) if bits >> 15 - bit & 1))
            if not usage or _usage_contents(usage) != contents:
                raise WireError(start, "", "a DER named-bit list of key usages expected", "asn1_bit_string")
        return usage

    def write(self, value: KeyUsage) -> bytes:
        """Unused-bits octet and bits."""
        single = self._contents.get(value)
        if single is not None:
            return single
        if not 0 < value.value < 1 << 9:
            raise ValueError("one to nine key usages expected")
        return _usage_contents(value)


def _usage_contents(usage: KeyUsage) -> bytes:
    """Unused-bits octet and bits of a named-bit list, trailing zero bits removed."""
    bits = usage.value
    top = bits.bit_length()
    data = bytearray((top + 7) // 8)
    for bit in range(top):
        if bits >> bit & 1:
            data[bit // 8] |= 0x80 >> bit % 8
    return bytes([len(data) * 8 - top]) + bytes(data)


class Time(Tagged[datetime]):
    """GeneralizedTime ``YYYYMMDDHHMMSSZ``."""

    tag = 0x18
    kind = datetime

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


class Verbatim(Tagged[bytes]):
    """A SEQUENCE carried as it came, tag and length included: certificates and certification requests."""

    tag = 0x30
    kind = bytes

    def read_tlv(self, octets: bytes, at: int, end: int) -> tuple[bytes, int]:
        """The whole TLV."""
        _, stop = super().read_tlv(octets, at, end)
        return octets[at:stop], stop

    def read(self, octets: bytes, start: int, end: int) -> bytes:
        """Contents are opaque here."""
        return b""

    def write(self, value: bytes) -> bytes:
        """Contents of the SEQUENCE."""
        return value[self._check(value) :]

    def _check(self, value: bytes) -> int:
        """Where the contents begin; ``ValueError`` unless there is one whole SEQUENCE."""
        try:
            start, stop = read_length(value, 1, len(value))
        except WireError as error:
            raise ValueError(f"one whole SEQUENCE was expected: {error.reason}") from None
        if value[0] != self.tag or stop != len(value):
            raise ValueError("one whole SEQUENCE was expected, tag and length included")
        return start

    def write_tlv(self, value: bytes) -> bytes:
        """The octets as they came; they must be one SEQUENCE."""
        if not isinstance(value, bytes):
            raise ValueError(f"bytes expected, {type(value).__name__} given")
        self._check(value)
        return value
