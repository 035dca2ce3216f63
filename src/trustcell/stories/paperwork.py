"""The people of an authority at work: they ask, view, decide, issue and publish, each with a credential of his own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustcell import certs
from trustcell.governance import Governance
from trustcell.governance.ports import Credential
from trustcell.governance.rules.approvals import ApprovalKind, Position, Scope
from trustcell.governance.rules.canonical import digest
from trustcell.packs import Generation, Pack, Packs
from trustcell.smki.ports import Store
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.smki.rules.records import CertificateRecord
from trustcell.smki.service.issuing import Authority
from trustcell.vocab import Eui64, Refused, RemotePartyRole

_MONTH = timedelta(days=30)
_WEEK = timedelta(days=7)
_HOUR = timedelta(hours=1)
_WHY = "one manufacturing pack that lasts as long as the Issuing OCA"
_VIEW = "The certificates last no longer than the authority above them."


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request that was refused: under which rules, by which clauses, and what the explanation says of it."""

    name: str
    at: datetime
    rule_set: str
    clauses: tuple[str, ...]
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Paperwork:
    """An authority and the credentials of its people; ``issuing`` is the Issuing OCA Certificate.

    ``credential`` gives the credential of a person by name: ada asks for the DCC, sue records for the SSC, pat decides
    for the PMA, ian issues, paula publishes packs.
    """

    store: Store
    governance: Governance
    authority: Authority
    packs: Packs
    issuing: certs.Certificate
    credential: Callable[[str], Credential]

    def certificate(
        self,
        person: str,
        csr: bytes,
        at: datetime,
        *,
        years: int | None = None,
        not_before: datetime | None = None,
        approvals: Sequence[str] = (),
        purpose: str = "",
    ) -> CertificateRecord:
        """A CSR submitted by its ARO and issued by ian."""
        ask = Ask(years, not_before, None, tuple(approvals), purpose)
        request = self.authority.submit(csr, ask, self.credential(person), at, confirm_clock=True)
        return self.authority.issue(request.name, self.credential("ian"), at, confirm_clock=True)

    def refusal(
        self, person: str, csr: bytes, at: datetime, *, years: int, not_before: datetime, purpose: str
    ) -> RefusedRequest:
        """A request that has to be refused; if it is not, the clauses are empty and the story is not as told."""
        ask = Ask(years, not_before, None, (), purpose)
        explanation = self.authority.explain((csr, ask), at, requester=person)
        try:
            self.authority.submit(csr, ask, self.credential(person), at, confirm_clock=True)
        except Refused as refusal:
            findings = refusal.findings
        else:
            findings = ()
        return RefusedRequest(
            request_name(certs.load_csr(csr).der, ask),
            at,
            explanation.rule_set,
            tuple(sorted({finding.clause for finding in findings})),
            tuple(sorted({finding.code for finding in findings})),
            str(findings[0]) if findings else "",
        )

    def approvals(
        self, csrs: Sequence[bytes], at: datetime, not_before: datetime, *, years: int, purpose: str
    ) -> tuple[str, ...]:
        """A VALIDITY and a KEY_REUSE approval for exactly these requests: drafted, viewed, decided a month later."""
        requests = [certs.load_csr(csr) for csr in csrs]
        ask = Ask(years, not_before, None, (), purpose)
        common = {
            "roles": frozenset(RemotePartyRole(request.role or 0) for request in requests),
            "subjects": frozenset(request.entity_id for request in requests if request.entity_id is not None),
            "keys": frozenset(digest(request.spki) for request in requests),
            "requests": frozenset(request_name(request.der, ask) for request in requests),
            "purpose": purpose,
            "max_certificates": len(requests),
        }
        kinds = {
            "PMA-VALIDITY": (ApprovalKind.VALIDITY, Scope(**common, years=years)),  # type: ignore[arg-type]
            "PMA-KEY-REUSE": (ApprovalKind.KEY_REUSE, Scope(**common)),  # type: ignore[arg-type]
        }
        digests = {
            name: self._draft(name, kind, scope, at, not_before + timedelta(days=365))
            for name, (kind, scope) in kinds.items()
        }
        for name, drafted in digests.items():
            self._view(name, drafted, at + _MONTH)
        for name, drafted in digests.items():
            self._decide(name, drafted, at + 2 * _MONTH)
        return tuple(kinds)

    def recovery(self, name: str, role: RemotePartyRole, party: Eui64, key: str, purpose: str, at: datetime) -> str:
        """A RECOVERY_USE approval for one event: drafted, viewed a week later, decided a week after that; its name."""
        scope = Scope(
            frozenset({role}), subjects=frozenset({party}), keys=frozenset({key}), purpose=purpose, max_certificates=1
        )
        drafted = self._draft(
            name,
            ApprovalKind.RECOVERY_USE,
            scope,
            at,
            at + timedelta(days=365),
            "slots that nobody can change any more",
        )
        self._view(name, drafted, at + _WEEK, "The recovery key is used for these slots alone.")
        self._decide(name, drafted, at + 2 * _WEEK)
        return name

    def _draft(
        self, name: str, kind: ApprovalKind, scope: Scope, at: datetime, expires: datetime, why: str = _WHY
    ) -> str:
        with self.store.transaction(at) as books:
            draft = self.governance.draft_approval(
                books,
                self.credential("ada"),
                name,
                kind=kind,
                scope=scope,
                effective_from=at,
                expires=expires,
                rationale=why,
                now=at,
            )
        return draft.digest

    def _view(self, name: str, drafted: str, at: datetime, text: str = _VIEW) -> None:
        with self.store.transaction(at) as books:
            self.governance.ssc_view(
                books,
                self.credential("sue"),
                name,
                digest=drafted,
                date=at - _HOUR,
                reference="SSC meeting, item 4",
                position=Position.SUPPORT,
                text=text,
                now=at,
            )

    def _decide(self, name: str, drafted: str, at: datetime) -> None:
        with self.store.transaction(at) as books:
            self.governance.decide(
                books,
                self.credential("pat"),
                name,
                digest=drafted,
                date=at - _HOUR,
                meeting="SMKI PMA meeting",
                minute="minute 7",
                approved=True,
                quorum="quorate",
                considered=True,
                considered_text="The PMA took into account the view of the SSC.",
                now=at,
            )

    def pack(
        self,
        name: str,
        version: int,
        generation: str,
        at: datetime,
        certificates: Sequence[tuple[str, int]] = (),
        earlier: Sequence[Generation] = (),
    ) -> Pack:
        """A pack assembled and published by paula."""
        made = self.packs.assemble(name, version, generation, certificates, earlier=earlier, now=at)
        return self.packs.publish(made, self.credential("paula"), at).pack

    def entity(self, person: str) -> Eui64:
        """The first EUI-64 of the party an ARO acts for."""
        with self.store.reading() as books:
            register = self.governance.register(books)
        party = next(iter(register.people[person].acts_for))
        return min(register.parties[party].entities)
