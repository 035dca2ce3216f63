"""Revocation: one person asks, another one revokes, and everything over a compromised key falls in one commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustcell.governance import Governance, audited
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.parties import Party, PartyKind, Person
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.rulebook import rule_set
from trustcell.governance.rules.statements import SignedStatement
from trustcell.smki.ports import Books, Store
from trustcell.smki.rules.cascade import Cascade, cascade
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord
from trustcell.smki.rules.revocation import (
    PROCEDURE_CLAUSE,
    RevocationAsk,
    RevocationFacts,
    Standing,
    already_revoked,
    decision_findings,
    identity,
    proof_challenge,
    request_findings,
    standing,
)
from trustcell.smki.service.hierarchy import Hierarchy
from trustcell.smki.service.lists import RevocationLists
from trustcell.vocab import Finding, Refused

REQUEST, DECISION = "revocation.request", "revocation.decision"
_SHORTEST_NAME = 8


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """A request that was made. Its ``name`` is the digest of the signed statement it was made with."""

    name: str
    ask: RevocationAsk
    asker: str
    at: datetime
    standing: Standing | None
    decided: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "request": self.name,
            **self.ask.body(),
            "asker": self.asker,
            "at": moment(self.at),
            "standing": self.standing.value if self.standing else None,
            "decided": self.decided,
        }


@dataclass(frozen=True, slots=True)
class RevocationReport:
    """What a revocation did: the request, the digest of the decision, every certificate over the key."""

    request: RevocationRequest
    decision: str
    cascade: Cascade

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"request": self.request.name, "decision": self.decision, **self.cascade.as_json()}


class Revocation:
    """Requests for revocation and what is done about them; ``lists`` makes and serves the lists.

    ``Refused`` everywhere with one audit entry and nothing else changed.
    """

    def __init__(
        self,
        store: Store,
        governance: Governance,
        environment: Environment,
        hierarchy: Hierarchy,
        hook: Callable[[str], None] = lambda point: None,
    ) -> None:
        """Opens nothing. ``hook`` is called at the named points at which a crash must lose nothing."""
        self.lists = RevocationLists(store, governance, environment, hierarchy, hook)
        self._store, self._governance, self._environment, self._hook = store, governance, environment, hook

    def challenge(self, issuer: str, serial: int) -> bytes:
        """The octets to sign with the private key of this certificate to prove that it is known."""
        with self._store.reading() as books:
            return proof_challenge(self._environment.identifier, _certificate(books, issuer, serial).key)

    def request(self, ask: RevocationAsk, credential: Credential, now: datetime) -> RevocationRequest:
        """Ask for a revocation; nothing is revoked yet.

        Refused with ``certificate_unknown``, ``certificate_not_revocable``, ``root_not_revocable``,
        ``certificate_already_revoked``, ``circumstance_not_in_force``, ``notice_missing``,
        ``certificate_not_rejected``, ``revocation_not_authorised``, ``explanation_missing``, ``reference_missing``,
        ``reason_not_allowed``, ``proof_unasked``, ``proof_wrong``.
        """
        subject, now = identity(ask.issuer, ask.serial), now.replace(microsecond=0)
        with (
            audited(self._store, "revocation.refused", subject, credential.person, now),
            self._store.transaction(now) as books,
        ):
            facts = self._facts(books, ask, credential.person, now)
            _refuse(request_findings(ask, facts))
            how = standing(ask, facts)
            body = {**ask.body(), "standing": how.value if how else None}
            signed = self._governance.state(books, credential, REQUEST, subject, body, now)
            books.audit.append("revocation.requested", subject, {**body, "statement": signed.digest}, now)
            return _read(signed, frozenset())

    def revoke(self, name: str, credential: Credential, now: datetime) -> RevocationReport:
        """Do what was asked; ``name`` is that of the request or its beginning. The key and all over it in one commit.

        Refused with ``revocation_request_unknown``, ``revocation_decided``, ``separation_of_duties``,
        ``certificate_already_revoked``, and with the ground's own findings when it does not hold any more.
        """
        now = now.replace(microsecond=0)
        with (
            audited(self._store, "revocation.refused", name, credential.person, now),
            self._store.transaction(now) as books,
        ):
            request = self._named(books, name)
            ask = request.ask
            if request.decided:
                message = "this request was acted on before"
                raise Refused([PROCEDURE_CLAUSE.breach("revocation_decided", "request", message, "make a new request")])
            facts = self._facts(books, ask, request.asker, now)
            _refuse(decision_findings(ask, facts, request.standing, _person(facts.people, credential.person)))
            found = self._cascade(books, request, facts.certificate, now)
            body = {
                "bars": found.bars,
                "certificates": [identity(each.issuer, each.serial) for each in found.revoked],
                "key": found.key.hex(),
                "request": request.name,
            }
            subject = identity(ask.issuer, ask.serial)
            signed = self._governance.state(books, credential, DECISION, subject, body, now)
            books.audit.append("revocation.decided", subject, {**body, "statement": signed.digest}, now)
            self._hook("revocation-written")
            return RevocationReport(request, signed.digest, found)

    def requests(self, *, open_only: bool = True) -> list[RevocationRequest]:
        """Requests that wait for somebody to revoke, or all that were ever made, oldest first."""
        with self._store.reading() as books:
            found = self._requests(books)
            if open_only:
                found = [each for each in found if not each.decided and _is_open(books, each)]
            return found

    def _cascade(self, books: Books, request: RevocationRequest, named: CertificateRecord, now: datetime) -> Cascade:
        found = cascade(
            request.ask,
            named,
            books.certificates.with_key(named.key),
            request.standing,
            now,
            device_certificates_revocable=self._environment.device_certificates_revocable,
        )
        for record in found.revoked:
            books.certificates.update(record)
        if found.bars and books.revocations.barred(found.key) is None:
            books.revocations.bar(found.key, f"{request.ask.circumstance.value}, {found.standing}: {request.name}", now)
        return found

    def _facts(self, books: Books, ask: RevocationAsk, asker: str, now: datetime) -> RevocationFacts:
        certificate, register = _certificate(books, ask.issuer, ask.serial), self._governance.register(books)
        return RevocationFacts(
            environment=self._environment.identifier,
            certificate=certificate,
            subscriber=_subscriber(books, certificate, register),
            asker=_person(register.people, asker),
            parties=register.parties,
            people=register.people,
            rules=rule_set(now),
            now=now,
            barred=books.revocations.barred(certificate.key),
            device_certificates_revocable=self._environment.device_certificates_revocable,
        )

    def _requests(self, books: Books) -> list[RevocationRequest]:
        decided = frozenset(each.statement.body["request"] for each in books.statements.of(DECISION))
        return [_read(each, decided) for each in books.statements.of(REQUEST)]

    def _named(self, books: Books, name: str) -> RevocationRequest:
        found = [each for each in self._requests(books) if each.name.startswith(name.lower())]
        if len(name) < _SHORTEST_NAME or len(found) != 1:
            message = f"{len(found)} requests have a name that begins like this"
            remedy = f"give {_SHORTEST_NAME} digits or more of one name; trustcell smki revoke list shows them"
            raise Refused([PROCEDURE_CLAUSE.breach("revocation_request_unknown", "request", message, remedy)])
        return found[0]


def _read(signed: SignedStatement, decided: frozenset[str]) -> RevocationRequest:
    said, how = signed.statement, signed.statement.body["standing"]
    ask = RevocationAsk.from_body(said.body)
    return RevocationRequest(
        signed.digest, ask, said.actor, said.at, Standing(how) if how else None, signed.digest in decided
    )


def _is_open(books: Books, request: RevocationRequest) -> bool:
    record = _certificate(books, request.ask.issuer, request.ask.serial)
    return not already_revoked(record, request.standing, books.revocations.barred(record.key))


def _certificate(books: Books, issuer: str, serial: int) -> CertificateRecord:
    record = books.certificates.get(issuer, serial)
    if record is None:
        message, remedy = f"there is no {identity(issuer, serial)}", "issuer and serial of a certificate kept here"
        raise Refused([PROCEDURE_CLAUSE.breach("certificate_unknown", "certificate", message, remedy)])
    return record


def _person(people: Mapping[str, Person], name: str) -> Person:
    person = people.get(name)
    if person is None:
        message = f"{name} is not in the register"
        raise Refused([PROCEDURE_CLAUSE.breach("person_unknown", "asker", message, "a person of the register")])
    return person


def _subscriber(books: Books, record: CertificateRecord, register: Register) -> Party | None:
    """The party it was issued to; the DCC for the certificate of an authority or of a person."""
    request = books.requests.get(record.request) if record.request else None
    if request is not None and request.party in register.parties:
        return register.parties[request.party]
    if record.entity_id is not None:
        return register.party_of(record.entity_id)
    return next((party for party in register.parties.values() if party.kind is PartyKind.DCC), None)


def _refuse(findings: Sequence[Finding]) -> None:
    if findings:
        raise Refused(findings)
