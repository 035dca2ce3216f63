"""Lengths and counts of A-XDR, always in their shortest form (dlms-gbz.md 2.1)."""

from typing import Final

from trustcell.vocab import WireError

MAX_LENGTH: Final = 0xFFFF
"""No payload of a GBCS message is longer (gbcs.md 1)."""


def read_length(octets: bytes, at: int) -> tuple[int, int]:
    """A length and the offset behind it; ``IndexError`` at the end of the octets, as every reader of this package."""
    first = octets[at]
    if first < 0x80:
        return first, at + 1
    if first == 0x81:
        value, end, least = octets[at + 1], at + 2, 0x80
    elif first == 0x82:
        value, end, least = octets[at + 1] << 8 | octets[at + 2], at + 3, 0x100
    else:
        raise WireError(at, "", "a length of at most two octets was expected", "dlms_length")
    if value < least:
        raise WireError(at, "", "a length is written in its shortest form", "dlms_length")
    return value, end


def write_length(value: int) -> bytes:
    """The shortest form of a length up to 65,535."""
    if value < 0x80:
        return value.to_bytes(1, "big")
    if value < 0x100:
        return bytes((0x81, value))
    if value > MAX_LENGTH:
        raise ValueError("a length of at most 65,535 was expected")
    return b"\x82" + value.to_bytes(2, "big")
