"""The audit log read once, from the first entry to the last, into what certificates and statements are held against."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trustcell.smki.ports import Books
from trustcell.smki.rules.agreement import Fault
from trustcell.smki.rules.agreement_batch import refusal_digest, story_digest
from trustcell.vocab import finding_of

_STORIES = frozenset(
    {"request.approved", "certificate.intended", "certificate.issued", "certificate.abandoned"}
    | {"batch.submitted", "batch.started", "batch.resumed", "batch.intended", "list.taken", "list.served"}
)
"""Kinds of which the whole body is kept."""

_CERTIFIES: Mapping[str, Callable[[str, Mapping[str, Any]], tuple[str, str]]] = {
    "certificate.issued": lambda subject, body: (subject, body["sha256"]),
    "certificate.imported": lambda subject, body: (subject, body["sha256"]),
    "iki.issued": lambda _, body: (f"{body['issuer']}/{body['serial']}", body["certificate"]),
    "ceremony.certificate": lambda _, body: (f"{body['issuer']}/{body['serial']}", body["certificate"]),
}
"""Kinds that say a certificate was made or taken in: its name and the SHA-256 of its octets."""


@dataclass
class AuditIndex:
    """``digests`` are SHA-256 (hex) of certificates by name; ``labels`` the labels of authorities by certificate.

    ``items`` and ``refused`` hold, for items of batches, only the digest of what was said, because there are very many.
    ``decisions`` has the number of the entry that cites each decision, by the digest of the decision.
    """

    last: int = 0
    stories: dict[str, dict[str, list[Mapping[str, Any]]]] = field(default_factory=lambda: defaultdict(dict))
    digests: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    items: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, bytes] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    statements: dict[str, int] = field(default_factory=dict)


def read_index(books: Books) -> tuple[AuditIndex, list[Fault]]:
    """All entries in order; one that cannot be read is a fault, and what stands behind it is not looked at."""
    index = AuditIndex()
    try:
        for entry in books.audit.entries():
            if entry.seq != index.last + 1:
                message = f"entry {entry.seq} follows entry {index.last}"
                return index, [Fault("I7", "audit_entry_missing", f"audit entry {index.last + 1}", message, "seq")]
            _note(index, entry.seq, entry.kind, entry.subject, entry.body)
            index.last = entry.seq
    except (AttributeError, KeyError, TypeError, ValueError):
        message = "it cannot be read, nor what stands behind it"
        return index, [Fault("I7", "audit_entry_unreadable", f"audit entry {index.last + 1}", message)]
    return index, []


def _note(index: AuditIndex, seq: int, kind: str, subject: str, body: Mapping[str, Any]) -> None:
    if isinstance(named := body.get("statement"), str) and named:
        index.statements[named] = seq
    if (decided := body.get("decision_sha256")) is not None:
        index.decisions[decided] = seq
    if kind == "issue.refused" and "status" in body:
        finding = finding_of(body["findings"][0])
        index.refused[subject] = refusal_digest(body["status"], finding.code, str(finding))
    if kind == "certificate.issued" and "batch" in body:
        index.items[subject] = story_digest(body)
    elif kind in _STORIES:
        index.stories[subject].setdefault(kind, []).append(body)
    if (reader := _CERTIFIES.get(kind)) is not None:
        name, digest = reader(subject, body)
        index.digests[name] = digest
        if kind == "ceremony.certificate":
            index.labels[name] = subject
    if kind == "revocation.decided":
        index.revoked.update(body["certificates"])
    elif kind in ("certificate.rejected", "certificate.abandoned"):
        index.revoked.add(subject)
