"""What the books hold about batches, read once each, for the check of the certificates that came of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from trustcell import certs
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.duties import act_as_one
from trustcell.governance.rules.parties import Person
from trustcell.smki.ports import Books
from trustcell.smki.rules.agreement import Fault, tbs_of
from trustcell.smki.rules.agreement_batch import KeptBatch, Shape, abandoned_agreement, batch_agreement, item_of
from trustcell.smki.rules.batch import unpack_items
from trustcell.smki.rules.records import ABANDONED, CertificateRecord
from trustcell.smki.service.audit_index import AuditIndex
from trustcell.smki.service.batch_chunk import INTENT, SHAPE, read_drafted
from trustcell.vocab import WireError

_BATCH, _ITEMS = "batch", "batch-items"
_KEY_INFO = certs.spki_of(b"")
_POINT_OCTETS = 65


class BatchPapers:
    """Batches by name and twins by SHA-256; a batch is read when the first certificate asks for it."""

    def __init__(self, books: Books, index: AuditIndex) -> None:
        """Read no batch yet."""
        self._books, self._index = books, index
        self._batches: dict[str, KeptBatch | None] = {}
        self._shapes = dict(_shapes(books))
        self._chunks: dict[str, list[str]] = defaultdict(list)
        for name in books.documents.names(INTENT):
            self._chunks[name.rpartition("/")[0]].append(name)

    def request(self, record: CertificateRecord) -> bytes | None:
        """The CSR of the item in DER."""
        item, batch = item_of(record), self._batch(record)
        if item is None or batch is None or not 1 <= item[1] <= len(batch.requests):
            return None
        return batch.requests[item[1] - 1]

    def faults(self, record: CertificateRecord, name: str) -> Iterator[Fault]:
        """What does not agree about a certificate."""
        if record.kind == ABANDONED:
            return abandoned_agreement(record, self._index.stories.get(name, {}).get("certificate.abandoned", ()))
        point = tbs_of(record.der).partition(_KEY_INFO)[2][:_POINT_OCTETS]
        return batch_agreement(record, self._batch(record), self._shapes, point, self._index.items.get(name))

    def whole(self, people: Mapping[str, Person]) -> Iterator[Fault]:
        """Each batch as a whole: kept as it was submitted and drafted, asked for and issued by different people."""
        for name in self._books.documents.names(_BATCH):
            shown, said = f"batch {name[:16]}", self._index.stories.get(name, {})
            found, items = self._books.documents.get(_BATCH, name), self._books.documents.get(_ITEMS, name)
            submitted = said.get("batch.submitted", [{}])[-1]
            body: Mapping[str, Any] = {} if found is None else found[0]
            if dict(body) != dict(submitted) or items is None or digest(items[1]) != body.get("csrs_sha256"):
                yield Fault("I4", "batch_differs", shown, "it is not what the audit log says was submitted")
            yield from self._drafts(name, said.get("batch.intended", ()))
            requester = str(body.get("requester", ""))
            for started in (*said.get("batch.started", ()), *said.get("batch.resumed", ())):
                if act_as_one(requester, started["operator"], people):
                    message = f"{requester} asked and {started['operator']} issued: one person"
                    yield Fault("I4", "separation_of_duties", shown, message)

    def _drafts(self, batch: str, said: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
        """What was about to be signed is what the audit log says was; the newest entry about a chunk counts."""
        told = {f"{batch}/{each['first']}": each for each in said}
        for name in sorted(told.keys() | set(self._chunks[batch])):
            found, entry = self._books.documents.get(INTENT, name), told.get(name, {})
            same = found is not None and digest(found[1]) == found[0]["tbs_sha256"] == entry.get("tbs_sha256")
            if not same or found is None or found[0]["twins"] != entry.get("twins"):
                message = "what was about to be signed is not what the audit log says"
                yield Fault("I4", "batch_intent_differs", f"batch {name}", message)

    def _batch(self, record: CertificateRecord) -> KeptBatch | None:
        item = item_of(record)
        if item is None:
            return None
        if item[0] not in self._batches:
            self._batches[item[0]] = self._read(item[0])
        return self._batches[item[0]]

    def _read(self, name: str) -> KeptBatch | None:
        found = self._books.documents.get(_ITEMS, name)
        try:
            items = [] if found is None else unpack_items(found[1])
        except ValueError:
            return None
        drafted: dict[int, tuple[bytes, tuple[str, ...]]] = {}
        for chunk in self._chunks[name]:
            kept = self._books.documents.get(INTENT, chunk)
            if kept is not None:
                twins = tuple(_texts(kept[0]["twins"]))
                drafted |= {number: (sha256(tbs).digest(), twins) for number, tbs in read_drafted(*kept).items()}
        return KeptBatch([_der(each.csr) for each in items], list(self._books.batches.verdicts(name)), drafted)


def _shapes(books: Books) -> Iterator[tuple[str, Shape]]:
    """Every twin whose octets are those of its name."""
    for name in books.documents.names(SHAPE):
        found = books.documents.get(SHAPE, name)
        if found is not None and digest(found[1]) == name:
            with suppress(WireError):
                yield name, Shape(found[1])


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _der(octets: bytes) -> bytes:
    """A CSR of a batch in DER; what cannot be read stays as it is, it has no certificate."""
    if octets[:1] == b"\x30":
        return octets
    try:
        return certs.load_csr(octets).der
    except WireError:
        return octets
