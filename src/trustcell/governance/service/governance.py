"""Governance at work: every act is a statement that its person signed, and one entry of the audit chain beside it."""

from trustcell.governance.service.approvals import Approvals
from trustcell.governance.service.registration import Registration


class Governance(Registration, Approvals):
    """The register of one environment, and the acts that change it; each is part of its caller's transaction."""
