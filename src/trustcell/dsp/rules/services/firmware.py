"""11.1, 11.2, 11.3: firmware brought to devices, its version read, and its activation (CS06, CS08, ECS52, GCS38)."""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import dating, inventory, registration, roles
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.plan import Answer, Ask, CommandPlan, DeviceChange, Distribution, Effects, Needs, Reply
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.originator import critical, fixed, non_critical, numbered
from trustcell.dsp.rules.transform import counter_findings
from trustcell.gbcs.usecases.firmware import (
    ActivateFirmware,
    ActivateFirmwareAlert,
    ActivateImageResponseCode,
    ActivationOutcome,
    FirmwareVersion,
    ReadResult,
)
from trustcell.vocab import DeviceType, Eui64, Finding

_CS06, _CS08, _ECS52, _GCS38 = 0x0012, 0x0129, 0x0059, 0x0084
_VERSION = "DeviceFirmwareVersion"
_METERS = frozenset({DeviceType.ESME, DeviceType.GSME})


# ---- 11.2 ----


def _read_needs(body: duis.Body) -> Needs:
    return Needs(members=True, held=dating.asked_for(body) == duis.CANCEL)


def _read(ask: Ask) -> CommandPlan | Answer:
    """Electricity meters and hubs by ECS52, gas meters by GCS38, displays and load switches by CS08."""
    cancelled = dating.cancellation(ask)
    if cancelled is not None:
        return cancelled
    device = ask.facts.device
    assert device is not None
    until = dating.later(dating.asked_for(ask.request.body), ask.now)
    if device.device_type in (DeviceType.ESME, DeviceType.CHF):
        return non_critical(ask, _ECS52, numbered(_ECS52, gbcs.ReadFirmwareVersion()), until)
    if device.device_type is DeviceType.GSME:
        return non_critical(ask, _GCS38, numbered(_GCS38, gbcs.ReadFirmwareVersion()), until)
    return non_critical(ask, _CS08, fixed(_CS08, None), until)


def _version_read(reply: Reply) -> Effects:
    match reply.payload:
        case gbcs.FirmwareVersionRead(firmware_version=version):
            return _with_version(reply.device, version, "firmware version read by 11.2")
        case FirmwareVersion(firmware_version=version, result=ReadResult.SUCCESS):
            return _with_version(reply.device, version, "firmware version read by 11.2")
    return Effects()


def _with_version(device: DeviceRecord, version: bytes, event: str) -> Effects:
    """The version as the inventory spells it: hex digits; nothing when that is what it says already."""
    text = version.hex().upper()
    if device.details.get(_VERSION) == text:
        return Effects()
    details = MappingProxyType({**device.details, _VERSION: text})
    return Effects(devices=(DeviceChange(device.eui, replace(device, details=details), event),))


# ---- 11.3 ----


def _activate(ask: Ask) -> CommandPlan:
    body = cast(duis.ActivateFirmware, ask.request.body)
    date = dating.gbcs_time(body.execution_date_time)

    def payload(counter: int) -> bytes:
        return gbcs.encode_payload(_CS06, gbcs.Cra.COMMAND, ActivateFirmware(body.firmware_hash, counter, date))

    return critical(_CS06, payload, dating.later(body.execution_date_time, ask.now))


def _activate_findings(ask: Ask) -> Iterator[Finding]:
    yield from counter_findings(ask.request.request_id.counter)


def _activated(reply: Reply) -> Effects:
    payload = reply.payload
    outcome = payload.outcome if isinstance(payload, ActivateFirmwareAlert) else payload
    if isinstance(outcome, ActivationOutcome) and outcome.result is ActivateImageResponseCode.SUCCESS:
        return _with_version(reply.device, outcome.firmware_version, "firmware activated by 11.3")
    return Effects()


# ---- 11.1 ----


def _distribute_needs(body: duis.Body) -> Needs:
    return Needs(others=cast(duis.UpdateFirmware, body).device_ids)


def _fit(ask: Ask) -> tuple[Eui64, ...]:
    """The listed devices that this user may bring firmware to."""
    body = cast(duis.UpdateFirmware, ask.request.body)
    return tuple(eui for eui in dict.fromkeys(body.device_ids) if _may_have(ask, eui))


def _may_have(ask: Ask, eui: Eui64) -> bool:
    device = ask.facts.others.get(eui)
    return device is not None and device.status in inventory.allowed_statuses("11.1") and _is_theirs(ask, eui)


def _is_theirs(ask: Ask, eui: Eui64) -> bool:
    """A meter that the user is responsible for."""
    device, user = ask.facts.others.get(eui), ask.request.request_id.originator
    if device is None or device.device_type not in _METERS:
        return False
    return registration.acts_for(user, roles.acting_roles(ask), (device,), ask.facts.registrations, ask.now)


def _distribute_findings(ask: Ask) -> Iterator[Finding]:
    if not _fit(ask):
        yield PROCESSING.breach(
            "no_device_for_firmware",
            "DeviceIDList",
            "none of the listed devices is a commissioned or suspended meter of this user",
            "list your own meters",
        )


def _distribute(ask: Ask) -> Answer:
    """I99 when every listed device gets the image, else a warning."""
    body, fit = cast(duis.UpdateFirmware, ask.request.body), _fit(ask)
    ids = ask.request.request_id
    effects = Effects(
        distribution=Distribution(ids.originator, body.firmware_image, body.firmware_version, fit, request_id=ids)
    )
    left_out = [eui for eui in dict.fromkeys(body.device_ids) if eui not in fit]
    if not left_out:
        return Answer("I99", effects=effects)
    invalid = tuple(eui for eui in left_out if not _is_theirs(ask, eui))
    waiting = tuple(eui for eui in left_out if eui not in invalid)
    warning = duis.DSPUpdateFirmwareWarning(invalid or None, waiting or None)
    return Answer("W110101", warning, effects)


READ = ServiceRule(_read, effects=_version_read, needs=_read_needs)
ACTIVATE = ServiceRule(_activate, _activate_findings, _activated)
DISTRIBUTE = ServiceRule(_distribute, _distribute_findings, needs=_distribute_needs)
