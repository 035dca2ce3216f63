"""GCS28: set the clock of a gas meter within bounds (gbcs.md 4.7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.gbcs.der import Field, Sequence
from trustcell.gbcs.der_types import Enumeration
from trustcell.gbcs.usecases import common


class DeviceTimeStatus(IntEnum):
    """How far the clock can be trusted."""

    RELIABLE = 0
    INVALID = 1
    UNRELIABLE = 2


@dataclass(frozen=True, slots=True)
class SetTime:
    """Command: SEQUENCE { validityIntervalStart GT, validityIntervalEnd GT }."""

    validity_interval_start: datetime
    validity_interval_end: datetime


@dataclass(frozen=True, slots=True)
class TimeSet:
    """Response: SEQUENCE { deviceTime GT, deviceTimeStatus INTEGER }."""

    device_time: datetime
    status: DeviceTimeStatus


COMMAND = Sequence(SetTime, Field("validity_interval_start", common.TIME), Field("validity_interval_end", common.TIME))
RESPONSE = Sequence(
    TimeSet, Field("device_time", common.TIME), Field("status", Enumeration(DeviceTimeStatus), "deviceTimeStatus")
)
