"""gbcs.md 5.2: what floors do to the stored numbers, under both readings."""

from datetime import UTC, datetime

import pytest

from devices.devices_lab import (
    ACB,
    COS_DS,
    LC_DS,
    LC_KA,
    NO,
    NO_DS,
    NOW,
    REC,
    REC_DS,
    SUP,
    SUP2,
    SUP_DS,
    SUP_KA,
    SUP_TOP_UP,
    TCOS,
    Lab,
    Mode,
    Role,
    refused,
    reply,
)
from trustcell.devices import Device, DevicePolicy, FloorPolicy, HeldImage, advance, receive
from trustcell.gbcs import frame
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.common import NEVER, RemotePartySeqNumberChange, SpecialistSeqNumber
from trustcell.gbcs.usecases.firmware import ActivateFirmware

RESET = DevicePolicy(FloorPolicy.RESET)
LATER = datetime(2017, 1, 1, tzinfo=UTC)


def numbers(device: Device, role: Role) -> tuple[int, int]:
    return device.usc(role), device.exec(role)


@pytest.mark.parametrize(
    ("policy", "floor", "after"),
    [
        (None, 0, (5000, 70)),
        (None, 4000, (5000, 4000)),
        (None, 9000, (9000, 9000)),
        (None, None, (5000, 70)),
        (RESET, 0, (0, 0)),
        (RESET, 4000, (4000, 4000)),
        (RESET, 9000, (9000, 9000)),
        (RESET, None, (5000, 70)),
    ],
)
def test_floor_of_the_authorising_role_when_control_changes(lab: Lab, policy, floor, after):
    device = lab.gpf_of_no(policy)
    device = device.with_state(device.state.with_exec(Role.NETWORK_OPERATOR, 70))
    device, (answer,) = receive(device, lab.give_back(device, floor=floor), NOW)
    assert numbers(device, Role.NETWORK_OPERATOR) == after
    changes = reply(answer).outcome.seq_number_changes
    assert changes == (() if floor is None else (RemotePartySeqNumberChange(Role.NETWORK_OPERATOR, floor),))


@pytest.mark.parametrize("policy", [None, RESET])
def test_an_unchanged_entity_never_lowers_its_numbers(lab: Lab, policy):
    device = lab.esme(policy)
    device = device.with_state(device.state.with_exec(Role.NETWORK_OPERATOR, 8000))
    device, _ = receive(device, lab.resend("CS02bNOByNO_6.15.1_SUCCESS_COMMAND", device), NOW)
    assert numbers(device, Role.NETWORK_OPERATOR) == (1200, 8000)


def test_under_reset_the_problem_of_the_departing_operator_does_not_occur(lab: Lab):
    device = lab.gpf_of_no(RESET)
    device, _ = receive(device, lab.give_back(device), NOW)
    device, answers = receive(device, lab.hand_over(device, 1301), NOW)
    assert len(answers) == 1


def test_floors_are_unapplied_but_reported_when_every_replacement_failed(lab: Lab):
    device = lab.gpf_of_no()
    mode = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
    for cells in ([(NO_DS, b"\x30\x00")], []):
        octets = lab.update(device, NO, mode, 5000, cells, lab.of(NO, "DS"), cell=NO_DS, floor=9000)
        after, (answer,) = receive(device, octets, NOW)
        assert numbers(after, Role.NETWORK_OPERATOR) == (5000, 0)
        assert reply(answer).outcome.seq_number_changes[0].floor == 9000


def test_the_new_supplier_gets_its_own_number_series(lab: Lab):
    """Mode 7: [6] sets the target role's numbers, also downwards, and the top-up floor."""
    device = lab.esme()
    state = device.state.with_usc(Role.SUPPLIER, 5000).with_exec(Role.SUPPLIER, 6000)
    device = device.with_state(state)
    floors = (RemotePartySeqNumberChange(Role.SUPPLIER, 300, (SpecialistSeqNumber(0, 12 << 32),)),)
    cells = [(SUP_DS, lab.of(SUP2, "DS").der), (SUP_KA, lab.of(SUP2, "KA").der)]
    cells.append((SUP_TOP_UP, lab.of(SUP2, "KA", True).der))
    octets = lab.update(
        device, TCOS, Mode.SUPPLIER_BY_TRANS_COS, 6001, cells, lab.of(TCOS, "DS"), cell=COS_DS, other_changes=floors
    )
    device, (answer,) = receive(device, octets, NOW)
    assert reply(answer).outcome.seq_number_changes == floors
    assert numbers(device, Role.SUPPLIER) == (300, 300)
    assert device.topup == 12 << 32
    assert numbers(device, Role.TRANSITIONAL_COS) == (6001, 0)
    assert {device.cell(cell).entity for cell in (SUP_DS, SUP_KA, SUP_TOP_UP)} == {SUP2}


