"""Alerts made by the DCC: those of the services in scope read field by field, the others carried as opaque elements."""

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from trustcell.duis.alerts.credentials import (
    ChangeOfSupplier,
    CoSCertificateAlert,
    DeviceChangeOfSupplier,
    ECoSAlert,
    RemotePartySeqNumberChange,
    SecurityCredentialsUpdated,
    UpdatedCertificate,
)
from trustcell.duis.alerts.devices import (
    CHFGPFDeviceIDs,
    CommsHubFirmwareActivation,
    CSPFirmwareDeliveryStatus,
    DeviceLogRestored,
    FirmwareDistributionFailure,
    FirmwareUpgradeRequested,
    FirmwareVersionMismatch,
    PowerOutageEvent,
    PPMIDAlert,
    PPMIDFirmwareUpgradeAlert,
    PPMIDRemoval,
)
from trustcell.duis.alerts.requests import (
    ADBreach,
    CommandFailure,
    DCCAlertVersionMismatch,
    DSPScheduleRemoval,
    DUISVersionMismatch,
    QuarantinedRequest,
    ServiceResponseVersionMismatch,
    UpdateHANDeviceLogResult,
)
from trustcell.duis.alerts.status import (
    AssociatedType1Device,
    DeviceStatusChangeEvent,
    MeterDecommissioningOrWithdrawal,
    MeterIdentity,
    RecoveryCompleteACBCredentials,
)
from trustcell.duis.bodies import OpaqueBody
from trustcell.duis.names import sr

TypedAlert = (
    CSPFirmwareDeliveryStatus
    | ChangeOfSupplier
    | CoSCertificateAlert
    | CommandFailure
    | CommsHubFirmwareActivation
    | DSPScheduleRemoval
    | DUISVersionMismatch
    | DeviceLogRestored
    | DeviceStatusChangeEvent
    | ECoSAlert
    | FirmwareDistributionFailure
    | FirmwareUpgradeRequested
    | FirmwareVersionMismatch
    | PPMIDAlert
    | PPMIDRemoval
    | PowerOutageEvent
    | QuarantinedRequest
    | SecurityCredentialsUpdated
    | UpdateHANDeviceLogResult
)
DccAlert = TypedAlert | OpaqueBody

_TYPED: tuple[type[TypedAlert], ...] = TypedAlert.__args__
_BY_TAG: Mapping[str, type[TypedAlert]] = MappingProxyType({sr(alert.ELEMENT): alert for alert in _TYPED})
OPAQUE_ALERTS = frozenset({"ALCSHCALCSConfigurationChange", "CommsHubAlert", "DualBandCHAlert"})
"""Alerts carried without reading them; those of SMETS1 are out of scope."""

ALERT_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AD1": ("PowerOutageEvent", "power outage"),
        "N2": ("DeviceStatusChangeEvent", "meter decommissioned or withdrawn"),
        "N12": ("CommandFailure", "command not delivered"),
        "N16": ("DeviceStatusChangeEvent", "meter commissioned"),
        "N22": ("FirmwareDistributionFailure", "firmware not distributed"),
        "N24": ("UpdateHANDeviceLogResult", "whitelist of a hub changed"),
        "N25": ("UpdateHANDeviceLogResult", "whitelist of a hub not changed"),
        "N26": ("ChangeOfSupplier", "change of supplier done, told to the losing supplier"),
        "N27": ("ChangeOfSupplier", "change of supplier refused by the CoS party"),
        "N28": ("DeviceStatusChangeEvent", "device suspended"),
        "N29": ("DeviceStatusChangeEvent", "device no longer suspended"),
        "N30": ("DeviceLogRestored", "log of a replaced hub restored"),
        "N39": ("PPMIDAlert", "alert from a PPMID"),
        "N42": ("SecurityCredentialsUpdated", "credentials of a role replaced"),
        "N43": ("PPMIDRemoval", "PPMID removed"),
        "N47": ("QuarantinedRequest", "request in quarantine"),
        "N49": ("FirmwareVersionMismatch", "firmware differs from the inventory"),
        "N999": ("DUISVersionMismatch", "not expressible in the DUIS version of the user"),
    }
)
"""Which alert a code goes with, and what it says. N24 is proven, the rest is assumed (dcc-alerts.csv)."""


def read_alert(element: etree._Element, path: str) -> DccAlert:
    """Read the element inside ``DCCAlert``: a typed value where this room knows the alert, else an opaque one."""
    typed = _BY_TAG.get(str(element.tag))
    return OpaqueBody.read(element, path) if typed is None else typed.read(element, path)


__all__ = [
    "ALERT_CODES",
    "OPAQUE_ALERTS",
    "ADBreach",
    "AssociatedType1Device",
    "CHFGPFDeviceIDs",
    "CSPFirmwareDeliveryStatus",
    "ChangeOfSupplier",
    "CoSCertificateAlert",
    "CommandFailure",
    "CommsHubFirmwareActivation",
    "DCCAlertVersionMismatch",
    "DSPScheduleRemoval",
    "DUISVersionMismatch",
    "DccAlert",
    "DeviceChangeOfSupplier",
    "DeviceLogRestored",
    "DeviceStatusChangeEvent",
    "ECoSAlert",
    "FirmwareDistributionFailure",
    "FirmwareUpgradeRequested",
    "FirmwareVersionMismatch",
    "MeterDecommissioningOrWithdrawal",
    "MeterIdentity",
    "PPMIDAlert",
    "PPMIDFirmwareUpgradeAlert",
    "PPMIDRemoval",
    "PowerOutageEvent",
    "QuarantinedRequest",
    "RecoveryCompleteACBCredentials",
    "RemotePartySeqNumberChange",
    "SecurityCredentialsUpdated",
    "ServiceResponseVersionMismatch",
    "TypedAlert",
    "UpdateHANDeviceLogResult",
    "UpdatedCertificate",
    "read_alert",
]
