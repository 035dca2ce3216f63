"""Readings of a certificate that the profile rules share: pure functions of a ``View``."""

import functools
import hashlib
import operator
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from trustcell.certs import extensions as ext
from trustcell.certs.certificate import Certificate, verify_signature
from trustcell.certs.extensions import Extension
from trustcell.certs.keys import KeyForm, method2_ski
from trustcell.certs.name import (
    COMMON_NAME,
    COUNTRY,
    ORGANISATION,
    ORGANISATIONAL_UNIT,
    UNIQUE_IDENTIFIER,
    Name,
    NameAttribute,
)
from trustcell.certs.rules import View
from trustcell.certs.signature import ECDSA_SHA256_OID
from trustcell.vocab import KeyUsage

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
_STANDARD = frozenset(
    {
        ext.KEY_USAGE,
        ext.SUBJECT_KEY_IDENTIFIER,
        ext.AUTHORITY_KEY_IDENTIFIER,
        ext.CERTIFICATE_POLICIES,
        ext.BASIC_CONSTRAINTS,
        ext.SUBJECT_ALTERNATIVE_NAME,
    }
)
_UPPER_BOUNDS = {
    ORGANISATION: 64,
    "2.5.4.5": 64,
    "2.5.4.7": 128,
    "2.5.4.8": 128,
    "2.5.4.12": 64,
    "1.2.840.113549.1.9.1": 255,
}
_ALGORITHMS = {ECDSA_SHA256_OID: "ecdsa-with-SHA256"}


def found(view: View, oid: str) -> Extension | None:
    """The extension."""
    return view.certificate.extension(oid)


def criticality(view: View, oid: str) -> str:
    """``critical``, ``not critical`` or ``absent``."""
    extension = found(view, oid)
    return "absent" if extension is None else "critical" if extension.critical else "not critical"


def critical_if_present(view: View, oid: str, wanted: bool) -> bool:
    """Whether the extension is absent or has the wanted criticality."""
    extension = found(view, oid)
    return extension is None or extension.critical is wanted


def algorithm(oid: str) -> str:
    """Name of the algorithm, or its OID."""
    return _ALGORITHMS.get(oid, oid)


def flags(view: View, *wanted: str) -> str:
    """Those of the wanted flags that are set, or ``none``."""
    return ", ".join(flag for flag in wanted if flag in view.certificate.flags) or "none"


def ski_method(view: View) -> str:
    """How the subject key identifier was made from the key (smki.md 2.1; RFC 7093 for the newer ones)."""
    ski, bits = view.certificate.subject_key_identifier, view.certificate.key_bits
    if ski is None:
        return "absent"
    if ski == method2_ski(bits):
        return f"method 2: {ski.hex()}"
    if ski == hashlib.sha1(bits, usedforsecurity=False).digest():
        return f"method 1: {ski.hex()}"
    if ski == hashlib.sha256(bits).digest()[:20]:
        return f"RFC 7093 method 1: {ski.hex()}"
    return f"made by no known method: {ski.hex()}"


def other_extensions(view: View, *more: str) -> str:
    """Extensions outside the SMKI profiles, or ``none``; ``more`` are allowed besides."""
    allowed = _STANDARD | set(more)
    return ", ".join(e.title for e in view.certificate.extensions if e.oid not in allowed) or "none"


def order(view: View) -> tuple[str, ...]:
    """Titles of the extensions as they stand."""
    return tuple(extension.title for extension in view.certificate.extensions)


def shape(name: Name, *, types: bool = False) -> str:
    """Attribute labels in order, with their string types if asked for."""
    parts = ["+".join(f"{a.label} {a.string_type}" if types else a.label for a in rdn) for rdn in name.rdns]
    return ", ".join(parts) or "empty"


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


def authority_shape(name: Name, unit: str | None) -> bool:
    """OU ``unit`` (none for a DCA) and CN, one attribute an RDN; string types aside."""
    oids = [attribute.oid for attribute in name.attributes]
    wanted = [COMMON_NAME] if unit is None else [ORGANISATIONAL_UNIT, COMMON_NAME]
    return oids == wanted and all(len(rdn) == 1 for rdn in name.rdns) and name.organisational_unit == unit


def printable(name: Name) -> bool:
    """Whether all attributes are PrintableStrings, as the authorities of SMKI write their names."""
    return all(attribute.string_type == "PrintableString" for attribute in name.attributes)


