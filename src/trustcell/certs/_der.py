"""Strict DER in both directions: tag-length-value slices, primitive values, times (X.690 8 to 11; smki.md 2.3).

Readers raise ``WireError`` with a bare code such as ``not_der``; the door that was called adds its noun
(``certificate_not_der``, ``crl_not_der``). Offsets count from the start of the octets handed to the reader.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from trustcell.vocab import WireError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
ENUMERATED = 0x0A
UTF8_STRING = 0x0C
SEQUENCE = 0x30
SET = 0x31
PRINTABLE_STRING = 0x13
IA5_STRING = 0x16
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18

MAX_DEPTH = 32
_MAX_OID_OCTETS = 64
_MAX_INTEGER_OCTETS = 64


@contextmanager
def noun(word: str) -> Iterator[None]:
    """Put ``word`` before the bare code of any ``WireError`` that passes."""
    try:
        yield
    except WireError as error:
        raise prefixed(error, word) from None


def prefixed(error: WireError, word: str) -> WireError:
    """The same error with its code beginning with ``word``."""
    code = error.code if error.code.startswith(f"{word}_") else f"{word}_{error.code}"
    return WireError(error.offset, error.path, error.reason, code)


def tlv(data: bytes, at: int, end: int, path: str) -> tuple[int, int, int]:
    """One element: its tag octet, where its content starts and where it stops; the element ends within ``end``."""
    if at + 2 > end:
        raise WireError(at, path, "an element was expected, the octets end", "not_der")
    tag = data[at]
    length = data[at + 1]
    start = at + 2
    if length >= 0x80:
        size = length & 0x7F
        if size == 0:
            raise WireError(at + 1, path, "indefinite length is BER, not DER", "not_der")
        if start + size > end or (size > 4 and data[start]):
            raise WireError(at + 1, path, "the length reaches beyond the octets", "not_der")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
        if length < 0x80 or length >> (8 * size - 8) == 0:
            raise WireError(at + 1, path, "the length is not in its shortest form", "not_der")
    stop = start + length
    if stop > end:
        raise WireError(at, path, "the length reaches beyond the octets", "not_der")
    if tag & 0x1F == 0x1F:
        raise WireError(at, path, "tags of more than one octet do not occur here", "not_der")
    return tag, start, stop


def expect(data: bytes, at: int, end: int, tag: int, path: str) -> tuple[int, int]:
    """Content bounds of an element that must have ``tag``."""
    found, start, stop = tlv(data, at, end, path)
    if found != tag:
        raise WireError(at, path, f"tag {tag:02X} was expected, found {found:02X}", "not_der")
    return start, stop


def whole(data: bytes, start: int, end: int, tag: int, path: str) -> tuple[int, int]:
    """Content bounds of an element with ``tag`` that fills ``start`` to ``end`` exactly."""
    first, stop = expect(data, start, end, tag, path)
    finished(stop, end, path)
    return first, stop


def finished(at: int, end: int, path: str) -> None:
    """Raise unless nothing follows."""
    if at != end:
        raise WireError(at, path, f"{end - at} octets follow where nothing may follow", "trailing_data")


def children(data: bytes, start: int, end: int, path: str) -> Iterator[tuple[int, int, int, int]]:
    """The elements from ``start`` to ``end``: tag, offset of the element, content start, content stop."""
    at = start
    while at < end:
        tag, first, stop = tlv(data, at, end, path)
        yield tag, at, first, stop
        at = stop


def well_formed(data: bytes, start: int, end: int, path: str) -> None:
    """Raise unless ``start`` to ``end`` is a run of well-formed elements, nested at most ``MAX_DEPTH`` deep."""
    pending = [(start, end, 0)]
    while pending:
        at, stop, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise WireError(at, path, f"nested more than {MAX_DEPTH} deep", "nested_too_deep")
        for tag, _, first, last in children(data, at, stop, path):
            if tag & 0x20:
                pending.append((first, last, depth + 1))


def boolean(data: bytes, start: int, stop: int, path: str) -> bool:
    """A BOOLEAN: one octet, 00 or FF."""
    if stop - start != 1 or data[start] not in (0x00, 0xFF):
        raise WireError(start, path, "a BOOLEAN is one octet, 00 or FF", "not_der")
    return data[start] == 0xFF


def integer(data: bytes, start: int, stop: int, path: str) -> int:
    """An INTEGER in its shortest form."""
    if not 0 < stop - start <= _MAX_INTEGER_OCTETS:
        raise WireError(start, path, f"an INTEGER has 1 to {_MAX_INTEGER_OCTETS} octets here", "not_der")
    if stop - start > 1 and data[start] in (0x00, 0xFF) and (data[start] ^ data[start + 1]) & 0x80 == 0:
        raise WireError(start, path, "the INTEGER is not in its shortest form", "not_der")
    return int.from_bytes(data[start:stop], "big", signed=True)


def named_bits(data: bytes, start: int, stop: int, path: str) -> tuple[int, bool]:
    """A named-bit BIT STRING: bit n of the string is ``1 << n`` of the result; and whether it ends with a set bit."""
    size = stop - start - 1
    unused = data[start] if size >= 0 else 8
    if unused > 7 or size > 4 or (size == 0 and unused):
        raise WireError(start, path, "1 to 4 octets behind 0 to 7 unused bits were expected", "not_der")
    if size == 0:
        return 0, True
    last = data[stop - 1]
    minimal = not last & ((1 << unused) - 1) and bool(last & (1 << unused))
    bits = int.from_bytes(data[start + 1 : stop], "big") >> unused << unused
    return int(f"{bits:0{8 * size}b}"[::-1], 2), minimal


@lru_cache(maxsize=1024)
def oid_text(content: bytes) -> str:
    """Dotted form of the content octets of an OBJECT IDENTIFIER."""
    if not content or len(content) > _MAX_OID_OCTETS or content[-1] & 0x80:
        raise WireError(0, "oid", f"1 to {_MAX_OID_OCTETS} octets with a final arc were expected", "not_der")
    arcs: list[int] = []
    value, fresh = 0, True
    for octet in content:
        if fresh and octet == 0x80:
            raise WireError(0, "oid", "an arc is not in its shortest form", "not_der")
        value = value << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


@lru_cache(maxsize=512)
def moment(tag: int, content: bytes) -> tuple[datetime, bool]:
    """A Time in whole seconds, and whether it has the form of RFC 5280.

    That form is Zulu, UTCTime from 1950 to 2049 and GeneralizedTime from 2050. A time with an offset from Zulu and an
    early GeneralizedTime are read, so that they can be named; anything else is ``time_malformed``.
    """
    if tag not in (UTC_TIME, GENERALIZED_TIME):
        raise WireError(0, "time", "UTCTime or GeneralizedTime was expected", "time_malformed")
    text = content.decode("latin-1")
    digits = 12 if tag == UTC_TIME else 14
    figures, zone = text[:digits], text[digits:]
    offset = timedelta()
    if zone != "Z":
        if len(zone) != 5 or zone[0] not in "+-" or not (zone[1:].isascii() and zone[1:].isdigit()):
            raise WireError(0, "time", f"{digits} digits and Z were expected", "time_malformed")
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:])) * (-1 if zone[0] == "+" else 1)
    if len(figures) != digits or not (figures.isascii() and figures.isdigit()):
        raise WireError(0, "time", f"{digits} digits and Z were expected", "time_malformed")
    year = int(figures[: digits - 10])
    if tag == UTC_TIME:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = (int(figures[at : at + 2]) for at in range(digits - 10, digits, 2))
    try:
        when = datetime(year, month, day, hour, minute, second, tzinfo=UTC) + offset
    except (ValueError, OverflowError):
        raise WireError(0, "time", "there is no such day or time", "time_malformed") from None
    return when, zone == "Z" and (tag == UTC_TIME or year >= 2050)


def encode(tag: int, *parts: bytes) -> bytes:
    """One element with the joined parts as its content."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def encode_integer(value: int) -> bytes:
    """An INTEGER in its shortest form."""
    size = (value.bit_length() if value >= 0 else (value + 1).bit_length()) // 8 + 1
    return encode(INTEGER, value.to_bytes(size, "big", signed=True))


