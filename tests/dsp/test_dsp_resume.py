"""After a crash: reserved commands are built, the outbox is sent again, nothing loops (hostile-inputs.md 2, N13)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsp import dsp_world as w
from trustcell import duis
from trustcell.adapters.dsp_store.refusals import counter_used
from trustcell.dsp import (
    CommandState,
    RequestState,
    Reservation,
    Store,
    Work,
    milliseconds,
)
from trustcell.dsp.service import resuming
from trustcell.vocab import Refused, Unavailable


class Stopped(Exception):
    """The process is gone."""


class StopsAt:
    """A store whose process dies before the commit of a command, or of a device message."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.stop: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, works: Sequence[Work], now: datetime) -> Sequence[Refused | None]:
        if self.stop == "command" and any(work.command is not None for work in works):
            raise Stopped
        if self.stop == "message" and any(work.inbound is not None for work in works):
            raise Stopped
        return self._store.commit(works, now)


def stopped_before_commit(url: str = w.MEMORY, **options: Any) -> tuple[w.World, duis.Request]:
    """A number is taken for a 6.21 that follows a departure, and then the process dies."""
    world = w.world(url, wrap=StopsAt, **options)
    world.operator_takes_over()
    world.operator_leaves()
    request = world.handover_request(w.cast().arriving)
    assert isinstance(world.store, StopsAt)
    world.store.stop = "command"
    with pytest.raises(Stopped):
        world.submit(w.cast().supplier, request)
    world.store.stop = None
    world.restarted()
    return world, request


@pytest.mark.parametrize("where", ["memory", "file"])
def test_a_reserved_command_is_built_with_the_octets_it_would_have_had(where: str, tmp_path: Path) -> None:
    world, request = stopped_before_commit(w.MEMORY if where == "memory" else f"sqlite:///{tmp_path / 'dsp.db'}")
    assert world.highest == w.HUGE + 1
    assert world.state(request.request_id) is RequestState.RESERVED
    assert world.submit(w.cast().supplier, request).code == "E62"
    assert world.manager.resume(world.now) == 1
    (command,) = world.manager.outbox()
    assert command.key.counter == w.HUGE + 1
    assert command.request_id == request.request_id
    undisturbed = w.world()
    undisturbed.operator_takes_over()
    undisturbed.operator_leaves()
    other = undisturbed.submit(w.cast().supplier, request)
    assert other.command is not None
    assert other.command.octets == command.octets
    assert world.manager.resume(world.now) == 0
    assert len(world.carry(command)) == 1


def test_a_reserved_command_that_is_now_refused_is_given_up() -> None:
    world, request = stopped_before_commit()
    record = world.homes.views.device(world.device.eui)
    world.knows(None)
    assert world.manager.resume(world.now) == 0
    assert world.manager.outbox() == []
    assert world.told(request.request_id) == ["E19"]
    assert world.state(request.request_id) is RequestState.ABANDONED
    assert world.manager.resume(world.now) == 0
    last = world.history()[-1]
    assert (last.counter, last.who) == (w.HUGE + 1, f"{w.cast().broker.entity} abandoned 6.21")
    world.knows(record)
    assert world.submit(w.cast().supplier, request).code == "E62"
    again = world.handover(w.cast().arriving)
    assert again.command is not None
    assert again.command.key.counter == w.HUGE + 2


def test_a_reservation_that_can_no_longer_be_read_is_given_up() -> None:
    world = w.world()
    ids = world.handover_request().request_id
    broker = w.cast().broker.entity
    reserved = Reservation(ids, None, broker, world.device.eui, "6.21", 1, b"<not a request/>", True)
    world.store.reserve([reserved], world.now)
    assert world.manager.resume(world.now) == 0
    assert world.state(ids) is RequestState.ABANDONED
    assert world.trail(ids)[-1].facts["reason"] == "request_unreadable"
    assert world.store.reserved() == []


def test_a_key_out_of_reach_leaves_the_reservation_for_the_next_time() -> None:
    world, request = stopped_before_commit()
    broker = w.broker_with()

    class Locked:
        entity = broker.entity
        holds = broker.holds
        sign_response = broker.sign_response
        shared_secret = broker.shared_secret

        def sign(self, octets: bytes, key_id: bytes | None) -> bytes:
            raise Unavailable("the key store is locked")

    world.restarted(broker=Locked())
    assert world.manager.resume(world.now) == 0
    assert world.state(request.request_id) is RequestState.RESERVED
    world.restarted()
    assert world.manager.resume(world.now) == 1


