"""The way to the devices: slow, lossy, doubled, overtaken, cut; the same every time; nothing forgotten by a restart."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.devices_lab import A0, A1, A2, A3, ACB, NO, NO_DS, NO_KA, NOW, SUP, Lab, Mode, Role
from devices.estate_store_contract import EstateStoreContract
from devices.han_world import DICE, SECOND, MemoryStore, World, codes, state_of, value_of
from trustcell.devices import NO_FAULTS, Faults, LogEntry, Region, Taken, VirtualWan, views, workshop
from trustcell.devices.faults import Dice
from trustcell.devices.parcels import Parcel, Way
from trustcell.devices.place import Place
from trustcell.devices.record import LogLines, Record, read_settings, write_settings
from trustcell.gbcs import frame
from trustcell.gbcs.usecases.firmware_version import ReadFirmwareVersion
from trustcell.vocab import Eui64, WireError

READ = ReadFirmwareVersion()


@pytest.fixture
def world(lab: Lab) -> World:
    world = World(lab, MemoryStore())
    world.everybody()
    return world


def send_reads(world: World, count: int, eui: Eui64 = A0) -> list[int]:
    """Commands of rising counters, all at once; their counters."""
    counters = []
    for _ in range(count):
        world.put_on_the_way(eui, world.octets(eui, 0x0059, READ))
        counters.append(world.counter)
    return counters


def answers(world: World, now=NOW + timedelta(days=1)) -> list[int]:
    return [message.originator_counter for message in world.collect(now, 10_000)]


def test_a_slow_device_answers_later(world: World):
    world.estate.set_faults(A0, Faults(delay=30))
    send_reads(world, 1)
    assert world.wan.next_at() == NOW + 30 * SECOND
    assert world.collect(NOW + 29 * SECOND) == []
    assert world.collect(NOW + 31 * SECOND) == []
    assert world.wan.next_at() == NOW + 60 * SECOND
    assert len(world.collect(NOW + 60 * SECOND)) == 1
    assert world.wan.next_at() is None


def test_the_order_within_a_device_is_kept_when_its_delay_changes(world: World):
    world.estate.set_faults(A0, Faults(delay=60))
    first = send_reads(world, 3)
    world.estate.set_faults(A0, NO_FAULTS)
    second = send_reads(world, 3)
    assert answers(world) == first + second


def test_a_lossy_way_loses_about_its_part(world: World):
    world.estate.set_faults(A0, Faults(lost=0.3))
    sent = send_reads(world, 400)
    came = answers(world)
    assert came == [counter for counter in sent if counter in came]
    assert 130 < len(came) < 260  # 0.7 of 0.7 of 400 is 196
    world.estate.set_faults(A0, Faults(lost=1.0))
    send_reads(world, 3)
    assert answers(world) == []
    assert len(world.estate.post) == 0


def test_doubled_commands_are_executed_once_and_reads_answered_twice(world: World):
    world.estate.set_faults(A2, Faults(twice=1.0))
    assert codes(world.whitelist(A0)) == [0x0001] * 2 + [0x0018] * 4
    assert world.device(A2).log[-1].reason == "counter_not_greater"
    sent = send_reads(world, 2, A2)
    assert answers(world) == [sent[0]] * 4 + [sent[1]] * 4


def test_messages_overtake_each_other_on_command_only(world: World):
    world.estate.set_faults(A0, Faults(delay=10, late=0.5))
    sent = send_reads(world, 60)
    came = answers(world)
    assert sorted(came) == sent
    assert came != sent


def test_the_same_seed_gives_the_same_world(lab: Lab):
    def play(seed: bytes) -> list[int]:
        world = World(lab)
        world.wan.estate.post._dice = Dice(seed)
        world.everybody()
        world.estate.set_faults(A0, Faults(lost=0.2, twice=0.2, late=0.2, delay=1))
        send_reads(world, 50)
        return answers(world)

    assert play(DICE) == play(DICE)
    assert play(DICE) != play(b"another seed")
    assert play(bytes(200)) != play(bytes(201))


@given(st.binary(max_size=80), st.integers(0, 2**40), st.floats(0, 1), st.floats(0, 1))
def test_the_fate_of_one_device_does_not_depend_on_others(seed: bytes, number: int, lost: float, twice: float):
    faults = Faults(lost=lost, twice=twice)
    fate = Dice(seed).cast(A0, number, faults)
    dice = Dice(seed)
    dice.cast(A1, number, faults)
    assert dice.cast(A0, number, faults) == fate
    assert fate.copies in (0, 1, 2)
    assert Faults(lost=0).beyond(faults) == faults
    assert 0 <= faults.beyond(faults).lost <= 1
    assert Faults(delay=80_000).beyond(Faults(delay=80_000)).delay == 86_400


def test_a_command_that_is_too_late_is_dropped(world: World):
    world.estate.set_faults(A0, Faults(delay=30))
    octets = world.octets(A0, 0x0059, READ)
    world.put_on_the_way(A0, octets, until=NOW + 29 * SECOND)
    assert answers(world) == []
    world.put_on_the_way(A0, octets, until=NOW + 30 * SECOND)
    assert len(answers(world)) == 1


def test_a_device_that_goes_off_meanwhile_does_not_answer(world: World):
    world.estate.set_faults(A0, Faults(delay=30))
    send_reads(world, 1)
    world.estate.switch_off(A0, NOW)
    assert answers(world) == []


def test_a_command_on_its_way_is_not_sent_twice(world: World):
    world.estate.set_faults(A0, Faults(delay=30))
    octets = world.octets(A0, 0x0059, READ)
    for _ in range(3):
        assert world.put_on_the_way(A0, octets, name="one") is Taken.TAKEN
    world.wan.work(NOW + 31 * SECOND)
    assert world.put_on_the_way(A0, octets, NOW + 31 * SECOND, name="one") is Taken.TAKEN
    assert len(answers(world)) == 1
    world.put_on_the_way(A0, octets, name="one")
    assert len(answers(world)) == 1


def test_only_so_much_is_done_as_is_asked_for(world: World):
    send_reads(world, 10)
    assert len(world.wan.receive(3, NOW)) == 3
    assert len([row for row in views.post_rows(world.estate) if row["way"] == "to_device"]) == 7
    assert world.wan.work(NOW, 5) == 5
    assert len(world.wan.receive(100, NOW)) == 7


def test_a_message_is_given_once_until_a_restart_and_then_until_done(world: World):
    send_reads(world, 2)
    given = world.wan.receive(10, NOW)
    assert world.wan.receive(10, NOW) == []
    world.wan.done([given[0][0], 77])
    world.restarted()
    assert world.wan.receive(10, NOW) == given[1:]
    world.restarted()
    assert world.wan.receive(10, NOW) == given[1:]
    world.wan.done([given[1][0]] * 2)
    world.restarted()
    assert world.wan.receive(10, NOW) == []
    assert world.store.messages == {}


def test_handles_are_not_used_again_after_a_restart(world: World):
    send_reads(world, 2)
    old = [handle for handle, _, _ in world.wan.receive(10, NOW)]
    world.wan.done(old)
    world.restarted()
    world.put_on_the_way(A0, world.octets(A0, 0x0059, READ), NOW + SECOND)
    new = [handle for handle, _, _ in world.wan.receive(10, NOW + SECOND)]
    assert min(new) > max(old)


def test_everything_is_there_after_a_restart(world: World):
    world.join_gas()
    world.estate.set_faults(A0, Faults(delay=30, lost=0.25))
    world.estate.book.set_region_faults(Region.NORTH, Faults(delay=1))
    world.estate.switch_off(A1, NOW)
    world.estate.put(workshop.failing(workshop.skewed(world.device(A0), -5), 0x0059))
    send_reads(world, 8)
    before = state_of(world), [views.device_row(world.estate, device.eui) for device in world.estate.book]
    on_the_way, saves = views.post_rows(world.estate), world.store.saves
    world.wan.done([])
    assert world.store.saves == saves
    logs = {device.eui: device.log for device in world.estate.book}
    world.restarted()
    assert (state_of(world), [views.device_row(world.estate, device.eui) for device in world.estate.book]) == before
    assert {device.eui: device.log for device in world.estate.book} == logs
    assert views.post_rows(world.estate) == on_the_way
    world.wan.done([])
    assert world.store.saves == saves
    world.estate.switch_on(A1, NOW)
    world.estate.take_away(A1)
    world.wan.done([])
    world.restarted()
    assert A1 not in world.estate.book


def test_a_store_that_fails_loses_nothing(world: World):
    octets = world.octets(A0, 0x0059, READ)
    world.store.broken = True
    with pytest.raises(OSError, match="space"):
        world.put_on_the_way(A0, octets)
    world.store.broken = False
    world.wan.done([])
    world.restarted()
    world.store.broken = True
    with pytest.raises(OSError, match="space"):
        world.wan.receive(10, NOW)
    world.store.broken = False
    (given,) = world.wan.receive(10, NOW)
    world.store.broken = True
    with pytest.raises(OSError, match="space"):
        world.wan.done([given[0]])
    world.store.broken = False
    world.wan.done([])
    world.restarted()
    assert answers(world) == []


def test_a_dated_command_is_executed_by_the_clock_of_the_device(world: World, lab: Lab):
    due = NOW + timedelta(hours=1)
    cells = [(NO_DS, lab.of(NO, "DS").der), (NO_KA, lab.of(NO, "KA").der)]
    device = world.device(A0)
    mode = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
    octets = lab.update(device, NO, mode, 7000, cells, lab.of(NO, "DS"), cell=NO_DS, due=due)
    world.estate.put(workshop.skewed(device, 60))
    world.put_on_the_way(A0, octets)
    (accepted,) = world.collect()
    assert accepted.target == NO
    assert world.wan.next_at() == due - 60 * SECOND
    world.restarted()
    assert world.wan.next_at() == due - 60 * SECOND
    assert world.collect(due - 61 * SECOND) == []
    (alert,) = world.collect(due)
    assert (alert.message_code, value_of(alert).alert_code) == (0x00CB, 0x8F66)
    assert world.wan.next_at() is None


def test_a_device_without_power_executes_late_and_its_alert_needs_a_way(world: World, lab: Lab):
    due = NOW + timedelta(hours=1)
    device, mode = world.device(A0), Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
    cells = [(NO_DS, lab.of(ACB, "DS").der)]
    world.put_on_the_way(A0, lab.update(device, NO, mode, 7000, cells, lab.of(NO, "DS"), cell=NO_DS, due=due))
    world.collect()
    world.estate.switch_off(A0, NOW)
    assert world.collect(due + SECOND) == []
    assert world.device(A0).cell(NO_DS).entity == NO
    world.estate.switch_off(A2, NOW)
    world.estate.switch_on(A0, due + 2 * SECOND)
    assert world.collect(due + 3 * SECOND) == []
    assert world.device(A0).cell(NO_DS).entity == ACB
    world.estate.switch_on(A2, due + 4 * SECOND)
    assert world.collect(due + 5 * SECOND) == []


def test_a_device_put_back_to_an_old_memory_accepts_old_numbers(world: World, lab: Lab):
    """N17, end to end: the second time round the command is taken again, and a slot read tells the old number."""
    mode = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
    cells = [(NO_DS, lab.of(ACB, "DS").der)]
    old = workshop.snapshot(world.device(A0))
    octets = lab.update(world.device(A0), NO, mode, 7000, cells, lab.of(NO, "DS"), cell=NO_DS)
    world.put_on_the_way(A0, octets, name="a")
    assert len(world.collect()) == 1
    world.put_on_the_way(A0, octets, name="b")
    assert world.collect() == []
    world.estate.put(workshop.put_back(world.device(A0), old))
    assert world.device(A0).usc(Role.NETWORK_OPERATOR) == 0
    world.put_on_the_way(A0, octets, name="c")
    assert len(world.collect()) == 1
    world.estate.put(workshop.with_certificate(world.device(A0), NO_DS, lab.of(SUP, "KA").der))
    assert world.device(A0).cell(NO_DS).entity == SUP
    world.estate.put(workshop.with_counters(world.device(A0), Role.NETWORK_OPERATOR, 9))
    assert views.counter_rows(world.device(A0))[2] == {"role": "networkOperator", "update": 9, "other": 9}


class TestMemoryStore(EstateStoreContract):
    """The store of these tests is one itself."""

    @pytest.fixture
    def place(self, tmp_path):
        return MemoryStore()

    def open(self, place):
        return place


# -- octets ------------------------------------------------------------------------------------------------------------

FAULTS = st.builds(
    Faults,
    st.booleans(),
    st.floats(0, 86_400),
    *(st.floats(0, 1) for _ in range(3)),
)
EUIS = st.binary(min_size=8, max_size=8).map(Eui64)
MOMENTS = st.integers(0, 4 * 10**9).map(lambda n: NOW + timedelta(microseconds=n))
PLACES = st.builds(
    Place,
    st.none() | EUIS,
    st.none() | st.sampled_from(Region),
    st.booleans(),
    st.integers(0, 1),
    st.none() | st.just(NOW),
    st.just(NO_FAULTS) | FAULTS,
    st.integers(0, 2**63),
)
PARCELS = st.builds(
    Parcel, st.integers(0, 2**63), st.sampled_from(Way), EUIS, MOMENTS, MOMENTS, st.text(max_size=9), st.binary()
)


@given(PLACES)
@settings(max_examples=50)
def test_record_octets_go_both_ways(lab: Lab, place: Place):
    device = lab.gpf_of_no()
    record = Record("ä fleet", device.identity, place, device.state, ())
    octets = record.encode()
    assert Record.decode(octets) == record
    for cut in (*range(60), len(octets) - 1):
        with pytest.raises(WireError):
            Record.decode(octets[:cut])
    with pytest.raises(WireError):
        Record.decode(octets + b"\0")


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 5))
def test_lines_of_a_growing_log_are_those_of_a_fresh_one(steps: list[int], limit: int):
    """Lines are added and the oldest go; now and then another log altogether comes in its place."""
    kept, log, number = LogLines(), (), 0
    for step in steps:
        if step == 6:
            log = ()
        for _ in range(step):
            number += 1
            log = (*log, LogEntry(NOW, 0x8F30, "same", f"line {number % 3}"))[-limit:]
        assert kept.of(log) == LogLines().of(log)
        assert len(kept.of(log)) == len(log)


@given(PARCELS, st.dictionaries(st.sampled_from(Region), FAULTS))
def test_parcel_and_settings_octets_go_both_ways(parcel: Parcel, regions: dict[Region, Faults]):
    octets = parcel.encode()
    assert Parcel.decode(octets) == parcel
    for cut in range(len(octets)):
        with pytest.raises(WireError):
            Parcel.decode(octets[:cut])
    assert read_settings(write_settings(regions)) == regions


@given(st.binary(max_size=90))
def test_other_octets_are_refused(octets: bytes):
    for start in (b"", b"\x01"):
        for decode in (Record.decode, Parcel.decode, read_settings):
            with pytest.raises(WireError):
                decode(start + octets + b"\x09\x09\x09")


@pytest.mark.parametrize(
    "wrong", [{"delay": -1}, {"delay": 86_401}, {"lost": 1.1}, {"twice": -0.1}, {"late": float("nan")}]
)
def test_faults_have_bounds(wrong):
    with pytest.raises(ValueError, match="fractions"):
        Faults(**wrong)


def test_views_are_plain(world: World):
    import json

    world.join_gas()
    device = world.device(A1)
    rows = [views.device_row(world.estate, eui) for eui in (A0, A1, A2, A3)]
    rows += views.cell_rows(device) + views.counter_rows(device) + views.key_rows(device) + views.log_rows(device)
    rows += views.partner_rows(device) + views.partner_rows(world.device(A2)) + views.pending_rows(device)
    assert json.loads(json.dumps(rows)) == rows
    assert rows[1]["hub"] == str(A2)
    assert views.partner_rows(device) == [{"device": str(A3), "type": "GPF", "joined": True, "link_key_hash": None}]
    assert [row["cell"] for row in views.cell_rows(device)] == [str(cell) for cell in device.cells()]
    assert views.counter_rows(device)[1]["other"] == world.counter
    assert frame.decode(world.octets(A0, 0x0059, READ)).originator == ACB


def test_a_wan_without_a_store_keeps_nothing(lab: Lab):
    world = World(lab)
    world.everybody()
    send_reads(world, 1)
    assert isinstance(world.wan, VirtualWan)
    assert world.wan.store is None
    assert len(answers(world)) == 1
    assert replace(world.estate.book.place(A0), casts=0) == world.estate.book.place(A0)
