"""DLMS payloads: access-request, access-response and data-notification frames (dlms-gbz.md 2).

```
access-request    D9 priority[1] invoke-id[3] 00    n spec*n  n data*n
access-response   DA priority[1] invoke-id[3] 00 00 n data*n  n result*n
data-notification 0F priority[1] invoke-id[3] 00    data
```
An ordinary frame is cut, not walked: its specs and data stay opaque octets. A frame that may hold an encrypted
attribute is walked from end to end, because only its structure tells an attribute from look-alike octets.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from trustcell.gbcs.encrypted import SECURITY_HEADER, TAG_OCTETS, EncryptedPart
from trustcell.vocab import WireError

MAX_DEPTH: Final = 32
"""Nesting of arrays and structures; reference payloads stay under 8."""


class DlmsKind(IntEnum):
    """The first octet of a DLMS payload (gbcs.md 3)."""

    NOTIFICATION = 0x0F
    REQUEST = 0xD9
    RESPONSE = 0xDA


_NOTIFICATION: Final = DlmsKind.NOTIFICATION
_REQUEST: Final = DlmsKind.REQUEST
_RESPONSE: Final = DlmsKind.RESPONSE


@dataclass(frozen=True, slots=True)
class DlmsFrame:
    """One DLMS payload, cut at frame level; ``encode`` gives back the octets it was read from (dlms-gbz.md 2.3).

    ``invoke_id`` is the low 24 bits of the Originator Counter. ``count`` is the number of instructions of a request
    or of results of a response, ``None`` in a notification. ``body`` is what lies between that count and the result
    list; ``results`` is the result list of a response, two octets (kind, code) for each instruction in order.
    """

    kind: DlmsKind
    invoke_id: int
    count: int | None
    body: bytes
    results: bytes = b""
    priority: int = 0x20
    encrypted: tuple[EncryptedPart, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a frame that has no octets: a number out of range, or a count that does not fit its kind."""
        # A shift leaves something of a negative number too.
        if self.invoke_id >> 24 or self.priority >> 8:
            raise ValueError("an invoke id has 24 bits and a priority 8")
        count, kind = self.count, self.kind
        if kind is _RESPONSE:
            if count is None or len(self.results) != 2 * count:
                raise ValueError("a response has two octets of result for each instruction")
        elif self.results or (count is None) is not (kind is _NOTIFICATION):
            raise ValueError("only a response has results, and only a notification has no count")
        if count is not None and count >> 16:
            raise ValueError("a count of instructions has at most 16 bits")

    @property
    def outcomes(self) -> tuple[tuple[int, int], ...]:
        """Kind (1 get, 2 set, 3 action) and result code (0 success) of each instruction (dlms-gbz.md 2.4)."""
        return tuple(zip(self.results[::2], self.results[1::2], strict=True))

    def encode(self) -> bytes:
        """The payload octets."""
        head = bytes((self.kind, self.priority)) + self.invoke_id.to_bytes(3, "big")
        if self.count is None:
            return head + b"\x00" + self.body
        count = _length_octets(self.count)
        if self.kind is _REQUEST:
            return head + b"\x00" + count + self.body
        return head + b"\x00\x00" + count + self.body + count + self.results


def read_frame(payload: bytes) -> DlmsFrame:
    """Read one DLMS payload; raises ``WireError`` with a ``dlms_`` code for anything that is not one frame."""
    size = len(payload)
    kind = _KINDS.get(payload[0]) if size >= 7 else None
    if kind is None:
        _kind_of(payload)
        raise WireError(size, "frame", "ends inside the frame header", "dlms_truncated")
    if payload[5]:
        raise WireError(5, "date_time", "an empty date-time (00) was expected", "dlms_date_time")
    invoke_id = payload[2] << 16 | payload[3] << 8 | payload[4]
    encrypted: tuple[EncryptedPart, ...] = ()
    # Cheapest test first; a top-up counter passes the second one too, so only the third makes a walk worth its time.
    if size >= _MIN_PROTECTED and SECURITY_HEADER in payload and _PROTECTION.search(payload):
        encrypted = walk(payload)
    if kind is _REQUEST:
        count, at = payload[6], 7
        if count >= 0x80:
            count, at = _length(payload, 6, "instructions")
        return DlmsFrame(kind, invoke_id, count, payload[at:], b"", payload[1], encrypted)
    if kind is _NOTIFICATION:
        return DlmsFrame(kind, invoke_id, None, payload[6:], b"", payload[1], encrypted)
    if payload[6]:
        raise WireError(6, "specification", "no copy of the request (00) was expected", "dlms_specification")
    count, at = _length(payload, 7, "data")
    end, results = _result_list(payload, at, count)
    return DlmsFrame(kind, invoke_id, count, payload[at:end], results, payload[1], encrypted)


