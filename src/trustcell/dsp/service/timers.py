"""What happens when a time has come: silence, expiry, held requests, schedules, firmware (duis-dsp.md 1.6 and 4.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trustcell import duis
from trustcell.dsp.ports import Store, Wan
from trustcell.dsp.rules import schedules
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import milliseconds
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Effects, Needs
from trustcell.dsp.rules.work import (
    Command,
    CommandChange,
    CommandState,
    Due,
    DueKind,
    RequestChange,
    TrailEntry,
    Work,
)
from trustcell.dsp.service.authentication import Authentic
from trustcell.dsp.service.case import Case, apart, digest_of
from trustcell.dsp.service.parcels import Parcels
from trustcell.dsp.service.southbound import Southbound

_SILENT = {
    CommandState.SILENT: (RequestState.SILENT, "E21"),
    CommandState.UNREACHABLE: (RequestState.UNREACHABLE, "E20"),
}


@dataclass(frozen=True, slots=True)
class Timers:
    """Settles what is due. ``is_sent`` tells whether a command has been handed to the WAN yet."""

    store: Store
    southbound: Southbound
    parcels: Parcels
    is_sent: Callable[[CommandKey], bool]

    def run(self, now: datetime, limit: int) -> tuple[list[Command], list[CommandKey]]:
        """Settle up to ``limit`` things that are due: new commands to send, and commands that ended in silence."""
        new: list[Command] = []
        ended: list[CommandKey] = []
        held: list[Case] = []
        for due in self.store.due(now, limit):
            match due.kind:
                case DueKind.RESPONSE_TIMEOUT:
                    ended += self._response_timeout(due, now)
                case DueKind.ALERT_TIMEOUT:
                    self._alert_timeout(due, now)
                case DueKind.SEND_HELD:
                    held += self._held(due, now)
                case DueKind.RUN_SCHEDULE:
                    held += self._scheduled(due, now)
                case _:
                    self._settle(due, now)
        while held:
            group, held = apart(held)
            self.southbound.process(group, now)
            new += [case.command for case in group if case.command is not None]
        return new, ended

    def give_up(self, command: Command, state: CommandState, now: datetime, done: tuple[Due, ...] = ()) -> bytes:
        """No answer came, or none can: the user is told; a late answer still teaches. Returns the message to him."""
        request_state, code = _SILENT[state]
        parcel = self.parcels.outcome(command.request_id, command.service_variant, code, now)
        change = RequestChange(
            command.request_id, RequestState.COMMANDED, request_state, command.service_variant, 0, code=code
        )
        entry = TrailEntry(request_state.value, str(command.request_id), {"counter": command.key.counter, "code": code})
        work = Work(
            command.key.device,
            (change,),
            settle=CommandChange(command.key, state),
            parcels=(parcel,),
            done=done,
            trail=(entry,),
        )
        for refusal in self.store.commit([work], now):
            if refusal is not None:
                raise refusal
        return parcel.octets

    def _response_timeout(self, due: Due, now: datetime) -> list[CommandKey]:
        key = CommandKey.parse(due.ref)
        command = self.store.commands([key])[0]
        if command is None or command.state is not CommandState.OPEN:
            self._settle(due, now)
            return []
        if not self.is_sent(key):
            # It waits behind another command of its device: its time begins when it is sent.
            self._settle(due, now, replace(due, at=now + self.southbound.policy.response_timeout))
            return []
        self.give_up(command, CommandState.SILENT, now, (due,))
        return [key]

    def _alert_timeout(self, due: Due, now: datetime) -> None:
        command = self.store.commands([CommandKey.parse(due.ref)])[0]
        if command is None or not command.alert_pending or command.state is not CommandState.ANSWERED:
            self._settle(due, now)
            return
        ids, variant = command.request_id, command.service_variant
        parcel = self.parcels.outcome(ids, variant, "E30", now, final=False)
        entry = TrailEntry("expired", str(ids), {"counter": command.key.counter, "code": "E30"})
        settle = CommandChange(command.key, CommandState.ANSWERED, alert_pending=False)
        self.store.commit(
            [Work(command.key.device, settle=settle, parcels=(parcel,), done=(due,), trail=(entry,))], now
        )

    def _held(self, due: Due, now: datetime) -> list[Case]:
        ids = duis.RequestId.parse(due.ref)
        known = self.store.request(ids)
        if known is None or known.state is not RequestState.HELD:
            self._settle(due, now)
            return []
        return [self._case(known.received, (due,))]

    def _scheduled(self, due: Due, now: datetime) -> list[Case]:
        schedule = self.store.schedule(int(due.ref))
        if schedule is None or schedule.next_at is None:
            self._settle(due, now)
            return []
        following = schedules.following(schedule)
        again = (Due(following, DueKind.RUN_SCHEDULE, due.ref),) if following is not None else ()
        ids = duis.RequestId(schedule.user, schedule.device, milliseconds(due.at))
        request = schedules.request_of(schedule, ids)
        moved = Effects(schedules=(replace(schedule, next_at=following),))
        self.store.commit([Work(schedule.device, effects=moved, due=again, done=(due,))], now)
        octets = duis.build_request(request)
        case = Case(0, Authentic(request, octets, digest_of(octets)), "", schedule=schedule.number)
        return [case]

    def _case(self, received: bytes, done: tuple[Due, ...]) -> Case:
        request = duis.parse_request(received).request
        return Case(0, Authentic(request, received, digest_of(received)), "", done=done)

    def _settle(self, due: Due, now: datetime, again: Due | None = None) -> None:
        device = CommandKey.parse(due.ref).device if due.ref.count(":") == 2 else None
        from trustcell.dsp.service.case import NOBODY

        self.store.commit([Work(device or NOBODY, due=(again,) if again else (), done=(due,))], now)


__all__ = ["Needs", "Sequence", "Timers", "Wan"]
