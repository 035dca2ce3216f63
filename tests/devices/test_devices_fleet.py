"""Identity, cells at manufacture, fleet, canonical state octets."""

import hmac
import sys
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.devices_lab import A3, ACB, DS, KA, NO_DS, NOW, ROOT, SEED, SUP_DS, SUP_TOP_UP, TCOS, Lab, Role
from trustcell.devices import (
    AS_MADE,
    DeviceState,
    Fleet,
    HeldImage,
    ManufacturePack,
    PendingCommand,
    advance,
    derive_private_key,
    receive,
)
from trustcell.devices.memory import Clock, HubMemory, OwnKey, Partner, WhitelistEntry
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus
from trustcell.vocab import ROOT_CELL, DeviceType, Eui64, WireError, cells_at_manufacture

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def scalar(*args) -> int:
    return derive_private_key(*args).private_numbers().private_value


def test_derived_keys_are_stable_and_distinct():
    first = scalar(SEED, A3, DS)
    assert 1 <= first < P256_ORDER
    assert first == scalar(SEED, A3, DS, 0)
    others = [scalar(SEED, A3, KA), scalar(SEED, A3, DS, 1), scalar(b"x", A3, DS), scalar(SEED, Eui64(bytes(8)), DS)]
    assert len({first, *others}) == 5


def test_derivation_is_the_one_written_down():
    """Devices are remade from the seed, so a change would strand every fleet. RFC 5869 by hand, then 1..n-1."""
    key = hmac.digest(b"trustcell virtual device key", SEED, "sha256")
    info = A3 + bytes.fromhex("0010") + bytes(4)
    first = hmac.digest(key, info + b"\1", "sha256")
    second = hmac.digest(key, first + info + b"\2", "sha256")
    assert scalar(SEED, A3, KA) == int.from_bytes((first + second)[:48], "big") % (P256_ORDER - 1) + 1
    assert f"{scalar(SEED, A3, KA):064x}" == "76a5889b8927f64c6cbc6977125f60ec7c1188c845ddfc6f436e2e7efeb4d0e8"


def test_cells_at_manufacture_by_type(lab: Lab):
    names = {
        kind: {str(row.cell) for row in cells_at_manufacture(kind) if not row.optional}
        for kind in (DeviceType.ESME, DeviceType.GSME, DeviceType.GPF, DeviceType.CHF)
    }
    common = {"root/keyCertSign", "recovery/digitalSignature", "transitionalCoS/digitalSignature"}
    common.add("accessControlBroker/keyAgreement")
    supplier = {"supplier/digitalSignature", "supplier/keyAgreement", "supplier/keyAgreement/prePaymentTopUp"}
    operator = {"networkOperator/digitalSignature", "networkOperator/keyAgreement"}
    assert names[DeviceType.ESME] == common | supplier | operator
    assert names[DeviceType.GSME] == common | supplier
    assert names[DeviceType.GPF] == common | supplier | operator
    assert names[DeviceType.CHF] == common | {"accessControlBroker/digitalSignature", "wanProvider/digitalSignature"}
    with pytest.raises(ValueError, match="TYPE2"):
        cells_at_manufacture(DeviceType.TYPE2)


def test_party_cells_of_a_gpf_hold_the_broker_whoever_owns_the_meters(lab: Lab):
    for owned in (False, True):
        device = Fleet(SEED, lab.pack(owned)).device(A3, DeviceType.GPF)
        assert {device.cell(cell).entity for cell in (NO_DS, SUP_DS, SUP_TOP_UP)} == {ACB}
        assert device.cell(ROOT_CELL) == ROOT
    assert lab.esme().cell(SUP_TOP_UP).certificate != lab.esme().cell(SUP_DS).certificate
    assert lab.esme(load_controller=True).cells() != lab.esme().cells()


def test_a_pack_without_the_broker_is_refused(lab: Lab):
    with pytest.raises(ValueError, match="broker"):
        ManufacturePack.of(ROOT, [lab.of(TCOS, "DS").der])
    with pytest.raises(ValueError, match="4 octets"):
        ManufacturePack({}, firmware_version=b"")


