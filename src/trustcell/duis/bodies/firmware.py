"""11.1 to 11.4: distribute firmware, read its version, activate it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import EXECUTION
from trustcell.duis.encodings import base64_octets, hex_octets
from trustcell.duis.lexical import EUI_LIST
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.duis.words import FIRMWARE_VERSION
from trustcell.vocab import Eui64

MAX_IMAGE = 10_240_000
"""Most octets of a firmware image (DUIS schema 5.4)."""


@dataclass(frozen=True, slots=True)
class _Distribution(Shaped):
    """``FirmwareImage`` base64, ``FirmwareVersion`` 1 to 8 characters, ``DeviceIDList`` parted by commas."""

    SHAPE: ClassVar[Shape] = (
        Leaf("FirmwareImage", "firmware_image", base64_octets(0, MAX_IMAGE)),
        Leaf("FirmwareVersion", "firmware_version", FIRMWARE_VERSION),
        Leaf("DeviceIDList", "device_ids", EUI_LIST),
    )

    firmware_image: bytes
    firmware_version: str
    device_ids: tuple[Eui64, ...]


@dataclass(frozen=True, slots=True)
class UpdateFirmware(_Distribution):
    """Service 11.1 (DUIS schema 5.4): ``FirmwareImage``, ``FirmwareVersion``, ``DeviceIDList``."""

    ELEMENT: ClassVar[str] = "UpdateFirmware"


@dataclass(frozen=True, slots=True)
class UpdatePPMIDFirmware(_Distribution):
    """Service 11.4 (DUIS schema 5.4): ``FirmwareImage``, ``FirmwareVersion``, ``DeviceIDList``."""

    ELEMENT: ClassVar[str] = "UpdatePPMIDFirmware"


@dataclass(frozen=True, slots=True)
class ReadFirmwareVersion(Shaped):
    """Service 11.2 (DUIS schema 5.4): ``ExecutionDateTime[0..1]``."""

    ELEMENT: ClassVar[str] = "ReadFirmwareVersion"
    SHAPE: ClassVar[Shape] = (EXECUTION,)

    execution_date_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivateFirmware(Shaped):
    """Service 11.3 (DUIS schema 5.4): ``ExecutionDateTime[0..1]``, ``FirmwareHash`` 32 octets."""

    ELEMENT: ClassVar[str] = "ActivateFirmware"
    SHAPE: ClassVar[Shape] = (EXECUTION, Leaf("FirmwareHash", "firmware_hash", hex_octets(32, 32)))

    firmware_hash: bytes
    execution_date_time: datetime | None = None
