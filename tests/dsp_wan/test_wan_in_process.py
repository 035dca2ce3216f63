"""The WAN within one process."""

import pytest

from devices.devices_lab import Lab
from devices.han_world import MemoryStore, World
from dsp_wan.wan_contract import WanContract, Way
from trustcell.adapters.han_wan import HanWan
from trustcell.devices import Faults


class InProcess(Way):
    """Worker and devices die together."""

    @property
    def wan(self):
        return HanWan(self.world.wan)

    def turn(self, now=None) -> None:
        """Devices work when something is received."""

    def killed_worker(self) -> None:
        self.world.restarted()

    killed_han = killed_worker


class TestHanWan(WanContract):
    @pytest.fixture
    def way(self, lab: Lab):
        world = World(lab, MemoryStore())
        world.slow = Faults(delay=30)
        world.everybody()
        world.wan.done([])
        return InProcess(world)
