"""I11 over a whole home network: stored numbers rise or a floor sets them, cells change by authorised commands alone.

Parties, counters, floors and spoiled octets are drawn, the network is lossy, and the process dies now and then; a model
of a few lines says what every device has to remember.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from devices.devices_lab import A0, A1, A2, A3, ACB, NO, NO_DS, NOW, SUP, SUP2, Lab, Role
from devices.han_world import A4, KEY, SECOND, MemoryStore, World
from trustcell.devices import NO_FAULTS, DeviceState, Faults, views
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.gcs28 import SetTime
from trustcell.gbcs.usecases.whitelist import AddToWhitelist, RemoveFromWhitelist
from trustcell.vocab import Eui64

STEPS = st.sampled_from([1, 0, 1, 7, -1])
"""How far a counter is above the stored one; equal is a replay."""

SPOILED = st.sampled_from([False, False, False, True])
FLOORS = st.none() | st.integers(-2, 9)
SOMEBODY = st.sampled_from([A0, A4])


class Network(RuleBasedStateMachine):
    """The world and what it ought to remember."""

    lab: Lab

    @initialize()
    def begin(self) -> None:
        self.world = World(self.lab, MemoryStore())
        self.world.everybody()
        self.world.wan.done([])
        self.now = NOW
        self.sent = 0
        self.operator, self.operator_number = ACB, 0
        self.supplier_number = self.broker_number = 0
        self.admitted: set[Eui64] = {A0, A1, A4}
        self.cells = {eui: self.world.device(eui).cells() for eui in (A0, A1, A2, A4)}

    def deliver(self, eui: Eui64, octets: bytes, spoiled: bool) -> bool:
        """Whether a response came; a way that loses nothing brings it at once."""
        if spoiled:
            octets = octets[:-1] + bytes([octets[-1] ^ 1])
        self.sent += 1
        self.now += SECOND
        self.world.put_on_the_way(eui, octets, self.now, name=f"{self.sent}")
        found = self.world.collect(self.now)
        return any(message.cra is Cra.RESPONSE for message in found)

    def send(self, eui: Eui64, code: int, value: object, who: Eui64, counter: int, *, signed: bool) -> bytes:
        payload = encode_payload(code, Cra.COMMAND, value, counter)
        signer = self.lab.of(who, "DS") if signed else None
        return self.lab.send(self.world.device(eui), who, code, counter, payload, signer=signer)

    @rule(step=STEPS, above=FLOORS, leaves=st.booleans(), spoiled=SPOILED)
    def operator_cells(self, step: int, above: int | None, leaves: bool, spoiled: bool) -> None:
        device = self.world.device(A3)
        counter = max(0, self.operator_number + step)
        floor = None if above is None else max(0, self.operator_number + above)
        octets = (self.lab.give_back if leaves else self.lab.hand_over)(device, counter, floor=floor)
        sender, taker = (NO, ACB) if leaves else (ACB, NO)
        accepted = sender == self.operator and counter > self.operator_number and not spoiled
        assert self.deliver(A3, octets, spoiled) == accepted
        if accepted:
            self.operator, self.operator_number = taker, max(counter, floor or 0)

    @rule(step=STEPS, who=st.sampled_from([SUP, SUP, SUP2, ACB]), late=st.booleans(), spoiled=SPOILED)
    def gas_clock(self, step: int, who: Eui64, late: bool, spoiled: bool) -> None:
        counter = max(0, self.supplier_number + step)
        start = self.now + (timedelta(hours=-2) if late else timedelta(seconds=-5))
        value = SetTime(start, start + timedelta(minutes=1))
        octets = self.send(A1, 0x007F, value, who, counter, signed=True)
        accepted = A1 in self.admitted and who == SUP and counter > self.supplier_number and not spoiled
        assert self.deliver(A1, octets, spoiled) == accepted
        if accepted:
            self.supplier_number = counter

    @rule(step=STEPS, who=st.sampled_from([ACB, ACB, SUP]), device=SOMEBODY, add=st.booleans(), spoiled=SPOILED)
    def whitelist(self, step: int, who: Eui64, device: Eui64, add: bool, spoiled: bool) -> None:
        counter = max(0, self.broker_number + step)
        value = AddToWhitelist(device, KEY, 60) if add else RemoveFromWhitelist(device)
        octets = self.send(A2, 0x0001 if add else 0x0002, value, who, counter, signed=False)
        accepted = who == ACB and counter > self.broker_number and not spoiled
        assert self.deliver(A2, octets, spoiled) == accepted
        if accepted:
            self.broker_number = counter
            self.admitted = self.admitted | {device} if add else self.admitted - {device}

    @rule(eui=st.sampled_from([A0, A1, A2, A3, A4]), octets=st.binary(max_size=40))
    def noise(self, eui: Eui64, octets: bytes) -> None:
        assert not self.deliver(eui, octets, False)

    @rule(lost=st.floats(0, 1), twice=st.floats(0, 1))
    def a_bad_hour_of_reads(self, lost: float, twice: float) -> None:
        self.world.estate.set_faults(A3, Faults(lost=lost, twice=twice, delay=1))
        octets = self.lab.resend("CS02aMAC_6.24.1_SUCCESS_COMMAND", self.world.device(A3))
        self.deliver(A3, octets, False)
        self.world.estate.set_faults(A3, NO_FAULTS)
        self.now += timedelta(hours=1)
        self.world.collect(self.now)

    @rule()
    def the_process_dies(self) -> None:
        self.world.wan.done([])
        before = [device.state.encode() for device in self.world.estate.book]
        self.world.restarted()
        assert [device.state.encode() for device in self.world.estate.book] == before

    @invariant()
    def everybody_remembers_what_was_accepted(self) -> None:
        device = self.world.device
        assert device(A3).cell(NO_DS).entity == self.operator
        assert device(A3).usc(Role.NETWORK_OPERATOR) == self.operator_number
        assert device(A1).exec(Role.SUPPLIER) == self.supplier_number
        assert device(A2).exec(Role.ACCESS_CONTROL_BROKER) == self.broker_number
        assert {entry.device for entry in device(A2).hub.whitelist} == self.admitted
        for eui, cells in self.cells.items():
            assert device(eui).cells() == cells
        for each in self.world.estate.book:
            assert DeviceState.decode(each.state.encode()) == each.state
            reachable = views.device_row(self.world.estate, each.eui)["reachable"]
            assert reachable == (each.eui in self.admitted or each.eui in (A2, A3))


@pytest.mark.parametrize("steps", [30])
def test_a_network_under_fire(lab: Lab, steps: int):
    machine = type("Network", (Network,), {"lab": lab})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
