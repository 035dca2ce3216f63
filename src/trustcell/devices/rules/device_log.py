"""CS07, GCS59, GCS62: the log of joined devices, read, restored, and backed up by alert (gbcs.md 4.7)."""

from dataclasses import replace
from datetime import UTC, datetime

from trustcell.devices import answers
from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.devices.memory import Partner
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import answered, authorised, non_critical
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.device_logs import (
    DeviceLog,
    DeviceLogAlert,
    ReadLogResult,
    RestoredDeviceLog,
    RestoredEntry,
    RestoreDeviceLog,
)
from trustcell.gbcs.usecases.joining import JoinResult
from trustcell.vocab import BROKER_CELL, DeviceType, RemotePartyRole

CS07, GCS59, GCS62 = 0x0013, 0x008C, 0x00B2

MAX_PARTNERS = 32
"""Entries of a device log (assumed)."""

_READ = non_critical(RemotePartyRole.ACCESS_CONTROL_BROKER, RemotePartyRole.SUPPLIER, replay_protected=False)
_RESTORE = non_critical(RemotePartyRole.ACCESS_CONTROL_BROKER)


def read(device: Device, message: Message, now: datetime) -> Outcome:
    """CS07: every entry, in the order of joining."""
    decode_payload(message)
    device, sender = authorised(device, message, _READ)
    if device.fails(CS07):
        answer = DeviceLog(ReadLogResult.READ_FAILURE)
    else:
        answer = DeviceLog(ReadLogResult.SUCCESS, device.state.partners)
    return Outcome(device, (answered(device, message, sender, answer),))


def restore(device: Device, message: Message, now: datetime) -> Outcome:
    """GCS59: the entries of a GPF that was replaced; each is answered by itself, and the log is backed up again."""
    command: RestoreDeviceLog = decode_payload(message)
    if len(command.entries) > MAX_PARTNERS:
        raise Discard(Event.FORMAT_CHECK_FAILED, "too_many_entries", f"at most {MAX_PARTNERS} entries were expected")
    device, sender = authorised(device, message, _RESTORE)
    partners = {partner.device: partner for partner in device.state.partners}
    results = []
    for entry in command.entries:
        if device.fails(GCS59):
            result = JoinResult.WRITE_FAILURE
        elif entry.device not in partners and not room_for(tuple(partners.values())):
            result = JoinResult.DEVICE_LOG_FULL
        else:
            partners[entry.device] = entry
            result = JoinResult.SUCCESS
        results.append(RestoredEntry(entry, result))
    device, alerts = changed(device, tuple(partners.values()), now)
    return Outcome(device, (answered(device, message, sender, RestoredDeviceLog(tuple(results))), *alerts))


def room_for(partners: tuple[Partner, ...]) -> bool:
    """Whether one more entry fits."""
    return len(partners) < MAX_PARTNERS


def changed(device: Device, partners: tuple[Partner, ...], now: datetime) -> tuple[Device, tuple[bytes, ...]]:
    """The device with this log; a GPF whose log has changed sends it to the broker (alert 8071)."""
    if partners == device.state.partners:
        return device, ()
    device = device.with_state(replace(device.state, partners=partners))
    broker = device.cell(BROKER_CELL)
    if device.device_type is not DeviceType.GPF or broker is None:
        return device, ()
    at = now.astimezone(UTC).replace(microsecond=0)
    payload = encode_payload(GCS62, Cra.ALERT, DeviceLogAlert(Event.GPF_LOG_CHANGED, at, partners))
    device, octets = answers.mac_alert(device, broker, GCS62, payload)
    return device, (octets,)
