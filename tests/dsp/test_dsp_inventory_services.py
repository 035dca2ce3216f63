"""Requests to the DSP itself: 8.2, 8.3, 8.4, 8.14, 11.1 and 12.2, each way in and out (duis-dsp.md 5 and 6)."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from dsp.rules_world import (
    BROKER,
    CHF,
    ESME,
    GPF,
    GSME,
    MPAN,
    NOW,
    OTHER_SUPPLIER,
    PPMID,
    SUPPLIER,
    TYPES,
    ask,
    device,
    eui,
    facts,
    request,
    template,
    user,
)
from trustcell import duis
from trustcell.dsp.rules import access
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus, InventoryQuery
from trustcell.dsp.rules.firmware import distributed
from trustcell.dsp.rules.plan import Answer, Ask, Effects
from trustcell.dsp.rules.services import SERVICES
from trustcell.dsp.rules.services.subject import subject
from trustcell.vocab import DeviceType, Eui64

D = DeviceStatus
NEW = eui(0x55)


def asked(variant: str, body: duis.Body, *others: DeviceRecord, **fields: Any) -> Ask:
    who = fields.pop("who", user(SUPPLIER))
    known = facts(None, who, others={each.eui: each for each in others}, **fields)
    return ask(request(variant, body, BROKER, originator=who.entity), known)


def failed(asks: Ask) -> list[str]:
    return [finding.code for finding in list(access.judge(asks))[-1].findings]


def answer(asks: Ask) -> Answer:
    access.require(asks)
    found = SERVICES[asks.request.service_reference_variant].plan(asks)
    assert isinstance(found, Answer)
    return found


def statuses(found: Answer) -> dict[Eui64, Any]:
    return {change.eui: change.after and change.after.status for change in found.effects.devices}


# ---- 12.2 ----


def notification(**fields: Any) -> duis.DevicePrenotification:
    given = {
        "device_id": NEW,
        "device_manufacturer": "1111",
        "device_model": "2222",
        "device_type": duis.InventoryDeviceType.ESME,
        "firmware_version": "0123ABCD",
        "esme_variant": "AD",
    }
    return duis.DevicePrenotification(**{**given, **fields})


def test_a_device_is_pre_notified_with_what_is_said_of_it() -> None:
    found = answer(asked("12.2", notification()))
    assert (found.code, found.content) == ("I99", None)
    (change,) = found.effects.devices
    new = change.after
    assert new is not None
    assert (new.eui, new.device_type, new.status, new.status_since) == (NEW, DeviceType.ESME, D.PENDING, NOW)
    assert new.details == {
        "DeviceManufacturer": "1111",
        "DeviceModel": "2222",
        "DeviceFirmwareVersion": "0123ABCD",
        "ESMEVariant": "AD",
    }


def test_a_hub_comes_with_its_proxy() -> None:
    hub = notification(device_type=duis.InventoryDeviceType.CHF, associated_gpf_device_id=eui(0x56), esme_variant=None)
    first, second = answer(asked("12.2", hub)).effects.devices
    assert first.after is not None
    assert second.after is not None
    assert (first.after.device_type, first.after.gpf) == (DeviceType.CHF, eui(0x56))
    assert (second.eui, second.after.device_type, second.after.hub) == (eui(0x56), DeviceType.GPF, NEW)


def test_a_type_2_device_has_no_status() -> None:
    (change,) = answer(asked("12.2", notification(device_type=duis.InventoryDeviceType.IHD))).effects.devices
    assert change.after is not None
    assert (change.after.status, change.after.device_type, change.after.duis_type) == (None, DeviceType.TYPE2, "IHD")


@pytest.mark.parametrize(
    ("fields", "known", "reasons"),
    [
        ({"device_type": duis.InventoryDeviceType.CHF}, [], ["proxy_missing"]),
        (
            {"device_type": duis.InventoryDeviceType.CHF, "associated_gpf_device_id": NEW},
            [],
            ["same_id_for_hub_and_proxy"],
        ),
        ({"associated_gpf_device_id": eui(0x56)}, [], ["proxy_of_no_hub"]),
        ({"device_id": ESME}, [device(ESME)], ["already_in_inventory"]),
        (
            {"device_type": duis.InventoryDeviceType.CHF, "associated_gpf_device_id": GPF},
            [device(GPF)],
            ["already_in_inventory"],
        ),
    ],
)
def test_what_cannot_be_pre_notified(fields: Any, known: list[DeviceRecord], reasons: list[str]) -> None:
    assert failed(asked("12.2", notification(**fields), *known)) == reasons


# ---- 8.2 ----


def test_a_question_is_gathered_by_what_it_names() -> None:
    address = duis.PropertyFilter("ZZ1 1ZZ", "12")
    for body, query in (
        (duis.ReadInventory(device_id=ESME), InventoryQuery(device=ESME)),
        (duis.ReadInventory(mpxn=MPAN), InventoryQuery(mpxn=MPAN)),
        (duis.ReadInventory(uprn=12), InventoryQuery(uprn="12")),
        (duis.ReadInventory(property_filter=address), InventoryQuery(post_code="ZZ1 1ZZ", address_identifier="12")),
    ):
        assert SERVICES["8.2"].needs(body).query == query


def test_an_inventory_answer_shows_every_device_found() -> None:
    details = MappingProxyType({"DeviceManufacturer": "1111", "UPRN": "7", "PostCode": "ZZ1 1ZZ", "CSPRegion": "North"})
    found = (device(ESME, commissioned_at=NOW, details=details), device(PPMID), NEW_IHD)
    shown = answer(asked("8.2", duis.ReadInventory(device_id=ESME), found=found))
    assert shown.code == "I0"
    first, second, third = shown.content.devices
    assert (first.device_id, first.device_status, first.import_mpxn) == (ESME, "Commissioned", MPAN)
    assert (first.date_commissioned, first.uprn, first.property_filter.post_code) == (NOW.date(), 7, "ZZ1 1ZZ")
    assert first.csp_region is duis.CspRegion.NORTH
    assert (second.device_type, second.import_mpxn) == ("PPMID", None)
    assert (third.device_type, third.device_status) == ("IHD", None)
    many = tuple(device(ESME) for _ in range(20))
    assert len(answer(asked("8.2", duis.ReadInventory(mpxn=MPAN), found=many)).content.devices) == 17


NEW_IHD = DeviceRecord(NEW, DeviceType.TYPE2, status=None, duis_type="IHD")


def test_a_question_that_finds_nothing() -> None:
    assert failed(asked("8.2", duis.ReadInventory(device_id=ESME))) == ["no_device_found"]


# ---- 8.3 and 8.4 ----


def test_decommissioning() -> None:
    body = duis.DecommissionDevice(ESME)
    assert statuses(answer(asked("8.3", body, device(ESME)))) == {ESME: D.DECOMMISSIONED}
    assert failed(asked("8.3", body, device(ESME, D.PENDING))) == ["device_status"]
    assert failed(asked("8.3", body)) == ["device_unknown"]
    assert failed(asked("8.3", body, device(ESME), who=user(OTHER_SUPPLIER))) == ["not_responsible"]


@pytest.mark.parametrize(
    ("fields", "before", "after"),
    [
        ({"update_device_status_except_ch": D.PENDING}, device(ESME, D.WHITELISTED), D.PENDING),
        (
            {"update_device_status_except_ch": D.INSTALLED_NOT_COMMISSIONED},
            device(ESME, D.PENDING),
            D.INSTALLED_NOT_COMMISSIONED,
        ),
        ({"update_device_status_ch": D.COMMISSIONED}, device(CHF, D.INSTALLED_NOT_COMMISSIONED), D.COMMISSIONED),
        ({"update_device_status_ch": D.WITHDRAWN}, device(CHF), D.WITHDRAWN),
        ({"delete_device": True}, device(ESME, D.PENDING), None),
        ({"delete_device": True}, device(ESME, D.DECOMMISSIONED), None),
    ],
)
def test_a_status_set_by_8_4(fields: Any, before: DeviceRecord, after: Any) -> None:
    body = duis.UpdateInventory(
        before.eui, **{k: duis.DeviceStatus(v) if isinstance(v, D) else v for k, v in fields.items()}
    )
    assert statuses(answer(asked("8.4", body, before))) == {before.eui: after}


def test_what_8_4_refuses() -> None:
    commissioned = duis.DeviceStatus.COMMISSIONED
    assert failed(asked("8.4", duis.UpdateInventory(ESME, update_device_status_ch=commissioned), device(ESME))) == [
        "status_of_other_type"
    ]
    pending = duis.DeviceStatus.PENDING
    assert failed(asked("8.4", duis.UpdateInventory(CHF, update_device_status_except_ch=pending), device(CHF))) == [
        "status_of_other_type"
    ]
    assert failed(asked("8.4", duis.UpdateInventory(ESME, delete_device=True), device(ESME))) == ["device_status"]


def test_details_and_metering_points_change_by_8_4() -> None:
    details = duis.UpdateDeviceDetails(device_model="NEW", firmware_version="00000001")
    old = device(ESME, details=MappingProxyType({"DeviceModel": "OLD", "UPRN": "7"}))
    (change,) = answer(asked("8.4", duis.UpdateInventory(ESME, update_device_details=details), old)).effects.devices
    assert change.after is not None
    assert change.after.details == {"DeviceModel": "NEW", "DeviceFirmwareVersion": "00000001", "UPRN": "7"}
    point = duis.UpdateMPxN(export_mpan="1312345678444")
    (change,) = answer(asked("8.4", duis.UpdateInventory(ESME, update_mpxn=point), old)).effects.devices
    assert change.after is not None
    assert change.after.mpxns == (MPAN, "1312345678444")


# ---- 8.14 ----


def hub(status: DeviceStatus, proxy: DeviceStatus) -> tuple[DeviceRecord, DeviceRecord]:
    return device(CHF, status, gpf=GPF), device(GPF, proxy)


@pytest.mark.parametrize(
    ("variant", "name", "before", "after"),
    [
        ("8.14.1", "INSTALL_SUCCESS", D.PENDING, D.INSTALLED_NOT_COMMISSIONED),
        ("8.14.1", "INSTALL_SUCCESS", D.COMMISSIONED, None),
        ("8.14.2", "INSTALL_NO_SM_WAN", D.PENDING, None),
        ("8.14.3", "FAULT_RETURN", D.COMMISSIONED, D.DECOMMISSIONED),
        ("8.14.3", "FAULT_RETURN", D.PENDING, None),
        ("8.14.4", "NO_FAULT_RETURN", D.INSTALLED_NOT_COMMISSIONED, D.DECOMMISSIONED),
    ],
)
def test_a_hub_and_its_proxy_move_together(
    variant: str, name: str, before: DeviceStatus, after: DeviceStatus | None, shared: Path
) -> None:
    body = template(shared, f"{variant}_COMMUNICATIONS_HUB_STATUS_UPDATE_{name}").body
    chf, gpf = hub(before, before)
    asks = asked(variant, replace(body, device_id=CHF), chf, members=(gpf, device(ESME)))
    found = answer(asks)
    assert found.code == "I99"
    assert statuses(found) == ({} if after is None else {CHF: after, GPF: after})
    assert subject(asks.request) == CHF


def test_only_a_hub_is_installed(shared: Path) -> None:
    body = template(shared, "8.14.1_COMMUNICATIONS_HUB_STATUS_UPDATE_INSTALL_SUCCESS").body
    assert failed(asked("8.14.1", replace(body, device_id=ESME), device(ESME))) == ["not_a_hub"]
    assert failed(asked("8.14.1", replace(body, device_id=NEW))) == ["device_unknown"]


# ---- 11.1 ----


def firmware(*devices: Eui64) -> duis.UpdateFirmware:
    return duis.UpdateFirmware(b"image", "00000002", devices)


def test_firmware_for_own_meters() -> None:
    everything = [device(which) for which in TYPES]
    found = answer(asked("11.1", firmware(ESME, GSME, ESME), *everything))
    assert (found.code, found.content) == ("I99", None)
    sent = found.effects.distribution
    assert sent is not None
    assert (sent.user, sent.image, sent.version, sent.devices) == (SUPPLIER, b"image", "00000002", (ESME, GSME))


def test_firmware_leaves_out_what_it_is_not_for_and_says_why() -> None:
    waiting = device(GSME, D.INSTALLED_NOT_COMMISSIONED)
    found = answer(asked("11.1", firmware(ESME, GSME, PPMID, NEW), device(ESME), waiting, device(PPMID)))
    assert found.code == "W110101"
    assert found.content.invalid_device_ids == (PPMID, NEW)
    assert found.content.not_commissioned_device_ids == (GSME,)
    assert found.effects.distribution is not None
    assert found.effects.distribution.devices == (ESME,)


def test_firmware_for_nobody() -> None:
    assert failed(asked("11.1", firmware(PPMID, NEW), device(PPMID))) == ["no_device_for_firmware"]
    strangers = asked("11.1", firmware(ESME), device(ESME), who=user(OTHER_SUPPLIER))
    assert failed(strangers) == ["no_device_for_firmware"]


def test_what_firmware_did_not_reach_is_told_by_n22() -> None:
    sent = answer(asked("11.1", firmware(ESME, GSME), device(ESME), device(GSME))).effects.distribution
    assert sent is not None
    assert distributed(sent, (), NOW) == Effects()
    (alert,) = distributed(sent, (GSME,), NOW).alerts
    assert (alert.user, alert.code, alert.alert.meter_ids) == (SUPPLIER, "N22", (GSME,))
    assert distributed(replace(sent, request_id=None), (GSME,), NOW).alerts == ()


def test_a_request_to_a_device_is_about_its_target() -> None:
    body = duis.UpdateHANDeviceLog(ESME, duis.WhitelistChange.REMOVE)
    assert subject(request("8.11", body, CHF)) == CHF
    assert subject(request("8.2", duis.ReadInventory(mpxn=MPAN), BROKER)) == BROKER
