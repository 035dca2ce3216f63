"""8.3, 8.4 and 12.2: the inventory is filled and changed by users (duis-dsp.md 6)."""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import cast

from trustcell import duis
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.clauses import INVENTORY, PROCESSING
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus
from trustcell.dsp.rules.inventory import Event
from trustcell.dsp.rules.plan import Answer, Ask, DeviceChange, Effects, Needs
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.subject import can_happen, entry, known_and_theirs, needs_subject, record
from trustcell.vocab import DeviceType, Finding

_DONE = "I99"
_HUB = frozenset({DeviceType.CHF, DeviceType.GPF})


# ---- 8.3 ----


def _decommission_findings(ask: Ask) -> Iterator[Finding]:
    yield from known_and_theirs(ask)
    device = entry(ask)
    if device is not None:
        yield from can_happen(device, Event.DECOMMISSIONED)


def _decommission(ask: Ask) -> Answer:
    device = entry(ask)
    assert device is not None  # check 16 has passed
    return Answer(_DONE, effects=Effects(devices=(inventory.change(device, Event.DECOMMISSIONED, ask.now),)))


# ---- 8.4 ----

_SET = MappingProxyType(
    {
        DeviceStatus.PENDING: Event.SET_PENDING,
        DeviceStatus.INSTALLED_NOT_COMMISSIONED: Event.SET_INSTALLED,
        DeviceStatus.COMMISSIONED: Event.SET_COMMISSIONED,
        DeviceStatus.WITHDRAWN: Event.SET_WITHDRAWN,
    }
)
# the element of 8.4 to the name under which answers of 8.2 show it
_DETAIL = MappingProxyType(
    {
        "device_manufacturer": "DeviceManufacturer",
        "device_model": "DeviceModel",
        "smets_chts_version": "SMETSCHTSVersion",
        "firmware_version": "DeviceFirmwareVersion",
        "esme_variant": "ESMEVariant",
    }
)


def _update_body(ask: Ask) -> duis.UpdateInventory:
    return cast(duis.UpdateInventory, ask.request.body)


def _asked_event(body: duis.UpdateInventory) -> Event | None:
    if body.delete_device:
        return Event.DELETED
    status = body.update_device_status_except_ch or body.update_device_status_ch
    return _SET[DeviceStatus(status)] if status is not None else None


def _update_findings(ask: Ask) -> Iterator[Finding]:
    yield from known_and_theirs(ask)
    body, device = _update_body(ask), entry(ask)
    if device is None:
        return
    for_hub, is_hub = body.update_device_status_ch is not None, device.device_type in _HUB
    if (for_hub or body.update_device_status_except_ch is not None) and for_hub is not is_hub:
        yield INVENTORY.breach(
            "status_of_other_type",
            "UpdateDeviceStatusCH" if for_hub else "UpdateDeviceStatusExceptCH",
            f"this status is not for a {device.duis_type}",
            "use UpdateDeviceStatusCH for the parts of a hub and UpdateDeviceStatusExceptCH for everything else",
        )
        return
    event = _asked_event(body)
    if event is not None:
        yield from can_happen(device, event)


def _update(ask: Ask) -> Answer:
    body, device = _update_body(ask), entry(ask)
    assert device is not None  # check 16 has passed
    event = _asked_event(body)
    if event is not None:
        return Answer(_DONE, effects=Effects(devices=(inventory.change(device, event, ask.now),)))
    after = _with_details(device, body.update_device_details) if body.update_device_details else device
    if body.update_mpxn is not None:
        points = {
            name: point
            for name in ("import_mpxn", "secondary_import_mpan", "export_mpan")
            if (point := getattr(body.update_mpxn, name)) is not None
        }
        after = replace(after, **points)
    return Answer(_DONE, effects=Effects(devices=(DeviceChange(device.eui, after, "details changed by 8.4"),)))


def _with_details(device: DeviceRecord, given: duis.UpdateDeviceDetails) -> DeviceRecord:
    """What is not given stays as it is."""
    changed = {shown: value for name, shown in _DETAIL.items() if (value := getattr(given, name)) is not None}
    return replace(device, details=MappingProxyType({**device.details, **changed}))


# ---- 12.2 ----


def _notify_body(ask: Ask) -> duis.DevicePrenotification:
    return cast(duis.DevicePrenotification, ask.request.body)


def _notify_needs(body: duis.Body) -> Needs:
    body = cast(duis.DevicePrenotification, body)
    proxy = body.associated_gpf_device_id
    return Needs(others=(body.device_id,) if proxy is None else (body.device_id, proxy))


def _notify_findings(ask: Ask) -> Iterator[Finding]:
    body = _notify_body(ask)
    proxy = body.associated_gpf_device_id
    hub = body.device_type is duis.InventoryDeviceType.CHF
    if proxy == body.device_id:
        yield _breach("same_id_for_hub_and_proxy", "a hub and its Gas Proxy Function have different IDs")
    elif hub and proxy is None:
        yield _breach("proxy_missing", "a hub is pre-notified together with its Gas Proxy Function")
    elif not hub and proxy is not None:
        yield _breach("proxy_of_no_hub", f"a {body.device_type} has no Gas Proxy Function of its own")
    for eui in dict.fromkeys((body.device_id, proxy)):
        if eui is not None and record(ask, eui) is not None:
            yield PROCESSING.breach(
                "already_in_inventory", "DeviceID", f"{eui} is in the inventory already", "change it by 8.4"
            )


def _breach(code: str, message: str) -> Finding:
    return PROCESSING.breach(code, "AssociatedGPFDeviceID", message, "give the ID of the proxy with its hub")


def _notify(ask: Ask) -> Answer:
    """A hub comes with its proxy; type 2 devices have no status."""
    body = _notify_body(ask)
    known = duis.InventoryDeviceType(body.device_type)
    device_type = DeviceType[known.name] if known.name in DeviceType.__members__ else DeviceType.TYPE2
    details = {shown: value for name, shown in _DETAIL.items() if (value := getattr(body, name)) is not None}
    device = DeviceRecord(
        body.device_id,
        device_type,
        status=None if device_type is DeviceType.TYPE2 else DeviceStatus.PENDING,
        duis_type=known.value,
        status_since=ask.now,
        gpf=body.associated_gpf_device_id,
        details=MappingProxyType(details),
    )
    found = [DeviceChange(device.eui, device, Event.PRE_NOTIFIED)]
    if device.gpf is not None:
        proxy = DeviceRecord(
            device.gpf,
            DeviceType.GPF,
            status=DeviceStatus.PENDING,
            status_since=ask.now,
            hub=device.eui,
            details=device.details,
        )
        found.append(DeviceChange(proxy.eui, proxy, Event.PRE_NOTIFIED))
    return Answer(_DONE, effects=Effects(devices=tuple(found)))


DECOMMISSION = ServiceRule(_decommission, _decommission_findings, needs=needs_subject)
UPDATE = ServiceRule(_update, _update_findings, needs=needs_subject)
PRE_NOTIFY = ServiceRule(_notify, _notify_findings, needs=_notify_needs)
