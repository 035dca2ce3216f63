"""What an alert that answers no command changes in the books: logs, joined devices (duis-dsp.md 6; gbcs.md 4.7)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from trustcell import gbcs
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.device_log import CS14, GCS62
from trustcell.dsp.rules.facts import DeviceRecord, Facts
from trustcell.dsp.rules.inventory import Event
from trustcell.dsp.rules.plan import DeviceChange, Effects, Needs
from trustcell.vocab import DeviceType, Eui64

_NO_KEY = bytes(16)
_LOGS = frozenset({CS14, GCS62})


def alert_needs(payload: Any) -> Needs:
    """The entries of the devices that an alert names, and of those on the hub."""
    named = tuple(dict.fromkeys(each.device for each in payload.log.devices)) if _is_hub_log(payload) else ()
    return Needs(others=named, members=True)


def alert_effects(message: gbcs.Message, payload: Any, facts: Facts, broker: Eui64, now: datetime) -> Effects:
    """Effects of an authentic alert; one that only its user can authenticate changes nothing.

    A hub or proxy that is heard of is installed. Logs are kept as they came, because 8.12 restores them on a
    replacement. A whitelisted device that a hub reports with the hash of its link key has joined the HAN.
    """
    device = facts.device
    if device is None or (message.shape is gbcs.Shape.MAC and message.target != broker):
        return Effects()
    after, event = device, ""
    if inventory.fits(device.status, Event.HUB_INSTALLED, device.device_type):
        after, event = replace(after, status=_installed(device), status_since=now), Event.HUB_INSTALLED
    if message.message_code in _LOGS:
        after, event = replace(after, device_log=gbcs.encode(message)), event or "log reported"
    found = [DeviceChange(device.eui, after, event)] if after != device else []
    if _is_hub_log(payload) and device.device_type is DeviceType.CHF:
        found += [change for entry in payload.log.devices if (change := _joined(entry, facts, device, now)) is not None]
    return Effects(devices=tuple(found))


def _installed(device: DeviceRecord) -> Any:
    return inventory.after(device.status, Event.HUB_INSTALLED, device.device_type)


def _is_hub_log(payload: Any) -> bool:
    return isinstance(payload, gbcs.HubLogAlert)


def _joined(entry: "gbcs.JoinedDevice", facts: Facts, hub: DeviceRecord, now: datetime) -> DeviceChange | None:
    """The entry of a device on the hub: joined if it was waited for, and moved if it was on another hub before."""
    device = facts.others.get(entry.device) or next((m for m in facts.members if m.eui == entry.device), None)
    if device is None or entry.hashed_link_key == _NO_KEY:
        return None
    if inventory.fits(device.status, Event.JOINED_HAN, device.device_type):
        return inventory.change(device, Event.JOINED_HAN, now, hub=hub.eui)
    if device.hub == hub.eui:
        return None
    return DeviceChange(device.eui, replace(device, hub=hub.eui), f"on the HAN of {hub.eui}")
