"""A departure in the world that can be killed: its DSP and devices in files, the operator's requests in process."""

import os
import signal
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from dsp_kill import kill_world as w
from trustcell import duis
from trustcell.adapters.campaign_store import SqlCampaigns
from trustcell.adapters.campaign_store.fleet import BooksFleet
from trustcell.campaigns import CampaignState, Departure, Limits
from trustcell.devices import Faults
from trustcell.dsp import Policy, Submission
from trustcell.vocab import Eui64

HIGH = 2**62
"""The operator counts from here, so that only who remembers its numbers can hand over afterwards."""
LIMITS = Limits(in_flight=256, per_hour=1_000_000, attempts=2, again_after=timedelta(minutes=20))


@dataclass
class NodeClient:
    """The leaving operator, at the doors of the DSP in this process, which may be killed after so many requests."""

    node: w.Node
    user: Eui64 = field(default_factory=lambda: w.cast().leaving.entity)
    sent: list[tuple[str, Eui64, int]] = field(default_factory=list)
    dies_after: int | None = None

    def replace(self, device: Eui64, counter: int, key_id: bytes) -> str:
        code = code_of(self.node.depart(w.cast().leaving, device, counter))
        self._sent("replace", device, counter)
        return code

    def read(self, device: Eui64, counter: int) -> str:
        self._sent("read", device, counter)
        ids = duis.RequestId(self.user, device, counter)
        body = duis.RetrieveDeviceSecurityCredentialsKRP((w.NO,))
        return code_of(self.node.submit(w.signed(w.cast().leaving, duis.Request(ids, 1, "6.24", "6.24.1", body))))

    def _sent(self, what: str, device: Eui64, counter: int) -> None:
        self.sent.append((what, device, counter))
        if len(self.sent) == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


def code_of(submission: Submission) -> str:
    return submission.code


class Life:
    """One life of DSP and campaign together."""

    def __init__(self, folder: Path, hours: int, policy: Policy | None = None) -> None:
        self.site = w.Site(folder)
        self.node = w.Node(self.site, w.BEGINS + timedelta(hours=hours), policy=policy)
        self.node.manager.resume(self.node.now)
        self.client = NodeClient(self.node)
        self.store = SqlCampaigns(f"sqlite:///{folder / 'campaigns.db'}")
        self.fleet = BooksFleet(self.site.url, w.cast().broker.entity)
        self.departure = Departure(self.store, self.fleet, self.client, "leaving")
        self._last = HIGH + hours * 10**9

    def number(self) -> int:
        self._last += 1
        return self._last

    def step(self) -> int:
        moved = self.departure.step(self.node.now, self.number)
        self.node.carry()
        while self.node.deliver():
            pass
        self.node.pass_time(minutes=1)
        return moved

    def to_the_end(self, most: int = 5000) -> None:
        for _ in range(most):
            self.step()
            if self.departure.campaign.state is not CampaignState.RUNNING:
                return
        raise AssertionError(f"it does not end: {self.store.counts('leaving')}")

    def close(self) -> None:
        self.fleet.close()
        self.store.close()
        self.node.close()


def settled(folder: Path, places: int, policy: Policy | None = None) -> None:
    """Every GPF in the hands of the operator that is going to leave."""
    w.found(folder, places)
    life = Life(folder, 1, policy)
    people, node = w.cast(), life.node
    for start in range(0, places, 64):
        items = [
            (w.signed(people.supplier, w.handover_request(people.leaving, w.gpf_of(place), place + 1)), w.SEND_DOOR)
            for place in range(start, min(start + 64, places))
        ]
        assert {each.code for each in node.manager.submit(items, node.now)} == {"I99"}
        node.carry()
    node.rest()
    assert len(life.fleet.gpfs_of(people.leaving.entity)) == places
    life.close()


def cut_off(life: Life, places: list[int]) -> None:
    """No way to these from now on."""
    for place in places:
        life.node.estate.set_faults(w.gpf_of(place), Faults(reachable=False))
    life.node.estate.save(life.node.estate_store)


def handed_over(folder: Path, places: int, hours: int, policy: Policy | None = None) -> list[Eui64]:
    """A 6.21 for the next operator to every device; those that took it."""
    life = Life(folder, hours, policy)
    people, node = w.cast(), life.node
    for place in range(places):
        node.register(people.arriving, place)
    for start in range(0, places, 64):
        items = [
            (
                w.signed(people.supplier, w.handover_request(people.arriving, w.gpf_of(place), 10**7 + place)),
                w.SEND_DOOR,
            )
            for place in range(start, min(start + 64, places))
        ]
        node.manager.submit(items, node.now)
        node.carry()
    node.rest()
    taken = [w.gpf_of(place) for place in range(places) if node.occupant(w.gpf_of(place)) == people.arriving.entity]
    life.close()
    return taken
