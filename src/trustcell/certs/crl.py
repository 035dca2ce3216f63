"""Certificate revocation lists: version 2, read, searched, checked and built (smki.md 3.7; format assumed there)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from cryptography.hazmat.asn1 import decode_der, encode_der
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import CertificateRevocationList as LibraryList
from cryptography.x509 import (
    CRLNumber,
    CRLReason,
    load_der_x509_crl,
)

from trustcell.certs import _asn1
from trustcell.certs import extensions as ext
from trustcell.certs._library import TIME_FORM_WRONG, Stage, reading
from trustcell.certs.armour import unarmour
from trustcell.certs.builder import Signer, signed
from trustcell.certs.certificate import ALGORITHM_MISMATCH, bounded, signature_of
from trustcell.certs.extensions import Extension
from trustcell.certs.name import Name
from trustcell.certs.signature import ECDSA_SHA256_OID, verify_ecdsa_der
from trustcell.vocab import WireError

MAX_CRL_OCTETS = 64 * 1024 * 1024
VALID_REASONS = frozenset({1, 2, 3, 4, 5, 6, 8, 9, 10})
"""CRLReason of RFC 5280 5.3.1 that may be written; 0 (unspecified) is left out, 7 is not used."""

_LABELS = frozenset({"X509 CRL"})


@dataclass(frozen=True, slots=True)
class CrlEntry:
    """One revoked certificate: serial, when, and the CRLReason number if one was written."""

    serial: int
    revoked_at: datetime
    reason: int | None = None
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True)
class CertificateList:
    """One list, all of it decoded once. ``version`` counts 1 and 2; ``number`` is cRLNumber, ``None`` when absent."""

    der: bytes
    x509: LibraryList = field(compare=False, repr=False)
    version: int
    signature_algorithm: str
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    entries: tuple[CrlEntry, ...]
    extensions: tuple[Extension, ...]
    number: int | None
    authority_key_identifier: bytes | None
    signature: bytes = field(repr=False)
    flags: frozenset[str]

    @classmethod
    def from_der(cls, der: bytes) -> "CertificateList":
        """Read one list and nothing behind it; raises ``WireError`` (``crl_not_der`` and the like)."""
        with reading("crl") as stage:
            return _read(bounded(der, MAX_CRL_OCTETS), stage)

    @cached_property
    def tbs(self) -> bytes:
        """The TBSCertList."""
        return self.x509.tbs_certlist_bytes

    @cached_property
    def _by_serial(self) -> dict[int, CrlEntry]:
        return {entry.serial: entry for entry in reversed(self.entries)}

    def entry(self, serial: int) -> CrlEntry | None:
        """The entry of this serial; the first if the list repeats it."""
        return self._by_serial.get(serial)

    def is_revoked(self, serial: int) -> bool:
        """Whether the serial is listed."""
        return serial in self._by_serial

    def extension(self, oid: str) -> Extension | None:
        """The list extension of this type."""
        return next((extension for extension in self.extensions if extension.oid == oid), None)

    def verify(self, issuer_public_key: ec.EllipticCurvePublicKey) -> bool:
        """Whether this key signed the list with ecdsa-with-SHA256 in strict DER."""
        return (
            self.signature_algorithm == ECDSA_SHA256_OID
            and ALGORITHM_MISMATCH not in self.flags
            and verify_ecdsa_der(issuer_public_key, self.signature, self.tbs)
        )


def load_crl(data: bytes) -> CertificateList:
    """Read one list in PEM, base64 or DER; raises ``WireError`` with ``crl_`` codes."""
    with reading("crl"):
        found = unarmour(data, _LABELS)
        if len(found) != 1:
            raise WireError(0, "", f"one list was expected, found {len(found)}", "armour_count")
    return CertificateList.from_der(found[0])


@dataclass(frozen=True, slots=True)
class CrlTemplate:
    """A list to be: ``entries`` are encoded ones (``encode_crl_entry``), so that a large list can be kept encoded."""

    issuer: Name
    this_update: datetime
    next_update: datetime
    number: int
    issuer_key_identifier: bytes
    entries: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a negative number or a period that ends before it begins."""
        if not 0 <= self.number < 2**159:
            raise ValueError("a CRL number is 0 or more and has at most 20 octets")
        if self.next_update <= self.this_update:
            raise ValueError("nextUpdate comes after thisUpdate")


