"""8.9, 8.11 and 8.12: read the log of a device, change the whitelist of a hub, restore logs of a replaced one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from trustcell.duis.bodies._shared import EXECUTION
from trustcell.duis.encodings import hex_octets
from trustcell.duis.lexical import EUI, IMPORT_MPXN, integer
from trustcell.duis.parts import Child, Flag
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import MPAN, enumerated
from trustcell.vocab import Eui64


class WhitelistChange(StrEnum):
    """What 8.11 asks for."""

    ADD = "Add"
    REMOVE = "Remove"


@dataclass(frozen=True, slots=True)
class ReadDeviceLog(Shaped):
    """Service 8.9 (DUIS schema 5.4): ``ExecutionDateTime[0..1]``, and ``ReadSecurityDetails`` or not."""

    ELEMENT: ClassVar[str] = "ReadDeviceLog"
    SHAPE: ClassVar[Shape] = (EXECUTION, Flag("ReadSecurityDetails", "read_security_details"))

    read_security_details: bool = False
    execution_date_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddDeviceToCHFWhitelist(Content):
    """What a hub needs to let a device join.

    ``JoinTimePeriod`` 1 to 3600 seconds, ``InstallCode`` 6 to 16 octets, and the supply points of a meter.
    """

    SHAPE: ClassVar[Shape] = (
        Leaf("JoinTimePeriod", "join_time_period", integer(1, 3_600)),
        Leaf("InstallCode", "install_code", hex_octets(6, 16)),
        Leaf("ImportMPxN", "import_mpxn", IMPORT_MPXN, optional=True),
        Leaf("SecondaryImportMPAN", "secondary_import_mpan", MPAN, optional=True),
        Leaf("ExportMPAN", "export_mpan", MPAN, optional=True),
    )

    join_time_period: int
    install_code: bytes
    import_mpxn: str | None = None
    secondary_import_mpan: str | None = None
    export_mpan: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateHANDeviceLog(Shaped):
    """Service 8.11 (DUIS schema 5.4).

    ``ExecutionDateTime[0..1]``, ``DeviceID`` of the other device, ``RequestType`` Add or Remove,
    ``AddDeviceToCHFWhitelist[0..1]``. The schema does not tie the last two, so neither does this value.
    """

    ELEMENT: ClassVar[str] = "UpdateHANDeviceLog"
    SHAPE: ClassVar[Shape] = (
        EXECUTION,
        Leaf("DeviceID", "device_id", EUI),
        Leaf("RequestType", "request_type", enumerated(WhitelistChange)),
        Child("AddDeviceToCHFWhitelist", "add_device_to_chf_whitelist", AddDeviceToCHFWhitelist, optional=True),
    )

    device_id: Eui64
    request_type: WhitelistChange
    add_device_to_chf_whitelist: AddDeviceToCHFWhitelist | None = None
    execution_date_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class RestoreHANDeviceLog(Shaped):
    """Service 8.12.1 (DUIS schema 5.4): ``OldCHFID``."""

    ELEMENT: ClassVar[str] = "RestoreHANDeviceLog"
    SHAPE: ClassVar[Shape] = (Leaf("OldCHFID", "old_chf_id", EUI),)

    old_chf_id: Eui64


@dataclass(frozen=True, slots=True)
class RestoreGPFDeviceLog(Shaped):
    """Service 8.12.2 (DUIS schema 5.4): ``OldGPFID``."""

    ELEMENT: ClassVar[str] = "RestoreGPFDeviceLog"
    SHAPE: ClassVar[Shape] = (Leaf("OldGPFID", "old_gpf_id", EUI),)

    old_gpf_id: Eui64
