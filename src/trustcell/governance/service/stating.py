"""Letting people state things: who speaks, whether he may, and the register that the statements make up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trustcell.certs import Certificate
from trustcell.governance.ports import Books, Credential
from trustcell.governance.rules.canonical import digest, moment
from trustcell.governance.rules.clauses import CLOCK, CREDENTIALS
from trustcell.governance.rules.credentials import credential_findings, signature_findings
from trustcell.governance.rules.fields import octets
from trustcell.governance.rules.kinds import FOLDED
from trustcell.governance.rules.objections import objections
from trustcell.governance.rules.people_statements import FOUNDED
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.vocab import Finding, Refused

_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Folded:
    """The register at the statement of this number and digest."""

    number: int
    digest: str
    register: Register


class Stating:
    """The statements of one environment; what is stated becomes part of the caller's transaction.

    ``Refused`` comes before anything is written: ``person_unknown``, ``credential_...``, ``capacity_missing``,
    ``auditor_states_nothing``, ``statement_...``, ``clock_went_back``, and what the rules have against the statement.
    The caller writes a refusal down once its transaction is rolled back (``audited``).
    """

    def __init__(
        self, environment: str, *, approvals_bind_requests: bool = True, clock_tolerance: timedelta = _TOLERANCE
    ) -> None:
        """``approvals_bind_requests``: a draft names the requests it is for (``Environment`` has both settings)."""
        self._environment = environment
        self._bind_requests = approvals_bind_requests
        self._tolerance = clock_tolerance
        self._folded: _Folded | None = None

    def register(self, books: Books, as_of: datetime | None = None) -> Register:
        """What the statements so far, or those up to ``as_of``, say."""
        if as_of is not None:
            return Register.fold(books.statements.of(*FOLDED), as_of)
        last = books.statements.last()
        if last is None:
            return Register()
        known = self._folded
        if known is None or not _stands(known, books):
            known = _Folded(0, "", Register())
        register = known.register
        if known.number < last.number:
            for signed in books.statements.after(known.number, *FOLDED):
                register = register.after(signed)
        self._folded = _Folded(last.number, last.digest, register)
        return register

    def state(
        self, books: Books, credential: Credential, kind: str, subject: str, body: Mapping[str, Any], now: datetime
    ) -> SignedStatement:
        """Let a person state something: checked, signed, verified, and only then kept. The caller adds to the audit.

        The statement is dated ``now``, or as the last one when the clock went back a little.
        """
        at = self._moment(books, now)
        register = self.register(books)
        statement = Statement(self._environment, kind, subject, credential.person, at, body)
        ica = _named_ica(body) if kind == FOUNDED else register.ica
        found = [
            *self._credential(books, register, credential, ica, at, founding=kind == FOUNDED),
            *objections(register, statement),
        ]
        if found:
            raise Refused(found)
        signed = SignedStatement(statement, credential.sign(statement.octets), credential.certificate)
        if wrong := signature_findings(signed):
            raise Refused(wrong)
        return books.statements.add(signed)

    def _act(
        self, books: Books, credential: Credential, kind: str, subject: str, body: Mapping[str, Any], now: datetime
    ) -> Register:
        signed = self.state(books, credential, kind, subject, body, now)
        entry = {"actor": credential.person, "body": body, "statement": signed.digest}
        books.audit.append(kind, subject, entry, signed.statement.at)
        return self.register(books)

    def _moment(self, books: Books, now: datetime) -> datetime:
        """Now in whole seconds, never before the last statement (hostile V10)."""
        now, last = now.replace(microsecond=0), books.statements.last()
        if last is None or last.statement.at <= now:
            return now
        if last.statement.at - now > self._tolerance:
            message = f"it shows {moment(now)}, the last statement is of {moment(last.statement.at)}"
            raise Refused([CLOCK.breach("clock_went_back", "now", message, "set the clock right")])
        return last.statement.at

    def _credential(
        self, books: Books, register: Register, credential: Credential, ica: bytes, at: datetime, *, founding: bool
    ) -> list[Finding]:
        held, name = digest(credential.certificate), credential.person
        person = register.people.get(name)
        if not founding and (person is None or held not in person.certificates):
            message = f"this certificate is no credential of {name}"
            return [
                CREDENTIALS.breach("credential_not_of_person", "certificate", message, "the person's own credential")
            ]
        if found := credential_findings(credential.certificate, ica, at):
            return found
        certificate = Certificate.from_der(credential.certificate)
        issued = books.certificates.get(certificate.issuer.common_name or "", certificate.serial)
        if issued is not None and issued.revoked_at is not None:
            message = f"it was revoked at {moment(issued.revoked_at)}"
            return [CREDENTIALS.breach("credential_revoked", "certificate", message, "a credential in use")]
        return []


def _named_ica(body: Mapping[str, Any]) -> bytes:
    """The ICA that a founding statement names; empty when it names none that can be read."""
    try:
        return octets(body.get("ica"))
    except ValueError:
        return b""


def _stands(known: _Folded, books: Books) -> bool:
    """Whether what was folded is still there: the transaction it was read in may have been rolled back."""
    kept = books.statements.get(known.digest)
    return kept is not None and kept.number == known.number