def encode_crl_entry(serial: int, revoked_at: datetime, reason: int | None = None) -> bytes:
    """One entry of revokedCertificates; raises ``ValueError`` for a reason that RFC 5280 does not let be written."""
    extensions = None
    if reason is not None:
        if reason not in VALID_REASONS:
            raise ValueError(f"{reason} is no CRLReason to write")
        enumerated = bytes((0x0A, 1, reason))
        extensions = [_asn1.Extension(oid=CRLReason.oid, critical=False, value=enumerated)]
    return encode_der(_asn1.Revoked(serial=serial, revoked_at=_asn1.moment(revoked_at), extensions=extensions))


def crl_tbs_octets(template: CrlTemplate) -> bytes:
    """The TBSCertList: version 2, ecdsa-with-SHA256, AKI and cRLNumber."""
    number = _asn1.extension(CRLNumber(template.number), False)
    return encode_der(
        _asn1.TbsCertList(
            version=1,
            signature=_asn1.tlv(_asn1.ECDSA_SHA256),
            issuer=_asn1.tlv(template.issuer.der),
            this_update=_asn1.moment(template.this_update),
            next_update=_asn1.moment(template.next_update),
            revoked=[_asn1.tlv(entry) for entry in template.entries] or None,
            extensions=[ext.authority_key_identifier(template.issuer_key_identifier), number],
        )
    )


def issue_crl(template: CrlTemplate, sign: Signer) -> CertificateList:
    """The list of a template, signed and read back."""
    return CertificateList.from_der(signed(crl_tbs_octets(template), sign))


def encode_entries(entries: Iterable[CrlEntry]) -> tuple[bytes, ...]:
    """Entries read from one list, encoded for the next; only serial, time and reason are kept."""
    return tuple(encode_crl_entry(entry.serial, entry.revoked_at, entry.reason) for entry in entries)


def _read(der: bytes, stage: Stage) -> CertificateList:
    found = load_der_x509_crl(der)
    raw = decode_der(_asn1.CertList, der)
    tbs = raw.tbs
    stage.at = "name"
    issuer = Name(encode_der(tbs.issuer), found.issuer)
    stage.at = "extensions"
    for extension in tbs.extensions or ():
        if extension.oid == CRLNumber.oid and decode_der(int, extension.value) < 0:
            raise WireError(-1, "extensions.cRLNumber", "a CRL number is 0 or more", "number_negative")
    known = ext.known(found.extensions, tbs.extensions)
    number = ext.value(found.extensions, CRLNumber)
    stage.at = "entries"
    revoked = [decode_der(_asn1.Revoked, encode_der(entry)) for entry in tbs.revoked or ()]
    reasons = [ext.value(entry.extensions, CRLReason) for entry in found]
    entries = tuple(
        CrlEntry(entry.serial, entry.revoked_at.as_datetime(), _reason(reason, entry), ext.kept(entry.extensions))
        for entry, reason in zip(revoked, reasons, strict=True)
    )
    flags = [flag for flag in known.flags if flag == ext.AKI_NAMES_ISSUER]
    if tbs.signature.data != raw.algorithm.data:
        flags.append(ALGORITHM_MISMATCH)
    if not _asn1.timely((tbs.this_update, tbs.next_update, *(entry.revoked_at for entry in revoked))):
        flags.append(TIME_FORM_WRONG)
    stage.at = "signature"
    algorithm = found.signature_algorithm_oid.dotted_string
    signature = signature_of(raw.signature, algorithm, flags)
    return CertificateList(
        der, found, (tbs.version or 0) + 1, algorithm, issuer, found.last_update_utc, found.next_update_utc, entries,
        ext.kept(tbs.extensions), number.crl_number if number else None, known.authority_key_identifier, signature,
        frozenset(flags),
    )  # fmt: skip


def _reason(found: CRLReason | None, entry: _asn1.Revoked) -> int | None:
    """The number of a reason that the library knows: the last octet of its ENUMERATED."""
    if found is None:
        return None
    return next(e.value[-1] for e in entry.extensions or () if e.oid == CRLReason.oid)
