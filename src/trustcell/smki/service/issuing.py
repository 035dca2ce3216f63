"""Organisation Certificates: asked for by an ARO, judged twice, drafted, linted, recorded, and only then signed.

States are those of SEC Appendix M 2.3.1 (smki.md 3.3), checks those of smki.md 3.4.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from trustcell import certs
from trustcell.governance import Governance
from trustcell.governance.ports import Credential, Evidence
from trustcell.governance.rules.canonical import digest
from trustcell.smki.ports import Books, Deployments, Store
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.smki.rules.checks import errors, judge
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.exceptions import used
from trustcell.smki.rules.facts import Application
from trustcell.smki.rules.records import (
    CertificateRecord,
    Family,
    IntentRecord,
    RequestRecord,
    RequestState,
)
from trustcell.smki.rules.revocation import identity
from trustcell.smki.service.answering import NothingKnown, answer
from trustcell.smki.service.clock import decision_moment, note_decision
from trustcell.smki.service.decisions import Declined, Unfinished, decision_of, log_refusal, told
from trustcell.smki.service.explaining import Explanation, explain
from trustcell.smki.service.gathering import gather, issuer_facts
from trustcell.smki.service.hierarchy import Hierarchy
from trustcell.smki.service.intents import abandon, free_serial, key_story, store_certificate
from trustcell.smki.service.making import Random, draft, organisation_tbs, signed
from trustcell.smki.service.requests import certificate_of, in_work, may_submit, read_csr
from trustcell.vocab import Refused

_NOTHING_KNOWN = NothingKnown()


class Authority:
    """The Issuing OCA at work. A refusal is one audit entry, and the decision if checks led to it; nothing else.

    ``random`` gives so many octets. ``evidence`` is read again whenever an approval is relied on.
    ``hook`` is called at the named points at which a crash must lose nothing.
    """

    def __init__(
        self,
        store: Store,
        governance: Governance,
        environment: Environment,
        hierarchy: Hierarchy,
        evidence: Evidence,
        random: Random,
        hook: Callable[[str], None] = lambda point: None,
        deployments: Deployments = _NOTHING_KNOWN,
    ) -> None:
        """Opens nothing."""
        self._store, self._governance, self._environment = store, governance, environment
        self._evidence, self._deployments = evidence, deployments
        self._ca, self._random, self._hook = hierarchy.issuing_oca, random, hook
        self._issuer = hierarchy.issuing_oca.certificate.subject.common_name or ""

    def submit(
        self, csr: bytes, ask: Ask, credential: Credential, now: datetime, *, confirm_clock: bool = False
    ) -> RequestRecord:
        """A CSR in any armour, signed for by an ARO; checked, and then waiting to be issued (``APPROVED``).

        Refused with ``csr_...`` codes and those of the checks; a CSR may be submitted again once it was refused.
        """
        person = credential.person
        with self._refusals("request.refused", digest(csr), person, now, state=RequestState.REJECTED_FORMAT.value):
            application = Application(read_csr(csr), ask)
        with self._refusals("request.refused", application.name, person, now), self._store.transaction(now) as books:
            at = decision_moment(books, self._environment, now, confirmed=confirm_clock)
            count = len(books.requests.decisions(application.name)) + 1
            body = {"csr_sha256": digest(application.csr.der), "decision": count, **ask.as_json()}
            statement = self._governance.state(books, credential, "csr.submit", application.name, body, now).digest
            request = self._request_of(application, person, statement, at)
            again = may_submit(books, request.name)
            register = self._governance.register(books)
            issuer = issuer_facts(books, self._ca.record)
            facts = gather(
                books, register, self._environment, issuer, self._evidence, application, person, at, statement=statement
            )
            request = replace(request, party=facts.party.name if facts.party else "")
            checked = judge(application, facts)
            decision = decision_of(application, facts, checked, person, statement)
            if found := errors(checked):
                if not again:  # what was issued on the first one stands: this one is refused by the log alone
                    raise Refused(found)
                raise Declined(found, decision, replace(request, state=RequestState.REJECTED_CONTENT))
            books.requests.add(request)
            decision = books.requests.decide(decision)
            note_decision(books, at)
            said = {**told(decision), "party": request.party, "requester": person, "statement": statement}
            states = [RequestState.SUBMITTED, RequestState.ACCEPTED, RequestState.APPROVED]
            books.audit.append("request.approved", request.name, {**said, "states": [*map(str, states)]}, at)
        return request

    def issue(
        self, name: str, credential: Credential, now: datetime, *, confirm_clock: bool = False
    ) -> CertificateRecord:
        """Judge an approved request again, and issue and lodge its certificate; one that was issued is given again."""
        with self._store.reading() as books:
            request = books.requests.get(name)
            if (existing := certificate_of(books, request)) is not None:
                return existing
        name, person = request.name if request is not None else name, credential.person
        with self._refusals("issue.refused", name, person, now):
            with self._store.transaction(now) as books:
                at = decision_moment(books, self._environment, now, confirmed=confirm_clock)
                request = in_work(books, name)
                count = len(books.requests.decisions(request.name)) + 1
                body = {"issuer": self._issuer, "csr_sha256": digest(request.csr), "decision": count}
                signed_for = self._governance.state(books, credential, "certificate.issue", request.name, body, now)
                intent = self._prepare(books, request, person, signed_for.digest, at)
                self._hook("K36")
            self._hook("K38")
            return self._finish(intent, now)

    def recover(self, now: datetime) -> list[CertificateRecord]:
        """Finish what a crash left between intent and certificate; the certificates that came of it.

        A key that signs the same octets alike each time signs again. Otherwise the certificate may exist and nobody
        has it: its serial is revoked, and the request gets another one if it still passes its checks.
        """
        made: list[CertificateRecord] = []
        with self._store.reading() as books:
            left = [each for each in books.requests.intents() if each.issuer == self._issuer]
        for intent in left:
            with self._store.reading() as books:
                statements = books.statements.about(intent.request, "certificate.issue")
            operator = statements[-1].statement.actor
            with self._refusals("issue.refused", intent.request, operator, now, passing=False):
                if self._ca.signer.deterministic and self._ca.certificate.covers(now):
                    made.append(self._finish(intent, now))
                    continue
                with self._store.transaction(now) as books:
                    abandon(books, intent, now)
                    self._hook("abandoned")
                made.append(self._again(intent.request, operator, statements[-1].digest, now))
        return made

    def explain(self, what: str | tuple[bytes, Ask], as_of: datetime, *, requester: str = "") -> Explanation:
        """Each check of a request, by name or as ``requester`` might submit it, under the rules of a moment."""
        with self._store.reading() as books:
            return explain(
                books, self._governance, self._environment, self._evidence, self._ca.record, what, as_of, requester
            )

    def accept_certificate(self, issuer: str, serial: int, credential: Credential, now: datetime) -> CertificateRecord:
        """Its subscriber has compared it with the CSR and takes it (L11.5)."""
        return self._answer((issuer, serial), credential, now, rejected=None)

    def reject_certificate(
        self, issuer: str, serial: int, credential: Credential, now: datetime, reason: str
    ) -> CertificateRecord:
        """Its subscriber does not take it: it is revoked, and its key has been in a certificate (L11.5 to L11.7).

        The devices it may be on are kept as a list, see ``devices_raised``.
        """
        return self._answer((issuer, serial), credential, now, rejected=reason)

    def _prepare(
        self, books: Books, request: RequestRecord, operator: str, statement: str, at: datetime
    ) -> IntentRecord:
        application = Application(certs.CertificationRequest.from_der(request.csr), Ask.from_json(request.ask))
        issuer = issuer_facts(books, self._ca.record)
        serial, taken = free_serial(books, issuer.name, self._random)
        facts = gather(
            books, self._governance.register(books), self._environment, issuer, self._evidence, application,
            request.requester, at, statement=request.statement, operator=operator, serial=serial, serial_taken=taken,
        )  # fmt: skip
        checked = judge(application, facts)
        decision = decision_of(application, facts, checked, operator, statement, (issuer.name, serial))
        if found := errors(checked):
            raise Declined(found, decision)
        tbs = organisation_tbs(application, facts, serial, self._ca.certificate)
        approvals = used(application, facts)
        made = draft(tbs, self._environment.organisation_policy, approvals, self._random)
        intent = IntentRecord(issuer.name, serial, request.name, made.tbs, made.twin, at)
        books.requests.intend([intent])
        decision = books.requests.decide(decision)
        note_decision(books, at)
        said = {
            **told(decision),
            "lint_set_aside": list(made.set_aside),
            "operator": operator,
            "request": request.name,
            "statement": statement,
            "tbs_sha256": digest(made.tbs),
            "twin_sha256": digest(made.twin),
            **key_story(facts, decision.approvals),
        }
        books.audit.append("certificate.intended", identity(issuer.name, serial), said, at)
        return intent

    def _finish(self, intent: IntentRecord, now: datetime) -> CertificateRecord:
        """Sign what the store has kept, and keep the certificate."""
        with self._store.reading() as books:
            kept = books.requests.intent(intent.issuer, intent.serial) or intent
        try:
            der = signed(kept, lambda octets: self._ca.sign(octets, now))
        except Refused as refusal:
            raise Unfinished(refusal.findings, kept) from None
        self._hook("K39")
        try:
            with self._store.transaction(now) as books:
                register = self._governance.register(books)
                record = store_certificate(books, register, kept, der, max(now, kept.at), self._hook)
        except Refused as refusal:
            raise Unfinished(refusal.findings, kept) from None
        self._hook("K42")
        return record

    def _again(self, name: str, operator: str, statement: str, now: datetime) -> CertificateRecord:
        with self._store.transaction(now) as books:
            at = decision_moment(books, self._environment, now, confirmed=True)
            intent = self._prepare(books, in_work(books, name), operator, statement, at)
        return self._finish(intent, now)

    def _request_of(self, application: Application, person: str, statement: str, at: datetime) -> RequestRecord:
        csr = application.csr
        return RequestRecord(
            application.name, csr.der, Family.ORGANISATION, "", csr.role, csr.entity_id, csr.key_usage, application.key,
            person, statement, at, RequestState.APPROVED, application.ask.as_json(),
        )  # fmt: skip

    def _answer(
        self, name: tuple[str, int], credential: Credential, now: datetime, *, rejected: str | None
    ) -> CertificateRecord:
        kind = f"certificate.{'accept' if rejected is None else 'reject'}.refused"
        with (
            self._refusals(kind, identity(*name), credential.person, now),
            self._store.transaction(now) as books,
        ):
            return answer(books, self._governance, self._deployments, name, credential, now, rejected)

    @contextmanager
    def _refusals(
        self, kind: str, subject: str, actor: str, now: datetime, *, passing: bool = True, **facts: str
    ) -> Iterator[None]:
        """Write a refusal down after what it ended was rolled back; let it pass on unless told otherwise."""
        try:
            yield
        except Refused as refusal:
            with self._store.transaction(now) as books:
                log_refusal(books, kind, subject, actor, refusal, now, **facts)
            if passing:
                raise


__all__ = ["Ask", "Authority", "Explanation", "request_name"]
