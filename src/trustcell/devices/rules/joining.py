"""CS03 and CS04: a device joins another one of its network and parts from it (gbcs.md 4.6)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from trustcell.devices.fleet import Device
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.memory import Partner
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import Access, answered, authorised, critical, non_critical
from trustcell.devices.rules.device_log import changed, room_for
from trustcell.gbcs.frame import Message
from trustcell.gbcs.payload import decode_payload
from trustcell.gbcs.usecases.joining import JoinDevice, JoinMethodAndRole, JoinResult, UnjoinResult
from trustcell.vocab import DeviceType, Eui64, KeyUsage, RemotePartyRole

Hears = Callable[[Eui64], bool]
"""Whether a device is in the same network and switched on."""

CS03A1, CS03A2, CS03B, CS03C = 0x000D, 0x00AB, 0x000E, 0x00AF
CS04AC, CS04B = 0x000F, 0x0010

_Method, _Type = JoinMethodAndRole, DeviceType
_SUPPLIER, _BROKER = RemotePartyRole.SUPPLIER, RemotePartyRole.ACCESS_CONTROL_BROKER
_METHOD = {
    CS03A1: _Method.METHOD_A_INITIATOR,
    CS03A2: _Method.METHOD_A_RESPONDER,
    CS03B: _Method.METHOD_B,
    CS03C: _Method.METHOD_C,
}
JOINS = tuple(_METHOD)
UNJOINS = (CS04AC, CS04B)
JOINING_TYPES: Mapping[int, tuple[DeviceType, ...]] = MappingProxyType(
    {
        CS03A1: (_Type.ESME,),
        CS03A2: (_Type.HCALCS, _Type.PPMID),
        CS03B: (_Type.GSME, _Type.GPF, _Type.ESME),
        CS03C: (_Type.GSME, _Type.PPMID),
        CS04AC: (_Type.ESME, _Type.GSME, _Type.PPMID, _Type.HCALCS),
        CS04B: (_Type.GSME, _Type.GPF, _Type.ESME),
    }
)
"""The devices a joining command is for: by vector, GPF and ESME in method B assumed (Type 2 devices, PPMID)."""

# Whom a device joins by a method: by vector, method B of GPF and ESME assumed.
_PARTNERS: Mapping[tuple[DeviceType, JoinMethodAndRole], tuple[DeviceType, ...]] = MappingProxyType(
    {
        (_Type.ESME, _Method.METHOD_A_INITIATOR): (_Type.HCALCS, _Type.PPMID),
        (_Type.HCALCS, _Method.METHOD_A_RESPONDER): (_Type.ESME,),
        (_Type.PPMID, _Method.METHOD_A_RESPONDER): (_Type.ESME,),
        (_Type.GSME, _Method.METHOD_B): (_Type.GPF,),
        (_Type.GPF, _Method.METHOD_B): (_Type.PPMID, _Type.TYPE2),
        (_Type.ESME, _Method.METHOD_B): (_Type.TYPE2,),
        (_Type.GSME, _Method.METHOD_C): (_Type.PPMID,),
        (_Type.PPMID, _Method.METHOD_C): (_Type.GSME,),
    }
)
_ABSENT = {
    _Method.METHOD_A_INITIATOR: JoinResult.NO_PARTNER_LINK_KEY_RECEIVED,
    _Method.METHOD_A_RESPONDER: JoinResult.NO_PARTNER_LINK_KEY_RECEIVED,
    _Method.METHOD_B: JoinResult.NO_PARTNER_LINK_KEY_RECEIVED,
    _Method.METHOD_C: JoinResult.NO_CBKE_RESPONSE,
}

# A PPMID has no supplier cell, so the broker signs for it; method B is non-critical (gbcs.md 4.6).
_SIGNED = critical(_SUPPLIER, _BROKER)
_MACED = non_critical(_BROKER, _SUPPLIER)


def _access(message_code: int) -> Access:
    return _MACED if message_code in (CS03B, CS04B) else _SIGNED


def join(device: Device, message: Message, now: datetime, hears: Hears) -> Outcome:
    """Put the other device into the device log, if the method fits and the other one is there."""
    command: JoinDevice = decode_payload(message)
    code = message.message_code
    device, sender = authorised(device, message, _access(code))
    result = _verdict(device, code, command, hears)
    alerts: tuple[bytes, ...] = ()
    if result is JoinResult.SUCCESS:
        device, alerts = joined(device, Partner(command.other_device, command.other_device_type), now)
    done = result is JoinResult.SUCCESS
    event, reason = (Event.JOINED, "joined") if done else (Event.JOINING_FAILED, "not_joined")
    text = f"{command.method.name.lower().replace('_', ' ')} with {command.other_device}: {result.name.lower()}"
    device = device.logged(LogEntry(now, event, reason, text))
    return Outcome(device, (answered(device, message, sender, result), *alerts))


def unjoin(device: Device, message: Message, now: datetime) -> Outcome:
    """Take the other device out of the device log."""
    other: Eui64 = decode_payload(message)
    code = message.message_code
    device, sender = authorised(device, message, _access(code))
    kept = tuple(partner for partner in device.state.partners if partner.device != other)
    alerts: tuple[bytes, ...] = ()
    if kept == device.state.partners:
        result = UnjoinResult.NOT_IN_DEVICE_LOG
    elif device.fails(code):
        result = UnjoinResult.OTHER_FAILURE
    else:
        result = UnjoinResult.SUCCESS
        device, alerts = changed(device, kept, now)
    done = result is UnjoinResult.SUCCESS
    event, reason = (Event.UNJOINED, "unjoined") if done else (Event.UNJOINING_FAILED, "not_unjoined")
    device = device.logged(LogEntry(now, event, reason, f"{other}: {result.name.lower()}"))
    return Outcome(device, (answered(device, message, sender, result), *alerts))


def parted(device: Device, other: Eui64, now: datetime) -> tuple[Device, tuple[bytes, ...]]:
    """The device after another one has left it without a command of its own."""
    kept = tuple(partner for partner in device.state.partners if partner.device != other)
    return changed(device, kept, now)


def joined(device: Device, partner: Partner, now: datetime) -> tuple[Device, tuple[bytes, ...]]:
    """The device after another one has joined it without a command of its own."""
    partners = device.state.partners
    if partner in partners or not room_for(partners):
        return device, ()
    return changed(device, (*partners, partner), now)


def _verdict(device: Device, code: int, command: JoinDevice, hears: Hears) -> JoinResult:
    """What CS03 says; the order of the checks is that of the numbers as far as it matters (assumed)."""
    if command.method is not _METHOD[code]:
        return JoinResult.INVALID_MESSAGE_CODE_FOR_JOIN_METHOD_AND_ROLE
    if command.other_device_type not in _PARTNERS.get((device.device_type, command.method), ()):
        return JoinResult.INVALID_JOIN_METHOD_AND_ROLE
    if any(_is_in_the_way(device, partner, command) for partner in device.state.partners):
        return JoinResult.INCOMPATIBLE_WITH_EXISTING_ENTRY
    if not room_for(device.state.partners):
        return JoinResult.DEVICE_LOG_FULL
    if device.fails(code):
        return JoinResult.WRITE_FAILURE
    if command.method is _Method.METHOD_C and not _is_for_agreement(device, command.other_device_certificate):
        return JoinResult.INVALID_OR_MISSING_CERTIFICATE
    return JoinResult.SUCCESS if hears(command.other_device) else _ABSENT[command.method]


def _is_in_the_way(device: Device, partner: Partner, command: JoinDevice) -> bool:
    """The same device as another kind, or the GPF of a GSME that is to join another one."""
    if partner.device == command.other_device:
        return partner.device_type is not command.other_device_type
    return device.device_type is _Type.GSME and partner.device_type is command.other_device_type is _Type.GPF


def _is_for_agreement(device: Device, der: bytes | None) -> bool:
    """A Key Agreement certificate of a device; whose it is is not compared, since a vector names another device."""
    certificate = None if der is None else device.fleet.certificate(der)
    return (
        certificate is not None
        and certificate.key_usage == KeyUsage.KEY_AGREEMENT
        and certificate.hardware_module_name is not None
        and bool(certificate.public_key_point)
    )
