"""Octets a device sends: responses to a command and alerts of its own (gbcs.md 1.1, 1.3, 3)."""

from dataclasses import replace
from datetime import UTC, datetime

from trustcell.devices.cells import CellOccupant
from trustcell.devices.fleet import Device
from trustcell.gbcs import frame, protect
from trustcell.gbcs.codes import PayloadKind
from trustcell.gbcs.frame import Cra, Message, Supplementary
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.alerts import GenericAlert
from trustcell.vocab import BROKER_CELL, SUPPLIER_CELL, CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

GENERIC_CRITICAL_ALERT, GENERIC_NON_CRITICAL_ALERT = 0x1000, 0x1001

_SUPPLIER_AGREEMENT = CellId(RemotePartyRole.SUPPLIER, KeyUsage.KEY_AGREEMENT)

_SIGNED_TAG, _SIGNATURE_LENGTH, _NO_SIGNATURE = b"\xdf", b"\x40", b"\x00"  # around what is signed (gbcs.md 1.1)

GBZ_DEVICES = (DeviceType.GSME, DeviceType.GPF)
"""Whose alerts are GBZ: GSME by vector; GPF assumed, it speaks GBZ too."""


def signed_response(device: Device, command: Message, payload: bytes, now: datetime | None) -> bytes:
    """A response signed by the device; ``now`` for use cases whose responses carry the date-time."""
    return _signed(device, _response(device, command, payload, now))


def mac_response(
    device: Device, command: Message, payload: bytes, recipient: CellOccupant, now: datetime | None = None
) -> bytes:
    """A response with a MAC for the Key Agreement key of its recipient (gbcs.md 2.4); ``now`` as for a signed one."""
    return _sealed(device, _response(device, command, payload, now), recipient)


def alert(device: Device, target: Eui64, message_code: int, payload: bytes) -> tuple[Device, bytes]:
    """A critical alert under the device's own counter, and the device with that counter used up."""
    message = Message(Cra.ALERT, device.alert_counter, device.eui, target, message_code, payload)
    return _counted(device), _signed(device, message)


def mac_alert(device: Device, receiver: CellOccupant, message_code: int, payload: bytes) -> tuple[Device, bytes]:
    """A non-critical alert, with a MAC for the Key Agreement key of its receiver."""
    message = Message(Cra.ALERT, device.alert_counter, device.eui, receiver.entity, message_code, payload)
    return _counted(device), _sealed(device, message, receiver)


def _counted(device: Device) -> Device:
    return device.with_state(replace(device.state, alert_counter=device.alert_counter + 1))


def failure_alert(device: Device, code: int, now: datetime) -> tuple[Device, tuple[bytes, ...]]:
    """Alert 0x1000 with this code to the supplier, or to the broker where there is no supplier cell (gbcs.md 6.1)."""
    receiver = device.cell(SUPPLIER_CELL) or device.cell(BROKER_CELL)
    if receiver is None:
        return device, ()
    payload = _generic(device, GENERIC_CRITICAL_ALERT, code, now)
    device, octets = alert(device, receiver.entity, GENERIC_CRITICAL_ALERT, payload)
    return device, (octets,)


def notice(device: Device, code: int, now: datetime) -> tuple[Device, tuple[bytes, ...]]:
    """Alert 0x1001 with this code, not critical: with a MAC instead of a signature, to the same party."""
    receiver = device.cell(_SUPPLIER_AGREEMENT) or device.cell(BROKER_CELL)
    if receiver is None:
        return device, ()
    payload = _generic(device, GENERIC_NON_CRITICAL_ALERT, code, now)
    device, octets = mac_alert(device, receiver, GENERIC_NON_CRITICAL_ALERT, payload)
    return device, (octets,)


def _generic(device: Device, message_code: int, code: int, now: datetime) -> bytes:
    kind = PayloadKind.GBZ if device.device_type in GBZ_DEVICES else PayloadKind.DLMS
    event = GenericAlert(int(code), now.astimezone(UTC).replace(microsecond=0), kind)
    return encode_payload(message_code, Cra.ALERT, event, device.alert_counter)


def date_time(now: datetime) -> bytes:
    """The 12 octets of a DLMS date-time: weekday, deviation and status not stated, no hundredths (gbcs.md 1.1)."""
    at = now.astimezone(UTC)
    return at.year.to_bytes(2, "big") + bytes(
        (at.month, at.day, 0xFF, at.hour, at.minute, at.second, 0, 0x80, 0x00, 0xFF)
    )


def _response(device: Device, command: Message, payload: bytes, now: datetime | None) -> Message:
    """The header of a response: identifiers swapped, counter, code and supplementary party echoed."""
    asked = command.supplementary
    return Message(
        Cra.RESPONSE,
        command.originator_counter,
        device.eui,
        command.originator,
        command.message_code,
        payload,
        b"" if now is None else date_time(now),
        None if asked is None else Supplementary(asked.party, asked.counter),
    )


def _signed(device: Device, message: Message) -> bytes:
    octets = frame.signed_octets(message)
    return b"".join((_SIGNED_TAG, octets, _SIGNATURE_LENGTH, device.sign(octets)))


def _sealed(device: Device, message: Message, receiver: CellOccupant) -> bytes:
    inner = b"".join((_SIGNED_TAG, frame.signed_octets(message), _NO_SIGNATURE))
    return protect.seal(message, device.agree(receiver), inner)
