"""5.1, 5.2 and 5.3: make, read and delete schedules that the DSP runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from lxml import etree

from trustcell.duis.encodings import CERTIFICATE
from trustcell.duis.lexical import DATE, EUI, TIME, integer
from trustcell.duis.names import sr
from trustcell.duis.parts import Choice, hold_empty
from trustcell.duis.shape import Content, Elements, Field, Leaf, Shape, Shaped, malformed
from trustcell.duis.words import SCHEDULE_ID, enumerated, words
from trustcell.vocab import Eui64


class ScheduleFrequency(StrEnum):
    """How often a schedule is due."""

    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    QUARTERLY = "Quarterly"
    HALF_YEARLY = "Half-Yearly"
    YEARLY = "Yearly"


@dataclass(frozen=True, slots=True)
class LogPeriodOffset(Content):
    """Which days a scheduled read covers, counted back from the due date (0 to -400), between two times of day."""

    SHAPE: ClassVar[Shape] = (
        Leaf("StartDateOffset", "start_date_offset", integer(-400, 0)),
        Leaf("StartTime", "start_time", TIME),
        Leaf("EndDateOffset", "end_date_offset", integer(-400, 0)),
        Leaf("EndTime", "end_time", TIME),
    )

    start_date_offset: int
    start_time: time
    end_date_offset: int
    end_time: time


SCHEDULED_REQUESTS: Mapping[str, str] = MappingProxyType(
    {
        "4.2": "DSPReadInstantaneousExportRegisters",
        "4.6.1": "DSPRetrieveImportDailyReadLog",
        "4.6.2": "DSPRetrieveExportDailyReadLog",
        "4.8.1": "DSPReadActiveImportProfileData",
        "4.8.2": "DSPReadReactiveImportProfileData",
        "4.8.3": "DSPReadExportProfileData",
        "4.10": "DSPReadNetworkData",
        "4.12.1": "DSPReadMaximumDemandImportRegisters",
        "4.12.2": "DSPReadMaximumDemandExportRegisters",
        "4.14": "DSPReadPrepaymentDailyReadLog",
        "4.15": "DSPReadLoadLimitData",
        "4.16": "DSPReadActivePowerImport",
        "4.17": "DSPRetrieveDailyConsumptionLog",
        "14.1": "DSPRecordNetworkDataGAS",
    }
)
"""For each service that can be scheduled, the element of a schedule that asks for it."""

_READ_A_LOG = frozenset({"4.6.1", "4.6.2", "4.8.1", "4.8.2", "4.8.3", "4.10", "4.14", "4.17"})
_WITH_PERIOD = {element: variant in _READ_A_LOG for variant, element in SCHEDULED_REQUESTS.items()}
_BY_TAG = {sr(element): element for element in _WITH_PERIOD}
_VARIANTS = words(*SCHEDULED_REQUESTS)
_REFERENCES = words(*{".".join(variant.split(".")[:2]) for variant in SCHEDULED_REQUESTS})


@dataclass(frozen=True, slots=True)
class ScheduledRequest:
    """The request inside a schedule: the name of its element, and the log period for those that read a log."""

    element: str
    log_period: LogPeriodOffset | None = None

    def __post_init__(self) -> None:
        """Hold the closed list, and a log period exactly where one belongs; raises ``ValueError``."""
        if self.element not in _WITH_PERIOD:
            raise ValueError("a scheduled request of the closed list was expected")
        if isinstance(self.log_period, LogPeriodOffset) != _WITH_PERIOD[self.element]:
            raise ValueError("a log period stands in the requests that read a log, and in no others")

    def write(self) -> str:
        """The element as canonical XML."""
        if self.log_period is None:
            return f"<sr:{self.element}></sr:{self.element}>"
        return self.log_period.write_as(self.element)


@dataclass(frozen=True, slots=True)
class _Requested(Field):
    """The part of a schedule that is one of fourteen elements."""

    def begins(self, element: etree._Element) -> bool:
        """By the closed list."""
        return element.tag in _BY_TAG

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """The one element."""
        name = _BY_TAG.get(str(kids[at].tag)) if at < len(kids) else None
        if name is None:
            raise malformed(f"{path}.{self.element}", "a scheduled request of the closed list was expected")
        inner = f"{path}.{name}"
        if _WITH_PERIOD[name]:
            found[self.attribute] = ScheduledRequest(name, LogPeriodOffset.read_content(kids[at], inner))
        else:
            hold_empty(kids[at], inner)
            found[self.attribute] = ScheduledRequest(name)
        return at + 1

    def write(self, value: object, into: list[str]) -> None:
        """The one element."""
        into.append(getattr(value, self.attribute).write())

    def check(self, value: object) -> None:
        """By type: a request has checked itself."""
        if not isinstance(getattr(value, self.attribute), ScheduledRequest):
            raise ValueError(f"{self.attribute}: a scheduled request was expected")


@dataclass(frozen=True, slots=True)
class CreateSchedule(Shaped):
    """Service 5.1 (DUIS schema 5.4), and what 5.2 answers for each schedule.

    ``ScheduleFrequency``, ``ScheduleStartDate``, ``ScheduleEndDate[0..1]``, ``ScheduleExecutionStartTime[0..1]``,
    ``KAPublicSecurityCredential[0..1]``, ``DSPScheduledServiceReference``, ``DSPScheduledServiceReferenceVariant``,
    ``DeviceID``, then one of fourteen requests. The schema does not tie the last to the variant; ``consistent`` does.
    """

    ELEMENT: ClassVar[str] = "CreateSchedule"
    SHAPE: ClassVar[Shape] = (
        Leaf("ScheduleFrequency", "frequency", enumerated(ScheduleFrequency)),
        Leaf("ScheduleStartDate", "start_date", DATE),
        Leaf("ScheduleEndDate", "end_date", DATE, optional=True),
        Leaf("ScheduleExecutionStartTime", "execution_start_time", TIME, optional=True),
        Leaf("KAPublicSecurityCredential", "key_agreement_certificate", CERTIFICATE, optional=True),
        Leaf("DSPScheduledServiceReference", "scheduled_service_reference", _REFERENCES),
        Leaf("DSPScheduledServiceReferenceVariant", "scheduled_service_reference_variant", _VARIANTS),
        Leaf("DeviceID", "device_id", EUI),
        _Requested("DSPScheduledRequest", "request"),
    )

    frequency: ScheduleFrequency
    start_date: date
    scheduled_service_reference: str
    scheduled_service_reference_variant: str
    device_id: Eui64
    request: ScheduledRequest
    end_date: date | None = None
    execution_start_time: time | None = None
    key_agreement_certificate: bytes | None = None

    @property
    def consistent(self) -> bool:
        """Whether reference, variant and request name the same service."""
        variant = self.scheduled_service_reference_variant
        return (
            SCHEDULED_REQUESTS[variant] == self.request.element
            and ".".join(variant.split(".")[:2]) == self.scheduled_service_reference
        )


_WHICH: Shape = (Choice((Leaf("DSPScheduleID", "dsp_schedule_id", SCHEDULE_ID), Leaf("DeviceID", "device_id", EUI))),)


@dataclass(frozen=True, slots=True)
class ReadSchedule(Shaped):
    """Service 5.2 (DUIS schema 5.4): exactly one of ``DSPScheduleID`` (0 to 10^12) and ``DeviceID``."""

    ELEMENT: ClassVar[str] = "ReadSchedule"
    SHAPE: ClassVar[Shape] = _WHICH

    dsp_schedule_id: int | None = None
    device_id: Eui64 | None = None


@dataclass(frozen=True, slots=True)
class DeleteSchedule(Shaped):
    """Service 5.3 (DUIS schema 5.4): exactly one of ``DSPScheduleID`` (0 to 10^12) and ``DeviceID``."""

    ELEMENT: ClassVar[str] = "DeleteSchedule"
    SHAPE: ClassVar[Shape] = _WHICH

    dsp_schedule_id: int | None = None
    device_id: Eui64 | None = None
