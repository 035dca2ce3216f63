"""What a rule decides: a command to offer or to send, an answer to give, and what a device's reply means."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trustcell import duis
from trustcell.dsp.rules.facts import (
    DeviceRecord,
    DeviceStatus,
    Facts,
    InventoryQuery,
    Occupant,
    Registration,
    Schedule,
)
from trustcell.dsp.rules.recognition import Reported
from trustcell.vocab import CellId, Eui64


class Author(StrEnum):
    """Who originates or signs a command (duis-dsp.md 3)."""

    USER = "user"
    BROKER = "broker"
    TRANSITIONAL_COS = "transitionalCoS"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request with everything its rules may look at; ``now`` is when it is judged.

    ``door`` is the service it was sent to: ``serviceS``, ``serviceT``, ``serviceD``, or empty when the DSP itself asks:
    for a request it held, or (``scheduled``) for a schedule.
    """

    request: duis.Request
    facts: Facts
    broker: Eui64
    transitional_cos: Eui64
    now: datetime
    door: str = ""
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be gathered for a request besides its target, user and request ID.

    ``members`` matter only when the target has no metering point of its own. ``held`` asks for what the DSP holds for
    the target, ``certificates`` for the Key Agreement certificates of other devices, ``placed`` for who is behind
    certificates that are to be put into cells.
    """

    others: tuple[Eui64, ...] = ()
    mpxns: tuple[str, ...] = ()
    query: InventoryQuery | None = None
    members: bool = False
    schedules: bool = False
    held: bool = False
    certificates: tuple[Eui64, ...] = ()
    placed: tuple[Reported, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """A command, all but its Originator Counter.

    ``payload`` makes the payload octets for a counter; it raises nothing. ``originator`` gives the counter: the
    request's own for ``USER``, else one that the ledger chooses for that originator on this device. ``signer`` is
    ``None`` for a zero-length signature. ``supplementary`` names user and request counter in the header.
    ``raise_above_highest`` asks for the rule of SECMP0128A. ``broker_cell`` is the cell whose occupant must be the
    broker's key that signs. ``executes_at`` is when the device acts, if later; ``held_until`` when the DSP sends it.
    """

    message_code: int
    payload: Callable[[int], bytes]
    originator: Author
    signer: Author | None
    supplementary: bool = False
    raise_above_highest: bool = False
    broker_cell: CellId | None = None
    executes_at: datetime | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SlotChange:
    """A Trust Anchor Cell of a device is now known to hold this party's key."""

    cell: CellId
    occupant: Occupant


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """One entry of the inventory afterwards, and why (its history keeps both). ``None`` after: the entry is deleted."""

    eui: Eui64
    after: DeviceRecord | None
    event: str


@dataclass(frozen=True, slots=True)
class DccAlert:
    """An alert of the DCC to a user: a code of the closed list and its element."""

    user: Eui64
    code: str
    alert: Any


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Something a party has to do about a device; ``None`` is the DCC itself. A warning, never a block."""

    party: Eui64 | None
    device: Eui64
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """Firmware to be brought to devices, and who asked for it, by which request (11.1)."""

    user: Eui64
    image: bytes
    version: str
    devices: tuple[Eui64, ...]
    request_id: duis.RequestId | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """What changes in the books. ``learned`` raises the stored Network Operator counter (duis-dsp.md 7.2).

    A schedule that is written gets a due row for its ``next_at`` and loses its former one; ``next_at`` of ``None`` ends
    it. A distribution is kept under a number and gets a due row of its own, at once.

    ``cancels`` are request IDs of held commands that end here, ``notes`` lines for the history of the device.
    ``work_items`` replace what was to be done about the device before; ``None`` leaves that as it is.
    """

    slots: tuple[SlotChange, ...] = ()
    learned: int | None = None
    learned_from: str = ""
    devices: tuple[DeviceChange, ...] = ()
    alerts: tuple[DccAlert, ...] = ()
    registrations: tuple[Registration, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    cancels: tuple[duis.RequestId, ...] = ()
    distribution: Distribution | None = None
    notes: tuple[str, ...] = ()
    work_items: tuple[WorkItem, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the DSP answers by itself (variant 8): ``code`` I0 with ``content``, or I99 without."""

    code: str
    content: Any = None
    effects: Effects = field(default_factory=Effects)


@dataclass(frozen=True, slots=True)
class Reply:
    """A verified device message that answers a command; ``payload`` is its typed value.

    ``facts`` is what the service ``needs`` for the request, gathered when the reply came; ``request`` is there for a
    service that ``needs_request``.
    """

    service_variant: str
    request: duis.Request | None
    device: DeviceRecord
    facts: Facts
    payload: Any
    is_alert: bool
    broker: Eui64
    now: datetime


__all__ = [
    "Answer",
    "Ask",
    "Author",
    "CommandPlan",
    "DccAlert",
    "DeviceChange",
    "DeviceStatus",
    "Distribution",
    "Effects",
    "Needs",
    "Reply",
    "SlotChange",
    "WorkItem",
]
