"""The Smart Metering Inventory: which event moves a device to which status, and which status a service needs.

Nothing here was read in the code book itself (SEC Appendix AC); duis-dsp.md 6 is our reading, kept as data. A device is
born Pending by its pre-notification. A hub lets it onto its whitelist, it joins the HAN, and what makes it commissioned
depends on what it is: a meter when its clock is set, a hub when the broker holds it, a GPF when the gas meter joins it,
anything else when a join succeeded. What is suspended comes back to where it was. Decommissioned and Withdrawn are
ends, from which only deletion leads, and only for the former.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustcell.dsp.rules.clauses import INVENTORY
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.facts import DeviceStatus as Status
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.vocab import DeviceType, Refused


class Event(StrEnum):
    """What happens to a device, as far as its status may follow."""

    PRE_NOTIFIED = "pre-notified by 12.2"
    WHITELISTED = "added to the whitelist by 8.11"
    UNLISTED = "removed from the whitelist by 8.11"
    JOINED_HAN = "joined the HAN: alert 8F12 with its link key hash"
    HUB_INSTALLED = "hub installed by 8.14, or first contact over the WAN"
    CLOCK_SET = "clock set by 8.1.1"
    BROKER_PLACED = "broker's operational credentials on the hub"
    GAS_METER_JOINED = "gas meter joined by 8.7.1"
    JOINED = "joined another device by 8.7"
    SUSPENDED = "model or firmware taken off the product list"
    RESTORED = "model and firmware back on the product list"
    RECOVERY_BEGUN = "recovery procedure began"
    RECOVERED = "recovery procedure replaced the credentials"
    RECOVERY_ENDED = "recovery procedure ended"
    DECOMMISSIONED = "decommissioned by 8.3"
    OPTED_OUT = "opted out by 8.5"
    SET_PENDING = "set to Pending by 8.4"
    SET_INSTALLED = "set to InstalledNotCommissioned by 8.4"
    SET_COMMISSIONED = "set to Commissioned by 8.4"
    SET_WITHDRAWN = "set to Withdrawn by 8.4"
    DELETED = "deleted by 8.4"


_ALL = frozenset(DeviceType)
_METERS = frozenset({DeviceType.ESME, DeviceType.GSME})
_HUB = frozenset({DeviceType.CHF, DeviceType.GPF})
_CHF, _GPF = frozenset({DeviceType.CHF}), frozenset({DeviceType.GPF})
_EXCEPT_HUB = _ALL - _HUB
_OTHERS = _EXCEPT_HUB - _METERS

_INSTALLED = (
    Status.INSTALLED_NOT_COMMISSIONED,
    Status.COMMISSIONED,
    Status.SUSPENDED,
    Status.RECOVERY,
    Status.RECOVERED,
)

BEFORE = "before"
"""Stands for the status that a suspended device had."""

# event: which types, from which statuses (None: not in the inventory), to which (None: no longer in it)
_TABLE: Mapping[Event, tuple[frozenset[DeviceType], tuple[Status | None, ...], Status | str | None]] = MappingProxyType(
    {
        Event.PRE_NOTIFIED: (_ALL, (None,), Status.PENDING),
        Event.WHITELISTED: (_EXCEPT_HUB, (Status.PENDING,), Status.WHITELISTED),
        Event.UNLISTED: (_EXCEPT_HUB, (Status.WHITELISTED, Status.INSTALLED_NOT_COMMISSIONED), Status.PENDING),
        Event.JOINED_HAN: (_EXCEPT_HUB, (Status.WHITELISTED,), Status.INSTALLED_NOT_COMMISSIONED),
        Event.HUB_INSTALLED: (_HUB, (Status.PENDING,), Status.INSTALLED_NOT_COMMISSIONED),
        Event.CLOCK_SET: (_METERS, (Status.INSTALLED_NOT_COMMISSIONED,), Status.COMMISSIONED),
        Event.BROKER_PLACED: (_CHF, (Status.INSTALLED_NOT_COMMISSIONED,), Status.COMMISSIONED),
        Event.GAS_METER_JOINED: (_GPF, (Status.INSTALLED_NOT_COMMISSIONED,), Status.COMMISSIONED),
        Event.JOINED: (_OTHERS, (Status.INSTALLED_NOT_COMMISSIONED,), Status.COMMISSIONED),
        Event.SUSPENDED: (_ALL, (Status.COMMISSIONED, Status.INSTALLED_NOT_COMMISSIONED), Status.SUSPENDED),
        Event.RESTORED: (_ALL, (Status.SUSPENDED,), BEFORE),
        Event.RECOVERY_BEGUN: (_ALL, (Status.COMMISSIONED,), Status.RECOVERY),
        Event.RECOVERED: (_ALL, (Status.RECOVERY,), Status.RECOVERED),
        Event.RECOVERY_ENDED: (_ALL, (Status.RECOVERED,), Status.COMMISSIONED),
        Event.DECOMMISSIONED: (_ALL, _INSTALLED, Status.DECOMMISSIONED),
        Event.OPTED_OUT: (_ALL, (Status.COMMISSIONED,), Status.WITHDRAWN),
        Event.SET_PENDING: (_EXCEPT_HUB, (Status.WHITELISTED, Status.INSTALLED_NOT_COMMISSIONED), Status.PENDING),
        Event.SET_INSTALLED: (_ALL, (Status.PENDING, Status.WHITELISTED), Status.INSTALLED_NOT_COMMISSIONED),
        Event.SET_COMMISSIONED: (_HUB, (Status.INSTALLED_NOT_COMMISSIONED,), Status.COMMISSIONED),
        Event.SET_WITHDRAWN: (_HUB, (Status.INSTALLED_NOT_COMMISSIONED, Status.COMMISSIONED), Status.WITHDRAWN),
        Event.DELETED: (_ALL, (Status.PENDING, Status.DECOMMISSIONED), None),
    }
)


def fits(status: Status | None, event: Event, device_type: DeviceType) -> bool:
    """Whether an event can happen to a device of this type in this status; ``None`` is not in the inventory."""
    types, before, _after = _TABLE[event]
    return device_type in types and status in before


def after(
    status: Status | None, event: Event, device_type: DeviceType, status_before: Status | None = None
) -> Status | None:
    """The status afterwards, ``None`` when the entry is gone; ``Refused`` for an event that cannot happen."""
    if not fits(status, event, device_type):
        finding = INVENTORY.breach(
            "device_status",
            "DeviceStatus",
            f"a {device_type.name} that is {status or 'not in the inventory'} cannot be {event}",
            "bring the device into a status that allows it",
        )
        raise Refused([finding])
    result = _TABLE[event][2]
    if isinstance(result, Status) or result is None:
        return result
    return status_before or Status.COMMISSIONED


def change(device: DeviceRecord, event: Event, now: datetime, **fields: Any) -> DeviceChange:
    """The entry after an event, with whatever else it changes; ``Refused`` for an event that cannot happen."""
    status = after(device.status, event, device.device_type, device.status_before)
    if status is None:
        return DeviceChange(device.eui, None, event)
    before = device.status if event is Event.SUSPENDED else None
    if status is Status.COMMISSIONED and device.commissioned_at is None:
        fields.setdefault("commissioned_at", now)
    changed = replace(device, status=status, status_since=now, status_before=before, **fields)
    return DeviceChange(device.eui, changed, event)


def changes(device: DeviceRecord | None, event: Event, now: datetime, **fields: Any) -> tuple[DeviceChange, ...]:
    """The same for what a device reports: nothing, where the event finds the device in another status already."""
    if device is None or not fits(device.status, event, device.device_type):
        return ()
    return (change(device, event, now, **fields),)


# ---- check 13: which status a service needs (duis-dsp.md 6) ----

_COMMISSIONED = frozenset({Status.COMMISSIONED})
_AS_INSTALLED = frozenset({Status.INSTALLED_NOT_COMMISSIONED, Status.COMMISSIONED})
_RECOVERING = frozenset({Status.RECOVERY, Status.RECOVERED})
_SUSPENDED = frozenset({Status.SUSPENDED})

_ALLOWED: Mapping[str, frozenset[Status]] = MappingProxyType(
    {
        "8.1.1": frozenset({Status.INSTALLED_NOT_COMMISSIONED}),
        "8.7.1": _AS_INSTALLED,
        "8.7.2": _AS_INSTALLED,
        "8.8.1": _AS_INSTALLED,
        "8.8.2": _AS_INSTALLED,
        # a hub is read and restored while it is being installed (assumption)
        "8.9": _AS_INSTALLED,
        "8.11": _AS_INSTALLED,
        "8.12.1": _AS_INSTALLED,
        "8.12.2": _AS_INSTALLED,
        "11.2": _AS_INSTALLED,
        "6.24.1": _AS_INSTALLED | _SUSPENDED | _RECOVERING,
        "6.21": _AS_INSTALLED | _SUSPENDED,
        "6.15.1": _COMMISSIONED | _SUSPENDED,
        "6.23": _COMMISSIONED | _SUSPENDED,
        "11.1": _COMMISSIONED | _SUSPENDED,
        "11.3": _COMMISSIONED | _SUSPENDED,
    }
)


def allowed_statuses(service_variant: str) -> frozenset[Status]:
    """The statuses in which a device takes a service: a commissioned one, unless the table says otherwise."""
    return _ALLOWED.get(service_variant, _COMMISSIONED)
