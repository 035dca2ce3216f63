"""What a bundle holds besides the certificate, by the way it was issued: on a request, in a batch, by the ICA, made.

Device Certificates of a batch bring the octets of their whole chunk, because the audit chain holds one digest of them;
that their CSR was in the batch is proven by a path of the hash tree that was signed for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trustcell.smki.ports import Books
from trustcell.smki.rules import audit_forms as forms
from trustcell.smki.rules.agreement_batch import item_of
from trustcell.smki.rules.batch import unpack_items
from trustcell.smki.rules.hash_tree import path_of
from trustcell.smki.rules.hierarchy import AUTHORITIES
from trustcell.smki.rules.records import CertificateRecord
from trustcell.smki.rules.revocation import identity
from trustcell.smki.service.batch_chunk import INTENT, SHAPE
from trustcell.smki.service.ceremony import CEREMONY
from trustcell.smki.service.hierarchy import AUTHORITY
from trustcell.smki.service.people import TWIN


@dataclass(frozen=True)
class BundlePapers:
    """``stated_about`` and ``logged_about`` are subjects of statements and of audit entries."""

    procedure: str
    parts: Mapping[str, Any]
    stated_about: Sequence[str] = field(default=())
    logged_about: Sequence[str] = field(default=())


def request_papers(books: Books, record: CertificateRecord) -> BundlePapers | None:
    """Request, decisions, intent with its twin, everything over the same key, uses of approvals."""
    request = books.requests.get(record.request) if record.request else None
    if request is None:
        return None
    name = identity(record.issuer, record.serial)
    intent = books.requests.intent(record.issuer, record.serial)
    uses = {approval: books.approval_uses.uses(approval) for approval in record.approvals}
    parts = {
        "request": forms.request_form(request),
        "decisions": [forms.decision_form(each) for each in books.requests.decisions(request.name)],
        "intent": None if intent is None else forms.intent_form(intent),
        "holders": [forms.record_form(each) for each in books.certificates.with_key(record.key, record.family)],
        "uses": {approval: [forms.use_form(use) for use in found] for approval, found in uses.items()},
    }
    about = [request.name, name, *record.approvals]
    entity = [] if request.entity_id is None else [str(request.entity_id)]
    return BundlePapers("request", parts, [*about, request.party, *entity], about)


def batch_papers(books: Books, record: CertificateRecord) -> BundlePapers | None:
    """The batch as it was submitted, the item with its path to the root, what the chunk was to sign, and the twin."""
    item = item_of(record)
    if item is None:
        return None
    batch, number = item
    kept, packed = books.documents.get("batch", batch), books.documents.get("batch-items", batch)
    items = [] if packed is None else unpack_items(packed[1])
    if kept is None or not 1 <= number <= len(items):
        return None
    chunk = _chunk(books, batch, number)
    name = identity(record.issuer, record.serial)
    entries = [each for each in books.audit.about(name) if each.kind == "certificate.issued"]
    twin = books.documents.get(SHAPE, str(entries[-1].body["twin_sha256"])) if entries else None
    parts = {
        "batch": {"name": batch, "body": kept[0]},
        "item": {
            "number": number,
            "csr": items[number - 1].csr.hex(),
            "path": path_of([each.csr for each in items], number),
        },
        "intent": None if chunk is None else {"body": chunk[0], "octets": chunk[1].hex()},
        "twin": None if twin is None else twin[1].hex(),
        "holders": [forms.record_form(each) for each in books.certificates.with_key(record.key, record.family)],
    }
    return BundlePapers("batch", parts, [batch, name, str(kept[0]["party"])], [batch, name])


def ceremony_papers(books: Books, record: CertificateRecord, environment: str) -> BundlePapers | None:
    """The twin, and the keys of the authority and of its issuer as the ceremony logged them."""
    name = identity(record.issuer, record.serial)
    wanted = {"issuer": record.issuer, "serial": f"{record.serial:X}"}
    found = ((row, books.documents.get(AUTHORITY, row.label)) for row in AUTHORITIES)
    row = next((row for row, kept in found if kept is not None and kept[0] == wanted), None)
    if row is None:
        return None
    twin = books.documents.get(CEREMONY, f"twin {row.label}")
    parts = {"label": row.label, "twin": None if twin is None else twin[1].hex()}
    return BundlePapers("ceremony", parts, [name], [environment, row.label, row.issuer, name])


def person_papers(books: Books, record: CertificateRecord) -> BundlePapers | None:
    """The CSR and the twin, and the statements that say whose credential it is."""
    twin = books.documents.get(TWIN, f"{record.issuer} {record.serial:X}")
    if twin is None:
        return None
    parts = {"csr": str(twin[0]["csr"]), "twin": twin[1].hex()}
    holder = record.subject.rpartition("CN=")[2].partition(",")[0]
    name = identity(record.issuer, record.serial)
    return BundlePapers("person", parts, [holder, name], [record.request, name])


def _chunk(books: Books, batch: str, number: int) -> tuple[Mapping[str, Any], bytes] | None:
    """What was about to be signed when this item was."""
    for name in books.documents.names(INTENT):
        if name.startswith(f"{batch}/"):
            found = books.documents.get(INTENT, name)
            body: Mapping[str, Any] = {} if found is None else found[0]
            if found is not None and number in body["numbers"]:
                return found
    return None