def test_one_reservation_that_cannot_be_built_does_not_hold_up_the_others() -> None:
    world = w.world(wrap=StopsAt)
    assert isinstance(world.store, StopsAt)
    requests = [world.handover_request(), world.details_request(), world.details_request()]
    for request in requests:
        world.store.stop = "command"
        with pytest.raises(Stopped):
            world.submit(w.cast().supplier, request)
    world.store.stop = None
    ids = duis.RequestId(w.cast().supplier.entity, world.device.eui, 999)
    broken = Reservation(ids, None, w.cast().broker.entity, world.device.eui, "6.24.1", 1, b"", False)
    world.store.reserve([broken], world.now)
    world.restarted()
    assert world.manager.resume(world.now) == 3
    sent = [command.request_id for command in world.manager.outbox()]
    assert sent == [request.request_id for request in requests]
    counters = [command.key.counter for command in world.manager.outbox()]
    assert counters == sorted(set(counters))


def test_a_message_whose_commit_was_lost_comes_again_and_teaches_once() -> None:
    world = w.world(wrap=StopsAt)
    assert isinstance(world.store, StopsAt)
    world.operator_takes_over()
    (octets,) = world.carry(world.update(w.cast().leaving, w.HUGE))
    world.store.stop = "message"
    before = world.dump()
    with pytest.raises(Stopped):
        world.take(octets)
    world.store.stop = None
    assert (world.highest, world.dump()) == (None, before)
    world.restarted()
    reception = world.take(octets)
    assert (reception.verdict, reception.learned) == ("response", w.HUGE)
    assert reception.delivery is not None
    again = world.take(octets)
    assert (again.verdict, again.delivery) == ("repeated", None)


def test_n13_a_reserved_number_is_spent_before_its_command_is_recorded() -> None:
    """A raised 6.21 that waits for its signature, and a broker command whose clock reaches the same number."""
    world = w.world(wrap=StopsAt)
    assert isinstance(world.store, StopsAt)
    world.operator_takes_over()
    soon = milliseconds(world.now) + 5000
    world.operator_leaves(soon)
    world.store.stop = "command"
    with pytest.raises(Stopped):
        world.handover(w.cast().arriving)
    world.store.stop = None
    assert world.highest == soon + 1
    world.now = w.BEGINS + timedelta(milliseconds=soon + 1 - milliseconds(w.BEGINS))
    read = world.read()
    assert read.command is not None
    assert read.command.key.counter == soon + 2
    assert world.manager.resume(world.now) == 1
    assert {command.key.counter for command in world.manager.outbox()} == {soon + 1, soon + 2}


def test_resuming_the_same_reservation_twice_makes_one_command() -> None:
    world, request = stopped_before_commit()
    reserved = world.store.reserved()
    (first,) = resuming.rebuild(world.manager._south, reserved, world.now)
    again = resuming.rebuild(world.manager._south, reserved, world.now)
    assert [command.key for command in again] in ([], [first.key])
    (kept,) = world.manager.outbox()
    assert (kept.key, kept.octets) == (first.key, first.octets)
    assert world.state(request.request_id) is RequestState.COMMANDED


def test_a_commit_that_is_refused_after_its_reservation_is_told() -> None:
    """Whatever stands under the number by then: it is not overwritten, and no command goes out."""

    class Refuses(StopsAt):
        def commit(self, works: Sequence[Work], now: datetime) -> Sequence[Refused | None]:
            if any(work.command is not None for work in works):
                return [counter_used(work.command.key) for work in works if work.command is not None]
            return self._store.commit(works, now)

    world = w.world(wrap=Refuses)
    assert w.code_of(submission := world.handover()) == "counter_used"
    assert submission.code == "E62"
    assert world.manager.outbox() == []
    assert world.store.reserved() == []


def test_the_outbox_is_sent_again_and_a_device_takes_it_once() -> None:
    world = w.world()
    submission = world.handover()
    assert submission.command is not None
    (answer,) = world.carry(submission)
    before = world.device.state
    world.restarted()
    (again,) = world.manager.outbox()
    assert again.octets == submission.command.octets
    assert world.carry(again) == ()
    assert world.device.state == before
    assert world.take(answer).verdict == "response"
    (settled,) = world.store.commands([again.key])
    assert settled == replace(again, state=CommandState.ANSWERED)
    assert world.manager.outbox() == []