def test_first_numbers_of_the_pack_count(lab: Lab):
    pack = replace(lab.pack(False), first_numbers={Role.NETWORK_OPERATOR: 6000, Role.SUPPLIER: 9})
    device = Fleet(SEED, pack).device(A3, DeviceType.GPF)
    assert receive(device, lab.hand_over(device, 6000), NOW).device.log[-1].reason == "counter_not_greater"
    assert len(receive(device, lab.hand_over(device, 6001), NOW).answers) == 1
    assert (device.exec(Role.SUPPLIER), device.topup) == (9, 9)


def test_untouched_devices_cost_nearly_nothing(lab: Lab):
    fleet = Fleet(SEED, lab.pack(False))
    count = 50_000
    names = [Eui64(n.to_bytes(8, "big")) for n in range(count)]
    tracemalloc.start()
    devices = [fleet.device(eui, DeviceType.GPF) for eui in names]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size / count < 250
    assert all(device.state is AS_MADE for device in devices)
    assert len(AS_MADE.encode()) < 16
    assert sys.getsizeof(devices[0]) < 100


def test_a_touched_state_is_compact(lab: Lab):
    device = lab.gpf()
    device, _ = receive(device, lab.hand_over(device, 1301), NOW)
    octets = device.state.encode()
    assert len(octets) < 2 * 500 + 40
    restored = device.fleet.device(A3, DeviceType.GPF, DeviceState.decode(octets))
    assert restored.state == device.state
    assert restored.cells() == device.cells()


def test_a_device_restored_from_an_old_snapshot_accepts_old_numbers(lab: Lab):
    """N17: the device cannot know; a read of the slot tells."""
    device = lab.gpf_of_no()
    snapshot = device.state.encode()
    octets = lab.give_back(device)
    device, first = receive(device, octets, NOW)
    old = device.fleet.device(A3, DeviceType.GPF, DeviceState.decode(snapshot))
    assert receive(old, octets, NOW).answers == first


def test_same_inputs_same_octets_in_another_fleet(lab: Lab):
    one, two = lab.gpf_of_no(), lab.gpf_of_no()
    assert one.fleet is not two.fleet
    octets = lab.give_back(one)
    assert octets == lab.give_back(two)
    first, second = receive(one, octets, NOW), receive(two, octets, NOW)
    assert first.answers == second.answers
    assert first.device == second.device
    assert first.device.state.encode() == second.device.state.encode()


def test_the_log_is_bounded(lab: Lab):
    device = lab.gpf()
    for _ in range(250):
        device, _ = receive(device, b"", NOW)
    assert len(device.log) == device.policy.log_limit


