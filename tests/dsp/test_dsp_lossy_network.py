"""Operators come and go over a network that drops, repeats, reorders and delays; I1, I2, and every informed 6.21 lands.

``TRUSTCELL_SOAK`` multiplies the examples.
"""

import os
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dsp import dsp_world as w
from trustcell import devices, gbcs
from trustcell.dsp import Command, Submission
from trustcell.vocab import MAX_SEQ_NUMBER, Refused

SOAK = int(os.environ.get("TRUSTCELL_SOAK", "1"))
OPERATORS = st.sampled_from((0, 1))
PICK = st.integers(0, 1000)
STEPS = st.one_of(st.integers(1, 5), st.integers(1, 2**50), st.just(2**62))
CALM = st.sampled_from((True, True, True, False))
"""Mostly the network just works; else no story would get anywhere."""
HALVES = st.sampled_from(("both", "both", "both", "signing", "agreement"))


@dataclass(frozen=True)
class Flying:
    """A command on its way, and whether the DSP knew the state of the slot when it built it."""

    command: Command
    informed: bool
    epoch: int


@dataclass(frozen=True)
class Answer:
    """An answer on its way, and the device's epoch when it was sent."""

    octets: bytes
    epoch: int
    tells: bool


class LossyNetwork(RuleBasedStateMachine):
    """One GPF. An epoch ends with every command the device accepts for its Network Operator slot."""

    @initialize(policy=st.sampled_from(devices.FloorPolicy))
    def begins(self, policy: devices.FloorPolicy) -> None:
        self.world = w.world(policy=devices.DevicePolicy(policy))
        self.commands: list[Flying] = []
        self.answers: list[Answer] = []
        self.epoch = self.known = 0
        self.octets: dict[object, bytes] = {}
        self.highest = -1

    def _operators(self) -> tuple[w.Actor, w.Actor]:
        return w.cast().leaving, w.cast().arriving

    def _fly(self, submission: Submission, calm: bool, informed: bool = False) -> None:
        command = submission.command
        assert command is not None, submission.refusal
        key = command.key
        assert self.octets.setdefault(key, command.octets) == command.octets
        self.commands.append(Flying(command, informed, self.epoch))
        if calm:
            waiting = len(self.answers)
            self._arrive(self.commands.pop())
            for answer in self.answers[waiting:]:
                self._answer(answer)
            del self.answers[waiting:]

    # ---- users ----

    @rule(operator=OPERATORS, calm=CALM)
    def hand_over(self, operator: int, calm: bool) -> None:
        party = self._operators()[operator]
        informed = self.known == self.epoch
        submission = self.world.handover(party)
        if submission.refusal is not None:
            codes = {"slot_not_broker", "counter_exhausted"}
            assert submission.refusal.code in codes
            if submission.refusal.code == "slot_not_broker" and self.world.occupant() == w.cast().broker.entity:
                (reception,) = self.world.exchange(self.world.read(w.NO))
                assert reception.verdict == "response"
                self.known, informed = self.epoch, True
                submission = self.world.handover(party)
        if submission.refusal is None:
            self._fly(submission, calm, informed)
        else:
            assert self.world.highest == MAX_SEQ_NUMBER or self.world.occupant() != w.cast().broker.entity

    @rule(step=STEPS, halves=HALVES, floor=st.sampled_from((None, 0, 7)), low=st.booleans(), calm=CALM)
    def leave(self, step: int, halves: str, floor: int | None, low: bool, calm: bool) -> None:
        stored = self.world.device.usc(w.NO)
        low = low and not calm
        counter = min(max(1, stored - step) if low else stored + step, MAX_SEQ_NUMBER - 50)
        occupant = self.world.occupant()
        operator = next((party for party in self._operators() if party.entity == occupant), self._operators()[0])
        body: dict[str, object] = {"floor_seq_number": floor}
        if halves != "both":
            body["key_agreement_certificate" if halves == "signing" else "digital_signing_certificate"] = None
        submission = self.world.update(operator, counter, **body)
        if submission.refusal is None:
            self._fly(submission, calm)
        else:
            assert submission.refusal.code == "request_id_used"

    @rule(calm=CALM)
    def look(self, calm: bool) -> None:
        self._fly(self.world.read(w.NO), calm)

    # ---- network ----

    @precondition(lambda self: self.commands)
    @rule(pick=PICK, again=st.booleans())
    def command_arrives(self, pick: int, again: bool) -> None:
        at = pick % len(self.commands)
        self._arrive(self.commands[at] if again else self.commands.pop(at))

    def _arrive(self, flying: Flying) -> None:
        world, before = self.world, self.world.occupant()
        stored = world.device.usc(w.NO)
        answers = world.carry(flying.command)
        if world.device.usc(w.NO) != stored or (answers and flying.command.service_variant != "6.24.1"):
            self.epoch += 1
        hopeful = flying.informed and flying.epoch == self.epoch and before == w.cast().broker.entity
        if flying.command.service_variant == "6.21" and hopeful:
            assert answers, (flying.command.key.counter, stored)
        tells = flying.command.service_variant in ("6.24.1", "6.15.1")
        self.answers += [Answer(answer, self.epoch, tells) for answer in answers]

    @precondition(lambda self: self.commands)
    @rule(pick=PICK)
    def command_is_lost(self, pick: int) -> None:
        self.commands.pop(pick % len(self.commands))

    @precondition(lambda self: self.answers)
    @rule(pick=PICK, again=st.booleans())
    def answer_arrives(self, pick: int, again: bool) -> None:
        at = pick % len(self.answers)
        self._answer(self.answers[at] if again else self.answers.pop(at))

    def _answer(self, answer: Answer) -> None:
        reception = self.world.take(answer.octets)
        assert reception.verdict in ("response", "repeated")
        message = gbcs.decode(answer.octets)
        if answer.tells:
            self.known = max(self.known, answer.epoch)
            left = message.target != w.cast().broker.entity and reception.learned is not None
            assert not left or message.originator_counter <= (self.world.highest or 0)

    @precondition(lambda self: self.answers)
    @rule(pick=PICK)
    def answer_is_lost(self, pick: int) -> None:
        self.answers.pop(pick % len(self.answers))

    # ---- time, faults ----

    @rule(pick=PICK)
    def timer_ends(self, pick: int) -> None:
        outbox = self.world.manager.outbox()
        if outbox:
            command = outbox[pick % len(outbox)]
            self.world.manager.time_out(command, self.world.now)
            with pytest.raises(Refused):
                self.world.manager.time_out(command, self.world.now)

    @rule(pick=PICK)
    def sent_again(self, pick: int) -> None:
        outbox = self.world.manager.outbox()
        if outbox:
            self.commands.append(Flying(outbox[pick % len(outbox)], False, self.epoch))

    @rule(seconds=st.integers(-(10**8), 10**8))
    def clock_jumps(self, seconds: int) -> None:
        self.world.now = min(
            max(self.world.now + timedelta(seconds=seconds), w.BEGINS), w.BEGINS + timedelta(days=2000)
        )

    @rule()
    def restarts(self) -> None:
        self.world.manager = w.manager_for(self.world.ledger, self.world.device)
        assert self.world.manager.resume(self.world.now) == ([], [])

    # ---- what holds always ----

    @invariant()
    def highest_never_falls(self) -> None:
        if hasattr(self, "world"):
            highest = self.world.highest
            assert highest is None or highest >= self.highest
            self.highest = self.highest if highest is None else highest

    def teardown(self) -> None:
        """In the end, read, hand over: the slot can always be saved unless the numbers have run out."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.exchange(world.read(w.NO))
        if world.occupant() == w.cast().broker.entity and (world.highest or 0) < MAX_SEQ_NUMBER:
            world.operator_takes_over()


LossyNetwork.TestCase.settings = settings(
    max_examples=60 * SOAK,
    stateful_step_count=40,
    deadline=None,
    derandomize=SOAK == 1,
    suppress_health_check=list(HealthCheck),
)
TestLossyNetwork = LossyNetwork.TestCase
