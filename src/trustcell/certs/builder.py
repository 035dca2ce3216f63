"""Certificates to be: templates in, to-be-signed octets out, and the signature put behind them (smki.md 2.3-2.6).

Nothing here holds a private key. ``tbs_octets`` names what is signed, ``assemble`` adds the signature, and ``issue``
joins both around a caller's ``sign`` function, which may live in a hardware module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from trustcell.certs import _der
from trustcell.certs import extensions as ext
from trustcell.certs.certificate import Certificate
from trustcell.certs.keys import method2_ski, on_p256, spki_of
from trustcell.certs.name import EMPTY_NAME_DER, Name, organisation_name
from trustcell.certs.signature import ECDSA_SHA256, signature_der
from trustcell.vocab import Eui64, KeyUsage

NO_EXPIRY = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""notAfter of device certificates (smki.md 2.6)."""

DEVICE_HARDWARE_TYPE = "1.2.826.0.1.8641679.1.2.2.1"
"""hwType of the device certificates seen (smki.md 2.2)."""

_END_ENTITY_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_AUTHORITY_USAGE = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN
_VERSION_3 = bytes.fromhex("a003020102")


@dataclass(frozen=True, slots=True)
class OrganisationTemplate:
    """An Organisation Certificate: one key usage, OU from ``role``, EUI-64, CN only if given (smki.md 2.3)."""

    serial: int
    issuer: Name
    not_before: datetime
    not_after: datetime
    role: int
    entity_id: Eui64
    key_usage: KeyUsage
    public_key_point: bytes
    policy: str
    issuer_key_identifier: bytes
    common_name: str | None = None

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no such certificate can say."""
        _check_common(self.serial, self.not_before, self.not_after, self.public_key_point)
        _check_end_entity(self.key_usage)
        organisation_name(self.role, self.entity_id, self.common_name)


@dataclass(frozen=True, slots=True)
class IssuingAuthorityTemplate:
    """An Issuing OCA or Issuing DCA certificate: CA with path length 0 (smki.md 2.4, 2.7)."""

    serial: int
    issuer: Name
    not_before: datetime
    not_after: datetime
    subject: Name
    public_key_point: bytes
    policy: str
    issuer_key_identifier: bytes
    path_length: int = 0

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no such certificate can say."""
        _check_common(self.serial, self.not_before, self.not_after, self.public_key_point)
        if self.path_length < 0:
            raise ValueError("a path length is 0 or more")


@dataclass(frozen=True, slots=True)
class RootAuthorityTemplate:
    """A self-signed Root OCA or Root DCA certificate: no path length, no AKI (smki.md 2.5, in part assumed there).

    ``wrapped_apex_key`` is the value of wrappedApexContinKey (RFC 5934), added non-critical if given.
    """

    serial: int
    subject: Name
    not_before: datetime
    not_after: datetime
    public_key_point: bytes
    policy: str
    wrapped_apex_key: bytes | None = None

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no such certificate can say."""
        _check_common(self.serial, self.not_before, self.not_after, self.public_key_point)


@dataclass(frozen=True, slots=True)
class DeviceTemplate:
    """A Device Certificate: empty subject, EUI-64 in a hardwareModuleName, no expiry (smki.md 2.6)."""

    serial: int
    issuer: Name
    not_before: datetime
    entity_id: Eui64
    key_usage: KeyUsage
    public_key_point: bytes
    policy: str
    issuer_key_identifier: bytes
    hardware_type: str = DEVICE_HARDWARE_TYPE
    not_after: datetime = NO_EXPIRY

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no such certificate can say."""
        _check_common(self.serial, self.not_before, self.not_after, self.public_key_point)
        _check_end_entity(self.key_usage)
        _der.encode_oid(self.hardware_type)


Template = OrganisationTemplate | IssuingAuthorityTemplate | RootAuthorityTemplate | DeviceTemplate
Signer = Callable[[bytes], bytes]
"""Takes the octets to be signed, gives r||s (64 octets) of ECDSA P-256 with SHA-256."""


