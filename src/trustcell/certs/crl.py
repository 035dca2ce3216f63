"""Certificate revocation lists: version 2, read, searched, checked and built (smki.md 3.7; format assumed there)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import _der
from trustcell.certs import extensions as ext
from trustcell.certs._known import AKI_NAMES_ISSUER
from trustcell.certs._signed import read_algorithm, signed_parts
from trustcell.certs.armour import unarmour
from trustcell.certs.builder import Signer, authority_key_identifier_extension, signed
from trustcell.certs.certificate import (
    ALGORITHM_MISMATCH,
    NAME_RDN_EMPTY,
    TIME_FORM_WRONG,
)
from trustcell.certs.extensions import Extension
from trustcell.certs.name import Name
from trustcell.certs.signature import ECDSA_SHA256, ECDSA_SHA256_OID, settled, verify_ecdsa_der
from trustcell.vocab import WireError

MAX_CRL_OCTETS = 64 * 1024 * 1024
VALID_REASONS = frozenset({1, 2, 3, 4, 5, 6, 8, 9, 10})
"""CRLReason of RFC 5280 5.3.1 that may be written; 0 (unspecified) is left out, 7 is not used."""

_LABELS = frozenset({"X509 CRL"})
_TIMES = (_der.UTC_TIME, _der.GENERALIZED_TIME)


@dataclass(frozen=True, slots=True)
class CrlEntry:
    """One revoked certificate: serial, when, and the CRLReason number if one was written."""

    serial: int
    revoked_at: datetime
    reason: int | None = None
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, eq=True)
class CertificateList:
    """One list. ``version`` counts 1 and 2; ``number`` is cRLNumber, ``None`` when absent."""

    der: bytes
    tbs: bytes
    version: int
    signature_algorithm: str
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    entries: tuple[CrlEntry, ...]
    extensions: tuple[Extension, ...]
    number: int | None
    authority_key_identifier: bytes | None
    signature: bytes
    flags: frozenset[str]

    @classmethod
    def from_der(cls, der: bytes) -> "CertificateList":
        """Read one list and nothing behind it; raises ``WireError`` (``crl_not_der`` and the like)."""
        with _der.noun("crl"):
            return _read(bytes(der))

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
    with _der.noun("crl"):
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
    parts = [_der.encode_integer(serial), _der.encode_moment(revoked_at)]
    if reason is not None:
        if reason not in VALID_REASONS:
            raise ValueError(f"{reason} is no CRLReason to write")
        code = ext.encode_extension(ext.CRL_REASON, False, _der.encode(_der.ENUMERATED, bytes((reason,))))
        parts.append(_der.encode(_der.SEQUENCE, code))
    return _der.encode(_der.SEQUENCE, *parts)


def crl_tbs_octets(template: CrlTemplate) -> bytes:
    """The TBSCertList: version 2, ecdsa-with-SHA256, AKI and cRLNumber."""
    number = ext.encode_extension(ext.CRL_NUMBER, False, _der.encode_integer(template.number))
    extensions = _der.encode(_der.SEQUENCE, authority_key_identifier_extension(template.issuer_key_identifier), number)
    return _der.encode(
        _der.SEQUENCE,
        _der.encode_integer(1),
        ECDSA_SHA256,
        template.issuer.der,
        _der.encode_moment(template.this_update),
        _der.encode_moment(template.next_update),
        _der.encode(_der.SEQUENCE, *template.entries) if template.entries else b"",
        _der.encode(0xA0, extensions),
    )


def issue_crl(template: CrlTemplate, sign: Signer) -> CertificateList:
    """The list of a template, signed and read back."""
    return CertificateList.from_der(signed(crl_tbs_octets(template), sign))


def encode_entries(entries: Iterable[CrlEntry]) -> tuple[bytes, ...]:
    """Entries read from one list, encoded for the next; only serial, time and reason are kept."""
    return tuple(encode_crl_entry(entry.serial, entry.revoked_at, entry.reason) for entry in entries)


def _read(der: bytes) -> CertificateList:
    start, at, end, algorithm, signature = signed_parts(der, MAX_CRL_OCTETS)
    flags: set[str] = set()
    version = 1
    if at < end and der[at] == _der.INTEGER:
        first, at = _der.expect(der, at, end, _der.INTEGER, "tbs.version")
        version = _der.integer(der, first, at, "tbs.version") + 1
        if version != 2:
            raise WireError(first, "tbs.version", "only version 2 is written", "version_unknown")
    _, stop = _der.expect(der, at, end, _der.SEQUENCE, "tbs.signature")
    if read_algorithm(der, at, stop, "tbs.signature") != algorithm:
        flags.add(ALGORITHM_MISMATCH)
    _, at = _der.expect(der, stop, end, _der.SEQUENCE, "tbs.issuer")
    issuer = Name.from_der(der[stop:at])
    if () in issuer.rdns:
        flags.add(NAME_RDN_EMPTY)
    this_update, at = _moment(der, at, end, flags)
    next_update = None
    if at < end and der[at] in _TIMES:
        next_update, at = _moment(der, at, end, flags)
    entries: tuple[CrlEntry, ...] = ()
    if at < end and der[at] == _der.SEQUENCE:
        first, at = _der.expect(der, at, end, _der.SEQUENCE, "tbs.revokedCertificates")
        entries = _entries(der, first, at, flags)
    extensions: tuple[Extension, ...] = ()
    if at < end:
        first, at = _der.expect(der, at, end, 0xA0, "tbs.extensions")
        first, stop = _der.whole(der, first, at, _der.SEQUENCE, "tbs.extensions")
        if version != 2:
            raise WireError(first, "tbs.extensions", "only version 2 has extensions", "extensions_before_version_2")
        extensions = ext.read_extensions(der, first, stop)
    _der.finished(at, end, "tbs")
    number, aki = _numbered(extensions, flags)
    if algorithm == ECDSA_SHA256_OID:
        signature, flag = settled(signature)
        if flag:
            flags.add(flag)
    return CertificateList(
        der, der[start:end], version, algorithm, issuer, this_update, next_update, entries, extensions, number, aki,
        signature, frozenset(flags),
    )  # fmt: skip


def _moment(der: bytes, at: int, end: int, flags: set[str]) -> tuple[datetime, int]:
    tag, first, stop = _der.tlv(der, at, end, "tbs.time")
    when, timely = _der.moment(tag, der[first:stop])
    if not timely:
        flags.add(TIME_FORM_WRONG)
    return when, stop


def _entries(der: bytes, at: int, end: int, flags: set[str]) -> tuple[CrlEntry, ...]:
    found: list[CrlEntry] = []
    path = "tbs.revokedCertificates"
    while at < end:
        first, at = _der.expect(der, at, end, _der.SEQUENCE, path)
        serial_start, stop = _der.expect(der, first, at, _der.INTEGER, path)
        serial = _der.integer(der, serial_start, stop, path)
        when, stop = _moment(der, stop, at, flags)
        if stop == at:
            found.append(CrlEntry(serial, when))
            continue
        first, last = _der.whole(der, stop, at, _der.SEQUENCE, path)
        extensions = ext.read_extensions(der, first, last)
        found.append(CrlEntry(serial, when, _reason(extensions), extensions))
    return tuple(found)


def _reason(extensions: tuple[Extension, ...]) -> int | None:
    reason = None
    for extension in extensions:
        value = extension.value
        if extension.oid == ext.CRL_REASON:
            first, last = _der.whole(value, 0, len(value), _der.ENUMERATED, "entry.reasonCode")
            reason = _der.integer(value, first, last, "entry.reasonCode")
        elif extension.oid == ext.INVALIDITY_DATE:
            first, last = _der.whole(value, 0, len(value), _der.GENERALIZED_TIME, "entry.invalidityDate")
            _der.moment(_der.GENERALIZED_TIME, value[first:last])
        elif extension.oid == ext.CERTIFICATE_ISSUER:
            for _ in ext.general_names(value, "entry.certificateIssuer"):
                pass
    return reason


def _numbered(extensions: tuple[Extension, ...], flags: set[str]) -> tuple[int | None, bytes | None]:
    number, aki = None, None
    for extension in extensions:
        value = extension.value
        if extension.oid == ext.CRL_NUMBER:
            first, last = _der.whole(value, 0, len(value), _der.INTEGER, "extensions.cRLNumber")
            number = _der.integer(value, first, last, "extensions.cRLNumber")
        elif extension.oid == ext.AUTHORITY_KEY_IDENTIFIER:
            authority = ext.read_authority_key_identifier(value)
            aki = authority.key_identifier
            if authority.names_issuer:
                flags.add(AKI_NAMES_ISSUER)
    return number, aki
