"""Certificate extensions: decoded by the library, their octets kept (smki.md 2.1, 2.3-2.6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.asn1 import BitString, decode_der, encode_der
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from trustcell.certs import _asn1
from trustcell.vocab import KeyUsage

KEY_USAGE = ExtensionOID.KEY_USAGE.dotted_string
SUBJECT_KEY_IDENTIFIER = ExtensionOID.SUBJECT_KEY_IDENTIFIER.dotted_string
AUTHORITY_KEY_IDENTIFIER = ExtensionOID.AUTHORITY_KEY_IDENTIFIER.dotted_string
CERTIFICATE_POLICIES = ExtensionOID.CERTIFICATE_POLICIES.dotted_string
BASIC_CONSTRAINTS = ExtensionOID.BASIC_CONSTRAINTS.dotted_string
SUBJECT_ALTERNATIVE_NAME = ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string
EXTENDED_KEY_USAGE = ExtensionOID.EXTENDED_KEY_USAGE.dotted_string
NAME_CONSTRAINTS = ExtensionOID.NAME_CONSTRAINTS.dotted_string
POLICY_MAPPINGS = ExtensionOID.POLICY_MAPPINGS.dotted_string
POLICY_CONSTRAINTS = ExtensionOID.POLICY_CONSTRAINTS.dotted_string
INHIBIT_ANY_POLICY = ExtensionOID.INHIBIT_ANY_POLICY.dotted_string
CRL_NUMBER = ExtensionOID.CRL_NUMBER.dotted_string
DELTA_CRL = ExtensionOID.DELTA_CRL_INDICATOR.dotted_string
CRL_REASON = CRLEntryExtensionOID.CRL_REASON.dotted_string
WRAPPED_APEX_KEY = "1.3.6.1.5.5.7.1.20"
ANY_POLICY = "2.5.29.32.0"
HARDWARE_MODULE_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4")
SMKI_EXTENSIONS = frozenset(
    {
        KEY_USAGE,
        SUBJECT_KEY_IDENTIFIER,
        AUTHORITY_KEY_IDENTIFIER,
        CERTIFICATE_POLICIES,
        BASIC_CONSTRAINTS,
        SUBJECT_ALTERNATIVE_NAME,
    }
)

AKI_NAMES_ISSUER = "aki_names_issuer"
POLICY_QUALIFIERS = "policy_qualifiers"
KEY_USAGE_NOT_DER = "key_usage_not_der"
_NO_USAGE = KeyUsage(0)
T = TypeVar("T", bound=x509.ExtensionType)
_OIDS = {value for name, value in vars(ExtensionOID).items() if name.isupper()}
_TITLES: dict[str, str] = {oid.dotted_string: oid._name for oid in _OIDS} | {
    EXTENDED_KEY_USAGE: "extKeyUsage",
    CRL_REASON: "reasonCode",
    WRAPPED_APEX_KEY: "wrappedApexContinKey",
}


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: dotted OID, criticality, and the content of its extnValue octet string."""

    oid: str
    critical: bool
    value: bytes

    @property
    def title(self) -> str:
        """The X.509 name, or the dotted OID."""
        return title(self.oid)


def title(oid: str) -> str:
    """The X.509 name of an extension, or the dotted OID."""
    return _TITLES.get(oid, oid)


@dataclass(frozen=True, slots=True)
class HardwareModuleName:
    """The otherName of a device certificate: hardware type OID and serial number (smki.md 2.6)."""

    hardware_type: str
    serial_number: bytes


@dataclass(slots=True)
class Known:
    """What the extensions that SMKI uses say; ``flags`` names what they should not say in that way."""

    key_usage: KeyUsage = _NO_USAGE
    subject_key_identifier: bytes | None = None
    authority_key_identifier: bytes | None = None
    policies: tuple[str, ...] = ()
    basic_constraints: x509.BasicConstraints | None = None
    hardware_module_name: HardwareModuleName | None = None
    flags: tuple[str, ...] = ()


