"""The ASN.1 of certificates, requests and lists, declared once and used both ways (RFC 5280 4.1 and 5.1, RFC 2986 4).

``cryptography.hazmat.asn1`` decodes and encodes strict DER from these declarations. Reading uses them for what
``cryptography.x509`` does not show: time types, unique identifiers, the inner algorithm, raw extension values.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.hazmat.asn1 import TLV, BitString, GeneralizedTime, SetOf, UTCTime, decode_der, encode_der
from cryptography.x509 import ExtensionType, ObjectIdentifier

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
"""AlgorithmIdentifier of ecdsa-with-SHA256, parameters absent (smki.md 2.1)."""

RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
"""AlgorithmIdentifier of sha256WithRSAEncryption, parameters NULL (smki.md 2.7; RFC 4055 5)."""


@asn1.sequence
class Extension:
    """Extension: extnID, critical DEFAULT FALSE, extnValue OCTET STRING."""

    oid: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    value: bytes


@asn1.sequence
class Validity:
    """Validity: notBefore and notAfter, each a CHOICE of UTCTime and GeneralizedTime."""

    not_before: UTCTime | GeneralizedTime
    not_after: UTCTime | GeneralizedTime


@asn1.sequence
class SubjectPublicKeyInfo:
    """SubjectPublicKeyInfo: AlgorithmIdentifier, key BIT STRING."""

    algorithm: TLV
    key: BitString


@asn1.sequence
class TbsCertificate:
    """TBSCertificate; ``version`` counts from 0."""

    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    serial: int
    signature: TLV
    issuer: TLV
    validity: Validity
    subject: TLV
    public_key: SubjectPublicKeyInfo
    issuer_unique_id: Annotated[BitString | None, asn1.Implicit(1)]
    subject_unique_id: Annotated[BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(3)]


@asn1.sequence
class Certificate:
    """Certificate: SIGNED{TBSCertificate}."""

    tbs: TbsCertificate
    algorithm: TLV
    signature: BitString


@asn1.sequence
class Attribute:
    """Attribute of a request: type, SET OF values."""

    oid: ObjectIdentifier
    values: SetOf[TLV]


@asn1.sequence
class ExtensionRequest:
    """The attribute extensionRequest (RFC 2985 5.4.2)."""

    oid: ObjectIdentifier
    values: SetOf[list[Extension]]


@asn1.sequence
class RequestInfo:
    """CertificationRequestInfo."""

    version: int
    subject: TLV
    public_key: SubjectPublicKeyInfo
    attributes: Annotated[SetOf[TLV], asn1.Implicit(0)]


@asn1.sequence
class Request:
    """CertificationRequest."""

    info: RequestInfo
    algorithm: TLV
    signature: BitString


@asn1.sequence
class Revoked:
    """One entry of revokedCertificates."""

    serial: int
    revoked_at: UTCTime | GeneralizedTime
    extensions: list[Extension] | None


@asn1.sequence
class TbsCertList:
    """TBSCertList; the entries are ``Revoked``."""

    version: int | None
    signature: TLV
    issuer: TLV
    this_update: UTCTime | GeneralizedTime
    next_update: UTCTime | GeneralizedTime | None
    revoked: list[TLV] | None
    extensions: Annotated[list[Extension] | None, asn1.Explicit(0)]


@asn1.sequence
class CertList:
    """CertificateList."""

    tbs: TbsCertList
    algorithm: TLV
    signature: BitString


@asn1.sequence
class Signed:
    """SIGNED{} around something encoded before."""

    content: TLV
    algorithm: TLV
    signature: BitString


@asn1.sequence
class HardwareModule:
    """HardwareModuleName (RFC 4108 5)."""

    hardware_type: ObjectIdentifier
    serial_number: bytes


def tlv(der: bytes) -> TLV:
    """An element that is encoded already, to put into another."""
    return decode_der(TLV, der)


def extension(value: ExtensionType, critical: bool) -> Extension:
    """An extension of the library, to put into a certificate, request or list."""
    return Extension(oid=value.oid, critical=critical, value=value.public_bytes())


def whole_second(when: datetime) -> datetime:
    """``when`` in UTC; ``ValueError`` unless it is aware, in whole seconds and from 1950 on (RFC 5280 4.1.2.5)."""
    if when.tzinfo is None or when.microsecond:
        raise ValueError("a certificate time is aware and has whole seconds")
    if (utc := when.astimezone(UTC)).year < 1950:
        raise ValueError("RFC 5280 times start in 1950")
    return utc


def moment(when: datetime) -> UTCTime | GeneralizedTime:
    """A Time of RFC 5280: UTCTime up to 2049; ``ValueError`` as for ``whole_second``."""
    utc = whole_second(when)
    return UTCTime(utc) if utc.year < 2050 else GeneralizedTime(utc)


def timely(times: Iterable[UTCTime | GeneralizedTime | None]) -> bool:
    """Whether no GeneralizedTime stands for a year before 2050."""
    return not any(isinstance(time, GeneralizedTime) and time.as_datetime().year < 2050 for time in times)


def assemble(tbs: bytes, signature: bytes, algorithm: bytes = ECDSA_SHA256) -> bytes:
    """SIGNED{}: ``tbs``, the AlgorithmIdentifier and the signature as it stands in certificates, requests and lists."""
    return encode_der(Signed(content=tlv(tbs), algorithm=tlv(algorithm), signature=BitString(signature, 0)))
