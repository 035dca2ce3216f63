"""GCS28: a meter sets its clock by its communications hub's, if that lies within bounds (gbcs.md 4.7)."""

from dataclasses import replace
from datetime import UTC, datetime

from trustcell.devices.fleet import Device
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.memory import Clock
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import authorised, critical, response
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus, SetTime, TimeSet
from trustcell.vocab import RemotePartyRole

GCS28 = 0x007F

ACCESS = critical(RemotePartyRole.SUPPLIER)


def set_time(device: Device, message: Message, now: datetime) -> Outcome:
    """Adjust, then tell time and status; a broken clock says ``invalid``."""
    command: SetTime = decode_payload(message)
    device, sender = authorised(device, message, ACCESS)
    network = device.network_time(now)
    if device.fails(GCS28):
        answer = TimeSet(_seconds(now), DeviceTimeStatus.INVALID)
    else:
        device = adjusted(device, command.validity_interval_start, command.validity_interval_end, now, network)
        answer = TimeSet(_seconds(device.time(network)), device.clock.status)
    payload = encode_payload(GCS28, Cra.RESPONSE, answer)
    return Outcome(device, (response(device, message, sender, payload, None),))


def adjusted(device: Device, start: datetime, end: datetime, now: datetime, network: datetime) -> Device:
    """The device after its clock has been set to the network's time, which must lie within the bounds of the command.

    Outside them nothing is adjusted and the clock calls itself unreliable (assumed; events 8145 and 8F0C).
    """
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
