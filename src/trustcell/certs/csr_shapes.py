"""Requests for Device Certificates by the thousand: those that look like one read before are read by comparison.

A request whose octets equal, outside EUI-64, key and signature, those of one that the full reader took without a
finding is read by its slots; every other one goes to the full reader. So nothing passes here that would not there.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs._asn1 import ECDSA_SHA256
from trustcell.certs.armour import unarmour
from trustcell.certs.csr import LABELS, CertificationRequest, load_csr
from trustcell.certs.csr_profile import check_csr
from trustcell.certs.keys import SPKI_PREFIX
from trustcell.vocab import Clause, Finding, KeyUsage, Severity, WireError

_ECDSA, _CURVE = ec.ECDSA(hashes.SHA256()), ec.SECP256R1()
_NO_USAGE = KeyUsage(0)
_MOST_SHAPES = 16
_CONTENT = Clause("SEC Appendix M Appendix F", "SMKI Interface Design Specification, content of requests")


class DeviceRequest(NamedTuple):
    """A request as it was read. With an error among ``findings`` the other fields may be empty.

    ``key`` is the SHA-256 of the SubjectPublicKeyInfo, ``hardware_type`` a dotted OID.
    """

    der: bytes
    entity_id: bytes = b""
    key_usage: KeyUsage = _NO_USAGE
    hardware_type: str = ""
    point: bytes = b""
    key: bytes = b""
    findings: tuple[Finding, ...] = ()

    @property
    def error(self) -> Finding | None:
        """The first finding that keeps it from being issued."""
        return next((each for each in self.findings if each.severity is Severity.ERROR), None)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The CertificationRequestInfo of a request that was accepted, cut at its slots."""

    length: int
    fixed: tuple[tuple[slice, bytes], ...]
    point: slice
    entity: slice
    key_usage: KeyUsage
    hardware_type: str


class DeviceRequests:
    """Reads requests and remembers the shapes of those it found nothing wrong with."""

    def __init__(self) -> None:
        """Know no shape yet."""
        self._shapes: list[_Shape] = []

    def read(self, octets: bytes) -> DeviceRequest:
        """One request in any armour; what is wrong with it stands in ``findings``, and nothing is raised."""
        try:
            found = unarmour(octets, LABELS)
        except WireError:
            return self._read_in_full(octets)
        if len(found) == 1:
            for shape in self._shapes:
                if (request := _by_shape(found[0], shape)) is not None:
                    return request
        return self._read_in_full(octets)

    def _read_in_full(self, octets: bytes) -> DeviceRequest:
        try:
            csr = load_csr(octets)
        except WireError as error:
            wrong = _CONTENT.breach(
                error.code, error.path or "request", error.reason, "a PKCS#10 request in PEM, base64 or DER"
            )
            return DeviceRequest(octets, findings=(wrong,))
        findings = tuple(check_csr(csr))
        if not csr.is_for_device:
            message = f"it is {csr.subject}, and that of a device is empty"
            findings = (*findings, _CONTENT.breach("csr_subject_not_empty", "subject", message, "an empty subject"))
        entity, module = csr.entity_id, csr.hardware_module_name
        if entity is None or module is None or any(each.severity is Severity.ERROR for each in findings):
            return DeviceRequest(csr.der, findings=findings)
        if not findings and len(self._shapes) < _MOST_SHAPES:
            self._shapes += _shape_of(csr, bytes(entity), module.hardware_type)
        return DeviceRequest(
            csr.der, bytes(entity), csr.key_usage, module.hardware_type, csr.public_key_point,
            hashlib.sha256(csr.spki).digest(), findings,
        )  # fmt: skip


def _shape_of(csr: CertificationRequest, entity: bytes, hardware_type: str) -> list[_Shape]:
    """The shape of a request without a finding; none when a slot cannot be told from the rest."""
    info, point = csr.info, csr.public_key_point
    if info.count(entity) != 1 or info.count(SPKI_PREFIX + point) != 1:
        return []
    begin = info.index(SPKI_PREFIX) + len(SPKI_PREFIX)
    slots = slice(begin, begin + len(point)), slice(info.index(entity), info.index(entity) + len(entity))
    edges = [0, *sorted(edge for slot in slots for edge in (slot.start, slot.stop)), len(info)]
    fixed = tuple((slice(a, b), info[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True))
    return [_Shape(len(info), fixed, *slots, csr.key_usage, hardware_type)]


def _by_shape(der: bytes, shape: _Shape) -> DeviceRequest | None:
    """The request, if it has this shape and proves possession of its key."""
    length = len(der)
    if length >= 260:
        header = b"\x30\x82" + (length - 4).to_bytes(2, "big") if length < 65_540 else b""
    else:
        header = bytes((0x30, 0x81, length - 3)) if 131 <= length < 259 else b""
    start = len(header)
    end = start + shape.length
    if not header or der[:start] != header or der[end : end + 12] != ECDSA_SHA256:
        return None
    info = der[start:end]
    for place, octets in shape.fixed:
        if info[place] != octets:
            return None
    bits = der[end + 12 :]
    signature = bits[3:]
    if len(bits) < 3 or bits[:3] != bytes((3, len(bits) - 2 & 0xFF, 0)) or not _strict(signature):
        return None
    point = info[shape.point]
    if point[0] != 4:
        return None
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point).verify(signature, info, _ECDSA)
    except (InvalidSignature, ValueError):
        return None
    key = hashlib.sha256(SPKI_PREFIX + point).digest()
    return DeviceRequest(der, info[shape.entity], shape.key_usage, shape.hardware_type, point, key)


def _strict(signature: bytes) -> bool:
    """Whether it is an ECDSA-Sig-Value in DER: two positive integers in their shortest form, nothing behind them."""
    size = len(signature)
    if not 8 <= size <= 72 or signature[0] != 0x30 or signature[1] != size - 2:
        return False
    middle = 4 + signature[3]
    if middle + 2 >= size or middle + 2 + signature[middle + 1] != size:
        return False
    return _shortest(signature[2:middle]) and _shortest(signature[middle:])


def _shortest(integer: bytes) -> bool:
    if integer[0] != 2 or not 3 <= len(integer) <= 35 or integer[2] >= 0x80:
        return False
    return integer[2] != 0 or (len(integer) > 3 and integer[3] >= 0x80)
