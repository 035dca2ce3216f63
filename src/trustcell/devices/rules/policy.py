"""Choices the specification leaves open, each one a named value (gbcs.md 5.2, 6.1, 10)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FloorPolicy(StrEnum):
    """What floor [4] does to the authorising role's counters (gbcs.md 5.2).

    ``RETAIN`` never lowers a counter. ``RESET`` sets the counters to the floor when the entity in the authorising cell
    changed, and otherwise retains.
    """

    RETAIN = "retain"
    RESET = "reset"


class TimeChecks(StrEnum):
    """Whether the device compares certificate dates with its clock when a command asks for it."""

    AS_COMMANDED = "as commanded"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class DevicePolicy:
    """How devices of a fleet read the open points.

    With ``failure_alerts`` a discarded message raises a critical alert 0x1000 to the supplier (gbcs.md 6.1) and so
    moves the alert counter; without, it is silent. ``log_limit`` lines of the security log are kept.
    ``certificate_time`` stands for the clock when certificate dates are compared: those of a public lab have ended.
    """

    floors: FloorPolicy = FloorPolicy.RETAIN
    failure_alerts: bool = False
    time_checks: TimeChecks = TimeChecks.AS_COMMANDED
    log_limit: int = 100
    certificate_time: datetime | None = None

    def __post_init__(self) -> None:
        """A log without room could not hold the line that tells of a refusal."""
        if self.log_limit < 1:
            raise ValueError("the security log keeps at least one line")
