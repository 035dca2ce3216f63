"""Check 18, anomaly detection: more requests in a time than their user has said to expect are held back.

Thresholds are a user's or the DCC's; none is set unless somebody sets one. A request above one is accepted and
quarantined: nothing leaves the DSP, its user hears of it (N47), and somebody releases or discards it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class Threshold:
    """At most this many requests in a window; without a user or service, for every one of them alone.

    ``by_user`` tells whose threshold it is: the user's own, else the DCC's.
    """

    most: int
    window: timedelta
    user: Eui64 | None = None
    service_variant: str | None = None
    by_user: bool = False

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing could pass or that cover no time."""
        if self.most < 0 or self.window <= timedelta():
            raise ValueError("a threshold counts from 0 in a window that has a length")

    def covers(self, user: Eui64, service_variant: str) -> bool:
        """Whether it is about such a request."""
        return self.user in (None, user) and self.service_variant in (None, service_variant)


def to_count(thresholds: Iterable[Threshold], user: Eui64, service_variant: str) -> Iterator[Threshold]:
    """The thresholds that a request has to be counted against."""
    return (each for each in thresholds if each.covers(user, service_variant))


def exceeded(counts: Mapping[Threshold, int]) -> Threshold | None:
    """The first threshold that one more request would break, given how many were accepted in its window."""
    return next((threshold for threshold, accepted in counts.items() if accepted >= threshold.most), None)
