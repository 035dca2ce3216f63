"""Evidence of one certificate in one file: all that an auditor needs who has neither our database nor our code.

The same books give the same octets, but for the signature of an audit key that does not sign deterministically.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from trustcell.governance.ports import Evidence
from trustcell.governance.rules.audit import AuditEntry, AuditHead
from trustcell.governance.rules.canonical import canonical, digest, moment
from trustcell.governance.rules.statements import SignedStatement
from trustcell.smki.ports import Books, Signer
from trustcell.smki.rules import audit_forms as forms
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord, Query, RequestRecord
from trustcell.smki.rules.revocation import identity
from trustcell.vocab import Clause, Refused

FORMAT = "trustcell evidence bundle 1"
BUNDLE = Clause("evidence bundle", "our rule: smki.md 8, what an auditor must be able to check")


def make_bundle(
    books: Books,
    evidence: Evidence,
    environment: Environment,
    audit_key: Signer,
    issuer: str,
    serial: int,
    now: datetime,
) -> bytes:
    """The bundle of a certificate.

    ``Refused``: ``certificate_unknown``, ``certificate_without_request`` (made at a ceremony or by another authority),
    and ``evidence_...`` when a file is not what was kept.
    """
    record = books.certificates.get(issuer, serial)
    if record is None:
        message = f"there is no {identity(issuer, serial)}"
        raise Refused([BUNDLE.breach("certificate_unknown", "certificate", message, "an issuer and serial we hold")])
    request = books.requests.get(record.request) if record.request else None
    if request is None:
        message = f"{identity(issuer, serial)} was not issued on a request"
        remedy = "the evidence of an authority's certificate is the audit log"
        raise Refused([BUNDLE.breach("certificate_without_request", "certificate", message, remedy)])
    parts = dict(_parts(books, evidence, environment, record, request))
    lines = {name: canonical({"name": name, "value": value}) for name, value in parts.items()}
    manifest = canonical(
        {
            "at": moment(now),
            "audit_key": audit_key.public_key.hex(),
            "environment": environment.identifier,
            "format": FORMAT,
            "parts": [{"name": name, "sha256": digest(line)} for name, line in lines.items()],
            "subject": identity(issuer, serial),
        }
    )
    signature = canonical({"signature": audit_key.sign(manifest).hex()})
    return b"".join(line + b"\n" for line in (manifest, signature, *lines.values()))


def _parts(
    books: Books,
    evidence: Evidence,
    environment: Environment,
    record: CertificateRecord,
    request: RequestRecord,
) -> Iterable[tuple[str, Any]]:
    yield "rules", forms.rules_form(environment)
    yield "authorities", [{"kind": each.kind, "der": each.der.hex()} for each in _authorities(books, record.issued_at)]
    yield "certificate", record.der.hex()
    yield "record", forms.record_form(record)
    yield "request", forms.request_form(request)
    yield "decisions", [forms.decision_form(each) for each in books.requests.decisions(request.name)]
    intent = books.requests.intent(record.issuer, record.serial)
    yield "intent", None if intent is None else forms.intent_form(intent)
    yield "holders", [forms.record_form(each) for each in books.certificates.with_key(record.key, record.family)]
    uses = {name: books.approval_uses.uses(name) for name in record.approvals}
    yield "uses", {name: [forms.use_form(use) for use in found] for name, found in uses.items()}
    for signed in _statements(books, record, request):
        yield f"statement/{signed.digest}", forms.statement_form(signed)
    said = [each for name in record.approvals for each in books.statements.about(name)]
    for name in sorted({name for each in said for name in _documents(each)}):
        yield f"evidence/{name}", evidence.read(name).hex()
    subjects = [request.name, identity(record.issuer, record.serial), *record.approvals]
    yield "audit", [forms.run_form(entries, head) for entries, head in _runs(books, subjects)]


def _authorities(books: Books, now: datetime) -> list[CertificateRecord]:
    found = [each for kind in forms.AUTHORITY_KINDS for each in books.certificates.search(Query(kind=kind), now)]
    return [each for each in found if not each.imported]


def _documents(signed: SignedStatement) -> set[str]:
    """Digests of the files that a statement about an approval cites."""
    body = signed.statement.body
    return {*body.get("evidence", ()), body.get("document", "")} - {""}


def _statements(books: Books, record: CertificateRecord, request: RequestRecord) -> list[SignedStatement]:
    """What was said about the request, the certificate and its approvals, and what makes those people who they are."""
    found: dict[str, SignedStatement] = {}
    left = [request.name, identity(record.issuer, record.serial), request.party, *record.approvals]
    if request.entity_id is not None:
        left.append(str(request.entity_id))
    seen: set[str] = set()
    while left:
        subject = left.pop()
        if subject in seen:
            continue
        seen.add(subject)
        for signed in books.statements.about(subject):
            found[signed.digest] = signed
            left.append(signed.statement.actor)
            left.append(str(signed.statement.body.get("delegate_of", "")))
    return sorted(found.values(), key=lambda each: each.number)


def _runs(books: Books, subjects: Iterable[str]) -> list[tuple[list[AuditEntry], AuditHead]]:
    """The entries about these subjects, each with those after it up to the next signed head."""
    wanted = sorted({entry.seq for subject in subjects for entry in books.audit.about(subject)})
    runs = []
    for head in books.audit.heads():
        inside = [seq for seq in wanted if seq <= head.seq]
        if inside:
            runs.append((list(books.audit.entries(inside[0], head.seq)), head))
            wanted = [seq for seq in wanted if seq > head.seq]
        if not wanted:
            break
    return runs
