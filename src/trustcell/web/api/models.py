"""What goes in and out of the JSON API, as typed values; the OpenAPI document is made from them.

Counters are decimal text: they reach 2^64 - 1, and many readers of JSON hold numbers to 2^53 only.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from trustcell.app.han_changes import Link
from trustcell.dsp.rules.facts import DeviceStatus, UserStatus
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import DeliveryState
from trustcell.duis import UserRole

EUI_PATTERN = r"^[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){7}$"
REQUEST_ID_PATTERN = r"^[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){7}:[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){7}:(0|[1-9][0-9]{0,19})$"
MPXN_PATTERN = r"^[0-9]{1,13}$"
MAX_PAGE = 200

Eui = Annotated[str, StringConstraints(pattern=EUI_PATTERN)]
RequestIdText = Annotated[str, StringConstraints(pattern=REQUEST_ID_PATTERN)]
Mpxn = Annotated[str, StringConstraints(pattern=MPXN_PATTERN)]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
ShortText = Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\x00-\x1f\x7f]*$")]


class DeviceTypeName(StrEnum):
    """DeviceType of GBCS by name (gbcs.md 4.2)."""

    GSME = "GSME"
    ESME = "ESME"
    CHF = "CHF"
    GPF = "GPF"
    HCALCS = "HCALCS"
    PPMID = "PPMID"
    TYPE2 = "TYPE2"


class Model(BaseModel):
    """Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Model):
    """A refusal (RFC 9457): the machine code, one sentence, the reference of the log line, and findings of rules."""

    title: str
    status: int
    code: str
    detail: str
    reference: str
    findings: list[dict[str, Any]] | None = None


class Paging(Model):
    """A page of a list: what follows ``after``, at most ``limit``."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class DevicePaging(Paging):
    """Which devices: those of a metering point, or a page of all."""

    after: Eui | None = None
    mpxn: Mpxn | None = None


class HanPaging(Paging):
    """A page of virtual devices."""

    after: Eui | None = None


class RequestPaging(Paging):
    """Which requests: of a user, to a device, or a page of all."""

    after: RequestIdText | None = None
    user: Eui | None = None
    device: Eui | None = None


class Nothing(Model):
    """No parameters."""


class Whoami(Model):
    """Whose token this is."""

    name: str
    role: str


class Health(Model):
    """Each component: ``ok``, or why not."""

    status: Literal["ok", "unavailable"]
    components: dict[str, str]


class Home(Model):
    """A home, and who holds its lease until when."""

    name: str
    owner: str | None
    until: datetime | None


class Homes(Model):
    """Every home of the database."""

    items: list[Home]


class Device(Model):
    """An entry of the Smart Metering Inventory."""

    eui: str
    device_type: DeviceTypeName
    duis_type: str
    generation: str
    status: DeviceStatus | None
    status_since: datetime | None
    commissioned_at: datetime | None
    hub: str | None
    gpf: str | None
    mpxns: list[str]
    gbcs_version: str
    has_signing_certificate: bool
    has_agreement_certificate: bool
    details: dict[str, str]


class Devices(Model):
    """A page of the inventory; ``next`` is what to give as ``after``."""

    items: list[Device]
    next: str | None


class StatusChange(Model):
    """What happened to a device."""

    at: datetime
    event: str
    before: DeviceStatus | None
    after: DeviceStatus | None


class DeviceHistory(Model):
    """A device's life in the inventory."""

    items: list[StatusChange]


class Slot(Model):
    """Whom a Trust Anchor Cell is known to hold, since when, and what told so."""

    cell: str
    entity: str
    key_id: str
    since: datetime
    told_by: str


class Slots(Model):
    """Every cell now, and who sat in them before."""

    current: list[Slot]
    history: list[Slot]


class CounterUse(Model):
    """Who used or taught which number, and why."""

    at: datetime
    counter: Number
    who: str
    reason: str


class Highest(Model):
    """The stored Network Operator counter of a GPF, what taught it, and when."""

    counter: Number
    taught_by: str
    at: datetime


class NextCounter(Model):
    """The number the next 6.21 on the Network Operator slot would get if it came now, and why."""

    counter: Number | None
    sentence: str


