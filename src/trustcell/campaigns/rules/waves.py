"""Waves: which target is where, what may follow, how many may be on their way, and when it will be over.

A target is asked first (a command is on its way), then read (its cells are looked at), and only what was read counts as
clean. The number of the request is kept before it is sent, so whoever comes after a crash sends the same one again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustcell.vocab import Clause, Eui64, Refused

CAMPAIGN = Clause("trustcell campaign", "docs/campaigns.md, states of a campaign")


class TargetState(StrEnum):
    """Where one device stands."""

    WAITING = "waiting"
    """Nothing is on its way: not yet asked, or to be asked again."""
    ASKED = "asked"
    CHANGED = "changed"
    """The device says that it did what it was asked; nobody has looked yet."""
    READING = "reading"
    CLEAN = "clean"
    """Its cells were read and hold what they should."""
    UNREACHABLE = "unreachable"
    """Given up for now, after as many attempts as were allowed."""
    REFUSED = "refused"
    """The DSP does not let the request through; see the code."""


_T = TargetState
NEXT: Mapping[TargetState, frozenset[TargetState]] = MappingProxyType(
    {
        _T.WAITING: frozenset({_T.ASKED, _T.READING, _T.CLEAN, _T.UNREACHABLE}),
        _T.ASKED: frozenset({_T.CHANGED, _T.WAITING, _T.UNREACHABLE, _T.REFUSED}),
        _T.CHANGED: frozenset({_T.READING}),
        _T.READING: frozenset({_T.CLEAN, _T.CHANGED, _T.WAITING, _T.UNREACHABLE, _T.REFUSED}),
        _T.CLEAN: frozenset(),
        _T.UNREACHABLE: frozenset({_T.WAITING}),
        _T.REFUSED: frozenset({_T.WAITING}),
    }
)
"""What may follow; whatever is not here is refused and changes nothing."""

MOVING = frozenset({_T.ASKED, _T.READING})
OVER = frozenset({_T.CLEAN, _T.UNREACHABLE, _T.REFUSED})


class CampaignState(StrEnum):
    """Where a campaign stands."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    """Every target is clean, unreachable or refused."""
    REVOKED = "revoked"
    """The certificates it was about may be revoked: clean, or by an override that says why."""


_C = CampaignState
CAMPAIGN_NEXT: Mapping[CampaignState, frozenset[CampaignState]] = MappingProxyType(
    {
        _C.RUNNING: frozenset({_C.PAUSED, _C.DONE, _C.REVOKED}),
        _C.PAUSED: frozenset({_C.RUNNING, _C.REVOKED}),
        _C.DONE: frozenset({_C.RUNNING, _C.REVOKED}),
        _C.REVOKED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many targets are on their way at once, how many begin in an hour, how often one is tried."""

    in_flight: int = 500
    per_hour: int = 36_000
    attempts: int = 3
    again_after: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what would never move."""
        if min(self.in_flight, self.per_hour, self.attempts) < 1 or self.again_after < timedelta(0):
            raise ValueError("limits are at least one, and no time is negative")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign. ``subject`` is whom it is about, ``goal`` who should be in the cells in the end, ``asks`` and
    ``reads`` whose requests replace and look. ``notice`` says on whose word it began, and when.
    """

    name: str
    kind: str
    subject: Eui64
    goal: Eui64
    asks: Eui64
    reads: Eui64
    state: CampaignState
    began: datetime
    notice: Mapping[str, Any]
    limits: Limits = Limits()
    override: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One device of a campaign. ``counter`` is the number of the request that is, or was last, on its way."""

    device: Eui64
    state: TargetState
    attempts: int = 0
    counter: int = 0
    not_before: datetime | None = None
    changed: datetime | None = None
    code: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many targets are where, and when the rest will be over if it goes on like this."""

    counts: Mapping[TargetState, int]
    rate: float
    ends: datetime | None
    total: int = field(default=0)

    @property
    def over(self) -> int:
        """How many there is nothing more to do for."""
        return sum(self.counts.get(state, 0) for state in OVER)

    @property
    def clean(self) -> bool:
        """Whether every target is clean."""
        return self.counts.get(TargetState.CLEAN, 0) == self.total


def moved(target: Target, state: TargetState, now: datetime, **changes: Any) -> Target:
    """A target after a move. ``Refused`` (``illegal_move``) for one that the table has not."""
    if state not in NEXT[target.state]:
        message = f"{target.device} is {target.state} and cannot become {state}"
        raise Refused([CAMPAIGN.breach("illegal_move", "state", message, "see docs/campaigns.md")])
    return replace(target, state=state, changed=now, **changes)


def turned(campaign: Campaign, state: CampaignState, **changes: Any) -> Campaign:
    """A campaign after a move; ``Refused`` (``illegal_move``)."""
    if state not in CAMPAIGN_NEXT[campaign.state]:
        message = f"{campaign.name} is {campaign.state} and cannot become {state}"
        raise Refused([CAMPAIGN.breach("illegal_move", "state", message, "see docs/campaigns.md")])
    return replace(campaign, state=state, **changes)


def tried(target: Target, limits: Limits, now: datetime, code: str) -> Target:
    """A target that did not answer: again later, or given up when it was tried often enough."""
    if target.attempts >= limits.attempts:
        return moved(target, TargetState.UNREACHABLE, now, code=code)
    return moved(target, TargetState.WAITING, now, code=code, not_before=now + limits.again_after)


def room(limits: Limits, in_flight: int, begun_this_hour: int) -> int:
    """How many more may begin now."""
    return max(0, min(limits.in_flight - in_flight, limits.per_hour - begun_this_hour))


def progress(
    counts: Mapping[TargetState, int], finished: Iterable[datetime], limits: Limits, now: datetime
) -> Progress:
    """Where it stands. The rate is what became clean or was given up in the last quarter of an hour, at most what the
    limits allow; before anything was, the limits alone tell.
    """
    total = sum(counts.values())
    left = total - sum(counts.get(state, 0) for state in OVER)
    window = timedelta(minutes=15)
    recent = [at for at in finished if now - window <= at <= now]
    allowed = limits.per_hour / 3600
    rate = allowed
    if recent:
        span = max((now - min(recent)).total_seconds(), 1.0)
        rate = min(allowed, len(recent) / span)
    ends = None if left == 0 or rate <= 0 else now + timedelta(seconds=left / rate)
    return Progress(MappingProxyType(dict(counts)), rate, ends, total)
