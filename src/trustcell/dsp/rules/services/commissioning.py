"""8.1.1: a meter's clock is set, and with it the meter commissioned (ECS70 and GCS28, dlms-gbz.md 4.2)."""

from datetime import UTC, datetime, timedelta
from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.plan import Ask, CommandPlan, Effects, Reply
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.originator import critical, fixed, numbered
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus, SetTime, TimeSet
from trustcell.vocab import DeviceType

_ECS70, _GCS28 = 0x0062, 0x007F
_RELIABLE = 0


def _bounds(body: duis.CommissionDeviceSynchroniseClock) -> tuple[datetime, datetime]:
    """From the time given to the end of the tolerance; GBCS counts whole seconds."""
    start = body.current_date_time.astimezone(UTC).replace(microsecond=0)
    return start, start + timedelta(seconds=body.tolerance_period)


def _commission(ask: Ask) -> CommandPlan:
    device = ask.facts.device
    bounds = _bounds(cast(duis.CommissionDeviceSynchroniseClock, ask.request.body))
    if device is not None and device.device_type is DeviceType.GSME:
        return critical(_GCS28, fixed(_GCS28, SetTime(*bounds)))
    return critical(_ECS70, numbered(_ECS70, gbcs.SetClock(*bounds)))


def _commissioned(reply: Reply) -> Effects:
    """The device reports success even if it did not adjust its clock, so time and status decide."""
    if reply.request is None:
        return Effects()
    match reply.payload:
        case gbcs.ClockSet(device_time=at, status=status):
            reliable = status == _RELIABLE
        case TimeSet(device_time=at, status=status):
            reliable = status is DeviceTimeStatus.RELIABLE
        case _:
            return Effects()
    start, end = _bounds(cast(duis.CommissionDeviceSynchroniseClock, reply.request.body))
    if not reliable or not start <= at <= end:
        return Effects(notes=(f"clock of {reply.device.eui} was not set: {at:%Y-%m-%dT%H:%M:%SZ}",))
    return Effects(devices=inventory.changes(reply.device, inventory.Event.CLOCK_SET, reply.now))


COMMISSION = ServiceRule(_commission, effects=_commissioned, needs_request=True)
