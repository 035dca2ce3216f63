"""A few hundred items of a batch: judged and drafted in one commit, signed, stored with their verdicts in another."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from trustcell import certs
from trustcell.governance.rules.canonical import moment
from trustcell.smki.ports import Books
from trustcell.smki.rules.batch import BatchFacts as Facts
from trustcell.smki.rules.batch import ItemStatus, item_name, judge_item, warnings
from trustcell.smki.rules.batch import in_use as key_in_use
from trustcell.smki.rules.clauses import PROFILE
from trustcell.smki.rules.records import ABANDONED, CertificateRecord, Family, ItemVerdict, Query
from trustcell.smki.rules.records_complete import SERIAL_OCTETS
from trustcell.smki.rules.revocation import GROUNDS, Circumstance, identity
from trustcell.smki.service.hierarchy import CaKey
from trustcell.smki.service.making import Random
from trustcell.smki.service.shapes import DeviceShape, DeviceShapes, throw_away_signed
from trustcell.vocab import Eui64, Finding, Refused

_TRIES = 3
_DEVICE, _SUCCESS = certs.CertificateKind.DEVICE.value, ItemStatus.SUCCESS.value
SHAPE, INTENT = "certificate-shape", "batch-intent"
"""Kinds of documents: the twin of each shape by its SHA-256 (hex); what a chunk has signed, by its first item."""
Refusal = tuple[ItemStatus, Finding]
Drafted = Mapping[int, bytes]
"""What a run before was about to sign: to-be-signed octets by number of the item."""


class Planned(NamedTuple):
    """An item that is to be issued. ``not_before`` is the moment it was drafted at."""

    number: int
    request: certs.DeviceRequest
    serial: int
    tbs: bytes
    not_before: datetime
    shape: DeviceShape
    warnings: list[dict[str, Any]]


@dataclass
class Chunk:
    """Items ``first`` and following of a batch, and what became of each so far."""

    batch: str
    first: int
    requests: Sequence[certs.DeviceRequest]
    planned: list[Planned] = field(default_factory=list)
    refused: dict[int, Refusal] = field(default_factory=dict)
    made: dict[int, bytes] = field(default_factory=dict)
    """DER of certificates by number of the item."""

    @property
    def last(self) -> int:
        """The number of its last item."""
        return self.first + len(self.requests) - 1

    def numbered(self) -> list[tuple[int, certs.DeviceRequest]]:
        """The requests with their numbers."""
        return list(enumerate(self.requests, self.first))


class ChunkMaker:
    """Takes chunks through their steps with the key of the Issuing DCA."""

    def __init__(self, ca: CaKey, shapes: DeviceShapes, random: Random) -> None:
        """Work for one authority."""
        self._ca, self._shapes, self._random = ca, shapes, random

    def judge(
        self, books: Books, chunk: Chunk, facts: Facts, drafted: Drafted, at: datetime, nobody: Refusal | None
    ) -> None:
        """Say of each item whether it is issued, and draft those that are.

        ``drafted`` are those that a run before did not bring to an end; ``nobody`` is why no other item can be issued.
        """
        earlier: dict[bytes, int] = {}
        more: Counter[bytes] = Counter()
        granted = []
        for number, request in chunk.numbered():
            verdict = None if number in drafted else nobody or judge_item(number, request, facts, earlier, more)
            if verdict is not None:
                chunk.refused[number] = verdict
                continue
            earlier[request.key] = number
            more[request.entity_id] += 1
            granted.append((number, request))
        fresh = [(number, request) for number, request in granted if number not in drafted]
        serials = self._free_serials(books, len(fresh))
        if serials is None:
            finding = PROFILE.breach("serial_in_use", "serialNumber", "no serial is free", "a working random source")
            chunk.refused.update((number, (ItemStatus.CA_ERROR, finding)) for number, _ in fresh)
            serials, fresh = [], []
        for (number, request), serial in zip(fresh, serials, strict=True):
            shape = self._shapes.shape(at, request.key_usage, request.hardware_type)
            tbs = shape.splice.tbs(serial, request.entity_id, request.point)
            noted = warnings(request, facts) if request.key in facts.holders else []
            chunk.planned.append(Planned(number, request, serial, tbs, at, shape, noted))
        for number, tbs in drafted.items():
            request = chunk.requests[number - chunk.first]
            twin = certs.Certificate.from_der(throw_away_signed(tbs, self._random))
            shape = self._shapes.shape(twin.not_before, request.key_usage, request.hardware_type)
            noted = warnings(request, facts) if request.key in facts.holders else []
            chunk.planned.append(Planned(number, request, twin.serial, tbs, twin.not_before, shape, noted))
        chunk.planned.sort(key=lambda planned: planned.number)

    def intend(self, books: Books, chunk: Chunk, at: datetime) -> None:
        """Store what is about to be signed, and the twins it was held against."""
        twins = {planned.shape.twin_sha256: planned.shape.twin for planned in chunk.planned}
        for name, twin in twins.items():
            if books.documents.get(SHAPE, name) is None:
                books.documents.put(SHAPE, name, {}, twin)
        octets = b"".join(planned.tbs for planned in chunk.planned)
        body = {
            "first": chunk.first,
            "last": chunk.last,
            "numbers": [planned.number for planned in chunk.planned],
            "tbs_sha256": sha256(octets).hexdigest(),
            "twins": sorted(twins),
        }
        books.documents.put(INTENT, item_name(chunk.batch, chunk.first), {**body, "at": moment(at)}, octets)
        told = {name: value for name, value in body.items() if name != "numbers"}
        books.audit.append("batch.intended", chunk.batch, {**told, "intents": len(chunk.planned)}, at)

    def sign(self, chunk: Chunk, clock: Callable[[], datetime], hook: Callable[[str], None]) -> None:
        """Sign once all of it has passed the check again, octet for octet; otherwise the key is not used at all."""
        for planned in chunk.planned:
            found, request = planned.shape.check, planned.request
            if not found.passes(planned.tbs, planned.serial, request.entity_id, request.point):
                raise Refused(list(found.breaches(planned.tbs, planned.serial, request.entity_id, request.point)))
        # Nothing but the key in this loop: what runs between signatures makes them slower.
        signed: list[tuple[int, bytes, bytes]] = []
        for planned in chunk.planned:
            try:
                signature = self._ca.sign(planned.tbs, clock())
            except Refused as refusal:
                chunk.refused[planned.number] = (ItemStatus.CA_ERROR, refusal.findings[0])
                continue
            signed.append((planned.number, planned.tbs, signature))
            hook("K47-signed")
        chunk.made.update((number, certs.certificate_octets(tbs, signature)) for number, tbs, signature in signed)

    def store(self, books: Books, chunk: Chunk, operator: str, purpose: str, now: datetime) -> list[ItemVerdict]:
        """Keep certificates, verdicts and an audit entry for each item; the verdicts."""
        issuer = self._ca.name
        by_number = {planned.number: planned for planned in chunk.planned}
        records = [
            _record(issuer, chunk.batch, by_number[number], der, purpose, now) for number, der in chunk.made.items()
        ]
        self._add(books, chunk, by_number, _succeeding(books, records, now), now)
        verdicts, entries = [], []
        for number, request in chunk.numbered():
            if number in chunk.refused:
                verdict, entry = _refusal(chunk, number, request, *chunk.refused[number], operator)
            else:
                verdict, entry = _success(chunk, by_number[number], chunk.made[number], issuer)
            verdicts.append(verdict)
            entries.append(entry)
        books.batches.record(chunk.batch, verdicts)
        books.audit.append_many(now, entries)
        return verdicts

    def abandon(self, books: Books, batch: str, number: int, tbs: bytes, now: datetime) -> None:
        """Keep the twin of what may have been signed and nobody has, revoked; its key counts as used (K39)."""
        made = certs.Certificate.from_der(throw_away_signed(tbs, self._random))
        uses = [each.key_use for each in books.certificates.with_key(made.spki_sha256, Family.DEVICE)]
        ground = GROUNDS[Circumstance.ERROR]
        record = CertificateRecord(
            self._ca.name, made.serial, Family.DEVICE, ABANDONED, str(made.subject), None, made.entity_id,
            made.key_usage, made.subject_key_identifier or b"", made.spki_sha256, made.not_before, made.not_after,
            made.der, now, item_name(batch, number), min([0, *uses]) - 1, revoked_at=now,
            revocation_reason=ground.reasons[0], revocation_circumstance=Circumstance.ERROR.value,
        )  # fmt: skip
        books.certificates.add(record)
        body = {"request": record.request, "tbs_sha256": sha256(tbs).hexdigest()}
        books.audit.append("certificate.abandoned", identity(record.issuer, record.serial), body, now)

    def _add(
        self,
        books: Books,
        chunk: Chunk,
        planned: Mapping[int, Planned],
        records: list[CertificateRecord],
        now: datetime,
    ) -> None:
        """Keep the certificates; those whose key another process used in the meantime are refused and given up."""
        try:
            if records:
                books.certificates.add_many(records)
            return
        except Refused:
            holders = books.certificates.holders([each.key for each in records])
        kept = []
        for record in records:
            number = int(record.request.rpartition("/")[2])
            others = [name for family, name in holders.get(record.key, ()) if family is Family.DEVICE]
            if any(name != record.request for name in others):
                message = "another certificate of the Device family holds it by now"
                chunk.refused[number] = (ItemStatus.CSR_ERROR, key_in_use(message))
                self.abandon(books, chunk.batch, number, planned[number].tbs, now)
            else:
                kept.append(record)
        books.certificates.add_many(kept)

    def _free_serials(self, books: Books, count: int) -> list[int] | None:
        """So many serials that are not used, nor twice among them; after three tries the source is broken (C12)."""
        for _ in range(_TRIES if count else 0):
            found = serials(count, self._random)
            if len(set(found)) == count and not books.certificates.serials_in_use(self._ca.name, found):
                return found
        return None if count else []


def serials(count: int, random: Random) -> list[int]:
    """So many serials of 16 octets, the first 10 to 7F (smki.md 2.1)."""
    octets = bytearray(random(SERIAL_OCTETS * count))
    octets[::SERIAL_OCTETS] = bytes(0x10 + octet % 0x70 for octet in octets[::SERIAL_OCTETS])
    places = range(0, len(octets), SERIAL_OCTETS)
    return [int.from_bytes(octets[place : place + SERIAL_OCTETS], "big") for place in places]


def read_drafted(body: Mapping[str, Any], octets: bytes) -> Drafted:
    """What ``intend`` stored."""
    found, place = {}, 0
    for number in body["numbers"]:
        end = place + 4 + int.from_bytes(octets[place + 2 : place + 4], "big")
        found[number] = octets[place:end]
        place = end
    return found


def _record(issuer: str, batch: str, planned: Planned, der: bytes, purpose: str, now: datetime) -> CertificateRecord:
    request = planned.request
    return CertificateRecord(
        issuer, planned.serial, Family.DEVICE, _DEVICE, "", None, Eui64(request.entity_id), request.key_usage,
        certs.method2_ski(request.point), request.key, planned.not_before, certs.NO_EXPIRY, der, now,
        item_name(batch, planned.number), purpose=purpose, lodged_at=now,
    )  # fmt: skip


def _succeeding(books: Books, records: list[CertificateRecord], now: datetime) -> list[CertificateRecord]:
    """The records, once what they replace is out of use: a device has one certificate in use for each key usage.

    Clients of the repository fail on two (dcc-boxed-interface.md 4.4), so the old one goes with the same commit.
    """
    newest = {(each.entity_id, each.key_usage): each.serial for each in records}
    devices = sorted({each.entity_id for each in records if each.entity_id is not None})
    for device in books.certificates.issued_counts(devices, Family.DEVICE):
        query = Query(entity_id=Eui64(device), family=Family.DEVICE)
        for old in books.certificates.search(query, now):
            replaced = old.revoked_at is None and old.superseded_at is None
            if replaced and (old.entity_id, old.key_usage) in newest:
                books.certificates.update(replace(old, superseded_at=now))
    return [
        each if newest[each.entity_id, each.key_usage] == each.serial else replace(each, superseded_at=now)
        for each in records
    ]


def _success(chunk: Chunk, planned: Planned, der: bytes, issuer: str) -> tuple[ItemVerdict, tuple[str, str, Any]]:
    body: dict[str, Any] = {
        "batch": chunk.batch,
        "csr_sha256": sha256(planned.request.der).hexdigest(),
        "item": planned.number,
        "sha256": sha256(der).hexdigest(),
        "twin_sha256": planned.shape.twin_sha256,
    }
    if planned.warnings:
        body["warnings"] = planned.warnings
    verdict = ItemVerdict(planned.number, _SUCCESS, serial=planned.serial)
    return verdict, ("certificate.issued", identity(issuer, planned.serial), body)


def _refusal(
    chunk: Chunk, number: int, request: certs.DeviceRequest, status: ItemStatus, finding: Finding, operator: str
) -> tuple[ItemVerdict, tuple[str, str, Any]]:
    body = {
        "actor": operator,
        "csr_sha256": sha256(request.der).hexdigest(),
        "findings": [finding.as_json()],
        "status": status.value,
    }
    verdict = ItemVerdict(number, status.value, finding.code, str(finding))
    return verdict, ("issue.refused", item_name(chunk.batch, number), body)
