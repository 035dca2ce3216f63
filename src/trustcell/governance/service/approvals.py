"""Acts about approvals: asked for, viewed by the SSC, decided by the SMKI PMA, withdrawn (smki.md 8)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from trustcell.governance.ports import Books, Credential, Evidence
from trustcell.governance.rules.approval_scope import KIND_RULES, scope_json
from trustcell.governance.rules.approval_statements import DECISION, DRAFT, SSC_VIEW, WITHDRAWN
from trustcell.governance.rules.approvals import Approval, ApprovalKind, Position, Scope
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import RECORD
from trustcell.governance.service.stating import Stating
from trustcell.vocab import Finding, Refused


class Approvals(Stating):
    """Approvals; each act is one statement and one audit entry, and gives the version it was about."""

    def draft_approval(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        kind: ApprovalKind,
        scope: Scope,
        effective_from: datetime,
        expires: datetime,
        rationale: str,
        evidence: Iterable[str] = (),
        now: datetime,
    ) -> Approval:
        """Ask for an approval, or for a new version of one. ``evidence`` are SHA-256 digests of files kept before."""
        if self._bind_requests and not scope.requests and KIND_RULES[kind].modification:
            message = "no request is named that it is for"
            remedy = "name the requests, or set approvals_bind_requests = false in the environment"
            raise Refused([RECORD.breach("approval_names_no_request", "scope.requests", message, remedy)])
        newest = self.register(books).newest(name)
        body = {
            "effective_from": moment(effective_from),
            "evidence": sorted(evidence),
            "expires": moment(expires),
            "kind": kind.value,
            "legal_basis": KIND_RULES[kind].legal_basis,
            "rationale": rationale,
            "scope": scope_json(scope),
            "version": 1 if newest is None else newest.version + 1,
        }
        return self._approval(books, credential, DRAFT, name, body, now)

    def ssc_view(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        digest: str,
        date: datetime,
        reference: str,
        position: Position,
        text: str = "",
        document: str = "",
        now: datetime,
    ) -> Approval:
        """Record the view of the Security Sub-Committee on the draft with this digest; it may be negative, or none."""
        body = {
            "date": moment(date),
            "digest": digest,
            "document": document,
            "position": position.value,
            "reference": reference,
            "text": text,
        }
        return self._approval(books, credential, SSC_VIEW, name, body, now)

    def decide(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        digest: str,
        date: datetime,
        meeting: str,
        minute: str,
        approved: bool,
        quorum: str,
        considered: bool,
        considered_text: str,
        conditions: str = "",
        document: str = "",
        now: datetime,
    ) -> Approval:
        """Record the decision of the SMKI PMA on the draft with this digest, and how it took the views into account."""
        body = {
            "approved": approved,
            "conditions": conditions,
            "considered": considered,
            "considered_text": considered_text,
            "date": moment(date),
            "digest": digest,
            "document": document,
            "meeting": meeting,
            "minute": minute,
            "quorum": quorum,
        }
        return self._approval(books, credential, DECISION, name, body, now)

    def withdraw(self, books: Books, credential: Credential, name: str, *, reason: str, now: datetime) -> Approval:
        """No certificate is issued under this approval any more; those issued stay as they are."""
        return self._approval(books, credential, WITHDRAWN, name, {"reason": reason}, now)

    def evidence_findings(self, approval: Approval, evidence: Evidence) -> list[Finding]:
        """Every document of an approval that is missing, or is not what was cited (hostile V5)."""
        cited = [*approval.evidence]
        cited += [
            each.document for each in (approval.ssc_view, approval.decision) if each is not None and each.document
        ]
        found: list[Finding] = []
        for sha256 in dict.fromkeys(cited):
            try:
                evidence.read(sha256)
            except Refused as refusal:
                found += refusal.findings
        return found

    def _approval(
        self, books: Books, credential: Credential, kind: str, name: str, body: Mapping[str, Any], now: datetime
    ) -> Approval:
        return self._act(books, credential, kind, name, body, now).versions[name][-1]
