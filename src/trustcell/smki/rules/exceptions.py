"""Which approvals a certificate would stand on: each counted once it is issued (smki.md 9, A16)."""

from trustcell.governance.rules.approvals import Approval, ApprovalKind
from trustcell.smki.rules import cited
from trustcell.smki.rules.appendix_b_6_3_2 import period
from trustcell.smki.rules.facts import Application, Facts
from trustcell.smki.rules.sec_l11 import repeats_a_key


def used(application: Application, facts: Facts) -> tuple[Approval, ...]:
    """The approvals relied on; a longer period and a repeated key are approved independently of each other."""
    needed = []
    if repeats_a_key(application, facts):
        needed.append(ApprovalKind.KEY_REUSE)
    if not period(application, facts).standard:
        needed.append(ApprovalKind.VALIDITY)
    chosen = (cited.choose(kind, application, facts)[0] for kind in needed)
    return tuple(each for each in chosen if each is not None)
