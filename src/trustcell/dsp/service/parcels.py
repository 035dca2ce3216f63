"""Signed messages for users: outcomes of requests, and alerts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trustcell import duis
from trustcell.dsp.rules.counters import milliseconds
from trustcell.dsp.rules.plan import Effects
from trustcell.dsp.rules.work import Parcel
from trustcell.dsp.service.answers import Answers
from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class Parcels:
    """Makes what is delivered later; ``delay`` leaves a user time to read the acknowledgement first."""

    answers: Answers
    broker: Eui64
    delay: timedelta

    def outcome(self, ids: duis.RequestId, variant: str, code: str, now: datetime, content: Any = None) -> Parcel:
        """What came of a request."""
        octets = self.answers.outcome(ids, variant, code, now, content)
        return Parcel(ids.originator, octets, ids, True, now + self.delay)

    def alerts(self, effects: Effects, now: datetime) -> tuple[Parcel, ...]:
        """Alerts of the DCC, one message each."""
        return tuple(
            self._alert(alert.user, duis.DccAlertMessage(alert.code, alert.alert), self.broker, now)
            for alert in effects.alerts
        )

    def device_alert(self, user: Eui64, device: Eui64, code: int, octets: bytes, counter: int, now: datetime) -> Parcel:
        """An alert that a device sent by itself."""
        message = duis.DeviceAlertMessage(f"{code:04X}", octets)
        return Parcel(user, self.answers.alert(message, device, user, counter, now), None, False, now + self.delay)

    def _alert(self, user: Eui64, message: Any, source: Eui64, now: datetime) -> Parcel:
        octets = self.answers.alert(message, source, user, milliseconds(now), now)
        return Parcel(user, octets, None, False, now + self.delay)
