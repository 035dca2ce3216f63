"""CS08 and GCS38: the firmware version a device runs (gbcs.md 4.7; dlms-gbz.md 4.1)."""

from datetime import datetime

from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import authorised, non_critical, response
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.firmware import FirmwareVersion, ReadResult
from trustcell.gbcs.usecases.firmware_version import FirmwareVersionRead, ReadFirmwareVersion
from trustcell.gbcs.usecases.forms import InstructionFailed
from trustcell.vocab import RemotePartyRole

CS08, GCS38 = 0x0129, 0x0084

_HARDWARE_FAILURE = 0xC0
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
    payload = encode_payload(CS08, Cra.RESPONSE, answer)
    return Outcome(device, (response(device, message, sender, payload, None),))


def read_gbz(device: Device, message: Message, now: datetime) -> Outcome:
    """GCS38, of a GSME."""
    if decode_payload(message) != ReadFirmwareVersion():
        raise Discard(
            Event.FORMAT_CHECK_FAILED, "other_attributes", "the firmware version and nothing else can be read"
        )
    device, sender = authorised(device, message, _ACCESS)
    failed = device.fails(GCS38)
    answer = InstructionFailed(0, _HARDWARE_FAILURE) if failed else FirmwareVersionRead(device.firmware_version)
    payload = encode_payload(GCS38, Cra.RESPONSE, answer)
    return Outcome(device, (response(device, message, sender, payload, None),))
