"""CS08, ECS52, GCS38: the firmware version a device runs (gbcs.md 4.7; dlms-gbz.md 4.1)."""

from datetime import datetime

from trustcell.devices.fleet import Device
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import answered, authorised, non_critical, typed
from trustcell.gbcs import InstructionFailed
from trustcell.gbcs.frame import Message
from trustcell.gbcs.payload import decode_payload
from trustcell.gbcs.usecases.firmware import FirmwareVersion, ReadResult
from trustcell.gbcs.usecases.firmware_version import FirmwareVersionRead, ReadFirmwareVersion
from trustcell.vocab import RemotePartyRole

CS08, ECS52, GCS38 = 0x0129, 0x0059, 0x0084

_HARDWARE_FAULT, _HARDWARE_FAILURE = 0x01, 0xC0  # of DLMS and of ZigBee
_ACCESS = non_critical(
    RemotePartyRole.ACCESS_CONTROL_BROKER,
    RemotePartyRole.SUPPLIER,
    RemotePartyRole.NETWORK_OPERATOR,
    replay_protected=False,
)


def read_asn1(device: Device, message: Message, now: datetime) -> Outcome:
    """CS08, of a PPMID or HCALCS."""
    decode_payload(message)
    device, sender = authorised(device, message, _ACCESS)
    failed = device.fails(CS08)
    answer = FirmwareVersion(device.firmware_version, ReadResult.FAILURE if failed else ReadResult.SUCCESS)
    return Outcome(device, (answered(device, message, sender, answer),))


def read(device: Device, message: Message, now: datetime) -> Outcome:
    """ECS52, of an ESME or CHF, and GCS38, of a GSME."""
    typed(message, ReadFirmwareVersion)
    device, sender = authorised(device, message, _ACCESS)
    answer: FirmwareVersionRead | InstructionFailed = FirmwareVersionRead(device.firmware_version)
    if device.fails(message.message_code):
        answer = InstructionFailed(0, _HARDWARE_FAILURE if message.message_code == GCS38 else _HARDWARE_FAULT)
    return Outcome(device, (answered(device, message, sender, answer),))
