"""What a solicited response can hold, one of each kind the schema names."""

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from trustcell.duis.contents.firmware import DSPUpdateFirmwareWarning, DSPUpdatePPMIDFirmwareWarning
from trustcell.duis.contents.inventory import DSPInventory, DSPOptIn, InventoryDevice
from trustcell.duis.contents.payloads import (
    Bare,
    CINMessage,
    FutureDatedDeviceAlertMessage,
    GbcsPayload,
    LocalCommand,
    PreCommand,
)
from trustcell.duis.contents.schedules import DSPScheduledMessage, DSPScheduleID, DSPSchedules, DSPSchedulesRead
from trustcell.duis.contents.wan_matrix import DSPWANMatrix, DSPWANMatrixResponse
from trustcell.duis.names import sr
from trustcell.duis.shape import local, malformed

Content = (
    GbcsPayload
    | PreCommand
    | LocalCommand
    | FutureDatedDeviceAlertMessage
    | CINMessage
    | DSPInventory
    | DSPOptIn
    | DSPScheduleID
    | DSPSchedulesRead
    | DSPScheduledMessage
    | DSPUpdateFirmwareWarning
    | DSPUpdatePPMIDFirmwareWarning
    | DSPWANMatrix
)
_KINDS: tuple[type[Content], ...] = Content.__args__
_BY_TAG: Mapping[str, type[Content]] = MappingProxyType(
    {sr(kind.LEAF.element if issubclass(kind, Bare) else kind.ELEMENT): kind for kind in _KINDS}
)


def read_content(element: etree._Element, path: str) -> Content:
    """Read the content of a ``ResponseMessage``; raises ``WireError``."""
    kind = _BY_TAG.get(str(element.tag))
    if kind is None:
        raise malformed(f"{path}.{local(element)}", "a response content of the closed list was expected")
    return kind.read(element, path)


__all__ = [
    "CINMessage",
    "Content",
    "DSPInventory",
    "DSPOptIn",
    "DSPScheduleID",
    "DSPScheduledMessage",
    "DSPSchedules",
    "DSPSchedulesRead",
    "DSPUpdateFirmwareWarning",
    "DSPUpdatePPMIDFirmwareWarning",
    "DSPWANMatrix",
    "DSPWANMatrixResponse",
    "FutureDatedDeviceAlertMessage",
    "GbcsPayload",
    "InventoryDevice",
    "LocalCommand",
    "PreCommand",
    "read_content",
]
