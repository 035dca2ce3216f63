"""The forms DER travels in: PEM with any label, bare base64 in one or many lines, or the octets (smki.md 3.2)."""

import base64
import binascii
import re

from trustcell.vocab import WireError

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?\n?([A-Za-z0-9+/=\s]*?)-----END \1-----", re.ASCII)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
MAX_ARMOURED_OCTETS = 64 * 1024 * 1024


def unarmour(data: bytes, labels: frozenset[str]) -> list[bytes]:
    """The DER of every PEM block whose label is in ``labels``; of bare base64 or DER, that one.

    Raises ``WireError`` with the bare codes ``armour_malformed`` and ``armour_label``.
    """
    if len(data) > MAX_ARMOURED_OCTETS:
        raise WireError(MAX_ARMOURED_OCTETS, "", "the input is too long", "too_long")
    if data[:1] == b"\x30":  # never the first character of a SEQUENCE in base64: that is M
        return [data]
    text = data.removeprefix(b"\xef\xbb\xbf")
    if b"-----BEGIN" not in text:
        return [_decoded(text)]
    blocks = list(_BLOCK.finditer(text))
    if len(blocks) != text.count(b"-----BEGIN"):
        raise WireError(text.find(b"-----BEGIN"), "", "a PEM block has no matching end", "armour_malformed")
    wanted = [block for block in blocks if block[1].decode() in labels]
    if not wanted:
        found = ", ".join(sorted({block[1].decode() for block in blocks}))
        raise WireError(blocks[0].start(), "", f"{sorted(labels)[0]} was expected, found {found}", "armour_label")
    return [_decoded(block[2]) for block in wanted]


def _decoded(text: bytes) -> bytes:
    joined = b"".join(text.split())
    if not joined or not _BASE64.fullmatch(joined):
        raise WireError(0, "", "PEM, base64 or DER was expected", "armour_malformed")
    try:
        return base64.b64decode(joined, validate=True)
    except binascii.Error:
        raise WireError(0, "", "the base64 text is damaged", "armour_malformed") from None
