"""8.14.1 to 8.14.4: what became of a communications hub. 12.1: what coverage a place has."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import PropertyFilter
from trustcell.duis.lexical import BOOLEAN, DATE_TIME, EUI, IMPORT_MPXN, free_text
from trustcell.duis.parts import Child, Choice
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.duis.words import ADDITIONAL, UPRN, words
from trustcell.vocab import Eui64

_DEVICE = Leaf("DeviceID", "device_id", EUI)
_USER_REF = Leaf("UserRefID", "user_ref_id", free_text(0, 25), optional=True)
_USER_REF_TIME = Leaf("UserRefDateTime", "user_ref_date_time", DATE_TIME, optional=True)
_INCIDENT = Leaf("IncidentReference", "incident_reference", free_text(0, 15), optional=True)
_MORE = Leaf("AdditionalInformation", "additional_information", ADDITIONAL, optional=True)
_INSTALLED: Shape = (
    _DEVICE,
    Leaf(
        "CHFInstallType",
        "chf_install_type",
        words("New CHF Install", "Replacement CHF Install", "CHF Install - no SM WAN"),
    ),
    Leaf("InstallDateTime", "install_date_time", DATE_TIME, optional=True),
    _USER_REF,
    Leaf("MPxN", "mpxn", IMPORT_MPXN),
    Leaf("GISData", "gis_data", free_text(0, 25), optional=True),
    Leaf("AerialInstall", "aerial_install", BOOLEAN),
    Leaf(
        "CHFLocation",
        "chf_location",
        words("Outside Premises", "Indoors on external wall", "Deep indoors", "Basement or Cellar"),
    ),
)


@dataclass(frozen=True, slots=True)
class CHFInstallSuccessSMWAN(Shaped):
    """Service 8.14.1 (DUIS schema 5.4).

    ``DeviceID``, ``CHFInstallType``, ``InstallDateTime[0..1]``, ``UserRefID[0..1]``, ``MPxN``, ``GISData[0..1]``,
    ``AerialInstall``, ``CHFLocation``, ``AdditionalInformation[0..1]``.
    """

    ELEMENT: ClassVar[str] = "CHFInstallSuccessSMWAN"
    SHAPE: ClassVar[Shape] = (*_INSTALLED, _MORE)

    device_id: Eui64
    chf_install_type: str
    mpxn: str
    aerial_install: bool
    chf_location: str
    install_date_time: datetime | None = None
    user_ref_id: str | None = None
    gis_data: str | None = None
    additional_information: str | None = None


@dataclass(frozen=True, slots=True)
class CHFInstallSuccessNoSMWAN(Shaped):
    """Service 8.14.2 (DUIS schema 5.4): as 8.14.1, with ``PremiseType`` and three checks for obstructions."""

    ELEMENT: ClassVar[str] = "CHFInstallSuccessNoSMWAN"
    SHAPE: ClassVar[Shape] = (
        *_INSTALLED,
        Leaf(
            "PremiseType",
            "premise_type",
            words(
                "Detached / Semi Detached",
                "Terraced",
                "Low Rise Apartment (MDU <= 5 floors)",
                "High Rise Apartment (MDU > 5 floors)",
            ),
        ),
        Leaf("MetalObstructionCheck", "metal_obstruction_check", BOOLEAN),
        Leaf("ConnectivityObstructionCheck", "connectivity_obstruction_check", BOOLEAN),
        Leaf("SharedObstructionCheck", "shared_obstruction_check", BOOLEAN),
        _MORE,
    )

    device_id: Eui64
    chf_install_type: str
    mpxn: str
    aerial_install: bool
    chf_location: str
    premise_type: str
    metal_obstruction_check: bool
    connectivity_obstruction_check: bool
    shared_obstruction_check: bool
    install_date_time: datetime | None = None
    user_ref_id: str | None = None
    gis_data: str | None = None
    additional_information: str | None = None


@dataclass(frozen=True, slots=True)
class CHFFaultReturn(Shaped):
    """Service 8.14.3 (DUIS schema 5.4).

    ``DeviceID``, ``CHFFaultReturnType``, ``UserRefDateTime[0..1]``, ``UserRefID[0..1]``, ``OtherDeviceID``,
    ``IncidentReference[0..1]``, ``CHFConnectionMethod``, ``CHFFaultReason``, ``AdditionalInformation[0..1]``.
    """

    ELEMENT: ClassVar[str] = "CHFFaultReturn"
    SHAPE: ClassVar[Shape] = (
        _DEVICE,
        Leaf(
            "CHFFaultReturnType",
            "chf_fault_return_type",
            words("Fault identified prior to installation", "Fault identified post installation"),
        ),
        _USER_REF_TIME,
        _USER_REF,
        Leaf("OtherDeviceID", "other_device_id", EUI),
        _INCIDENT,
        Leaf("CHFConnectionMethod", "chf_connection_method", words("Hot-shoe", "Cradle", "ESME")),
        Leaf(
            "CHFFaultReason",
            "chf_fault_reason",
            words(
                "Damaged case",
                "Damaged Connector",
                "Illegal interference or missing seals",
                "Environmental conditions exceeded",
                "SM WAN Fault",
                "SMHAN Interface Fault",
                "LED Fault",
                "Aerial fault",
                "Manufacturing defect",
            ),
        ),
        _MORE,
    )

    device_id: Eui64
    chf_fault_return_type: str
    other_device_id: Eui64
    chf_connection_method: str
    chf_fault_reason: str
    user_ref_date_time: datetime | None = None
    user_ref_id: str | None = None
    incident_reference: str | None = None
    additional_information: str | None = None


@dataclass(frozen=True, slots=True)
class CHFNoFaultReturn(Shaped):
    """Service 8.14.4 (DUIS schema 5.4).

    ``DeviceID``, ``CHFNoFaultReturnType``, ``UserRefDateTime[0..1]``, ``UserRefID[0..1]``,
    ``IncidentReference[0..1]``, ``AdditionalInformation[0..1]``.
    """

    ELEMENT: ClassVar[str] = "CHFNoFaultReturn"
    SHAPE: ClassVar[Shape] = (
        _DEVICE,
        Leaf(
            "CHFNoFaultReturnType",
            "chf_no_fault_return_type",
            words(
                "No Fault Return (general)",
                "No Fault Return (non-dom opt out)",
                "No Fault Return (dual supplier HAN variant replacement)",
                "No Fault Return (SM WAN variant replacement requested by DCC)",
                "Lost or Stolen Hub",
            ),
        ),
        _USER_REF_TIME,
        _USER_REF,
        _INCIDENT,
        _MORE,
    )

    device_id: Eui64
    chf_no_fault_return_type: str
    user_ref_date_time: datetime | None = None
    user_ref_id: str | None = None
    incident_reference: str | None = None
    additional_information: str | None = None


@dataclass(frozen=True, slots=True)
class RequestWANMatrix(Shaped):
    """Service 12.1 (DUIS schema 5.4): exactly one of ``UPRN`` and ``PartialAddress``."""

    ELEMENT: ClassVar[str] = "RequestWANMatrix"
    SHAPE: ClassVar[Shape] = (
        Choice((Leaf("UPRN", "uprn", UPRN), Child("PartialAddress", "partial_address", PropertyFilter))),
    )

    uprn: int | None = None
    partial_address: PropertyFilter | None = None
