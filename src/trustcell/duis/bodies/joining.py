"""8.7.1, 8.7.2, 8.8.1 and 8.8.2: join two devices, and part them."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.lexical import EUI
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class _OtherDevice(Shaped):
    """``OtherDeviceID``: the device that the target is joined to or parted from."""

    SHAPE: ClassVar[Shape] = (Leaf("OtherDeviceID", "other_device_id", EUI),)

    other_device_id: Eui64


@dataclass(frozen=True, slots=True)
class JoinServiceCritical(_OtherDevice):
    """Service 8.7.1 (DUIS schema 5.4): ``OtherDeviceID``."""

    ELEMENT: ClassVar[str] = "JoinServiceCritical"


@dataclass(frozen=True, slots=True)
class JoinServiceNonCritical(_OtherDevice):
    """Service 8.7.2 (DUIS schema 5.4): ``OtherDeviceID``."""

    ELEMENT: ClassVar[str] = "JoinServiceNonCritical"


@dataclass(frozen=True, slots=True)
class UnjoinServiceCritical(_OtherDevice):
    """Service 8.8.1 (DUIS schema 5.4): ``OtherDeviceID``."""

    ELEMENT: ClassVar[str] = "UnjoinServiceCritical"


@dataclass(frozen=True, slots=True)
class UnjoinServiceNonCritical(_OtherDevice):
    """Service 8.8.2 (DUIS schema 5.4): ``OtherDeviceID``."""

    ELEMENT: ClassVar[str] = "UnjoinServiceNonCritical"
