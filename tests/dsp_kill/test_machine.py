"""Operators, a supplier, the DSP and ten devices over a lossy network, with crashes and clocks that jump.

Hypothesis chooses what happens; everything is written to a history, and the separate checker decides. When it finds
something, books, devices and history of the run are kept below ``.cache/dsp-machine``; ``make soak`` looks for new
runs, and Hypothesis keeps the choices of one that failed in its example database.
"""

import os
import random
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from dsp_kill import kill_world as w
from trustcell import duis
from trustcell.adapters.dsp_store import SqlHome
from trustcell.adapters.dsp_store.session import Session
from trustcell.devices import NO_FAULTS, Faults
from trustcell.dsp import Fenced
from trustcell.stories import Actor
from trustcell_audit.dsp import digest_of_books
from trustcell_audit.dsp.books import open_books

PLACES = 5
"""Hubs; each has its GPF, so there are ten devices."""
SOAK = int(os.environ.get("TRUSTCELL_SOAK", "0"))
KEPT = Path(__file__).resolve().parents[2] / ".cache" / "dsp-machine"
OPERATORS = st.sampled_from(["leaving", "arriving"])
PLACE = st.integers(0, PLACES - 1)
FAULTS = st.sampled_from(
    [NO_FAULTS, Faults(lost=0.5), Faults(twice=0.7), Faults(late=0.7, delay=2), Faults(delay=400), Faults(lost=1.0),
     Faults(reachable=False), Faults(lost=0.3, twice=0.3, late=0.3, delay=5)]
)  # fmt: skip
STEPS = st.sampled_from([-3600, -1, 1, 3600, 86_400])


class Killed(BaseException):
    """The process is gone."""


class Fragile:
    """A port, or a database connection, whose process is killed before the n-th call from now on."""

    def __init__(self, port: Any, machine: "Machine") -> None:
        self._port, self._machine = port, machine

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found) or name in ("close", "cursor", "rollback", "commit"):
            return found

        def called(*arguments: Any) -> Any:
            if arguments[:1] != ("ROLLBACK",):
                self._machine.count()
            return found(*arguments)

        return called