def test_the_top_up_floor_of_the_authorising_supplier(lab: Lab):
    device = lab.esme()
    mode, signer = Mode.SUPPLIER_BY_SUPPLIER, lab.of(SUP, "DS")
    cells = [(SUP_KA, lab.named["Z1b-supplier-ka"].der)]
    for counter, special, expected in ((1000, 50, 50), (1001, 20, 50), (1002, 90, 90)):
        floors = {"floor": 0, "specialist_floors": (SpecialistSeqNumber(0, special),)}
        octets = lab.update(device, SUP, mode, counter, cells, signer, cell=SUP_DS, **floors)
        device, _ = receive(device, octets, NOW)
        assert device.topup == expected


def test_recovery_sets_every_role_without_a_mac(lab: Lab):
    device = lab.esme()
    for role in (Role.SUPPLIER, Role.NETWORK_OPERATOR, Role.ACCESS_CONTROL_BROKER, Role.RECOVERY):
        device = device.with_state(device.state.with_usc(role, 6000))
    octets = lab.resend("CS02bAnyExceptAbnormalRootByRecovery_NA_SUCCESS_COMMAND", device)
    assert frame.decode(octets).mac is None
    device, _ = receive(device, octets, NOW)
    assert [device.usc(role) for role in (Role.SUPPLIER, Role.NETWORK_OPERATOR, Role.ACCESS_CONTROL_BROKER)] == [
        0,
        0,
        0,
    ]
    assert device.usc(Role.RECOVERY) == 7000
    refused(device, octets, "counter_not_greater")


def test_recovery_never_touches_the_root(lab: Lab):
    device = lab.esme()
    mode = Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY
    root_floor = (RemotePartySeqNumberChange(Role.ROOT, 0),)
    octets = lab.update(
        device, REC, mode, 7000, [], lab.of(REC, "DS"), cell=REC_DS, mac=False, other_changes=root_floor
    )
    refused(device, octets, "floor_outside_mode")


def test_load_controller_floors_by_the_supplier(lab: Lab):
    device = lab.esme(load_controller=True)
    device = device.with_state(device.state.with_usc(Role.LOAD_CONTROLLER, 9500))
    octets = lab.resend("CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_SUCCESS_COMMAND", device)
    device, _ = receive(device, octets, NOW)
    assert numbers(device, Role.LOAD_CONTROLLER) == (0, 0)
    assert numbers(device, Role.SUPPLIER) == (1000, 0)
    assert {device.cell(LC_DS).entity, device.cell(LC_KA).entity} == {SUP}


# -- pending commands (6.3) -------------------------------------------------------------------------------------------


def dated(lab: Lab, device: Device, counter: int, due: datetime, signer=None) -> bytes:
    cells = [(SUP_DS, lab.named["Z1b-supplier-ds"].der)]
    mode = Mode.SUPPLIER_BY_SUPPLIER
    return lab.update(device, SUP, mode, counter, cells, signer or lab.of(SUP, "DS"), cell=SUP_DS, due=due, floor=0)


def test_a_new_dated_command_replaces_the_old_one_of_the_same_code_and_role(lab: Lab):
    device = lab.esme()
    device, _ = receive(device, dated(lab, device, 1000, LATER), NOW)
    device, _ = receive(device, dated(lab, device, 1001, LATER.replace(year=2018)), NOW)
    assert [(held.counter, held.due.year) for held in device.state.pending] == [(1001, 2018)]
    firmware = ActivateFirmware(bytes(32), 1002, LATER)
    body = encode_payload(0x0012, Cra.COMMAND, firmware)
    device, _ = receive(device, lab.send(device, SUP, 0x0012, 1002, body, signer=lab.of(SUP, "DS")), NOW)
    assert [held.message_code for held in device.state.pending] == [0x0012, 0x0102]
    assert device.exec(Role.SUPPLIER) == 1002
    assert device.usc(Role.SUPPLIER) == 1001
    device, _ = receive(device, dated(lab, device, 1002, NEVER), NOW)
    assert [held.message_code for held in device.state.pending] == [0x0012]
    device, (alert,) = advance(device, LATER)
    assert reply(alert).outcome.result == 1
    assert reply(alert).alert_code == 0x8F67


def test_cancelling_nothing_is_accepted(lab: Lab):
    device = lab.esme()
    after, (answer,) = receive(device, dated(lab, device, 1000, NEVER), NOW)
    assert frame.decode(answer).payload.hex() == "30020500"
    assert after.state.pending == ()


