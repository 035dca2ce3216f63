"""Who may do what, and what was decided: parties, people, approvals, evidence, and the audit chain."""

from trustcell.governance.service import Governance, audited

__all__ = ["Governance", "audited"]
