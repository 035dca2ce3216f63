"""5.1, 5.2, 5.3: schedules that the DSP runs in a user's name (duis-dsp.md 1.6, item 6).

A schedule can be made for a service that the matrix lets the DCC schedule and that is offered.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from trustcell import duis
from trustcell.dsp.rules import schedules
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import Schedule
from trustcell.dsp.rules.plan import Answer, Ask, Effects, Needs
from trustcell.dsp.rules.roles import eligible_roles
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.subject import known_and_theirs
from trustcell.vocab import Finding

SCHEDULABLE = ("4.16",)
"""Services a schedule can run: of those the DCC may schedule, the ones that are offered."""
MAX_SHOWN = 99
"""Most schedules in one answer (DUIS schema 5.4)."""


def _create_needs(body: duis.Body) -> Needs:
    return Needs(others=(cast(duis.CreateSchedule, body).device_id,), members=True, schedules=True)


def _create_findings(ask: Ask) -> Iterator[Finding]:
    body = cast(duis.CreateSchedule, ask.request.body)
    variant = body.scheduled_service_reference_variant
    if not body.consistent:
        yield _breach(
            "schedule_inconsistent", "DSPScheduledServiceReferenceVariant", "reference, variant and request differ"
        )
    if variant not in SCHEDULABLE:
        yield _breach("schedule_not_offered", "DSPScheduledServiceReferenceVariant", f"{variant} cannot be scheduled")
    user = ask.facts.user
    if user is not None and eligible_roles(duis.services()[variant]).isdisjoint(user.roles):
        yield _breach(
            "schedule_role_not_eligible", "DSPScheduledServiceReferenceVariant", f"no role may ask for {variant}"
        )
    first = next(schedules.due_times(body.frequency, schedules.begins(body), ask.now, schedules.ends(body)), None)
    if first is None:
        yield _breach("schedule_never_due", "ScheduleEndDate", "the schedule ends before it is due for the first time")
    yield from known_and_theirs(ask)


def _breach(code: str, field: str, message: str) -> Finding:
    return PROCESSING.breach(code, field, message, "schedule a service that the DCC schedules, from now on")


def _create(ask: Ask) -> Answer:
    body, ids = cast(duis.CreateSchedule, ask.request.body), ask.request.request_id
    starts, ends = schedules.begins(body), schedules.ends(body)
    number = schedules.number_for(ids, {each.number for each in ask.facts.schedules})
    made = Schedule(
        number,
        ids.originator,
        body.device_id,
        body.scheduled_service_reference_variant,
        duis.build_request(ask.request),
        body.frequency.value,
        starts,
        ends,
        next(schedules.due_times(body.frequency, starts, ask.now, ends), None),
    )
    return Answer("I0", duis.DSPScheduleID(number), Effects(schedules=(made,)))


def _choose_needs(body: duis.Body) -> Needs:
    return Needs(schedules=True)


def _chosen(ask: Ask) -> tuple[Schedule, ...]:
    """The user's schedules that go on, by number or by device."""
    body = cast(duis.ReadSchedule | duis.DeleteSchedule, ask.request.body)
    return tuple(
        each
        for each in ask.facts.schedules
        if each.next_at is not None and (each.number == body.dsp_schedule_id or each.device == body.device_id)
    )


def _choose_findings(ask: Ask) -> Iterator[Finding]:
    if not _chosen(ask):
        yield _breach("no_schedule_found", "DSPScheduleID", "this user has no such schedule")


def _read(ask: Ask) -> Answer:
    shown = tuple(duis.DSPSchedules(each.number, schedules.details_of(each)) for each in _chosen(ask)[:MAX_SHOWN])
    return Answer("I0", duis.DSPSchedulesRead(shown))


def _delete(ask: Ask) -> Answer:
    ended = tuple(replace(each, next_at=None) for each in _chosen(ask))
    return Answer("I99", effects=Effects(schedules=ended))


CREATE = ServiceRule(_create, _create_findings, needs=_create_needs)
READ = ServiceRule(_read, _choose_findings, needs=_choose_needs)
DELETE = ServiceRule(_delete, _choose_findings, needs=_choose_needs)
