"""Alerts about what became of a request: a whitelist change, a failure, quarantine, a removed schedule."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.lexical import EUI, REQUEST_ID, free_text, integer
from trustcell.duis.parts import Child, Choice
from trustcell.duis.request_id import RequestId
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import SCHEDULE_ID
from trustcell.vocab import Eui64

_TEXT = free_text(0, 64)
_SCHEDULE = Leaf("DSPScheduleID", "dsp_schedule_id", SCHEDULE_ID)


@dataclass(frozen=True, slots=True)
class UpdateHANDeviceLogResult(Shaped):
    """What became of an 8.11 (N24, N25): ``UpdateHANDeviceLogServiceRequestID``."""

    ELEMENT: ClassVar[str] = "UpdateHANDeviceLogResult"
    SHAPE: ClassVar[Shape] = (Leaf("UpdateHANDeviceLogServiceRequestID", "service_request_id", REQUEST_ID),)

    service_request_id: RequestId


@dataclass(frozen=True, slots=True)
class CommandFailure(Shaped):
    """A command that could not be delivered (N12): ``CommandRequestID``, ``DSPScheduleID[0..1]``, ``DeviceID``."""

    ELEMENT: ClassVar[str] = "CommandFailure"
    SHAPE: ClassVar[Shape] = (
        Leaf("CommandRequestID", "command_request_id", REQUEST_ID),
        Leaf("DSPScheduleID", "dsp_schedule_id", SCHEDULE_ID, optional=True),
        Leaf("DeviceID", "device_id", EUI),
    )

    command_request_id: RequestId
    device_id: Eui64
    dsp_schedule_id: int | None = None


@dataclass(frozen=True, slots=True)
class ADBreach(Content):
    """A request in quarantine: ``RequestID`` and ``QuarantineEventRef`` of at most 20 digits."""

    SHAPE: ClassVar[Shape] = (
        Leaf("RequestID", "request_id", REQUEST_ID),
        Leaf("QuarantineEventRef", "quarantine_event_ref", integer(0, 10**20 - 1)),
    )

    request_id: RequestId
    quarantine_event_ref: int


@dataclass(frozen=True, slots=True)
class QuarantinedRequest(Shaped):
    """A request quarantined by anomaly detection (N47): by a threshold of the user or of the DCC, or by its values."""

    ELEMENT: ClassVar[str] = "QuarantinedRequest"
    SHAPE: ClassVar[Shape] = (
        Choice(
            (
                Child("ADUserThresholdBreach", "user_threshold_breach", ADBreach),
                Child("ADDCCThresholdBreach", "dcc_threshold_breach", ADBreach),
                Child("ADAttributeLimitsBreach", "attribute_limits_breach", ADBreach),
            )
        ),
    )

    user_threshold_breach: ADBreach | None = None
    dcc_threshold_breach: ADBreach | None = None
    attribute_limits_breach: ADBreach | None = None


@dataclass(frozen=True, slots=True)
class DSPScheduleRemoval(Shaped):
    """A schedule that the DSP has removed: ``DeviceID``, ``DSPScheduleID``."""

    ELEMENT: ClassVar[str] = "DSPScheduleRemoval"
    SHAPE: ClassVar[Shape] = (Leaf("DeviceID", "device_id", EUI), _SCHEDULE)

    device_id: Eui64
    dsp_schedule_id: int


@dataclass(frozen=True, slots=True)
class DCCAlertVersionMismatch(Content):
    """The alert that cannot be said: ``DCCAlertCode``, ``DeviceID[0..1]``, ``RequestID[0..1]``."""

    SHAPE: ClassVar[Shape] = (
        Leaf("DCCAlertCode", "dcc_alert_code", _TEXT),
        Leaf("DeviceID", "device_id", EUI, optional=True),
        Leaf("RequestID", "request_id", REQUEST_ID, optional=True),
    )

    dcc_alert_code: str
    device_id: Eui64 | None = None
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class ServiceResponseVersionMismatch(Content):
    """The response that cannot be said: its request, service, and the DUIS version that the request was in."""

    SHAPE: ClassVar[Shape] = (
        Leaf("RequestID", "request_id", REQUEST_ID),
        Leaf("ServiceReference", "service_reference", _TEXT),
        Leaf("ServiceReferenceVariant", "service_reference_variant", _TEXT),
        Leaf("ServiceRequestDUISVersion", "service_request_duis_version", _TEXT),
    )

    request_id: RequestId
    service_reference: str
    service_reference_variant: str
    service_request_duis_version: str


@dataclass(frozen=True, slots=True)
class DUISVersionMismatch(Shaped):
    """Something that the DUIS version of the user cannot say (N999), and that version."""

    ELEMENT: ClassVar[str] = "DUISVersionMismatch"
    SHAPE: ClassVar[Shape] = (
        Choice(
            (
                Child("DCCAlertVersionMismatch", "dcc_alert", DCCAlertVersionMismatch),
                Child("ServiceResponseVersionMismatch", "service_response", ServiceResponseVersionMismatch),
            )
        ),
        Leaf("ServiceUserDUISVersion", "service_user_duis_version", _TEXT),
    )

    service_user_duis_version: str
    dcc_alert: DCCAlertVersionMismatch | None = None
    service_response: ServiceResponseVersionMismatch | None = None
