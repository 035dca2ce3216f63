"""After a crash: reserved commands are built, kept messages judged, and nothing loops (hostile-inputs.md 2, N13)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from trustcell.adapters.ledger_refusals import command_used
from trustcell.adapters.memory_ledger import MemoryLedger

from dsp import dsp_world as w
from trustcell import duis
from trustcell.dsp import Command, Reservation, milliseconds
from trustcell.vocab import Unavailable


class Stopped(Exception):
    """The process is gone."""


class StopsAt(MemoryLedger):
    """A ledger whose process dies before a named call."""

    stop: str | None = None

    def record(self, command: Command, now: Any) -> None:
        if self.stop == "record":
            raise Stopped
        super().record(command, now)

    def learn(self, *arguments: Any) -> Any:
        if self.stop == "learn":
            raise Stopped
        return super().learn(*arguments)


def stopped_before_record() -> tuple[w.World, StopsAt, duis.Request]:
    ledger = StopsAt()
    world = w.world(ledger)
    world.operator_takes_over()
    world.operator_leaves()
    request = world.handover_request(w.cast().arriving)
    ledger.stop = "record"
    with pytest.raises(Stopped):
        world.submit(w.cast().supplier, request)
    ledger.stop = None
    return world, ledger, request


def test_a_reserved_command_is_built_with_the_octets_it_would_have_had() -> None:
    world, _ledger, request = stopped_before_record()
    assert world.highest == w.HUGE + 1
    assert world.submit(w.cast().supplier, request).code == "E62"
    (submission,), receptions = world.manager.resume(world.now)
    assert receptions == []
    assert submission.code == "I99"
    assert submission.command is not None
    assert submission.command.key.counter == w.HUGE + 1
    assert submission.command.request_id == request.request_id
    undisturbed = w.world()
    undisturbed.operator_takes_over()
    undisturbed.operator_leaves()
    other = undisturbed.submit(w.cast().supplier, request)
    assert other.command is not None
    assert other.command.octets == submission.command.octets
    assert world.manager.resume(world.now) == ([], [])
    assert len(world.exchange(submission)) == 1


def test_a_reserved_command_that_is_now_refused_is_given_up() -> None:
    world, ledger, request = stopped_before_record()
    world.manager = w.manager_for(ledger, world.device, known=False)
    (submission,), _ = world.manager.resume(world.now)
    assert submission.command is None
    assert submission.refusal is not None
    assert (submission.code, submission.refusal.code) == ("E19", "device_unknown")
    assert duis.parse_response(submission.response).response.request_id == request.request_id
    assert world.manager.resume(world.now) == ([], [])
    assert ledger.history(world.device.eui)[-1].who == "abandoned: device_unknown"
    world.manager = w.manager_for(ledger, world.device)
    assert world.submit(w.cast().supplier, request).code == "E62"
    again = world.handover(w.cast().arriving)
    assert again.command is not None
    assert again.command.key.counter == w.HUGE + 2


def test_a_reservation_that_can_no_longer_be_read_is_given_up() -> None:
    ledger = MemoryLedger()
    world = w.world(ledger)
    request = world.handover_request()
    ledger.reserve(Reservation(request.request_id, "6.21", b"<not a request/>", True), world.now)
    (submission,), _ = world.manager.resume(world.now)
    assert submission.refusal is not None
    assert submission.refusal.code == "request_unreadable"
    assert world.manager.resume(world.now) == ([], [])


def test_a_key_out_of_reach_leaves_the_reservation_for_the_next_time() -> None:
    world, ledger, _request = stopped_before_record()
    broker = w.broker_with()

    class Locked:
        entity = broker.entity
        holds = broker.holds
        sign_response = broker.sign_response
        shared_secret = broker.shared_secret

        def sign(self, octets: bytes, key_id: bytes | None) -> bytes:
            raise Unavailable("the key store is locked")

    world.manager = w.manager_for(ledger, world.device, broker=Locked())
    assert world.manager.resume(world.now) == ([], [])
    world.manager = w.manager_for(ledger, world.device)
    (submission,), _ = world.manager.resume(world.now)
    assert submission.code == "I99"


def test_a_kept_message_is_learned_on_restart_and_only_once() -> None:
    ledger = StopsAt()
    world = w.world(ledger)
    world.operator_takes_over()
    (octets,) = world.carry(world.update(w.cast().leaving, w.HUGE))
    ledger.stop = "learn"
    with pytest.raises(Stopped):
        world.take(octets)
    ledger.stop = None
    assert world.highest is None
    _, (reception,) = world.manager.resume(world.now)
    assert (reception.verdict, reception.learned) == ("response", w.HUGE)
    assert reception.delivery is not None
    assert world.manager.resume(world.now) == ([], [])
    assert world.take(octets).verdict == "repeated"


def test_n13_a_reserved_number_is_spent_before_its_command_is_recorded() -> None:
    """A raised 6.21 that waits for its signature, and a broker command whose clock reaches the same number."""
    ledger = StopsAt()
    world = w.world(ledger)
    world.operator_takes_over()
    soon = milliseconds(world.now) + 5000
    world.operator_leaves(soon)
    ledger.stop = "record"
    with pytest.raises(Stopped):
        world.handover(w.cast().arriving)
    ledger.stop = None
    assert world.highest == soon + 1
    world.now = w.BEGINS + timedelta(milliseconds=soon + 1 - milliseconds(w.BEGINS))
    read = world.read()
    assert read.command is not None
    assert read.command.key.counter == soon + 2
    (rebuilt,), _ = world.manager.resume(world.now)
    assert rebuilt.command is not None
    assert rebuilt.command.key.counter == soon + 1


def test_two_workers_that_resume_the_same_reservation_make_one_command() -> None:
    world, ledger, _request = stopped_before_record()
    (reserved,) = ledger.reserved()
    first = world.manager._south.rebuild(reserved, world.now)
    second = world.manager._south.rebuild(reserved, world.now)
    assert first is not None
    assert second is not None
    assert first.command == second.command
    assert world.manager.outbox() == [first.command]


def test_j_a_record_that_is_refused_after_its_reservation_gives_the_number_up_at_once() -> None:
    class Refuses(MemoryLedger):
        def record(self, command: Command, now: Any) -> None:
            raise command_used(command.key)

    world = w.world(Refuses())
    assert w.code_of(world.handover()) == "counter_used"
    assert world.ledger.reserved() == []
    assert world.manager.resume(world.now) == ([], [])
    last = world.ledger.history(world.device.eui)[-1]
    assert last.who == "abandoned: counter_used"


def test_sending_an_outbox_again_is_harmless() -> None:
    world = w.world()
    submission = world.handover()
    world.exchange(submission)
    assert submission.command is not None
    before = world.device.state
    assert world.carry(submission.command) == ()
    assert world.device.state == before
    again = replace(submission.command)
    world.ledger.record(again, world.now)
    assert world.manager.outbox() == []
