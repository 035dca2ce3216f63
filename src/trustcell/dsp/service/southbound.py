"""Southbound: signed requests to answers and commands, a group at a time (duis-dsp.md 4.1 and 7.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trustcell import duis, gbcs
from trustcell.dsp.ports import Directory, Store
from trustcell.dsp.rules import anomaly, dcc_alerts, lifecycle, sequence
from trustcell.dsp.rules.access import CHECKS
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.facts import Facts, Placed, UserStatus
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Answer, Author, CommandPlan, Effects
from trustcell.dsp.rules.recognition import Reported
from trustcell.dsp.rules.services import SERVICES
from trustcell.dsp.rules.work import Command, Due, DueKind, RequestChange, Reservation, TrailEntry, Work
from trustcell.dsp.service.answers import Submission
from trustcell.dsp.service.authentication import authenticate
from trustcell.dsp.service.building import Builder
from trustcell.dsp.service.case import NOBODY, Case, apart, digest_of, reference, refused
from trustcell.dsp.service.parcels import Parcels
from trustcell.dsp.service.policy import Policy
from trustcell.vocab import DeviceType, Eui64, Refused, WireError

_TRANSFORM = 4
_RESERVED = RequestState.RESERVED


@dataclass(frozen=True, slots=True)
class Southbound:
    """Requests to commands over the ports."""

    store: Store
    directory: Directory
    builder: Builder
    parcels: Parcels
    policy: Policy
    schema: duis.Schema | None

    def submit(self, items: Sequence[tuple[bytes, str]], now: datetime) -> list[Submission]:
        """Answer requests as (octets, door), each by itself.

        ``Unavailable`` when store or keys are out of reach: then nothing was acknowledged, and what was begun is
        finished by ``resume``.
        """
        submissions: dict[int, Submission] = {}
        waiting: list[Case] = []
        for index, (octets, door) in enumerate(items):
            try:
                waiting.append(Case(index, authenticate(octets, self.directory, self.schema), door))
            except WireError as error:
                submissions[index] = self._unreadable(octets, door, error, now)
        while waiting:
            group, waiting = apart(waiting)
            self.process(group, now)
            submissions.update((case.index, self._submission(case, now)) for case in group)
        return [submissions[index] for index in range(len(items))]

    def process(self, cases: Sequence[Case], now: datetime) -> None:
        """Judge a group whose members are apart, take numbers, build, and write all of it in one transaction.

        Those that would write over an entry that another of the group changes are judged again after it.
        """
        waiting = list(cases)
        while waiting:
            waiting = self._process(waiting, now)

    def _process(self, waiting: Sequence[Case], now: datetime) -> list[Case]:
        self.gather(waiting)
        cases, again = [], []
        changed: set[Eui64] = set()
        for case in waiting:
            try:
                self._judge(case, now)
            except Refused as found:
                case.refusal = found
            changes = set() if case.work is None else {each.eui for each in case.work.effects.devices}
            if changed.isdisjoint(changes):
                changed |= changes
                cases.append(case)
            else:
                case.work = None
                again.append(case)
        reserving = [case for case in cases if case.refusal is None and case.work is None]
        if reserving:
            choices = self.store.reserve([self._reservation(case) for case in reserving], now)
            for case, choice in zip(reserving, choices, strict=True):
                self._numbered(case, choice, now)
        self.write(cases, now)
        return again

    def gather(self, cases: Sequence[Case]) -> None:
        """Facts for every case, in one reading transaction."""
        needs = [case.needs for case in cases]
        asks = [(case.ids, case.device, need) for case, need in zip(cases, needs, strict=True)]
        directory = self.directory
        for case, need, facts in zip(cases, needs, self.store.facts(asks), strict=True):
            found = {other: directory.agreement_certificate(other) for other in need.certificates}
            certificates = {other: der for other, der in found.items() if der is not None}
            placed = self._placed(need.placed, facts) if need.placed and self.policy.place_users_only else {}
            user = directory.user(case.ids.originator)
            case.facts = replace(facts, user=user, certificates=certificates, placed=placed)

    def _placed(self, wanted: Sequence[Reported], facts: Facts) -> dict[Reported, Placed]:
        device_type = facts.device.device_type if facts.device is not None else DeviceType.GPF
        repository = self.directory.reference(device_type).repository
        users = {each.entity: self.directory.user(each.entity) for each in wanted}
        return {
            each: Placed(
                (user := users[each.entity]) is not None and user.status is UserStatus.ACTIVE, each in repository
            )
            for each in wanted
        }

    def write(self, cases: Sequence[Case], now: datetime) -> None:
        """Commit what each case changes; what was refused is a line of the trail and nothing else."""
        works = []
        for case in cases:
            if case.work is None:
                case.work = self._refusal(case, now)
            works.append(replace(case.work, done=case.done) if case.done else case.work)
        for case, refusal in zip(cases, self.store.commit(works, now), strict=True):
            if refusal is not None:
                reserved = case.work is not None and any(each.expected is _RESERVED for each in case.work.requests)
                case.refusal, case.command = refusal, None
                if reserved:  # or a restart would build what its sender was refused
                    self.abandon(case, now)
                else:
                    case.work = self._refusal(case, now)
                assert case.work is not None
                self.store.commit([replace(case.work, done=case.done)], now)

    def build(self, case: Case, counter: int, reason: str, now: datetime) -> None:
        """The command of a reserved case under its number; ``Refused`` if none can be built any more."""
        plan = case.plan
        assert plan is not None
        message, sealed = self.builder.command(plan, case.ids, counter, case.record, case.facts.slots, case.attempt)
        self._command(case, message, sealed, plan.executes_at, _RESERVED, now, reason)

    def abandon(self, case: Case, now: datetime) -> None:
        """Give a reservation up: ID and number stay used. Who was told I99 before is told what came of it."""
        code = case.refused_code
        change = case.change(RequestState.ABANDONED, _RESERVED, code=code)
        parcels = () if case.door else (self.parcels.outcome(case.ids, case.variant, code, now),)
        case.work = Work(case.device, (change,), parcels=parcels, trail=(case.refused(now),))

    # ---- one request ----

    def _judge(self, case: Case, now: datetime) -> None:
        """Checks 3 to 17 in their order; the first that finds something ends it."""
        request, authentic, builder = case.request, case.authentic, self.builder
        if authentic.refused is not None:
            case.failed = authentic.failed
            case.passed.extend(check.number for check in CHECKS if check.number < authentic.failed)
            raise authentic.refused
        ask = case.ask(builder.broker.entity, builder.transitional_cos.entity, now)
        for check in CHECKS:
            if check.applies(ask):
                found = list(check.rule(ask))
                if found:
                    case.failed = check.number
                    raise Refused(found)
                case.passed.append(check.number)
        if isinstance(request.body, duis.SignedPreCommand):
            self._complete(case, request.body, now)
            return
        plan = SERVICES[case.variant].plan(ask)
        if isinstance(plan, Answer):
            self._answer(case, plan, now)
        elif request.command_variant == _TRANSFORM:
            self._offer(case, plan)
        elif case.door and plan.held_until is not None and plan.held_until > now:
            self._hold(case, plan.held_until)
        else:
            self._prepare(case, plan, now)

    def _answer(self, case: Case, answer: Answer, now: datetime) -> None:
        case.code, case.content = answer.code, answer.content
        effects = answer.effects
        case.work = Work(
            case.device,
            (case.change(RequestState.ANSWERED, None, received=case.authentic.octets, code=answer.code),),
            effects=effects,
            parcels=self.parcels.alerts(effects, now),
            trail=(case.accepted(answer.code),),
        )

    def _offer(self, case: Case, plan: CommandPlan) -> None:
        """The pre-command; asked for again before it came back signed, the same one is offered again."""
        known = case.facts.known
        offered = self.builder.pre_command(plan, case.ids)
        case.code, case.content = "I0", duis.PreCommand(case.record.gbcs_version, offered)
        changes: tuple[RequestChange, ...] = ()
        if known is None:
            received = case.authentic.octets
            change = case.change(
                RequestState.TRANSFORMED, None, received=received, offered=offered, executes_at=plan.executes_at
            )
            changes = (change,)
        elif known.offered != offered:
            raise refused(
                "request_id_used",
                "Header.RequestID",
                "another request was transformed under this request ID",
                "use a request ID that was never used",
            )
        case.work = Work(case.device, changes, trail=(case.accepted("I0"),))

    def _complete(self, case: Case, body: duis.SignedPreCommand, now: datetime) -> None:
        known = case.facts.known
        assert known is not None
        assert known.offered is not None
        if case.door:
            message, sealed = self.builder.completed(known.offered, body.gbcs_payload, case.record, case.facts)
            if self._is_too_much(case, now, offered=body.gbcs_payload):
                return
            sequence.require_same(case.request, known)
            if self._is_early(case, now, offered=body.gbcs_payload):
                return
        else:  # released, or its turn has come: what is offered by then is what was signed
            self._is_early(case, now)
            message, sealed = self.builder.sealed(known.offered, case.record, case.facts.slots)
        self._command(case, message, sealed, known.executes_at, known.state, now)

    def _hold(self, case: Case, until: datetime) -> None:
        case.code = "I99"
        change = case.change(RequestState.HELD, None, received=case.authentic.octets, executes_at=until, code="I99")
        due = Due(until, DueKind.SEND_HELD, str(case.ids))
        case.work = Work(case.device, (change,), due=(due,), trail=(case.accepted("I99", held_until=str(until)),))

    def _prepare(self, case: Case, plan: CommandPlan, now: datetime) -> None:
        """A command of variant 1: at once when the user originates it, else a number has to be taken first."""
        self.builder.require_keys(plan, case.record, case.facts.slots)
        if case.door and self._is_too_much(case, now, received=case.authentic.octets):
            return
        if self._is_early(case, now, received=case.authentic.octets):
            return
        if not self.policy.track_counters:
            plan = replace(plan, raise_above_highest=False)
        case.plan = plan
        if plan.originator is Author.USER:
            counter = case.ids.counter
            message, sealed = self.builder.command(plan, case.ids, counter, case.record, case.facts.slots)
            self._command(case, message, sealed, plan.executes_at, case.expected, now)

    def _is_too_much(self, case: Case, now: datetime, **kept: bytes) -> bool:
        """Check 18: whether the request breaks a threshold; it is accepted then, held back, and its user is told."""
        user, counts = case.ids.originator, {}
        for threshold in anomaly.to_count(self.policy.thresholds, user, case.variant):
            counts[threshold] = self.store.accepted(user, threshold.service_variant, now - threshold.window)
        broken = anomaly.exceeded(counts)
        if broken is None:
            return False
        case.code = "I99"
        alert = dcc_alerts.quarantined(case.ids, int(case.authentic.digest[:7], 16), by_user=broken.by_user)
        case.work = Work(
            case.device,
            (case.change(RequestState.QUARANTINED, case.expected, code="I99", **kept),),
            parcels=self.parcels.alerts(Effects(alerts=(alert,)), now),
            trail=(case.accepted("I99", quarantined=f"more than {broken.most} in {broken.window}"),),
        )
        return True

    def _is_early(self, case: Case, now: datetime, **kept: bytes) -> bool:
        """Whether the request has to wait for the one it names as preceding; it is accepted and held then."""
        preceding = case.request.preceding_service_request_id
        if preceding is None or sequence.turn(preceding, self.store.request(preceding)) is sequence.Turn.NOW:
            return False
        if not case.door:  # the timer has looked
            return False
        case.code = "I99"
        due = Due(now + self.policy.sequence_pause, DueKind.SEND_HELD, str(case.ids))
        change = case.change(RequestState.HELD, case.expected, code="I99", **kept)
        case.work = Work(case.device, (change,), due=(due,), trail=(case.accepted("I99", behind=str(preceding)),))
        return True

    # ---- numbers and commands ----

    def _reservation(self, case: Case) -> Reservation:
        plan, request = case.plan, case.request
        assert plan is not None
        return Reservation(
            case.ids,
            case.expected,
            self.builder.entity(plan.originator, case.ids),
            case.device,
            case.variant,
            request.command_variant,
            case.authentic.octets,
            plan.raise_above_highest,
        )

    def _numbered(self, case: Case, choice: CounterChoice | Refused, now: datetime) -> None:
        if isinstance(choice, Refused):
            case.refusal = choice
            return
        try:
            self.build(case, choice.counter, choice.reason, now)
        except Refused as found:
            case.refusal = found
            self.abandon(case, now)

    def _command(
        self,
        case: Case,
        message: gbcs.Message,
        sealed: bytes,
        executes_at: datetime | None,
        expected: RequestState | None,
        now: datetime,
        reason: str = "",
    ) -> None:
        """Put a command into the outbox: I99."""
        key = CommandKey(message.originator, case.device, message.originator_counter)
        later = executes_at is not None and executes_at != gbcs.NEVER
        command = Command(
            key,
            message.message_code,
            case.ids,
            case.variant,
            sealed,
            alert_pending=later,
            schedule=case.schedule,
            not_after=now + self.policy.response_timeout,
        )
        received = case.authentic.octets if expected is None else None
        change = case.change(RequestState.COMMANDED, expected, received=received, executes_at=executes_at, code="I99")
        case.code, case.command = "I99", command
        facts = {"counter": key.counter, "originator": str(key.originator), "gbcs": digest_of(sealed)}
        if reason:
            facts["because"] = reason
        case.work = Work(
            case.device,
            (change,),
            command,
            due=(self._expiry(key, executes_at, now),) if later and executes_at is not None else (),
            trail=(case.accepted("I99"), TrailEntry("command", str(case.ids), facts)),
        )

    def _expiry(self, key: CommandKey, executes_at: datetime, now: datetime) -> Due:
        """When the alert of a future-dated command is no longer waited for (E30)."""
        return Due(max(executes_at, now) + self.policy.alert_timeout, DueKind.ALERT_TIMEOUT, key.text)

    # ---- words ----

    def _refusal(self, case: Case, now: datetime) -> Work:
        """A line of the trail; who was told I99 before is told by callback what came of it."""
        entry = case.refused(now)
        if case.door:
            return Work(case.device, trail=(entry,))
        code = case.refused_code
        # one that is tried with another key has been sent before, and was never answered
        ends = RequestState.SILENT if case.expected is RequestState.COMMANDED else RequestState.ABANDONED
        known = lifecycle.may_follow(case.expected, ends)
        changes = (case.change(ends, case.expected, code=code),) if known else ()
        parcel = self.parcels.outcome(case.ids, case.variant, code, now)
        return Work(case.device, changes, parcels=(parcel,), trail=(entry,))

    def _unreadable(self, octets: bytes, door: str, error: WireError, now: datetime) -> Submission:
        """No DUIS answer is possible; one line of the trail says why (check 1 and 2)."""
        name = reference(now, digest_of(octets))
        facts = {"door": door, "reason": error.code, "why": str(error)}
        self.store.commit([Work(NOBODY, trail=(TrailEntry("unreadable", "", facts, name),))], now)
        return Submission(None, "", name, error=error)

    def _submission(self, case: Case, now: datetime) -> Submission:
        answers = self.parcels.answers
        if case.refusal is None:
            response = answers.answer(case.ids, case.variant, case.code, now, case.content)
            return Submission(response, case.code, command=case.command)
        code = case.refused_code
        name = reference(now, case.authentic.digest)
        response = answers.answer(case.ids, case.variant, code, now)
        return Submission(response, code, name, None, case.refusal)