def walk(payload: bytes) -> tuple[EncryptedPart, ...]:
    """Walk every A-XDR value of a frame to its exact end and return the encrypted parts met on the way.

    Takes time in proportion to the octets and keeps at most ``MAX_DEPTH`` positions (dlms-gbz.md 2.1, 2.7).
    """
    kind = _kind_of(payload)
    at = 7 if kind is _RESPONSE else 6
    if len(payload) < at:
        raise WireError(len(payload), "frame", "ends inside the frame header", "dlms_truncated")
    found: list[EncryptedPart] = []
    if kind is _NOTIFICATION:
        at = _walk_value(payload, at, 0, found)
    else:
        count, at = _length(payload, at, "count")
        if kind is _REQUEST:
            at = _walk_specifications(payload, at, count, found)
            data, where = _length(payload, at, "data")
            if data != count:
                raise WireError(at, "data", f"{count} data for as many instructions were expected", "dlms_count")
            at = where
        for ordinal in range(count):
            at = _walk_value(payload, at, ordinal, found)
        if kind is _RESPONSE:
            results, where = _length(payload, at, "results")
            if results != count:
                raise WireError(at, "results", f"{count} results for as many data were expected", "dlms_count")
            at = where + 2 * count
    if at != len(payload):
        code = "dlms_truncated" if at > len(payload) else "dlms_trailing"
        raise WireError(min(at, len(payload)), "frame", "the frame must end with its last value", code)
    return tuple(found)


def _kind_of(payload: bytes) -> DlmsKind:
    """The kind named by the first octet."""
    if not payload:
        raise WireError(0, "kind", "an empty payload is no DLMS frame", "dlms_truncated")
    kind = _KINDS.get(payload[0])
    if kind is None:
        raise WireError(0, "kind", f"D9, DA or 0F was expected, not {payload[0]:02X}", "dlms_kind")
    return kind


# Frame header, protection array, octet string with security header, one octet of ciphertext and a tag.
_MIN_PROTECTED: Final = 6 + 52 + 2 + 5 + 1 + TAG_OCTETS

_KINDS: Final = {int(kind): kind for kind in DlmsKind}


def _length(data: bytes, at: int, path: str) -> tuple[int, int]:
    """An A-XDR length or count in its shortest form, and the offset behind it (dlms-gbz.md 2.1)."""
    if at >= len(data):
        raise WireError(len(data), path, "a length was expected, the payload ends", "dlms_truncated")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    if first not in (0x81, 0x82):
        raise WireError(at, path, "a length of at most two octets was expected", "dlms_length")
    end = at + 1 + (first & 0x7F)
    if end > len(data):
        raise WireError(len(data), path, "the payload ends inside a length", "dlms_truncated")
    value = int.from_bytes(data[at + 1 : end], "big")
    if value < (0x80 if first == 0x81 else 0x100):
        raise WireError(at, path, "a length is written in its shortest form", "dlms_length")
    return value, end


def _length_octets(value: int) -> bytes:
    """The shortest A-XDR form of a length up to 65,535."""
    if value < 0x80:
        return bytes((value,))
    return bytes((0x81, value)) if value < 0x100 else b"\x82" + value.to_bytes(2, "big")


def _result_list(payload: bytes, at: int, count: int) -> tuple[int, bytes]:
    """Where the data of a response end, and the result list that closes the frame, found from its end."""
    size = len(payload)
    end = size - 2 * count - 1
    # One octet of count covers every vector; the longer forms take the slower comparison.
    if count < 0x80 and end >= at and payload[end] == count:
        return end, payload[end + 1 :]
    octets = _length_octets(count)
    end = size - 2 * count - len(octets)
    if end < at or payload[end : end + len(octets)] != octets:
        raise WireError(max(end, at), "results", f"a list of {count} results must close the frame", "dlms_count")
    return end, payload[end + len(octets) :]


def _walk_specifications(data: bytes, at: int, count: int, found: list[EncryptedPart]) -> int:
    """Pass ``count`` instruction specifications: kind, class, OBIS, attribute, and a selection after kind 4."""
    for ordinal in range(count):
        if at + 10 > len(data):
            raise WireError(len(data), f"spec[{ordinal}]", "the payload ends inside a specification", "dlms_truncated")
        kind = data[at]
        if not 1 <= kind <= 4:
            raise WireError(at, f"spec[{ordinal}]", "get, set, action or selective get was expected", "dlms_spec")
        at += 10
        if kind == 4:
            at = _walk_value(data, at + 1, ordinal, found)
    return at


