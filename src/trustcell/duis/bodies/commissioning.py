"""8.1.1, 8.6 and 8.13: commission a meter, opt in to the DCC, hand in the answer to a local command."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import MeterMPxNs
from trustcell.duis.encodings import PAYLOAD
from trustcell.duis.lexical import DATE, DATE_TIME, EUI, REQUEST_ID, integer
from trustcell.duis.parts import Child
from trustcell.duis.request_id import RequestId
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.duis.words import DEVICE_TYPE, InventoryDeviceType
from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class CommissionDeviceSynchroniseClock(Shaped):
    """Service 8.1.1 (DUIS schema 5.4): ``CurrentDateTime``, ``TolerancePeriod`` 0 to 86400 seconds."""

    ELEMENT: ClassVar[str] = "CommissionDeviceSynchroniseClock"
    SHAPE: ClassVar[Shape] = (
        Leaf("CurrentDateTime", "current_date_time", DATE_TIME),
        Leaf("TolerancePeriod", "tolerance_period", integer(0, 86_400)),
    )

    current_date_time: datetime
    tolerance_period: int


@dataclass(frozen=True, slots=True)
class ServiceOptIn(Shaped):
    """Service 8.6 (DUIS schema 5.4): ``DeviceID``, ``DeviceType``, ``MPxNs``, ``OptInDate``."""

    ELEMENT: ClassVar[str] = "ServiceOptIn"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
        Child("MPxNs", "mpxns", MeterMPxNs),
        Leaf("OptInDate", "opt_in_date", DATE),
    )

    device_id: Eui64
    device_type: InventoryDeviceType
    mpxns: MeterMPxNs
    opt_in_date: date


@dataclass(frozen=True, slots=True)
class ReturnLocalCommandResponse(Shaped):
    """Service 8.13 (DUIS schema 5.4): ``OriginalRequestID[0..1]``, ``DeviceGBCSResponse`` base64."""

    ELEMENT: ClassVar[str] = "ReturnLocalCommandResponse"
    SHAPE: ClassVar[Shape] = (
        Leaf("OriginalRequestID", "original_request_id", REQUEST_ID, optional=True),
        Leaf("DeviceGBCSResponse", "device_gbcs_response", PAYLOAD),
    )

    device_gbcs_response: bytes
    original_request_id: RequestId | None = None
