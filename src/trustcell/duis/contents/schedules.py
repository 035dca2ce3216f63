"""What 5.1 and 5.2 answer, and how the answer of a device to a scheduled request comes."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.bodies import CreateSchedule
from trustcell.duis.contents.payloads import GBCS_PAYLOAD, Bare
from trustcell.duis.parts import Child
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import SCHEDULE_ID

_ID = Leaf("DSPScheduleID", "dsp_schedule_id", SCHEDULE_ID)


@dataclass(frozen=True, slots=True)
class DSPScheduleID(Bare):
    """The answer to 5.1: the number of the schedule, 0 to 10^12."""

    LEAF: ClassVar[Leaf] = _ID

    dsp_schedule_id: int


@dataclass(frozen=True, slots=True)
class DSPSchedules(Content):
    """One schedule: its number, and the details as 5.1 gave them."""

    SHAPE: ClassVar[Shape] = (_ID, Child("DSPScheduleDetails", "details", CreateSchedule))

    dsp_schedule_id: int
    details: CreateSchedule


@dataclass(frozen=True, slots=True)
class DSPSchedulesRead(Shaped):
    """The answer to 5.2: ``DSPSchedules[1..99]``."""

    ELEMENT: ClassVar[str] = "DSPSchedulesRead"
    SHAPE: ClassVar[Shape] = (Child("DSPSchedules", "schedules", DSPSchedules, most=99),)

    schedules: tuple[DSPSchedules, ...]


@dataclass(frozen=True, slots=True)
class DSPScheduledMessage(Shaped):
    """A device response that a schedule caused: ``GBCSPayload``, ``DSPScheduleID``."""

    ELEMENT: ClassVar[str] = "DSPScheduledMessage"
    SHAPE: ClassVar[Shape] = (GBCS_PAYLOAD, _ID)

    gbcs_payload: bytes
    dsp_schedule_id: int