# Octets behind the tag of types with a fixed width, including those no vector uses (dlms-gbz.md 2.1).
_WIDTHS: Final = {
    0x00: 0, 0x03: 1, 0x05: 4, 0x06: 4, 0x0D: 1, 0x0F: 1, 0x10: 2, 0x11: 1, 0x12: 2, 0x14: 8, 0x15: 8, 0x16: 1,
    0x17: 4, 0x18: 8, 0x19: 12, 0x1A: 5, 0x1B: 4, 0xFF: 0,
}  # fmt: skip

# array { structure { enum 2, structure { os9 04 || counter, os8 originator, os8 recipient, os0,
#   structure { enum 2, structure { os1 02, os0 } } } } }: the only protection GBCS uses (dlms-gbz.md 2.7).
_PROTECTION: Final = re.compile(
    rb"\x01\x01\x02\x02\x16\x02\x02\x05\x09\x09\x04.{8}\x09\x08.{8}\x09\x08.{8}\x09\x00"
    rb"\x02\x02\x16\x02\x02\x02\x09\x01\x02\x09\x00",
    re.DOTALL,
)


def _walk_value(data: bytes, at: int, ordinal: int, found: list[EncryptedPart]) -> int:
    """Pass one A-XDR value, noting encrypted parts in ``found``; the offset behind it."""
    size = len(data)
    # The level being walked: values left, whether it is a structure, and where the sibling just passed began.
    left, structure, previous = 1, False, -1
    outer: list[tuple[int, bool, int]] = []
    while True:
        while not left:
            if not outer:
                return at
            left, structure, previous = outer.pop()
        if at >= size:
            raise WireError(size, f"data[{ordinal}]", "a value was expected, the payload ends", "dlms_truncated")
        start, tag = at, data[at]
        width = _WIDTHS.get(tag)
        if width is not None:
            at += 1 + width
        elif tag in (0x09, 0x0A, 0x0C):
            width, at = _length(data, at + 1, f"data[{ordinal}]")
            if (
                tag == 0x09
                and structure
                and previous >= 0
                and data.startswith(SECURITY_HEADER, at)
                and _PROTECTION.fullmatch(data, previous, start)
            ):
                found.append(_part(data, at, width, ordinal))
            at += width
        elif tag in (0x01, 0x02):
            count, at = _length(data, at + 1, f"data[{ordinal}]")
            if len(outer) == MAX_DEPTH:
                raise WireError(start, f"data[{ordinal}]", f"more than {MAX_DEPTH} levels deep", "dlms_depth")
            outer.append((left - 1, structure, start))
            left, structure, previous = count, tag == 0x02, -1
            continue
        elif tag == 0x04:
            bits, at = _length(data, at + 1, f"data[{ordinal}]")
            at += (bits + 7) // 8
        elif tag == 0x13:
            at = _walk_compact_array(data, at + 1, ordinal)
        else:
            raise WireError(at, f"data[{ordinal}]", f"{tag:02X} is no A-XDR type", "dlms_type")
        if at > size:
            raise WireError(size, f"data[{ordinal}]", "the payload ends inside a value", "dlms_truncated")
        left -= 1
        previous = start


def _walk_compact_array(data: bytes, at: int, ordinal: int) -> int:
    """Pass the type description and the contents of a compact array (dlms-gbz.md 2.6); the contents stay opaque."""
    types = 1
    while types:
        if at >= len(data):
            raise WireError(len(data), f"data[{ordinal}]", "a type was expected, the payload ends", "dlms_truncated")
        tag = data[at]
        at += 1
        if tag == 0x02:
            members, at = _length(data, at, f"data[{ordinal}]")
            types += members - 1
        elif tag == 0x01:
            at += 2
        elif tag in _WIDTHS or tag in (0x04, 0x09, 0x0A, 0x0C):
            types -= 1
        else:
            raise WireError(at - 1, f"data[{ordinal}]", f"{tag:02X} is no type of a column", "dlms_type")
    width, at = _length(data, at, f"data[{ordinal}]")
    return at + width


def _part(data: bytes, at: int, width: int, ordinal: int) -> EncryptedPart:
    """The encrypted part in an octet string of ``width`` octets at ``at``."""
    offset, end = at + len(SECURITY_HEADER), at + width
    if end > len(data):
        raise WireError(len(data), f"data[{ordinal}]", "the payload ends inside a value", "dlms_truncated")
    if end - TAG_OCTETS <= offset:
        raise WireError(at, f"data[{ordinal}]", "no room for ciphertext and tag", "dlms_protected")
    return EncryptedPart(offset, data[offset : end - TAG_OCTETS], data[end - TAG_OCTETS : end], ordinal)
