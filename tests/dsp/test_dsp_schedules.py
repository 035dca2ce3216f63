"""Schedules: when they are due, what they ask for, and services 5.1 to 5.3 (duis-dsp.md 1.6)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.rules_world import (
    BROKER,
    ESME,
    GSME,
    NOW,
    OPERATOR,
    OTHER_SUPPLIER,
    SUPPLIER,
    ask,
    bare,
    device,
    facts,
    message,
    request,
    rtds,
    slots,
    template,
    user,
)
from trustcell import duis, gbcs
from trustcell.dsp.rules import access, schedules
from trustcell.dsp.rules.facts import DeviceStatus, Facts, Schedule
from trustcell.dsp.rules.plan import Answer, Author, CommandPlan
from trustcell.dsp.rules.services import SERVICES
from trustcell.duis import UserRole

DAILY, MONTHLY = duis.ScheduleFrequency.DAILY, duis.ScheduleFrequency.MONTHLY
STARTS = datetime(2026, 1, 31, 6, tzinfo=UTC)


def body(**fields: Any) -> duis.CreateSchedule:
    given = {
        "frequency": DAILY,
        "start_date": date(2026, 3, 2),
        "scheduled_service_reference": "4.16",
        "scheduled_service_reference_variant": "4.16",
        "device_id": ESME,
        "request": duis.ScheduledRequest("DSPReadActivePowerImport"),
    }
    return duis.CreateSchedule(**{**given, **fields})


def asked(asks: duis.Body, variant: str = "5.1", **fields: Any) -> Any:
    who = fields.pop("who", user(SUPPLIER))
    known = replace(facts(None, who), **fields)
    return ask(request(variant, asks, BROKER, originator=who.entity), known)


def failed(asks: Any) -> list[str]:
    return [finding.code for finding in list(access.judge(asks))[-1].findings]


def made(**fields: Any) -> Schedule:
    answer = SERVICES["5.1"].plan(asked(body(**fields)))
    assert isinstance(answer, Answer)
    (schedule,) = answer.effects.schedules
    assert answer.content == duis.DSPScheduleID(schedule.number)
    assert answer.code == "I0"
    return schedule


def test_a_schedule_is_made_and_due_first_when_it_starts() -> None:
    assert failed(asked(body())) == []
    schedule = made()
    assert (schedule.user, schedule.device, schedule.service_variant) == (SUPPLIER, ESME, "4.16")
    assert schedule.next_at == schedule.starts == datetime(2026, 3, 2, tzinfo=UTC)
    assert schedules.details_of(schedule) == body()
    at_six = made(execution_start_time=time(6, 30, tzinfo=UTC), end_date=date(2026, 3, 9))
    assert at_six.starts == datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
    assert at_six.ends == datetime(2026, 3, 9, 23, 59, 59, 999_999, tzinfo=UTC)
    assert made(start_date=date(2020, 1, 1)).next_at == NOW.replace(hour=0) + timedelta(days=1)


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"scheduled_service_reference": "4.17"}, ["schedule_inconsistent"]),
        ({"request": duis.ScheduledRequest("DSPReadLoadLimitData")}, ["schedule_inconsistent"]),
        ({"end_date": date(2026, 2, 1), "start_date": date(2026, 1, 1)}, ["schedule_never_due"]),
        ({"device_id": BROKER}, ["device_unknown"]),
    ],
)
def test_a_schedule_that_could_not_run_is_not_made(fields: dict[str, Any], reasons: list[str]) -> None:
    assert failed(asked(body(**fields))) == reasons


def test_a_schedule_needs_the_role_and_the_responsibility_of_its_service(shared: Path) -> None:
    assert failed(asked(body(), who=user(OTHER_SUPPLIER))) == ["not_responsible"]
    assert failed(asked(body(), who=user(SUPPLIER, UserRole.GAS_SUPPLIER))) == [
        "schedule_role_not_eligible",
        "not_responsible",
    ]
    published = template(shared, "ECS21a_5.1._DCC_SCHEDULED")
    assert failed(ask(published, facts(None))) == ["schedule_not_offered"]


def test_numbers_are_those_of_the_request_and_never_taken() -> None:
    ids = duis.RequestId(SUPPLIER, BROKER, 1)
    first = schedules.number_for(ids, set())
    assert 0 <= first < 10**12
    assert first == schedules.number_for(ids, {first + 1})
    assert schedules.number_for(ids, {first}) != first


def test_schedules_are_shown_and_ended_by_number_and_by_device() -> None:
    mine, other = made(), replace(made(), number=5, device=GSME)
    gone = replace(mine, number=6, next_at=None)
    known = (mine, other, gone)
    for which, expected in (
        ({"dsp_schedule_id": mine.number}, [mine]),
        ({"device_id": GSME}, [other]),
    ):
        shown = SERVICES["5.2"].plan(asked(duis.ReadSchedule(**which), "5.2", schedules=known))
        assert isinstance(shown, Answer)
        assert [each.dsp_schedule_id for each in shown.content.schedules] == [each.number for each in expected]
        assert [each.details for each in shown.content.schedules] == [body() for _ in expected]
        ended = SERVICES["5.3"].plan(asked(duis.DeleteSchedule(**which), "5.3", schedules=known))
        assert isinstance(ended, Answer)
        assert (ended.code, ended.content) == ("I99", None)
        assert ended.effects.schedules == tuple(replace(each, next_at=None) for each in expected)
    for variant, kind in (("5.2", duis.ReadSchedule), ("5.3", duis.DeleteSchedule)):
        assert failed(asked(kind(dsp_schedule_id=6), variant, schedules=known)) == ["no_schedule_found"]


def test_a_due_schedule_is_a_request_of_its_user_originated_by_the_broker(shared: Path) -> None:
    due = schedules.request_of(made(), 1_772_000_000_000)
    assert duis.parse_request(duis.build_request(due)).request == due
    assert due.request_id == duis.RequestId(SUPPLIER, ESME, 1_772_000_000_000)
    known: Facts = facts(device(ESME), slots=slots(supplier=SUPPLIER))
    run = ask(due, known, door="", scheduled=True)
    access.require(run)
    plan = SERVICES["4.16"].plan(run)
    assert isinstance(plan, CommandPlan)
    assert (plan.originator, plan.signer, plan.supplementary) == (Author.BROKER, None, True)
    by_hand = SERVICES["4.16"].plan(ask(due, known))
    assert isinstance(by_hand, CommandPlan)
    assert (by_hand.originator, by_hand.supplementary) == (Author.USER, False)
    suspended = replace(run, facts=replace(known, device=device(ESME, DeviceStatus.SUSPENDED)))
    assert failed(suspended) == ["device_status"]


def test_the_scheduled_read_is_the_command_of_the_rtds(shared: Path) -> None:
    name = "ECS17c_4.16_SUCCESS"
    real, published = gbcs.decode(rtds(shared, f"{name}_COMMAND")), template(shared, name)
    run = ask(published, facts(device(ESME), user(OPERATOR), slots=slots(operator=OPERATOR)))
    access.require(run)
    plan = SERVICES["4.16"].plan(run)
    assert isinstance(plan, CommandPlan)
    assert bare(message(plan, published, real.originator_counter)) == bare(real)


# ---- due times ----


def schedule(frequency: str, next_at: datetime | None, ends: datetime | None = None) -> Schedule:
    return Schedule(1, SUPPLIER, ESME, "4.16", b"", frequency, STARTS, ends, next_at)


def test_months_keep_the_day_of_the_start_as_far_as_they_have_it() -> None:
    times, at = [], STARTS
    for _ in range(4):
        found = schedules.following(schedule("Monthly", at))
        assert found is not None
        times.append((found.month, found.day))
        at = found
    assert times == [(2, 28), (3, 31), (4, 30), (5, 31)]
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    assert next(schedules.due_times("Yearly", leap, leap, None)) == datetime(2025, 2, 28, tzinfo=UTC)


def test_a_schedule_ends() -> None:
    assert schedules.following(schedule("Daily", None)) is None
    assert schedules.following(schedule("Daily", STARTS, STARTS + timedelta(hours=23))) is None
    assert schedules.following(schedule("Daily", STARTS, STARTS + timedelta(days=1))) == STARTS + timedelta(days=1)
    last = datetime(9999, 12, 31, 6, tzinfo=UTC)
    assert list(schedules.due_times("Daily", STARTS, last, None)) == []
    assert list(schedules.due_times("Monthly", STARTS, last, None)) == []


FREQUENCIES = tuple(each.value for each in duis.ScheduleFrequency)
WHEN = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(frequency=st.sampled_from(FREQUENCIES), starts=WHEN, after=WHEN)
def test_the_next_due_time_is_the_first_one_after(frequency: str, starts: datetime, after: datetime) -> None:
    found = next(schedules.due_times(frequency, starts, after, None))
    assert found > after
    assert found >= starts
    slow = schedules.due_times(frequency, starts, starts - timedelta(seconds=1), None)
    if abs((after - starts).days) < 3_000:
        assert found == next(at for at in slow if at > after)
    assert (found.hour, found.minute, found.second) == (starts.hour, starts.minute, starts.second)
