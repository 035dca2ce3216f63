"""Readings of a certificate that the profile rules share: pure functions of a ``View``."""

import hashlib
import operator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, reduce

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from trustcell.certs import extensions as ext
from trustcell.certs._library import reading
from trustcell.certs.certificate import Certificate, CertificateKind, verify_signature
from trustcell.certs.keys import KeyForm, method2_ski
from trustcell.certs.name import (
    COMMON_NAME,
    COUNTRY,
    ORGANISATION,
    ORGANISATIONAL_UNIT,
    UNIQUE_IDENTIFIER,
    Name,
    NameAttribute,
    role_of,
)
from trustcell.certs.signature import ECDSA_SHA256_OID
from trustcell.vocab import KeyUsage, WireError

_DAY = timedelta(days=1)
_KEY_PURPOSES = KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_AGREEMENT | KeyUsage.KEY_ENCIPHERMENT
_PURPOSE_USAGES = {
    "1.3.6.1.5.5.7.3.1": _KEY_PURPOSES,
    "1.3.6.1.5.5.7.3.2": KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_AGREEMENT,
    "1.3.6.1.5.5.7.3.3": KeyUsage.DIGITAL_SIGNATURE,
    "1.3.6.1.5.5.7.3.4": _KEY_PURPOSES | KeyUsage.NON_REPUDIATION,
    "1.3.6.1.5.5.7.3.8": KeyUsage.DIGITAL_SIGNATURE | KeyUsage.NON_REPUDIATION,
    "1.3.6.1.5.5.7.3.9": KeyUsage.DIGITAL_SIGNATURE | KeyUsage.NON_REPUDIATION,
}
_UPPER_BOUNDS = {
    COMMON_NAME: 64,
    ORGANISATION: 64,
    ORGANISATIONAL_UNIT: 64,
    "2.5.4.5": 64,
    "2.5.4.7": 128,
    "2.5.4.8": 128,
    "2.5.4.12": 64,
    "1.2.840.113549.1.9.1": 255,
}
_STRING_TYPES = {"UTF8String", "PrintableString", "IA5String", "NumericString", "VisibleString"} | {
    "T61String", "BMPString", "UniversalString", "BIT STRING",
}  # fmt: skip
OTHER_NAME = "made by its own key under another issuer's name"
WRONG = "wrong, though it claims its own key"


@dataclass(frozen=True)
class View:
    """A certificate and the environment it is judged in."""

    certificate: Certificate
    kind: CertificateKind
    policy: str | None = None
    now: datetime | None = None

    @cached_property
    def own_signature(self) -> str:
        """Who made the signature, as far as the certificate's own key tells (trap T4)."""
        return _own_signature(self.certificate)


def present(view: View, oid: str) -> bool:
    """Whether the extension is there."""
    return view.certificate.extension(oid) is not None


def critical(view: View, oid: str) -> bool:
    """Whether the extension is there and critical."""
    extension = view.certificate.extension(oid)
    return extension is not None and extension.critical


def lax(view: View, oid: str) -> bool:
    """Whether the extension is there and not critical."""
    return present(view, oid) and not critical(view, oid)


def shown(view: View, oid: str, value: str) -> str:
    """The value of an extension with its criticality, or ``absent``."""
    if not present(view, oid):
        return "absent"
    return f"{value}; {'critical' if critical(view, oid) else 'not critical'}"


