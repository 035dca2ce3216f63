"""What comes of one attempt to deliver, and when the next is due (dcc-boxed-interface.md 3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """What one attempt means for the delivery."""

    DONE = "done"
    DROPPED = "dropped"
    AGAIN = "again"


NEVER_AGAIN = frozenset({400, 404, 413})
"""Not valid, no such path, too long: repeating is pointless."""

_SECONDS = (1, 2, 5, 15, 60, 300, 900, 3_600)


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The pause after each failed attempt; the last one repeats. Without ``give_up_after`` attempts there is no end."""

    pauses: tuple[timedelta, ...] = tuple(timedelta(seconds=each) for each in _SECONDS)
    give_up_after: int | None = None

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for pauses that are missing, not above zero, or shrink."""
        if not self.pauses or self.pauses[0] <= timedelta(0) or list(self.pauses) != sorted(self.pauses):
            raise ValueError("pauses grow and are above zero")
        if self.give_up_after is not None and self.give_up_after < 1:
            raise ValueError("at least one attempt is made")


def after_attempt(
    status: int | None, attempts: int, now: datetime, schedule: RetrySchedule
) -> tuple[Outcome, datetime | None]:
    """Decide after an attempt that ended with an HTTP status, or with none; ``attempts`` were made before it.

    Anything of 2xx is done. A redirect is not followed: it is a failure like another.
    """
    if status is not None and 200 <= status <= 299:
        return Outcome.DONE, None
    if status in NEVER_AGAIN:
        return Outcome.DROPPED, None
    if schedule.give_up_after is not None and attempts + 1 >= schedule.give_up_after:
        return Outcome.DROPPED, None
    return Outcome.AGAIN, now + schedule.pauses[min(attempts, len(schedule.pauses) - 1)]
