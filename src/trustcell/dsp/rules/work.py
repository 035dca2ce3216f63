"""What one event changes, as values: the store writes a whole ``Work`` in one transaction, or nothing of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.facts import DeviceStatus
from trustcell.dsp.rules.lifecycle import LEGAL, RequestState
from trustcell.dsp.rules.plan import Effects
from trustcell.duis import RequestId
from trustcell.vocab import Eui64


class CommandState(StrEnum):
    """Where a command in the outbox stands; ``OPEN`` ones are sent, again after a restart, one at a time per device."""

    OPEN = "open"
    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Command:
    """A protected command in the outbox, and where its answer goes.

    ``number`` orders the commands of a home and is given by the store. ``alert_pending`` is true for one the device
    executes later and reports by alert. ``not_after`` is when silence is believed: an open command is its own timer.
    """

    key: CommandKey
    message_code: int
    request_id: RequestId
    service_variant: str
    octets: bytes
    state: CommandState = CommandState.OPEN
    number: int = 0
    alert_pending: bool = False
    schedule: int | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestChange:
    """A request moves on; ``expected`` is where it must stand, ``None`` for an ID nobody used.

    ``received``, ``offered`` and ``executes_at`` (when the device acts, if later) are kept when given. The store
    refuses with ``request_id_used`` when it stands elsewhere.
    """

    request_id: RequestId
    expected: RequestState | None
    state: RequestState
    service_variant: str
    command_variant: int
    received: bytes | None = None
    offered: bytes | None = None
    executes_at: datetime | None = None
    code: str = ""

    def __post_init__(self) -> None:
        """A move that no event leads through cannot be asked for; raises ``ValueError``."""
        if (self.expected, self.state) not in LEGAL:
            raise ValueError(f"a request that is {self.expected or 'unknown'} cannot become {self.state}")


@dataclass(frozen=True, slots=True)
class CommandChange:
    """A command of the outbox moves on; nothing happens to the rest of the work when it stands elsewhere already."""

    key: CommandKey
    state: CommandState
    alert_pending: bool | None = None
    not_after: datetime | None = None


class DueKind(StrEnum):
    """What is to be done at a time: no timer in memory decides anything (scale.md 3).

    ``RESPONSE_TIMEOUT`` needs no row: the store gives it for each open command whose ``not_after`` has passed, with the
    text of its key as ``ref``. The others are rows.
    """

    RESPONSE_TIMEOUT = "response_timeout"
    ALERT_TIMEOUT = "alert_timeout"
    SEND_HELD = "send_held"
    RUN_SCHEDULE = "run_schedule"
    DISTRIBUTE = "distribute"
    REASSEMBLY = "reassembly"


@dataclass(frozen=True, slots=True)
class Due:
    """Something to do at ``at``; ``ref`` names it: a command key, a request ID, a number, as text."""

    at: datetime
    kind: DueKind
    ref: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A signed message for a user. ``final`` moves the request to ``delivered`` when it was taken.

    ``not_before`` leaves the user time to read the acknowledgement first (dcc-boxed-interface.md 3).
    """

    user: Eui64
    octets: bytes
    request_id: RequestId | None = None
    final: bool = False
    not_before: datetime | None = None


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel as the store keeps it: its number never changes, nor do its octets, so a receiver can tell a repeat."""

    number: int
    user: Eui64
    octets: bytes
    request_id: RequestId | None
    final: bool
    attempts: int
    next_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    last: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A device message as it came, and the verdict on it; ``key`` is the command it answers, if any."""

    device: Eui64 | None
    octets: bytes
    verdict: str
    key: CommandKey | None = None


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One line of the Service Audit Trail: about a request ID or a device, with plain facts (no octets, no secrets).

    ``reference`` is the short id that a refusal gives to its sender as well.
    """

    kind: str
    subject: str
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything one event changes. ``device`` is whose effects they are and decides the partition.

    The order of writing is that of the fields. ``effects.learned`` and ``effects.slots`` belong to ``device``;
    slots follow only a command that is ``newer`` than what taught them (``taught_by`` is that command's number).
    """

    device: Eui64
    requests: tuple[RequestChange, ...] = ()
    command: Command | None = None
    settle: CommandChange | None = None
    inbound: Inbound | None = None
    effects: Effects = field(default_factory=Effects)
    taught_by: int | None = None
    parcels: tuple[Parcel, ...] = ()
    due: tuple[Due, ...] = ()
    done: tuple[Due, ...] = ()
    trail: tuple[TrailEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Reservation:
    """A claim on a request ID and on the next counter of an originator (broker or CoS party) for a device.

    ``expected`` is where the request must stand. ``trail`` is written with the counter.
    """

    request_id: RequestId
    expected: RequestState | None
    originator: Eui64
    device: Eui64
    service_variant: str
    command_variant: int
    received: bytes
    raise_above_highest: bool
    trail: tuple[TrailEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class CounterEvent:
    """One line of the counter ledger of a device: who used or taught which number, and why (N9)."""

    at: datetime
    device: Eui64
    counter: int
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One line of a device's history in the inventory."""

    at: datetime
    device: Eui64
    event: str
    before: DeviceStatus | None
    after: DeviceStatus | None
