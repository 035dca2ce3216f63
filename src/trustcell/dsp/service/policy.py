"""Choices of this DSP that no source settles, as values (docs/assumptions.md)."""

from dataclasses import dataclass
from datetime import timedelta

from trustcell.dsp.rules.anomaly import Threshold


@dataclass(frozen=True, slots=True)
class Policy:
    """Times and switches of one DSP; ``thresholds`` are those of anomaly detection (check 18), none by default.

    ``track_counters`` off is the world before SECMP0128A, kept to show the difference. ``response_timeout`` is how long
    a device may stay silent (E21), ``alert_timeout`` how long after its time a future-dated command is waited for
    (E30). ``callback_delay`` lets a user read the acknowledgement first (dcc-boxed-interface.md 3).
    ``sequence_pause`` is how often a request that waits for a preceding one is looked at. ``place_users_only`` refuses
    a 6.21 that puts a network operator into a GPF who is no DCC User with certificates in the repository (SECMP0128A
    requirement 2); off, it is left to the supplier and the report.
    """

    track_counters: bool = True
    response_timeout: timedelta = timedelta(minutes=5)
    alert_timeout: timedelta = timedelta(hours=24)
    callback_delay: timedelta = timedelta(milliseconds=300)
    sequence_pause: timedelta = timedelta(seconds=1)
    place_users_only: bool = True
    thresholds: tuple[Threshold, ...] = ()
