"""What happens when a time has come: silence, expiry, held requests, schedules, firmware (duis-dsp.md 1.6 and 4.3)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trustcell import duis
from trustcell.dsp.ports import Store, Wan
from trustcell.dsp.rules import firmware, lifecycle, recovery, schedules, sequence
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
from trustcell.dsp.service.case import NOBODY, Case, apart, digest_of
from trustcell.dsp.service.parcels import Parcels
from trustcell.dsp.service.southbound import Southbound
from trustcell.vocab import Refused

_ENDS = {
    CommandState.SILENT: (RequestState.SILENT, "E21"),
    CommandState.UNREACHABLE: (RequestState.UNREACHABLE, "E20"),
}


@dataclass(frozen=True, slots=True)
class Timers:
    """Settles what is due. ``is_sent`` tells whether a command has been handed to the WAN yet."""

    store: Store
    southbound: Southbound
    parcels: Parcels
    wan: Wan
    is_sent: Callable[[CommandKey], bool]

    def run(self, now: datetime, limit: int) -> tuple[list[Command], list[CommandKey]]:
        """Settle up to ``limit`` things that are due: new commands to send, and commands that ended in silence."""
        new: list[Command] = []
        ended: list[CommandKey] = []
        cases: list[Case] = []
        for due in self.store.due(now, limit):
            match due.kind:
                case DueKind.RESPONSE_TIMEOUT:
                    given_up, again = self._response_timeout(due, now)
                    ended += given_up
                    cases += again
                case DueKind.ALERT_TIMEOUT:
                    self._alert_timeout(due, now)
                case DueKind.SEND_HELD:
                    cases += self._held(due, now)
                case DueKind.RUN_SCHEDULE:
                    cases += self._scheduled(due, {case.ids for case in cases}, now)
                case DueKind.DISTRIBUTE:
                    self._distribute(due, now)
        while cases:
            group, cases = apart(cases)
            self.southbound.process(group, now)
            new += [each.command for each in group if each.command is not None]
        return new, ended

    def begin(self, commands: Sequence[Command], now: datetime) -> list[Command]:
        """Commands that are about to be sent, as they stand then: who waited behind others has its time from now on.

        A network drops what comes too late, and silence is believed by the same time.
        """
        timeout = self.southbound.policy.response_timeout
        begun = [
            replace(each, not_after=now + timeout) if each.not_after and each.not_after - now < timeout / 2 else each
            for each in commands
        ]
        late = [new for old, new in zip(commands, begun, strict=True) if new is not old]
        if late:
            changes = [CommandChange(each.key, CommandState.OPEN, not_after=each.not_after) for each in late]
            self.store.commit([Work(each.key.device, settle=each) for each in changes], now)
        return begun

    def give_up(self, command: Command, state: CommandState, now: datetime) -> bytes:
        """No answer came, or none can: the user is told; a late answer still teaches. Returns the message to him.

        A recovery has no user: nothing is told and nothing returned.

        ``Refused`` when the command was answered or given up before: its user has heard already.
        """
        request_state, code = _ENDS[state]
        ids, variant = command.request_id, command.service_variant
        has_user = variant != recovery.RECOVERY
        parcels = (self.parcels.outcome(ids, variant, code, now),) if has_user else ()
        change = RequestChange(ids, RequestState.COMMANDED, request_state, variant, 0, code=code)
        entry = TrailEntry(request_state.value, str(ids), {"counter": command.key.counter, "code": code})
        settle = CommandChange(command.key, state)
        work = Work(command.key.device, (change,), settle=settle, parcels=parcels, trail=(entry,))
        self._commit(work, now)
        return parcels[0].octets if parcels else b""

    def _response_timeout(self, due: Due, now: datetime) -> tuple[list[CommandKey], list[Case]]:
        """Commands that ended in silence, and requests that are tried with the broker's next key."""
        key = CommandKey.parse(due.ref)
        command = self.store.commands([key])[0]
        if command is None or command.state is not CommandState.OPEN:
            return [], []
        if self.is_sent(key):
            again = self._with_next_key(command, now)
            if again is None:
                self.give_up(command, CommandState.SILENT, now)
            return [key], [] if again is None else [again]
        # It waits behind another command of its device: its time begins when it is sent.
        later = CommandChange(key, CommandState.OPEN, not_after=now + self.southbound.policy.response_timeout)
        self._commit(Work(key.device, settle=later), now)
        return [], []

    def _with_next_key(self, command: Command, now: datetime) -> Case | None:
        """At first contact nobody knows which of the broker's keys a device was made with: try the next one (4.3)."""
        builder = self.southbound.builder
        if command.key.originator != builder.broker.entity or len(builder.broker.agreement_key_ids) < 2:
            return None
        (facts,) = self.store.facts([(command.request_id, command.key.device, Needs())])
        candidates = builder.candidates(facts.slots)
        tried = self.store.tried(command.request_id)
        if tried >= len(candidates) or facts.known is None or facts.known.state is not RequestState.COMMANDED:
            return None
        entry = TrailEntry("search", str(command.request_id), {"keys_tried": tried, "keys": len(candidates)})
        settle = CommandChange(command.key, CommandState.SILENT)
        self._commit(Work(command.key.device, settle=settle, trail=(entry,)), now)
        known = facts.known
        request = duis.parse_request(known.received).request
        authentic = Authentic(request, known.received, digest_of(known.received))
        return Case(0, authentic, "", schedule=command.schedule, attempt=tried)

    def _alert_timeout(self, due: Due, now: datetime) -> None:
        command = self.store.commands([CommandKey.parse(due.ref)])[0]
        if command is None or not command.alert_pending or command.state is not CommandState.ANSWERED:
            self._forget(due, now)
            return
        ids, variant = command.request_id, command.service_variant
        parcel = self.parcels.outcome(ids, variant, "E30", now)
        known = self.store.request(ids)
        changes: tuple[RequestChange, ...] = ()
        if known is not None and lifecycle.may_follow(known.state, RequestState.EXPIRED):
            changes = (
                RequestChange(ids, known.state, RequestState.EXPIRED, variant, known.command_variant, code="E30"),
            )
        entry = TrailEntry("expired", str(ids), {"counter": command.key.counter, "code": "E30"})
        settle = CommandChange(command.key, CommandState.ANSWERED, alert_pending=False)
        work = Work(command.key.device, changes, settle=settle, parcels=(parcel,), done=(due,), trail=(entry,))
        self._commit(work, now)

    def _held(self, due: Due, now: datetime) -> list[Case]:
        known = self.store.request(duis.RequestId.parse(due.ref))
        if known is None or known.state is not RequestState.HELD:
            self._forget(due, now)
            return []
        request = duis.parse_request(known.received).request
        if known.offered is not None:
            request = duis.signed_pre_command(request, known.offered)
        if self._is_early(request, due, now):
            return []
        authentic = Authentic(request, known.received, digest_of(known.received))
        return [Case(0, authentic, "", done=(due,))]

    def _is_early(self, request: duis.Request, due: Due, now: datetime) -> bool:
        """A request behind another is looked at again later; behind one that failed it goes on, to be refused."""
        preceding = request.preceding_service_request_id
        if preceding is None:
            return False
        try:
            if sequence.turn(preceding, self.store.request(preceding)) is sequence.Turn.NOW:
                return False
        except Refused:
            return False
        later = replace(due, at=now + self.southbound.policy.sequence_pause)
        self._commit(Work(NOBODY, due=(later,), done=(due,)), now)
        return True

    def _scheduled(self, due: Due, taken: Collection[duis.RequestId], now: datetime) -> list[Case]:
        """One run of a schedule; the next is due before this one is tried, so that no failure ends a schedule."""
        schedule = self.store.schedule(int(due.ref))
        if schedule is None or schedule.next_at != due.at:
            self._forget(due, now)
            return []
        moved = Effects(schedules=(replace(schedule, next_at=schedules.following(schedule)),))
        self._commit(Work(schedule.device, effects=moved, done=(due,)), now)
        counter = milliseconds(due.at)
        ids = duis.RequestId(schedule.user, schedule.device, counter)
        while ids in taken or self.store.request(ids) is not None:  # another schedule is due at the same time
            counter += 1
            ids = replace(ids, counter=counter)
        request = schedules.request_of(schedule, counter)
        octets = duis.build_request(request)
        return [Case(0, Authentic(request, octets, digest_of(octets)), "", schedule=schedule.number)]

    def _distribute(self, due: Due, now: datetime) -> None:
        """Firmware goes to its devices; who asked for it hears which of them it did not reach (N22, assumed)."""
        distribution = self.store.distribution(int(due.ref))
        if distribution is None:
            self._forget(due, now)
            return
        image, devices = distribution.image, distribution.devices
        reached = self.wan.distribute(image, distribution.version, devices, now)
        missed = tuple(device for device, got in zip(devices, reached, strict=True) if not got)
        effects = firmware.distributed(distribution, missed, now)
        entry = TrailEntry("distribution", due.ref, {"devices": len(devices), "missed": [str(each) for each in missed]})
        parcels = self.parcels.alerts(effects, now)
        self._commit(Work(NOBODY, effects=effects, parcels=parcels, done=(due,), trail=(entry,)), now)

    def _forget(self, due: Due, now: datetime) -> None:
        self._commit(Work(NOBODY, done=(due,)), now)

    def _commit(self, work: Work, now: datetime) -> None:
        for refusal in self.store.commit([work], now):
            if refusal is not None:
                raise refusal
