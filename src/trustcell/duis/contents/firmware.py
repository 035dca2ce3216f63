"""What 11.1 and 11.4 answer with W110101 and W110401: the devices that will not get the firmware, by reason."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.lexical import EUI_LIST
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class _Warning(Shaped):
    """Five lists of devices, each optional."""

    SHAPE: ClassVar[Shape] = (
        Leaf("InvalidDeviceIDList", "invalid_device_ids", EUI_LIST, optional=True),
        Leaf("NotCommissionedDeviceIDList", "not_commissioned_device_ids", EUI_LIST, optional=True),
        Leaf("NotApplicableFirmwareDeviceIDList", "not_applicable_firmware_device_ids", EUI_LIST, optional=True),
        Leaf("OtherRequestInProgressList", "other_request_in_progress", EUI_LIST, optional=True),
        Leaf("InvalidGBCSVersionList", "invalid_gbcs_version", EUI_LIST, optional=True),
    )

    invalid_device_ids: tuple[Eui64, ...] | None = None
    not_commissioned_device_ids: tuple[Eui64, ...] | None = None
    not_applicable_firmware_device_ids: tuple[Eui64, ...] | None = None
    other_request_in_progress: tuple[Eui64, ...] | None = None
    invalid_gbcs_version: tuple[Eui64, ...] | None = None


@dataclass(frozen=True, slots=True)
class DSPUpdateFirmwareWarning(_Warning):
    """The answer to 11.1 that some devices are left out of (W110101)."""

    ELEMENT: ClassVar[str] = "DSPUpdateFirmwareWarning"


@dataclass(frozen=True, slots=True)
class DSPUpdatePPMIDFirmwareWarning(_Warning):
    """The answer to 11.4 that some devices are left out of (W110401)."""

    ELEMENT: ClassVar[str] = "DSPUpdatePPMIDFirmwareWarning"
