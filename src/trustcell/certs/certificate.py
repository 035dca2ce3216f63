"""An X.509 certificate as a value: strict DER in, every field out (smki.md 2.1-2.6, traps 2.10)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import _der
from trustcell.certs import extensions as ext
from trustcell.certs._known import decode_extensions
from trustcell.certs._signed import read_algorithm, signed_parts
from trustcell.certs.armour import unarmour
from trustcell.certs.extensions import Extension, HardwareModuleName
from trustcell.certs.keys import KeyForm, p256_public_key, read_spki
from trustcell.certs.name import ORGANISATION, Name, role_of
from trustcell.certs.signature import ECDSA_SHA256, ECDSA_SHA256_OID, settled, verify_ecdsa_der
from trustcell.vocab import Eui64, KeyUsage, WireError

MAX_CERTIFICATE_OCTETS = 65_536
ISSUER_UNIQUE_ID = "issuer_unique_id"
SUBJECT_UNIQUE_ID = "subject_unique_id"
ALGORITHM_MISMATCH = "signature_algorithm_mismatch"
VERSION_1_ENCODED = "version_1_encoded"
EXTENSIONS_EMPTY = "extensions_empty"
TIME_FORM_WRONG = "time_form_wrong"
NAME_RDN_EMPTY = "name_rdn_empty"
_CACHED_CERTIFICATES = 512
_UNDECODABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_VERSION_3 = bytes.fromhex("a003020102")


class CertificateKind(StrEnum):
    """Which profile of SMKI a certificate is meant to follow (smki.md 2.3-2.7)."""

    ORGANISATION = "organisation"
    DEVICE = "device"
    ISSUING_OCA = "issuing OCA"
    ROOT_OCA = "root OCA"
    ISSUING_DCA = "issuing DCA"
    ROOT_DCA = "root DCA"
    IKI = "IKI"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False, init=False)
class Certificate:
    """One certificate, read once and never changed; equal to another with the same octets.

    ``tbs`` is what the signature covers. ``version`` counts 1 to 3. ``serial`` is signed as DER has it.
    ``public_key_point`` is empty unless ``key_form`` is P-256. ``key_usage`` and ``policies`` are empty when the
    extension is absent (``extension`` tells). ``signature`` is the ECDSA-Sig-Value; when ``flags`` has
    ``nonminimal_der`` it has been re-encoded (trap T6), ``der`` keeps the octets as they came.
    """

    der: bytes
    tbs: bytes
    version: int
    serial: int
    serial_octets: bytes
    signature_algorithm: str
    issuer: Name
    not_before: datetime
    not_after: datetime
    subject: Name
    spki: bytes
    key_form: KeyForm
    key_bits: bytes
    extensions: tuple[Extension, ...]
    key_usage: KeyUsage
    subject_key_identifier: bytes | None
    authority_key_identifier: bytes | None
    policies: tuple[str, ...]
    basic_constraints: ext.BasicConstraints | None
    hardware_module_name: HardwareModuleName | None
    signature: bytes
    flags: frozenset[str]

    @classmethod
    def from_der(cls, der: bytes) -> "Certificate":
        """Read one certificate and nothing behind it.

        Raises ``WireError``: ``certificate_not_der``, ``certificate_trailing_data``,
        ``certificate_null_algorithm_parameters`` (trap T7), ``certificate_extension_duplicate`` and the like.
        """
        try:
            return _read(bytes(der))
        except WireError as error:
            raise _der.prefixed(error, "certificate") from None

    def __eq__(self, other: object) -> bool:
        """Same octets."""
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        """Of the octets."""
        return hash(self.der)

    def extension(self, oid: str) -> Extension | None:
        """The extension of this type."""
        for extension in self.extensions:
            if extension.oid == oid:
                return extension
        return None

    @property
    def public_key_point(self) -> bytes:
        """The uncompressed point, 65 octets; empty when the key is no P-256 key."""
        return self.key_bits if self.key_form is KeyForm.P256 else b""

    @cached_property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key object; raises ``WireError`` ``certificate_key_unusable`` when it is no P-256 key on the curve."""
        if self.key_form is not KeyForm.P256:
            raise WireError(
                -1, "publicKeyInfo", f"a P-256 key was expected: {self.key_form}", "certificate_key_unusable"
            )
        return p256_public_key(self.key_bits)

    @cached_property
    def entity_id(self) -> Eui64 | None:
        """EUI-64 of the organisation (subject attribute) or of the device (hardware serial), smki.md 2.3 and 2.6."""
        if (found := self.subject.entity_id) is not None:
            return found
        module = self.hardware_module_name
        return Eui64(module.serial_number) if module and len(module.serial_number) == 8 else None

    @cached_property
    def role(self) -> int | None:
        """The two hex digits of the subject's OU as a number; compares equal to ``RemotePartyRole`` (smki.md 1.3)."""
        return role_of(self.subject)

    @property
    def is_authority(self) -> bool:
        """Whether basicConstraints says CA."""
        return self.basic_constraints is not None and self.basic_constraints.authority

    @cached_property
    def kind(self) -> CertificateKind:
        """The profile this certificate is meant to follow, judged by CA flag, subject and subjectAltName."""
        subject = self.subject
        if self.is_authority:
            if subject.organisational_unit is None:
                if not subject.common_name or len(subject.attributes) != 1:
                    return CertificateKind.UNKNOWN
                return CertificateKind.ROOT_DCA if self.is_self_issued else CertificateKind.ISSUING_DCA
            if self.role == 0:
                return CertificateKind.ROOT_OCA
            return CertificateKind.ISSUING_OCA if self.role == 7 else CertificateKind.UNKNOWN
        if self.hardware_module_name is not None:
            return CertificateKind.DEVICE
        if self.role is not None and subject.entity_id is not None:
            return CertificateKind.ORGANISATION
        if self.role is not None and subject.first(ORGANISATION) and subject.common_name and self.key_form == "rsa":
            return CertificateKind.IKI
        return CertificateKind.UNKNOWN

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same octets; ``same_name`` is the wider test."""
        return self.issuer.der == self.subject.der

    @cached_property
    def spki_sha256(self) -> bytes:
        """SHA-256 over the SubjectPublicKeyInfo: the identity of the key across certificates."""
        return hashlib.sha256(self.spki).digest()

    @cached_property
    def sha256(self) -> bytes:
        """SHA-256 over the octets: the identity of the certificate."""
        return hashlib.sha256(self.der).digest()

    def covers(self, when: datetime) -> bool:
        """Whether ``when`` (aware) lies within the validity period, both ends included."""
        return self.not_before <= when.replace(microsecond=0) <= self.not_after


def load_certificates(data: bytes) -> list[Certificate]:
    """Every certificate in PEM text, or the one in base64 text or DER; ``WireError`` codes begin ``certificate_``."""
    with _der.noun("certificate"):
        found = unarmour(data, _LABELS)
    return [Certificate.from_der(der) for der in found]


def verify_signature(certificate: Certificate, issuer_public_key: ec.EllipticCurvePublicKey) -> bool:
    """Whether this key made the signature: ecdsa-with-SHA256, strict DER except what trap T6 re-encoded and flagged."""
    if certificate.signature_algorithm != ECDSA_SHA256_OID or ALGORITHM_MISMATCH in certificate.flags:
        return False
    return verify_ecdsa_der(issuer_public_key, certificate.signature, certificate.tbs)


@lru_cache(maxsize=_CACHED_CERTIFICATES)
def _read(der: bytes) -> Certificate:
    start, at, end, algorithm, signature = signed_parts(der, MAX_CERTIFICATE_OCTETS)
    flags: set[str] = set()
    version = 1
    if der[at : at + 5] == _VERSION_3:
        version, at = 3, at + 5
    elif at < end and der[at] == 0xA0:
        version, at = _version(der, at, end, flags)
    first, stop = _der.expect(der, at, end, _der.INTEGER, "tbs.serial")
    serial = _der.integer(der, first, stop, "tbs.serial")
    at = stop + len(ECDSA_SHA256)
    if algorithm != ECDSA_SHA256_OID or der[stop:at] != ECDSA_SHA256:
        _, at = _der.expect(der, stop, end, _der.SEQUENCE, "tbs.signature")
        if read_algorithm(der, stop, at, "tbs.signature") != algorithm:
            flags.add(ALGORITHM_MISMATCH)
    _, issuer_stop = _der.expect(der, at, end, _der.SEQUENCE, "tbs.issuer")
    issuer = Name.from_der(der[at:issuer_stop])
    _, at = _der.expect(der, issuer_stop, end, _der.SEQUENCE, "tbs.validity")
    not_before, not_after, timely = _validity(der[issuer_stop:at])
    _, subject_stop = _der.expect(der, at, end, _der.SEQUENCE, "tbs.subject")
    subject = Name.from_der(der[at:subject_stop])
    _, at = _der.expect(der, subject_stop, end, _der.SEQUENCE, "tbs.publicKeyInfo")
    spki = der[subject_stop:at]
    key_form, key_bits = read_spki(spki)
    if not timely:
        flags.add(TIME_FORM_WRONG)
    if () in issuer.rdns or () in subject.rdns:
        flags.add(NAME_RDN_EMPTY)
    found = _tail(der, at, end, version, flags)
    if algorithm == ECDSA_SHA256_OID:
        signature, flag = settled(signature)
        if flag:
            flags.add(flag)
    certificate = object.__new__(Certificate)
    certificate.__dict__.update(
        der=der,
        tbs=der[start:end],
        version=version,
        serial=serial,
        serial_octets=der[first:stop],
        signature_algorithm=algorithm,
        issuer=issuer,
        not_before=not_before,
        not_after=not_after,
        subject=subject,
        spki=spki,
        key_form=key_form,
        key_bits=key_bits,
        extensions=found,
        signature=signature,
    )
    try:
        values, foreign = decode_extensions(found, flags)
        certificate.__dict__.update(values)
        if foreign:
            _second_opinion(certificate, first)
    except WireError:
        if timely:
            raise
        reason = "times are Zulu, years before 2050 are written as UTCTime"
        raise WireError(issuer_stop, "tbs.validity", reason, TIME_FORM_WRONG) from None
    certificate.__dict__["flags"] = frozenset(flags)
    return certificate


def _version(der: bytes, at: int, end: int, flags: set[str]) -> tuple[int, int]:
    first, at = _der.expect(der, at, end, 0xA0, "tbs.version")
    first, stop = _der.whole(der, first, at, _der.INTEGER, "tbs.version")
    version = _der.integer(der, first, stop, "tbs.version") + 1
    if version not in (1, 2, 3):
        raise WireError(first, "tbs.version", "version 1, 2 or 3 was expected", "version_unknown")
    if version == 1:
        flags.add(VERSION_1_ENCODED)
    return version, at


@lru_cache(maxsize=_CACHED_CERTIFICATES)
def _validity(validity: bytes) -> tuple[datetime, datetime, bool]:
    """Both times, and whether each is in the form that RFC 5280 wants for its year."""
    at, end = _der.whole(validity, 0, len(validity), _der.SEQUENCE, "tbs.validity")
    tag, start, at = _der.tlv(validity, at, end, "tbs.validity.notBefore")
    not_before, begins_timely = _der.moment(tag, validity[start:at])
    tag, start, at = _der.tlv(validity, at, end, "tbs.validity.notAfter")
    not_after, ends_timely = _der.moment(tag, validity[start:at])
    _der.finished(at, end, "tbs.validity")
    return not_before, not_after, begins_timely and ends_timely


def _tail(der: bytes, at: int, end: int, version: int, flags: set[str]) -> tuple[Extension, ...]:
    """Unique identifiers and extensions behind the key."""
    for wanted, flag in ((0x81, ISSUER_UNIQUE_ID), (0x82, SUBJECT_UNIQUE_ID)):
        if at < end and der[at] == wanted:
            _, at = _der.expect(der, at, end, wanted, "tbs.uniqueIdentifier")
            if version == 1:
                raise WireError(at, "tbs.uniqueIdentifier", "version 1 has none", "unique_id_in_version_1")
            flags.add(flag)
    if at == end:
        return ()
    first, at = _der.expect(der, at, end, 0xA3, "tbs.extensions")
    _der.finished(at, end, "tbs")
    first, stop = _der.whole(der, first, at, _der.SEQUENCE, "tbs.extensions")
    if version != 3:
        raise WireError(first, "tbs.extensions", "only version 3 has extensions", "extensions_before_version_3")
    if first == stop:
        flags.add(EXTENSIONS_EMPTY)
    return ext.read_extensions(der, first, stop)


def _second_opinion(certificate: Certificate, serial_at: int) -> None:
    """Let ``cryptography`` decode the extensions that SMKI does not use; what it cannot decode is refused."""
    der = certificate.der
    if certificate.serial <= 0:  # its loader warns about such serials; the profile names them
        size = len(certificate.serial_octets)
        der = der[:serial_at] + b"\1" * size + der[serial_at + size :]
    try:
        _ = x509.load_der_x509_certificate(der).extensions
    except _UNDECODABLE as error:
        raise WireError(-1, "tbs.extensions", f"an extension does not decode: {error}", "extension_malformed") from None