ROLES = st.sampled_from([Role(n) for n in (1, 2, 3, 4, 5, 6, 8)])
COUNTERS = st.dictionaries(ROLES, st.integers(0, 2**63 - 1)).map(lambda found: tuple(sorted(found.items())))
EUIS = st.binary(min_size=8, max_size=8).map(Eui64)
PENDING = st.builds(
    PendingCommand,
    st.sampled_from([0x0012, 0x0102, 0x0126]),
    ROLES,
    st.binary(min_size=8, max_size=8).map(Eui64),
    st.integers(0, 2**63 - 1),
    st.integers(0, 10**9).map(lambda n: NOW.replace(year=2016 + n % 100)),
    st.binary(max_size=40),
)
IMAGES = st.builds(HeldImage, st.binary(min_size=32, max_size=32), st.binary(min_size=4, max_size=4), st.booleans())
STATES = st.builds(
    DeviceState,
    usc=COUNTERS,
    exec=COUNTERS,
    topup=st.none() | st.integers(0, 2**63 - 1),
    pending=st.lists(PENDING, max_size=3, unique_by=PendingCommand.order).map(
        lambda found: tuple(sorted(found, key=PendingCommand.order))
    ),
    alert_counter=st.none() | st.integers(0, 2**64 - 1),
    firmware_version=st.none() | st.binary(min_size=4, max_size=4),
    held_image=st.none() | IMAGES,
    keys=st.dictionaries(
        st.sampled_from([DS, KA]), st.tuples(st.integers(0, 9), st.integers(0, 9), st.none() | st.binary(max_size=9))
    ).map(lambda found: tuple(OwnKey(usage, *found[usage]) for usage in sorted(found))),
    partners=st.lists(st.builds(Partner, EUIS, st.sampled_from(DeviceType)), max_size=3).map(tuple),
    hub=st.none()
    | st.builds(
        HubMemory,
        st.lists(
            st.builds(
                WhitelistEntry,
                EUIS,
                st.sampled_from([b"", bytes(16)]),
                st.binary(min_size=16, max_size=16),
                st.integers(0, 1),
                st.none() | st.just(NOW),
            ),
            max_size=3,
        ).map(tuple),
        st.none() | st.just(NOW),
        st.none() | st.binary(min_size=8, max_size=8),
    ),
    clock=st.none() | st.builds(Clock, st.integers(-(2**31), 2**31), st.sampled_from(DeviceTimeStatus)),
    failing=st.sets(st.integers(0, 0xFFFF), max_size=3).map(lambda found: tuple(sorted(found))),
)


@given(STATES)
def test_state_octets_go_both_ways(state: DeviceState):
    octets = state.encode()
    assert DeviceState.decode(octets) == state
    for cut in range(len(octets)):
        with pytest.raises(WireError):
            DeviceState.decode(octets[:cut])
    with pytest.raises(WireError):
        DeviceState.decode(octets + b"\0")


@given(st.binary(max_size=80))
def test_other_octets_are_not_a_state(octets: bytes):
    try:
        state = DeviceState.decode(octets)
    except WireError:
        return
    again = state.encode()
    assert again == octets or (octets[0], again[:1], again[1 : len(octets)]) == (1, b"\x02", octets[1:])


def test_states_of_the_first_layout_are_still_read():
    state = DeviceState(topup=7).with_usc(Role.SUPPLIER, 9)
    assert state.encode().endswith(bytes(5))
    assert DeviceState.decode(b"\x01" + state.encode()[1:-5]) == state
    with pytest.raises(WireError):
        DeviceState.decode(b"\x01" + state.encode()[1:])
    with pytest.raises(WireError):
        DeviceState.decode(b"\x03" + state.encode()[1:])


def test_only_one_order_of_counters_is_canonical():
    supplier, recovery = bytes((2,)) + bytes(8), bytes((1,)) + bytes(8)
    rest = bytes(11)
    ordered = DeviceState().with_usc(Role.SUPPLIER, 0).with_usc(Role.RECOVERY, 0)
    assert ordered.encode() == bytes((2, 0, 2)) + recovery + supplier + rest
    assert DeviceState(usc=((Role.SUPPLIER, 0), (Role.RECOVERY, 0))).encode() == ordered.encode()
    for wrong in (supplier + recovery, recovery + recovery):
        with pytest.raises(WireError):
            DeviceState.decode(bytes((2, 0, 2)) + wrong + rest)


def test_a_restored_command_that_cannot_be_read_is_dropped_and_logged(lab: Lab):
    commands = tuple(PendingCommand(code, Role.SUPPLIER, ACB, 1, NOW, b"\x30\x00") for code in (0x0102, 0x7777))
    device = lab.gpf().with_state(DeviceState(pending=commands))
    device, answers = advance(device, NOW)
    assert (answers, device.state) == ((), DeviceState())
    assert [entry.reason for entry in device.log] == ["pending_unreadable"] * 2


def test_a_restored_occupant_has_a_key_on_the_curve(lab: Lab):
    octets = bytearray(lab.gpf_of_no().state.encode())
    octets[2 + 4 + 8 + 8 + 64] ^= 1
    with pytest.raises(WireError, match="device_state_malformed"):
        DeviceState.decode(bytes(octets))
