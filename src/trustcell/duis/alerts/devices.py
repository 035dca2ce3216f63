"""Alerts about devices: firmware, restored logs, power, PPMIDs."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from trustcell.duis.lexical import DATE, DATE_TIME, EUI, EUI_LIST, HEX_CODE, IMPORT_MPXN, REQUEST_ID
from trustcell.duis.parts import Child, Choice
from trustcell.duis.request_id import RequestId
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import DEVICE_TYPE, FIRMWARE_VERSION, InventoryDeviceType, words
from trustcell.vocab import Eui64

_DEVICE = Leaf("DeviceID", "device_id", EUI)
_VERSION = Leaf("FirmwareVersion", "firmware_version", FIRMWARE_VERSION)


@dataclass(frozen=True, slots=True)
class PowerOutageEvent(Shaped):
    """A hub without power (AD1): ``CommsHubDeviceID``, ``StartDateTime``, ``MPxN``."""

    ELEMENT: ClassVar[str] = "PowerOutageEvent"
    SHAPE: ClassVar[Shape] = (
        Leaf("CommsHubDeviceID", "comms_hub_device_id", EUI),
        Leaf("StartDateTime", "start_date_time", DATE_TIME),
        Leaf("MPxN", "mpxn", IMPORT_MPXN),
    )

    comms_hub_device_id: Eui64
    start_date_time: datetime
    mpxn: str


@dataclass(frozen=True, slots=True)
class FirmwareDistributionFailure(Shaped):
    """Firmware of an 11.1 that did not reach some meters (N22): ``UpdateFirmwareRequestID``, ``MeterIDs``."""

    ELEMENT: ClassVar[str] = "FirmwareDistributionFailure"
    SHAPE: ClassVar[Shape] = (
        Leaf("UpdateFirmwareRequestID", "update_firmware_request_id", REQUEST_ID),
        Leaf("MeterIDs", "meter_ids", EUI_LIST),
    )

    update_firmware_request_id: RequestId
    meter_ids: tuple[Eui64, ...]


@dataclass(frozen=True, slots=True)
class CSPFirmwareDeliveryStatus(Shaped):
    """How the transfer of firmware to a hub went.

    ``UpdateFirmwareRequestID``, ``CommsHubDeviceID``, ``TargetDeviceID``, ``FirmwareVersion``, ``TimeStamp``,
    ``CommsHubTransferStatus`` Success or Failure.
    """

    ELEMENT: ClassVar[str] = "CSPFirmwareDeliveryStatus"
    SHAPE: ClassVar[Shape] = (
        Leaf("UpdateFirmwareRequestID", "update_firmware_request_id", REQUEST_ID),
        Leaf("CommsHubDeviceID", "comms_hub_device_id", EUI),
        Leaf("TargetDeviceID", "target_device_id", EUI),
        _VERSION,
        Leaf("TimeStamp", "time_stamp", DATE_TIME),
        Leaf("CommsHubTransferStatus", "comms_hub_transfer_status", words("Success", "Failure")),
    )

    update_firmware_request_id: RequestId
    comms_hub_device_id: Eui64
    target_device_id: Eui64
    firmware_version: str
    time_stamp: datetime
    comms_hub_transfer_status: str


@dataclass(frozen=True, slots=True)
class FirmwareVersionMismatch(Shaped):
    """Firmware that differs from the inventory (N49): ``DeviceID``, ``DeviceType``, both versions."""

    ELEMENT: ClassVar[str] = "FirmwareVersionMismatch"
    SHAPE: ClassVar[Shape] = (
        _DEVICE,
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
        Leaf("FirmwareVersionSMI", "firmware_version_smi", FIRMWARE_VERSION),
        Leaf("FirmwareVersionDevice", "firmware_version_device", FIRMWARE_VERSION),
    )

    device_id: Eui64
    device_type: InventoryDeviceType
    firmware_version_smi: str
    firmware_version_device: str


@dataclass(frozen=True, slots=True)
class CommsHubFirmwareActivation(Shaped):
    """A hub that runs other firmware: ``DeviceID``, ``FirmwareVersion``."""

    ELEMENT: ClassVar[str] = "CommsHubFirmwareActivation"
    SHAPE: ClassVar[Shape] = (_DEVICE, _VERSION)

    device_id: Eui64
    firmware_version: str


@dataclass(frozen=True, slots=True)
class FirmwareUpgradeRequested(Shaped):
    """Firmware that was asked for: ``DeviceType``, ``FirmwareVersion``, ``DeviceList``."""

    ELEMENT: ClassVar[str] = "FirmwareUpgradeRequested"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
        _VERSION,
        Leaf("DeviceList", "device_ids", EUI_LIST),
    )

    device_type: InventoryDeviceType
    firmware_version: str
    device_ids: tuple[Eui64, ...]


@dataclass(frozen=True, slots=True)
class CHFGPFDeviceIDs(Content):
    """A replaced hub: the old and the new CHF, the old and the new GPF."""

    SHAPE: ClassVar[Shape] = (
        Leaf("OldCHFDeviceID", "old_chf_device_id", EUI),
        Leaf("NewCHFDeviceID", "new_chf_device_id", EUI),
        Leaf("OldGPFDeviceID", "old_gpf_device_id", EUI),
        Leaf("NewGPFDeviceID", "new_gpf_device_id", EUI),
    )

    old_chf_device_id: Eui64
    new_chf_device_id: Eui64
    old_gpf_device_id: Eui64
    new_gpf_device_id: Eui64


@dataclass(frozen=True, slots=True)
class DeviceLogRestored(Shaped):
    """The log of a hub or of its GPF was restored (N30): ``RestoredDate`` and which."""

    ELEMENT: ClassVar[str] = "DeviceLogRestored"
    SHAPE: ClassVar[Shape] = (
        Leaf("RestoredDate", "restored_date", DATE),
        Choice(
            (
                Child("CHFDeviceLog", "chf_device_log", CHFGPFDeviceIDs),
                Child("GPFDeviceLog", "gpf_device_log", CHFGPFDeviceIDs),
            )
        ),
    )

    restored_date: date
    chf_device_log: CHFGPFDeviceIDs | None = None
    gpf_device_log: CHFGPFDeviceIDs | None = None


@dataclass(frozen=True, slots=True)
class PPMIDFirmwareUpgradeAlert(Content):
    """``FirmwareVersion``, ``ActivateImageResultCode`` ActivationSuccess or ActivationFailure."""

    SHAPE: ClassVar[Shape] = (
        _VERSION,
        Leaf("ActivateImageResultCode", "activate_image_result_code", words("ActivationSuccess", "ActivationFailure")),
    )

    firmware_version: str
    activate_image_result_code: str


@dataclass(frozen=True, slots=True)
class PPMIDAlert(Shaped):
    """An alert from a PPMID (N39): ``DeviceID``, ``DeviceAlertCode``, ``Timestamp[0..1]``, firmware outcome or not."""

    ELEMENT: ClassVar[str] = "PPMIDAlert"
    SHAPE: ClassVar[Shape] = (
        _DEVICE,
        Leaf("DeviceAlertCode", "device_alert_code", HEX_CODE),
        Leaf("Timestamp", "timestamp", DATE_TIME, optional=True),
        Child("PPMIDFirmwareUpgradeAlert", "firmware_upgrade", PPMIDFirmwareUpgradeAlert, optional=True),
    )

    device_id: Eui64
    device_alert_code: str
    timestamp: datetime | None = None
    firmware_upgrade: PPMIDFirmwareUpgradeAlert | None = None


@dataclass(frozen=True, slots=True)
class PPMIDRemoval(Shaped):
    """A PPMID that left a hub (N43): ``PPMIDDeviceID``, ``CHFDeviceID``."""

    ELEMENT: ClassVar[str] = "PPMIDRemoval"
    SHAPE: ClassVar[Shape] = (
        Leaf("PPMIDDeviceID", "ppmid_device_id", EUI),
        Leaf("CHFDeviceID", "chf_device_id", EUI),
    )

    ppmid_device_id: Eui64
    chf_device_id: Eui64
