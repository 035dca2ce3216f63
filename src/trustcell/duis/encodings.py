"""Octets in DUIS: base64 and hex, and certificates as base64 of DER.

Stricter than the XSD, so that one value has one spelling: base64 has no stray bits, a certificate is one DER SEQUENCE.
White space inside base64 is dropped.
"""

import binascii
import re
from typing import Any

from trustcell.duis.lexical import SPACE, Codec
from trustcell.vocab import WireError

MAX_CERTIFICATE = 8_192
"""Most octets of one certificate element; organisation certificates have about 430."""

MAX_PAYLOAD = 16 * 1024 * 1024
"""Most octets of one base64 value; a message has a bound of its own."""

_NO_SPACE = str.maketrans("", "", SPACE)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)


def read_base64(text: str) -> bytes:
    """Strict base64, white space inside allowed; raises ``ValueError``."""
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        text = text.translate(_NO_SPACE)
        try:
            octets = binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            raise ValueError("base64 was expected") from None
    if text.endswith("=") and text[-3 if text.endswith("==") else -2] not in (
        "AQgw" if text.endswith("==") else "AEIMQUYcgkosw048"
    ):
        raise ValueError("base64 without stray bits was expected")
    return octets


def write_base64(octets: bytes) -> str:
    """Base64 on one line."""
    return binascii.b2a_base64(octets, newline=False).decode("ascii")


def _check_octets(value: Any, least: int, most: int) -> None:
    if not isinstance(value, bytes) or not least <= len(value) <= most:
        raise ValueError(f"{least} to {most} octets were expected")


def base64_octets(least: int, most: int) -> Codec:
    """Octets in base64."""

    def check(value: Any) -> None:
        _check_octets(value, least, most)

    def read(text: str) -> bytes:
        octets = read_base64(text)
        check(octets)
        return octets

    return Codec(read, write_base64, check)


def hex_octets(least: int, most: int) -> Codec:
    """Octets in hex of either case, written in upper case."""

    def check(value: Any) -> None:
        _check_octets(value, least, most)

    def read(text: str) -> bytes:
        text = text.strip(SPACE)
        if not _HEX.fullmatch(text):
            raise ValueError("octets in hex were expected")
        octets = bytes.fromhex(text)
        check(octets)
        return octets

    return Codec(read, lambda value: bytes(value).hex().upper(), check)


def check_certificate(octets: Any) -> None:
    """Hold one DER SEQUENCE and nothing after it; what is inside is not this room's business.

    Raises ``WireError`` with ``certificate_not_der``, ``certificate_trailing_data`` or ``schema_invalid``.
    """
    if not isinstance(octets, bytes) or not 0 < len(octets) <= MAX_CERTIFICATE:
        raise WireError(-1, "", f"a certificate of 1 to {MAX_CERTIFICATE} octets of DER was expected", "schema_invalid")
    size = _der_size(octets)
    if size < 0 or len(octets) < size:
        raise WireError(0, "", "one whole DER SEQUENCE was expected", "certificate_not_der")
    if len(octets) > size:
        raise WireError(size, "", "there are octets after the end of the certificate", "certificate_trailing_data")


def _der_size(octets: bytes) -> int:
    """Octets of the SEQUENCE that begins here, header included, by its minimal definite length; -1 if none does."""
    if octets[0] != 0x30 or len(octets) < 2:
        return -1
    if octets[1] < 0x80:
        return 2 + octets[1]
    count = octets[1] & 0x7F
    length = int.from_bytes(octets[2 : 2 + count], "big")
    if not 1 <= count <= 4 or len(octets) < 2 + count or length < 0x80 or length >> (8 * (count - 1)) == 0:
        return -1
    return 2 + count + length


def _read_certificate(text: str) -> bytes:
    if "-----BEGIN" in text:
        raise WireError(-1, "", "base64 of DER was expected, not PEM text", "certificate_not_der")
    octets = read_base64(text)
    check_certificate(octets)
    return octets


PAYLOAD = base64_octets(1, MAX_PAYLOAD)
CERTIFICATE = Codec(_read_certificate, write_base64, check_certificate)