def key_title(certificate: Certificate) -> str:
    """``ec-p256``, ``rsa-2048`` with the public exponent 65537, or what else it is."""
    if certificate.key_form is not KeyForm.RSA:
        return certificate.key_form.value
    try:
        return rsa_title(certificate.x509.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return "rsa, unreadable"


def rsa_title(key: object) -> str:
    """``rsa-2048`` for the keys of IKI certificates; another size, or another exponent behind ``e=``."""
    if not isinstance(key, rsa.RSAPublicKey):
        return "not rsa"
    exponent = key.public_numbers().e
    return f"rsa-{key.key_size}" + ("" if exponent == 65537 else f", e={exponent}")


def ski_method(certificate: Certificate) -> str:
    """How the subject key identifier was made from the key (smki.md 2.1; RFC 7093 for the newer ones)."""
    ski, bits = certificate.subject_key_identifier, certificate.key_bits
    if ski is None:
        return "absent"
    if ski == method2_ski(bits):
        return f"method 2: {ski.hex()}"
    if ski == hashlib.sha1(bits, usedforsecurity=False).digest():
        return f"method 1: {ski.hex()}"
    if ski == hashlib.sha256(bits).digest()[:20]:
        return f"RFC 7093 method 1: {ski.hex()}"
    return f"made by no known method: {ski.hex()}"


def described(name: Name) -> str:
    """The attributes in order, and their string types."""
    kinds = "+".join(dict.fromkeys(attribute.string_type for attribute in name.attributes))
    return f"{name} ({kinds})" if name.rdns else "empty"


def organisation_shape(name: Name) -> bool:
    """CN at most, OU of two hex digits, EUI-64, in this order, with the types of smki.md 2.3."""
    attributes = name.attributes
    oids = [attribute.oid for attribute in attributes]
    strings = {a.string_type for a in attributes if a.oid != UNIQUE_IDENTIFIER}
    return (
        oids[-2:] == [ORGANISATIONAL_UNIT, UNIQUE_IDENTIFIER]
        and oids[:-2] in ([], [COMMON_NAME])
        and all(len(rdn) == 1 for rdn in name.rdns)
        and strings == {"UTF8String"}
        and name.entity_id is not None
    )


def iki_shape(name: Name) -> bool:
    """O, OU of two hex digits and CN, in this order, as UTF8Strings (smki.md 2.7)."""
    return (
        [attribute.oid for attribute in name.attributes] == [ORGANISATION, ORGANISATIONAL_UNIT, COMMON_NAME]
        and all(len(rdn) == 1 and rdn[0].string_type == "UTF8String" for rdn in name.rdns)
        and role_of(name) is not None
    )


def authority_shape(name: Name, unit: str | None) -> bool:
    """OU ``unit`` (none for a DCA) and CN, one attribute an RDN; string types aside."""
    oids = [attribute.oid for attribute in name.attributes]
    wanted = [COMMON_NAME] if unit is None else [ORGANISATIONAL_UNIT, COMMON_NAME]
    return oids == wanted and all(len(rdn) == 1 for rdn in name.rdns) and name.organisational_unit == unit


def printable(name: Name) -> bool:
    """Whether all attributes are PrintableStrings, as the authorities of SMKI write their names."""
    return all(attribute.string_type == "PrintableString" for attribute in name.attributes)


def strings(name: Name) -> bool:
    """Whether all values have a string type, which the library does not ask for."""
    return all(attribute.string_type in _STRING_TYPES for attribute in name.attributes)


def bounded(name: Name, *oids: str) -> bool:
    """Whether all attributes (of these types, if any are given) are within the upper bounds of RFC 5280 A.1."""
    return not any(_out_of_bounds(a) for a in name.attributes if not oids or a.oid in oids)


def _out_of_bounds(attribute: NameAttribute) -> bool:
    if attribute.oid == COUNTRY:
        return len(attribute.value) != 2
    return not attribute.value or len(attribute.value) > _UPPER_BOUNDS.get(attribute.oid, 32_768)


def unpadded(name: Name) -> bool:
    """Whether no text begins or ends with white space."""
    return not any(isinstance(a.value, str) and a.value != a.value.strip() for a in name.attributes)


def alternative_names(view: View, names: list[x509.GeneralName]) -> str:
    """What the names in subjectAltName are."""
    if view.certificate.hardware_module_name is not None and len(names) == 1:
        return f"hardwareModuleName {view.certificate.entity_id}"
    return ", ".join(type(name).__name__ for name in names) or "no names"


def ascii_names(names: list[x509.GeneralName]) -> bool:
    """Whether mail addresses, host names and URIs are ASCII, which the library does not look at."""
    kinds = (x509.RFC822Name, x509.DNSName, x509.UniformResourceIdentifier)
    return all(name.value.isascii() for name in names if isinstance(name, kinds))


def duration(certificate: Certificate) -> str:
    """The validity period and its length."""
    begin, end = certificate.not_before, certificate.not_after
    return (
        f"{begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}: {(end - begin).days} days {(end - begin).seconds} s"
    )


def lasts(certificate: Certificate, years: int) -> bool:
    """Whether the period is within a day of so many calendar years (traps T1 and T17)."""
    nominal = anniversary(certificate.not_before, years)
    return nominal is not None and abs(certificate.not_after - nominal) <= _DAY


def anniversary(begin: datetime, years: int) -> datetime | None:
    """The same day so many years later, 28 February for a leap day; ``None`` beyond year 9999."""
    if begin.year + years > 9999:
        return None
    try:
        return begin.replace(year=begin.year + years)
    except ValueError:
        return begin.replace(year=begin.year + years, day=28)


def purposes_agree(certificate: Certificate) -> bool:
    """Whether each purpose has a key usage that serves it, and no usage serves none (RFC 5280 4.2.1.12)."""
    named, usage = certificate.extended_key_usages, certificate.key_usage
    if certificate.extension(ext.KEY_USAGE) is None or named is None:
        return True
    served = [_PURPOSE_USAGES[oid] for oid in named if oid in _PURPOSE_USAGES]
    allowed = reduce(operator.or_, served, KeyUsage(0))
    return not served or (all(usage & wanted for wanted in served) and not usage & ~allowed)


def _own_signature(certificate: Certificate) -> str:
    if certificate.key_form is KeyForm.P256 and certificate.signature_algorithm == ECDSA_SHA256_OID:
        if verify_signature(certificate, certificate.public_key):
            return "made by its own key" if certificate.is_self_issued else OTHER_NAME
        return WRONG if _claims_own_signature(certificate) else "made by another key"
    return _foreign_signature(certificate) if _claims_own_signature(certificate) else "made by another key"


def _claims_own_signature(certificate: Certificate) -> bool:
    aki, ski = certificate.authority_key_identifier, certificate.subject_key_identifier
    return certificate.is_self_issued and bool(certificate.issuer.rdns) and (aki is None or aki == ski)


def _foreign_signature(certificate: Certificate) -> str:
    try:
        with reading("certificate"):
            certificate.x509.verify_directly_issued_by(certificate.x509)
    except InvalidSignature:
        return WRONG
    except WireError:
        return "not checkable"
    return "made by its own key"