class Counters(Model):
    """The counter ledger of a device; ``slot`` says who sits in its Network Operator cells."""

    items: list[CounterUse]
    highest: Highest | None
    slot: dict[str, str]
    next_6_21: NextCounter


class Request(Model):
    """A service request and where it stands; ``code`` is the response code it ended with."""

    request_id: str
    originator: str
    target: str
    counter: Number
    service_variant: str
    command_variant: int
    state: RequestState
    code: str
    accepted_at: datetime | None
    executes_at: datetime | None
    octets: int


class Requests(Model):
    """A page of requests; ``next`` is what to give as ``after``."""

    items: list[Request]
    next: str | None


class TrailLine(Model):
    """One line of the Service Audit Trail."""

    number: int
    at: datetime
    kind: str
    reference: str
    facts: dict[str, Any]


class Trail(Model):
    """A subject's lines of the Service Audit Trail, oldest first."""

    items: list[TrailLine]


class DeviceMessage(Model):
    """A device message that answered a command, decoded, and the verdict on it."""

    at: datetime
    verdict: str
    message: dict[str, Any]


class Verdict(Model):
    """What one check said of a request."""

    number: int
    title: str
    verdict: Literal["passed", "failed", "not about it", "not reached"]


class DuisMessage(Model):
    """A DUIS message under a request ID, and the verdict of every check on it; without a door the DSP's own turn."""

    number: int
    at: datetime
    door: str
    service: str
    variant: int | None
    sha256: str
    body: dict[str, Any] | None
    checks: list[Verdict]
    accepted: bool
    code: str
    findings: list[dict[str, Any]]
    reference: str


class Effect(Model):
    """What the books learned from a request."""

    at: datetime
    device: str
    kind: Literal["slot", "status", "counter", "note"]
    text: str


class Command(Model):
    """A GBCS command of a request, decoded, with what answered it."""

    message_id: str
    message_code: str
    state: str
    not_after: datetime | None
    message: dict[str, Any]
    answers: list[DeviceMessage]


class Delivery(Model):
    """A message to the user with its response code, and how far it came. ``last`` is what its address said."""

    number: int
    state: DeliveryState
    attempts: int
    next_at: datetime
    last: str
    code: str
    octets: int


class Deliveries(Model):
    """What was sent to the user for a request."""

    items: list[Delivery]


class RequestTrail(Model):
    """All there is about one request: DUIS in, every check, GBCS out and in, effects, deliveries.

    ``request`` is absent for one that was refused; ``trail`` has the lines as they were written.
    """

    request: Request | None
    duis: list[DuisMessage]
    commands: list[Command]
    effects: list[Effect]
    deliveries: list[Delivery]
    trail: list[TrailLine]


class RequestMoved(Model):
    """Where a request stands after what was asked."""

    request_id: str
    state: RequestState


class Registration(Model):
    """Who is responsible for a metering point from a moment on."""

    mpxn: Mpxn
    supplier: Eui
    network_operator: Eui
    begins: datetime


class Registrations(Model):
    """Who is and was responsible for a metering point, newest first."""

    items: list[Registration]


class Schedule(Model):
    """A DSP schedule of a user."""

    number: int
    device: str
    service_variant: str
    frequency: str
    starts: datetime
    ends: datetime | None
    next_at: datetime | None


class Schedules(Model):
    """A user's schedules."""

    items: list[Schedule]


class UserFacts(Model):
    """What a DCC User is and where its responses go, ``host:port/path`` without or with ``http://``."""

    roles: Annotated[list[UserRole], Field(min_length=1, max_length=len(UserRole))]
    status: UserStatus = UserStatus.ACTIVE
    callback: ShortText | None = None


class User(Model):
    """A DCC User."""

    eui: str
    roles: list[UserRole]
    status: UserStatus
    callback: str | None


class Users(Model):
    """Every DCC User."""

    items: list[User]


class Removed(Model):
    """What was taken away."""

    removed: str


class HanDevice(Model):
    """A virtual device, how it can be reached, and how it is; ``reachable`` looks at the whole way to it."""

    eui: str
    device_type: DeviceTypeName
    hub: str | None
    link: Link
    region: str | None
    band: int
    on: bool
    reachable: bool
    firmware: str
    clock_skew_seconds: int
    pending: int


