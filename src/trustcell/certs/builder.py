"""Certificates to be: templates in, to-be-signed octets out, and the signature put behind them (smki.md 2.3-2.6).

Nothing here holds a private key. ``tbs_octets`` names what is signed, ``assemble`` adds the signature, and ``issue``
joins both around a caller's ``sign`` function, which may live in a hardware module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.asn1 import encode_der

from trustcell.certs import _asn1
from trustcell.certs import extensions as ext
from trustcell.certs.certificate import Certificate
from trustcell.certs.keys import key_info, method2_ski, p256_public_key
from trustcell.certs.name import EMPTY_NAME, Name, organisation_name
from trustcell.certs.signature import signature_der
from trustcell.vocab import Eui64, KeyUsage, WireError

NO_EXPIRY = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""notAfter of device certificates (smki.md 2.6)."""

DEVICE_HARDWARE_TYPE = "1.2.826.0.1.8641679.1.2.2.1"
"""hwType of the device certificates seen (smki.md 2.2)."""

_END_ENTITY_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_AUTHORITY_USAGE = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN


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
        _check_common(self)
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
        _check_common(self)
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
        _check_common(self)


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
        _check_common(self)
        _check_end_entity(self.key_usage)
        x509.ObjectIdentifier(self.hardware_type)


Template = OrganisationTemplate | IssuingAuthorityTemplate | RootAuthorityTemplate | DeviceTemplate
Signer = Callable[[bytes], bytes]
"""Takes the octets to be signed, gives r||s (64 octets) of ECDSA P-256 with SHA-256."""


def tbs_octets(template: Template) -> bytes:
    """The TBSCertificate, octet for octet as the real authorities write it (smki.md 2.3-2.6)."""
    ski = _asn1.extension(x509.SubjectKeyIdentifier(method2_ski(template.public_key_point)), False)
    policy = x509.PolicyInformation(x509.ObjectIdentifier(template.policy), None)
    policies = _asn1.extension(x509.CertificatePolicies([policy]), True)
    match template:
        case RootAuthorityTemplate():
            issuer = subject = template.subject
            extensions = [ext.key_usage(_AUTHORITY_USAGE), _authority(None), policies, ski]
            if (wrapped := template.wrapped_apex_key) is not None:
                oid = x509.ObjectIdentifier(ext.WRAPPED_APEX_KEY)
                extensions.append(_asn1.extension(x509.UnrecognizedExtension(oid, wrapped), False))
        case IssuingAuthorityTemplate():
            issuer, subject = template.issuer, template.subject
            extensions = [ext.key_usage(_AUTHORITY_USAGE), _authority(template.path_length), policies, ski]
        case OrganisationTemplate():
            issuer = template.issuer
            subject = organisation_name(template.role, template.entity_id, template.common_name)
            extensions = [ext.key_usage(template.key_usage), ski, policies]
        case DeviceTemplate():
            issuer, subject = template.issuer, EMPTY_NAME
            module = ext.hardware_module_name(template.hardware_type, template.entity_id)
            extensions = [ext.key_usage(template.key_usage), ski, module, policies]
    if not isinstance(template, RootAuthorityTemplate):
        extensions.append(ext.authority_key_identifier(template.issuer_key_identifier))
    return encode_der(
        _asn1.TbsCertificate(
            version=2,
            serial=template.serial,
            signature=_asn1.tlv(_asn1.ECDSA_SHA256),
            issuer=_asn1.tlv(issuer.der),
            validity=_asn1.Validity(
                not_before=_asn1.moment(template.not_before), not_after=_asn1.moment(template.not_after)
            ),
            subject=_asn1.tlv(subject.der),
            public_key=key_info(template.public_key_point),
            issuer_unique_id=None,
            subject_unique_id=None,
            extensions=extensions,
        )
    )


def signed(tbs: bytes, sign: Signer) -> bytes:
    """``assemble`` around ``sign``; raises ``ValueError`` if that gives no 64 octets r||s."""
    return _asn1.assemble(tbs, signature_der(sign(tbs)))


def issue(template: Template, sign: Signer) -> Certificate:
    """The certificate of a template, signed and read back."""
    return Certificate.from_der(signed(tbs_octets(template), sign))


def _authority(path_length: int | None) -> _asn1.Extension:
    return _asn1.extension(x509.BasicConstraints(True, path_length), True)


def _check_common(template: Template) -> None:
    if not 0 < template.serial < 2**159:
        raise ValueError("a serial is positive and has at most 20 octets")
    if _asn1.whole_second(template.not_before) > _asn1.whole_second(template.not_after):
        raise ValueError("a certificate ends after it begins")
    try:
        p256_public_key(template.public_key_point)
    except WireError:
        raise ValueError("a public key is 65 octets of a point on P-256") from None


def _check_end_entity(usage: KeyUsage) -> None:
    if usage not in _END_ENTITY_USAGES:
        raise ValueError("an end entity has digitalSignature or keyAgreement, one of them")