def value(found: x509.Extensions, kind: type[T]) -> T | None:
    """The decoded extension of this type."""
    return next((extension.value for extension in found if isinstance(extension.value, kind)), None)


def kept(raw: list[_asn1.Extension] | None) -> tuple[Extension, ...]:
    """The extensions as they stood."""
    return tuple(Extension(e.oid.dotted_string, e.critical, e.value) for e in raw or ())


def known(found: x509.Extensions, raw: list[_asn1.Extension] | None) -> Known:
    """Values of the library for the extensions that SMKI uses; raises what the library raises."""
    values = Known()
    for extension, octets in zip(found, raw or (), strict=True):
        if read := _READERS.get(type(extension.value)):
            read(values, extension.value, octets.value)
    return values


def _read_key_usage(into: Known, _: x509.KeyUsage, octets: bytes) -> None:
    bits = decode_der(BitString, octets)
    content = bits.as_bytes()
    first_nine = f"{int.from_bytes(content[:2].ljust(2, bytes(1)), 'big'):016b}"[8::-1]
    into.key_usage = KeyUsage(int(first_nine, 2))
    if content and not content[-1] >> bits.padding_bits() & 1:  # X.690 11.2.2: no zero bits at the end
        into.flags += (KEY_USAGE_NOT_DER,)


def _read_subject_key_identifier(into: Known, found: x509.SubjectKeyIdentifier, _: bytes) -> None:
    into.subject_key_identifier = found.digest


def _read_authority_key_identifier(into: Known, found: x509.AuthorityKeyIdentifier, _: bytes) -> None:
    into.authority_key_identifier = found.key_identifier
    if found.authority_cert_issuer is not None:
        into.flags += (AKI_NAMES_ISSUER,)


def _read_policies(into: Known, found: x509.CertificatePolicies, _: bytes) -> None:
    into.policies = tuple([policy.policy_identifier.dotted_string for policy in found])
    if any(policy.policy_qualifiers for policy in found):
        into.flags += (POLICY_QUALIFIERS,)


def _read_basic_constraints(into: Known, found: x509.BasicConstraints, _: bytes) -> None:
    into.basic_constraints = found


def _read_alternative_names(into: Known, found: x509.SubjectAlternativeName, _: bytes) -> None:
    for name in found:
        if isinstance(name, x509.OtherName) and name.type_id == HARDWARE_MODULE_NAME:
            module = decode_der(_asn1.HardwareModule, name.value)
            into.hardware_module_name = HardwareModuleName(module.hardware_type.dotted_string, module.serial_number)
            return


_READERS: dict[type[x509.ExtensionType], Callable[[Known, Any, bytes], None]] = {
    x509.KeyUsage: _read_key_usage,
    x509.SubjectKeyIdentifier: _read_subject_key_identifier,
    x509.AuthorityKeyIdentifier: _read_authority_key_identifier,
    x509.CertificatePolicies: _read_policies,
    x509.BasicConstraints: _read_basic_constraints,
    x509.SubjectAlternativeName: _read_alternative_names,
}


def key_usage(usage: KeyUsage) -> _asn1.Extension:
    """keyUsage, critical."""
    return _asn1.extension(x509.KeyUsage(*(bit in usage for bit in KeyUsage)), True)


def authority_key_identifier(identifier: bytes) -> _asn1.Extension:
    """authorityKeyIdentifier, non-critical, keyIdentifier only."""
    return _asn1.extension(x509.AuthorityKeyIdentifier(identifier, None, None), False)


def hardware_module_name(hardware_type: str, serial_number: bytes) -> _asn1.Extension:
    """subjectAltName, critical, with the hardwareModuleName of a device (smki.md 2.6)."""
    module = _asn1.HardwareModule(hardware_type=x509.ObjectIdentifier(hardware_type), serial_number=serial_number)
    other = x509.OtherName(HARDWARE_MODULE_NAME, encode_der(module))
    return _asn1.extension(x509.SubjectAlternativeName([other]), True)
