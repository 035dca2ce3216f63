"""Distinguished names: read by the library, compared by the rules of RFC 5280, built in the shapes of SMKI."""

import unicodedata
from dataclasses import dataclass, field
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.asn1 import decode_der
from cryptography.x509 import Name as LibraryName
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.name import _ASN1Type

from trustcell.certs._library import reading
from trustcell.vocab import Eui64

COMMON_NAME = "2.5.4.3"
COUNTRY = "2.5.4.6"
ORGANISATION = "2.5.4.10"
ORGANISATIONAL_UNIT = "2.5.4.11"
UNIQUE_IDENTIFIER = "2.5.4.45"
_LABELS = {UNIQUE_IDENTIFIER: "uniqueIdentifier", "2.5.4.5": "serialNumber", "1.2.840.113549.1.9.1": "emailAddress"}


@dataclass(frozen=True, slots=True)
class NameAttribute:
    """One attribute of a name: dotted OID, short name such as ``OU`` (or the OID), ASN.1 string type, value.

    ``value`` is text, except for a BIT STRING, where it is the octets behind the count of unused bits
    (``unused_bits``).
    """

    oid: str
    label: str
    string_type: str
    value: str | bytes
    unused_bits: int = 0

    @classmethod
    def of(cls, found: x509.NameAttribute[str | bytes]) -> "NameAttribute":
        """The same attribute as the library has read it."""
        oid, value = found.oid.dotted_string, found.value
        label = _LABELS.get(oid, found.rfc4514_attribute_name)
        if isinstance(value, bytes):
            return cls(oid, label, "BIT STRING", value[1:], value[0] if value else 0)  # the library looks at neither
        return cls(oid, label, found._type.name, value)

    @property
    def text(self) -> str:
        """The value for people; octets in hex."""
        return self.value if isinstance(self.value, str) else self.value.hex()


@dataclass(frozen=True)
class Name:
    """A distinguished name: the octets it was read from, which decide equality, and the library's reading of them."""

    der: bytes
    x509: LibraryName = field(compare=False, repr=False)

    @classmethod
    def from_der(cls, der: bytes) -> "Name":
        """Read one Name and nothing behind it; raises ``WireError`` (``name_not_der``, ``name_trailing_data`` ...)."""
        with reading("name") as stage:
            stage.at = "name"
            return cls(bytes(der), decode_der(LibraryName, bytes(der)))

    @property
    def is_empty(self) -> bool:
        """Whether there are no attributes."""
        return self.der == b"\x30\x00"

    @cached_property
    def rdns(self) -> tuple[tuple[NameAttribute, ...], ...]:
        """The RDNs in order, each a tuple of attributes."""
        return tuple(tuple(NameAttribute.of(found) for found in rdn) for rdn in self.x509.rdns)

    @property
    def attributes(self) -> tuple[NameAttribute, ...]:
        """All attributes, RDN by RDN."""
        return tuple(attribute for rdn in self.rdns for attribute in rdn)

    def first(self, oid: str) -> NameAttribute | None:
        """The first attribute of this type."""
        return next((attribute for rdn in self.rdns for attribute in rdn if attribute.oid == oid), None)

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

    @cached_property
    def comparable(self) -> tuple[frozenset[tuple[ObjectIdentifier, str | bytes]], ...]:
        """What two names that match by RFC 5280 7.1 have in common."""
        return tuple([frozenset([(a.oid, _folded(a.value)) for a in rdn]) for rdn in self.x509.rdns])


def same_name(a: Name, b: Name) -> bool:
    """Whether two names match by RFC 5280 7.1: string types and case aside, white space folded (trap T5)."""
    return a.der == b.der or a.comparable == b.comparable


def role_of(name: Name) -> int | None:
    """The OU as a role number if it is exactly two upper-case hex digits (smki.md 1.3, 2.3)."""
    unit = name.organisational_unit
    if unit is None or len(unit) != 2 or not set(unit) <= set("0123456789ABCDEF"):
        return None
    return int(unit, 16)


def organisation_name(role: int, entity_id: Eui64, common_name: str | None = None) -> Name:
    """Subject of an organisation certificate: optional CN, OU as two upper-case hex digits, EUI-64 (smki.md 2.3).

    Raises ``ValueError`` for a role that is no octet, or a CN that is empty or longer than 64 octets.
    """
    if not 0 <= role <= 0xFF:
        raise ValueError("a role is one octet")
    oids, kinds = x509.NameOID, _ASN1Type
    attributes: list[x509.NameAttribute[str | bytes]] = [
        x509.NameAttribute(oids.ORGANIZATIONAL_UNIT_NAME, f"{role:02X}", kinds.UTF8String),
        x509.NameAttribute(oids.X500_UNIQUE_IDENTIFIER, b"\0" + entity_id, kinds.BitString),
    ]
    if common_name is not None:
        attributes.insert(0, x509.NameAttribute(oids.COMMON_NAME, common_name, kinds.UTF8String))
    return _built(attributes)


def iki_name(organisation: str, role: int, common_name: str) -> Name:
    """Subject of an IKI certificate: trading name as O, OU as two upper-case hex digits, unique CN (smki.md 2.7).

    Raises ``ValueError`` for a role that is no octet, or text that is empty or longer than 64 characters.
    """
    if not 0 <= role <= 0xFF:
        raise ValueError("a role is one octet")
    if not all(0 < len(text) <= 64 for text in (organisation, common_name)):
        raise ValueError("O and CN have 1 to 64 characters")
    oids, kind = x509.NameOID, _ASN1Type.UTF8String
    return _built(
        [
            x509.NameAttribute(oids.ORGANIZATION_NAME, organisation, kind),
            x509.NameAttribute(oids.ORGANIZATIONAL_UNIT_NAME, f"{role:02X}", kind),
            x509.NameAttribute(oids.COMMON_NAME, common_name, kind),
        ]
    )


def authority_name(common_name: str, role: int | None = None) -> Name:
    """Name of an authority: OU of two hex digits for an OCA, none for a DCA; CN; PrintableStrings (smki.md 2.3-2.7)."""
    kind = _ASN1Type.PrintableString
    attributes: list[x509.NameAttribute[str | bytes]] = []
    if role is not None:
        attributes.append(x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, f"{role:02X}", kind))
    return _built([*attributes, x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name, kind)])


def _built(attributes: list[x509.NameAttribute[str | bytes]]) -> Name:
    name = LibraryName(attributes)
    return Name(name.public_bytes(), name)


EMPTY_NAME = _built([])


def _folded(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())
