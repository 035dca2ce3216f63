"""What a decision about a request may know: one frozen snapshot, gathered before any rule runs (duis-dsp.md 4.1)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.recognition import Reported
from trustcell.duis import DeviceStatus as DeviceStatus
from trustcell.duis import RequestId, UserRole
from trustcell.vocab import CellId, DeviceType, Eui64


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One entry of the Smart Metering Inventory (duis-dsp.md 1.4 and 6).

    ``duis_type`` is the DeviceType of DUIS, which tells IHD from CAD. ``generation`` is ``SMETS1`` or ``SMETS2``. The
    points are the device's public keys, 65 octets, absent until a certificate is known. ``hub`` is the CHF of the HAN
    the device is in, ``gpf`` the GPF of a hub or of a GSME. ``status_before`` is what a suspended device returns to.
    ``details`` holds what answers of 8.2 show besides, by element name: DeviceManufacturer, DeviceModel,
    SMETSCHTSVersion, DeviceFirmwareVersion, ESMEVariant, UPRN, PostCode, AddressIdentifier, CSPRegion, HANVariant, ...
    ``device_log`` is the last HAN log a hub or GPF reported, as it came, for 8.12.
    """

    eui: Eui64
    device_type: DeviceType
    generation: str = "SMETS2"
    status: DeviceStatus | None = DeviceStatus.COMMISSIONED
    signing_point: bytes | None = None
    agreement_point: bytes | None = None
    duis_type: str = ""
    status_since: datetime | None = None
    status_before: DeviceStatus | None = None
    commissioned_at: datetime | None = None
    hub: Eui64 | None = None
    gpf: Eui64 | None = None
    import_mpxn: str = ""
    secondary_import_mpan: str = ""
    export_mpan: str = ""
    gbcs_version: str = "4.2"
    device_log: bytes = b""
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """The DUIS type follows from the type unless it says more."""
        if not self.duis_type:
            object.__setattr__(self, "duis_type", self.device_type.name)

    @property
    def mpxns(self) -> tuple[str, ...]:
        """Every metering point of this device."""
        return tuple(filter(None, (self.import_mpxn, self.secondary_import_mpan, self.export_mpan)))


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who a Trust Anchor Cell is known to hold: subject EUI-64 and subject key identifier, all a device reports."""

    entity: Eui64
    key_id: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """Who is responsible for a metering point, from ``begins`` on (registration data)."""

    mpxn: str
    supplier: Eui64
    network_operator: Eui64
    begins: datetime


class UserStatus(StrEnum):
    """Whether a user may send requests (checks 5 and 6)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class User:
    """A DCC User: the roles it has been accepted in."""

    entity: Eui64
    roles: Collection[UserRole]
    status: UserStatus = UserStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What is stored under a request ID.

    ``received`` is the request of variant 1, 2, 3, 4 or 8 as it came, ``offered`` the pre-command of a transform.
    """

    request_id: RequestId
    service_variant: str
    command_variant: int
    state: RequestState
    received: bytes
    offered: bytes | None = None
    executes_at: datetime | None = None
    accepted_at: datetime | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class InventoryQuery:
    """Which entries an 8.2 asks for; exactly one of the four is given, a postcode with its address identifier."""

    device: Eui64 | None = None
    mpxn: str = ""
    uprn: str = ""
    post_code: str = ""
    address_identifier: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A DSP schedule (5.1): ``request`` is the service request to send in the user's name, as XML of its body.

    ``frequency`` is a value of the schema's ScheduleFrequency; ``next_at`` is ``None`` once it has ended.
    """

    number: int
    user: Eui64
    device: Eui64
    service_variant: str
    body: bytes
    frequency: str
    starts: datetime
    ends: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Placed:
    """What is known of a certificate that is to be put into a cell."""

    by_user: bool
    in_repository: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about one request that rules may look at.

    ``device`` is the target's entry, ``others`` those of further devices that the body names, ``found`` the answer to
    an inventory query. ``slots`` are the target's cells as far as they are known, ``members`` the devices on the
    target's hub. ``registrations`` are those of every metering point of the target, its hub's members, the others,
    and of the body, newest first. ``held`` are the requests to the target that the DSP holds until their time has
    come. ``certificates`` are Key Agreement certificates of devices, DER. ``placed`` says of certificates that are to
    be put into cells whether their subject is an active DCC User and whether the repository has them; it is empty where
    that is not asked for.
    """

    user: User | None = None
    known: KnownRequest | None = None
    device: DeviceRecord | None = None
    others: Mapping[Eui64, DeviceRecord] = field(default_factory=lambda: MappingProxyType({}))
    members: tuple[DeviceRecord, ...] = ()
    slots: Mapping[CellId, Occupant] = field(default_factory=lambda: MappingProxyType({}))
    registrations: tuple[Registration, ...] = ()
    found: tuple[DeviceRecord, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    held: tuple[KnownRequest, ...] = ()
    certificates: Mapping[Eui64, bytes] = field(default_factory=lambda: MappingProxyType({}))
    placed: Mapping[Reported, Placed] = field(default_factory=lambda: MappingProxyType({}))
    highest: int | None = None
    learned_from: str = ""


NOTHING_KNOWN = Facts()
