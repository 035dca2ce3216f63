"""Every service in scope, from signed DUIS to devices and back to what users hear (duis-dsp.md 5 and 6)."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dsp import dsp_world as w
from dsp import home_world as h
from dsp.home_world import CHF, ESME, GPF, GPF2, GSME, HCALCS, HUB2, MPAN, MPRN, PPMID, commissioned, installed
from dsp.test_dsp_resume import Stopped, StopsAt
from trustcell import certs, duis, gbcs
from trustcell.dsp import DeviceStatus, RequestState
from trustcell.gbcs.usecases.cs02cde import ProvideDeviceCertificateFailure
from trustcell.gbcs.usecases.joining import JoinResult
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

D, SUPPLIER = DeviceStatus, RemotePartyRole.SUPPLIER
SUPPLIER_DS, SUPPLIER_KA = CellId(SUPPLIER, w.DS), CellId(SUPPLIER, w.KA)
METERS = pytest.mark.parametrize("meter", [ESME, GSME], ids=str)
IMAGE = b"a firmware image of some length"


def user() -> Eui64:
    return w.cast().supplier.entity


def answered(home: h.Home, told: h.Told, code: int, originator: Eui64 | None = None, *, through: bool = False) -> None:
    """I99, the command that belongs to it, and one answer by which the request is done."""
    assert (told.code, told.codes) == ("I99", ["I0"])
    who = w.cast().broker.entity if through else originator or user()
    assert home.origin(told) == (who, code, told.ids if through else None)
    assert home.state(told.ids) is RequestState.DELIVERED
    (response,) = told.later
    assert response.response_id == told.ids.response_id()


# ---- 12.2, 8.14, 8.11, 8.1.1, 8.7: a home comes into being ----


def test_a_home_is_installed_and_commissioned() -> None:
    home = h.home()
    h.notify(home, CHF, "CHF", associated_gpf_device_id=GPF)
    assert (home.status(CHF), home.status(GPF)) == (D.PENDING, D.PENDING)
    assert home.ask("8.14.1", h.HUB_INSTALLED).code == "I99"
    assert (home.status(CHF), home.status(GPF)) == (D.INSTALLED_NOT_COMMISSIONED, D.INSTALLED_NOT_COMMISSIONED)
    told = home.ask("6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP((w.BROKER,)), CHF)
    assert told.codes == ["I0"]
    assert home.status(CHF) is D.COMMISSIONED
    for eui, kind in h.KINDS.items():
        h.notify(home, eui, kind.name)
        assert home.status(eui) is D.PENDING
        home.estate.add(eui, kind, CHF)
        told = h.whitelist(home, eui)
        answered(home, told, 0x0001, through=True)
        assert told.alert_codes[0] == "N24"
        record = home.record(eui)
        assert record is not None
        assert (record.status, record.hub) == (D.INSTALLED_NOT_COMMISSIONED, CHF)
        assert record.import_mpxn == h.POINTS.get(eui, "")
    for meter, code in ((ESME, 0x0062), (GSME, 0x007F)):
        answered(home, home.ask("8.1.1", duis.CommissionDeviceSynchroniseClock(home.now, 60), meter), code)
        record = home.record(meter)
        assert record is not None
        assert record.status is D.COMMISSIONED
        assert record.commissioned_at is not None
    joins = (
        ("8.7.2", GSME, GPF, 0x000E, False),
        ("8.7.2", PPMID, ESME, 0x00AB, True),
        ("8.7.1", ESME, PPMID, 0x000D, False),
        ("8.7.1", HCALCS, ESME, 0x00AB, False),
        ("8.7.1", ESME, HCALCS, 0x000D, False),
    )
    for service, device, other, code, through in joins:
        kind = duis.JoinServiceCritical if service == "8.7.1" else duis.JoinServiceNonCritical
        told = home.ask(service, kind(other), device)
        answered(home, told, code, through=through)
        assert told.payload is JoinResult.SUCCESS, (device, other)
    assert {home.status(eui) for eui in (CHF, GPF, *h.KINDS)} == {D.COMMISSIONED}
    gas = home.record(GSME)
    assert gas is not None
    assert gas.gpf == GPF


@METERS
def test_8_1_1_with_a_time_the_device_does_not_believe_commissions_nothing(meter: Eui64) -> None:
    home = installed(meter)
    told = home.ask("8.1.1", duis.CommissionDeviceSynchroniseClock(home.now + timedelta(days=400), 60), meter)
    assert told.codes == ["I0"]
    assert home.status(meter) is D.INSTALLED_NOT_COMMISSIONED


def test_8_7_refuses_what_cannot_join() -> None:
    home = commissioned(ESME, GSME, PPMID)
    assert home.refused("8.7.2", duis.JoinServiceNonCritical(CHF), PPMID) == "devices_cannot_join"
    assert home.refused("8.7.1", duis.JoinServiceCritical(PPMID), GSME) == "device_certificate_unknown"
    assert home.refused("8.7.2", duis.JoinServiceNonCritical(HUB2), PPMID) == "other_device_unknown"


def test_8_8_joined_devices_part_again() -> None:
    home = commissioned(ESME, GSME, PPMID, HCALCS)
    for service, device, other in (("8.7.2", PPMID, ESME), ("8.7.1", ESME, HCALCS), ("8.7.1", HCALCS, ESME)):
        kind = duis.JoinServiceCritical if service == "8.7.1" else duis.JoinServiceNonCritical
        assert home.ask(service, kind(other), device).payload is JoinResult.SUCCESS
    critical, other = duis.UnjoinServiceCritical, duis.UnjoinServiceNonCritical
    answered(home, home.ask("8.8.2", other(GPF), GSME), 0x0010)
    answered(home, home.ask("8.8.2", other(ESME), PPMID), 0x000F, through=True)
    answered(home, home.ask("8.8.1", critical(HCALCS), ESME), 0x000F)
    answered(home, home.ask("8.8.1", critical(ESME), HCALCS), 0x000F)


def test_8_11_removes_a_device() -> None:
    home = commissioned(ESME)
    commissioned_meter = duis.UpdateHANDeviceLog(ESME, duis.WhitelistChange.REMOVE)
    assert home.refused("8.11", commissioned_meter, CHF) == "other_device_status"
    home = installed(PPMID)
    told = home.ask("8.11", duis.UpdateHANDeviceLog(PPMID, duis.WhitelistChange.REMOVE), CHF)
    answered(home, told, 0x0002, through=True)
    record = home.record(PPMID)
    assert record is not None
    assert (record.status, record.hub, "N24" in told.alert_codes) == (D.PENDING, None, True)
    assert home.refused("8.11", duis.UpdateHANDeviceLog(HUB2, duis.WhitelistChange.REMOVE), CHF) == "not_pre_notified"


# ---- 8.2, 8.3, 8.4, 8.14: the inventory ----


def test_8_2_finds_by_device_and_by_metering_point() -> None:
    home = commissioned(ESME, GSME)
    for body, found in (
        (duis.ReadInventory(device_id=ESME), {ESME}),
        (duis.ReadInventory(mpxn=MPAN), {ESME}),
        (duis.ReadInventory(mpxn=MPRN), {GSME, GPF}),
    ):
        told = home.ask("8.2", body)
        assert told.code == "I0"
        assert {each.device_id for each in told.content.devices} == found
        assert {each.device_status for each in told.content.devices} == {duis.DeviceStatus.COMMISSIONED}
        assert told.later == ()
    assert home.refused("8.2", duis.ReadInventory(device_id=HUB2)) == "no_device_found"


def test_8_3_and_8_4_take_a_device_out() -> None:
    home = commissioned(ESME, GSME)
    assert home.refused("8.4", duis.UpdateInventory(ESME, delete_device=True)) == "device_status"
    assert home.ask("8.3", duis.DecommissionDevice(ESME)).code == "I99"
    assert home.status(ESME) is D.DECOMMISSIONED
    assert home.refused("11.2", duis.ReadFirmwareVersion(), ESME) == "device_status"
    assert home.ask("8.4", duis.UpdateInventory(ESME, delete_device=True)).code == "I99"
    assert home.record(ESME) is None
    assert home.refused("11.2", duis.ReadFirmwareVersion(), ESME) == "device_unknown"
    assert [each.event for each in home.homes.views.status_history(ESME)][-1] == "deleted by 8.4"


def test_8_3_of_anothers_device_is_refused() -> None:
    home = commissioned(ESME)
    assert home.refused("8.3", duis.DecommissionDevice(ESME), who=h.gaining()) == "not_responsible"


def test_8_14_what_becomes_of_a_hub() -> None:
    home = h.home()
    for chf, gpf in ((CHF, GPF), (HUB2, GPF2)):
        h.notify(home, chf, "CHF", associated_gpf_device_id=gpf)
    without = duis.CHFInstallSuccessNoSMWAN(
        CHF, "New CHF Install", MPAN, False, "Deep indoors", "Terraced", False, False, False
    )
    assert home.ask("8.14.2", without).code == "I99"
    assert home.status(CHF) is D.PENDING
    for chf in (CHF, HUB2):
        assert home.ask("8.14.1", replace(h.HUB_INSTALLED, device_id=chf)).code == "I99"
    faulty = duis.CHFFaultReturn(CHF, "Fault identified post installation", ESME, "Cradle", "LED Fault")
    for service, body in (("8.14.3", faulty), ("8.14.4", duis.CHFNoFaultReturn(HUB2, "No Fault Return (general)"))):
        assert home.ask(service, body).code == "I99"
    assert {home.status(eui) for eui in (CHF, GPF, HUB2, GPF2)} == {D.DECOMMISSIONED}
    assert home.refused("8.14.1", replace(h.HUB_INSTALLED, device_id=ESME)) == "device_unknown"


# ---- 8.9, 8.12: logs ----


def test_8_9_reads_the_logs_of_hub_meter_and_proxy() -> None:
    home = commissioned(GSME)
    told = home.ask("8.9", duis.ReadDeviceLog(), CHF)
    answered(home, told, 0x010F, through=True)
    assert isinstance(told.payload, gbcs.HubDevices)
    told = home.ask("8.9", duis.ReadDeviceLog(read_security_details=True), CHF)
    answered(home, told, 0x00FE, through=True)
    assert isinstance(told.payload, gbcs.HubLogs)
    answered(home, home.ask("8.9", duis.ReadDeviceLog(), GSME), 0x0013)
    answered(home, home.ask("8.9", duis.ReadDeviceLog(), GPF), 0x0013, through=True)


def test_8_12_a_new_hub_takes_over_the_devices_of_the_old_one() -> None:
    home = commissioned(ESME, GSME, PPMID)
    home.estate.add_hub(HUB2, GPF2, h.Region.NORTH)
    h.notify(home, HUB2, "CHF", associated_gpf_device_id=GPF2)
    replacing = replace(h.HUB_INSTALLED, device_id=HUB2, chf_install_type="Replacement CHF Install")
    assert home.ask("8.14.1", replacing).code == "I99"
    answered(home, home.ask("8.12.1", duis.RestoreHANDeviceLog(CHF), HUB2), 0x0003, through=True)
    for eui in (ESME, GSME, PPMID):
        home.estate.move(eui, HUB2, home.now)
    home.settle()
    records = [home.record(eui) for eui in (ESME, GSME, PPMID)]
    assert {record.hub for record in records if record is not None} == {HUB2}
    told = home.ask("8.12.2", duis.RestoreGPFDeviceLog(GPF), GPF2)
    answered(home, told, 0x008C, w.cast().broker.entity)
    assert home.refused("8.12.2", duis.RestoreGPFDeviceLog(ESME), GPF2) == "old_device_unknown"


# ---- 6.x: credentials ----


@pytest.mark.parametrize("eui", ids=str, argvalues=[ESME, GSME, HCALCS])
def test_6_15_1_a_supplier_renews_its_own_credentials(eui: Eui64) -> None:
    home = commissioned(ESME, GSME, HCALCS)
    assert home.ask("8.7.1", duis.JoinServiceCritical(ESME), HCALCS).payload is JoinResult.SUCCESS
    renewed = replace(
        w.cast().supplier,
        signing=w.second_pair(w.cast().supplier, SUPPLIER, w.DS),
        agreement=w.second_pair(w.cast().supplier, SUPPLIER, w.KA),
    )
    told = home.ask("6.15.1", h.update_body(renewed, SUPPLIER), eui)
    answered(home, told, 0x0102)
    held = home.device(eui).cell(SUPPLIER_DS)
    assert held is not None
    assert held.key_id == w.key_id(renewed.signing)
    assert home.slot(eui, SUPPLIER_DS) == user()


@pytest.mark.parametrize("eui", ids=str, argvalues=[ESME, GSME])
def test_6_17_6_15_2_and_6_24_2_a_device_gets_a_new_key(eui: Eui64) -> None:
    home = commissioned(ESME, GSME)
    read = duis.RetrieveDeviceSecurityCredentialsDevice(KeyUsage.KEY_AGREEMENT)
    told = home.ask("6.24.2", read, eui)
    answered(home, told, 0x000C)
    assert told.payload is ProvideDeviceCertificateFailure.NO_CERTIFICATE_HELD  # it was made with a bare key
    told = home.ask("6.17", duis.IssueSecurityCredentials(KeyUsage.KEY_AGREEMENT), eui)
    answered(home, told, 0x000A)
    wanted = certs.load_csr(told.payload)
    assert wanted.entity_id == eui
    before = home.device(eui).public_point(w.KA)
    issued = h.device_certificate(eui, KeyUsage.KEY_AGREEMENT, wanted.public_key_point)
    told = home.ask("6.15.2", duis.UpdateSecurityCredentialsDevice(issued), eui)
    answered(home, told, 0x000B)
    record = home.record(eui)
    assert record is not None
    assert record.agreement_point == home.device(eui).public_point(w.KA) == wanted.public_key_point != before
    assert home.ask("6.24.2", read, eui).payload == issued
    home.ask("6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP((SUPPLIER,)), eui)  # MACs go by the new key
    stranger = h.device_certificate(CHF, KeyUsage.KEY_AGREEMENT, wanted.public_key_point)
    refused = home.refused("6.15.2", duis.UpdateSecurityCredentialsDevice(stranger), eui)
    assert refused == "device_certificate_unfit"


@pytest.mark.parametrize(("eui", "code"), ids=str, argvalues=[(GPF, 0x0103), (ESME, 0x0103)])
def test_6_21_and_the_departure_after_it(eui: Eui64, code: int) -> None:
    home, operator, broker = commissioned(ESME, GSME), w.cast().leaving, w.cast().broker
    handover = h.update_body(operator, w.NO, duis.RequestHandoverOfDCCControlledDevice)
    told = home.ask("6.21", handover, eui)
    answered(home, told, code, broker.entity)
    assert told.alert_codes == ["N42"]
    assert [user for user, each in home.heard if each is told.dcc_alerts[0]] == [operator.entity]
    assert home.slot(eui, w.NO_DS) == operator.entity
    assert home.refused("6.21", handover, eui) == "slot_not_broker"
    home.counter = w.HUGE
    told = home.ask("6.15.1", h.update_body(broker, w.NO), eui, operator)
    answered(home, told, code, operator.entity)
    assert home.slot(eui, w.NO_DS) == broker.entity
    found = home.homes.views.highest(eui)
    assert (None if found is None else found[0]) == (told.ids.counter if eui == GPF else None)
    home.counter = 20_000
    again = home.ask("6.21", handover, eui)
    assert again.codes == (["I0"] if eui == GPF else [])  # SECMP0128A is for gas proxies only
    if eui != GPF:
        assert [each.response_code for _user, each in home.pass_time(minutes=6)] == ["E21"]


@pytest.mark.parametrize(("eui", "point"), ids=str, argvalues=[(ESME, MPAN), (GSME, MPRN), (GPF, MPRN)])
def test_6_23_changes_the_supplier(eui: Eui64, point: str) -> None:
    home, gaining = commissioned(ESME, GSME), h.gaining()
    if eui == GPF:
        home.ask("6.21", h.update_body(w.cast().supplier, SUPPLIER, duis.RequestHandoverOfDCCControlledDevice), GPF)
    body = duis.UpdateSecurityCredentialsCoS(
        0,
        gaining.signing.certificate.der,
        (w.cast().path.der,),
        True,
        point,
        gaining.agreement.certificate.der,
    )
    assert home.refused("6.23", body, eui, gaining) in ("not_responsible", "not_gaining_supplier")
    change = h.Registration(point, gaining.entity, w.cast().leaving.entity, home.now)
    w.stood(home.store.commit([h.Work(eui, effects=h.Effects(registrations=(change,)))], home.now))
    told = home.ask("6.23", body, eui, gaining)
    answered(home, told, 0x0107, w.COS_PARTY)
    assert told.alert_codes == ["N26"]
    assert [who for who, each in home.heard if each is told.dcc_alerts[0]] == [user()]
    held = home.device(eui).cell(SUPPLIER_DS)
    assert held is not None
    assert held.entity == home.slot(eui, SUPPLIER_DS) == gaining.entity
    assert home.refused("11.2", duis.ReadFirmwareVersion(), ESME if eui == ESME else GSME) == "not_responsible"


@pytest.mark.parametrize("eui", ids=str, argvalues=[ESME, GSME, CHF, GPF, HCALCS, PPMID])
def test_6_24_1_reads_what_a_device_holds(eui: Eui64) -> None:
    home = commissioned(ESME, GSME, HCALCS, PPMID)
    told = home.ask("6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP((w.BROKER, SUPPLIER)), eui)
    answered(home, told, 0x0008, w.cast().broker.entity)
    for cell, held in home.device(eui).cells().items():
        if cell.role in (w.BROKER, SUPPLIER):
            assert home.slot(eui, cell) == held.entity


def test_8_5_a_meter_leaves_the_dcc() -> None:
    home = commissioned(ESME)
    heir = w.authority().organisation("another broker", w.BROKER, Eui64.parse("70-B3-D5-1F-30-00-00-F2"), w.KA)
    body = duis.ServiceOptOut(home.now + timedelta(hours=1), 0, heir.certificate.der, (w.cast().path.der,), True)
    told = home.ask("8.5", body, ESME)
    assert (told.code, told.codes, home.state(told.ids)) == ("I99", [], RequestState.HELD)
    later = [each for _user, each in home.pass_time(hours=1) if each.request_id == told.ids]
    assert [each.response_code for each in later] == ["I0"]
    assert home.origin(told) == (w.cast().broker.entity, 0x0104, None)
    held = home.device(ESME).cell(w.BROKER_KA)
    assert held is not None
    assert held.entity == home.slot(ESME, w.BROKER_KA) == heir.certificate.entity_id
    assert home.status(ESME) is D.WITHDRAWN
    assert home.refused("11.2", duis.ReadFirmwareVersion(), ESME) == "device_status"


# ---- 11.x: firmware ----


@METERS
def test_11_firmware_is_brought_read_and_activated(meter: Eui64) -> None:
    home = commissioned(ESME, GSME)
    assert home.ask("11.1", duis.UpdateFirmware(IMAGE, "0000002A", (meter,))).code == "I99"
    assert home.device(meter).state.held_image is not None
    told = home.ask("11.3", duis.ActivateFirmware(hashlib.sha256(IMAGE).digest()), meter)
    answered(home, told, 0x0012)
    told = home.ask("11.2", duis.ReadFirmwareVersion(), meter)
    answered(home, told, 0x0059 if meter == ESME else 0x0084)
    record = home.record(meter)
    assert record is not None
    assert record.details["DeviceFirmwareVersion"] == "0000002A"


@METERS
def test_11_3_at_a_date_is_told_by_alert(meter: Eui64) -> None:
    home = commissioned(ESME, GSME)
    home.ask("11.1", duis.UpdateFirmware(IMAGE, "0000002A", (meter,)))
    date = home.now + timedelta(hours=2)
    told = home.ask("11.3", duis.ActivateFirmware(hashlib.sha256(IMAGE).digest(), date), meter)
    assert told.codes == ["I0"]
    (response,) = [each for _user, each in home.pass_time(hours=2, minutes=1) if each.request_id == told.ids]
    assert response.message.content.future_dated_alert_code == "8F66"
    record = home.record(meter)
    assert record is not None
    assert record.details["DeviceFirmwareVersion"] == "0000002A"


@pytest.mark.parametrize(("eui", "code"), ids=str, argvalues=[(CHF, 0x0059), (PPMID, 0x0129)])
def test_11_2_of_devices_that_know_the_broker_alone(eui: Eui64, code: int) -> None:
    home = commissioned(ESME, PPMID)
    assert home.ask("8.7.2", duis.JoinServiceNonCritical(ESME), PPMID).payload is JoinResult.SUCCESS
    answered(home, home.ask("11.2", duis.ReadFirmwareVersion(), eui), code, through=True)


def test_11_1_tells_which_devices_it_did_not_reach() -> None:
    home = commissioned(ESME, GSME)
    home.estate.switch_off(GSME, home.now)
    told = home.ask("11.1", duis.UpdateFirmware(IMAGE, "0000002A", (ESME, GSME, HUB2)))
    assert told.code == "W110101"
    assert told.content == duis.DSPUpdateFirmwareWarning((HUB2,))
    assert told.alert_codes == ["N22"]
    (alert,) = told.dcc_alerts
    assert alert.message.alert == duis.FirmwareDistributionFailure(told.ids, (GSME,))
    assert home.device(ESME).state.held_image is not None
    assert home.refused("11.1", duis.UpdateFirmware(IMAGE, "1", (HUB2,))) == "no_device_for_firmware"


@pytest.mark.parametrize("version", ["1", "v1.2", "00000000"])
def test_11_1_with_a_version_of_another_shape_holds_nothing_up(version: str) -> None:
    home = commissioned(ESME)
    told = home.ask("11.1", duis.UpdateFirmware(IMAGE, version, (ESME,)))
    assert (told.code, told.alert_codes) == ("I99", [] if version == "00000000" else ["N22"])
    answered(home, home.ask("11.2", duis.ReadFirmwareVersion(), ESME), 0x0059)


# ---- 5.x: schedules ----


def daily(home: h.Home, days: int = 1) -> duis.CreateSchedule:
    return duis.CreateSchedule(
        duis.ScheduleFrequency.DAILY,
        home.now.date() + timedelta(days=days),
        "4.16",
        "4.16",
        ESME,
        duis.ScheduledRequest("DSPReadActivePowerImport"),
    )


def test_5_1_to_5_3_a_schedule_runs_until_it_is_deleted() -> None:
    home = commissioned(ESME)
    made = home.ask("5.1", daily(home))
    assert made.code == "I0"
    number = made.content.dsp_schedule_id
    shown = home.ask("5.2", duis.ReadSchedule(dsp_schedule_id=number))
    assert shown.code == "I0"
    for _ in range(3):
        (told,) = home.pass_time(days=1)
        assert (told[0], told[1].response_code) == (user(), "I0")
        content = told[1].message.content
        assert isinstance(content, duis.DSPScheduledMessage)
        assert content.dsp_schedule_id == number
        assert isinstance(gbcs.decode_payload(gbcs.decode(content.gbcs_payload)), gbcs.ActivePower)
    assert home.refused("5.3", duis.DeleteSchedule(dsp_schedule_id=number), who=h.gaining()) == "no_schedule_found"
    assert home.ask("5.3", duis.DeleteSchedule(dsp_schedule_id=number)).code == "I99"
    assert home.pass_time(days=3) == []


def test_two_schedules_due_at_the_same_time_are_two_requests() -> None:
    home = commissioned(ESME)
    numbers = {home.ask("5.1", daily(home)).content.dsp_schedule_id for _ in range(3)}
    told = [each.message.content.dsp_schedule_id for _user, each in home.pass_time(days=1)]
    assert sorted(told) == sorted(numbers)
    assert len({each.request_id for _user, each in home.heard[-3:]}) == 3


def test_a_schedule_whose_device_is_gone_tells_its_user_and_goes_on() -> None:
    home = commissioned(ESME)
    home.ask("5.1", daily(home))
    home.ask("8.3", duis.DecommissionDevice(ESME))
    for _ in range(2):
        codes = [each.response_code for _user, each in home.pass_time(days=1)]
        assert codes == ["E5"]


# ---- alerts, and devices that cannot be reached ----


def test_e20_a_device_that_is_off() -> None:
    home = commissioned(ESME)
    home.estate.switch_off(ESME, home.now)
    told = home.ask("11.2", duis.ReadFirmwareVersion(), ESME)
    assert (told.code, told.codes) == ("I99", ["E20"])
    assert home.state(told.ids) is RequestState.DELIVERED
    home.estate.switch_on(ESME, home.now)
    home.settle()
    assert home.ask("11.2", duis.ReadFirmwareVersion(), ESME).codes == ["I0"]


def test_an_alert_of_a_device_reaches_the_party_it_names() -> None:
    home = commissioned(ESME)
    before = len(home.heard)
    home.estate.tamper(ESME, home.now)
    home.settle()
    alerts = [(who, each) for who, each in home.heard[before:] if isinstance(each.message, duis.DeviceAlertMessage)]
    assert alerts
    for who, each in alerts:
        message = gbcs.decode(each.message.gbcs_payload)
        assert message.target == who
        assert each.response_id == duis.RequestId(ESME, who, message.originator_counter)
        assert each.request_id is None


def test_the_answer_of_one_device_and_the_log_of_another_do_not_overwrite_each_other() -> None:
    """A gas meter joins its proxy: its answer commissions the proxy, whose log arrives in the same moment."""
    home = commissioned(GSME)
    record = home.record(GPF)
    assert record is not None
    assert record.status is D.COMMISSIONED
    assert record.device_log
    assert record.import_mpxn == MPRN


def test_requests_of_a_group_do_not_overwrite_each_other() -> None:
    """8.14.1 of a hub changes its proxy as well, and an 8.4 of the proxy stands in the same group."""
    home = h.home()
    h.notify(home, CHF, "CHF", associated_gpf_device_id=GPF)
    supplier, broker = w.cast().supplier, w.cast().broker.entity
    details = duis.UpdateDeviceDetails(device_manufacturer="2222", device_model="3333")
    requests = (
        ("8.14.1", h.HUB_INSTALLED),
        ("8.4", duis.UpdateInventory(GPF, update_device_details=details)),
    )
    items: list[Any] = []
    for number, (variant, body) in enumerate(requests):
        ids = duis.RequestId(supplier.entity, broker, 77_000 + number)
        request = duis.Request(ids, 8, duis.services()[variant].reference, variant, body)
        items.append((w.signed(supplier, request), "serviceD"))
    assert [each.code for each in home.manager.submit(items, home.now)] == ["I99", "I99"]
    record = home.record(GPF)
    assert record is not None
    assert record.status is D.INSTALLED_NOT_COMMISSIONED
    assert record.details["DeviceManufacturer"] == "2222"


def test_a_run_of_a_schedule_that_a_crash_interrupted_is_the_brokers_and_names_its_schedule() -> None:
    home = commissioned(ESME)
    number = home.ask("5.1", daily(home)).content.dsp_schedule_id
    books = StopsAt(home.store)
    books.stop = "command"
    home.manager = h.manager(books, home.estate)
    home.now += timedelta(days=1)
    with pytest.raises(Stopped):
        home.manager.run_due(home.now)
    home.manager = h.manager(home.store, home.estate)
    assert home.manager.resume(home.now) == 1
    (command,) = home.manager.outbox()
    assert command.key.originator == w.cast().broker.entity
    before = len(home.heard)
    home.settle()
    ((who, told),) = home.heard[before:]
    assert who == user()
    assert told.message.content.dsp_schedule_id == number
