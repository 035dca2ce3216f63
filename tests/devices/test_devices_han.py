"""Home networks: joining by whitelist, gas meter and proxy, power, images, and the hub that takes its devices along."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from devices.devices_lab import A0, A1, A2, A3, ACB, KA, NO, NO_DS, NOW, SUP, Lab
from devices.han_world import A4, A5, KEY, SECOND, World, codes, value_of
from trustcell.devices import NO_FAULTS, DeviceState, Estate, Faults, HeldImage, Region, Taken, views, workshop
from trustcell.devices.happenings import alarmed, power_restored
from trustcell.devices.link_keys import hash_octets, link_key_hash
from trustcell.devices.memory import NO_HASH, Partner
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Shape
from trustcell.gbcs.usecases.device_logs import RestoreDeviceLog
from trustcell.gbcs.usecases.firmware_version import ReadFirmwareVersion
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus, SetTime
from trustcell.gbcs.usecases.joining import JoinDevice, JoinMethodAndRole, JoinResult
from trustcell.gbcs.usecases.whitelist import JoinedDevice, ReadHubLogs, RestoreWhitelist
from trustcell.vocab import DeviceType, Eui64

A9 = Eui64.parse("00DB1234567890A9")
HUB2, GPF2 = (Eui64.parse(f"00DB1234567890B{n}") for n in (2, 3))


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


def test_the_hash_of_link_keys_is_that_of_the_zigbee_specification():
    """The two examples of ZigBee specification C.5."""
    assert hash_octets(b"\xc0").hex() == "ae3a102a28d43ee0d4a09e22788b206c"
    assert hash_octets(bytes(range(0xC0, 0xD0))).hex() == "a7977e88bc0b61e8210827109a228f2d"
    assert link_key_hash(A2, A0, KEY) != link_key_hash(A2, A1, KEY)
    with pytest.raises(ValueError, match="8,191"):
        hash_octets(bytes(8192))


def test_a_waiting_device_joins_when_it_is_whitelisted(world: World):
    world.estate.add(A0, DeviceType.ESME, A2)
    octets = world.octets(A0, 0x0059, ReadFirmwareVersion())
    assert world.put_on_the_way(A0, octets) is Taken.UNREACHABLE
    found = world.whitelist(A0)
    assert codes(found) == [0x0001, 0x0018, 0x0018]
    assert all(message.target == ACB and message.shape is Shape.MAC for message in found)
    assert all(protect.check_mac(message, world.lab.secret(world.device(A2))) for message in found)
    waiting, joined = (value_of(message).log.devices for message in found[1:])
    assert waiting == (JoinedDevice(A0, NO_HASH),)
    assert joined == (JoinedDevice(A0, link_key_hash(A2, A0, KEY)),)
    assert [message.originator_counter for message in found[1:]] == [2000, 2001]
    answer, *_ = world.ask(A0, 0x0059, ReadFirmwareVersion())
    assert answer.originator == A0
    assert [entry.code for entry in world.device(A2).log] == [0x8F49]


def test_a_device_that_comes_too_late_waits_for_another_chance(world: World):
    assert codes(world.whitelist(A0, seconds=90)) == [0x0001, 0x0018]
    world.estate.add(A0, DeviceType.ESME)
    world.estate.move(A0, A2, NOW + 91 * SECOND)
    assert world.estate.book.way_to(A0) is None
    assert codes(world.whitelist(A0, NOW + 100 * SECOND)) == [0x0001, 0x0018]
    assert world.estate.book.way_to(A0) is NO_FAULTS
    world.estate.move(A0, None, NOW)
    assert world.estate.book.way_to(A0) is None
    world.estate.move(A0, A2, NOW + timedelta(days=1))
    assert world.estate.book.way_to(A0) is NO_FAULTS


def test_a_device_that_is_taken_off_the_whitelist_is_out(world: World):
    world.everybody()
    assert codes(world.unlist(A0)) == [0x0002, 0x0018]
    assert world.put_on_the_way(A0, b"") is Taken.UNREACHABLE
    assert codes(world.unlist(A0)) == [0x0002]
    assert codes(world.whitelist(A0)) == [0x0001, 0x0018, 0x0018]
    assert world.put_on_the_way(A0, b"") is Taken.TAKEN


def test_install_codes_are_in_no_text(world: World):
    world.everybody()
    world.whitelist(A0)
    hub = world.device(A2)
    assert hub.hub.entry(A0).key == KEY
    texts = [repr(hub.state), *(entry.text for entry in hub.log), str(views.partner_rows(hub))]
    assert not any(KEY.decode() in text or KEY.hex() in text for text in texts)


def test_a_second_band_has_a_log_of_its_own(lab: Lab):
    world = World(lab, dual_band=True)
    world.estate.add(A0, DeviceType.ESME, A2)
    world.estate.add(A1, DeviceType.GSME, A2, band=1)
    for eui in (A0, A1):
        world.whitelist(eui)
    (answer,) = world.ask(A2, 0x00FE, ReadHubLogs())
    logs = value_of(answer)
    assert [entry.device for entry in logs.first_band.devices] == [A0]
    assert [entry.device for entry in logs.second_band.devices] == [A1]
    single = World(lab)
    with pytest.raises(ValueError, match="band"):
        single.estate.add(A1, DeviceType.GSME, A2, band=1)


def test_the_network_of_a_hub_moves_to_another_one(world: World):
    """CCS03 with what the last alert said: the devices come over without an install code."""
    world.estate.add(A0, DeviceType.ESME, A2)
    log = value_of(world.whitelist(A0)[-1]).log
    world.estate.switch_off(A2, NOW)
    world.estate.add_hub(HUB2, GPF2, Region.CENTRAL_AND_SOUTH)
    world.estate.move(A0, HUB2, NOW)
    assert world.estate.book.way_to(A0) is None
    found = world.ask(HUB2, 0x0003, RestoreWhitelist(log.extended_pan_id, log.devices))
    assert codes(found) == [0x0003, 0x0018, 0x0018]
    assert value_of(found[-1]).log.extended_pan_id == log.extended_pan_id
    assert value_of(found[-1]).log.devices == log.devices
    assert world.estate.book.way_to(A0) is NO_FAULTS


def test_a_gas_meter_joins_and_leaves_the_gas_proxy(world: World):
    world.everybody()
    response, backup = world.join_gas()
    assert (response.message_code, value_of(response)) == (0x000E, JoinResult.SUCCESS)
    assert (backup.message_code, backup.originator, backup.target) == (0x00B2, A3, ACB)
    assert value_of(backup).entries == (Partner(A1, DeviceType.GSME),)
    assert world.device(A1).state.partners == (Partner(A3, DeviceType.GPF),)
    response, backup = world.ask(A1, 0x0010, A3, who=SUP)
    assert (value_of(response), value_of(backup).entries) == (0, ())


def test_a_proxy_out_of_reach_is_not_joined(world: World):
    world.everybody()
    world.estate.add_hub(HUB2, GPF2, Region.NORTH)
    (response,) = world.join_gas(GPF2)
    assert value_of(response) is JoinResult.NO_PARTNER_LINK_KEY_RECEIVED
    assert world.device(A1).state.partners == ()
    assert world.device(A1).log[-1].code == 0x8F48


def test_meter_and_display_join_each_other(world: World):
    world.everybody()
    display = JoinDevice(JoinMethodAndRole.METHOD_A_INITIATOR, A4, DeviceType.PPMID)
    meter = JoinDevice(JoinMethodAndRole.METHOD_A_RESPONDER, A0, DeviceType.ESME)
    (first,) = world.ask(A0, 0x000D, display, who=SUP, signed=True)
    (second,) = world.ask(A4, 0x00AB, meter, signed=True)
    assert [value_of(first), value_of(second)] == [0, 0]
    assert (first.target, second.target) == (SUP, ACB)
    certificate = world.lab.payload("CS03CNonCritical_8.7.2_SUCCESS_COMMAND").other_device_certificate
    gas = JoinDevice(JoinMethodAndRole.METHOD_C, A1, DeviceType.GSME, certificate)
    (third,) = world.ask(A4, 0x00AF, gas, signed=True)
    assert value_of(third) is JoinResult.SUCCESS
    assert [partner.device for partner in world.device(A4).state.partners] == [A0, A1]
    world.estate.switch_off(A0, NOW)
    (again,) = world.ask(A4, 0x000F, A0, signed=True)
    (fourth,) = world.ask(A4, 0x00AB, meter, signed=True)
    assert [value_of(again), value_of(fourth)] == [0, JoinResult.NO_PARTNER_LINK_KEY_RECEIVED]


def test_another_proxy_or_another_kind_is_in_the_way(world: World):
    world.everybody()
    world.join_gas()
    for command in (
        JoinDevice(JoinMethodAndRole.METHOD_B, GPF2, DeviceType.GPF),
        JoinDevice(JoinMethodAndRole.METHOD_C, A3, DeviceType.PPMID, b"0\x00"),
    ):
        code = 0x000E if command.method is JoinMethodAndRole.METHOD_B else 0x00AF
        (answer,) = world.ask(A1, code, command, who=SUP, signed=code == 0x00AF)
        assert value_of(answer) is JoinResult.INCOMPATIBLE_WITH_EXISTING_ENTRY
    (same,) = world.join_gas()
    assert value_of(same) is JoinResult.SUCCESS
    assert len(world.device(A1).state.partners) == 1


def test_a_log_has_an_end(world: World):
    world.everybody()
    many = tuple(Partner(Eui64(n.to_bytes(8, "big")), DeviceType.TYPE2) for n in range(32))
    world.ask(A3, 0x008C, RestoreDeviceLog(many))
    extra = Partner(A4, DeviceType.PPMID)
    response, *rest = world.ask(A3, 0x008C, RestoreDeviceLog((extra, many[0])))
    assert [entry.result for entry in value_of(response).entries] == [JoinResult.DEVICE_LOG_FULL, JoinResult.SUCCESS]
    assert rest == []


def test_a_hub_takes_its_devices_along(world: World):
    world.everybody()
    assert all(world.estate.book.way_to(eui) is NO_FAULTS for eui in (A0, A1, A2, A3, A4))
    world.estate.switch_off(A2, NOW)
    assert all(world.estate.book.way_to(eui) is None for eui in (A0, A1, A2, A3, A4))
    assert world.estate.book.shares_network(A1, A3)
    world.estate.switch_on(A2, NOW + SECOND)
    world.estate.set_faults(A2, Faults(reachable=False))
    assert world.put_on_the_way(A0, b"") is Taken.UNREACHABLE
    world.estate.set_faults(A2, NO_FAULTS)
    world.estate.book.set_region_faults(Region.NORTH, Faults(delay=3))
    world.estate.set_faults(A0, Faults(delay=2))
    assert [world.estate.book.way_to(eui).delay for eui in (A0, A1)] == [5, 3]
    world.estate.book.set_region_faults(Region.NORTH, Faults(reachable=False))
    assert world.put_on_the_way(A1, b"") is Taken.UNREACHABLE
    assert world.put_on_the_way(A9, b"") is Taken.UNREACHABLE


def test_an_outage_is_told_to_supplier_or_operator(world: World):
    world.everybody()
    for minutes in (2, 10):
        world.estate.switch_off(A0, NOW)
        world.estate.switch_off(A0, NOW + SECOND)
        world.estate.switch_on(A0, NOW + timedelta(minutes=minutes))
        world.estate.switch_on(A0, NOW + timedelta(minutes=minutes))
    short, long = world.collect(NOW + timedelta(minutes=10))
    assert (short.message_code, short.target, value_of(short).alert_code) == (0x1000, SUP, 0x8F35)
    assert (long.message_code, long.target) == (0x0067, NO)
    members = [member.value for member in value_of(long).data.value]
    assert members[0] == 0x8F36
    assert members[1] == members[3] != members[2]


def test_an_outage_alert_equals_the_real_one(lab: Lab):
    expected = lab.message("ECS80_NA_8F36_ALERT")
    device = lab.esme().with_state(DeviceState(alert_counter=2003))
    start, end = datetime(2014, 12, 31, 23, 50, tzinfo=UTC), datetime(2014, 12, 31, 23, 59, tzinfo=UTC)
    _, (alert,) = power_restored(device, start, end)
    stamp = expected.payload[12:24]
    found = frame.decode(alert)
    assert found.payload.replace(found.payload[12:24], stamp, 1) == expected.payload
    assert found.target == expected.target


def test_tampering_is_told(world: World):
    world.everybody()
    for eui, kind in ((A0, 0x0F), (A1, 0x01), (A4, 0x0F)):
        world.estate.tamper(eui, NOW)
        (alert,) = world.collect()
        assert (alert.message_code, alert.originator, alert.payload[0]) == (0x1000, eui, kind)
        assert value_of(alert).alert_code == 0x8F3F
        assert world.device(eui).log[-1].code == 0x8F3F


def test_a_notice_equals_the_real_one(lab: Lab):
    expected = lab.message("GNCA-DLMS_NA_810E_ALERT")
    device = lab.esme()
    after, (alert,) = alarmed(device, 0x810E, datetime(2015, 1, 1, tzinfo=UTC))
    found = frame.decode(alert)
    assert frame.signed_octets(found) == frame.signed_octets(expected)
    secret = protect.agree(lab.of(SUP, "KA").private, protect.public_key_from_point(device.public_point(KA)))
    assert protect.check_mac(found, secret)
    assert after.log[-1].code == 0x810E


def test_events_are_told_by_their_class(world: World):
    world.everybody()
    for code, message in ((0x8F3F, [0x1000]), (0x8183, [0x1001]), (0x8F43, [])):
        world.estate.alarm(A1, code, NOW)
        assert codes(world.collect()) == message
        assert world.device(A1).log[-1].code == code
    for code in (0x8F12, 0x8F66, 0x0001):
        with pytest.raises(ValueError, match="generic"):
            world.estate.alarm(A1, code, NOW)


def test_a_clock_far_off_stays_within_the_years_there_are(world: World):
    device = world.device(A3)
    for skew in (3_000_000_000, -3_000_000_000):
        off = workshop.skewed(device, skew)
        far = datetime.max.replace(tzinfo=UTC) if skew > 0 else datetime.min.replace(tzinfo=UTC)
        assert off.time(far) == far
        assert off.network_time(off.time(NOW)) == NOW
    with pytest.raises(ValueError, match="century"):
        workshop.skewed(device, 2**40)


def test_images_come_to_devices(world: World):
    world.everybody()
    version = bytes.fromhex("00010203")
    brought = world.wan.distribute(b"image", version.hex(), [A0, A1, A2, A4, A9], NOW)
    assert brought == [True, True, False, True, False]
    found = world.collect()
    assert codes(found) == [0x00CE, 0x00CF, 0x0128, 0x012B]
    image_hash = world.device(A0).state.held_image.image_hash
    assert [value_of(message).image_hash for message in found[:2]] == [image_hash] * 2
    assert value_of(found[2]).device == A4
    assert world.device(A4).firmware_version == value_of(found[3]).firmware_version == version
    assert world.device(A0).firmware_version != version
    faulty = HeldImage(bytes(32), bytes(4), faulty=True)
    assert world.estate.distribute(faulty, [A4], NOW) == [True]
    assert [value_of(message).result for message in world.collect()] == [1, 1]
    assert world.device(A4).firmware_version == version


def test_a_clock_that_is_wrong_is_set_by_the_network(world: World):
    world.everybody()
    world.estate.put(workshop.skewed(world.device(A1), 7200, DeviceTimeStatus.UNRELIABLE))
    late = SetTime(NOW - 10 * SECOND, NOW - SECOND)
    (answer,) = world.ask(A1, 0x007F, late, who=SUP, signed=True)
    assert value_of(answer).device_time == NOW + timedelta(hours=2)
    assert value_of(answer).status is DeviceTimeStatus.UNRELIABLE
    assert world.device(A1).log[-1].code == 0x8F0C
    (answer,) = world.ask(A1, 0x007F, SetTime(NOW - SECOND, NOW + 59 * SECOND), who=SUP, signed=True)
    assert value_of(answer).device_time == NOW
    assert value_of(answer).status is DeviceTimeStatus.RELIABLE
    assert world.device(A1).clock.skew == 0
    world.estate.put(workshop.failing(world.device(A1), 0x007F))
    (answer,) = world.ask(A1, 0x007F, late, who=SUP, signed=True)
    assert value_of(answer).status is DeviceTimeStatus.INVALID
    world.estate.put(workshop.mended(world.device(A1)))
    assert not world.device(A1).fails(0x007F)


def test_what_cannot_be_made_is_refused(world: World):
    estate = world.estate
    for make in (
        lambda: estate.add_hub(A2, A9, Region.NORTH),
        lambda: estate.add_hub(A9, A3, Region.NORTH),
        lambda: estate.add_hub(A9, A9, Region.NORTH),
        lambda: estate.add(A9, DeviceType.GPF, A2),
        lambda: estate.add(A9, DeviceType.TYPE2, A2),
        lambda: estate.add(A9, DeviceType.ESME, A3),
        lambda: estate.move(A3, None, NOW),
        lambda: estate.take_away(A3),
        lambda: workshop.with_certificate(world.device(A2), NO_DS, world.lab.of(NO, "DS").der),
    ):
        with pytest.raises(ValueError, match=r"there already|hub|cells|cell"):
            make()
        assert len(estate.book) == 2
    with pytest.raises(KeyError):
        estate.add(A9, DeviceType.ESME, A5)


def test_devices_leave_the_estate(world: World):
    world.everybody()
    with pytest.raises(ValueError, match="other devices"):
        world.estate.take_away(A2)
    world.estate.tamper(A0, NOW)
    for eui in (A0, A1, A4, A2):
        world.estate.take_away(eui)
    assert len(world.estate.book) == len(world.estate.post) == 0
    assert world.collect() == []


def test_untouched_devices_of_an_estate_cost_little(lab: Lab):
    hubs = [(Eui64((2 * n).to_bytes(8, "big")), Eui64((2 * n + 1).to_bytes(8, "big"))) for n in range(2_500)]
    meters = [Eui64((10**9 + n).to_bytes(8, "big")) for n in range(5_000)]
    fleets = {"": World(lab).fleets[""]}
    tracemalloc.start()
    estate = Estate(fleets, b"")
    for chf, gpf in hubs:
        estate.add_hub(chf, gpf, Region.NORTH)
    for n, eui in enumerate(meters):
        estate.add(eui, DeviceType.ESME, hubs[n // 2][0])
        estate.install(eui, NOW)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(estate.book) == 10_000
    assert size < 50_000_000
    assert estate.book.way_to(meters[0]) is NO_FAULTS
    assert estate.book.device(meters[0]).public_point(KA)[0] == 4
