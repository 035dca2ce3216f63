"""What the doors of ``trustcell serve`` need from what is behind them: the DUIS engine, and what an operator may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from trustcell.app.callbacks import CallbackRules
from trustcell.app.han_changes import HanChange, Link
from trustcell.app.metrics import Metrics
from trustcell.app.tokens import TokenBook
from trustcell.dsp.ports import Views
from trustcell.dsp.rules.facts import Registration, UserStatus
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.duis import RequestId, UserRole
from trustcell.vocab import DeviceType, Eui64, WireError

if TYPE_CHECKING:
    from trustcell.app.console import ConsoleDoor

SERVICE_S, SERVICE_T, SERVICE_D = "serviceS", "serviceT", "serviceD"
DUIS_DOORS = (SERVICE_S, SERVICE_T, SERVICE_D)
"""The three web services of DUIS: send command, transform, non-device (dcc-boxed-interface.md 2.1)."""


@dataclass(frozen=True, slots=True)
class DuisAnswer:
    """What came of one request: a signed response, or the error that allows none (checks 1 and 2).

    ``code`` is the response code or the error's code, ``reference`` the id of the audit line of a refusal, which
    a DUIS response has no place for.
    """

    response: bytes | None
    code: str
    reference: str
    error: WireError | None = None


class DuisEngine(Protocol):
    """The DSP behind the three DUIS services."""

    async def submit(self, octets: bytes, door: str) -> DuisAnswer:
        """Judge one body that came to a door of ``DUIS_DOORS``.

        The answer comes when what it acknowledges is durable. ``Unavailable`` when it cannot be had now, with code
        ``storage_full`` when there is no room.
        """
        ...

    def health(self) -> Mapping[str, str]:
        """Each component: ``ok``, or the sentence that says why not. Quick, and never blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change, by the name of the token, and the id that the audit line shall carry."""

    name: str
    reference: str


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A DCC User as the operator sees it; ``callback`` is the URL its responses go to."""

    entity: Eui64
    roles: frozenset[UserRole]
    status: UserStatus = UserStatus.ACTIVE
    callback: str | None = None


@dataclass(frozen=True, slots=True)
class HanDevice:
    """A virtual device: what it is, which hub it hangs on, how it can be reached, how it is.

    ``reachable`` looks at the whole way: region, hub, power, network. ``pending`` commands wait for
    their date.
    """

    eui: Eui64
    device_type: DeviceType
    hub: Eui64 | None = None
    link: Link = Link.REACHABLE
    region: str | None = None
    band: int = 0
    on: bool = True
    reachable: bool = True
    firmware: str = "00000000"
    clock_skew_seconds: int = 0
    pending: int = 0


Row = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class HanDetail:
    """A virtual device with its tables, for people, as ``devices.views`` has them; the log is oldest first."""

    device: HanDevice
    cells: Sequence[Row] = ()
    counters: Sequence[Row] = ()
    keys: Sequence[Row] = ()
    joined: Sequence[Row] = ()
    pending: Sequence[Row] = ()
    log: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A virtual device to make; ``details`` are those of the inventory, by element name.

    ``install`` puts it into its hub's network at once, and the inventory has it as installed, not commissioned.
    """

    eui: Eui64
    device_type: DeviceType
    hub: Eui64 | None = None
    install: bool = False
    mpxn: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HomeEntry:
    """A home, and who holds its lease until when."""

    name: str
    owner: str | None
    until: datetime | None


class Operator(Protocol):
    """What the JSON API may change, besides what it may read from ``dsp.ports.Views``.

    A change that a rule does not allow raises ``Refused`` and changes nothing; each that is made is one audit line with
    the actor's reference. What names something that is not there returns ``None`` or ``False``.
    """

    async def users(self) -> Sequence[UserEntry]:
        """Every user, in order of EUI-64."""
        ...

    async def put_user(self, entry: UserEntry, actor: Actor) -> None:
        """Register a user, or change roles, status and callback of one."""
        ...

    async def remove_user(self, entity: Eui64, actor: Actor) -> bool:
        """Deregister a user; its requests and deliveries stay."""
        ...

    async def register(self, registration: Registration, actor: Actor) -> None:
        """Take in one line of registration data."""
        ...

    async def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """Let a quarantined request go on; where it stands afterwards."""
        ...

    async def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """End a quarantined or held request; where it stands afterwards."""
        ...

    async def han_devices(self, after: Eui64 | None, limit: int) -> Sequence[HanDevice]:
        """Virtual devices in order of EUI-64, a page at a time."""
        ...

    async def han_device(self, eui: Eui64) -> HanDetail | None:
        """A virtual device with its cells, counters and security log."""
        ...

    async def make_device(self, device: NewDevice, actor: Actor) -> HanDevice:
        """Make a virtual device and its entry in the inventory."""
        ...

    async def change_device(self, eui: Eui64, changes: Sequence[HanChange], actor: Actor) -> HanDevice | None:
        """Break a virtual device, or mend it; either all of the changes or, when one is refused, none."""
        ...

    async def take_device_away(self, eui: Eui64, actor: Actor) -> bool:
        """A virtual device is gone; its entry in the inventory stays."""
        ...

    async def device_memory(self, eui: Eui64) -> bytes | None:
        """What a virtual device remembers, to put it back to later."""
        ...

    async def homes(self) -> Sequence[HomeEntry]:
        """Every home of the database."""
        ...


@dataclass(frozen=True, slots=True)
class DuisLimits:
    """Bounds of the DUIS doors. A firmware image of 11.1 comes to serviceD as 14 MB of base64.

    ``rate`` is requests a second of one client address, ``None`` for no bound; ``octets_in_hand`` is what all long
    bodies together may take while they are being read.
    """

    octets: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({SERVICE_S: 1 << 20, SERVICE_T: 1 << 20, SERVICE_D: 16 << 20})
    )
    body_seconds: float = 10.0
    rate: float | None = 10_000.0
    burst: float = 10_000.0
    octets_in_hand: int = 256 << 20


@dataclass(frozen=True, slots=True)
class DuisDoor:
    """What the three DUIS services need. ``ticks`` are seconds that only rise."""

    engine: DuisEngine
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    limits: DuisLimits = DuisLimits()
    metrics: Metrics | None = None
    ticks: Callable[[], float] = perf_counter

    def reference(self) -> str:
        """A new id for a log line and the answer that belongs to it."""
        return new_reference(self.clock(), self.random)


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Bounds of the JSON API: requests a second of one token and of one address, octets and seconds of a body."""

    rate: float = 200.0
    burst: float = 400.0
    octets: int = 64 * 1024
    body_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class ApiDoor:
    """What the JSON API needs; questions to the views run beside the loop, so that they hold up nobody.

    ``console`` makes the door of the pages that stand beside it, if there are any.
    """

    engine: DuisEngine
    views: Views
    operator: Operator
    tokens: TokenBook
    callbacks: CallbackRules
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    limits: ApiLimits = ApiLimits()
    metrics: Metrics | None = None
    ticks: Callable[[], float] = perf_counter
    console: "Callable[[ApiDoor], ConsoleDoor] | None" = None

    def reference(self) -> str:
        """A new id for a log line and the answer that belongs to it."""
        return new_reference(self.clock(), self.random)


def new_reference(now: datetime, random: Callable[[int], bytes]) -> str:
    """Seconds since 1970 and nine random hex digits, as the repository's clients know it (smki.md 5.2)."""
    return f"{int(now.timestamp())}-{random(5).hex()[:9]}"
