"""Distinguished names: read from DER, compared by the rules of RFC 5280, built in the shapes of SMKI (smki.md 2.3)."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from trustcell.certs import _der
from trustcell.vocab import Eui64, WireError

COMMON_NAME = "2.5.4.3"
COUNTRY = "2.5.4.6"
ORGANISATION = "2.5.4.10"
ORGANISATIONAL_UNIT = "2.5.4.11"
UNIQUE_IDENTIFIER = "2.5.4.45"

_SHORT = {COMMON_NAME: "CN", ORGANISATIONAL_UNIT: "OU", UNIQUE_IDENTIFIER: "uniqueIdentifier", ORGANISATION: "O"} | {
    COUNTRY: "C",
    "2.5.4.5": "serialNumber",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_STRINGS = {
    0x0C: ("UTF8String", "utf-8"),
    0x12: ("NumericString", "ascii"),
    0x13: ("PrintableString", "ascii"),
    0x14: ("TeletexString", "latin-1"),
    0x16: ("IA5String", "ascii"),
    0x1A: ("VisibleString", "ascii"),
    0x1C: ("UniversalString", "utf-32-be"),
    0x1E: ("BMPString", "utf-16-be"),
}
_PRINTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_MAX_ATTRIBUTES = 64


@dataclass(frozen=True, slots=True)
class NameAttribute:
    """One attribute of a name: dotted OID, ASN.1 string type, value.

    ``value`` is text, except for a BIT STRING, where it is the octets behind the count of unused bits
    (``unused_bits``). ``raw`` is the AttributeTypeAndValue as it stood.
    """

    oid: str
    string_type: str
    value: str | bytes
    raw: bytes
    unused_bits: int = 0

    @property
    def label(self) -> str:
        """Short name such as ``OU``, or the dotted OID."""
        return _SHORT.get(self.oid, self.oid)

    @property
    def text(self) -> str:
        """The value for people; octets in hex."""
        return self.value if isinstance(self.value, str) else self.value.hex()


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name: its RDNs in order, each a tuple of attributes, and the octets it was read from."""

    rdns: tuple[tuple[NameAttribute, ...], ...]
    der: bytes

    @classmethod
    def from_der(cls, der: bytes) -> "Name":
        """Read one Name and nothing behind it; raises ``WireError`` (``not_der``, ``name_...``)."""
        return _read(bytes(der))

    @property
    def attributes(self) -> tuple[NameAttribute, ...]:
        """All attributes, RDN by RDN."""
        return tuple(attribute for rdn in self.rdns for attribute in rdn)

    def first(self, oid: str) -> NameAttribute | None:
        """The first attribute of this type."""
        for rdn in self.rdns:
            for attribute in rdn:
                if attribute.oid == oid:
                    return attribute
        return None

    @property
    def common_name(self) -> str | None:
        """The first CN as text."""
        found = self.first(COMMON_NAME)
        return found.text if found else None

    @property
    def organisational_unit(self) -> str | None:
        """The first OU as text: the role in two hex digits in SMKI (smki.md 1.3)."""
        found = self.first(ORGANISATIONAL_UNIT)
        return found.text if found else None

    @property
    def entity_id(self) -> Eui64 | None:
        """The EUI-64 in x500UniqueIdentifier, if there is one of eight octets (smki.md 2.3)."""
        found = self.first(UNIQUE_IDENTIFIER)
        if found is None or not isinstance(found.value, bytes) or len(found.value) != 8 or found.unused_bits:
            return None
        return Eui64(found.value)

    @property
    def rfc4514(self) -> str:
        """The RDNs from last to first, for example ``CN=Z1,OU=07``, as XML signatures name an issuer (RFC 4514)."""
        return ",".join("+".join(f"{a.label}={a.text}" for a in rdn) for rdn in reversed(self.rdns))

    def __str__(self) -> str:
        """The RDNs in certificate order, for example ``OU=07, CN=Z1``."""
        return ", ".join("+".join(f"{a.label}={a.text}" for a in rdn) for rdn in self.rdns)


def same_name(a: Name, b: Name) -> bool:
    """Whether two names match by RFC 5280 7.1: string types and case aside, white space folded (trap T5)."""
    return a.der == b.der or _comparable(a.der) == _comparable(b.der)


def role_of(name: Name) -> int | None:
    """The OU as a role number if it is exactly two upper-case hex digits (smki.md 1.3, 2.3)."""
    unit = name.organisational_unit
    if unit is None or len(unit) != 2 or not set(unit) <= set("0123456789ABCDEF"):
        return None
    return int(unit, 16)


