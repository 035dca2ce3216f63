"""Head of line: one command of a device at a time, in their order, whatever happens to them (scale.md 2)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp import dsp_world as w
from trustcell.adapters.no_wan import NoWan
from trustcell.dsp import Command, CommandKey, CommandState, RequestState, Sending
from trustcell.dsp.service.outgoing import Outgoing
from trustcell.duis import RequestId
from trustcell.vocab import Eui64, Unavailable

USER, BROKER = Eui64(b"user    "), Eui64(b"broker  ")
TWO_DEVICES = (Eui64(b"device 1"), Eui64(b"device 2"))


def command(device: Eui64, counter: int) -> Command:
    return Command(CommandKey(BROKER, device, counter), 0x0008, RequestId(USER, device, counter), "6.24.1", b"octets")


def keys(commands: Any) -> list[tuple[Eui64, int]]:
    return [(each.key.device, each.key.counter) for each in commands]


def test_the_next_is_ready_when_the_one_before_it_is_settled() -> None:
    one, two = TWO_DEVICES
    outgoing = Outgoing([command(one, 1), command(one, 2), command(two, 1)])
    first = outgoing.take(10)
    assert keys(first) == [(one, 1), (two, 1)]
    assert outgoing.take(10) == []
    outgoing.settled(first[0].key)
    assert keys(outgoing.take(10)) == [(one, 2)]
    assert len(outgoing) == 2


def test_one_that_is_settled_out_of_order_leaves_its_line() -> None:
    one, _ = TWO_DEVICES
    outgoing = Outgoing([command(one, 1), command(one, 2), command(one, 3)])
    (head,) = outgoing.take(1)
    outgoing.settled(command(one, 2).key)
    outgoing.settled(head.key)
    assert keys(outgoing.take(10)) == [(one, 3)]


def test_what_was_answered_before_it_was_sent_again_is_not_sent() -> None:
    """After a restart the answer to what the worker before had sent comes first."""
    one, _ = TWO_DEVICES
    outgoing = Outgoing([command(one, 1), command(one, 2)])
    outgoing.settled(command(one, 1).key)
    assert keys(outgoing.take(10)) == [(one, 2)]


def test_what_could_not_be_sent_comes_first_again_and_in_order() -> None:
    one, two = TWO_DEVICES
    outgoing = Outgoing([command(one, 1), command(two, 1)])
    taken = outgoing.take(2)
    outgoing.put_back(taken)
    assert not outgoing.is_sent(taken[0].key)
    assert outgoing.take(2) == taken


@given(st.lists(st.tuples(st.sampled_from(("add", "take", "settle", "fail")), st.integers(0, 3)), max_size=60))
def test_never_two_at_once_and_never_out_of_order(steps: list[tuple[str, int]]) -> None:
    devices = [Eui64(bytes([n]) * 8) for n in range(4)]
    outgoing, given_out, waiting = Outgoing(), {}, {device: [] for device in devices}
    for counter, (step, which) in enumerate(steps):
        device = devices[which]
        if step == "add":
            outgoing.add([command(device, counter)])
            waiting[device].append(counter)
        elif step == "settle" and device in given_out:
            outgoing.settled(given_out.pop(device).key)
            waiting[device].pop(0)
        elif step in ("take", "fail"):
            taken = outgoing.take(which + 1)
            for each in taken:
                assert each.key.device not in given_out
                assert each.key.counter == waiting[each.key.device][0]
            if step == "fail":
                outgoing.put_back(taken)
            else:
                given_out.update({each.key.device: each for each in taken})
        assert len(outgoing) == sum(map(len, waiting.values()))
    while any(waiting.values()):
        given_out.update({each.key.device: each for each in outgoing.take(4)})
        device, found = given_out.popitem()
        assert found.key.counter == waiting[device].pop(0)
        outgoing.settled(found.key)
    assert len(outgoing) == 0


# ---- through the request manager ----


class Network(NoWan):
    """A WAN that keeps what it was given, fails, or cannot reach anybody."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fails = False
        self.says = Sending.TAKEN

    def send(self, messages: Any, now: datetime) -> list[Sending]:
        if self.fails:
            raise Unavailable("the network is out of reach")
        self.sent += [name for name, _device, _octets, _until in messages]
        return [self.says] * len(messages)


def test_a_second_command_waits_for_the_answer_to_the_first() -> None:
    network = Network()
    world = w.world(wan=network)
    first, second = world.handover(), world.read()
    assert first.command is not None
    assert second.command is not None
    assert world.manager.dispatch(world.now) == 1
    assert world.manager.dispatch(world.now) == 0
    assert network.sent == [first.command.key.text]
    world.exchange(first)
    assert world.manager.dispatch(world.now) == 1
    assert network.sent[-1] == second.command.key.text
    assert world.manager.waiting == 1


def test_a_network_that_fails_loses_no_command() -> None:
    network = Network()
    world = w.world(wan=network)
    submission = world.handover()
    assert submission.command is not None
    network.fails = True
    with pytest.raises(Unavailable):
        world.manager.dispatch(world.now)
    network.fails = False
    assert world.manager.dispatch(world.now) == 1
    assert network.sent == [submission.command.key.text]


def test_an_answer_that_comes_after_a_restart_keeps_its_command_from_being_sent_and_given_up() -> None:
    network = Network()
    world = w.world(wan=network)
    submission = world.handover()
    (answer,) = world.carry(submission)
    world.restarted(wan=network)
    assert world.take(answer).verdict == "response"
    network.says = Sending.UNREACHABLE
    assert world.manager.dispatch(world.now) == 0
    assert submission.command is not None
    assert world.told(submission.command.request_id) == ["I0"]


def test_e20_nobody_can_reach_the_device() -> None:
    network = Network()
    network.says = Sending.UNREACHABLE
    world = w.world(wan=network)
    submission = world.handover()
    assert submission.command is not None
    ids = submission.command.request_id
    assert world.manager.dispatch(world.now) == 1
    assert (world.told(ids), world.state(ids)) == (["E20"], RequestState.UNREACHABLE)
    (late,) = world.carry(submission)
    reception = world.take(late)
    assert (reception.verdict, reception.delivery) == ("late", None)
    assert world.told(ids) == ["E20"]
    assert world.occupant() == w.cast().leaving.entity
    found = world.slot()
    assert found is not None
    assert found.entity == w.cast().leaving.entity


def test_e21_the_time_of_a_command_begins_when_it_is_sent() -> None:
    network = Network()
    world = w.world(wan=network)
    first, second = world.handover(), world.read()
    assert first.command is not None
    assert second.command is not None
    world.manager.dispatch(world.now)
    world.now += timedelta(minutes=5, seconds=1)
    assert world.manager.run_due(world.now) == 1
    assert world.told(first.command.request_id) == ["E21"]
    assert world.told(second.command.request_id) == []
    assert world.manager.dispatch(world.now) == 1
    world.now += timedelta(minutes=4)
    assert world.manager.run_due(world.now) == 0
    world.now += timedelta(minutes=1, seconds=2)
    assert world.manager.run_due(world.now) == 1
    assert world.told(second.command.request_id) == ["E21"]
    states = [command.state for command in world.store.commands([first.command.key, second.command.key]) if command]
    assert states == [CommandState.SILENT, CommandState.SILENT]
    assert world.manager.waiting == 0
