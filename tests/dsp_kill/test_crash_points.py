"""``kill -9`` at the points of 6.15.1 and 6.21: nothing acknowledged is lost, no number protects two octet strings.

Each round runs a whole exchange in a process that dies at its point; then the DSP starts again, its clients repeat
what they know no answer to, and the separate checker reads everything. ``TRUSTCELL_SOAK`` is how many rounds.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from databases import Cluster
from dsp_kill import kill_world as w
from dsp_kill.traps import SURVIVED, Point, Trap, ended, forked, stopped
from trustcell import duis
from trustcell.dsp import Delivery, Fenced
from trustcell.stories import Actor
from trustcell_audit.dsp import digest_of_books
from trustcell_audit.dsp.books import open_books

ROUNDS = max(3, int(os.environ.get("TRUSTCELL_SOAK", "0")))
GPF = w.gpf_of(0)


@dataclass(frozen=True)
class Round:
    """One departure and one handover: who leaves under which number, who comes by which requests."""

    leaves: Actor
    counter: int
    comes: Actor
    number: int
    begins: datetime
    executes: datetime | None = None

    @property
    def departure(self) -> duis.Request:
        return w.update_request(self.leaves, GPF, self.counter, self.executes)

    @property
    def cancellation(self) -> duis.Request:
        return w.update_request(self.leaves, GPF, self.counter + 1, duis.CANCEL)

    @property
    def handover(self) -> bytes:
        return w.signed(w.cast().supplier, w.handover_request(self.comes, GPF, self.number))


class Forgetful:
    """A network that does not repeat: what it gave out once is gone."""

    def __init__(self, wan: Any) -> None:
        self._wan = wan

    def receive(self, limit: int, now: datetime) -> Any:
        arrived = self._wan.receive(limit, now)
        self._wan.done([handle for handle, _, _ in arrived])
        return arrived

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wan, name)


# ---- the life of a process that dies --------------------------------------------------------------------------------


def live(site: w.Site, trap: Trap, this: Round, script: "Script", *, forgetful: bool) -> None:
    def wrap(name: str, port: Any) -> Any:
        return trap.wrap(name, Forgetful(port) if forgetful and name == "wan" else port)

    node = w.Node(site, this.begins, wrap)
    node.manager.resume(node.now)
    script(node, trap, this)
    node.close()


Script = Callable[[w.Node, Trap, Round], None]


def carry(node: w.Node, trap: Trap, which: str) -> None:
    """One command to the device, its answer back, and what follows to the users, with a name for every step."""
    node.pass_time(seconds=1)
    trap.phase = f"dispatch {which}"
    node.manager.dispatch(node.now)
    trap.phase = f"device {which}"
    node.wan.work(node.now)
    trap.meet("device", "after")
    trap.phase = f"collect {which}"
    node.manager.collect(node.now)
    trap.phase = f"deliver {which}"

    def receive(_delivery: Delivery) -> str:
        trap.meet("receiver", "before")
        return "200"

    node.deliver(receive)
    trap.phase = ""


def depart(node: w.Node, trap: Trap, actor: Actor, request: duis.Request) -> None:
    trap.phase = "transform"
    offered = node.submit(w.signed(actor, request), w.TRANSFORM_DOOR)
    assert offered.response is not None
    pre_command = w.pre_command_of(offered.response)
    assert pre_command is not None, offered.code
    trap.phase = "send"
    sent = w.signed(actor, duis.signed_pre_command(request, w.sign_pre_command(pre_command, actor)))
    assert node.submit(sent).code == "I99"


def leave_and_come(node: w.Node, trap: Trap, this: Round) -> None:
    depart(node, trap, this.leaves, this.departure)
    carry(node, trap, "6.15.1")
    trap.phase = "handover"
    assert node.submit(this.handover).code == "I99"
    carry(node, trap, "6.21")


def leave_later(node: w.Node, trap: Trap, this: Round) -> None:
    depart(node, trap, this.leaves, this.departure)
    carry(node, trap, "6.15.1")
    node.pass_time(hours=1)
    carry(node, trap, "alert")


def leave_later_and_cancel(node: w.Node, trap: Trap, this: Round) -> None:
    depart(node, trap, this.leaves, this.departure)
    carry(node, trap, "6.15.1")
    trap.phase = ""
    depart(node, trap, this.leaves, this.cancellation)
    carry(node, trap, "cancellation")


def come_again(node: w.Node, trap: Trap, this: Round) -> None:
    """K31: the answer to the first 6.21 is lost, so the supplier asks again under another ID."""
    depart(node, trap, this.leaves, this.departure)
    carry(node, trap, "6.15.1")
    trap.phase = ""
    assert node.submit(this.handover).code == "I99"
    node.manager.dispatch(node.now)
    node.wan.work(node.now)
    for parcel in node.estate.post.parcels():
        node.estate.post.strike(parcel.handle)
    node.wan.done([])
    node.pass_time(minutes=6)
    node.manager.run_due(node.now)
    trap.phase = "again"
    again = w.signed(w.cast().supplier, w.handover_request(this.comes, GPF, this.number + 1))
    assert node.submit(again).code == "I99"
    carry(node, trap, "6.21 again")


# ---- after it -------------------------------------------------------------------------------------------------------


def repeated(node: w.Node, octets: bytes, door: str = w.SEND_DOOR) -> bytes | None:
    """A client asks again; a refusal changed nothing but the log."""

    def digest() -> str:
        with open_books(node.site.url, "lease") as books:
            return digest_of_books(books)

    before = digest()
    (submission,) = node.manager.submit([(octets, door)], node.now)
    refused = {"before": before, "after": digest()} if submission.refusal is not None else {}
    node.tell(octets, submission, **refused)
    assert submission.code in ("I0", "I99", "E62"), submission.refusal
    return None if submission.response is None else w.pre_command_of(submission.response)


def repeat_departure(node: w.Node, actor: Actor, request: duis.Request) -> None:
    offered = repeated(node, w.signed(actor, request), w.TRANSFORM_DOOR)
    if offered is not None:
        sent = duis.signed_pre_command(request, w.sign_pre_command(offered, actor))
        repeated(node, w.signed(actor, sent))


def read_if_unsure(node: w.Node, number: int) -> None:
    """Whoever was told of silence reads the slot, which repairs slot and counter."""
    node.rest()
    if node.known(GPF) != node.occupant(GPF):
        node.read(GPF, number)
        node.rest()
    assert node.known(GPF) == node.occupant(GPF)


def recover(site: w.Site, this: Round, now: datetime) -> datetime:
    """Start again, let the clients repeat, and go on until the new operator sits in the slot."""
    node = w.Node(site, now)
    node.manager.resume(node.now)
    node.look()
    repeat_departure(node, this.leaves, this.departure)
    node.rest()
    if this.executes is not None:
        node.now = max(node.now, this.executes + timedelta(seconds=1))
    read_if_unsure(node, this.number + 2)
    broker = w.cast().broker.entity
    if node.occupant(GPF) == broker:
        _, told_by, _ = node.homes.views.highest(GPF) or (0, "", None)
        assert told_by, "a departure that happened has taught its number"
    repeated(node, this.handover)
    read_if_unsure(node, this.number + 3)
    if node.occupant(GPF) == broker:
        assert node.hand_over(this.comes, GPF, this.number + 4).code == "I99"
        node.rest()
    assert node.occupant(GPF) == node.known(GPF) == this.comes.entity
    node.register(this.comes, 0)
    node.look()
    node.close()
    assert site.problems(at_rest=True) == []
    return node.now


def recover_cancelled(site: w.Site, this: Round, now: datetime) -> datetime:
    """K22: the cancellation was accepted, so the operator stays, whenever the device hears of it."""
    node = w.Node(site, now)
    node.manager.resume(node.now)
    repeat_departure(node, this.leaves, this.cancellation)
    node.rest()
    assert this.executes is not None
    node.now = max(node.now, this.executes) + timedelta(days=2)
    node.rest()
    assert node.occupant(GPF) == node.known(GPF) == this.leaves.entity
    codes = {each.code for each in node.homes.views.requests(user=this.leaves.entity, device=GPF, after=None, limit=99)}
    assert "E30" in codes
    node.look()
    node.close()
    assert site.problems(at_rest=True) == []
    return node.now


def play(site: w.Site, point: Point, script: Script, *, forgetful: bool = False, later: bool = False) -> None:
    """Rounds of death and recovery, each from where the one before ended."""
    people, now = w.cast(), w.BEGINS + timedelta(hours=1)
    here, there = people.leaving, people.arriving
    cancels = script is leave_later_and_cancel
    failure = site.folder / "failure"
    for number in range(1, ROUNDS + 1):
        now += timedelta(minutes=1)
        executes = now + timedelta(minutes=30) if later or cancels else None
        this = Round(here, 2**62 + number * 1000, there, number * 1000, now, executes)
        trap = Trap(point)
        how = ended(forked(lambda t=trap, r=this: live(site, t, r, script, forgetful=forgetful), failure), failure)
        assert how == -signal.SIGKILL, "the point was not reached"
        after = now + timedelta(seconds=30)
        now = recover_cancelled(site, this, after) if cancels else recover(site, this, after)
        if not forgetful and script is not come_again:
            assert "E21" not in codes(site, now), "an answer that the network still had was not taken"
        if not cancels:
            here, there = there, here


def codes(site: w.Site, now: datetime) -> set[str]:
    """How every request so far ended."""
    node = w.Node(site, now)
    requests = node.homes.views.requests(user=None, device=GPF, after=None, limit=999)
    node.abandon()
    return {each.code for each in requests}


UPDATE = {
    "K2 parsed and verified, nothing recorded": Point("transform", "store.facts", "before"),
    "K3 transform computed, not recorded": Point("transform", "store.commit", "before"),
    "K5 answer half sent": Point("transform", "store.commit", "after"),
    "K6 signed pre-command received, not recorded": Point("send", "store.commit", "before"),
    "K8 recorded and to be acknowledged": Point("send", "store.commit", "after"),
    "K9 command built and MACed, outbox not committed": Point(
        "send", "sql COMMIT", "before", within="INSERT INTO command "
    ),
    "K9 outbox row written, the rest not": Point("send", "sql INSERT INTO command ", "after"),
    "K10 outbox committed, not sent": Point("dispatch 6.15.1", "wan.send", "before"),
    "K11 sent, not marked sent": Point("dispatch 6.15.1", "wan.send", "after"),
    "K12 executed, response on the way": Point("device 6.15.1", "device", "after"),
    "K15 verified, before the learn transaction": Point("collect 6.15.1", "store.commit", "before"),
    "K16 counter row written, slot row not": Point(
        "collect 6.15.1", "sql INSERT INTO gpf_network_operator_floor", "after"
    ),
    "K16 slot row written, nothing committed": Point("collect 6.15.1", "sql INSERT INTO slot ", "after"),
    "K16 everything written, nothing committed": Point(
        "collect 6.15.1", "sql COMMIT", "before", within="INSERT INTO slot "
    ),
    "K15 learned, not done at the network": Point("collect 6.15.1", "wan.done", "before"),
    "K18 callback sent, 2xx not recorded": Point("deliver 6.15.1", "store.settle_deliveries", "before"),
}
HANDOVER = {
    "K25 counter computed, nothing reserved": Point("handover", "sql INSERT INTO request ", "before"),
    "K27 broker's counter written, floor row not": Point("handover", "sql INSERT INTO originator_counter", "after"),
    "K27 floor row written, nothing committed": Point("handover", "sql UPDATE gpf_network_operator_floor", "after"),
    "K27 everything written, nothing committed": Point(
        "handover", "sql COMMIT", "before", within="INSERT INTO spent_counter"
    ),
    "K28 reserved, not built": Point("handover", "store.reserve", "after"),
    "K28 signed by the broker, outbox not committed": Point("handover", "broker.sign", "after"),
    "K28 outbox row written, not committed": Point("handover", "sql INSERT INTO command ", "after"),
    "K29 outbox committed, not sent": Point("dispatch 6.21", "wan.send", "before"),
    "K29 sent, not marked sent": Point("dispatch 6.21", "wan.send", "after"),
    "K32 response verified, nothing updated": Point("collect 6.21", "store.commit", "before"),
    "K32 slot updated, the rest not": Point("collect 6.21", "sql INSERT INTO slot ", "after"),
    "K33 supplier told, new operator not": Point("deliver 6.21", "receiver", "before", nth=2),
}
AGAIN = {
    "K31 retry asked, number taken": Point("again", "store.reserve", "after"),
    "K31 retry recorded, not sent": Point("dispatch 6.21 again", "wan.send", "before"),
    "K31 retry answered by silence": Point("device 6.21 again", "device", "after"),
}


@pytest.mark.parametrize("name", UPDATE)
def test_6_15_1(name: str, site: w.Site) -> None:
    play(site, UPDATE[name], leave_and_come)


ON_POSTGRESQL = (
    "K9 command built and MACed, outbox not committed",
    "K16 counter row written, slot row not",
    "K27 broker's counter written, floor row not",
    "K28 signed by the broker, outbox not committed",
    "K32 slot updated, the rest not",
)


@pytest.mark.parametrize("name", ON_POSTGRESQL)
def test_on_postgresql(name: str, postgresql: Cluster, place: Path) -> None:
    url = postgresql.new()
    site = w.found(place / "site", 1, url)
    node = w.Node(site, w.BEGINS)
    assert node.hand_over(w.cast().leaving, GPF, 1).code == "I99"
    node.rest()
    node.look()
    node.close()
    play(site, (UPDATE | HANDOVER)[name], leave_and_come)
    postgresql.release(url)


def test_6_15_1_k13_the_response_is_received_and_gone(site: w.Site) -> None:
    """The device does not repeat: E21, and then the slot is read, which repairs slot and counter."""
    play(site, Point("collect 6.15.1", "store.commit", "before"), leave_and_come, forgetful=True)
    assert "E21" in codes(site, w.BEGINS + timedelta(days=30))


@pytest.mark.parametrize("name", HANDOVER)
def test_6_21(name: str, site: w.Site) -> None:
    play(site, HANDOVER[name], leave_and_come)


@pytest.mark.parametrize("name", AGAIN)
def test_6_21_asked_again(name: str, site: w.Site) -> None:
    play(site, AGAIN[name], come_again)


def test_k23_the_alert_of_an_execution_is_received_and_not_learned(site: w.Site) -> None:
    play(site, Point("collect alert", "store.commit", "before"), leave_later, later=True)


STOPS = {
    "facts gathered by nobody": Point("handover", "store.facts", "before"),
    "nothing reserved": Point("handover", "store.reserve", "before"),
    "reserved, not built": Point("handover", "store.reserve", "after"),
    "signed, outbox not committed": Point("handover", "store.commit", "before"),
}


@pytest.mark.parametrize("name", STOPS)
def test_k34_a_paused_worker_cannot_commit_when_another_has_taken_over(name: str, site: w.Site) -> None:
    people, failure = w.cast(), site.folder / "failure"
    now, here, there = w.BEGINS + timedelta(hours=1), people.leaving, people.arriving
    for number in range(1, ROUNDS + 1):
        now += timedelta(minutes=1)
        this = Round(here, 2**62 + number * 1000, there, number * 1000, now)
        trap = Trap(STOPS[name], signal.SIGSTOP)
        pid = forked(lambda t=trap, r=this: fenced(site, t, r), failure)
        stopped(pid)
        now = recover(site, this, now + timedelta(seconds=30))
        os.kill(pid, signal.SIGCONT)
        assert ended(pid, failure) == SURVIVED
        assert site.problems(at_rest=True) == []
        here, there = there, here


def fenced(site: w.Site, trap: Trap, this: Round) -> None:
    """The life of a worker that is stopped and goes on too late."""
    node = w.Node(site, this.begins, trap.wrap)
    depart(node, trap, this.leaves, this.departure)
    carry(node, trap, "6.15.1")
    trap.phase = "handover"
    with pytest.raises(Fenced):
        node.manager.submit([(this.handover, w.SEND_DOOR)], node.now)
    with pytest.raises(Fenced):
        node.held.renew(node.now)


@pytest.mark.parametrize("call", ["before", "after"])
def test_k22_a_cancellation_is_accepted_and_not_sent(call: str, site: w.Site) -> None:
    play(site, Point("dispatch cancellation", "wan.send", call), leave_later_and_cancel)
