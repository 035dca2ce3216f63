"""Check 16, and who originates: what each service to a device refuses and decides by itself (duis-dsp.md 3 and 5)."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dsp.rules_world import (
    BROKER,
    CHF,
    ESME,
    GPF,
    GSME,
    HCALCS,
    MPAN,
    NOW,
    OPERATOR,
    OPERATOR_KA,
    OTHER_SUPPLIER,
    PPMID,
    SUPPLIER,
    SUPPLIER_KA,
    TYPES,
    ask,
    device,
    facts,
    registrations,
    request,
    slots,
    template,
    user,
)
from trustcell import duis, gbcs
from trustcell.dsp.rules import access
from trustcell.dsp.rules.facts import DeviceStatus, KnownRequest, Occupant, Registration, User
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Answer, Ask, Author, CommandPlan
from trustcell.dsp.rules.services import SERVICES
from trustcell.dsp.rules.services.change_of_supplier import NOTICE
from trustcell.dsp.rules.services.originator import known_to_device
from trustcell.duis import UserRole
from trustcell.gbcs.usecases.joining import JoinDevice, JoinMethodAndRole
from trustcell.vocab import MAX_SEQ_NUMBER, CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

D = DeviceStatus
SUPPLIER_DS = replace(SUPPLIER_KA, key_usage=KeyUsage.DIGITAL_SIGNATURE)


def failed(asks: Ask) -> list[str]:
    return [finding.code for finding in list(access.judge(asks))[-1].findings]


def plan(asks: Ask) -> CommandPlan:
    access.require(asks)
    found = SERVICES[asks.request.service_reference_variant].plan(asks)
    assert isinstance(found, CommandPlan)
    return found


# ---- who is known to a device ----


@pytest.mark.parametrize(
    ("target", "who", "held", "known"),
    [
        (ESME, user(SUPPLIER), {}, True),
        (ESME, user(SUPPLIER), slots(supplier=SUPPLIER), True),
        (ESME, user(SUPPLIER), slots(supplier=OTHER_SUPPLIER), False),
        (ESME, user(SUPPLIER), {SUPPLIER_DS: Occupant(OTHER_SUPPLIER, b"")}, False),
        (ESME, user(SUPPLIER), {SUPPLIER_DS: Occupant(SUPPLIER, b"")}, True),
        (ESME, user(SUPPLIER), {SUPPLIER_DS: Occupant(SUPPLIER, b""), SUPPLIER_KA: Occupant(BROKER, b"")}, False),
        (GSME, user(SUPPLIER), {}, True),
        (GPF, user(SUPPLIER), {}, False),
        (GPF, user(SUPPLIER), slots(supplier=SUPPLIER), True),
        (HCALCS, user(SUPPLIER), {}, True),
        (CHF, user(SUPPLIER), {}, False),
        (PPMID, user(SUPPLIER), {}, False),
        (ESME, user(OPERATOR), slots(operator=OPERATOR), True),
        (ESME, user(OPERATOR), {OPERATOR_KA: Occupant(BROKER, b"")}, False),
        (GSME, user(OPERATOR), {}, False),
        (ESME, user(SUPPLIER, UserRole.OTHER_USER), {}, False),
        (ESME, user(SUPPLIER, UserRole.EXPORT_SUPPLIER), {}, False),
    ],
)
def test_who_is_known_to_a_device(target: Eui64, who: User, held: Any, known: bool) -> None:
    asks = ask(
        request("11.2", duis.ReadFirmwareVersion(), target, originator=who.entity),
        facts(device(target), who, slots=held),
    )
    assert known_to_device(asks) is known
    if target in (CHF, PPMID, ESME, GSME):
        found = SERVICES["11.2"].plan(asks)
        assert isinstance(found, CommandPlan)
        assert found.originator is (Author.USER if known else Author.BROKER)
        assert found.supplementary is not known
        assert found.signer is None


# ---- 6.15.1, 6.17, 6.15.2 ----


def update(target: Eui64 = ESME, who: User | None = None, counter: int = 1, **fields: Any) -> Ask:
    given = {
        "remote_party_role": RemotePartyRole.SUPPLIER,
        "path_certificates": (b"0\x00",),
        "apply_time_based_cpv_checks": True,
        "digital_signing_certificate": b"0\x00",
    }
    who = who or user(SUPPLIER)
    body = duis.UpdateSecurityCredentialsKRP(**{**given, **fields})
    return ask(request("6.15.1", body, target, originator=who.entity, counter=counter), facts(device(target), who))


def test_a_counter_in_a_payload_ends_at_2_63() -> None:
    assert failed(update(counter=MAX_SEQ_NUMBER)) == []
    assert failed(update(counter=MAX_SEQ_NUMBER + 1)) == ["counter_above_seq_number"]
    read = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.SUPPLIER,))
    assert failed(ask(request("6.24.1", read, ESME, counter=2**64 - 1), facts(device(ESME)))) == []
    activate = request("11.3", duis.ActivateFirmware(bytes(32)), ESME, counter=2**63)
    assert failed(ask(activate, facts(device(ESME)))) == ["counter_above_seq_number"]


def test_a_role_without_cells_cannot_be_replaced() -> None:
    operator = RemotePartyRole.NETWORK_OPERATOR
    assert failed(update(GSME, user(OPERATOR), remote_party_role=operator)) == ["service_not_for_device"]
    assert failed(update(ESME, user(OPERATOR), remote_party_role=operator)) == []
    assert failed(update(GPF, remote_party_role=RemotePartyRole.LOAD_CONTROLLER)) == ["service_not_for_device"]
    assert failed(update(remote_party_role=RemotePartyRole.RECOVERY)) == ["role_not_replaceable"]
    assert failed(update(digital_signing_certificate=None)) == ["no_replacement"]


def test_a_device_dated_command_is_sent_at_once_and_acts_later() -> None:
    later = NOW + timedelta(days=2)
    assert plan(update(execution_date_time=later)).executes_at == later
    for at_once in (None, NOW - timedelta(days=1), duis.CANCEL):
        found = plan(update(execution_date_time=at_once))
        assert (found.executes_at, found.held_until) == (None, None)


def test_a_device_certificate_must_be_of_the_device(shared: Path) -> None:
    published = template(shared, "CS02d_6.15.2_SUCCESS")
    assert failed(ask(published, facts(device(ESME)))) == []
    other = replace(published, request_id=replace(published.request_id, target=GSME))
    assert failed(ask(other, facts(device(GSME)))) == ["device_certificate_unfit"]
    no_certificate = replace(published, body=duis.UpdateSecurityCredentialsDevice(b"0\x00"))
    assert failed(ask(no_certificate, facts(device(ESME)))) == ["device_certificate_unfit"]


def test_only_an_electricity_meter_tells_of_a_load_controller() -> None:
    body = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.LOAD_CONTROLLER,))
    assert plan(ask(request("6.24.1", body, ESME), facts(device(ESME)))).message_code == 0x011B
    assert failed(ask(request("6.24.1", body, GPF), facts(device(GPF)))) == ["service_not_for_device"]


# ---- 6.21 ----


def handover(target: Eui64 = GPF, **fields: Any) -> Ask:
    given = {
        "remote_party_role": RemotePartyRole.NETWORK_OPERATOR,
        "path_certificates": (b"0\x00",),
        "apply_time_based_cpv_checks": True,
        "digital_signing_certificate": b"0\x00",
    }
    known = fields.pop("slots", {})
    generation = fields.pop("generation", "SMETS2")
    body = duis.RequestHandoverOfDCCControlledDevice(**{**given, **fields})
    return ask(request("6.21", body, target), facts(device(target, generation=generation), slots=known))


def test_a_slot_of_somebody_else_cannot_be_handed_over() -> None:
    cell = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
    assert failed(handover(slots={cell: Occupant(BROKER, b"")})) == []
    assert failed(handover(slots={cell: Occupant(OPERATOR, b"")})) == ["slot_not_broker"]
    assert plan(handover()).broker_cell == cell


def test_the_counter_rule_is_for_the_operator_of_a_smets2_gpf_alone() -> None:
    roles = (RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.SUPPLIER)
    for target, role, generation in product((GPF, ESME), roles, ("SMETS1", "SMETS2")):
        found = plan(handover(target, remote_party_role=role, generation=generation))
        expected = target == GPF and role is RemotePartyRole.NETWORK_OPERATOR and generation == "SMETS2"
        assert found.raise_above_highest is expected


def test_a_handover_is_held_by_the_dsp_and_the_device_never_sees_its_date() -> None:
    later = NOW + timedelta(days=2)
    found = plan(handover(execution_date_time=later))
    assert (found.held_until, found.executes_at) == (later, None)
    value = gbcs.decode_payload(gbcs.Message(gbcs.Cra.COMMAND, 7, BROKER, GPF, found.message_code, found.payload(7)))
    assert (value.execution_date_time, value.control.seq_number) == (None, 7)
    assert plan(replace(handover(execution_date_time=later), now=later, door="")).held_until is None


# ---- 6.23 ----


def change(when: Any = None, who: Eui64 = SUPPLIER, mpxn: str = MPAN, **known: Any) -> Ask:
    body = duis.UpdateSecurityCredentialsCoS(0, b"0\x00", (b"0\x00",), True, mpxn, execution_date_time=when)
    return ask(request("6.23", body, ESME, originator=who), facts(device(ESME), user(who), **known))


def test_the_gaining_supplier_is_registered_when_the_change_takes_effect() -> None:
    assert failed(change()) == []
    assert failed(change(mpxn="1312345678999")) == ["mpxn_not_of_device", "not_gaining_supplier"]
    later = NOW + timedelta(days=10)
    gains = Registration(MPAN, OTHER_SUPPLIER, OPERATOR, later - timedelta(hours=1))
    known = {"registrations": (gains, *registrations())}
    assert failed(change(later, OTHER_SUPPLIER, **known)) == []
    assert failed(change(None, OTHER_SUPPLIER, **known)) == ["not_responsible"]
    assert failed(change(later, SUPPLIER, **known)) == ["not_responsible"]


def test_a_change_is_held_until_a_day_before_and_executed_by_the_device() -> None:
    later = NOW + timedelta(days=10)
    found = plan(change(later))
    assert (found.held_until, found.executes_at) == (later - NOTICE, later)
    assert (found.originator, found.signer) == (Author.TRANSITIONAL_COS, Author.TRANSITIONAL_COS)
    released = replace(change(later), now=later - NOTICE, door="")
    assert (plan(released).held_until, plan(released).executes_at) == (None, later)
    soon = plan(change(NOW + timedelta(hours=3)))
    assert (soon.held_until, soon.executes_at) == (None, NOW + timedelta(hours=3))


def test_a_change_is_cancelled_where_it_is() -> None:
    sent = plan(change(duis.CANCEL))
    value = gbcs.decode_payload(gbcs.Message(gbcs.Cra.COMMAND, 7, BROKER, ESME, 0x0107, sent.payload(7)))
    assert value.execution_date_time == gbcs.NEVER
    ids = duis.RequestId(SUPPLIER, ESME, 1)
    held = (KnownRequest(ids, "6.23", 1, RequestState.HELD, b""),)
    answer = SERVICES["6.23"].plan(change(duis.CANCEL, held=held))
    assert isinstance(answer, Answer)
    assert answer.effects.cancels == (ids,)
    of_others = (replace(held[0], service_variant="11.2"),)
    assert isinstance(SERVICES["6.23"].plan(change(duis.CANCEL, held=of_others)), CommandPlan)
    assert isinstance(SERVICES["6.23"].plan(change(NOW + timedelta(days=2), held=held)), CommandPlan)


# ---- 8.7 and 8.8 ----


JOINS = {
    ("8.7.1", ESME, HCALCS): (0x000D, JoinMethodAndRole.METHOD_A_INITIATOR),
    ("8.7.1", ESME, PPMID): (0x000D, JoinMethodAndRole.METHOD_A_INITIATOR),
    ("8.7.1", HCALCS, ESME): (0x00AB, JoinMethodAndRole.METHOD_A_RESPONDER),
    ("8.7.1", GSME, PPMID): (0x00AF, JoinMethodAndRole.METHOD_C),
    ("8.7.2", PPMID, ESME): (0x00AB, JoinMethodAndRole.METHOD_A_RESPONDER),
    ("8.7.2", PPMID, GSME): (0x00AF, JoinMethodAndRole.METHOD_C),
    ("8.7.2", GSME, GPF): (0x000E, JoinMethodAndRole.METHOD_B),
}


def join(variant: str, target: Eui64, other: Eui64, **known: Any) -> Ask:
    kind = duis.JoinServiceCritical if variant == "8.7.1" else duis.JoinServiceNonCritical
    given = {"certificates": {other: b"0\x00"}, **known}
    return ask(request(variant, kind(other), target), facts(device(target), **given))


@pytest.mark.parametrize("variant", ["8.7.1", "8.7.2"])
def test_every_pair_of_devices_that_joins_and_every_one_that_does_not(variant: str) -> None:
    for target, other in product(TYPES, TYPES):
        asks = join(variant, target, other)
        expected = JOINS.get((variant, target, other))
        if expected is None:
            assert failed(asks)[0] in ("devices_cannot_join", "service_not_for_device"), (target, other)
            continue
        code, method = expected
        found = plan(asks)
        assert found.message_code == code
        value = gbcs.decode_payload(gbcs.Message(gbcs.Cra.COMMAND, 1, SUPPLIER, target, code, found.payload(1)))
        certificate = b"0\x00" if method is JoinMethodAndRole.METHOD_C else None
        assert value == JoinDevice(method, other, TYPES[other], certificate)


def test_what_keeps_two_devices_apart() -> None:
    assert failed(join("8.7.2", GSME, GPF, others={})) == ["other_device_unknown"]
    waiting = {GPF: device(GPF, D.PENDING)}
    assert failed(join("8.7.2", GSME, GPF, others=waiting)) == ["other_device_not_installed"]
    assert failed(join("8.7.2", PPMID, GSME, certificates={})) == ["device_certificate_unknown"]
    assert SERVICES["8.7.2"].needs(duis.JoinServiceNonCritical(GPF)).certificates == (GPF,)


@pytest.mark.parametrize(
    ("variant", "target", "code", "signer"),
    [
        ("8.8.1", ESME, 0x000F, Author.USER),
        ("8.8.1", GSME, 0x000F, Author.USER),
        ("8.8.1", HCALCS, 0x000F, Author.USER),
        ("8.8.2", PPMID, 0x000F, Author.BROKER),
        ("8.8.2", GSME, 0x0010, None),
    ],
)
def test_parting(variant: str, target: Eui64, code: int, signer: Author | None) -> None:
    kind = duis.UnjoinServiceCritical if variant == "8.8.1" else duis.UnjoinServiceNonCritical
    found = plan(ask(request(variant, kind(GPF), target), facts(device(target))))
    assert (found.message_code, found.signer) == (code, signer)


# ---- 8.9, 8.11, 8.12, 11.2 ----


def test_which_log_is_read() -> None:
    for target, details, version, code in (
        (CHF, False, "4.2", 0x010F),
        (CHF, False, "1.0", 0x0004),
        (CHF, True, "4.2", 0x00FE),
        (GSME, False, "4.2", 0x0013),
        (GPF, True, "4.2", 0x0013),
    ):
        body = duis.ReadDeviceLog(details)
        found = plan(ask(request("8.9", body, target), facts(device(target, gbcs_version=version))))
        assert found.message_code == code


def whitelist(body: duis.UpdateHANDeviceLog, other: Any, **known: Any) -> Ask:
    others = {body.device_id: other} if other is not None else {}
    return ask(request("8.11", body, CHF), facts(device(CHF), others=others, **known))


ADD = duis.UpdateHANDeviceLog(ESME, duis.WhitelistChange.ADD, duis.AddDeviceToCHFWhitelist(90, bytes(16), MPAN))
REMOVE = duis.UpdateHANDeviceLog(ESME, duis.WhitelistChange.REMOVE)


@pytest.mark.parametrize("status", DeviceStatus)
def test_the_other_device_of_a_whitelist(status: DeviceStatus) -> None:
    other = device(ESME, status)
    added = [] if status is D.PENDING else ["other_device_status"]
    removed = [] if status in (D.WHITELISTED, D.INSTALLED_NOT_COMMISSIONED) else ["other_device_status"]
    assert failed(whitelist(ADD, other)) == added
    assert failed(whitelist(REMOVE, other)) == removed


def test_what_a_whitelist_needs_besides() -> None:
    assert failed(whitelist(ADD, None)) == ["not_pre_notified"]
    assert failed(whitelist(replace(ADD, add_device_to_chf_whitelist=None), device(ESME, D.PENDING))) == [
        "no_install_code"
    ]
    needs = SERVICES["8.11"].needs(ADD)
    assert (needs.others, needs.mpxns, needs.members) == ((ESME,), (MPAN,), True)


def test_a_meter_brings_its_metering_point_to_a_hub_of_strangers() -> None:
    """The supplier of the new meter is responsible, though nothing on the hub is his."""
    theirs = tuple(replace(entry, supplier=OTHER_SUPPLIER) for entry in registrations())
    mine = Registration("1312345678777", SUPPLIER, OPERATOR, NOW - timedelta(days=1))
    body = replace(ADD, add_device_to_chf_whitelist=duis.AddDeviceToCHFWhitelist(90, bytes(16), mine.mpxn))
    other = device(ESME, D.PENDING)
    assert failed(whitelist(body, other, registrations=(*theirs, mine))) == []
    assert failed(whitelist(ADD, other, registrations=(*theirs, mine))) == ["not_responsible"]


@pytest.mark.parametrize(("variant", "target"), [("8.12.1", CHF), ("8.12.2", GPF)])
def test_a_log_that_was_never_reported_cannot_be_restored(variant: str, target: Eui64) -> None:
    body: Any = duis.RestoreHANDeviceLog(PPMID) if variant == "8.12.1" else duis.RestoreGPFDeviceLog(PPMID)
    asks = ask(
        request(variant, body, target), facts(device(target), others={PPMID: replace(device(target), eui=PPMID)})
    )
    assert failed(asks) == ["no_device_log"]
    assert failed(replace(asks, facts=replace(asks.facts, others={PPMID: device(PPMID)}))) == ["old_device_unknown"]
    assert failed(replace(asks, facts=replace(asks.facts, others={}))) == ["old_device_unknown"]


@pytest.mark.parametrize("variant", ["8.9", "8.11", "11.2", "6.21"])
def test_what_the_dsp_dates_it_holds(variant: str) -> None:
    later = NOW + timedelta(hours=1)
    asks = {
        "8.9": ask(request("8.9", duis.ReadDeviceLog(execution_date_time=later), CHF), facts(device(CHF))),
        "8.11": whitelist(replace(ADD, execution_date_time=later), device(ESME, D.PENDING)),
        "11.2": ask(request("11.2", duis.ReadFirmwareVersion(later), ESME), facts(device(ESME))),
        "6.21": handover(execution_date_time=later),
    }[variant]
    assert (plan(asks).held_until, plan(asks).executes_at) == (later, None)
    assert plan(replace(asks, now=later, door="")).held_until is None
    needs = access.needs(replace(asks.request, body=replace(asks.request.body, execution_date_time=duis.CANCEL)))
    assert needs.held


# ---- 8.5 ----


def test_an_opt_out_puts_other_keys_into_the_brokers_cell(shared: Path) -> None:
    published = template(shared, "CS02bACBByACB_8.5_SUCCESS")
    asks = ask(published, facts(device(ESME)), now=NOW.replace(year=2014))
    found = plan(asks)
    assert (found.message_code, found.originator, found.signer) == (0x0104, Author.BROKER, None)
    assert found.supplementary is False
    assert found.held_until == published.body.execution_date_time
    message = gbcs.Message(gbcs.Cra.COMMAND, 9, BROKER, ESME, 0x0104, found.payload(9))
    value = gbcs.decode_payload(message)
    assert (value.control.seq_number, value.control.authorising_cell, value.control.floor) == (9, None, 0)
    assert [str(entry.cell) for entry in value.replacements] == ["accessControlBroker/keyAgreement"]
    assert value.execution_date_time is None
    signing = replace(published, body=replace(published.body, digital_signing_certificate=b"0\x00"))
    both = gbcs.decode_payload(replace(message, payload=plan(replace(asks, request=signing)).payload(9)))
    assert [entry.cell.key_usage for entry in both.replacements] == [KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT]
    assert TYPES[ESME] is DeviceType.ESME


def test_pre_commands_need_nothing_more() -> None:
    signed = request("8.7.1", duis.SignedPreCommand(b"\xdf"), GSME, command_variant=5)
    assert access.needs(signed) == access.needs(
        replace(signed, service_reference_variant="7.1", service_reference="7.1")
    )
