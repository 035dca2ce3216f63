"""gbcs.md 6.1 step 11: the status of each replacement, paths and time, and every mode that has a command."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from devices.devices_lab import (
    A0,
    A2,
    ACB,
    DS,
    NO,
    NO_DS,
    NO_KA,
    NOW,
    SEED,
    SUP,
    SUP_DS,
    TCOS,
    Lab,
    Mode,
    Role,
    reply,
)
from trustcell.devices import CellOccupant, Device, Fleet, receive
from trustcell.gbcs.usecases.common import StatusCode
from trustcell.gbcs.usecases.cs02b import TimeBasedChecks
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage

DER = Encoding.DER
BY_NO = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR


def other_curve(lab: Lab) -> bytes:
    """An operator's certificate in every respect but its key, which is on P-384."""
    model = x509.load_der_x509_certificate(lab.of(NO, "DS").der)
    builder = x509.CertificateBuilder(model.issuer, model.subject).serial_number(1)
    builder = builder.public_key(ec.derive_private_key(7, ec.SECP384R1()).public_key())
    builder = builder.not_valid_before(model.not_valid_before_utc).not_valid_after(model.not_valid_after_utc)
    for extension in model.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    key = lab.of(NO, "DS").private
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(DER)


def certificate_cases(lab: Lab) -> list[tuple[str, bytes, CellId, StatusCode]]:
    acb_ds, acb_ka = lab.of(ACB, "DS").der, lab.of(ACB, "KA").der
    corrupt = acb_ds[:-1] + bytes([acb_ds[-1] ^ 1])
    return [
        ("broker in operator cell", acb_ds, NO_DS, StatusCode.SUCCESS),
        ("wrong key usage", acb_ka, NO_DS, StatusCode.BAD_CERTIFICATE),
        ("supplier in operator cell", lab.of(SUP, "DS").der, NO_DS, StatusCode.BAD_CERTIFICATE),
        ("device certificate", lab.rtds[A0.hex(), "DS", False].der, NO_DS, StatusCode.BAD_CERTIFICATE),
        ("issuing authority", lab.issuing_oca, NO_DS, StatusCode.BAD_CERTIFICATE),
        ("not a certificate", b"\x30\x00", NO_DS, StatusCode.BAD_CERTIFICATE),
        ("null parameters (T7)", lab.named["mdr-ds"].der, NO_DS, StatusCode.BAD_CERTIFICATE),
        ("signature broken", corrupt, NO_DS, StatusCode.NO_TRUST_ANCHOR),
        ("cell of another role", lab.of(SUP, "DS").der, SUP_DS, StatusCode.TRUST_ANCHOR_NOT_FOUND),
        ("cell that does not exist", acb_ds, CellId(Role.WAN_PROVIDER, DS), StatusCode.TRUST_ANCHOR_NOT_FOUND),
        ("another curve", other_curve(lab), NO_DS, StatusCode.BAD_CERTIFICATE),
        ("root cell", lab.issuing_oca, CellId(Role.ROOT, KeyUsage.KEY_CERT_SIGN), StatusCode.TRUST_ANCHOR_NOT_FOUND),
    ]


def one(
    lab: Lab, device: Device, der: bytes, cell: CellId, now: datetime = NOW, **more: object
) -> tuple[Device, StatusCode]:
    octets = lab.update(device, NO, BY_NO, 5000, [(cell, der)], lab.of(NO, "DS"), cell=NO_DS, **more)
    after, (answer,) = receive(device, octets, now)
    (entry,) = reply(answer).outcome.replacement_outcomes
    assert entry.cell == cell
    if entry.status != StatusCode.SUCCESS:
        assert (entry.existing_entity, entry.existing_key_id) == (entry.replacing_entity, entry.replacing_key_id)
        assert after.cells() == device.cells()
    return after, entry.status


@pytest.mark.parametrize("index", range(12))
def test_step_11_status_of_one_replacement(lab: Lab, index: int):
    _, der, cell, status = certificate_cases(lab)[index]
    assert one(lab, lab.gpf_of_no(), der, cell)[1] == status


def test_step_11_path_and_time(lab: Lab):
    device, der = lab.gpf_of_no(), lab.of(ACB, "DS").der
    assert one(lab, device, der, NO_DS, path=())[1] == StatusCode.NO_TRUST_ANCHOR
    assert one(lab, device, der, NO_DS, path=(der, lab.issuing_oca, b"\x30\x00"))[1] == StatusCode.SUCCESS
    late, early = datetime(2025, 10, 30, tzinfo=UTC), datetime(2015, 10, 29, 23, 59, 59, tzinfo=UTC)
    last = datetime(2025, 10, 29, 23, 59, 59, tzinfo=UTC)
    assert one(lab, device, der, NO_DS, now=last)[1] == StatusCode.SUCCESS
    for now in (late, early):
        assert one(lab, device, der, NO_DS, now=now)[1] == StatusCode.NO_TRUST_ANCHOR
        lax = one(lab, device, der, NO_DS, now=now, time_based_checks=TimeBasedChecks.DISAPPLY)
        assert lax[1] == StatusCode.SUCCESS


