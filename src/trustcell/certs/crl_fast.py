"""Lists of any length: entries kept encoded in one piece, so that one more revocation costs one more entry.

Octet for octet what ``crl_tbs_octets`` gives. Appending leaves what is there alone: keep entries in order of time.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from trustcell.certs._der import header, signed
from trustcell.certs.builder import Signer
from trustcell.certs.crl import CrlTemplate, crl_tbs_octets, encode_crl_entry
from trustcell.certs.signature import signature_der

Revocation = tuple[int, datetime, int | None]
"""Serial, moment, CRLReason number if one is written."""

_SERIAL_OCTETS = 16
_TWO_DIGITS = tuple(b"%02d" % number for number in range(100))
_LOW_BITS, _HIGH_BITS = 8 * (_SERIAL_OCTETS - 1), 8 * _SERIAL_OCTETS - 1


class EncodedEntries:
    """The entries of a list, encoded one after the other. They are only ever added to."""

    def __init__(self, entries: Iterable[Revocation] = ()) -> None:
        """Encode these to begin with; raises ``ValueError`` as ``encode_crl_entry``."""
        self._octets = bytearray()
        self._count = 0
        self._forms: dict[int | None, tuple[bytes, bytes, bytes]] = {}
        self.extend(entries)

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    @property
    def octets(self) -> memoryview:
        """All of them, without a copy; to be released before the next is added."""
        return memoryview(self._octets).toreadonly()

    @classmethod
    def taken_over(cls, octets: bytes | memoryview, count: int) -> "EncodedEntries":
        """Entries as they stand in a list that was made before."""
        made = cls()
        made._octets += octets
        made._count = count
        return made

    def remove(self, serial: int, revoked_at: datetime, reason: int | None = None) -> None:
        """Take one out; raises ``ValueError`` unless it is there exactly once."""
        wanted = encode_crl_entry(serial, revoked_at, reason)
        place = self._octets.find(wanted)
        if place < 0 or self._octets.find(wanted, place + 1) >= 0:
            raise ValueError("the entry is not there once")
        del self._octets[place : place + len(wanted)]
        self._count -= 1

    def add(self, serial: int, revoked_at: datetime, reason: int | None = None) -> None:
        """Add one at the end."""
        self.extend(((serial, revoked_at, reason),))

    def extend(self, entries: Iterable[Revocation]) -> None:
        """Add these at the end, all of them or, when one cannot be encoded, none."""
        forms, two = self._forms, _TWO_DIGITS
        parts: list[bytes] = []
        for serial, at, reason in entries:
            if serial >> _LOW_BITS and not serial >> _HIGH_BITS and at.tzinfo is UTC and 1950 <= at.year < 2050:
                # Every serial of ours has 16 octets, and then entries differ in nothing but serial and time.
                if at.microsecond:
                    raise ValueError("a revocation time has whole seconds")
                start, middle, end = forms.get(reason) or self._form(reason)
                date = two[at.year % 100] + two[at.month] + two[at.day]
                time = two[at.hour] + two[at.minute] + two[at.second]
                parts.append(start + serial.to_bytes(_SERIAL_OCTETS, "big") + middle + date + time + end)
            else:
                parts.append(encode_crl_entry(serial, at, reason))
        self._octets += b"".join(parts)
        self._count += len(parts)

    def _form(self, reason: int | None) -> tuple[bytes, bytes, bytes]:
        """What stands before the serial, between it and the digits of the time, and after them."""
        whole = encode_crl_entry(1 << _LOW_BITS, datetime(2024, 3, 1, 12, 34, 56, tzinfo=UTC), reason)
        start, rest = whole[:4], whole[4 + _SERIAL_OCTETS :]
        middle, _, end = rest.partition(b"240301123456")
        self._forms[reason] = (start, middle, end)
        return self._forms[reason]


def crl_tbs_of(template: CrlTemplate, entries: EncodedEntries) -> bytes:
    """The TBSCertList of a template that has no entries of its own, with these; raises ``ValueError`` if it has."""
    if template.entries:
        raise ValueError("the entries come beside the template")
    bare = crl_tbs_octets(template)
    if not entries:
        return bare
    start = len(bare) - len(_content(bare))
    # revokedCertificates stands between nextUpdate and the extensions, which end the list.
    cut = len(bare) - _extensions_length(template)
    revoked = entries.octets
    try:
        inner = len(bare) - start + len(header(0x30, len(revoked))) + len(revoked)
        return b"".join((header(0x30, inner), bare[start:cut], header(0x30, len(revoked)), revoked, bare[cut:]))
    finally:
        revoked.release()


def signed_crl(tbs: bytes, sign: Signer) -> bytes:
    """The whole list; ``sign`` gives r||s. For lists too long to be read back."""
    return signed(tbs, signature_der(sign(tbs)))


def _extensions_length(template: CrlTemplate) -> int:
    """Octets of the extensions, found as what one more entry pushes to the end."""
    probe = encode_crl_entry(1, template.this_update)
    bare, one = crl_tbs_octets(template), crl_tbs_octets(_with(template, probe))
    body, longer = _content(bare), _content(one)
    added = header(0x30, len(probe)) + probe
    place = longer.index(added)
    if longer[:place] + longer[place + len(added) :] != body or longer.count(added) != 1:
        raise ValueError("the place of the entries was not found")
    return len(body) - place


def _with(template: CrlTemplate, entry: bytes) -> CrlTemplate:
    return CrlTemplate(
        template.issuer, template.this_update, template.next_update, template.number,
        template.issuer_key_identifier, (entry,),
    )  # fmt: skip


def _content(sequence: bytes) -> bytes:
    """What is inside a SEQUENCE."""
    octet = sequence[1]
    return sequence[2 if octet < 0x80 else 2 + (octet & 0x7F) :]
