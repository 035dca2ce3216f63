"""ECS52 and GCS38: read the firmware version of a meter or a communications hub (dlms-gbz.md 4.1).

ECS52 gets attribute 2 of one object; GCS38 reads an attribute that the ZigBee metering cluster has for a meter's
identifier and that GBCS uses for the version.
"""

from dataclasses import dataclass

from trustcell.gbcs import dlms, gbz
from trustcell.gbcs.dlms import Service
from trustcell.gbcs.gbz.attributes import OCTET_STRING
from trustcell.gbcs.gbz.contents import FROM_SERVER, READ_ATTRIBUTES, READ_ATTRIBUTES_RESPONSE
from trustcell.gbcs.gbz.frames import LAST
from trustcell.gbcs.usecases.forms import Command, Form, Frame, InstructionFailed, Response

_METERING = 0x0702
_VERSION = 0x0206


@dataclass(frozen=True, slots=True)
class ReadFirmwareVersion:
    """Command: nothing but the question."""


@dataclass(frozen=True, slots=True)
class FirmwareVersionRead:
    """Response: the version, four octets in GBCS. A failure is an ``InstructionFailed``."""

    firmware_version: bytes


ECS52_COMMAND = Command(
    ReadFirmwareVersion,
    ((Service.GET, 1, bytes.fromhex("0000000201FF"), 2),),
    lambda value: (dlms.NULL,),
    lambda version: ReadFirmwareVersion(),
)
ECS52_RESPONSE = Response(
    FirmwareVersionRead,
    ECS52_COMMAND,
    lambda value: (dlms.octet_string(value.firmware_version),),
    FirmwareVersionRead,
)


class _Gcs38Command(Form):
    """Read one attribute."""

    def read(self, frame: Frame) -> ReadFirmwareVersion:
        """The question."""
        return ReadFirmwareVersion()

    def write(self, value: ReadFirmwareVersion, counter: int) -> gbz.Components:
        """One component."""
        if not isinstance(value, ReadFirmwareVersion):
            raise ValueError(f"ReadFirmwareVersion expected, {type(value).__name__} given")
        question = gbz.ReadAttributes((_VERSION,))
        return gbz.Components((gbz.Component(LAST, _METERING, 0, 0, READ_ATTRIBUTES, question),))


class _Gcs38Response(Form):
    """One attribute, read or not."""

    def read(self, frame: Frame) -> FirmwareVersionRead | InstructionFailed:
        """The version or the status."""
        if not isinstance(frame, gbz.Components) or not isinstance(frame.components[0].content, gbz.AttributeValues):
            raise TypeError("an answer to Read Attributes was expected")
        (record,) = frame.components[0].content.records
        return InstructionFailed(0, record.status) if record.status else FirmwareVersionRead(record.value)

    def write(self, value: FirmwareVersionRead | InstructionFailed, counter: int) -> gbz.Components:
        """One component."""
        if isinstance(value, InstructionFailed):
            record = gbz.Attribute(_VERSION, value.result)
        elif isinstance(value, FirmwareVersionRead):
            record = gbz.Attribute(_VERSION, 0, OCTET_STRING, value.firmware_version)
        else:
            raise ValueError(f"FirmwareVersionRead or InstructionFailed expected, {type(value).__name__} given")
        answer = gbz.AttributeValues((record,))
        return gbz.Components((gbz.Component(LAST, _METERING, FROM_SERVER, 0, READ_ATTRIBUTES_RESPONSE, answer),))


GCS38_COMMAND = _Gcs38Command()
GCS38_RESPONSE = _Gcs38Response()
