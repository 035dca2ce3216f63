"""Request bodies: those of the services in scope read field by field; the others are carried as opaque elements."""

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from trustcell.duis.bodies._shared import MeterMPxNs, PropertyFilter
from trustcell.duis.bodies.commissioning import (
    CommissionDeviceSynchroniseClock,
    ReturnLocalCommandResponse,
    ServiceOptIn,
)
from trustcell.duis.bodies.communications_hub import (
    CHFFaultReturn,
    CHFInstallSuccessNoSMWAN,
    CHFInstallSuccessSMWAN,
    CHFNoFaultReturn,
    RequestWANMatrix,
)
from trustcell.duis.bodies.device_credentials import (
    IssueSecurityCredentials,
    RetrieveDeviceSecurityCredentialsDevice,
    UpdateSecurityCredentialsDevice,
)
from trustcell.duis.bodies.device_logs import (
    AddDeviceToCHFWhitelist,
    ReadDeviceLog,
    RestoreGPFDeviceLog,
    RestoreHANDeviceLog,
    UpdateHANDeviceLog,
    WhitelistChange,
)
from trustcell.duis.bodies.firmware import ActivateFirmware, ReadFirmwareVersion, UpdateFirmware, UpdatePPMIDFirmware
from trustcell.duis.bodies.inventory import (
    DecommissionDevice,
    DevicePrenotification,
    ReadInventory,
    UpdateDeviceDetails,
    UpdateInventory,
    UpdateMPxN,
)
from trustcell.duis.bodies.joining import (
    JoinServiceCritical,
    JoinServiceNonCritical,
    UnjoinServiceCritical,
    UnjoinServiceNonCritical,
)
from trustcell.duis.bodies.opaque import OpaqueBody
from trustcell.duis.bodies.request_handover import RequestHandoverOfDCCControlledDevice
from trustcell.duis.bodies.retrieve_device_security_credentials_krp import RetrieveDeviceSecurityCredentialsKRP
from trustcell.duis.bodies.schedules import (
    SCHEDULED_REQUESTS,
    CreateSchedule,
    DeleteSchedule,
    LogPeriodOffset,
    ReadSchedule,
    ScheduledRequest,
    ScheduleFrequency,
)
from trustcell.duis.bodies.service_opt_out import ServiceOptOut
from trustcell.duis.bodies.signed_pre_command import SignedPreCommand
from trustcell.duis.bodies.update_security_credentials_cos import UpdateSecurityCredentialsCoS
from trustcell.duis.bodies.update_security_credentials_krp import UpdateSecurityCredentialsKRP
from trustcell.duis.names import sr

TypedBody = (
    ActivateFirmware
    | CHFFaultReturn
    | CHFInstallSuccessNoSMWAN
    | CHFInstallSuccessSMWAN
    | CHFNoFaultReturn
    | CommissionDeviceSynchroniseClock
    | CreateSchedule
    | DecommissionDevice
    | DeleteSchedule
    | DevicePrenotification
    | IssueSecurityCredentials
    | JoinServiceCritical
    | JoinServiceNonCritical
    | ReadDeviceLog
    | ReadFirmwareVersion
    | ReadInventory
    | ReadSchedule
    | RequestHandoverOfDCCControlledDevice
    | RequestWANMatrix
    | RestoreGPFDeviceLog
    | RestoreHANDeviceLog
    | RetrieveDeviceSecurityCredentialsDevice
    | RetrieveDeviceSecurityCredentialsKRP
    | ReturnLocalCommandResponse
    | ServiceOptIn
    | ServiceOptOut
    | SignedPreCommand
    | UnjoinServiceCritical
    | UnjoinServiceNonCritical
    | UpdateFirmware
    | UpdateHANDeviceLog
    | UpdateInventory
    | UpdatePPMIDFirmware
    | UpdateSecurityCredentialsCoS
    | UpdateSecurityCredentialsDevice
    | UpdateSecurityCredentialsKRP
)
Body = TypedBody | OpaqueBody

_TYPED: tuple[type[TypedBody], ...] = TypedBody.__args__
_BY_TAG: Mapping[str, type[TypedBody]] = MappingProxyType({sr(body.ELEMENT): body for body in _TYPED})
TYPED_ELEMENTS = frozenset(body.ELEMENT for body in _TYPED)
"""Element names that are always typed values, never opaque ones."""


def read_body(element: etree._Element, path: str) -> Body:
    """Read the element inside ``Body``: a typed value where this room knows the service, else an opaque one."""
    typed = _BY_TAG.get(str(element.tag))
    return OpaqueBody.read(element, path) if typed is None else typed.read(element, path)


def body_element(body: Body) -> str:
    """The name of the element a body is written as."""
    return body.element_name if isinstance(body, OpaqueBody) else body.ELEMENT


__all__ = [
    "SCHEDULED_REQUESTS",
    "TYPED_ELEMENTS",
    "ActivateFirmware",
    "AddDeviceToCHFWhitelist",
    "Body",
    "CHFFaultReturn",
    "CHFInstallSuccessNoSMWAN",
    "CHFInstallSuccessSMWAN",
    "CHFNoFaultReturn",
    "CommissionDeviceSynchroniseClock",
    "CreateSchedule",
    "DecommissionDevice",
    "DeleteSchedule",
    "DevicePrenotification",
    "IssueSecurityCredentials",
    "JoinServiceCritical",
    "JoinServiceNonCritical",
    "LogPeriodOffset",
    "MeterMPxNs",
    "OpaqueBody",
    "PropertyFilter",
    "ReadDeviceLog",
    "ReadFirmwareVersion",
    "ReadInventory",
    "ReadSchedule",
    "RequestHandoverOfDCCControlledDevice",
    "RequestWANMatrix",
    "RestoreGPFDeviceLog",
    "RestoreHANDeviceLog",
    "RetrieveDeviceSecurityCredentialsDevice",
    "RetrieveDeviceSecurityCredentialsKRP",
    "ReturnLocalCommandResponse",
    "ScheduleFrequency",
    "ScheduledRequest",
    "ServiceOptIn",
    "ServiceOptOut",
    "SignedPreCommand",
    "TypedBody",
    "UnjoinServiceCritical",
    "UnjoinServiceNonCritical",
    "UpdateDeviceDetails",
    "UpdateFirmware",
    "UpdateHANDeviceLog",
    "UpdateInventory",
    "UpdateMPxN",
    "UpdatePPMIDFirmware",
    "UpdateSecurityCredentialsCoS",
    "UpdateSecurityCredentialsDevice",
    "UpdateSecurityCredentialsKRP",
    "WhitelistChange",
    "body_element",
    "read_body",
]