def tbs_octets(template: Template) -> bytes:
    """The TBSCertificate, octet for octet as the real authorities write it (smki.md 2.3-2.6)."""
    ski = _subject_key_identifier(template.public_key_point)
    policies = _policies(template.policy)
    extensions: tuple[bytes, ...]
    match template:
        case OrganisationTemplate():
            subject = organisation_name(template.role, template.entity_id, template.common_name).der
            extensions = (
                key_usage_extension(template.key_usage),
                ski,
                policies,
                authority_key_identifier_extension(template.issuer_key_identifier),
            )
        case DeviceTemplate():
            subject = EMPTY_NAME_DER
            extensions = (
                key_usage_extension(template.key_usage),
                ski,
                hardware_extension(template.hardware_type, template.entity_id),
                policies,
                authority_key_identifier_extension(template.issuer_key_identifier),
            )
        case IssuingAuthorityTemplate():
            subject = template.subject.der
            extensions = (
                key_usage_extension(_AUTHORITY_USAGE),
                _authority(template.path_length),
                policies,
                ski,
                authority_key_identifier_extension(template.issuer_key_identifier),
            )
        case RootAuthorityTemplate():
            subject = template.subject.der
            extensions = (key_usage_extension(_AUTHORITY_USAGE), _authority(None), policies, ski)
            if template.wrapped_apex_key is not None:
                extensions += (ext.encode_extension(ext.WRAPPED_APEX_KEY, False, template.wrapped_apex_key),)
    issuer = template.subject if isinstance(template, RootAuthorityTemplate) else template.issuer
    return _der.encode(
        _der.SEQUENCE,
        _VERSION_3,
        _der.encode_integer(template.serial),
        ECDSA_SHA256,
        issuer.der,
        _der.encode(_der.SEQUENCE, _der.encode_moment(template.not_before), _der.encode_moment(template.not_after)),
        subject,
        spki_of(template.public_key_point),
        _der.encode(0xA3, _der.encode(_der.SEQUENCE, *extensions)),
    )


def assemble(tbs: bytes, signature: bytes) -> bytes:
    """SIGNED{}: ``tbs``, ecdsa-with-SHA256 and the DER signature; serves certificates, requests and lists."""
    return _der.encode(_der.SEQUENCE, tbs, ECDSA_SHA256, _der.encode(_der.BIT_STRING, b"\0", signature))


def signed(tbs: bytes, sign: Signer) -> bytes:
    """``assemble`` around ``sign``; raises ``ValueError`` if that gives no 64 octets r||s."""
    return assemble(tbs, signature_der(sign(tbs)))


def issue(template: Template, sign: Signer) -> Certificate:
    """The certificate of a template, signed and read back."""
    return Certificate.from_der(signed(tbs_octets(template), sign))


def key_usage_extension(usage: KeyUsage) -> bytes:
    """keyUsage, critical."""
    return ext.encode_extension(ext.KEY_USAGE, True, _der.encode_named_bits(int(usage)))


def hardware_extension(hardware_type: str, entity_id: Eui64) -> bytes:
    """subjectAltName, critical, with the hardwareModuleName of a device (smki.md 2.6)."""
    value = ext.encode_hardware_module_name(hardware_type, entity_id)
    return ext.encode_extension(ext.SUBJECT_ALTERNATIVE_NAME, True, value)


def authority_key_identifier_extension(identifier: bytes) -> bytes:
    """authorityKeyIdentifier, non-critical, keyIdentifier only."""
    value = _der.encode(_der.SEQUENCE, _der.encode(0x80, identifier))
    return ext.encode_extension(ext.AUTHORITY_KEY_IDENTIFIER, False, value)


def _subject_key_identifier(point: bytes) -> bytes:
    value = _der.encode(_der.OCTET_STRING, method2_ski(point))
    return ext.encode_extension(ext.SUBJECT_KEY_IDENTIFIER, False, value)


def _policies(policy: str) -> bytes:
    value = _der.encode(_der.SEQUENCE, _der.encode(_der.SEQUENCE, _der.encode_oid(policy)))
    return ext.encode_extension(ext.CERTIFICATE_POLICIES, True, value)


def _authority(path_length: int | None) -> bytes:
    length = b"" if path_length is None else _der.encode_integer(path_length)
    return ext.encode_extension(ext.BASIC_CONSTRAINTS, True, _der.encode(_der.SEQUENCE, b"\x01\x01\xff", length))


def _check_common(serial: int, not_before: datetime, not_after: datetime, point: bytes) -> None:
    if not 0 < serial < 2**159:
        raise ValueError("a serial is positive and has at most 20 octets")
    _der.encode_moment(not_before)
    _der.encode_moment(not_after)
    if not_before > not_after:
        raise ValueError("a certificate ends after it begins")
    if not on_p256(point):
        raise ValueError("a public key is 65 octets of a point on P-256")


def _check_end_entity(usage: KeyUsage) -> None:
    if usage not in _END_ENTITY_USAGES:
        raise ValueError("an end entity has digitalSignature or keyAgreement, one of them")
