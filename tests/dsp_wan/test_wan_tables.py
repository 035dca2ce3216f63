"""The WAN through tables of a real PostgreSQL: the same contract, a stale owner fenced, firmware, one pump."""

import threading

import pytest

from devices.devices_lab import A0, NOW, Lab
from devices.han_world import MemoryStore, World
from dsp_wan.wan_contract import WanContract, Way
from trustcell.adapters.dsp_store import Settings, open_homes
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.wan_tables import POLL, TableWan, WanPump, make_wan_tables
from trustcell.devices import Faults
from trustcell.dsp import Fenced, partition
from trustcell.vocab import Unavailable


class ThroughTables(Way):
    """Two homes on one database; the worker under test has the one of ``A0``."""

    def __init__(self, world: World, url: str) -> None:
        super().__init__(world)
        self.url = url
        self.homes = open_homes(Settings(url, "test", homes=2))
        make_wan_tables(url)
        self.home = int(self.homes.home_of(A0))
        self.leases = []
        self.table = None
        self.killed_worker()
        self.pump = self._pump()

    @property
    def wan(self):
        return self.table

    def turn(self, now=NOW) -> None:
        while self.pump.turn(now):
            pass

    def killed_worker(self) -> None:
        """The connection is gone, and the home is held under the next epoch."""
        if self.table is not None:
            self.table.close()
        lease = self.homes.take(str(self.home), "worker", NOW)
        self.leases.append(lease)
        self.table = self.side(self.home, lease.epoch)

    def killed_han(self) -> None:
        self.pump.close()
        self.world.restarted()
        self.pump = self._pump()

    def side(self, home: int, epoch: int) -> TableWan:
        return TableWan(self.url, home, epoch, partition, lambda seconds: self.turn())

    def _pump(self) -> WanPump:
        return WanPump(self.url, HanWan(self.world.wan), lambda eui: int(self.homes.home_of(eui)))

    def close(self) -> None:
        self.pump.close()
        self.table.close()
        for lease in self.leases:
            lease.close()
        self.homes.close()


@pytest.fixture
def way(lab: Lab, postgresql):
    world = World(lab, MemoryStore())
    world.slow = Faults(delay=30)
    world.everybody()
    world.wan.done([])
    url = postgresql.new()
    made = ThroughTables(world, url)
    yield made
    made.close()
    postgresql.release(url)


class TestTableWan(WanContract):
    pass


def test_a_stale_owner_sends_nothing(way):
    """scale.md 2, item 6: its epoch has passed."""
    stale = way.table
    way.table = None
    way.killed_worker()
    command = way.command()
    with pytest.raises(Fenced):
        stale.send([(*command, NOW + POLL)], NOW)
    with pytest.raises(Fenced):
        stale.distribute(b"image", "00000001", [A0], NOW)
    stale.close()
    assert way.received() == []


def test_each_home_hears_of_its_own_devices(way):
    other = 1 - way.home
    lease = way.homes.take(str(other), "other", NOW)
    beside = way.side(other, lease.epoch)
    way.send(way.command())
    way.turn()
    assert beside.receive(64, NOW) == []
    assert len(way.wan.receive(64, NOW)) == 1
    beside.close()
    lease.close()


def test_what_could_not_be_learned_comes_again_at_once(way):
    way.send(way.command())
    first = way.received()
    assert first
    assert way.received() == first


def test_it_is_looked_for_again_after_a_pause(way):
    assert way.wan.next_at() is None
    way.wan.receive(1, NOW)
    assert way.wan.next_at() == NOW + POLL


def test_a_pump_that_dies_between_its_steps_repeats_them(way):
    """Killed after the HAN has a command and before its row is gone, and the same on the way back."""

    class Dying(HanWan):
        dying = True

        def done(self, handles):
            if self.dying:
                raise OSError("killed")
            super().done(handles)

    way.pump.close()
    way.pump = WanPump(way.url, Dying(way.world.wan), lambda eui: way.home)
    way.wan.send([(*way.command(), NOW + POLL * 100)], NOW)
    with pytest.raises(OSError, match="killed"):
        way.turn()
    way.killed_han()
    found = way.received()
    assert [counter for _, counter in found] == [way.world.counter]


def test_firmware_goes_through_and_says_whom_it_reached(way):
    way.world.estate.switch_off(A0, NOW)
    done = []
    image, devices = b"image", [A0, way.world.estate.book.place(A0).hub]
    thread = threading.Thread(target=lambda: done.append(way.wan.distribute(image, "00000001", devices, NOW)))
    thread.start()
    thread.join(30)
    (reached,) = done
    assert len(reached) == 2
    assert reached[0] is False


def test_firmware_that_nobody_brings_can_be_asked_for_again(way):
    idle = TableWan(way.url, way.home, way.leases[-1].epoch, partition, lambda seconds: None)
    with pytest.raises(Unavailable) as found:
        idle.distribute(b"image", "00000001", [A0], NOW)
    assert found.value.code == "wan_silent"
    assert len(way.wan.distribute(b"image", "00000001", [A0], NOW)) == 1
    idle.close()


def test_a_database_has_one_han(way):
    way.turn()
    second = WanPump(way.url, HanWan(way.world.wan), lambda eui: 0)
    with pytest.raises(Unavailable) as found:
        second.turn(NOW)
    assert found.value.code == "han_held"
    second.close()
