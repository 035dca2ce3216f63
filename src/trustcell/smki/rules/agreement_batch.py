"""Whether all that is kept about a Device Certificate of a batch tells one story: batch, verdict, shape, log (I4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from trustcell import certs
from trustcell.governance.rules.canonical import canonical
from trustcell.smki.rules.agreement import Fault, tbs_of
from trustcell.smki.rules.records import CertificateRecord, ItemVerdict
from trustcell.smki.rules.revocation import identity

VARYING = frozenset({"warnings"})
"""What an audit entry may say besides what the books say as well."""


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch as it is kept: the DER of each CSR and the verdict on each, in their order from 1.

    ``drafted`` holds by number of the item the SHA-256 of what was to be signed, and the twins (SHA-256 in hex) that
    it was held against.
    """

    requests: Sequence[bytes]
    verdicts: Sequence[ItemVerdict]
    drafted: Mapping[int, tuple[bytes, tuple[str, ...]]]


class Shape:
    """The twin of a shape of certificates, and what it would be with another serial, device and key."""

    def __init__(self, twin: bytes) -> None:
        """Take the twin apart; ``WireError`` when it is no certificate."""
        found = certs.Certificate.from_der(twin)
        module = found.hardware_module_name
        self._tbs = found.tbs
        self._point = found.public_key_point
        self._ski = found.subject_key_identifier or b""
        self._serial = found.serial_octets
        self._entity = module.serial_number if module is not None else b""

    def filled(self, record: CertificateRecord, point: bytes) -> bytes:
        """The octets to be signed for this certificate."""
        serial, entity = record.serial.to_bytes(16, "big"), bytes(record.entity_id or b"")
        found = self._tbs.replace(self._point, point, 1).replace(self._ski, record.ski, 1)
        return found.replace(self._entity, entity, 1).replace(self._serial, serial, 1)


def story_digest(body: Mapping[str, Any]) -> bytes:
    """SHA-256 of what an audit entry about an item says, without what may vary: all that is remembered of it."""
    return sha256(canonical({name: value for name, value in body.items() if name not in VARYING})).digest()


def refusal_digest(status: str, code: str, message: str) -> bytes:
    """SHA-256 of what is said of an item that was refused."""
    return sha256(canonical({"code": code, "message": message, "status": status})).digest()


def item_of(record: CertificateRecord) -> tuple[str, int] | None:
    """Batch and number of the item a certificate was issued for; ``None`` when its request is no item."""
    batch, _, number = record.request.rpartition("/")
    return (batch, int(number)) if batch and number.isdecimal() else None


def batch_agreement(
    record: CertificateRecord,
    batch: KeptBatch | None,
    shapes: Mapping[str, Shape],
    point: bytes,
    said: bytes | None,
) -> Iterator[Fault]:
    """What does not agree about a certificate that was issued for an item.

    ``shapes`` are the twins by SHA-256 (hex). ``said`` is the digest of the audit entry that issued it.
    """
    name, item = identity(record.issuer, record.serial), item_of(record)
    if batch is None or item is None or not 1 <= item[1] <= len(batch.requests):
        yield Fault("I4", "request_missing", name, "there is no batch and item for it", "request")
        return
    number, tbs = item[1], tbs_of(record.der)
    drafted = batch.drafted.get(number)
    if drafted is None:
        yield Fault("I4", "intent_missing", name, "nothing says what was about to be signed", "intent")
        return
    if drafted[0] != sha256(tbs).digest():
        yield Fault("I4", "intent_differs", name, "other octets were about to be signed", "tbs")
    known = [twin for twin in drafted[1] if twin in shapes]
    twin = next((each for each in known if shapes[each].filled(record, point) == tbs), "")
    if not twin:
        yield Fault("I4", "twin_differs", name, "the twin that was linted is missing or of another shape", "twin")
    verdict = batch.verdicts[number - 1] if number <= len(batch.verdicts) else None
    if verdict is None or (verdict.number, verdict.status, verdict.serial) != (number, "SUCCESS", record.serial):
        yield Fault("I4", "verdict_differs", name, "the verdict on its item is another", "verdict")
    if said is None:
        yield Fault("I4", "audit_entry_missing", name, "the audit log has no certificate.issued about it", "audit")
    elif said != story_digest(expected_story(record, item, batch.requests[number - 1], twin)):
        message = "the audit log says something else than the books of item, CSR, octets or twin"
        yield Fault("I4", "audit_entry_differs", name, message, "certificate.issued")


def abandoned_agreement(record: CertificateRecord, said: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """What does not agree about an item that was given up; ``said`` are the bodies of ``certificate.abandoned``."""
    name = identity(record.issuer, record.serial)
    expected = {"request": record.request, "tbs_sha256": sha256(tbs_of(record.der)).hexdigest()}
    if not said:
        yield Fault("I4", "audit_entry_missing", name, "the audit log has no certificate.abandoned about it", "audit")
    elif dict(said[-1]) != expected:
        yield Fault("I4", "audit_entry_differs", name, "the audit log gave up other octets", "certificate.abandoned")


def expected_story(record: CertificateRecord, item: tuple[str, int], request: bytes, twin: str) -> dict[str, Any]:
    """What the audit entry must say."""
    return {
        "batch": item[0],
        "csr_sha256": sha256(request).hexdigest(),
        "item": item[1],
        "sha256": sha256(record.der).hexdigest(),
        "twin_sha256": twin,
    }