def organisation_name(role: int, entity_id: Eui64, common_name: str | None = None) -> Name:
    """Subject of an organisation certificate: optional CN, OU as two upper-case hex digits, EUI-64 (smki.md 2.3)."""
    if not 0 <= role <= 0xFF:
        raise ValueError("a role is one octet")
    rdns = [_rdn(COMMON_NAME, 0x0C, common_name.encode())] if common_name is not None else []
    rdns.append(_rdn(ORGANISATIONAL_UNIT, 0x0C, f"{role:02X}".encode()))
    rdns.append(_rdn(UNIQUE_IDENTIFIER, _der.BIT_STRING, b"\0" + entity_id))
    return Name.from_der(_der.encode(_der.SEQUENCE, *rdns))


def authority_name(common_name: str, role: int | None = None) -> Name:
    """Name of an authority: OU of two hex digits for an OCA, none for a DCA; CN; PrintableStrings (smki.md 2.3-2.7)."""
    rdns = [] if role is None else [_rdn(ORGANISATIONAL_UNIT, 0x13, f"{role:02X}".encode())]
    return Name.from_der(_der.encode(_der.SEQUENCE, *rdns, _rdn(COMMON_NAME, 0x13, common_name.encode())))


EMPTY_NAME_DER = b"\x30\x00"


def _rdn(oid: str, tag: int, content: bytes) -> bytes:
    return _der.encode(_der.SET, _der.encode(_der.SEQUENCE, _der.encode_oid(oid), _der.encode(tag, content)))


@lru_cache(maxsize=1024)
def _read(der: bytes) -> Name:
    start, end = _der.whole(der, 0, len(der), _der.SEQUENCE, "name")
    rdns: list[tuple[NameAttribute, ...]] = []
    count = 0
    at = start
    while at < end:
        first, at = _der.expect(der, at, end, _der.SET, "name.rdn")
        rdn: list[NameAttribute] = []
        while first < at:
            inner, stop = _der.expect(der, first, at, _der.SEQUENCE, "name.attribute")
            rdn.append(_attribute(der, first, inner, stop))
            first = stop
            count += 1
        if count > _MAX_ATTRIBUTES or len(rdns) > _MAX_ATTRIBUTES:
            raise WireError(first, "name", f"at most {_MAX_ATTRIBUTES} attributes were expected", "name_too_long")
        if any(a.raw > b.raw for a, b in pairwise(rdn)):
            raise WireError(first, "name.rdn", "a SET OF is sorted in DER", "name_rdn_order")
        rdns.append(tuple(rdn))
    return Name(tuple(rdns), der)


def _attribute(der: bytes, whole: int, start: int, stop: int) -> NameAttribute:
    first, last = _der.expect(der, start, stop, _der.OID, "name.attribute.type")
    oid = _der.oid_text(der[first:last])
    tag, value_start, value_stop = _der.tlv(der, last, stop, "name.attribute.value")
    _der.finished(value_stop, stop, "name.attribute")
    content = der[value_start:value_stop]
    raw = der[whole:stop]
    if tag == _der.BIT_STRING and oid == UNIQUE_IDENTIFIER:
        if not content or content[0] > 7 or (len(content) == 1 and content[0]):
            raise WireError(value_start, "name.attribute.value", "unused bits are 0 to 7", "not_der")
        return NameAttribute(oid, "BIT STRING", content[1:], raw, content[0])
    if tag not in _STRINGS:
        raise WireError(last, "name.attribute.value", f"tag {tag:02X} is no string type", "name_string_type")
    kind, codec = _STRINGS[tag]
    try:
        value = content.decode(codec)
    except UnicodeDecodeError:
        raise WireError(value_start, "name.attribute.value", f"not a {kind}", "name_string_malformed") from None
    if tag == _der.PRINTABLE_STRING and not _PRINTABLE.issuperset(value):
        raise WireError(value_start, "name.attribute.value", "not a PrintableString", "name_string_malformed")
    return NameAttribute(oid, kind, value, raw)


@lru_cache(maxsize=1024)
def _comparable(der: bytes) -> tuple[frozenset[tuple[str, str | bytes]], ...]:
    return tuple(frozenset((a.oid, _folded(a.value)) for a in rdn) for rdn in _read(der).rdns)


def _folded(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())
