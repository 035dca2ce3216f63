"""GCS28 and ECS70: a meter sets its clock by its communications hub's, within bounds (gbcs.md 4.7; dlms-gbz.md 4.2)."""

from dataclasses import replace
from datetime import UTC, datetime

from trustcell.devices.fleet import Device
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.memory import Clock
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import answered, authorised, critical, typed
from trustcell.gbcs import InstructionFailed
from trustcell.gbcs.frame import Message
from trustcell.gbcs.payload import decode_payload
from trustcell.gbcs.usecases.clock import ClockSet, SetClock
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus, SetTime, TimeSet
from trustcell.vocab import RemotePartyRole

GCS28, ECS70 = 0x007F, 0x0062

_READING_THE_TIME = 3
_ACCESS = critical(RemotePartyRole.SUPPLIER)


def set_gas_clock(device: Device, message: Message, now: datetime) -> Outcome:
    """GCS28: adjust, then tell time and status; a broken clock says ``invalid``."""
    command: SetTime = decode_payload(message)
    device, sender = authorised(device, message, _ACCESS)
    if device.fails(GCS28):
        answer = TimeSet(_seconds(now), DeviceTimeStatus.INVALID)
    else:
        network = device.network_time(now)
        device = adjusted(device, command.validity_interval_start, command.validity_interval_end, now)
        answer = TimeSet(_seconds(device.time(network)), device.clock.status)
    return Outcome(device, (answered(device, message, sender, answer),))


def set_clock(device: Device, message: Message, now: datetime) -> Outcome:
    """ECS70: the same in five instructions; a broken clock cannot be read back, as in the vectors."""
    command = typed(message, SetClock)
    device, sender = authorised(device, message, _ACCESS)
    answer: ClockSet | InstructionFailed
    if device.fails(ECS70):
        answer = InstructionFailed(_READING_THE_TIME)
    else:
        network = device.network_time(now)
        device = adjusted(device, command.validity_interval_start, command.validity_interval_end, now)
        answer = ClockSet(_seconds(device.time(network)), int(device.clock.status))
    return Outcome(device, (answered(device, message, sender, answer),))


def adjusted(device: Device, start: datetime, end: datetime, now: datetime) -> Device:
    """The device after its clock has been set to the network's time, which must lie within the bounds of the command.

    Outside them nothing is adjusted and the clock calls itself unreliable (assumed; events 8145 and 8F0C).
    """
    network = device.network_time(now)
    if start <= network <= end:
        device = device.with_state(replace(device.state, clock=None))
        entry = LogEntry(network, Event.CLOCK_ADJUSTED, "clock_adjusted", "the clock follows the communications hub")
    else:
        clock = Clock(device.clock.skew, DeviceTimeStatus.UNRELIABLE)
        device = device.with_state(replace(device.state, clock=clock))
        text = f"the network's time {network:%Y-%m-%dT%H:%M:%SZ} is outside the bounds of the command"
        entry = LogEntry(now, Event.CLOCK_NOT_ADJUSTED, "clock_not_adjusted", text)
    return device.logged(entry)


def _seconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
