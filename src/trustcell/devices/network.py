"""What one device of a home network does to another: joining the hub, and the GPF a gas meter joins or leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from trustcell.devices.fleet import Device
from trustcell.devices.link_keys import link_key_hash
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.memory import NO_HASH, Partner, WhitelistEntry
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules import joining, whitelist
from trustcell.vocab import DeviceType, Eui64

PART_OF_HUB = (DeviceType.CHF, DeviceType.GPF)
"""In one box: these need no whitelist."""


def is_joined(hub: Device, device: Eui64) -> bool:
    """Whether a device is in the hub's network."""
    entry = hub.hub.entry(device)
    return entry is not None and entry.joined


def may_join(hub: Device, device: Eui64, now: datetime) -> bool:
    """Whether the hub would let a device in: whitelisted in time, or restored with a key it has already (CCS03)."""
    entry = hub.hub.entry(device)
    if entry is None or entry.joined:
        return False
    until = hub.hub.join_until
    return not entry.key or (until is not None and hub.time(now) <= until)


def join(hub: Device, device: Eui64, band: int, now: datetime) -> Outcome:
    """The hub after a whitelisted device came in; its log, now with the hash of a link key, goes to the broker."""
    at = hub.time(now).astimezone(UTC).replace(microsecond=0)
    entries = tuple(
        _joined(hub.eui, entry, band, at) if entry.device == device else entry for entry in hub.hub.whitelist
    )
    hub = hub.logged(LogEntry(at, Event.JOINED, "joined_network", f"{device} has joined the network"))
    return Outcome(*whitelist.changed(hub, replace(hub.hub, whitelist=entries), at))


def installed(hub: Device, device: Eui64, band: int, now: datetime) -> Device:
    """The hub of a network that was set up before its story begins: the device is in, and nobody was told."""
    at = now.astimezone(UTC).replace(microsecond=0)
    entry = _joined(hub.eui, WhitelistEntry(device, bytes(16)), band, at)
    return hub.with_state(replace(hub.state, hub=replace(hub.hub, whitelist=(*hub.hub.whitelist, entry))))


def _joined(hub: Eui64, entry: WhitelistEntry, band: int, at: datetime) -> WhitelistEntry:
    known = entry.link_key_hash != NO_HASH
    made = entry.link_key_hash if known else link_key_hash(hub, entry.device, entry.key)
    return replace(entry, link_key_hash=made, band=band, heard=at)


def gas_effects(before: Device, after: Device, other: Callable[[Eui64], Device | None], now: datetime) -> list[Outcome]:
    """What a gas meter's joining and leaving does to GPFs: these need no command of their own for method B."""
    if after.device_type is not DeviceType.GSME or before.state.partners == after.state.partners:
        return []
    left, came = (
        {entry.device for entry in device.state.partners if entry.device_type is DeviceType.GPF}
        for device in (before, after)
    )
    changed = []
    for eui in sorted(left ^ came):
        gpf = other(eui)
        if gpf is None or gpf.device_type is not DeviceType.GPF:
            continue
        at = gpf.time(now)
        if eui in came:
            changed.append(Outcome(*joining.joined(gpf, Partner(after.eui, DeviceType.GSME), at)))
        else:
            changed.append(Outcome(*joining.parted(gpf, after.eui, at)))
    return changed
