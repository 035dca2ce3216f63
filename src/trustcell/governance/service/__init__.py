"""Governance at work: signed statements, one audit entry each, within the transaction of the caller."""

from trustcell.governance.service.governance import Governance
from trustcell.governance.service.refusals import audited

__all__ = ["Governance", "audited"]
