"""Totality and invariants: any octets, any authenticated payload, any sequence of handovers (rows G, I11)."""

from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.devices_lab import ACB, ACB_KA, NO, NO_DS, NOW, REC, SUP, TCOS, Lab, Mode, Role
from trustcell.devices import Device, DevicePolicy, DeviceState, FloorPolicy, advance, receive
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.common import RemotePartySeqNumberChange, SpecialistSeqNumber
from trustcell.gbcs.usecases.cs02b import (
    AuthorisingRemotePartyControl,
    Replacement,
    TimeBasedChecks,
    UpdateSecurityCredentials,
)
from trustcell.vocab import CellId, CellUsage, KeyUsage

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def target(lab: Lab) -> Device:
    return lab.gpf_of_no()


@given(octets=st.binary(max_size=300))
@QUICK
def test_any_octets_change_nothing(target: Device, octets: bytes):
    after, answers = receive(target, octets, NOW)
    assert (answers, after.state, len(after.log)) == ((), target.state, 1)


@given(data=st.data())
@QUICK
def test_mutilated_commands_change_nothing(lab: Lab, target: Device, data: st.DataObject):
    octets = bytearray(lab.give_back(target))
    start = data.draw(st.integers(0, len(octets) - 1))
    stop = data.draw(st.integers(start, min(len(octets), start + 40)))
    patch = data.draw(st.binary(max_size=40))
    changed = bytes(octets[:start]) + patch + bytes(octets[stop:])
    if changed == bytes(octets):
        return
    after, answers = receive(target, changed, NOW)
    assert (answers, after.state, len(after.log)) == ((), target.state, 1)


@given(data=st.data())
@QUICK
def test_mutilated_payloads_under_good_protection_never_raise(lab: Lab, target: Device, data: st.DataObject):
    payload = bytearray(lab.payload_octets("CS02bNOByNO_6.15.1_SUCCESS_COMMAND"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] = data.draw(st.integers(0, 255))
    octets = lab.send(target, NO, 0x0103, 1200, bytes(payload), signer=lab.of(NO, "DS"))
    after, answers = receive(target, octets, NOW)
    if answers:
        assert after.usc(Role.NETWORK_OPERATOR) >= 1200
    else:
        assert after.state == target.state
    assert DeviceState.decode(after.state.encode()) == after.state
    advance(after, NOW.replace(year=2100))


CELLS = st.builds(
    CellId,
    st.sampled_from([Role(n) for n in range(9)]),
    st.sampled_from([KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT, KeyUsage.KEY_CERT_SIGN, KeyUsage(33)]),
    st.sampled_from(CellUsage),
)
NUMBERS = st.integers(0, 2**63 - 1)
SPECIALS = st.none() | st.lists(st.builds(SpecialistSeqNumber, st.just(0), NUMBERS), max_size=3).map(tuple)
CHANGES = st.none() | st.lists(
    st.builds(RemotePartySeqNumberChange, st.sampled_from([Role(n) for n in range(9)]), NUMBERS, SPECIALS), max_size=3
).map(tuple)


@given(data=st.data())
@QUICK
def test_any_typed_update_under_good_protection_never_raises(lab: Lab, data: st.DataObject):
    device = lab.esme()
    mode = data.draw(st.sampled_from(Mode))
    who = data.draw(st.sampled_from([SUP, NO, ACB, TCOS, REC]))
    certificates = [c.der for c in lab.named.values()] + [lab.issuing_oca, b"\x30\x00", b"\x30\x03\x02\x01\x00"]
    ders = st.sampled_from(certificates)
    counter = data.draw(st.integers(1, 2**63 - 1))
    roles = {SUP: Role.SUPPLIER, NO: Role.NETWORK_OPERATOR, TCOS: Role.TRANSITIONAL_COS}
    usual = CellId(roles.get(who, Role.RECOVERY), KeyUsage.DIGITAL_SIGNATURE)
    value = UpdateSecurityCredentials(
        AuthorisingRemotePartyControl(
            mode,
            counter,
            data.draw(st.none() | st.just(usual) | CELLS),
            data.draw(st.sampled_from(TimeBasedChecks)),
            data.draw(st.none() | NUMBERS),
            data.draw(SPECIALS),
            data.draw(CHANGES),
        ),
        tuple(data.draw(st.lists(st.builds(Replacement, ders, CELLS), max_size=3))),
        tuple(data.draw(st.lists(ders, max_size=3))),
    )
    payload = encode_payload(mode.message_code, Cra.COMMAND, value)
    mac = data.draw(st.booleans())
    octets = lab.send(device, who, mode.message_code, counter, payload, signer=lab.of(who, "DS"), mac=mac)
    after, answers = receive(device, octets, NOW)
    assert bool(answers) == (after.state != device.state)
    assert DeviceState.decode(after.state.encode()) == after.state


STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 12), st.none() | st.integers(0, 15), st.booleans()), min_size=1, max_size=12
)


