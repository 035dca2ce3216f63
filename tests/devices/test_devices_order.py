"""gbcs.md 6.1: each check, and the order: of two faults the earlier one is named."""

from datetime import UTC, datetime

import pytest

from devices.devices_lab import (
    A0,
    A1,
    ACB,
    ACB_DS,
    ACB_KA,
    COS_DS,
    DS,
    NO,
    NO_DS,
    NO_KA,
    NOW,
    REC,
    REC_DS,
    SEED,
    SUP,
    SUP_DS,
    TCOS,
    Lab,
    Mode,
    Role,
    check_signed,
    refused,
    reply,
)
from trustcell.devices import CellOccupant, DevicePolicy, DeviceState, Fleet, advance, receive
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Cra, Supplementary
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.common import RemotePartySeqNumberChange, StatusCode
from trustcell.gbcs.usecases.cs02b import (
    AuthorisingRemotePartyControl,
    Replacement,
    UpdateSecurityCredentials,
)
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage

BY_NO = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR


def payload(lab: Lab, counter: int, mode: Mode = BY_NO, cell: CellId | None = NO_DS, **control: object) -> bytes:
    """A CS02b payload that puts the broker into the operator's cells."""
    value = UpdateSecurityCredentials(
        AuthorisingRemotePartyControl(mode, counter, cell, **control),
        (Replacement(lab.of(ACB, "DS").der, NO_DS), Replacement(lab.of(ACB, "KA").der, NO_KA)),
        (lab.issuing_oca,),
    )
    return encode_payload(mode.message_code, Cra.COMMAND, value)


def spoil(octets: bytes, mac: bool = False, signature: bool = False) -> bytes:
    """Turn a bit of the MAC (last octets) or of the signature before it."""
    changed = bytearray(octets)
    if mac:
        changed[-1] ^= 1
    if signature:
        changed[-20] ^= 1
    return bytes(changed)


def test_step_1_malformed_and_not_a_command(lab: Lab):
    device = lab.gpf_of_no()
    for octets in (b"", b"\xdd", b"\x30\x00", bytes(2000)):
        after = refused(device, octets)
        assert after.log[0].code == 0x8F1E
    body, signer = payload(lab, 5000), lab.of(NO, "DS")
    for cra in (Cra.RESPONSE, Cra.ALERT):
        octets = lab.send(device, NO, 0x0103, 5000, body, signer=signer, cra=cra)
        refused(device, octets, "not_a_command")
        octets = lab.send(device, NO, 0x0103, 5000, body, signer=signer, cra=cra, target=A0)
        refused(device, octets, "not_a_command")


def test_a_response_of_the_device_itself_sent_back_as_a_command(lab: Lab):
    device = lab.gpf_of_no()
    after, (answer,) = receive(device, lab.give_back(device), NOW)
    refused(after, answer, "not_a_command")
    turned = bytearray(answer)
    turned[2] = 1
    refused(after, bytes(turned), "target_other_device")


def test_step_2_target_and_message_code(lab: Lab):
    device, signer = lab.gpf_of_no(), lab.of(NO, "DS")
    octets = lab.send(device, NO, 0x0103, 5000, payload(lab, 5000), signer=signer, target=A0)
    assert refused(device, octets, "target_other_device").log[0].code == 0x8F3E
    octets = lab.send(device, NO, 0x0103, 5000, payload(lab, 5000), mac=False, target=A0)
    refused(device, octets, "target_other_device")
    for code in (0x0000, 0x0001, 0x000B, 0x0012, 0x011B, 0x0125, 0x0126, 0xFFFF):
        octets = lab.send(device, NO, code, 5000, payload(lab, 5000), signer=signer)
        assert refused(device, octets, "command_not_supported").log[0].code == 0x8F85


@pytest.mark.parametrize("mode", [Mode.ROOT_BY_SUPPLIER, Mode.ROOT_BY_WAN_PROVIDER, Mode.ANY_BY_CONTINGENCY])
def test_modes_without_vectors_are_refused_by_name(lab: Lab, mode: Mode):
    device = lab.gpf_of_no()
    octets = lab.send(device, NO, mode.message_code, 5000, payload(lab, 5000, mode), signer=lab.of(NO, "DS"))
    refused(device, octets, "mode_not_modelled")


