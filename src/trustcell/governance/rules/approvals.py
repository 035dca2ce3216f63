"""Approvals: what the SMKI PMA decided, having taken into account the views of the SSC, and what that covers.

MP261: Appendix B 6.3.2(A)(i) for another validity, Section L11.4A/B for a repeated key (smki.md 8).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole


class ApprovalKind(StrEnum):
    """What an approval allows."""

    VALIDITY = "VALIDITY"
    KEY_REUSE = "KEY_REUSE"
    RECOVERY_USE = "RECOVERY_USE"
    CPS_APPROVAL = "CPS_APPROVAL"


class ApprovalState(StrEnum):
    """Where an approval stands."""

    DRAFT = "draft"
    SSC_CONSULTED = "ssc_consulted"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    EXHAUSTED = "exhausted"


class Position(StrEnum):
    """What the SSC said. A negative view, or none, may be recorded; the PMA only has to have considered it."""

    SUPPORT = "support"
    OPPOSE = "oppose"
    NO_VIEW = "no-view"


@dataclass(frozen=True)
class Scope:
    """What an approval covers. An empty set of subjects, usages, keys or requests does not narrow.

    ``keys`` are SHA-256 digests (hex) of SubjectPublicKeyInfos; ``requests`` names of requests (digests). Validity is
    ``years`` or a fixed ``not_after``; with ``exact`` no other will do, otherwise it is the most that will.
    ``purpose`` narrows to what a certificate is for, such as a pack. ``max_certificates`` is how many may be issued.
    """

    roles: frozenset[RemotePartyRole]
    subjects: frozenset[Eui64] = frozenset()
    key_usages: frozenset[KeyUsage] = frozenset()
    keys: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    years: int | None = None
    not_after: datetime | None = None
    exact: bool = True
    purpose: str = ""
    max_certificates: int = 1


@dataclass(frozen=True)
class SscView:
    """The view of the Security Sub-Committee: when, where it is minuted, its position, the document by hash."""

    date: datetime
    reference: str
    position: Position
    text: str
    document: str
    recorded_by: str
    statement: str


@dataclass(frozen=True)
class PmaDecision:
    """The decision of the SMKI PMA and the statement that SSC views were taken into account."""

    date: datetime
    meeting: str
    minute: str
    approved: bool
    quorum: str
    considered: bool
    considered_text: str
    conditions: str
    document: str
    decided_by: str
    statement: str


@dataclass(frozen=True)
class Approval:
    """One version of an approval. ``digest`` is that of the statement that drafted it: what it says is approved.

    Its state follows from the clock and its uses, see ``state_at``.
    """

    name: str
    version: int
    kind: ApprovalKind
    legal_basis: str
    effective_from: datetime
    expires: datetime
    requested_by: str
    drafted_at: datetime
    rationale: str
    scope: Scope
    digest: str
    evidence: tuple[str, ...] = ()
    ssc_view: SscView | None = None
    decision: PmaDecision | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str = ""
    void_since: datetime | None = None
    """Since when its decider no longer speaks for the SMKI PMA; it is of no use from then on (hostile A4)."""

    def state_at(self, now: datetime, uses: int = 0) -> ApprovalState:
        """Where it stands at this moment after so many uses; a void one counts as withdrawn."""
        ended = (self.withdrawn_at, self.void_since)
        if any(at is not None and at <= now for at in ended):
            return ApprovalState.WITHDRAWN
        if self.decision is None:
            return ApprovalState.DRAFT if self.ssc_view is None else ApprovalState.SSC_CONSULTED
        if not self.decision.approved:
            return ApprovalState.REJECTED
        if now > self.expires:
            return ApprovalState.EXPIRED
        return ApprovalState.EXHAUSTED if uses >= self.scope.max_certificates else ApprovalState.APPROVED
