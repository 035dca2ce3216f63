"""What verified answers and alerts change in the books, from RTDS payloads where there are some (duis-dsp.md 5-7)."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.rules_world import (
    BROKER,
    CHF,
    COS,
    ESME,
    GPF,
    GSME,
    HCALCS,
    MPAN,
    NOW,
    OPERATOR,
    OTHER_SUPPLIER,
    PPMID,
    SUPPLIER,
    device,
    eui,
    facts,
    reply,
    request,
    rtds,
    template,
)
from trustcell import certs, duis, gbcs
from trustcell.dsp.rules.device_alerts import alert_effects, alert_needs
from trustcell.dsp.rules.device_log import hub_log, proxy_log
from trustcell.dsp.rules.effects import newer
from trustcell.dsp.rules.facts import DeviceStatus, Occupant
from trustcell.dsp.rules.plan import Effects
from trustcell.dsp.rules.services import SERVICES
from trustcell.gbcs.usecases.cs02cde import UpdateDeviceCertificateResult
from trustcell.gbcs.usecases.firmware import (
    ActivateImageResponseCode,
    ActivationOutcome,
    FirmwareVersion,
    ReadResult,
)
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus, TimeSet
from trustcell.gbcs.usecases.joining import JoinResult, UnjoinResult
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

INSTALLED, COMMISSIONED = DeviceStatus.INSTALLED_NOT_COMMISSIONED, DeviceStatus.COMMISSIONED
PENDING, WHITELISTED = DeviceStatus.PENDING, DeviceStatus.WHITELISTED
OPERATOR_CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
OPERATOR_KA = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.KEY_AGREEMENT)
SUPPLIER_CELL = CellId(RemotePartyRole.SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
BROKER_KA = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.KEY_AGREEMENT)
SUCCESS, REFUSED = gbcs.StatusCode.SUCCESS, gbcs.StatusCode.NO_TRUST_ANCHOR
KEY, NEW_KEY = b"\x40" + bytes(7), b"\x41" + bytes(7)
Mode = gbcs.CredentialsReplacementMode


def effects(variant: str, target: Any, payload: Any, **fields: Any) -> Effects:
    return SERVICES[variant].effects(reply(variant, target, payload, **fields))


def after(found: Effects, which: Eui64) -> Any:
    (change,) = [change for change in found.devices if change.eui == which]
    return change.after


def payload(shared: Path, name: str) -> Any:
    return gbcs.decode_payload(gbcs.decode(rtds(shared, name)))


# ---- 6.15.1, 6.21: slots and SECMP0128A ----


def outcome(
    *cells: tuple[CellId, gbcs.StatusCode, Eui64],
    counter: int = 5_000,
    mode: Mode = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR,
    floors: tuple[tuple[RemotePartyRole, int], ...] = (),
    before: Eui64 = OPERATOR,
) -> gbcs.ExecutionOutcome:
    entries = tuple(
        gbcs.ReplacementOutcome(cell, status, before, KEY, who, NEW_KEY if status is SUCCESS else KEY)
        for cell, status, who in cells
    )
    changes = tuple(gbcs.RemotePartySeqNumberChange(role, floor) for role, floor in floors)
    return gbcs.ExecutionOutcome(counter, mode, changes, entries)


def accepted(found: gbcs.ExecutionOutcome | None) -> gbcs.UpdateSecurityCredentialsResponse:
    return gbcs.UpdateSecurityCredentialsResponse(found)


GONE = ((OPERATOR_CELL, SUCCESS, BROKER), (OPERATOR_KA, SUCCESS, BROKER))
NO = RemotePartyRole.NETWORK_OPERATOR

LEARNS: dict[str, tuple[gbcs.ExecutionOutcome, int | None]] = {
    "operator leaves": (outcome(*GONE), 5_000),
    "floor above the counter": (outcome(*GONE, floors=((NO, 9_000),)), 9_000),
    "floor below the counter": (outcome(*GONE, floors=((NO, 0),)), 5_000),
    "floor of another role": (outcome(*GONE, floors=((RemotePartyRole.SUPPLIER, 9_000),)), 5_000),
    "signing cell alone": (outcome((OPERATOR_CELL, SUCCESS, BROKER), (OPERATOR_KA, REFUSED, OPERATOR)), 5_000),
    "agreement cell alone": (outcome((OPERATOR_CELL, REFUSED, OPERATOR), (OPERATOR_KA, SUCCESS, BROKER)), 5_000),
    "broker named where it failed": (outcome((OPERATOR_CELL, REFUSED, BROKER)), None),
    "an ordinary renewal": (outcome((OPERATOR_CELL, SUCCESS, OPERATOR)), None),
    "another operator": (outcome((OPERATOR_CELL, SUCCESS, OTHER_SUPPLIER)), None),
    "the supplier's cell": (outcome((SUPPLIER_CELL, SUCCESS, BROKER), mode=Mode.SUPPLIER_BY_SUPPLIER), None),
}


@pytest.mark.parametrize("case", LEARNS)
def test_what_a_6_15_1_on_a_gpf_teaches(case: str) -> None:
    result, learned = LEARNS[case]
    found = effects("6.15.1", device(GPF), accepted(result))
    assert found.learned == learned
    assert bool(found.learned_from) is (learned is not None)
    alert = gbcs.UpdateSecurityCredentialsAlert(0x8F66, NOW, result)
    assert effects("6.15.1", device(GPF), alert, is_alert=True).learned == learned


@pytest.mark.parametrize("case", LEARNS)
def test_nothing_is_learned_elsewhere(case: str) -> None:
    result, _learned = LEARNS[case]
    for target in (device(ESME), device(GSME), device(CHF), device(GPF, generation="SMETS1")):
        assert effects("6.15.1", target, accepted(result)).learned is None
    assert effects("6.21", device(GPF), accepted(result)).learned is None


def test_an_accepted_future_dated_command_teaches_nothing_yet() -> None:
    assert effects("6.15.1", device(GPF), accepted(None)) == Effects()


def test_slots_are_learned_also_where_a_replacement_failed() -> None:
    result = outcome((OPERATOR_CELL, SUCCESS, BROKER), (OPERATOR_KA, REFUSED, OPERATOR))
    found = effects("6.15.1", device(ESME), accepted(result))
    assert {slot.cell: slot.occupant for slot in found.slots} == {
        OPERATOR_CELL: Occupant(BROKER, NEW_KEY),
        OPERATOR_KA: Occupant(OPERATOR, KEY),
    }
    missing = outcome((OPERATOR_CELL, gbcs.StatusCode.TRUST_ANCHOR_NOT_FOUND, Eui64(bytes(8))))
    assert effects("6.15.1", device(GSME), accepted(missing)).slots == ()


def test_a_party_that_did_not_ask_hears_of_its_new_credentials() -> None:
    placed = outcome((OPERATOR_CELL, SUCCESS, OPERATOR), (OPERATOR_KA, REFUSED, BROKER), before=BROKER)
    found = effects("6.21", device(GPF), accepted(placed))
    (alert,) = found.alerts
    assert (alert.user, alert.code) == (OPERATOR, "N42")
    assert [each.certificate_hash for each in alert.alert.certificates] == [NEW_KEY]
    failed = outcome((OPERATOR_CELL, REFUSED, BROKER), before=BROKER)
    assert effects("6.21", device(GPF), accepted(failed)).alerts == ()


def test_a_6_24_1_repairs_what_a_lost_response_would_have_taught() -> None:
    cells = (gbcs.CellDetails(KeyUsage.DIGITAL_SIGNATURE, OPERATOR_CELL.cell_usage, BROKER, KEY),)
    read = (gbcs.RoleDetails(NO, SUCCESS, 77, cells), gbcs.RoleDetails(RemotePartyRole.SUPPLIER, REFUSED))
    found = effects("6.24.1", device(GPF), read)
    assert (found.learned, found.slots[0].occupant) == (77, Occupant(BROKER, KEY))
    assert effects("6.24.1", device(ESME), read).learned is None
    theirs = (replace(read[0], cells=(replace(cells[0], entity=OPERATOR),)),)
    assert effects("6.24.1", device(GPF), theirs).learned is None


def test_a_hub_that_holds_the_broker_is_commissioned() -> None:
    def read(who: Eui64) -> Any:
        cell = gbcs.CellDetails(KeyUsage.KEY_AGREEMENT, BROKER_KA.cell_usage, who, KEY)
        return (gbcs.RoleDetails(RemotePartyRole.ACCESS_CONTROL_BROKER, SUCCESS, 1, (cell,)),)

    found = effects("6.24.1", device(CHF, INSTALLED), read(BROKER))
    assert (after(found, CHF).status, after(found, CHF).commissioned_at) == (COMMISSIONED, NOW)
    assert effects("6.24.1", device(CHF, INSTALLED), read(OPERATOR)).devices == ()
    assert effects("6.24.1", device(CHF), read(BROKER)).devices == ()
    assert effects("6.24.1", device(ESME, INSTALLED), read(BROKER)).devices == ()


@given(command=st.integers(1), taught_by=st.none() | st.integers(1), alert=st.booleans())
def test_an_older_answer_never_brings_an_occupant_back(command: int, taught_by: int | None, alert: bool) -> None:
    assert newer(command, taught_by, alert=alert) is (alert or taught_by is None or command >= taught_by)


# ---- 6.23 and 8.5 ----


def test_a_change_of_supplier_is_told_to_the_losing_one(shared: Path) -> None:
    asked = template(shared, "CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS")
    gained = outcome((SUPPLIER_CELL, SUCCESS, SUPPLIER), mode=Mode.SUPPLIER_BY_TRANS_COS, before=OTHER_SUPPLIER)
    found = effects("6.23", device(ESME), accepted(gained), request=asked)
    (alert,) = found.alerts
    assert (alert.user, alert.code) == (OTHER_SUPPLIER, "N26")
    assert alert.alert.device.mpxns.import_mpxn == MPAN
    assert found.slots[0].occupant == Occupant(SUPPLIER, NEW_KEY)
    for quiet in (
        outcome((SUPPLIER_CELL, SUCCESS, SUPPLIER), mode=Mode.SUPPLIER_BY_TRANS_COS, before=SUPPLIER),
        outcome((SUPPLIER_CELL, SUCCESS, SUPPLIER), mode=Mode.SUPPLIER_BY_TRANS_COS, before=BROKER),
        outcome((SUPPLIER_CELL, REFUSED, SUPPLIER), mode=Mode.SUPPLIER_BY_TRANS_COS, before=OTHER_SUPPLIER),
    ):
        assert effects("6.23", device(ESME), accepted(quiet), request=asked).alerts == ()


def test_a_meter_that_opted_out_is_withdrawn() -> None:
    mode = Mode.ACCESS_CONTROL_BROKER_BY_ACB
    gone = outcome((BROKER_KA, SUCCESS, COS), mode=mode, before=BROKER)
    assert after(effects("8.5", device(ESME), accepted(gone)), ESME).status is DeviceStatus.WITHDRAWN
    for stays in (
        outcome((BROKER_KA, REFUSED, BROKER), mode=mode, before=BROKER),
        outcome((BROKER_KA, SUCCESS, BROKER), mode=mode, before=BROKER),
    ):
        assert effects("8.5", device(ESME), accepted(stays)).devices == ()


# ---- 6.15.2 ----


def test_a_device_that_took_a_certificate_signs_with_its_key(shared: Path) -> None:
    asked = template(shared, "CS02d_6.15.2_SUCCESS")
    certificate = certs.Certificate.from_der(asked.body.device_certificate)
    found = effects("6.15.2", device(ESME), UpdateDeviceCertificateResult.SUCCESS, request=asked)
    new = after(found, ESME)
    points = {KeyUsage.DIGITAL_SIGNATURE: new.signing_point, KeyUsage.KEY_AGREEMENT: new.agreement_point}
    assert points[certificate.key_usage] == certificate.public_key_point
    assert effects("6.15.2", new, UpdateDeviceCertificateResult.SUCCESS, request=asked).devices == ()
    for result in UpdateDeviceCertificateResult:
        if result is not UpdateDeviceCertificateResult.SUCCESS:
            assert effects("6.15.2", device(ESME), result, request=asked) == Effects()


# ---- 8.1.1 ----


@pytest.mark.parametrize(
    ("seconds", "reliable", "done"),
    [(0, True, True), (60, True, True), (61, True, False), (-1, True, False), (5, False, False)],
)
def test_time_and_status_inside_the_payload_commission_a_meter(
    seconds: int, reliable: bool, done: bool, shared: Path
) -> None:
    for which, name in ((ESME, "ECS70Commission_8.1.1_SUCCESS"), (GSME, "GCS28Commission_8.1.1_SUCCESS")):
        asked = template(shared, name)
        asked = replace(asked, body=replace(asked.body, tolerance_period=60))
        at: datetime = asked.body.current_date_time + timedelta(seconds=seconds)
        answer: Any = gbcs.ClockSet(at, 0 if reliable else 2)
        if which == GSME:
            answer = TimeSet(at, DeviceTimeStatus.RELIABLE if reliable else DeviceTimeStatus.UNRELIABLE)
        found = effects("8.1.1", device(which, INSTALLED), answer, request=asked)
        if done:
            assert (after(found, which).status, after(found, which).commissioned_at) == (COMMISSIONED, NOW)
        else:
            assert found.devices == ()
            assert found.notes
    assert effects("8.1.1", device(ESME, INSTALLED), gbcs.InstructionFailed(1, 250), request=asked) == Effects()


# ---- 8.7 and 8.8 ----


def joined(target: Any, other: Any, result: Any = JoinResult.SUCCESS, variant: str = "8.7.2") -> Effects:
    kind = duis.JoinServiceCritical if variant == "8.7.1" else duis.JoinServiceNonCritical
    asked = request(variant, kind(other.eui), target.eui)
    known = facts(target, others={other.eui: other})
    return effects(variant, target, result, request=asked, facts=known)


def test_a_join_commissions_what_a_join_makes_useful() -> None:
    gsme, gpf = device(GSME), device(GPF, INSTALLED, import_mpxn="")
    found = joined(gsme, gpf)
    assert (after(found, GPF).status, after(found, GPF).import_mpxn) == (COMMISSIONED, gsme.import_mpxn)
    assert after(found, GSME).gpf == GPF
    assert after(joined(device(PPMID, INSTALLED), device(ESME)), PPMID).status is COMMISSIONED
    assert after(joined(device(HCALCS, INSTALLED), device(ESME), variant="8.7.1"), HCALCS).status is COMMISSIONED
    assert joined(device(ESME, INSTALLED), device(HCALCS, INSTALLED), variant="8.7.1").devices == ()
    for result in JoinResult:
        if result is not JoinResult.SUCCESS:
            assert joined(gsme, gpf, result) == Effects()


def test_parting_changes_no_status() -> None:
    asked = request("8.8.2", duis.UnjoinServiceNonCritical(ESME), PPMID)
    assert effects("8.8.2", device(PPMID), UnjoinResult.SUCCESS, request=asked) == Effects()


# ---- 8.11 ----


def whitelist(shared: Path, name: str, status: DeviceStatus, answer: Any) -> Effects:
    asked = template(shared, name)
    known = facts(device(CHF), others={ESME: device(ESME, status, hub=None, import_mpxn="")})
    return effects("8.11", device(CHF), answer, request=asked, facts=known)


def test_a_device_on_the_whitelist_is_told_by_n24(shared: Path) -> None:
    answer = payload(shared, "CCS01_8.11_SUCCESS_RESPONSE")
    found = whitelist(shared, "CCS01_8.11_SUCCESS", PENDING, answer)
    new = after(found, ESME)
    assert (new.status, new.hub, new.import_mpxn) == (WHITELISTED, CHF, MPAN)
    assert new.secondary_import_mpan == "1312345678222"
    (alert,) = found.alerts
    assert (alert.user, alert.code) == (SUPPLIER, "N24")
    assert alert.alert.service_request_id == template(shared, "CCS01_8.11_SUCCESS").request_id


def test_a_hub_that_failed_is_told_by_n25_and_changes_nothing(shared: Path) -> None:
    answer = payload(shared, "CCS01_8.11_ERROR_RESPONSE")
    found = whitelist(shared, "CCS01_8.11_SUCCESS", PENDING, answer)
    assert found.devices == ()
    assert [alert.code for alert in found.alerts] == ["N25"]


def test_a_removed_device_is_pending_and_on_no_hub(shared: Path) -> None:
    answer = payload(shared, "CCS02_8.11_SUCCESS_RESPONSE")
    new = after(whitelist(shared, "CCS02_8.11_SUCCESS", INSTALLED, answer), ESME)
    assert (new.status, new.hub) == (PENDING, None)


# ---- firmware ----


def test_versions_reach_the_inventory_once(shared: Path) -> None:
    answer = payload(shared, "GCS38_11.2_SUCCESS_RESPONSE")
    new = after(effects("11.2", device(GSME), answer), GSME)
    assert new.details["DeviceFirmwareVersion"] == answer.firmware_version.hex().upper()
    assert effects("11.2", new, answer) == Effects()
    read = FirmwareVersion(b"\x00\x01\x02\x0a", ReadResult.SUCCESS)
    assert after(effects("11.2", device(PPMID), read), PPMID).details["DeviceFirmwareVersion"] == "0001020A"
    assert effects("11.2", device(PPMID), replace(read, result=ReadResult.FAILURE)) == Effects()
    assert effects("11.2", device(GSME), payload(shared, "GCS38_11.2_ERROR_RESPONSE")) == Effects()


def test_an_activation_counts_when_it_succeeded(shared: Path) -> None:
    answer = payload(shared, "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE")
    new = after(effects("11.3", device(ESME), answer), ESME)
    assert new.details["DeviceFirmwareVersion"] == answer.firmware_version.hex().upper()
    failed = ActivationOutcome(ActivateImageResponseCode.HASH_MISMATCH, bytes(4))
    assert effects("11.3", device(ESME), failed) == Effects()
    assert effects("11.3", device(ESME), None) == Effects()  # accepted, to be executed later
    (path,) = (shared / "rtds" / "messages" / "11.3_CS06").glob("*8F66*ALERT*")
    alert = gbcs.decode_payload(gbcs.decode(bytes.fromhex(path.read_text())))
    assert after(effects("11.3", device(ESME), alert, is_alert=True), ESME).details["DeviceFirmwareVersion"]


# ---- alerts that answer nothing ----


def hub_alert(shared: Path) -> tuple[gbcs.Message, Any]:
    message = gbcs.decode(rtds(shared, "CS14_NA_8F12_ALERT"))
    return message, gbcs.decode_payload(message)


def test_a_hub_reports_who_joined_and_its_log_is_kept(shared: Path) -> None:
    message, alert = hub_alert(shared)
    named = [each.device for each in alert.log.devices]
    assert alert_needs(alert).others == tuple(named)
    others = {named[0]: device(ESME, WHITELISTED, hub=None), named[1]: device(GSME, COMMISSIONED, hub=eui(0x77))}
    found = alert_effects(message, alert, facts(device(CHF), others=others, members=()), BROKER, NOW)
    assert hub_log(after(found, CHF)) == alert.log
    assert (after(found, ESME).status, after(found, ESME).hub) == (INSTALLED, CHF)
    assert (after(found, GSME).status, after(found, GSME).hub) == (COMMISSIONED, CHF)


def test_a_device_without_a_link_key_has_not_joined(shared: Path) -> None:
    message, alert = hub_alert(shared)
    waiting = replace(alert.log.devices[0], hashed_link_key=bytes(16))
    alert = replace(alert, log=replace(alert.log, devices=(waiting,)))
    others = {waiting.device: device(ESME, WHITELISTED)}
    found = alert_effects(message, alert, facts(device(CHF), others=others, members=()), BROKER, NOW)
    assert [change.eui for change in found.devices] == [CHF]


def test_a_hub_that_is_heard_of_is_installed(shared: Path) -> None:
    message, alert = hub_alert(shared)
    found = alert_effects(message, alert, facts(device(CHF, PENDING), others={}, members=()), BROKER, NOW)
    new = after(found, CHF)
    assert (new.status, new.status_since, bool(new.device_log)) == (INSTALLED, NOW, True)


def test_a_proxy_reports_its_log(shared: Path) -> None:
    message = gbcs.decode(rtds(shared, "GCS62_NA_8071_ALERT"))
    alert = gbcs.decode_payload(message)
    found = alert_effects(message, alert, facts(device(GPF)), BROKER, NOW)
    assert proxy_log(after(found, GPF)) == alert.entries
    assert hub_log(after(found, GPF)) is None
    assert hub_log(device(CHF)) is None
    assert hub_log(device(CHF, device_log=b"\x00")) is None


def test_an_alert_that_only_its_user_can_authenticate_changes_nothing(shared: Path) -> None:
    message, alert = hub_alert(shared)
    assert message.shape is gbcs.Shape.MAC
    assert alert_effects(replace(message, target=SUPPLIER), alert, facts(device(CHF)), BROKER, NOW) == Effects()
    assert alert_effects(message, alert, facts(None), BROKER, NOW) == Effects()


def test_other_alerts_change_nothing(shared: Path) -> None:
    message = gbcs.decode(rtds(shared, "GCA-DLMS_NA_8F30_ALERT"))
    found = alert_effects(message, gbcs.decode_payload(message), facts(device(ESME)), BROKER, NOW)
    assert found == Effects()
    assert device(ESME).device_type is DeviceType.ESME
