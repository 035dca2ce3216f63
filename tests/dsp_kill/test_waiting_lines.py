"""A command that waited behind others of its device, or through an outage, is sent with a time of its own."""

from datetime import timedelta

import pytest

from dsp_kill import kill_world as w
from trustcell.devices import Faults
from trustcell.vocab import Unavailable

GPF = w.gpf_of(0)


def test_time_begins_when_a_command_is_sent(site: w.Site) -> None:
    node = w.Node(site, w.BEGINS + timedelta(hours=1))
    node.estate.set_faults(GPF, Faults(lost=1.0))
    for number in range(100, 104):
        assert node.read(GPF, number).code == "I99"
    node.carry()
    for _ in range(2):
        node.pass_time(minutes=6)
        node.carry()  # the first is given up, the next is sent
    node.estate.set_faults(GPF, Faults(delay=30))
    node.pass_time(minutes=6)
    for _ in range(4):
        node.carry(60)
    states = [each.state for each in node.homes.views.requests(user=None, device=GPF, after=None, limit=9)][-4:]
    assert states[0] == "silent"
    assert states[-1] == "responded"
    node.rest()
    node.close()
    assert site.problems(at_rest=True) == []


def test_after_a_long_outage_what_waited_is_sent_and_answered(site: w.Site) -> None:
    node = w.Node(site, w.BEGINS + timedelta(hours=1))
    for number in range(100, 103):
        assert node.read(GPF, number).code == "I99"
    node.abandon()
    node = w.Node(site, w.BEGINS + timedelta(days=1))
    node.rest()
    states = [each.state for each in node.homes.views.requests(user=None, device=GPF, after=None, limit=9)][-3:]
    assert states == ["delivered"] * 3
    commands = [node.homes.views.commands_of(each.request_id)[0].state for each in
                node.homes.views.requests(user=None, device=GPF, after=None, limit=9)]  # fmt: skip
    assert set(commands) == {"answered"}
    node.close()


def test_what_the_network_did_not_take_is_sent_later(site: w.Site) -> None:
    class Broken:
        def __init__(self, wan: object) -> None:
            self._wan, self.broken = wan, True

        def send(self, *arguments: object) -> object:
            if self.broken:
                raise Unavailable("no network")
            return self._wan.send(*arguments)  # type: ignore[attr-defined]

        def __getattr__(self, name: str) -> object:
            return getattr(self._wan, name)

    made: list[Broken] = []

    def wrap(name: str, port: object) -> object:
        if name == "wan":
            made.append(Broken(port))
            return made[0]
        return port

    node = w.Node(site, w.BEGINS + timedelta(hours=1), wrap)
    assert node.read(GPF, 100).code == "I99"
    for _ in range(2):
        with pytest.raises(Unavailable):
            node.manager.dispatch(node.now)
    made[0].broken = False
    assert node.manager.dispatch(node.now) == 1
    node.rest()
    assert node.homes.views.requests(user=None, device=GPF, after=None, limit=9)[-1].state == "delivered"
    node.close()
