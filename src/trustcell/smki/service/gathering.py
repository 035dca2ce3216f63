"""Facts for the rules, read from the books of one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from trustcell import certs
from trustcell.governance.ports import Evidence
from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.ports import Books
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.facts import Application, Cited, Facts, IssuerFacts, PendingUse
from trustcell.smki.rules.records import CertificateRecord, IntentRecord
from trustcell.vocab import Refused


def issuer_facts(books: Books, record: CertificateRecord) -> IssuerFacts:
    """The authority as the books have it now: it may have been revoked since it was loaded."""
    stored = books.certificates.get(record.issuer, record.serial) or record
    name = certs.Certificate.from_der(stored.der).subject.common_name or ""
    return IssuerFacts(name, stored.not_before, stored.not_after, stored.revoked_at)


def gather(
    books: Books,
    register: Register,
    environment: Environment,
    issuer: IssuerFacts,
    evidence: Evidence,
    application: Application,
    requester: str,
    now: datetime,
    *,
    statement: str = "",
    operator: str | None = None,
    serial: int | None = None,
    serial_taken: bool = False,
) -> Facts:
    """What the rules may know at this moment; ``operator`` is the ISSUER once there is one."""
    entity = application.csr.entity_id
    open_intents = [each for each in books.requests.intents() if each.issuer == issuer.name]
    return Facts(
        now,
        rule_set(now),
        environment,
        issuer,
        register.party_of(entity) if entity is not None else None,
        register.people.get(requester),
        tuple(books.certificates.with_key(application.key)),
        _pending(books, open_intents, issuer.name, application.key),
        books.revocations.barred(application.key),
        tuple(_cited(books, register, evidence, open_intents, name) for name in application.ask.approvals),
        register.people,
        statement,
        None if operator is None else register.people.get(operator),
        serial,
        serial_taken,
    )


def as_they_were(books: Books, facts: Facts, application: Application) -> Facts:
    """The same facts as they were at ``facts.now``, as if this request had not been issued since."""
    holders = (each for each in facts.holders if each.issued_at <= facts.now and each.request != application.name)
    return replace(
        facts,
        holders=tuple(_unrevoked(each) if (each.revoked_at or facts.now) > facts.now else each for each in holders),
        pending=(),
        approvals=tuple(
            replace(each, uses=_uses_of_others(books, each.name, facts.now, application.name))
            for each in facts.approvals
        ),
    )


def _unrevoked(record: CertificateRecord) -> CertificateRecord:
    return replace(record, revoked_at=None, revocation_reason=None, revocation_circumstance="")


def _uses_of_others(books: Books, approval: str, until: datetime, request: str) -> int:
    uses = [use for use in books.approval_uses.uses(approval) if use[3] <= until]
    found = (books.certificates.get(issuer, serial) for _, issuer, serial, _ in uses)
    return sum(each is None or each.request != request for each in found)


def _cited(books: Books, register: Register, evidence: Evidence, intents: Sequence[IntentRecord], name: str) -> Cited:
    """Uses counted so far, those that certificates in the making have reserved, and files that are not as kept."""
    reserved = sum(
        any(name in each.approvals and each.certificate == (intent.issuer, intent.serial) for each in decisions)
        for intent in intents
        if (decisions := books.requests.decisions(intent.request))
    )
    approval = register.approvals.get(name)
    return Cited(name, approval, len(books.approval_uses.uses(name)) + reserved, _altered(evidence, approval))


def _altered(evidence: Evidence, approval: Approval | None) -> tuple[tuple[str, str], ...]:
    """The files an approval rests on, read and hashed again (hostile V5): SHA-256 and code of each that differs."""
    if approval is None:
        return ()
    bodies = (approval.ssc_view, approval.decision)
    cited = {*approval.evidence, *(each.document for each in bodies if each is not None)} - {""}
    found = []
    for name in sorted(cited):
        try:
            evidence.read(name)
        except Refused as refusal:
            found.append((name, refusal.findings[0].code))
    return tuple(found)


def _pending(books: Books, intents: Sequence[IntentRecord], issuer: str, key: bytes) -> tuple[PendingUse, ...]:
    """Certificates over the key that are being made, or may have been made when a crash intervened."""
    found = ((each, books.requests.get(each.request)) for each in (*intents, *books.requests.abandoned(issuer)))
    return tuple(PendingUse(i.issuer, i.serial, i.request) for i, request in found if request and request.key == key)