@lru_cache(maxsize=256)
def encode_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER; raises ``ValueError`` for text that is none."""
    arcs = [int(arc) for arc in dotted.split(".")]
    if len(arcs) < 2 or min(arcs) < 0 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        raise ValueError(f"{dotted!r} is not an object identifier")
    content = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        tail = [arc & 0x7F]
        while arc := arc >> 7:
            tail.append(arc & 0x7F | 0x80)
        content += bytes(reversed(tail))
    return encode(OID, bytes(content))


def encode_moment(when: datetime) -> bytes:
    """A Time of RFC 5280; ``when`` is aware and has whole seconds, else ``ValueError``."""
    if when.tzinfo is None or when.microsecond:
        raise ValueError("a certificate time is aware and has whole seconds")
    utc = when.astimezone(UTC)
    tail = f"{utc.month:02}{utc.day:02}{utc.hour:02}{utc.minute:02}{utc.second:02}Z".encode()
    if 1950 <= utc.year < 2050:
        return encode(UTC_TIME, f"{utc.year % 100:02}".encode(), tail)
    if utc.year < 1950:
        raise ValueError("RFC 5280 times start in 1950")
    return encode(GENERALIZED_TIME, f"{utc.year:04}".encode(), tail)


def encode_named_bits(bits: int) -> bytes:
    """A named-bit BIT STRING; ``1 << n`` of the argument is bit n of the string."""
    if not bits:
        return encode(BIT_STRING, b"\0")
    length = bits.bit_length()
    size = (length + 7) // 8
    octets = int(f"{bits:b}"[::-1].ljust(8 * size, "0"), 2).to_bytes(size, "big")
    return encode(BIT_STRING, bytes((8 * size - length,)) + octets)
