"""An X.509 certificate as a value: judged and read by ``cryptography``, every field named (smki.md 2.1-2.6, 2.10)."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from cryptography.hazmat.asn1 import BitString, decode_der, encode_der
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, load_der_x509_certificate
from cryptography.x509 import Certificate as LibraryCertificate

from trustcell.certs import _asn1
from trustcell.certs import extensions as ext
from trustcell.certs._library import TIME_FORM_WRONG, Stage, reading
from trustcell.certs.armour import unarmour
from trustcell.certs.extensions import Extension, HardwareModuleName
from trustcell.certs.keys import KeyForm, read_key
from trustcell.certs.name import ORGANISATION, Name, role_of
from trustcell.certs.signature import ECDSA_SHA256_OID, settled, verify_ecdsa_der
from trustcell.vocab import Eui64, KeyUsage, WireError

MAX_CERTIFICATE_OCTETS = 65_536
ISSUER_UNIQUE_ID = "issuer_unique_id"
SUBJECT_UNIQUE_ID = "subject_unique_id"
ALGORITHM_MISMATCH = "signature_algorithm_mismatch"
EXTENSIONS_EMPTY = "extensions_empty"
_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})


class CertificateKind(StrEnum):
    """Which profile of SMKI a certificate is meant to follow (smki.md 2.3-2.7)."""

    ORGANISATION = "organisation"
    DEVICE = "device"
    ISSUING_OCA = "issuing OCA"
    ROOT_OCA = "root OCA"
    ISSUING_DCA = "issuing DCA"
    ROOT_DCA = "root DCA"
    IKI = "IKI"
    ICA = "ICA"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Certificate:
    """One certificate, read once and never changed; equal to another with the same octets.

    ``x509`` is the library's object, all of it decoded once. ``tbs`` is what the signature covers. ``version`` counts
    1 to 3. ``public_key_point`` is empty unless ``key_form`` is P-256. ``key_usage`` and ``policies`` are empty when
    the extension is absent (``extension`` tells). ``signature`` is the ECDSA-Sig-Value; when ``flags`` has
    ``nonminimal_der`` it has been re-encoded (trap T6), ``der`` keeps the octets as they came.
    """

    der: bytes
    x509: LibraryCertificate = field(repr=False)
    serial: int
    issuer: Name
    not_before: datetime
    not_after: datetime
    subject: Name
    key_form: KeyForm
    key_bits: bytes = field(repr=False)
    key_usage: KeyUsage
    subject_key_identifier: bytes | None
    authority_key_identifier: bytes | None
    policies: tuple[str, ...]
    basic_constraints: BasicConstraints | None
    hardware_module_name: HardwareModuleName | None
    signature: bytes = field(repr=False)
    flags: frozenset[str]
    _raw: _asn1.TbsCertificate = field(repr=False)
    _key: ec.EllipticCurvePublicKey | None = field(repr=False)

    @classmethod
    def from_der(cls, der: bytes) -> "Certificate":
        """Read one certificate and nothing behind it.

        Raises ``WireError``: ``certificate_not_der``, ``certificate_trailing_data``,
        ``certificate_null_algorithm_parameters`` (trap T7), ``certificate_extension_duplicate`` and the like.
        """
        with reading("certificate") as stage:
            return _read(bounded(der, MAX_CERTIFICATE_OCTETS), stage)

    def __eq__(self, other: object) -> bool:
        """Same octets."""
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        """Of the octets."""
        return hash(self.der)

    @cached_property
    def tbs(self) -> bytes:
        """The TBSCertificate."""
        return self.x509.tbs_certificate_bytes

    @property
    def version(self) -> int:
        """1 to 3."""
        return self._raw.version + 1

    @property
    def serial_octets(self) -> bytes:
        """The serial as DER has it."""
        return self.serial.to_bytes(self.serial.bit_length() // 8 + 1, "big")

    @cached_property
    def signature_algorithm(self) -> str:
        """Dotted OID of the algorithm outside the signed part."""
        return self.x509.signature_algorithm_oid.dotted_string

    @cached_property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return encode_der(self._raw.public_key)

    @cached_property
    def extensions(self) -> tuple[Extension, ...]:
        """The extensions in order, as octets."""
        return ext.kept(self._raw.extensions)

    def extension(self, oid: str) -> Extension | None:
        """The extension of this type."""
        return next((extension for extension in self.extensions if extension.oid == oid), None)

    @cached_property
    def extended_key_usages(self) -> tuple[str, ...] | None:
        """The purposes of extKeyUsage as dotted OIDs; ``None`` without that extension."""
        found = ext.value(self.x509.extensions, ExtendedKeyUsage)
        return None if found is None else tuple(purpose.dotted_string for purpose in found)

    @property
    def public_key_point(self) -> bytes:
        """The uncompressed point, 65 octets; empty when the key is no P-256 key."""
        return self.key_bits if self.key_form is KeyForm.P256 else b""

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key object; raises ``WireError`` ``certificate_key_unusable`` when it is no P-256 key on the curve."""
        return usable(self._key, self.key_form, "certificate")

    @cached_property
    def entity_id(self) -> Eui64 | None:
        """EUI-64 of the organisation (subject attribute) or of the device (hardware serial), smki.md 2.3 and 2.6."""
        return entity_of(self.subject, self.hardware_module_name)

    @cached_property
    def role(self) -> int | None:
        """The two hex digits of the subject's OU as a number; compares equal to ``RemotePartyRole`` (smki.md 1.3)."""
        return role_of(self.subject)

    @property
    def is_authority(self) -> bool:
        """Whether basicConstraints says CA."""
        return self.basic_constraints is not None and self.basic_constraints.ca

    @cached_property
    def kind(self) -> CertificateKind:
        """The profile this certificate is meant to follow, judged by CA flag, subject and subjectAltName."""
        subject = self.subject
        if self.is_authority:
            if subject.organisational_unit is None:
                if not subject.common_name or len(subject.attributes) != 1:
                    return CertificateKind.UNKNOWN
                if self.key_form is KeyForm.RSA and self.is_self_issued:
                    return CertificateKind.ICA
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
    with reading("certificate"):
        found = unarmour(data, _LABELS)
    return [Certificate.from_der(der) for der in found]


