"""Whether a kept certificate still is what its record says, signed by the issuer it names (hostile C14)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustcell.certs import Certificate, CertificateKind, method2_ski, verify_signature
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import Clause, Finding, WireError

CONTENT = Clause("SEC L5", "SEC Section L5: what the SMKI Repository holds")
CODE = "certificate_altered"
_REMEDY = "restore the record from a backup or an export; trustcell smki verify-all lists every such record"

Issuers = Mapping[str, Sequence[bytes]]
"""SubjectPublicKeyInfos of authorities by the name of the authority as records have it."""

FAMILIES: Mapping[CertificateKind, Family] = {
    CertificateKind.DEVICE: Family.DEVICE,
    CertificateKind.ISSUING_DCA: Family.DEVICE,
    CertificateKind.ROOT_DCA: Family.DEVICE,
    CertificateKind.ORGANISATION: Family.ORGANISATION,
    CertificateKind.ISSUING_OCA: Family.ORGANISATION,
    CertificateKind.ROOT_OCA: Family.ORGANISATION,
    CertificateKind.IKI: Family.IKI,
    CertificateKind.ICA: Family.IKI,
}


def issuer_of(certificate: Certificate) -> str:
    """The name of the issuer as records have it: its CN, or all of it when there is none (trap T15)."""
    return certificate.issuer.common_name or str(certificate.issuer)


def ski_of(certificate: Certificate) -> bytes:
    """The SKI it carries, or the one its key would have (trap T15)."""
    return certificate.subject_key_identifier or method2_ski(certificate.key_bits)


def signed_by(certificate: Certificate, spki: bytes) -> bool:
    """Whether the key of this SubjectPublicKeyInfo made the signature: ECDSA P-256, or RSA as the ICA uses it."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        return verify_signature(certificate, key)
    algorithm = certificate.x509.signature_hash_algorithm
    if not isinstance(key, rsa.RSAPublicKey) or algorithm is None:
        return False
    try:
        key.verify(certificate.x509.signature, certificate.tbs, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def is_self_signed(certificate: Certificate) -> bool:
    """Whether its own key signed it, whatever issuer it names (trap T4)."""
    return signed_by(certificate, certificate.spki)


@dataclass(frozen=True, slots=True)
class ImportNote:
    """What was noted when a certificate of another authority was taken in: its digest, whether pinned, findings."""

    sha256: str
    pinned: bool
    findings: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)


def alterations(record: CertificateRecord, issuers: Issuers, note: ImportNote | None = None) -> list[Finding]:
    """What differs between a record, its octets and its issuer's signature; each is ``certificate_altered``.

    ``issuers`` are the authorities known here. A pinned certificate names an issuer that never signed it, so its own
    key must have; one whose issuer is not known must be the one that was imported.
    """
    try:
        certificate = Certificate.from_der(record.der)
    except WireError as error:
        return [_altered(record, "der", f"the octets are no certificate any more: {error}")]
    found = [
        _altered(record, name, f"the record says {kept}, the octets say {read}")
        for name, kept, read in _differences(record, certificate)
    ]
    if note is not None and note.sha256 != certificate.sha256.hex():
        found.append(_altered(record, "der", "these are not the octets that were imported"))
    keys = [certificate.spki] if note is not None and note.pinned else issuers.get(record.issuer, ())
    if not keys and not record.imported:
        found.append(_altered(record, "issuer", f"no authority {record.issuer} is known here"))
    elif keys and not any(signed_by(certificate, key) for key in keys):
        found.append(_altered(record, "signature", f"the signature is not one of {record.issuer}"))
    return found


def _differences(record: CertificateRecord, read: Certificate) -> Iterator[tuple[str, object, object]]:
    pairs = (
        ("issuer", record.issuer, issuer_of(read)),
        ("serial", record.serial, read.serial),
        ("family", record.family, record.family if read.is_authority else FAMILIES.get(read.kind, record.family)),
        ("role", record.role, read.role),
        ("entity_id", record.entity_id, read.entity_id),
        ("key_usage", record.key_usage, read.key_usage),
        ("ski", record.ski.hex(), ski_of(read).hex()),
        ("key", record.key.hex(), read.spki_sha256.hex()),
        ("not_before", record.not_before, read.not_before),
        ("not_after", record.not_after, read.not_after),
    )
    for name, kept, found in pairs:
        if kept != found:
            yield name, kept, found


def _altered(record: CertificateRecord, field: str, message: str) -> Finding:
    return CONTENT.breach(CODE, f"{record.issuer}/{record.serial:X}.{field}", message, _REMEDY)
