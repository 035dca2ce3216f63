"""What a group's works say of counters: numbers learned, used by users, given up (duis-dsp.md 7.2; N9)."""

from collections.abc import Sequence

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.requests import Entry
from trustcell.adapters.dsp_store.rows import eight, plain
from trustcell.adapters.dsp_store.schema import COUNTER_EVENT, FLOOR
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.dsp_store.statements import insert, lookup
from trustcell.dsp.rules.counters import raised
from trustcell.dsp.rules.work import Command, RequestChange, Work
from trustcell.vocab import Eui64

_HIGHEST = lookup("t.device, t.highest_counter", (FLOOR.c.device,))
_LEARN = insert(
    FLOOR,
    "ON CONFLICT (device) DO UPDATE SET highest_counter = excluded.highest_counter, "
    "learned_from = excluded.learned_from, learned_at = excluded.learned_at",
)
_ADD_EVENT = insert(COUNTER_EVENT)


OWN_COUNTER = "the user's own counter, from its request ID"


def reserved_for(originator: bytes, service_variant: str) -> str:
    """Who used a number that the DSP gave out."""
    return f"{Eui64(originator)} for {service_variant}"


class Learning:
    """Stored Network Operator counters, and the counter ledger."""

    def __init__(self, group: Group, works: Sequence[Work]) -> None:
        """Read what is stored for the devices that taught something."""
        self._group = group
        devices = sorted({(work.device,) for work in works if work.effects.learned is not None})
        self._highest: dict[bytes, int] = dict(group.session.find(_HIGHEST, devices))
        self._floors: dict[bytes, Row] = {}
        self._events: list[Row] = []

    def learn(self, work: Work, part: int) -> None:
        """The stored counter only ever grows; a repeat changes nothing and is not told again."""
        learned, device = work.effects.learned, work.device
        if learned is None:
            return
        before = self._highest.get(device)
        after = raised(before, learned)
        if after == before:
            return
        source = plain(work.effects.learned_from)
        self._highest[device] = after
        self._floors[device] = (device, part, after, source, self._group.at)
        key = work.settle.key if work.settle is not None else work.inbound.key if work.inbound is not None else None
        who = "learned by the DSP" if key is None else f"learned by the DSP from {key.originator}"
        self._tell(device, part, learned, who, source)

    def used(self, command: Command, request: Entry | None, part: int) -> None:
        """A command whose number no reservation gave; those of users are told by their rows."""
        key, of = command.key, command.request_id
        if request is None or (key.originator, key.device) != (of.originator, of.target):
            self._tell(key.device, part, key.counter, str(key.originator), "given with the command")

    def abandoned(self, change: RequestChange, entry: Entry, part: int) -> None:
        """The number of a reservation that led to no command."""
        if entry.reservation is not None:
            who = f"{entry.reservation.originator} abandoned {change.service_variant}"
            why = "the number is spent without a command"
            self._tell(change.request_id.target, part, entry.reservation.counter, who, why)

    def _tell(self, device: Eui64, part: int, counter: int, who: str, reason: str) -> None:
        group = self._group
        self._events.append((device, group.number(), part, eight(counter), who, reason, group.at))

    def write(self) -> None:
        """In the order of devices."""
        session = self._group.session
        session.write(_LEARN, [self._floors[device] for device in sorted(self._floors)])
        session.write(_ADD_EVENT, self._events)