def verify_signature(certificate: Certificate, issuer_public_key: ec.EllipticCurvePublicKey) -> bool:
    """Whether this key made the signature: ecdsa-with-SHA256, strict DER except what trap T6 re-encoded and flagged."""
    if certificate.signature_algorithm != ECDSA_SHA256_OID or ALGORITHM_MISMATCH in certificate.flags:
        return False
    return verify_ecdsa_der(issuer_public_key, certificate.signature, certificate.tbs)


def bounded(der: bytes, limit: int) -> bytes:
    """The octets; raises ``WireError`` ``too_long`` when there are more than ``limit``."""
    if len(der) > limit:
        raise WireError(limit, "", f"more than {limit} octets", "too_long")
    return bytes(der)


def usable(key: ec.EllipticCurvePublicKey | None, form: KeyForm, noun: str) -> ec.EllipticCurvePublicKey:
    """The key; raises ``WireError`` ``..._key_unusable`` when there is none."""
    if key is None:
        raise WireError(-1, "publicKeyInfo", f"a P-256 key was expected: {form}", f"{noun}_key_unusable")
    return key


def entity_of(subject: Name, module: HardwareModuleName | None) -> Eui64 | None:
    """EUI-64 of an organisation's subject, or else of a device's hardware serial."""
    if (found := subject.entity_id) is not None:
        return found
    return Eui64(module.serial_number) if module and len(module.serial_number) == 8 else None


def signature_of(signature: BitString, algorithm: str, flags: list[str]) -> bytes:
    """The octets of a signature as it can be verified; adds to ``flags`` (trap T6)."""
    if signature.padding_bits():
        raise ValueError("a signature has no unused bits")
    if algorithm != ECDSA_SHA256_OID:
        return signature.as_bytes()
    octets, flag = settled(signature.as_bytes())
    if flag:
        flags.append(flag)
    return octets


def _read(der: bytes, stage: Stage) -> Certificate:
    found = load_der_x509_certificate(der)
    raw = decode_der(_asn1.Certificate, der)
    tbs = raw.tbs
    flags: list[str] = []
    if not _asn1.timely((tbs.validity.not_before, tbs.validity.not_after)):
        flags.append(TIME_FORM_WRONG)
    if tbs.issuer_unique_id is not None:
        flags.append(ISSUER_UNIQUE_ID)
    if tbs.subject_unique_id is not None:
        flags.append(SUBJECT_UNIQUE_ID)
    if tbs.signature.data != raw.algorithm.data:
        flags.append(ALGORITHM_MISMATCH)
    if tbs.extensions == []:
        flags.append(EXTENSIONS_EMPTY)
    stage.at = "name"
    issuer, subject = Name(encode_der(tbs.issuer), found.issuer), Name(encode_der(tbs.subject), found.subject)
    stage.at = "extensions"
    known = ext.known(found.extensions, tbs.extensions)
    stage.at = "key"
    key_form, key_bits, key = read_key(tbs.public_key)
    signature = signature_of(raw.signature, found.signature_algorithm_oid.dotted_string, flags)
    return Certificate(
        der, found, tbs.serial, issuer, found.not_valid_before_utc, found.not_valid_after_utc, subject, key_form,
        key_bits, known.key_usage, known.subject_key_identifier, known.authority_key_identifier, known.policies,
        known.basic_constraints, known.hardware_module_name, signature, frozenset((*flags, *known.flags)), tbs, key,
    )  # fmt: skip
