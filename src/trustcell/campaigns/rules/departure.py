"""The departure of a network operator: what its cells should hold, what became of a request, when it may be revoked.

The operator puts the ACB's certificates into its cells (SRV 6.15.1), somebody reads the cells (6.24.1), and only when
every cell that trusts the operator is gone may its certificates be revoked (SECMP0128A requirements 4 and 5): from then
on nobody could sign for the cells it would leave behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from trustcell.campaigns.rules.waves import Progress, TargetState
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.vocab import Clause, Eui64, Finding

KIND = "departure"
LEAVING = Clause(
    "SEC Appendix B 4.9.1(A)(iii)", "Organisation Certificate Policy, as amended by SECMP0128A", date(2023, 6, 29)
)

FINAL = frozenset(
    {
        RequestState.RESPONDED,
        RequestState.DELIVERED,
        RequestState.ANSWERED,
        RequestState.UNREACHABLE,
        RequestState.SILENT,
        RequestState.EXPIRED,
        RequestState.ABANDONED,
        RequestState.DISCARDED,
        RequestState.CANCELLED,
    }
)
"""States of a request after which nothing more comes."""

WAY_OUT = (
    "try again when it answers (trustcell departure retry); once the operator's certificates are revoked only a "
    "recovery, by decision of the SMKI PMA, changes its cells"
)


@dataclass(frozen=True, slots=True)
class Holding:
    """Who is in the network operator cells of a device; ``None`` for a cell the DSP knows nothing of.

    ``key_id`` is the key of the DS cell: only who signs with that key is heard.
    """

    ds: Eui64 | None
    ka: Eui64 | None
    key_id: bytes = b""

    def clean(self, goal: Eui64) -> bool:
        """Whether whoever should be there is in both."""
        return self.ds == goal and self.ka == goal

    def concerns(self, operator: Eui64) -> bool:
        """Whether the operator is in one of them."""
        return operator in (self.ds, self.ka)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What became of a request: its state in the DSP, ``None`` when the DSP does not know it, and the response code."""

    state: RequestState | None
    code: str = ""

    @property
    def begun(self) -> bool:
        """Whether the DSP has accepted it: a pre-command that waits for its signature is not."""
        return self.state not in (None, RequestState.TRANSFORMED)

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self.state in FINAL


def revocable(progress: Progress, reason: str, by: str) -> Iterator[Finding]:
    """Whether the operator's certificates may be revoked: when all is clean, or somebody says why not."""
    left = progress.total - progress.counts.get(TargetState.CLEAN, 0)
    if left == 0:
        return
    if not reason.strip() or not by.strip():
        yield LEAVING.breach(
            "devices_still_trust_it",
            "campaign",
            f"{left} of {progress.total} devices are not known to have the ACB's certificates",
            "finish the departure, or override with --reason, the reference of a decision, and --by",
        )
