"""CS08 and GCS38: the firmware version a device runs (gbcs.md 4.7; dlms-gbz.md 4.1)."""

from datetime import datetime

from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import authorised, non_critical, response
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.gbz import LAST, GbzComponent, GbzFrame
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.firmware import FirmwareVersion, ReadResult
from trustcell.vocab import RemotePartyRole

CS08, GCS38 = 0x0129, 0x0084

_METERING, _READ_ATTRIBUTES, _READ_RESPONSE, _FROM_SERVER = 0x0702, 0x00, 0x01, 0x08
_FIRMWARE_VERSION = b"\x06\x02"  # attribute 0206, little-endian
_OCTET_STRING, _SUCCESS, _HARDWARE_FAILURE = b"\x41", b"\x00", b"\xc0"

_ASKED = GbzFrame((GbzComponent(LAST, _METERING, 0, 0, _READ_ATTRIBUTES, _FIRMWARE_VERSION),))
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
    if decode_payload(message) != _ASKED:
        raise Discard(
            Event.FORMAT_CHECK_FAILED, "other_attributes", "the firmware version and nothing else can be read"
        )
    device, sender = authorised(device, message, _ACCESS)
    version = device.firmware_version
    found = _SUCCESS + _OCTET_STRING + bytes((len(version),)) + version
    body = _FIRMWARE_VERSION + (_HARDWARE_FAILURE if device.fails(GCS38) else found)
    component = GbzComponent(LAST, _METERING, _FROM_SERVER, 0, _READ_RESPONSE, body)
    payload = GbzFrame((component,)).encode()
    return Outcome(device, (response(device, message, sender, payload, None),))