def test_a_partial_failure_splits_the_pair(lab: Lab):
    device = lab.gpf_of_no()
    cells = [(NO_DS, lab.of(ACB, "DS").der), (NO_KA, lab.of(ACB, "DS").der)]
    octets = lab.update(device, NO, BY_NO, 5000, cells, lab.of(NO, "DS"), cell=NO_DS, floor=0)
    after, (answer,) = receive(device, octets, NOW)
    assert [e.status for e in reply(answer).outcome.replacement_outcomes] == [0, 5]
    assert (after.cell(NO_DS).entity, after.cell(NO_KA).entity) == (ACB, NO)
    assert after.log[-1].reason == "credentials_partly_updated"


def test_a_remembered_path_answers_like_a_fresh_search(lab: Lab):
    """One fleet sees the certificate at many times; every answer equals that of a fleet that has seen nothing."""
    der = lab.of(ACB, "DS").der
    shared = lab.gpf_of_no()
    for year, disapply in ((2016, False), (2030, False), (2030, True), (2030, False), (2014, False), (2020, False)):
        now = datetime(year, 6, 1, tzinfo=UTC)
        checks = TimeBasedChecks.DISAPPLY if disapply else TimeBasedChecks.APPLY
        seen = one(lab, shared, der, NO_DS, now=now, time_based_checks=checks)[1]
        fresh = one(lab, lab.gpf_of_no(), der, NO_DS, now=now, time_based_checks=checks)[1]
        assert seen == fresh
        assert (seen == StatusCode.SUCCESS) == (disapply or year in (2016, 2020))
    assert one(lab, shared, der, NO_DS, path=())[1] == StatusCode.NO_TRUST_ANCHOR
    other_root = CellOccupant.root(bytes(8), lab.of(SUP, "DS").occupant.point)
    moved = shared.with_state(shared.state.with_cell(CellId(Role.ROOT, KeyUsage.KEY_CERT_SIGN), other_root))
    assert one(lab, moved, der, NO_DS)[1] == StatusCode.NO_TRUST_ANCHOR


def test_small_caches_change_no_answer(lab: Lab):
    device = Fleet(SEED, lab.pack(False), cache=1).device(lab.gpf().eui, DeviceType.GPF, lab.gpf_of_no().state)
    octets = lab.give_back(device)
    assert receive(device, octets, NOW).answers == receive(lab.gpf_of_no(), octets, NOW).answers
    assert receive(device, octets, NOW).answers == receive(lab.gpf_of_no(), octets, NOW).answers


def test_the_wan_provider_and_the_transitional_party_replace_themselves(lab: Lab):
    wan = Eui64.parse("90B3D51F30000007")
    cases = (
        (wan, Mode.WAN_PROVIDER_BY_WAN_PROVIDER, Role.WAN_PROVIDER, "wanProvider", A2, DeviceType.CHF),
        (TCOS, Mode.TRANS_COS_BY_TRANS_COS, Role.TRANSITIONAL_COS, "transitionalCoS", A0, DeviceType.ESME),
    )
    for party, mode, role, name, eui, kind in cases:
        device = Fleet(SEED, lab.pack(True)).device(eui, kind)
        cell, renewed = CellId(role, DS), lab.named[f"Z1b-{name}-ds"].der
        signer = lab.named[f"Z1-{name}-ds"]
        octets = lab.update(device, party, mode, 10, [(cell, renewed)], signer, cell=cell, floor=0)
        after, (answer,) = receive(device, octets, NOW)
        assert reply(answer).outcome.replacement_outcomes[0].status == StatusCode.SUCCESS
        assert after.cell(cell).certificate == renewed
        octets = lab.update(after, party, mode, 11, [(cell, renewed)], signer, cell=cell)
        assert receive(after, octets, NOW).device.log[-1].reason == "signature_wrong"


def test_a_second_replacement_of_one_cell_sees_the_first(lab: Lab):
    device = lab.gpf_of_no()
    cells = [(NO_DS, lab.of(ACB, "DS").der), (NO_DS, lab.named["Z1b-networkOperator-ds"].der)]
    octets = lab.update(device, NO, BY_NO, 5000, cells, lab.of(NO, "DS"), cell=NO_DS)
    after, (answer,) = receive(device, octets, NOW)
    first, second = reply(answer).outcome.replacement_outcomes
    assert [first.existing_entity, first.replacing_entity] == [NO, ACB]
    assert [second.existing_entity, second.replacing_entity] == [ACB, NO]
    assert after.cell(NO_DS).certificate == cells[1][1]
