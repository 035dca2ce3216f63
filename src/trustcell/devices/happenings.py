"""What happens to a device without a command: power lost and back, tampering, a firmware image brought to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trustcell.devices import answers
from trustcell.devices.fleet import Device
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.memory import HeldImage
from trustcell.devices.outcome import Outcome
from trustcell.gbcs import dlms
from trustcell.gbcs.codes import alert_codes
from trustcell.gbcs.dlms.times import date_time_octets
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.alerts import FirmwareReceiptAlert
from trustcell.gbcs.usecases.firmware import (
    FirmwareVersionAlert,
    ImageTransferAlert,
    ImageTransferResult,
    ReadResult,
)
from trustcell.vocab import BROKER_CELL, SUPPLIER_CELL, CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

ECS80, FDRA_DLMS, FDRA_GBZ, CS09, CCS08 = 0x0067, 0x00CE, 0x00CF, 0x012B, 0x0128

LONG_OUTAGE = timedelta(minutes=3)
"""From here on the network operator is told (alert 8F36)."""

_OPERATOR_CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
_METERS = (DeviceType.ESME, DeviceType.GSME)
_INVOKE_ID = 0xFFFFFF
_SAYING_MORE = frozenset(
    {
        Event.GPF_LOG_CHANGED,
        Event.HUB_LOG_CHANGED,
        Event.LONG_OUTAGE_RESTORED,
        Event.FUTURE_DATED_ACTIONED,
        Event.FUTURE_DATED_NOT_ACTIONED,
        Event.FIRMWARE_VERIFIED,
        Event.IMAGE_PASSED_ON,
        Event.FIRMWARE_VERSION_READ,
    }
)
"""Codes whose alerts have message codes and contents of their own."""


def tampered(device: Device, now: datetime) -> Outcome:
    """Somebody opened the device: a line in its log and critical alert 8F3F to its supplier."""
    at = device.time(now)
    device = device.logged(LogEntry(at, Event.TAMPER, "tamper", "the device has been opened"))
    return Outcome(*answers.failure_alert(device, Event.TAMPER, at))


def alarmed(device: Device, code: int, now: datetime) -> Outcome:
    """Any event of the alert codes: critical ones are signed, others have a MAC, those for the log alone stay there.

    ``ValueError`` for a code nobody knows, or one whose alert says more than code and time.
    """
    known = alert_codes().get(code)
    if known is None or code in _SAYING_MORE:
        raise ValueError(f"no generic alert has code {code:04X}")
    at = device.time(now)
    device = device.logged(LogEntry(at, code, "event", known.title))
    if known.classed == "log-only":
        return Outcome(device, ())
    raised = answers.failure_alert if known.classed == "critical" else answers.notice
    return Outcome(*raised(device, code, at))


def power_restored(device: Device, since: datetime, now: datetime) -> Outcome:
    """Power is back: an ESME tells its supplier of a short outage and its network operator of a long one (ECS80)."""
    start, end = _second(device.time(since)), _second(device.time(now))
    text = f"the supply was interrupted for {int((end - start).total_seconds())} seconds"
    device = device.logged(LogEntry(end, Event.SUPPLY_INTERRUPTED, "supply_interrupted", text))
    if device.device_type is not DeviceType.ESME:
        return Outcome(device, ())
    operator = device.cell(_OPERATOR_CELL)
    if end - start < LONG_OUTAGE or operator is None:
        return Outcome(*answers.failure_alert(device, Event.OUTAGE_RESTORED, end))
    head = (dlms.long_unsigned(int(Event.LONG_OUTAGE_RESTORED)), *map(_date_time, (end, start, end)))
    payload = dlms.DataNotification(device.alert_counter & _INVOKE_ID, dlms.structure(*head)).encode()
    device, octets = answers.alert(device, operator.entity, ECS80, payload)
    return Outcome(device, (octets,))


def image_received(device: Device, image: HeldImage, now: datetime) -> Outcome:
    """A firmware image has come: a meter keeps it and tells its supplier the hash (8F72), another device runs it."""
    at = _second(device.time(now))
    if device.device_type not in _METERS:
        return _image_runs(device, image, at)
    device = device.holding(image)
    supplier = device.cell(SUPPLIER_CELL)
    if supplier is None:
        return Outcome(device, ())
    code = FDRA_GBZ if device.device_type in answers.GBZ_DEVICES else FDRA_DLMS
    value = FirmwareReceiptAlert(int(Event.FIRMWARE_VERIFIED), at, image.image_hash)
    device, octets = answers.alert(device, supplier.entity, code, _payload(device, code, value))
    return Outcome(device, (octets,))


def image_passed_on(hub: Device, to: Eui64, image: HeldImage, now: datetime) -> Outcome:
    """A hub has brought an image to a device that is no meter, and tells the broker (CCS08)."""
    broker = hub.cell(BROKER_CELL)
    if broker is None:
        return Outcome(hub, ())
    at = _second(hub.time(now))
    result = ImageTransferResult.IMAGE_DISCARDED if image.faulty else ImageTransferResult.SUCCESS
    value = ImageTransferAlert(Event.IMAGE_PASSED_ON, at, to, image.version, result)
    hub, octets = answers.alert(hub, broker.entity, CCS08, _payload(hub, CCS08, value))
    return Outcome(hub, (octets,))


def _image_runs(device: Device, image: HeldImage, at: datetime) -> Outcome:
    """A device that is no meter runs an image at once and tells the broker its version (CS09)."""
    if not image.faulty:
        device = device.with_state(replace(device.state, firmware_version=image.version, held_image=None))
        text = f"firmware {image.version.hex().upper()} runs"
        device = device.logged(LogEntry(at, Event.FIRMWARE_CHANGED, "firmware_changed", text))
    broker = device.cell(BROKER_CELL)
    if broker is None:
        return Outcome(device, ())
    result = ReadResult.FAILURE if image.faulty else ReadResult.SUCCESS
    value = FirmwareVersionAlert(Event.FIRMWARE_VERSION_READ, at, device.firmware_version, result)
    device, octets = answers.alert(device, broker.entity, CS09, _payload(device, CS09, value))
    return Outcome(device, (octets,))


def _payload(device: Device, code: int, value: object) -> bytes:
    return encode_payload(code, Cra.ALERT, value, device.alert_counter)


def _date_time(at: datetime) -> dlms.Data:
    return dlms.octet_string(date_time_octets(at))


def _second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
