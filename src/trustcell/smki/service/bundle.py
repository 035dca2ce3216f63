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
from trustcell.smki.rules.records import ABANDONED, CertificateRecord, Family, Query
from trustcell.smki.rules.revocation import identity
from trustcell.smki.service.bundle_papers import (
    BundlePapers,
    batch_papers,
    ceremony_papers,
    person_papers,
    request_papers,
)
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
    """The bundle of a certificate, however it was issued.

    ``Refused``: ``certificate_unknown``; ``certificate_imported`` (another authority has its evidence);
    ``certificate_abandoned`` (nobody has it); ``certificate_without_papers`` when the books do not know how it came
    about; ``evidence_...`` when a file is not what was kept.
    """
    record = books.certificates.get(issuer, serial)
    name = identity(issuer, serial)
    if record is None:
        message = f"there is no {name}"
        raise Refused([BUNDLE.breach("certificate_unknown", "certificate", message, "an issuer and serial we hold")])
    papers = _papers(books, record, environment.identifier)
    if papers is None:
        code, message, remedy = _none(record, name)
        raise Refused([BUNDLE.breach(code, "certificate", message, remedy)])
    parts = dict(_parts(books, evidence, environment, record, papers))
    lines = {part: canonical({"name": part, "value": value}) for part, value in parts.items()}
    manifest = canonical(
        {
            "at": moment(now),
            "audit_key": audit_key.public_key.hex(),
            "environment": environment.identifier,
            "format": FORMAT,
            "parts": [{"name": part, "sha256": digest(line)} for part, line in lines.items()],
            "subject": name,
        }
    )
    signature = canonical({"signature": audit_key.sign(manifest).hex()})
    return b"".join(line + b"\n" for line in (manifest, signature, *lines.values()))


def _papers(books: Books, record: CertificateRecord, environment: str) -> BundlePapers | None:
    if record.imported or record.kind == ABANDONED:
        return None
    if record.kind in forms.AUTHORITY_KINDS:
        return ceremony_papers(books, record, environment)
    if record.family is Family.IKI:
        return person_papers(books, record)
    return batch_papers(books, record) if record.family is Family.DEVICE else request_papers(books, record)


def _none(record: CertificateRecord, name: str) -> tuple[str, str, str]:
    """Why there is no bundle: code, message, remedy."""
    if record.imported:
        return "certificate_imported", f"{name} is of another authority", "the evidence of that authority"
    if record.kind == ABANDONED:
        return "certificate_abandoned", f"{name} was given up: nobody has it", "trustcell audit show"
    return "certificate_without_papers", f"nothing says how {name} came about", "trustcell smki verify-all"


def _parts(
    books: Books, evidence: Evidence, environment: Environment, record: CertificateRecord, papers: BundlePapers
) -> Iterable[tuple[str, Any]]:
    yield "procedure", papers.procedure
    yield "rules", forms.rules_form(environment)
    yield "authorities", [{"kind": each.kind, "der": each.der.hex()} for each in _authorities(books, record.issued_at)]
    yield "certificate", record.der.hex()
    yield "record", forms.record_form(record)
    yield from papers.parts.items()
    for signed in _statements(books, papers.stated_about):
        yield f"statement/{signed.digest}", forms.statement_form(signed)
    said = [each for name in record.approvals for each in books.statements.about(name)]
    for name in sorted({name for each in said for name in _documents(each)}):
        yield f"evidence/{name}", evidence.read(name).hex()
    yield "audit", [forms.run_form(entries, head) for entries, head in _runs(books, papers.logged_about)]


def _authorities(books: Books, now: datetime) -> list[CertificateRecord]:
    found = [each for kind in forms.AUTHORITY_KINDS for each in books.certificates.search(Query(kind=kind), now)]
    return [each for each in found if not each.imported]


def _documents(signed: SignedStatement) -> set[str]:
    """Digests of the files that a statement about an approval cites."""
    body = signed.statement.body
    return {*body.get("evidence", ()), body.get("document", "")} - {""}


def _statements(books: Books, subjects: Iterable[str]) -> list[SignedStatement]:
    """What was said about these subjects, and what makes those who said it who they are."""
    found: dict[str, SignedStatement] = {}
    left, seen = list(subjects), set()
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
