"""The profiles of SMKI certificates as octets: for each kind, what each field must be, with its clause.

Written from the profiles alone, on octets, so that it can find what the issuing code gets wrong.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from trustcell_audit import der

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
P256_INFO = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""A SubjectPublicKeyInfo of P-256 up to the point."""

COMMON_NAME, UNIT, ORGANISATION, UNIQUE_IDENTIFIER = "2.5.4.3", "2.5.4.11", "2.5.4.10", "2.5.4.45"
KEY_USAGE, BASIC_CONSTRAINTS, POLICIES = "2.5.29.15", "2.5.29.19", "2.5.29.32"
SKI, AKI, ALTERNATIVE_NAME, WRAPPED_APEX_KEY = "2.5.29.14", "2.5.29.35", "2.5.29.17", "1.3.6.1.5.5.7.1.20"
HARDWARE_MODULE_NAME = "1.3.6.1.5.5.7.8.4"
TITLES = {
    KEY_USAGE: "keyUsage",
    BASIC_CONSTRAINTS: "basicConstraints",
    POLICIES: "certificatePolicies",
    SKI: "subjectKeyIdentifier",
    AKI: "authorityKeyIdentifier",
    ALTERNATIVE_NAME: "subjectAltName",
    WRAPPED_APEX_KEY: "wrappedApexContinKey",
}
NO_EXPIRY = der.tlv(der.GENERALIZED_TIME, b"99991231235959Z")

DIGITAL_SIGNATURE = bytes.fromhex("03020780")
KEY_AGREEMENT = bytes.fromhex("03020308")
AUTHORITY = bytes.fromhex("03020106")
"""keyCertSign and cRLSign."""

CLAUSES = {
    "version": "RFC 5280 4.1.2.1",
    "serialNumber": "SEC Appendix B 7.1 (smki.md 2.1)",
    "signature": "GBCS 12",
    "issuer": "RFC 5280 4.1.2.4",
    "validity": "SEC Appendix B 6.3.2",
    "subject": "SEC Appendix B Annex B",
    "subjectPublicKeyInfo": "GBCS 12",
    "uniqueIdentifiers": "RFC 5280 4.1.2.8",
    "extensions": "GBCS 12",
    "signatureValue": "RFC 5280 4.1.1.3",
}
"""The clause behind each field; extensions are under ``extensions``."""


@dataclass(frozen=True)
class Profile:
    """One kind of certificate. ``family`` names its policy, ``unit`` the OU of an authority's name, if it has one.

    ``years`` is the nominal period of an authority; of the others a decision says how long they last.
    """

    family: str
    years: int
    extensions: tuple[str, ...]
    optional: tuple[str, ...] = ()
    unit: str | None = None
    authority: bool = False
    path_length: int | None = None
    root: bool = False
    usages: tuple[bytes, ...] = (AUTHORITY,)
    rsa: bool = False


@dataclass(frozen=True)
class Rules:
    """What the environment fixes: policies of the families and nominal years of the kinds."""

    policies: dict[str, str] = field(default_factory=dict)
    years: dict[str, int] = field(default_factory=dict)


_ROOT = (KEY_USAGE, BASIC_CONSTRAINTS, POLICIES, SKI)
_ISSUING = (*_ROOT, AKI)
_EITHER = (DIGITAL_SIGNATURE, KEY_AGREEMENT)
PROFILES = {
    "organisation": Profile("organisation", 10, (KEY_USAGE, SKI, POLICIES, AKI), usages=_EITHER),
    "issuing OCA": Profile("organisation", 25, _ISSUING, unit="07", authority=True, path_length=0),
    "root OCA": Profile("organisation", 50, _ROOT, (WRAPPED_APEX_KEY,), unit="00", authority=True, root=True),
    "device": Profile("device", 0, (KEY_USAGE, SKI, ALTERNATIVE_NAME, POLICIES, AKI), usages=_EITHER),
    "issuing DCA": Profile("device", 25, _ISSUING, authority=True, path_length=0),
    "root DCA": Profile("device", 50, _ROOT, (WRAPPED_APEX_KEY,), authority=True, root=True),
    "IKI": Profile("iki", 10, (KEY_USAGE, SKI, POLICIES, AKI), usages=(DIGITAL_SIGNATURE,), rsa=True),
    "ICA": Profile("iki", 25, _ROOT, authority=True, root=True, rsa=True),
}
"""Profiles by the title of the kind (smki.md 2.3 to 2.7)."""


def key_identifier(bits: bytes) -> bytes:
    """Method 2 of RFC 5280 4.2.1.2: 0100 and the last 60 bits of SHA-1 over the key bits."""
    number = int.from_bytes(hashlib.sha1(bits, usedforsecurity=False).digest(), "big")
    return ((number & (1 << 60) - 1) | 4 << 60).to_bytes(8, "big")


def basic_constraints(path_length: int | None) -> bytes:
    """cA TRUE, with a path length if there is one."""
    length = b"" if path_length is None else der.tlv(der.INTEGER, bytes((path_length,)))
    return der.extension(BASIC_CONSTRAINTS, True, der.tlv(der.SEQUENCE, bytes.fromhex("0101ff"), length))


def policies(dotted: str) -> bytes:
    """One policy, no qualifiers, critical."""
    value = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.oid(dotted)))
    return der.extension(POLICIES, True, value)


def subject_key_identifier(octets: bytes) -> bytes:
    """Not critical."""
    return der.extension(SKI, False, der.tlv(der.OCTET_STRING, octets))


def authority_key_identifier(octets: bytes) -> bytes:
    """The key identifier alone, not critical."""
    return der.extension(AKI, False, der.tlv(der.SEQUENCE, der.tlv(0x80, octets)))


def hardware_module_name(hardware_type: bytes, entity_id: bytes) -> bytes:
    """One otherName, critical; ``hardware_type`` is the DER of its OID."""
    module = der.tlv(der.SEQUENCE, hardware_type, der.tlv(der.OCTET_STRING, entity_id))
    other = der.tlv(0xA0, der.oid(HARDWARE_MODULE_NAME), der.tlv(0xA0, module))
    return der.extension(ALTERNATIVE_NAME, True, der.tlv(der.SEQUENCE, other))


def years_fit(begin: datetime, end: datetime, years: int) -> bool:
    """Whether the period is within a day of so many calendar years (traps T1, T17)."""
    try:
        nominal = begin.replace(year=begin.year + years)
    except ValueError:
        if begin.year + years > 9999:
            return False
        nominal = begin.replace(year=begin.year + years, day=28)
    return abs((end - nominal).total_seconds()) <= 86_400
