"""The scope of an approval from the CSRs it is for, and from what is named besides."""

from collections.abc import Sequence
from dataclasses import replace

from trustcell.app.request_papers import RequestPaper
from trustcell.governance.rules.approvals import ApprovalKind, Scope
from trustcell.smki.rules.ask import Ask
from trustcell.vocab import RemotePartyRole


def scope_for(kind: ApprovalKind, papers: Sequence[RequestPaper], ask: Ask, more: Scope) -> Scope:
    """What the CSRs ask for, and ``more``. Raises ``ValueError`` for a CSR with a role that is not known."""
    roles = {RemotePartyRole(paper.csr.role) for paper in papers if paper.csr.role is not None}
    period, reuse = kind is ApprovalKind.VALIDITY, kind is ApprovalKind.KEY_REUSE
    return replace(
        more,
        roles=more.roles | roles,
        subjects=more.subjects | {paper.csr.entity_id for paper in papers if paper.csr.entity_id},
        key_usages=more.key_usages | {paper.csr.key_usage for paper in papers},
        keys=more.keys | {paper.key for paper in papers if reuse},
        requests=frozenset(paper.name for paper in papers),
        years=ask.years if period else None,
        not_after=ask.not_after if period else None,
        purpose=ask.purpose,
        max_certificates=more.max_certificates or max(len(papers), 1),
    )