def test_step_3_protection_shape(lab: Lab):
    device, signer = lab.gpf_of_no(), lab.of(NO, "DS")
    body = payload(lab, 5000)
    refused(device, lab.send(device, NO, 0x0103, 5000, body, signer=signer, mac=False), "mac_missing")
    refused(device, lab.send(device, NO, 0x0103, 5000, body), "signature_missing")
    refused(device, lab.send(device, NO, 0x0103, 5000, body, mac=False), "mac_missing")
    wrong_mode = payload(lab, 5000, Mode.SUPPLIER_BY_SUPPLIER)
    refused(device, lab.send(device, NO, 0x0103, 5000, wrong_mode, signer=signer, mac=False), "mac_missing")
    recovery = payload(lab, 7000, Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY, REC_DS)
    octets = lab.send(device, REC, 0x0108, 7000, recovery, signer=lab.of(REC, "DS"))
    refused(device, octets, "protection_not_expected")
    refused(device, lab.send(device, REC, 0x0108, 7000, recovery, mac=False), "signature_missing")
    broker = payload(lab, 7000, Mode.ACCESS_CONTROL_BROKER_BY_ACB, None)
    octets = lab.send(device, ACB, 0x0104, 7000, broker, signer=lab.of(ACB, "DS"))
    refused(device, octets, "protection_not_expected")


def test_step_4_content(lab: Lab):
    device, signer = lab.gpf_of_no(), lab.of(NO, "DS")

    def sent(body: bytes, counter: int = 5000, originator: Eui64 = NO) -> bytes:
        return lab.send(device, originator, 0x0103, counter, body, signer=signer)

    refused(device, sent(payload(lab, 5000, Mode.SUPPLIER_BY_SUPPLIER)), "mode_mismatch")
    refused(device, sent(payload(lab, 4999)), "counter_mismatch")
    refused(device, sent(payload(lab, 4999), originator=SUP), "counter_mismatch")
    for cell in (None, SUP_DS, NO_KA, CellId(Role.NETWORK_OPERATOR, KeyUsage.KEY_CERT_SIGN)):
        refused(device, sent(payload(lab, 5000, cell=cell)), "authorising_cell_wrong")
    after = refused(device, sent(payload(lab, 5000)[:-1]))
    assert after.log[0].code == 0x8F1E
    assert after.log[0].reason.startswith("asn1_")
    floors = (RemotePartySeqNumberChange(Role.SUPPLIER, 0),)
    refused(device, sent(payload(lab, 5000, other_changes=floors)), "floor_outside_mode")
    many = lab.update(device, NO, BY_NO, 5000, [(NO_DS, lab.of(ACB, "DS").der)] * 33, signer, cell=NO_DS)
    refused(device, many, "too_many_entries")
    huge = lab.send(device, NO, 0x0103, 2**63, payload(lab, 2**63 - 1), signer=signer)
    refused(device, huge, "counter_mismatch")


def test_step_5_originator_is_who_sits_in_the_cell(lab: Lab):
    device, signer = lab.gpf_of_no(), lab.of(NO, "DS")
    for originator in (SUP, ACB, device.eui, Eui64(bytes(8))):
        octets = lab.send(device, originator, 0x0103, 5000, payload(lab, 5000), signer=signer)
        assert refused(device, octets, "originator_not_in_cell").log[0].code == 0x8F30
    stale = device.with_state(device.state.with_usc(Role.NETWORK_OPERATOR, 9000))
    refused(stale, lab.send(stale, SUP, 0x0103, 5000, payload(lab, 5000), signer=signer), "originator_not_in_cell")
    gsme = Fleet(SEED, lab.pack(True)).device(A1, DeviceType.GSME)
    octets = lab.send(gsme, NO, 0x0103, 5000, payload(lab, 5000), signer=signer)
    refused(gsme, octets, "authorising_cell_absent")