class Machine(RuleBasedStateMachine):
    """Bundles are not needed: whatever was sent is remembered here."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="trustcell-kill-", dir=memory if memory.is_dir() else None))
        self.site = w.Site(self.template, PLACES).copy(self.folder / "site")
        self.left, self.number, self.steps, self.latest = 0, 0, 0, w.BEGINS
        self.sent: list[tuple[bytes, str]] = []
        self.node = self.opened(w.BEGINS + timedelta(hours=1))

    # ---- lives ----

    def opened(self, now: Any) -> w.Node:
        self.left = 0

        def wrap(name: str, port: Any) -> Any:
            if isinstance(port, SqlHome):
                session = Session(port._engine)
                session._driver = Fragile(session._driver, self)
                port._session = session
                return port
            return Fragile(port, self)

        node = w.Node(self.site, now, wrap)
        node.manager.resume(now)
        return node

    def count(self) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                raise Killed

    def alive(self, action: Any) -> None:
        """Do something; who is killed meanwhile begins anew, and its client does not know what came of it."""
        self.latest = max(self.latest, self.node.now)
        try:
            action()
        except Killed:
            now = self.node.now
            self.node.abandon()
            self.checked()
            self.node = self.opened(now + timedelta(seconds=1))

    def checked(self, *, at_rest: bool = False) -> None:
        problems = self.site.problems(at_rest=at_rest)
        if problems:
            kept = KEPT / f"{self.folder.name}"
            shutil.copytree(self.folder, kept, dirs_exist_ok=True)
            raise AssertionError("\n".join([*map(str, problems), f"kept in {kept}"]))

    # ---- what users do ----

    def ask(self, octets: bytes, door: str = w.SEND_DOOR) -> bytes | None:
        node = self.node
        self.sent.append((octets, door))
        (submission,) = node.manager.submit([(octets, door)], node.now)
        node.tell(octets, submission)
        return None if submission.response is None else w.pre_command_of(submission.response)

    def next(self) -> int:
        self.number += 1
        return 1000 + self.number

    @rule(place=PLACE, who=OPERATORS, above=st.integers(-2, 2**40), later=st.sampled_from([None, None, 1800, "cancel"]))
    def depart(self, place: int, who: str, above: int, later: Any) -> None:
        actor: Actor = getattr(w.cast(), who)
        device = w.gpf_of(place)

        def action() -> None:
            counter = max(self.node.estate.book.device(device).usc(w.NO) + above, 1)
            executes = duis.CANCEL if later == "cancel" else later and self.node.now + timedelta(seconds=later)
            request = w.update_request(actor, device, counter, executes)
            offered = self.ask(w.signed(actor, request), w.TRANSFORM_DOOR)
            if offered is not None:
                self.ask(w.signed(actor, duis.signed_pre_command(request, w.sign_pre_command(offered, actor))))

        self.alive(action)

    @rule(place=PLACE, who=OPERATORS, later=st.sampled_from([None, None, None, 600, "cancel"]))
    def hand_over(self, place: int, who: str, later: Any) -> None:
        number = self.next()

        def action() -> None:
            executes = duis.CANCEL if later == "cancel" else later and self.node.now + timedelta(seconds=later)
            request = w.handover_request(getattr(w.cast(), who), w.gpf_of(place), number, executes)
            self.ask(w.signed(w.cast().supplier, request))

        self.alive(action)

    @rule(place=PLACE)
    def read(self, place: int) -> None:
        number = self.next()
        self.alive(lambda: self.ask(w.signed(w.cast().supplier, w.details_request(w.gpf_of(place), number))))

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 2**16))
    def repeat(self, which: int) -> None:
        """A client that has no answer sends the same octets; a refusal changes nothing but the log."""
        octets, door = self.sent[which % len(self.sent)]

        def digest() -> str:
            with open_books(self.site.url, "lease") as books:
                return digest_of_books(books)

        def action() -> None:
            before = digest()
            (submission,) = self.node.manager.submit([(octets, door)], self.node.now)
            refused = {"before": before, "after": digest()} if submission.refusal is not None else {}
            self.node.tell(octets, submission, **refused)

        self.alive(action)

    @rule(place=PLACE, who=OPERATORS)
    def register(self, place: int, who: str) -> None:
        self.node.pass_time(microseconds=1)
        self.alive(lambda: self.node.register(getattr(w.cast(), who), place))

    # ---- what else happens ----

    @rule(seconds=st.sampled_from([0, 1, 30, 400, 2000]))
    def go_on(self, seconds: int) -> None:
        self.alive(lambda: self.node.carry(seconds))

    @rule(said=st.sampled_from(["200", "200", "503"]))
    def deliver(self, said: str) -> None:
        self.alive(lambda: self.node.deliver(lambda _delivery: said))

    @rule(place=PLACE, faults=FAULTS)
    def network(self, place: int, faults: Faults) -> None:
        self.node.estate.set_faults(w.gpf_of(place), faults)

    @rule(place=PLACE, octets=st.binary(max_size=40))
    def noise(self, place: int, octets: bytes) -> None:
        self.alive(lambda: self.node.manager.receive([octets], self.node.now))

    @rule(place=PLACE, seed=st.integers(0, 2**16))
    def forgery(self, place: int, seed: int) -> None:
        """An answer that was heard before, with some octet changed: it teaches nothing."""
        dice = random.Random(seed)
        with open_books(self.site.url, "inbound") as books:
            heard = books.all("SELECT octets FROM inbound WHERE verdict = 'response' ORDER BY number")
        if heard:
            octets = bytearray(dice.choice(heard)[0])
            octets[dice.randrange(len(octets))] ^= 1 << dice.randrange(8)
            before = [self.node.homes.views.highest(w.gpf_of(each)) for each in range(PLACES)]
            self.alive(lambda: self.node.manager.receive([bytes(octets)], self.node.now))
            assert before == [self.node.homes.views.highest(w.gpf_of(each)) for each in range(PLACES)]

    @rule(seconds=STEPS)
    def clock(self, seconds: int) -> None:
        self.latest = max(self.latest, self.node.now)
        self.node.pass_time(seconds=seconds)

    @rule(calls=st.integers(1, 40))
    def doom(self, calls: int) -> None:
        """The process will be killed so many calls or statements from now."""
        self.left = calls

    @rule()
    def restart(self) -> None:
        """Process and database end in good order, or the process simply stops."""
        now = self.node.now
        self.left = 0
        self.node.close()
        self.checked()
        self.node = self.opened(now)

    @rule()
    def take_over(self) -> None:
        """Another process takes the home while this one still lives: the old one can write no more."""
        old = self.node
        self.left = 0
        old.estate.save(old.estate_store)
        self.node = self.opened(old.now)
        with pytest.raises(Fenced):
            old.manager.submit([(w.signed(w.cast().supplier, w.details_request(w.gpf_of(0), 7)), w.SEND_DOOR)], old.now)
        old.abandon()

    @rule()
    def look(self) -> None:
        self.node.look()

    def teardown(self) -> None:
        """The network heals, everybody comes to rest, slots are read: then all invariants hold at rest."""
        self.left = 0
        try:
            node = self.node
            node.now = max(node.now, self.latest) + timedelta(hours=1)
            for place in range(PLACES):
                node.estate.set_faults(w.gpf_of(place), NO_FAULTS)
            node.rest()
            for place in range(PLACES):
                node.read(w.gpf_of(place), self.next())
            node.rest()
            node.look()
            for place in range(PLACES):
                assert node.known(w.gpf_of(place)) == node.occupant(w.gpf_of(place))
            node.close()
            self.checked()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def test_whatever_happens_the_invariants_hold(tmp_path: Path) -> None:
    Machine.template = w.found(tmp_path / "template", PLACES).folder
    chosen = settings(
        max_examples=24 * max(SOAK, 1), stateful_step_count=100 if SOAK else 50, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    run_state_machine_as_test(Machine, settings=chosen)
