"""Every decision and every refusal of an item, word for word what the audit chain holds the digest of (I4)."""

from collections.abc import Iterator

from trustcell.smki.ports import Books
from trustcell.smki.rules.agreement import Fault
from trustcell.smki.rules.agreement_batch import refusal_digest
from trustcell.smki.rules.audit_forms import decision_digest
from trustcell.smki.rules.batch import ItemStatus, item_name
from trustcell.smki.service.audit_index import AuditIndex


def verify_decisions(books: Books, index: AuditIndex) -> Iterator[Fault]:
    """Decisions that were reworded, and those that the log knows and the books do not."""
    kept = set()
    for request in books.requests.search():
        for decision in books.requests.decisions(request.name):
            found = decision_digest(decision)
            kept.add(found)
            if found not in index.decisions:
                name, message = f"request {request.name[:16]}", "the audit log has no decision of these words"
                yield Fault("I4", "decision_altered", name, message, f"decision {decision.number}")
    for found, seq in index.decisions.items():
        if found not in kept:
            message = f"audit entry {seq} cites a decision (SHA-256 {found[:16]}...) that is not kept"
            yield Fault("I4", "decision_missing", f"audit entry {seq}", message, "decision_sha256")


def verify_refused_items(books: Books, index: AuditIndex) -> Iterator[Fault]:
    """Items of batches that were refused: with the status, code and words that the log has, or not refused at all."""
    left = set(index.refused)
    for batch in books.documents.names("batch"):
        for verdict in books.batches.verdicts(batch):
            if verdict.status == ItemStatus.SUCCESS.value:
                continue
            name = item_name(batch, verdict.number)
            left.discard(name)
            if index.refused.get(name) != refusal_digest(verdict.status, verdict.code, verdict.message):
                message = "the audit log does not say that it was refused with these words"
                yield Fault("I4", "verdict_differs", f"batch {name}", message, "verdict")
    for name in sorted(left):
        yield Fault("I4", "verdict_missing", f"batch {name}", "the audit log says it was refused", "verdict")
