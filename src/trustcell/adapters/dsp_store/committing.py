"""Works of a group: each is judged against what stands, then all that stand are written, a statement for each table."""

from collections.abc import Sequence

from trustcell.adapters.dsp_store.counters import Learning
from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.inventory import Inventory
from trustcell.adapters.dsp_store.outbox import Outbox
from trustcell.adapters.dsp_store.refusals import counter_used, request_id_used
from trustcell.adapters.dsp_store.requests import Entry, Requests
from trustcell.adapters.dsp_store.rows import eight
from trustcell.adapters.dsp_store.schema import DELIVERY, DELIVERY_OCTETS, DUE, INBOUND
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.dsp_store.slots import Slots
from trustcell.adapters.dsp_store.statements import delete, insert
from trustcell.adapters.store.values import micros
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import DeliveryState, DueKind, Work
from trustcell.duis import RequestId
from trustcell.vocab import Refused

_ADD_INBOUND = insert(INBOUND)
_ADD_DELIVERY = insert(DELIVERY)
_ADD_DELIVERY_OCTETS = insert(DELIVERY_OCTETS)
_ADD_DUE = insert(DUE, "ON CONFLICT DO NOTHING")
_END_DUE = delete(DUE, ("home", "at", "kind", "ref"))
_FORGET_DUE = "DELETE FROM due WHERE kind = ? AND ref = ? AND home = ?"


def commit(group: Group, works: Sequence[Work]) -> list[Refused | None]:
    """Judge and write, within the transaction of the group."""
    return _Commit(group, works).run()