@pytest.mark.parametrize("floors", FloorPolicy)
@given(steps=STEPS)
@settings(QUICK, max_examples=40)
def test_the_stored_number_rises_or_a_floor_sets_it(lab: Lab, floors: FloorPolicy, steps):
    """I11: over any sequence of 6.15.1 and 6.21, and the answer agrees with a model of twenty lines."""
    device = lab.gpf(DevicePolicy(floors))
    owner, stored = ACB, 0
    for gives_back, counter, floor, spoiled in steps:
        octets = (lab.give_back if gives_back else lab.hand_over)(device, counter, floor=floor)
        if spoiled:
            octets = octets[:-1] + bytes([octets[-1] ^ 1])
        before = device.state.encode()
        sender, receiver = (NO, ACB) if gives_back else (ACB, NO)
        device, answers = receive(device, octets, NOW)
        accepted = sender == owner and counter > stored and not spoiled
        assert bool(answers) == accepted
        if accepted:
            owner = receiver
            stored = floor if floors is FloorPolicy.RESET and floor is not None else max(counter, floor or 0)
        else:
            assert device.state.encode() == before
        assert device.usc(Role.NETWORK_OPERATOR) == stored
        assert device.cell(NO_DS).entity == owner


HOSTILE = {
    "depth 1,000": b"\x30\x82\x10\x00" * 1000,
    "entries without end": b"\x30\x82\xff\xf0\x30\x02\x30\x00" * 8000,
    "long INTEGER": b"\x30\x82\xf0\x04\x02\x82\xf0\x00" + b"\x7f" * 0xF000,
    "negative INTEGER": bytes.fromhex("3003020180"),
    "BOOLEAN": bytes.fromhex("3003010101"),
    "nothing": b"",
    "indefinite length": bytes.fromhex("3080020101020101020101020100000000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_payloads_are_refused_quickly(lab: Lab, target: Device, name: str):
    octets = lab.send(target, NO, 0x0103, 5000, HOSTILE[name][:65000], signer=lab.of(NO, "DS"))
    started = process_time()
    after, answers = receive(target, octets, NOW)
    assert process_time() - started < 0.1
    assert (answers, after.state) == ((), target.state)
    assert after.log[0].code == 0x8F1E


def test_a_megabyte_of_anything(target: Device):
    started = process_time()
    for octets in (bytes(2**20), b"\xdd" * 2**20, b"\xdf" * 2**20, bytes.fromhex("dd000000000000") * 150_000):
        assert receive(target, octets, NOW).answers == ()
    assert process_time() - started < 1


def test_the_broker_cell_is_what_macs_are_checked_with(lab: Lab, target: Device):
    moved = target.with_state(target.state.with_cell(ACB_KA, lab.named["Z1b-accessControlBroker-ka"].occupant))
    after, answers = receive(moved, lab.give_back(moved), NOW)
    assert (answers, after.log[0].reason) == ((), "mac_wrong")
