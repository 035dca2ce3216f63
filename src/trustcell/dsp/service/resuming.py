"""What a crash interrupted between a number and its command: the command is built, or the number given up (K25-K28)."""

from collections.abc import Sequence
from datetime import datetime

from trustcell import duis
from trustcell.dsp.ports import Reserved
from trustcell.dsp.rules import access
from trustcell.dsp.rules.facts import KnownRequest
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import CommandPlan, Needs
from trustcell.dsp.rules.schedules import request_of
from trustcell.dsp.rules.services import SERVICES
from trustcell.dsp.rules.work import Command, RequestChange, TrailEntry, Work
from trustcell.dsp.service.authentication import Authentic
from trustcell.dsp.service.case import Case, apart, digest_of
from trustcell.dsp.service.southbound import Southbound
from trustcell.vocab import Refused, Unavailable, WireError


def rebuild(south: Southbound, reserved: Sequence[Reserved], now: datetime) -> list[Command]:
    """The commands of open reservations, oldest first; a request no command can be built for is abandoned.

    Its sender had no acknowledgement; he hears by callback what came of it.
    """
    counters: dict[duis.RequestId, int] = {}
    cases: list[Case] = []
    for index, each in enumerate(reserved):
        known = each.request
        counters[known.request_id] = each.counter
        try:
            request = duis.parse_request(known.received).request
        except (WireError, duis.RequestMismatch) as error:
            _unreadable(south, each, str(error), now)
            continue
        authentic = Authentic(request, known.received, digest_of(known.received))
        tried, schedule = south.store.tried(known.request_id), _schedule_of(south, known)
        cases.append(Case(index, authentic, "", schedule=schedule, attempt=tried))
    made: list[Command] = []
    while cases:
        group, cases = apart(cases)
        south.gather(group)
        built = [case for case in group if _built(south, case, counters[case.ids], now)]
        south.write(built, now)
        made += [case.command for case in built if case.command is not None]
    return made


def _schedule_of(south: Southbound, known: KnownRequest) -> int | None:
    """The schedule that asked this, if one did: then the broker originates, and the answer names the schedule."""
    ids = known.request_id
    (facts,) = south.store.facts([(ids, ids.target, Needs(schedules=True))])
    for each in facts.schedules:
        if each.device == ids.target and duis.build_request(request_of(each, ids.counter)) == known.received:
            return each.number
    return None


def _built(south: Southbound, case: Case, counter: int, now: datetime) -> bool:
    """Whether there is something to write: the command, or that there will be none."""
    builder = south.builder
    ask = case.ask(builder.broker.entity, builder.transitional_cos.entity, now)
    try:
        access.require(ask)  # a device or user may be gone by now
        plan = SERVICES[case.variant].plan(ask)
        assert isinstance(plan, CommandPlan)
        case.plan = plan
        south.build(case, counter, "taken before a restart", now)
    except Refused as found:
        case.refusal = found
    except Unavailable:
        return False
    return True


def _unreadable(south: Southbound, reserved: Reserved, why: str, now: datetime) -> None:
    known = reserved.request
    change = RequestChange(
        known.request_id,
        RequestState.RESERVED,
        RequestState.ABANDONED,
        known.service_variant,
        known.command_variant,
        code="request_unreadable",
    )
    entry = TrailEntry("abandoned", str(known.request_id), {"reason": "request_unreadable", "why": why})
    south.store.commit([Work(known.request_id.target, (change,), trail=(entry,))], now)
