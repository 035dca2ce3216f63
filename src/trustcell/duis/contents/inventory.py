"""What 8.2 and 8.6 answer: devices of the inventory, and the broker's certificates for a device that opts in."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from trustcell.duis.bodies import PropertyFilter
from trustcell.duis.encodings import CERTIFICATE
from trustcell.duis.lexical import DATE, EUI, IMPORT_MPXN, free_text
from trustcell.duis.parts import Child
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import (
    CSP_REGION,
    DEVICE_STATUS,
    DEVICE_TYPE,
    ESME_VARIANT,
    FIRMWARE_VERSION,
    LIST_STATUS,
    MANUFACTURER_OR_MODEL,
    MPAN,
    TECHNICAL_VERSION,
    UPRN,
    CspRegion,
    DeviceStatus,
    InventoryDeviceType,
    ListStatus,
    words,
)
from trustcell.vocab import Eui64

_NAME = free_text(0, 64)


@dataclass(frozen=True, slots=True)
class InventoryDevice(Content):
    """One device of an inventory answer (DUIS schema 5.4, Device).

    Leave ``device_status`` out for type 2 devices. ``connectivity`` and the ``4G`` regions are new in 5.4, so existing
    clients do not understand them.
    """

    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
        Leaf("DeviceStatus", "device_status", DEVICE_STATUS, optional=True),
        Leaf("DeviceManufacturer", "device_manufacturer", MANUFACTURER_OR_MODEL),
        Leaf("DeviceModel", "device_model", MANUFACTURER_OR_MODEL),
        Leaf("SMETSCHTSVersion", "smets_chts_version", TECHNICAL_VERSION, optional=True),
        Leaf("DeviceFirmwareVersion", "device_firmware_version", FIRMWARE_VERSION, optional=True),
        Leaf("DeviceFirmwareVersionStatus", "device_firmware_version_status", LIST_STATUS, optional=True),
        Leaf("CPLStatus", "cpl_status", LIST_STATUS, optional=True),
        Leaf("DateCommissioned", "date_commissioned", DATE, optional=True),
        Leaf("ImportMPxN", "import_mpxn", IMPORT_MPXN, optional=True),
        Leaf("SecondaryImportMPAN", "secondary_import_mpan", MPAN, optional=True),
        Leaf("ExportMPAN", "export_mpan", MPAN, optional=True),
        Leaf("ESMEVariant", "esme_variant", ESME_VARIANT, optional=True),
        Leaf("UPRN", "uprn", UPRN, optional=True),
        Child("PropertyFilter", "property_filter", PropertyFilter, optional=True),
        Leaf("CSPRegion", "csp_region", CSP_REGION, optional=True),
        Leaf("DeviceGBCSVersion", "device_gbcs_version", _NAME, optional=True),
        Leaf("HANVariant", "han_variant", _NAME, optional=True),
        Leaf("S1SP", "s1sp", _NAME, optional=True),
        Leaf("Connectivity", "connectivity", words("Cellular", "Virtual"), optional=True),
    )

    device_id: Eui64
    device_type: InventoryDeviceType
    device_manufacturer: str
    device_model: str
    device_status: DeviceStatus | None = None
    smets_chts_version: str | None = None
    device_firmware_version: str | None = None
    device_firmware_version_status: ListStatus | None = None
    cpl_status: ListStatus | None = None
    date_commissioned: date | None = None
    import_mpxn: str | None = None
    secondary_import_mpan: str | None = None
    export_mpan: str | None = None
    esme_variant: str | None = None
    uprn: int | None = None
    property_filter: PropertyFilter | None = None
    csp_region: CspRegion | None = None
    device_gbcs_version: str | None = None
    han_variant: str | None = None
    s1sp: str | None = None
    connectivity: str | None = None


@dataclass(frozen=True, slots=True)
class DSPInventory(Shaped):
    """The answer to 8.2: ``Device[1..17]``."""

    ELEMENT: ClassVar[str] = "DSPInventory"
    SHAPE: ClassVar[Shape] = (Child("Device", "devices", InventoryDevice, most=17),)

    devices: tuple[InventoryDevice, ...]


@dataclass(frozen=True, slots=True)
class DSPOptIn(Shaped):
    """The answer to 8.6: ``DeviceID`` and the broker's certificates, the signing one optional."""

    ELEMENT: ClassVar[str] = "DSPOptIn"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("DSPBrokerSecurityCredentialsDigitalSigning", "digital_signing_certificate", CERTIFICATE, optional=True),
        Leaf("DSPBrokerSecurityCredentialsKeyAgreement", "key_agreement_certificate", CERTIFICATE),
    )

    device_id: Eui64
    key_agreement_certificate: bytes
    digital_signing_certificate: bytes | None = None