def test_step_6_counter_before_cryptography(lab: Lab):
    device = lab.gpf_of_no()
    device = device.with_state(device.state.with_usc(Role.NETWORK_OPERATOR, 5000))
    for counter in (0, 1, 4999, 5000):
        octets = lab.give_back(device, counter)
        assert refused(device, octets, "counter_not_greater").log[0].code == 0x8F53
        refused(device, spoil(octets, mac=True, signature=True), "counter_not_greater")
    after, _ = receive(device, lab.give_back(device, 2**63 - 1), NOW)
    assert after.usc(Role.NETWORK_OPERATOR) == 2**63 - 1


def test_steps_7_and_8_mac_then_signature(lab: Lab):
    device = lab.gpf_of_no()
    octets = lab.give_back(device)
    assert refused(device, spoil(octets, mac=True), "mac_wrong").log[0].code == 0x8F3D
    refused(device, spoil(octets, mac=True, signature=True), "mac_wrong")
    good = frame.decode(octets)

    def remac(signature: bytes) -> bytes:
        message = protect.attach_signature(good, signature)
        return frame.encode(protect.attach_mac(message, protect.make_mac(message, lab.secret(device))))

    signature = good.signature or b""
    assert remac(signature) == octets
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    key_agreement = protect.sign(lab.of(NO, "KA").private, frame.signed_octets(good))
    for wrong in (
        signature[32:] + signature[:32],
        bytes(64),
        signature[:32] + bytes(32),
        signature[:32] + order.to_bytes(32, "big"),
        b"\xff" * 64,
        key_agreement,
    ):
        assert refused(device, remac(wrong), "signature_wrong").log[0].code == 0x8F3D


def test_step_8_twin_certificate_with_the_same_key_passes(lab: Lab):
    """MP261: the cell holds a re-issued certificate of other serial and dates; the key is what counts."""
    twin = lab.reissued("CS02bNOByNOHandover_6.21_SUCCESS", DS)
    first = lab.of(NO, "DS")
    assert (twin.serial, twin.der) != (first.certificate.serial, first.der)
    assert twin.public_key_point == first.certificate.public_key_point

    device = lab.gpf_of_no()
    device = device.with_state(device.state.with_cell(NO_DS, CellOccupant.of(twin)))
    device, (answer,) = receive(device, lab.give_back(device), NOW)
    assert reply(answer).outcome.replacement_outcomes[0].status == StatusCode.SUCCESS


def test_a_same_key_replacement_is_stored_although_ids_do_not_change(lab: Lab):
    device = lab.gpf_of_no()
    twin = lab.reissued("CS02bNOByNOHandover_6.21_SUCCESS", DS)
    octets = lab.update(device, NO, BY_NO, 5000, [(NO_DS, twin.der)], lab.of(NO, "DS"), cell=NO_DS)
    after, (answer,) = receive(device, octets, datetime(2030, 1, 1, tzinfo=UTC))
    (entry,) = reply(answer).outcome.replacement_outcomes
    assert entry.status == StatusCode.SUCCESS
    assert entry.existing_key_id == entry.replacing_key_id
    assert after.cell(NO_DS).certificate == twin.der


def test_step_9_the_counter_moves_only_after_authentication(lab: Lab):
    device = lab.gpf_of_no()
    octets = lab.give_back(device, 2**40)
    device = refused(device, spoil(octets, mac=True))
    device, answers = receive(device, lab.give_back(device, 1), NOW)
    assert len(answers) == 1
    assert device.usc(Role.NETWORK_OPERATOR) == 1


def test_step_10_a_dated_command_answers_without_outcome_whatever_it_holds(lab: Lab):
    device = lab.gpf_of_no()
    due = datetime(2017, 1, 1, tzinfo=UTC)
    octets = lab.update(device, NO, BY_NO, 5000, [(NO_DS, b"\x30\x00")], lab.of(NO, "DS"), cell=NO_DS, due=due, floor=9)
    after, (answer,) = receive(device, octets, NOW)
    assert frame.decode(answer).payload.hex() == "30020500"
    assert after.usc(Role.NETWORK_OPERATOR) == 5000
    assert after.cells() == device.cells()
    assert after.state.pending[0].due == due
    refused(after, octets, "counter_not_greater")


