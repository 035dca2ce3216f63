"""8.2, 8.3, 8.4 and 12.2: read, change and fill the Smart Metering Inventory."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.bodies._shared import PropertyFilter
from trustcell.duis.lexical import EUI, IMPORT_MPXN
from trustcell.duis.parts import Child, Choice, Flag
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import (
    DEVICE_TYPE,
    ESME_VARIANT,
    FIRMWARE_VERSION,
    MANUFACTURER_OR_MODEL,
    MPAN,
    TECHNICAL_VERSION,
    UPRN,
    DeviceStatus,
    InventoryDeviceType,
    enumerated,
)
from trustcell.vocab import Eui64

_EXCEPT_CH = enumerated(DeviceStatus, DeviceStatus.PENDING, DeviceStatus.INSTALLED_NOT_COMMISSIONED)
_CH = enumerated(
    DeviceStatus, DeviceStatus.COMMISSIONED, DeviceStatus.WITHDRAWN, DeviceStatus.INSTALLED_NOT_COMMISSIONED
)


@dataclass(frozen=True, slots=True)
class ReadInventory(Shaped):
    """Service 8.2 (DUIS schema 5.4): exactly one of ``UPRN``, ``DeviceID``, ``MPxN`` and ``PropertyFilter``."""

    ELEMENT: ClassVar[str] = "ReadInventory"
    SHAPE: ClassVar[Shape] = (
        Choice(
            (
                Leaf("UPRN", "uprn", UPRN),
                Leaf("DeviceID", "device_id", EUI),
                Leaf("MPxN", "mpxn", IMPORT_MPXN),
                Child("PropertyFilter", "property_filter", PropertyFilter),
            )
        ),
    )

    uprn: int | None = None
    device_id: Eui64 | None = None
    mpxn: str | None = None
    property_filter: PropertyFilter | None = None


@dataclass(frozen=True, slots=True)
class DecommissionDevice(Shaped):
    """Service 8.3 (DUIS schema 5.4): ``DeviceID``."""

    ELEMENT: ClassVar[str] = "DecommissionDevice"
    SHAPE: ClassVar[Shape] = (Leaf("DeviceID", "device_id", EUI),)

    device_id: Eui64


@dataclass(frozen=True, slots=True)
class UpdateDeviceDetails(Content):
    """New details of a device, each optional; what is not given stays as it is."""

    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceManufacturer", "device_manufacturer", MANUFACTURER_OR_MODEL, optional=True),
        Leaf("DeviceModel", "device_model", MANUFACTURER_OR_MODEL, optional=True),
        Leaf("SMETSCHTSVersion", "smets_chts_version", TECHNICAL_VERSION, optional=True),
        Leaf("FirmwareVersion", "firmware_version", FIRMWARE_VERSION, optional=True),
        Leaf("ESMEVariant", "esme_variant", ESME_VARIANT, optional=True),
    )

    device_manufacturer: str | None = None
    device_model: str | None = None
    smets_chts_version: str | None = None
    firmware_version: str | None = None
    esme_variant: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateMPxN(Content):
    """One supply point of a device: exactly one of ``ImportMPxN``, ``SecondaryImportMPAN`` and ``ExportMPAN``."""

    SHAPE: ClassVar[Shape] = (
        Choice(
            (
                Leaf("ImportMPxN", "import_mpxn", IMPORT_MPXN),
                Leaf("SecondaryImportMPAN", "secondary_import_mpan", MPAN),
                Leaf("ExportMPAN", "export_mpan", MPAN),
            )
        ),
    )

    import_mpxn: str | None = None
    secondary_import_mpan: str | None = None
    export_mpan: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateInventory(Shaped):
    """Service 8.4 (DUIS schema 5.4): ``DeviceID`` and exactly one change.

    ``UpdateDeviceStatusExceptCH`` (Pending, InstalledNotCommissioned), ``UpdateDeviceStatusCH`` (Commissioned,
    Withdrawn, InstalledNotCommissioned), ``UpdateDeviceDetails``, ``DeleteDevice`` (a flag) or ``UpdateMPxN``.
    """

    ELEMENT: ClassVar[str] = "UpdateInventory"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Choice(
            (
                Leaf("UpdateDeviceStatusExceptCH", "update_device_status_except_ch", _EXCEPT_CH),
                Leaf("UpdateDeviceStatusCH", "update_device_status_ch", _CH),
                Child("UpdateDeviceDetails", "update_device_details", UpdateDeviceDetails),
                Flag("DeleteDevice", "delete_device"),
                Child("UpdateMPxN", "update_mpxn", UpdateMPxN),
            )
        ),
    )

    device_id: Eui64
    update_device_status_except_ch: DeviceStatus | None = None
    update_device_status_ch: DeviceStatus | None = None
    update_device_details: UpdateDeviceDetails | None = None
    delete_device: bool = False
    update_mpxn: UpdateMPxN | None = None


@dataclass(frozen=True, slots=True)
class DevicePrenotification(Shaped):
    """Service 12.2 (DUIS schema 5.4).

    ``DeviceID``, ``DeviceManufacturer``, ``DeviceModel``, ``DeviceType``, then each optional ``SMETSCHTSVersion``,
    ``FirmwareVersion``, ``ESMEVariant`` and, for a hub, ``AssociatedGPFDeviceID``.
    """

    ELEMENT: ClassVar[str] = "DevicePrenotification"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("DeviceManufacturer", "device_manufacturer", MANUFACTURER_OR_MODEL),
        Leaf("DeviceModel", "device_model", MANUFACTURER_OR_MODEL),
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
        Leaf("SMETSCHTSVersion", "smets_chts_version", TECHNICAL_VERSION, optional=True),
        Leaf("FirmwareVersion", "firmware_version", FIRMWARE_VERSION, optional=True),
        Leaf("ESMEVariant", "esme_variant", ESME_VARIANT, optional=True),
        Leaf("AssociatedGPFDeviceID", "associated_gpf_device_id", EUI, optional=True),
    )

    device_id: Eui64
    device_manufacturer: str
    device_model: str
    device_type: InventoryDeviceType
    smets_chts_version: str | None = None
    firmware_version: str | None = None
    esme_variant: str | None = None
    associated_gpf_device_id: Eui64 | None = None
