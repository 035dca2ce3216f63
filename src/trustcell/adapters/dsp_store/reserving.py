"""Claims on request IDs together with counters: both are taken, or neither (duis-dsp.md 7.3, hostile K27)."""

from collections.abc import Sequence

from trustcell.adapters.dsp_store.counters import reserved_for
from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.refusals import request_id_used
from trustcell.adapters.dsp_store.requests import Entry, Requests, Reserved
from trustcell.adapters.dsp_store.rows import eight
from trustcell.adapters.dsp_store.schema import COUNTER_EVENT, FLOOR, ORIGINATOR_COUNTER, SPENT
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.dsp_store.statements import insert, lookup, update
from trustcell.dsp.rules.counters import CounterChoice, choose_counter, milliseconds
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import Reservation
from trustcell.vocab import Refused

_COUNTERS = lookup("t.device, t.originator, t.last_own", (ORIGINATOR_COUNTER.c.device, ORIGINATOR_COUNTER.c.originator))
_HIGHEST = lookup("t.device, t.highest_counter", (FLOOR.c.device,))
_SPENT = lookup("t.device, t.first, t.last", (SPENT.c.device,))
_SET_COUNTER = insert(ORIGINATOR_COUNTER, "ON CONFLICT (device, originator) DO UPDATE SET last_own = excluded.last_own")
_RAISE = update(FLOOR, ("highest_counter", "learned_from", "learned_at"), ("device",))
_SPEND = insert(SPENT)
_ADD_EVENT = insert(COUNTER_EVENT)


def reserve(group: Group, reservations: Sequence[Reservation]) -> list[CounterChoice | Refused]:
    """Choose and write, within the transaction of the group."""
    requests = Requests(group, [each.request_id for each in reservations])
    counters = _Counters(group, reservations)
    outcomes: list[CounterChoice | Refused] = []
    for each in reservations:
        entry = requests.get(each.request_id)
        if (None if entry is None else entry.state) is not each.expected:
            outcomes.append(request_id_used(each.request_id))
            continue
        try:
            choice = counters.choose(each)
        except Refused as refusal:
            outcomes.append(refusal)
            continue
        part = group.home.part(each.device)
        if entry is None:
            variant, command_variant = each.service_variant, each.command_variant
            entry = requests.add(each.request_id, RequestState.RESERVED, part, variant, command_variant)
            entry.received = each.received
        else:
            requests.move(entry, RequestState.RESERVED)
        counters.remember(each, entry)
        requests.reserve(entry, Reserved(each.originator, choice.counter, group.at, choice.reason))
        group.note(part, each.trail, requests.number_of)
        outcomes.append(choice)
    with group.session.together():
        requests.write()
        counters.write()
        group.close()
    return outcomes


class _Counters:
    """The counters of the devices of a group."""

    def __init__(self, group: Group, reservations: Sequence[Reservation]) -> None:
        session = group.session
        keys = sorted({(bytes(each.device), bytes(each.originator)) for each in reservations})
        self._group = group
        self._last_own = {(device, who): own for device, who, own in session.find(_COUNTERS, keys)}
        devices = sorted({(device,) for device, _who in keys})
        self._highest: dict[bytes, int] = dict(session.find(_HIGHEST, devices))
        # Only where a number was stored can one have been raised.
        self._spent: dict[bytes, list[tuple[int, int]]] = {}
        for device, first, last in session.find(_SPENT, [(device,) for device in self._highest]):
            self._spent.setdefault(device, []).append((first, last))
        self._now_ms = milliseconds(group.now)
        self._own: dict[tuple[bytes, bytes], Row] = {}
        self._floors: dict[bytes, Row] = {}
        self._raised: list[Row] = []
        self._events: list[Row] = []

    def choose(self, wanted: Reservation) -> CounterChoice:
        """See ``rules.counters``; raises ``Refused`` and then nothing has changed."""
        device, key = wanted.device, (wanted.device, wanted.originator)
        last_own = max(self._last_own.get(key, 0), self._group.own_floor)
        spent = self._spent.get(device, ())
        choice = choose_counter(
            last_own,
            self._highest.get(device),
            self._now_ms,
            lambda number: any(first <= number <= last for first, last in spent),
            raise_above_highest=wanted.raise_above_highest,
        )
        self._take(wanted, choice)
        return choice

    def _take(self, wanted: Reservation, choice: CounterChoice) -> None:
        group, device = self._group, wanted.device
        part, key = group.home.part(device), (wanted.device, wanted.originator)
        self._last_own[key] = choice.last_own
        self._own[key] = (device, wanted.originator, part, choice.last_own)
        if choice.counter != choice.last_own:
            self._raised.append((device, choice.counter, choice.counter))
            self._spent.setdefault(device, []).append((choice.counter, choice.counter))
        if choice.highest is not None and choice.highest != self._highest.get(device):
            self._highest[device] = choice.highest
            self._floors[device] = (choice.highest, f"raised by {wanted.service_variant}", group.at, device)

    def remember(self, wanted: Reservation, entry: Entry) -> None:
        """Keep the number that this request had before, which its row forgets."""
        before = entry.reservation
        if before is not None:
            group, device = self._group, wanted.device
            who, part = reserved_for(before.originator, wanted.service_variant), group.home.part(device)
            self._events.append((device, group.number(), part, eight(before.counter), who, before.reason, before.at))

    def write(self) -> None:
        """In the order of devices: other workers may meet the same ones."""
        session = self._group.session
        session.write(_SET_COUNTER, [self._own[key] for key in sorted(self._own)])
        session.write(_RAISE, [self._floors[device] for device in sorted(self._floors)])
        session.write(_SPEND, self._raised)
        session.write(_ADD_EVENT, self._events)