@pytest.mark.parametrize("kind", [DeviceType.ESME, DeviceType.CHF])
def test_mode_4_by_mac_alone_or_signed_on_a_hub(lab: Lab, kind: DeviceType):
    device = Fleet(SEED, lab.pack(True)).device(A0, kind)
    hub = kind is DeviceType.CHF
    renewed = lab.named["Z1b-accessControlBroker-ka"].der
    octets = lab.update(
        device,
        ACB,
        Mode.ACCESS_CONTROL_BROKER_BY_ACB,
        1400,
        [(ACB_KA, renewed)],
        lab.of(ACB, "DS") if hub else None,
        cell=ACB_DS if hub else None,
        floor=0,
    )
    after, (answer,) = receive(device, octets, NOW)
    check_signed(device, answer)
    assert reply(answer).outcome.replacement_outcomes[0].status == StatusCode.SUCCESS
    assert after.usc(Role.ACCESS_CONTROL_BROKER) == 1400
    assert after.cell(ACB_KA).certificate == renewed


def test_responses_echo_the_supplementary_party_and_counter(lab: Lab):
    device = lab.gpf_of_no()
    asked = Supplementary(SUP, 77, None, lab.of(SUP, "KA").der)
    octets = lab.send(device, NO, 0x0103, 5000, payload(lab, 5000), signer=lab.of(NO, "DS"), supplementary=asked)
    _, (answer,) = receive(device, octets, NOW)
    assert frame.decode(answer).supplementary == Supplementary(SUP, 77)


def test_failure_alerts_go_to_the_supplier_when_the_policy_wants_them(lab: Lab):
    device = lab.esme(DevicePolicy(failure_alerts=True))
    device = device.with_state(DeviceState(alert_counter=2000))
    octets = lab.send(
        device, NO, 0x0102, 5000, payload(lab, 5000, Mode.SUPPLIER_BY_SUPPLIER, SUP_DS), signer=lab.of(NO, "DS")
    )
    after, (alert,) = receive(device, octets, datetime(2015, 1, 1, tzinfo=UTC))
    expected = lab.message("GCA-DLMS_NA_8F30_ALERT")
    assert frame.signed_octets(check_signed(device, alert)) == frame.signed_octets(expected)
    assert after.alert_counter == 2001
    assert after.state == DeviceState(alert_counter=2001)
    assert receive(device, b"\xdd", NOW).answers == ()
    gpf = lab.gpf_of_no(DevicePolicy(failure_alerts=True))
    gpf, (alert,) = receive(gpf, spoil(lab.give_back(gpf), mac=True), NOW)
    message = frame.decode(alert)
    assert message.target == ACB
    assert reply(alert).alert_code == 0x8F3D
    hub = Fleet(SEED, lab.pack(True), DevicePolicy(failure_alerts=True)).device(A0, DeviceType.CHF)
    octets = lab.update(hub, TCOS, Mode.TRANS_COS_BY_TRANS_COS, 0, [], lab.of(TCOS, "DS"), cell=COS_DS)
    _, (alert,) = receive(hub, octets, NOW)
    assert frame.decode(alert).target == ACB


def test_block_transfers_are_not_whole_messages(lab: Lab):
    refused(lab.gpf(), bytes.fromhex("dd0901") + bytes(60), "gbcs_block")


def test_the_contingency_key_belongs_to_its_mode(lab: Lab):
    device = lab.gpf_of_no()
    octets = lab.give_back(device, plaintext_symmetric_key=bytes(16))
    refused(device, octets, "plaintext_key_not_expected")


def test_a_time_without_zone_is_a_mistake_of_the_caller(lab: Lab):
    for call in (lambda now: receive(lab.gpf(), b"", now), lambda now: advance(lab.gpf(), now)):
        with pytest.raises(ValueError, match="time zone"):
            call(NOW.replace(tzinfo=None))


def test_a_fleet_makes_only_devices_its_pack_has_cells_for(lab: Lab):
    with pytest.raises(ValueError, match="TYPE2"):
        Fleet(SEED, lab.pack(False)).device(A0, DeviceType.TYPE2)
    with pytest.raises(ValueError, match="line"):
        DevicePolicy(log_limit=0)
