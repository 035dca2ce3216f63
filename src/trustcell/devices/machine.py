"""The door of a virtual device: octets and a clock in, the device and its answers out. Total: no octets make it raise.

A message that is not accepted changes nothing but the security log (gbcs.md 6.1); whoever owns the device calls
``advance`` when time passes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from trustcell.devices import answers
from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event, LogEntry
from trustcell.devices.memory import PendingCommand
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules import (
    clock,
    credentials,
    details,
    device_log,
    firmware,
    joining,
    own_keys,
    pending,
    registers,
    versions,
    whitelist,
)
from trustcell.devices.rules.joining import Hears
from trustcell.gbcs import frame
from trustcell.gbcs.frame import Cra, Message
from trustcell.vocab import DeviceType, Eui64, WireError

Handler = Callable[[Device, Message, datetime], Outcome]
DueHandler = Callable[[Device, PendingCommand, datetime], tuple[Device, bytes]]

_HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        details.CS02A: details.provide,
        details.CS02F: details.provide,
        firmware.CS06: firmware.activate,
        own_keys.CS02C: own_keys.issue,
        own_keys.CS02D: own_keys.update,
        own_keys.CS02E: own_keys.provide,
        device_log.CS07: device_log.read,
        device_log.GCS59: device_log.restore,
        clock.GCS28: clock.set_gas_clock,
        clock.ECS70: clock.set_clock,
        registers.ECS17C: registers.read,
        versions.CS08: versions.read_asn1,
        versions.ECS52: versions.read,
        versions.GCS38: versions.read,
        whitelist.CCS01: whitelist.add,
        whitelist.CCS02: whitelist.remove,
        whitelist.CCS03: whitelist.restore,
        whitelist.CCS05_CCS04: whitelist.read_devices,
        whitelist.CCS06: whitelist.read_devices,
        whitelist.CCS07: whitelist.read_logs,
        **dict.fromkeys(joining.UNJOINS, joining.unjoin),
        **dict.fromkeys(credentials.MODES, credentials.update),
    }
)
_DUE: Mapping[int, DueHandler] = MappingProxyType(
    {firmware.CS06: firmware.activate_due, **dict.fromkeys(credentials.MODES, credentials.update_due)}
)
# CS02f and CS02g are for devices with load controller cells; CS06 for meters (gbcs.md 4.4; GSME assumed). A device
# makes and changes its own keys where there is a supplier cell to ask for it. The rest as the vectors have it.
_OWN_KEYS = (DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS)
_HUB_CODES = (
    whitelist.CCS01,
    whitelist.CCS02,
    whitelist.CCS03,
    whitelist.CCS05_CCS04,
    whitelist.CCS06,
    whitelist.CCS07,
)
_ONLY_FOR: Mapping[int, tuple[DeviceType, ...]] = MappingProxyType(
    {
        details.CS02F: (DeviceType.ESME,),
        firmware.CS06: (DeviceType.ESME, DeviceType.GSME),
        **{mode.message_code: (DeviceType.ESME,) for mode in credentials.CS02G_MODES},
        **dict.fromkeys((own_keys.CS02C, own_keys.CS02D, own_keys.CS02E), _OWN_KEYS),
        device_log.CS07: (DeviceType.ESME, DeviceType.GSME, DeviceType.GPF, DeviceType.PPMID, DeviceType.HCALCS),
        device_log.GCS59: (DeviceType.GPF,),
        clock.GCS28: (DeviceType.GSME,),
        clock.ECS70: (DeviceType.ESME,),
        registers.ECS17C: (DeviceType.ESME,),
        versions.ECS52: (DeviceType.ESME, DeviceType.CHF),
        **dict.fromkeys(_HUB_CODES, (DeviceType.CHF,)),
        versions.CS08: (DeviceType.PPMID, DeviceType.HCALCS),
        versions.GCS38: (DeviceType.GSME,),
        **joining.JOINING_TYPES,
    }
)
_RAISES_ALERT = (Event.NO_AUTHORITY, Event.AUTHENTICATION_FAILED, Event.OTHER_AUTHENTICATION_FAILURE)


def everyone(_: Eui64) -> bool:
    """The neighbourhood of a device that is looked at alone: whomever it is to join is there."""
    return True


def receive(device: Device, octets: bytes, now: datetime, hears: Hears = everyone) -> Outcome:
    """One message from the WAN. ``now`` is the network's time; ``ValueError`` without a time zone.

    ``hears`` says which other devices are in the same network and switched on.
    """
    _require_aware(now)
    now = device.time(now)
    try:
        message = _command(device, octets)
        if message.message_code in joining.JOINS:
            return joining.join(device, message, now, hears)
        return _HANDLERS[message.message_code](device, message, now)
    except WireError as error:
        return _discarded(device, Discard(Event.FORMAT_CHECK_FAILED, error.code, str(error)), now)
    except Discard as why:
        return _discarded(device, why, now)


def advance(device: Device, now: datetime) -> Outcome:
    """Execute the future-dated commands that are due, earliest first; each tells its originator by alert (6.3)."""
    _require_aware(now)
    now = device.time(now)
    device, due = pending.take_due(device, now)
    sent = []
    for command in due:
        try:
            device, octets = _DUE[command.message_code](device, command, now)
        except (WireError, KeyError):
            # Only a state restored from foreign octets can hold such a command.
            text = f"a stored command of code {command.message_code:04X} cannot be read"
            device = device.logged(LogEntry(now, Event.FORMAT_CHECK_FAILED, "pending_unreadable", text))
            continue
        sent.append(octets)
    return Outcome(device, tuple(sent))


def _require_aware(now: datetime) -> None:
    """A naive time would be read as the computer's local time."""
    if now.tzinfo is None:
        raise ValueError("a time with a time zone was expected")


def _command(device: Device, octets: bytes) -> Message:
    """Steps 1 and 2: a well-formed command, for this device, that this device type supports."""
    message = frame.decode(octets)
    if message.cra is not Cra.COMMAND:
        text = f"a command was expected, this is a {message.cra.name.lower()}"
        raise Discard(Event.FORMAT_CHECK_FAILED, "not_a_command", text)
    if message.target != device.eui:
        text = f"the message is for {message.target}"
        raise Discard(Event.UNAUTHORISED_COMMUNICATION, "target_other_device", text)
    code = message.message_code
    if (code not in _HANDLERS and code not in joining.JOINS) or device.device_type not in _ONLY_FOR.get(
        code, (device.device_type,)
    ):
        text = f"message code {code:04X} is not supported by a {device.device_type.name}"
        raise Discard(Event.COMMAND_NOT_SUPPORTED, "command_not_supported", text)
    return message


def _discarded(device: Device, why: Discard, now: datetime) -> Outcome:
    """One log line; an alert only if the policy wants it."""
    device = device.logged(LogEntry(now, why.event, why.reason, why.text))
    if device.policy.failure_alerts and why.event in _RAISES_ALERT:
        return Outcome(*answers.failure_alert(device, why.event, now))
    return Outcome(device, ())