def test_a_date_in_the_past_is_executed_at_the_next_moment(lab: Lab):
    device = lab.esme()
    device, (answer,) = receive(device, dated(lab, device, 1000, datetime(2016, 1, 20, tzinfo=UTC)), NOW)
    assert reply(answer).outcome is None
    device, (alert,) = advance(device, NOW)
    assert reply(alert).alert_code == 0x8F66
    assert device.cell(SUP_DS).certificate == lab.named["Z1b-supplier-ds"].der


def test_a_supplier_that_left_cannot_come_back_with_a_command_left_behind(lab: Lab):
    device = lab.esme()
    device, _ = receive(device, dated(lab, device, 1000, LATER), NOW)
    device, _ = receive(device, lab.resend("CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS_COMMAND", device), NOW)
    before = device.cells()
    device, (alert,) = advance(device, LATER)
    assert frame.decode(alert).target == SUP
    assert reply(alert).alert_code == 0x8F67
    assert [entry.status for entry in reply(alert).outcome.replacement_outcomes] == [127]
    assert device.cells() == before
    assert ACB not in {before[SUP_DS].entity, SUP}


def test_a_supplier_that_left_activates_no_firmware(lab: Lab):
    image = HeldImage(bytes(32), bytes.fromhex("00000009"))
    device = lab.esme().holding(image)
    body = encode_payload(0x0012, Cra.COMMAND, ActivateFirmware(bytes(32), 1000, LATER))
    device, _ = receive(device, lab.send(device, SUP, 0x0012, 1000, body, signer=lab.of(SUP, "DS")), NOW)
    device, _ = receive(device, lab.resend("CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS_COMMAND", device), NOW)
    after, (alert,) = advance(device, LATER)
    assert (reply(alert).alert_code, reply(alert).outcome.result) == (0x8F67, 3)
    assert after.state.held_image == image


def test_a_faulty_image_fails_and_stays(lab: Lab):
    device = lab.esme().holding(HeldImage(bytes(32), bytes.fromhex("00000009"), faulty=True))
    body = encode_payload(0x0012, Cra.COMMAND, ActivateFirmware(bytes(32), 1000))
    after, (answer,) = receive(device, lab.send(device, SUP, 0x0012, 1000, body, signer=lab.of(SUP, "DS")), NOW)
    assert (reply(answer).result, reply(answer).firmware_version) == (3, device.firmware_version)
    assert after.state.held_image == device.state.held_image


def test_two_due_commands_run_in_order_of_their_dates(lab: Lab):
    device = lab.esme()
    device, _ = receive(device, dated(lab, device, 1000, LATER), NOW)
    octets = lab.update(
        device,
        TCOS,
        Mode.SUPPLIER_BY_TRANS_COS,
        6000,
        [(SUP_DS, lab.of(SUP2, "DS").der)],
        lab.of(TCOS, "DS"),
        cell=COS_DS,
        due=LATER.replace(month=2),
    )
    device, _ = receive(device, octets, NOW)
    device, alerts = advance(device, LATER.replace(year=2018))
    assert [frame.decode(alert).originator_counter for alert in alerts] == [2000, 2001]
    assert [reply(alert).outcome.seq_number for alert in alerts] == [1000, 6000]
    assert device.cell(SUP_DS).entity == SUP2


# -- firmware (6.2) ---------------------------------------------------------------------------------------------------


def test_firmware_counter_is_separate_and_checked(lab: Lab):
    device = lab.esme()
    body = encode_payload(0x0012, Cra.COMMAND, ActivateFirmware(bytes(32), 1000))
    octets = lab.send(device, SUP, 0x0012, 1000, body, signer=lab.of(SUP, "DS"))
    refused(device, lab.send(device, SUP, 0x0012, 1001, body, signer=lab.of(SUP, "DS")), "counter_mismatch")
    refused(device, lab.send(device, NO, 0x0012, 1000, body, signer=lab.of(NO, "DS")), "originator_not_in_cell")
    refused(device, lab.send(device, SUP, 0x0012, 1000, body), "signature_missing")
    refused(device, lab.send(device, SUP, 0x0012, 1000, body, signer=lab.of(NO, "DS")), "signature_wrong")
    refused(device, octets[:-1] + bytes([octets[-1] ^ 1]), "mac_wrong")
    device, _ = receive(device, octets, NOW)
    assert numbers(device, Role.SUPPLIER) == (0, 1000)
    refused(device, octets, "counter_not_greater")