class _Commit:
    def __init__(self, group: Group, works: Sequence[Work]) -> None:
        self._group, self._works = group, works
        self._requests = Requests(group, [each for work in works for each in _ids(work)])
        self._outbox = Outbox(group, works)
        self._slots = Slots(group, works)
        self._learning = Learning(group, works)
        self._inventory = Inventory(group, works)
        self._first: Entry | None = None
        self._inbound: list[Row] = []
        self._deliveries: list[Row] = []
        self._delivery_octets: list[Row] = []
        self._due: list[Row] = []
        self._done: list[Row] = []
        self._ended: list[tuple[DueKind, str]] = []

    def run(self) -> list[Refused | None]:
        """Refused ones leave nothing, a repeated one changes nothing."""
        outcomes: list[Refused | None] = []
        for work in self._works:
            if work.command is not None and self._outbox.stands(work.command):
                outcomes.append(None)
                continue
            entries = [self._requests.get(change.request_id) for change in work.requests]
            refusal = self._refusal(work, entries)
            if refusal is None:
                self._take(work, entries)
            outcomes.append(refusal)
        with self._group.session.together():
            self._write()
        return outcomes

    def _refusal(self, work: Work, entries: list[Entry | None]) -> Refused | None:
        for place, (change, entry) in enumerate(zip(work.requests, entries, strict=True)):
            stands = None if entry is None else entry.state
            for earlier in work.requests[:place]:
                if earlier.request_id == change.request_id:
                    stands = earlier.state
            if stands is not change.expected:
                return request_id_used(change.request_id)
        if work.command is not None and self._outbox.taken(work.command.key):
            return counter_used(work.command.key)
        return self._inventory.refusal(work)

    def _take(self, work: Work, entries: list[Entry | None]) -> None:
        group, effects = self._group, work.effects
        part = group.home.part(work.device)
        reserved = any(entry is not None and entry.state is RequestState.RESERVED for entry in entries)
        self._move(work, entries, part)
        if work.command is not None:
            entry = self._named(work, work.command.request_id)
            self._outbox.add(work.command, None if entry is None else entry.number, part)
            if not reserved:
                self._learning.used(work.command, entry, part)
        if work.settle is not None:
            self._outbox.settle(work.settle)
        if work.inbound is not None:
            seen = work.inbound
            number = None if seen.key is None else self._outbox.number(seen.key)
            where = part if seen.device is None else group.home.part(seen.device)
            self._inbound.append(
                (group.number(), group.home.ordinal, where, seen.device, seen.octets, seen.verdict, number, group.at)
            )
        self._slots.learn(work, part)
        self._learning.learn(work, part)
        self._inventory.change(work)
        for cancelled in effects.cancels:
            held = self._requests.get(cancelled)
            if held is not None and held.state is RequestState.HELD:
                self._requests.move(held, RequestState.CANCELLED)
                self._ended.append((DueKind.SEND_HELD, str(cancelled)))
        self._send(work, part)
        home = group.home.ordinal
        self._due += [(home, micros(each.at), each.kind.value, each.ref, part) for each in work.due]
        self._done += [(home, micros(each.at), each.kind.value, each.ref) for each in work.done]
        self._planned(work, part)
        group.note(part, work.trail, self._requests.number_of)

    def _named(self, work: Work, request_id: RequestId) -> Entry | None:
        """The request under an ID, nearly always the first that the work moves."""
        if self._first is not None and work.requests[0].request_id is request_id:
            return self._first
        return self._requests.get(request_id)

    def _move(self, work: Work, entries: list[Entry | None], part: int) -> None:
        self._first = None
        for change, known in zip(work.requests, entries, strict=True):
            entry = known or self._requests.get(change.request_id)
            if entry is None:
                variant, command_variant = change.service_variant, change.command_variant
                entry = self._requests.add(change.request_id, change.state, part, variant, command_variant)
            elif entry.state is RequestState.RESERVED and change.state is RequestState.ABANDONED:
                self._learning.abandoned(change, entry, part)
            self._first = self._first or entry
            self._requests.move(entry, change.state, change.code)
            if change.executes_at is not None:
                entry.executes_at = micros(change.executes_at)
            if change.received is not None:
                entry.received = change.received
            if change.offered is not None:
                entry.offered = change.offered

    def _planned(self, work: Work, part: int) -> None:
        """Due rows that follow from effects: the next run of a schedule, a distribution at once."""
        home = self._group.home.ordinal
        for schedule in work.effects.schedules:
            ref = str(schedule.number)
            self._ended.append((DueKind.RUN_SCHEDULE, ref))
            self._due = [each for each in self._due if each[2:4] != (DueKind.RUN_SCHEDULE.value, ref)]
            if schedule.next_at is not None:
                self._due.append((home, micros(schedule.next_at), DueKind.RUN_SCHEDULE.value, ref, part))
        if work.effects.distribution is not None:
            number = self._inventory.distribute(work.effects.distribution, part)
            self._due.append((home, self._group.at, DueKind.DISTRIBUTE.value, str(number), part))

    def _send(self, work: Work, part: int) -> None:
        group, home = self._group, self._group.home.ordinal
        for parcel in work.parcels:
            of, number = parcel.request_id, group.number()
            entry = None if of is None else self._named(work, of)
            names = (None, None, None) if of is None else (of.originator, of.target, eight(of.counter))
            next_at = group.at if parcel.not_before is None else micros(parcel.not_before)
            self._deliveries.append(
                (number, home, part, parcel.user, None if entry is None else entry.number, *names, int(parcel.final), 0,
                 next_at, DeliveryState.WAITING.value, "", group.at)
            )  # fmt: skip
            self._delivery_octets.append((number, parcel.octets))

    def _write(self) -> None:
        session = self._group.session
        self._requests.write()
        self._outbox.write()
        session.write(_ADD_INBOUND, self._inbound)
        self._learning.write()
        self._slots.write()
        self._inventory.write()
        session.write(_ADD_DELIVERY, self._deliveries)
        session.write(_ADD_DELIVERY_OCTETS, self._delivery_octets)
        for kind, ref in self._ended:
            session.run(_FORGET_DUE, (kind.value, ref, self._group.home.ordinal))
        # A work may end what is due and set the same again: what a work sets stands.
        session.write(_END_DUE, self._done)
        session.write(_ADD_DUE, self._due)
        self._group.close()


def _ids(work: Work) -> list[RequestId]:
    ids = [change.request_id for change in work.requests]
    named = [parcel.request_id for parcel in work.parcels]
    if work.command is not None:
        named.append(work.command.request_id)
    ids += [each for each in named if each is not None and not (ids and each is ids[0])]
    return [*ids, *work.effects.cancels]
