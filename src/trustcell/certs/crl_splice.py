"""The entries of a long list taken out of it as they stand, and looked at as octets: nothing is decoded one by one.

Shares no code with ``crl_fast``, which writes them: lengths are walked here, entries matched against one pattern.
"""

import re
from collections.abc import Iterator
from functools import cache

from trustcell.vocab import WireError

_SEQUENCE, _INTEGER = 0x30, 0x02
_TIMES, _TIME_TAGS = (0x17, 0x18), (b"\x17", b"\x18")
_MOST_SERIAL = 20
_UTC_TIME = rb"\x17\x0d[0-9]{2}"  # 1950 to 2049
_GENERALIZED = rb"\x18\x0f(?:20[5-9]|2[1-9][0-9]|[3-9][0-9]{2})[0-9]"
_REST = rb"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z"
_REASON = rb"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01[\x01-\x06\x08-\x0a]"
"""reasonCode alone (RFC 5280 5.3.1): 1 to 6 or 8 to 10."""


def cut_list(der: bytes) -> tuple[bytes, bytes, memoryview]:
    """TBSCertList, signatureValue in DER, and what is inside revokedCertificates (nothing when it is absent).

    Raises ``WireError`` (``crl_not_der``) unless the octets are one list of that form.
    """
    view = memoryview(der)
    begin, end = _content(view, 0, len(view), _SEQUENCE)
    if end != len(view):
        raise _wrong(end)
    tbs_begin, tbs_end = _content(view, begin, end, _SEQUENCE)
    algorithm = _content(view, tbs_end, end, _SEQUENCE)
    bits = _content(view, algorithm[1], end, 0x03)
    if bits[1] != end or bits[0] == end or view[bits[0]] != 0:
        raise _wrong(bits[0])
    return bytes(view[begin:tbs_end]), bytes(view[bits[0] + 1 : end]), _revoked(view, tbs_begin, tbs_end)


def entries_of(tbs: bytes) -> memoryview:
    """What is inside revokedCertificates of a TBSCertList; raises as ``cut_list``."""
    view = memoryview(tbs)
    begin, end = _content(view, 0, len(view), _SEQUENCE)
    if end != len(view):
        raise _wrong(end)
    return _revoked(view, begin, end)


def frame_of(tbs: bytes) -> bytes:
    """The values of a TBSCertList around revokedCertificates: two lists of one frame have the same."""
    view = memoryview(tbs)
    begin, end = _content(view, 0, len(view), _SEQUENCE)
    return b"".join(bytes(view[a:b]) for a, b, revoked in _parts(view, begin, end) if not revoked)


def serials_of(entries: bytes | memoryview) -> list[bytes] | None:
    """The content octets of every serial; ``None`` unless all of it is entries of the profile, one behind the other."""
    pattern, place, found = _pattern(), 0, []
    for match in pattern.finditer(entries):
        if match.start() != place:
            return None
        place = match.end()
        found.append(match[match.lastindex or 0])
    return found if place == len(entries) else None


def names(entries: bytes, serial: int) -> bool:
    """Whether a serial is among the entries, or in the list that has them."""
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    wanted = bytes((_INTEGER, len(octets))) + octets
    place = entries.find(wanted)
    while place >= 0 and entries[place + len(wanted) : place + len(wanted) + 1] not in _TIME_TAGS:
        place = entries.find(wanted, place + 1)
    return place >= 0


@cache
def _pattern() -> re.Pattern[bytes]:
    """One entry, an alternative for each length: the serial stands in the group that matched."""
    kinds = []
    for size in (16, *(each for each in range(1, _MOST_SERIAL + 1) if each != 16)):
        serial = rb"(?!\x00[\x00-\x7f])[\x00-\x7f]" if size > 1 else rb"[\x01-\x7f]"
        if size > 1:
            serial += b"." * (size - 1)
        for time, length in ((_UTC_TIME, 15), (_GENERALIZED, 17)):
            for reason in (_REASON, b""):
                whole = bytes((2 + size + length + (14 if reason else 0),))
                start = rb"\x30" + re.escape(whole) + rb"\x02" + re.escape(bytes((size,)))
                kinds.append(start + b"(" + serial + b")" + time + _REST + reason)
    return re.compile(b"|".join(kinds), re.DOTALL)


def _revoked(view: memoryview, begin: int, end: int) -> memoryview:
    for start, stop, revoked in _parts(view, begin, end):
        if revoked:
            return view[slice(*_content(view, start, stop, _SEQUENCE))]
    return view[:0]


def _parts(view: memoryview, begin: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Begin and end of each value, and whether it is revokedCertificates: the sequence behind a time."""
    timed = False
    while begin < end:
        tag = view[begin]
        _, stop = _content(view, begin, end, tag)
        yield begin, stop, timed and tag == _SEQUENCE
        timed, begin = tag in _TIMES, stop


def _content(view: memoryview, place: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the value here begins and ends; in DER, and within ``end``."""
    if place + 2 > end or view[place] != tag:
        raise _wrong(place)
    length, begin = view[place + 1], place + 2
    if length >= 0x80:
        count = length & 0x7F
        octets = bytes(view[begin : begin + count])
        length, begin = int.from_bytes(octets, "big"), begin + count
        if not 1 <= count <= 4 or octets[:1] == b"\0" or length < 0x80:
            raise _wrong(place)
    if begin + length > end:
        raise _wrong(place)
    return begin, begin + length


def _wrong(place: int) -> WireError:
    return WireError(place, "crl", "a list in DER was expected", "crl_not_der")
