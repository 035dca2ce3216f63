"""Requests for later: held by the DSP, executed by the device, cancelled, forgotten (duis-dsp.md 1.6)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from databases import KINDS
from dsp import dsp_world as w
from trustcell import devices, duis, gbcs
from trustcell.adapters.dsp_store import migrate
from trustcell.dsp import DeviceStatus, Policy, RequestState, TrailEntry, User, UserStatus
from trustcell.dsp.rules.anomaly import Threshold
from trustcell.duis import UserRole
from trustcell.vocab import Refused

DATE = w.BEGINS + timedelta(days=2)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Empty books on each database."""
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgresql")
        made: str = cluster.new()
        migrate(made)
        yield made
        cluster.release(made)
    else:
        migrate(made := f"sqlite:///{tmp_path / 'dsp.db'}")
        yield made


@pytest.fixture
def world_on(url: str) -> Iterator[w.World]:
    """A world on each database, closed afterwards."""
    world = w.world(url)
    yield world
    world.close()


def held(world: w.World, **fields: Any) -> duis.RequestId:
    """A 6.21 for a date."""
    request = world.handover_request(**{"execution_date_time": DATE, **fields})
    submission = world.submit(w.cast().supplier, request)
    assert (submission.code, submission.command) == ("I99", None)
    assert world.state(request.request_id) is RequestState.HELD
    assert world.manager.outbox() == []
    return request.request_id


def at_its_time(world: w.World) -> None:
    world.now = max(world.now, DATE)
    world.manager.run_due(world.now)


def test_a_held_request_becomes_a_command_at_its_time(world_on: w.World) -> None:
    world = world_on
    ids = held(world)
    world.now = DATE - timedelta(seconds=1)
    assert world.manager.run_due(world.now) == 0
    assert world.manager.next_at(world.now) == DATE
    world.restarted()
    at_its_time(world)
    (command,) = world.manager.outbox()
    assert command.request_id == ids
    assert gbcs.decode_payload(gbcs.decode(command.octets)).execution_date_time is None
    (answer,) = world.carry(command)
    assert world.take(answer).verdict == "response"
    assert (world.told(ids), world.occupant()) == (["I0"], w.cast().leaving.entity)
    world.now += timedelta(seconds=1)
    assert world.manager.run_due(world.now) == 0


def test_the_whole_story_of_the_counter_on_each_database(world_on: w.World) -> None:
    world = world_on
    world.operator_takes_over()
    assert world.operator_leaves().learned == w.HUGE
    silent = world.handover(w.cast().arriving)
    world.restarted()
    handed = world.handover(w.cast().arriving)
    assert silent.command is not None
    assert handed.command is not None
    assert (silent.command.key.counter, handed.command.key.counter) == (w.HUGE + 1, w.HUGE + 2)
    assert [each.verdict for each in world.exchange(handed)] == ["response"]
    assert world.occupant() == w.cast().arriving.entity


def test_a_refusal_changes_nothing_on_each_database(world_on: w.World) -> None:
    world = world_on
    world.operator_takes_over()
    before = world.dump()
    w.refused(world, world.handover(), before, "slot_not_broker", "E062102")
    w.refused(world, world.submit(w.cast().leaving, world.handover_request()), before, "signer_not_originator", "E49")


def test_a_held_request_keeps_its_id() -> None:
    world = w.world()
    ids = held(world)
    again = world.handover(number=ids.counter)
    assert w.code_of(again) == "request_id_used"


def test_cancelling_what_is_held() -> None:
    world = w.world()
    ids = held(world)
    cancel = world.handover_request(execution_date_time=duis.CANCEL)
    assert world.submit(w.cast().supplier, cancel).code == "I99"
    assert world.state(ids) is RequestState.CANCELLED
    at_its_time(world)
    assert (world.manager.outbox(), world.told(ids)) == ([], [])
    before = world.dump()
    nothing = world.handover_request(execution_date_time=duis.CANCEL)
    w.refused(world, world.submit(w.cast().supplier, nothing), before, "nothing_to_cancel", "E31")


@pytest.mark.parametrize("change", ["decommissioned", "gone", "slot taken", "user suspended"])
def test_what_has_changed_by_then_is_checked_again(change: str) -> None:
    world = w.world()
    ids = held(world)
    supplier = w.cast().supplier.entity
    match change:
        case "decommissioned":
            world.knows(w.record_of(world.device, status=DeviceStatus.DECOMMISSIONED))
            code = "E5"
        case "gone":
            world.knows(None)
            code = "E19"
        case "slot taken":
            world.operator_takes_over()
            code = "E062102"
        case _:
            user = User(supplier, frozenset({UserRole.GAS_SUPPLIER}), UserStatus.SUSPENDED)
            world.restarted(users={supplier: user})
            code = "E3"
    at_its_time(world)
    assert world.manager.outbox() == []
    assert (world.told(ids), world.state(ids)) == ([code], RequestState.ABANDONED)
    world.now += timedelta(hours=1)
    world.manager.run_due(world.now)
    assert world.told(ids) == [code]


# ---- executed later by the device: E30 ----


def accepted(world: w.World) -> duis.RequestId:
    """A 6.15.1 that the device executes later; the user has heard that it was accepted."""
    world.operator_takes_over()
    submission = world.update(w.cast().leaving, w.HUGE, execution_date_time=DATE)
    (reception,) = world.exchange(submission)
    assert reception.delivery is not None
    assert submission.command is not None
    return submission.command.request_id


def test_e30_the_alert_of_an_execution_does_not_come() -> None:
    world = w.world()
    ids = accepted(world)
    world.now = DATE + timedelta(hours=23)
    world.manager.run_due(world.now)
    assert world.told(ids) == ["I0"]
    world.now = DATE + timedelta(hours=25)
    world.manager.run_due(world.now)
    assert (world.told(ids), world.state(ids)) == (["I0", "E30"], RequestState.EXPIRED)
    world.device, (alert,) = devices.advance(world.device, world.now)
    reception = world.take(alert)
    assert (reception.verdict, reception.learned, reception.delivery) == ("repeated", w.HUGE, None)
    assert world.highest == w.HUGE


def test_e30_is_not_told_after_the_alert() -> None:
    world = w.world()
    ids = accepted(world)
    world.now = DATE + timedelta(minutes=1)
    world.device, (alert,) = devices.advance(world.device, world.now)
    assert world.take(alert).verdict == "alert"
    world.now = DATE + timedelta(days=3)
    world.manager.run_due(world.now)
    assert world.told(ids) == ["I0", "I0"]
    assert len(world.delivered()) >= 2
    assert world.state(ids) is RequestState.DELIVERED


# ---- quarantine ----


def test_what_is_above_a_threshold_waits_until_it_is_released() -> None:
    world = w.world(rules=Policy(thresholds=(Threshold(1, timedelta(hours=1), service_variant="6.21"),)))
    assert world.handover().command is not None
    request = world.handover_request()
    submission = world.submit(w.cast().supplier, request)
    assert (submission.code, submission.command) == ("I99", None)
    assert world.state(request.request_id) is RequestState.QUARANTINED
    entry = TrailEntry("released", str(request.request_id), {"by": "an operator"})
    assert world.manager.release(request.request_id, entry, world.now) is RequestState.HELD
    with pytest.raises(Refused):
        world.manager.release(request.request_id, entry, world.now)
    world.now += timedelta(seconds=1)
    assert world.manager.run_due(world.now) == 1
    assert world.state(request.request_id) is RequestState.COMMANDED
    assert world.manager.release(world.handover_request().request_id, entry, world.now) is None
