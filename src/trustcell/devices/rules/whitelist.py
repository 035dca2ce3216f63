"""CCS01, CCS02, CCS03, CCS06, CCS07, CS14: the whitelist and log of a communications hub (dlms-gbz.md 4.3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trustcell.devices import answers
from trustcell.devices.fleet import Device
from trustcell.devices.log import Event
from trustcell.devices.memory import HubMemory, WhitelistEntry
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import answered, authorised, non_critical, typed
from trustcell.gbcs import InstructionFailed, InstructionsSucceeded
from trustcell.gbcs.dlms import Result
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.hub_devices import HubDevice, HubDevices, ReadHubDevices
from trustcell.gbcs.usecases.whitelist import (
    AddToWhitelist,
    HubLog,
    HubLogAlert,
    HubLogs,
    JoinedDevice,
    ReadHubLogs,
    RemoveFromWhitelist,
    RestoreWhitelist,
)
from trustcell.vocab import BROKER_CELL, RemotePartyRole

CCS01, CCS02, CCS03, CCS06, CCS07, CS14 = 0x0001, 0x0002, 0x0003, 0x010F, 0x00FE, 0x0018
CCS05_CCS04 = 0x0004

MAX_DEVICES = 32
"""Devices one hub admits (assumed)."""

_CHANGE = non_critical(RemotePartyRole.ACCESS_CONTROL_BROKER)
_READ = non_critical(RemotePartyRole.ACCESS_CONTROL_BROKER, replay_protected=False)
_KEY_OCTETS = 16
_SIGNAL, _QUALITY = (-30, -40, -60), (255, 200, 150)
_STATUS_JOINED, _STATUS_WAITING = 0xC8, 0x80


def add(device: Device, message: Message, now: datetime) -> Outcome:
    """CCS01: admit a device with its install code; it may join while the time of the command runs."""
    command = typed(message, AddToWhitelist)
    device, sender = authorised(device, message, _CHANGE)
    hub = device.hub
    others = tuple(entry for entry in hub.whitelist if entry.device != command.device)
    answer: InstructionsSucceeded | InstructionFailed = InstructionsSucceeded()
    alerts: tuple[bytes, ...] = ()
    if device.fails(CCS01):
        answer = InstructionFailed(1)  # as the vectors have it: the entry is taken, the join time is not
    elif len(command.key) != _KEY_OCTETS or len(others) >= MAX_DEVICES:
        answer = InstructionFailed(0, Result.OTHER_REASON)
    else:
        known = hub.entry(command.device)
        entry = known if known is not None and known.key == command.key else WhitelistEntry(command.device, command.key)
        until = (now + timedelta(seconds=command.join_seconds)).astimezone(UTC).replace(microsecond=0)
        device, alerts = changed(device, replace(hub, whitelist=(*others, entry), join_until=until), now)
    return Outcome(device, (answered(device, message, sender, answer), *alerts))


def remove(device: Device, message: Message, now: datetime) -> Outcome:
    """CCS02: forget a device; it is in the network no longer."""
    command = typed(message, RemoveFromWhitelist)
    device, sender = authorised(device, message, _CHANGE)
    hub = device.hub
    kept = tuple(entry for entry in hub.whitelist if entry.device != command.device)
    if device.fails(CCS02) or kept == hub.whitelist:
        return Outcome(device, (answered(device, message, sender, InstructionFailed(0)),))
    device, alerts = changed(device, replace(hub, whitelist=kept), now)
    return Outcome(device, (answered(device, message, sender, InstructionsSucceeded()), *alerts))


def restore(device: Device, message: Message, now: datetime) -> Outcome:
    """CCS03: the network of a hub that was replaced; its devices come over by the keys they have."""
    command = typed(message, RestoreWhitelist)
    device, sender = authorised(device, message, _CHANGE)
    if device.fails(CCS03) or len({entry.device for entry in command.devices}) > MAX_DEVICES:
        return Outcome(device, (answered(device, message, sender, InstructionFailed(0)),))
    restored = {
        entry.device: WhitelistEntry(entry.device, link_key_hash=entry.hashed_link_key) for entry in command.devices
    }
    kept = tuple(entry for entry in device.hub.whitelist if entry.device not in restored)
    memory = replace(device.hub, whitelist=(*kept, *restored.values()), pan=command.extended_pan_id)
    device, alerts = changed(device, memory, now)
    return Outcome(device, (answered(device, message, sender, InstructionsSucceeded()), *alerts))


def read_devices(device: Device, message: Message, now: datetime) -> Outcome:
    """CCS06 and its predecessor: every device of the whitelist and how well it is heard (figures of a good network)."""
    typed(message, ReadHubDevices)
    device, sender = authorised(device, message, _READ)
    if device.fails(message.message_code):
        return Outcome(device, (answered(device, message, sender, InstructionFailed(0)),))
    devices = HubDevices(tuple(_heard(entry) for entry in device.hub.whitelist))
    return Outcome(device, (answered(device, message, sender, devices),))


def read_logs(device: Device, message: Message, now: datetime) -> Outcome:
    """CCS07: the log of either band; a hub of one band has an empty second log."""
    typed(message, ReadHubLogs)
    device, sender = authorised(device, message, _READ)
    answer = InstructionFailed(0) if device.fails(CCS07) else HubLogs(_log(device, now, 0), _log(device, now, 1))
    return Outcome(device, (answered(device, message, sender, answer),))


def changed(device: Device, memory: HubMemory, now: datetime) -> tuple[Device, tuple[bytes, ...]]:
    """The hub with this memory; a changed log is backed up with the broker by alert 8F12, both bands in one list."""
    before = device.hub
    device = device.with_state(replace(device.state, hub=memory))
    broker = device.cell(BROKER_CELL)
    if memory.whitelist == before.whitelist or broker is None:
        return device, ()
    value = HubLogAlert(int(Event.HUB_LOG_CHANGED), _second(now), _log(device, now, None))
    payload = encode_payload(CS14, Cra.ALERT, value, device.alert_counter)
    device, octets = answers.mac_alert(device, broker, CS14, payload)
    return device, (octets,)


def pan_of(device: Device) -> bytes:
    """The extended PAN identifier: the restored one, or the hub's own."""
    return device.hub.pan or bytes(device.eui)


def _log(device: Device, now: datetime, band: int | None) -> HubLog:
    entries = [entry for entry in device.hub.whitelist if band is None or entry.band == band]
    devices = tuple(JoinedDevice(entry.device, entry.link_key_hash) for entry in entries)
    return HubLog(_second(now), pan_of(device), devices)


def _heard(entry: WhitelistEntry) -> HubDevice:
    status = _STATUS_JOINED if entry.joined else _STATUS_WAITING
    return HubDevice(entry.device, status, _SIGNAL, _QUALITY, entry.heard, 1, 0, 100 if entry.joined else 0, 1, 1)


def _second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
