"""As much DER as a profile needs: taking octets apart into fields, and writing the few forms that are expected."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

SEQUENCE, SET, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06
UTF8, PRINTABLE, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x13, 0x17, 0x18
_TRUE = bytes.fromhex("0101ff")


def elements(octets: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Start, start of the value, and end of each element between ``start`` and ``end``; ``ValueError`` if broken."""
    stop = len(octets) if end is None else end
    while start < stop:
        length = octets[start + 1] if start + 1 < stop else -1
        body = start + 2
        if length >= 0x80:
            size = length & 0x7F
            body += size
            length = int.from_bytes(octets[start + 2 : body], "big") if 0 < size <= 4 and body <= stop else -1
        if length < 0 or body + length > stop:
            raise ValueError(f"no DER at octet {start}")
        yield start, body, body + length
        start = body + length


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element around these octets."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + value


@lru_cache(256)
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER of dotted numbers."""
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for number in (first * 40 + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        octets += bytes(reversed(groups))
    return tlv(OID, bytes(octets))


def name(*attributes: tuple[str, int, bytes]) -> bytes:
    """A Name of one attribute (type, tag, value) in each RDN."""
    return tlv(SEQUENCE, *(tlv(SET, tlv(SEQUENCE, oid(kind), tlv(tag, value))) for kind, tag, value in attributes))


def extension(dotted: str, critical: bool, value: bytes) -> bytes:
    """An Extension around the DER of its value."""
    return tlv(SEQUENCE, oid(dotted), _TRUE if critical else b"", tlv(OCTET_STRING, value))


def time(at: datetime) -> bytes:
    """UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5)."""
    at = at.astimezone(UTC)
    if at.year < 2050:
        return tlv(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(GENERALIZED_TIME, f"{at.year:04}{at.strftime('%m%d%H%M%SZ')}".encode())