class HanDevices(Model):
    """A page of virtual devices."""

    items: list[HanDevice]
    next: str | None


class Cell(Model):
    """What a Trust Anchor Cell of the virtual device holds; of a key alone there is no serial."""

    cell: str
    entity: str
    key_id: str
    serial: str | None
    not_after: datetime | None


class StoredNumbers(Model):
    """The numbers a device has stored for a role: of updates (CS02b, CS02g), and of its other commands."""

    role: str
    update: Number | None
    other: Number | None


class OwnKey(Model):
    """A key pair of the device: the generation in use, one that waits, and the certificate's serial."""

    usage: str
    in_use: int
    waiting: int | None
    public_key: str
    serial: str | None


class Partner(Model):
    """Whom a device has joined, or for a hub whom it admits."""

    device: str
    type: str | None
    joined: bool
    link_key_hash: str | None


class PendingCommand(Model):
    """A future-dated command that waits in the device."""

    due: datetime
    message_code: str
    originator: str
    counter: Number


class LogLine(Model):
    """A line of the device's security log."""

    at: datetime
    code: str
    reason: str
    text: str


class HanDetail(Model):
    """A virtual device read as tables; the log is oldest first."""

    device: HanDevice
    cells: list[Cell]
    counters: list[StoredNumbers]
    keys: list[OwnKey]
    joined: list[Partner]
    pending: list[PendingCommand]
    log: list[LogLine]


class NewHanDevice(Model):
    """A virtual device to make. ``details`` are elements of the inventory, such as DeviceManufacturer.

    ``install`` puts it into its hub's network at once.
    """

    eui: Eui
    device_type: DeviceTypeName
    hub: Eui | None = None
    install: bool = False
    mpxn: Mpxn | None = None
    details: Annotated[dict[ShortText, ShortText], Field(max_length=32)] = Field(default_factory=dict)


Fraction = Annotated[float, Field(ge=0, le=1)]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9A-Fa-f]{2})+$", max_length=60_000)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{4}$")]


class WayFaults(Model):
    """What is wrong on the way: seconds each way, and fractions of messages lost, doubled, overtaken."""

    reachable: bool = True
    delay: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    lost: Fraction = 0.0
    twice: Fraction = 0.0
    late: Fraction = 0.0


class ClockFault(Model):
    """A clock that is ahead of the network's by so many seconds, and what it says of itself."""

    seconds: Annotated[int, Field(ge=-(2**31), le=2**31)]
    status: Literal["reliable", "invalid", "unreliable"] = "reliable"


class WrongCertificate(Model):
    """An Organisation Certificate (DER in hex) for a cell such as ``networkOperator/digitalSignature``."""

    cell: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z/]+$")]
    certificate: Hex


class NumbersSet(Model):
    """Both stored numbers of a role such as ``networkOperator``."""

    role: Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Za-z]+$")]
    number: Number


class Breakage(Model):
    """What shall be wrong with a virtual device; at least one thing. ``memory`` is an old one to put back (N17)."""

    link: Literal["slow", "unreachable", "lossy"] | None = None
    way: WayFaults | None = None
    power: Literal["off"] | None = None
    tamper: Literal[True] | None = None
    alarm: Code | None = None
    clock: ClockFault | None = None
    certificate: WrongCertificate | None = None
    counters: NumbersSet | None = None
    failing: Annotated[list[Code], Field(min_length=1, max_length=64)] | None = None
    memory: Hex | None = None


class Memory(Model):
    """What a virtual device remembers, in hex: cells, numbers, generations of its keys, network."""

    memory: str


class Whereto(Model):
    """The hub to move to, ``null`` for none in reach; ``band`` 1 is the sub-GHz band of a dual-band hub."""

    hub: Eui | None
    band: Annotated[int, Field(ge=0, le=1)] = 0


PATH_PATTERNS = {"eui": EUI_PATTERN, "request_id": REQUEST_ID_PATTERN, "mpxn": MPXN_PATTERN}
"""What stands in an address, by the name it has there."""

_COMPILED = {name: re.compile(pattern.removesuffix("$")) for name, pattern in PATH_PATTERNS.items()}


def fits(name: str, text: str) -> bool:
    """Whether this text may stand at this place of an address."""
    return _COMPILED[name].fullmatch(text) is not None