def longest(view: View, oid: str) -> int:
    """Most characters in an attribute of this type, subject and issuer together."""
    names = (*view.certificate.subject.attributes, *view.certificate.issuer.attributes)
    return max((len(attribute.value) for attribute in names if attribute.oid == oid), default=0)


def oversized(view: View) -> str:
    """Attributes longer than the upper bounds of RFC 5280 A.1, CN and OU aside, or ``none``."""
    names = (*view.certificate.subject.attributes, *view.certificate.issuer.attributes)
    return ", ".join(a.label for a in names if _out_of_bounds(a)) or "none"


def _out_of_bounds(attribute: NameAttribute) -> bool:
    if attribute.oid == COUNTRY:
        return len(attribute.value) != 2
    return not attribute.value or len(attribute.value) > _UPPER_BOUNDS.get(attribute.oid, 32_768)


def padded(view: View) -> str:
    """Attributes whose text begins or ends with white space, or ``none``."""
    names = (*view.certificate.subject.attributes, *view.certificate.issuer.attributes)
    return ", ".join(a.label for a in names if isinstance(a.value, str) and a.value != a.value.strip()) or "none"


def lax_constraints(view: View) -> str:
    """Constraint extensions that RFC 5280 wants critical and that are not, or ``none``."""
    oids = (ext.NAME_CONSTRAINTS, ext.POLICY_CONSTRAINTS, ext.INHIBIT_ANY_POLICY)
    present = (found(view, oid) for oid in oids)
    return ", ".join(e.title for e in present if e is not None and not e.critical) or "none"


def duration(view: View) -> str:
    """The validity period and its length."""
    begin, end = view.certificate.not_before, view.certificate.not_after
    return (
        f"{begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}: {(end - begin).days} days {(end - begin).seconds} s"
    )


def lasts(view: View, years: int) -> bool:
    """Whether the period is within a day of so many calendar years (traps T1 and T17)."""
    begin, end = view.certificate.not_before, view.certificate.not_after
    nominal = anniversary(begin, years)
    return nominal is not None and abs(end - nominal) <= _DAY


def anniversary(begin: datetime, years: int) -> datetime | None:
    """The same day so many years later, 28 February for a leap day; ``None`` beyond year 9999."""
    if begin.year + years > 9999:
        return None
    try:
        return begin.replace(year=begin.year + years)
    except ValueError:
        return begin.replace(year=begin.year + years, day=28)


def currency(view: View) -> str:
    """Where ``now`` lies in the validity period."""
    certificate = view.certificate
    if view.now is None:
        return "not looked at"
    if view.now < certificate.not_before:
        return f"not valid before {certificate.not_before.isoformat()}"
    return "within" if certificate.covers(view.now) else f"expired on {certificate.not_after.isoformat()}"


def purposes_agree(view: View) -> bool:
    """Whether each purpose has a key usage that serves it, and no usage serves none (RFC 5280 4.2.1.12)."""
    usages, purposes = found(view, ext.KEY_USAGE), found(view, ext.EXTENDED_KEY_USAGE)
    if usages is None or purposes is None:
        return True
    named = ext.read_extended_key_usages(purposes.value)
    served = [_PURPOSE_USAGES[oid] for oid in named if oid in _PURPOSE_USAGES]
    allowed = functools.reduce(operator.or_, served, KeyUsage(0))
    usage = view.certificate.key_usage
    return not served or (all(usage & wanted for wanted in served) and not usage & ~allowed)


@functools.lru_cache(maxsize=64)
def own_signature(view: View) -> str:
    """``own key`` when the certificate's key made its signature, ``wrong`` when it claims so and did not (trap T4)."""
    certificate = view.certificate
    if certificate.key_form is KeyForm.P256 and certificate.signature_algorithm == ECDSA_SHA256_OID:
        if verify_signature(certificate, certificate.public_key):
            return "own key" if certificate.is_self_issued else "own key under another issuer's name"
        return "wrong" if _claims_own_signature(certificate) else "another key"
    if _claims_own_signature(certificate) and certificate.serial > 0:
        return _foreign_signature(certificate.der)
    return "another key"


def _claims_own_signature(certificate: Certificate) -> bool:
    aki, ski = certificate.authority_key_identifier, certificate.subject_key_identifier
    return certificate.is_self_issued and bool(certificate.issuer.rdns) and (aki is None or aki == ski)


def _foreign_signature(der: bytes) -> str:
    try:
        loaded = x509.load_der_x509_certificate(der)
        loaded.verify_directly_issued_by(loaded)
    except InvalidSignature:
        return "wrong"
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion):
        return "not checkable"
    return "own key"
