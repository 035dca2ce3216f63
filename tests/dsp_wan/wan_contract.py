"""What every WAN keeps to (scale.md 3, WAN): at least once both ways, order within a device, done after learn."""

from datetime import timedelta

import pytest

from devices.devices_lab import A0, A2, NOW
from devices.han_world import SECOND, World
from trustcell.dsp import Sending
from trustcell.gbcs import frame
from trustcell.gbcs.usecases.firmware_version import ReadFirmwareVersion
from trustcell.vocab import Eui64

READ = ReadFirmwareVersion()
DAY = timedelta(days=1)


class Way:
    """A WAN under test. ``turn`` lets the other side do what there is to do."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def wan(self):
        raise NotImplementedError

    def turn(self, now=NOW) -> None:
        raise NotImplementedError

    def killed_worker(self) -> None:
        """The worker has died; another one has the home now."""
        raise NotImplementedError

    def killed_han(self) -> None:
        """The process of the virtual devices has died, and was started again."""
        raise NotImplementedError

    def close(self) -> None:
        """Give everything up."""

    def command(self, eui: Eui64 = A0) -> tuple[str, Eui64, bytes]:
        octets = self.world.octets(eui, 0x0059, READ)
        return f"command {self.world.counter}", eui, octets

    def send(self, *commands: tuple[str, Eui64, bytes], now=NOW) -> list[Sending]:
        said = list(self.wan.send([(name, eui, octets, now + DAY) for name, eui, octets in commands], now))
        self.turn(now)
        return said

    def received(self, now=NOW) -> list[tuple[int, int]]:
        """Handle and the number it answers."""
        self.turn(now)
        return [(handle, frame.decode(octets).originator_counter) for handle, _, octets in self.wan.receive(64, now)]

    def unreachable(self, said: list[Sending], names: list[str], now=NOW) -> list[str]:
        """Which could not be delivered, whenever that was said."""
        at_once = [name for name, each in zip(names, said, strict=True) if each is Sending.UNREACHABLE]
        self.received(now)
        later = list(self.wan.undelivered())
        self.wan.done([each.handle for each in later])
        return at_once + [each.message_id for each in later]


class WanContract:
    """Tests for any ``Way`` that the fixture ``way`` gives."""

    def test_an_answer_comes_until_it_is_done(self, way: Way):
        way.send(way.command())
        ((handle, counter),) = way.received()
        assert counter == way.world.counter
        way.killed_worker()
        assert way.received() == [(handle, counter)]
        way.wan.done([handle])
        assert way.received() == []
        way.killed_worker()
        assert way.received() == []

    def test_the_same_message_again_is_harmless(self, way: Way):
        """A duplicate in one group of the WAN, and another in a later one: one command, one answer."""
        way.world.estate.set_faults(A0, way.world.slow)
        command = way.command()
        way.send(command)
        way.send(command)
        way.killed_worker()
        way.send(command)
        later = NOW + timedelta(minutes=5)
        way.turn(later)
        assert [counter for _, counter in way.received(later)] == [way.world.counter]

    def test_late_redelivery_teaches_the_same_again_or_nothing(self, way: Way):
        """Sent again after it was answered and done, a read is answered once more: by the same number."""
        command = way.command()
        way.send(command)
        ((first, counter),) = way.received()
        way.wan.done([first])
        way.send(command)
        assert {number for _, number in way.received()} <= {counter}

    def test_order_within_a_device_is_that_of_sending(self, way: Way):
        commands = [way.command() for _ in range(5)]
        for command in commands:
            way.send(command)
        first = way.world.counter - 4
        assert [counter for _, counter in way.received()] == list(range(first, first + 5))

    def test_a_group_keeps_its_order(self, way: Way):
        way.send(*(way.command() for _ in range(5)))
        first = way.world.counter - 4
        assert [counter for _, counter in way.received()] == list(range(first, first + 5))

    def test_what_a_worker_sent_before_it_was_killed_arrives(self, way: Way):
        command = way.command()
        way.wan.send([(*command, NOW + DAY)], NOW)
        way.killed_worker()
        assert [counter for _, counter in way.received()] == [way.world.counter]

    def test_what_is_on_its_way_survives_the_devices_process(self, way: Way):
        way.world.estate.set_faults(A0, way.world.slow)
        way.send(way.command())
        way.killed_han()
        later = NOW + timedelta(minutes=5)
        way.turn(later)
        assert way.world.counter in [counter for _, counter in way.received(later)]

    def test_an_answer_that_was_not_fetched_survives_the_devices_process(self, way: Way):
        way.send(way.command())
        way.killed_han()
        assert {counter for _, counter in way.received()} == {way.world.counter}

    def test_a_device_that_cannot_be_reached_is_said(self, way: Way):
        way.world.estate.switch_off(A2, NOW)
        command = way.command()
        assert way.unreachable(way.send(command), [command[0]]) == [command[0]]
        assert way.unreachable([], []) == []

    def test_too_late_is_not_delivered(self, way: Way):
        way.world.estate.set_faults(A0, way.world.slow)
        command = way.command()
        way.wan.send([(*command, NOW + SECOND)], NOW)
        way.turn()
        assert way.received(NOW + timedelta(minutes=5)) == []

    def test_done_with_what_is_not_there_is_no_error(self, way: Way):
        way.wan.done([1, 2, 3])
        way.wan.done([])

    @pytest.mark.parametrize("count", [1, 3])
    def test_no_more_than_asked_for(self, way: Way, count: int):
        way.send(*(way.command() for _ in range(5)))
        way.turn()
        assert len(way.wan.receive(count, NOW)) == count
