"""Who may ask what, and what is refused; a refusal changes nothing (duis-dsp.md 4.1; I8)."""

from dataclasses import replace
from typing import Any

import pytest

from dsp import dsp_world as w
from dsp.dsp_world import refused
from trustcell import duis, gbcs
from trustcell.adapters.parties import LocalBroker
from trustcell.dsp.rules.reasons import RESPONSE_CODE, SIGNATURE_INVALID, UNEXPECTED, response_code
from trustcell.vocab import DeviceType, Eui64, RemotePartyRole

# ---- checks 3 to 8 ----


def test_a_request_without_signature_is_refused() -> None:
    world = w.world()
    before = world.dump()
    submission = world.send(duis.build_request(world.handover_request()))
    assert submission.code == "E48"
    assert submission.refusal is not None
    assert submission.refusal.code == "signature_missing"
    assert world.dump() == before


@pytest.mark.parametrize("signer", ["leaving", "broker"])
def test_a_request_signed_by_somebody_else_is_refused(signer: str) -> None:
    world = w.world()
    before = world.dump()
    submission = world.submit(getattr(w.cast(), signer), world.handover_request())
    assert submission.code == "E49"
    assert submission.refusal is not None
    assert submission.refusal.code == {"leaving": "signer_not_originator", "broker": "signer_unknown"}[signer]
    assert world.dump() == before


def test_a_mismatch_is_told_only_to_a_signer() -> None:
    world = w.world()
    request = replace(world.handover_request(), command_variant=4)
    unsigned = world.send(duis.build_request(request))
    assert unsigned.code == "E48"
    before = world.dump()
    submission = world.submit(w.cast().supplier, request)
    assert submission.code == "E12"
    assert world.dump() == before


def test_a_service_reference_that_does_not_fit_is_answered() -> None:
    world = w.world()
    request = replace(world.handover_request(), service_reference="6.15")
    submission = world.submit(w.cast().supplier, request)
    assert submission.code == "E12"
    assert submission.refusal is not None
    assert submission.refusal.code == "service_reference_mismatch"
    assert duis.parse_response(submission.response).response.request_id == request.request_id


@pytest.mark.parametrize("octets", [b"", b"<", b"<a/>", b"\xff\xfe<", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_request_has_no_answer(octets: bytes) -> None:
    world = w.world()
    before = world.dump()
    submission = world.send(octets)
    assert (submission.response, submission.code, submission.command) == (None, "", None)
    assert submission.error is not None
    assert submission.reference
    assert world.dump() == before


# ---- who may ask what: checks 5 and 10 to 15 ----


def test_only_a_supplier_may_hand_over() -> None:
    world = w.world()
    before = world.dump()
    request = world.handover_request(w.cast().arriving)
    ids = replace(request.request_id, originator=w.cast().arriving.entity)
    submission = world.submit(w.cast().arriving, replace(request, request_id=ids))
    refused(world, submission, before, "role_not_eligible", "E2")


def test_the_dcc_itself_is_no_user() -> None:
    pair = w.cast().broker.signing
    broker = replace(w.cast().broker, xml=pair)
    world = w.world()
    request = world.handover_request()
    ids = replace(request.request_id, originator=broker.entity)
    before = world.dump()
    submission = world.submit(broker, replace(request, request_id=ids))
    refused(world, submission, before, "unknown_user", "E1")


def test_a_party_without_xml_certificate_signs_with_its_ordinary_one() -> None:
    supplier = w.second_pair(replace(w.cast().supplier, entity=Eui64(b"\x70\xb3\xd5\x1f0\0\x30\0")), w.SUPPLIER, w.DS)
    entity = supplier.certificate.entity_id
    assert entity is not None
    world = w.world(further=(supplier,))
    request = world.handover_request()
    ids = replace(request.request_id, originator=entity)
    octets = supplier.sign_xml(duis.build_request(replace(request, request_id=ids)))
    assert world.send(octets).code == "I99"


def test_who_has_an_xml_certificate_does_not_sign_duis_with_another_one() -> None:
    world = w.world()
    supplier = replace(w.cast().supplier, xml=w.cast().supplier.signing)
    submission = world.submit(supplier, world.handover_request())
    assert submission.code == "E49"


def test_a_device_that_is_not_in_the_inventory() -> None:
    world = w.world(known=False)
    before = world.dump()
    refused(world, world.handover(), before, "device_unknown", "E19")


@pytest.mark.parametrize(
    ("kind", "ask"),
    [
        (w.GSME, lambda world: world.handover_request(role=w.SUPPLIER)),
        (w.CHF, lambda world: world.handover_request(role=w.SUPPLIER)),
        (w.GPF, lambda world: world.details_request(w.SUPPLIER, RemotePartyRole.LOAD_CONTROLLER)),
    ],
)
def test_services_that_do_not_fit_the_device(kind: DeviceType, ask: Any) -> None:
    world = w.world(kind=kind)
    before = world.dump()
    refused(world, world.submit(w.cast().supplier, ask(world)), before, "service_not_for_device", "E11")


@pytest.mark.parametrize(
    ("kind", "role"),
    [(w.GSME, w.NO), (w.CHF, w.NO), (w.GPF, RemotePartyRole.LOAD_CONTROLLER), (w.CHF, w.SUPPLIER)],
)
def test_6_15_1_for_cells_a_device_does_not_have(kind: DeviceType, role: RemotePartyRole) -> None:
    world = w.world(kind=kind)
    before = world.dump()
    submission = world.submit(w.cast().supplier, world.update_request(w.cast().supplier, 9, remote_party_role=role))
    refused(world, submission, before, "service_not_for_device", "E11")


@pytest.mark.parametrize(
    "role", [RemotePartyRole.ROOT, RemotePartyRole.RECOVERY, RemotePartyRole.TRANSITIONAL_COS, w.BROKER]
)
def test_slots_these_services_cannot_change(role: RemotePartyRole) -> None:
    world = w.world()
    before = world.dump()
    supplier = w.cast().supplier
    refused(world, world.handover(role=role), before, "role_not_replaceable", "E061501")
    update = world.submit(supplier, world.update_request(supplier, 9, remote_party_role=role))
    refused(world, update, before, "role_not_replaceable", "E061501")


@pytest.mark.parametrize("variant", [2, 3])
def test_local_delivery_is_refused_not_sent_over_the_wan(variant: int) -> None:
    world = w.world()
    before = world.dump()
    submission = world.submit(w.cast().supplier, replace(world.handover_request(), command_variant=variant))
    refused(world, submission, before, "local_delivery_not_offered", "E17")


def test_a_6_21_whose_date_has_passed_goes_out_at_once_and_without_a_date() -> None:
    world = w.world()
    submission = world.handover(execution_date_time=w.BEGINS)
    assert submission.command is not None
    assert gbcs.decode_payload(gbcs.decode(submission.command.octets)).execution_date_time is None


def test_services_that_are_not_offered() -> None:
    world = w.world()
    body = duis.RequestWANMatrix(uprn=1)
    ids = duis.RequestId(w.cast().supplier.entity, w.cast().broker.entity, 1)
    before = world.dump()
    submission = world.submit(w.cast().supplier, duis.Request(ids, 8, "12.1", "12.1", body))
    refused(world, submission, before, "service_not_offered", "E12")


# ---- broker keys ----


def test_the_mac_uses_the_agreement_key_in_the_brokers_cell() -> None:
    newest = w.second_pair(w.cast().broker, w.BROKER, w.KA)
    world = w.world(broker=w.broker_with(agreement=(newest,)))
    assert world.carry(world.read(w.BROKER)) == ()
    world.restarted()
    (reception,) = world.exchange(world.read(w.BROKER))
    assert reception.verdict == "response"
    world.restarted(broker=w.broker_with(agreement=(newest,)))
    (reception,) = world.exchange(world.read(w.NO))
    assert reception.verdict == "response"


def test_a_cell_with_a_key_that_is_not_the_brokers_is_refused_by_name() -> None:
    world = w.world()
    world.exchange(world.read(w.BROKER))
    newest, actor = w.second_pair(w.cast().broker, w.BROKER, w.KA), w.cast().broker
    world.restarted(broker=LocalBroker(actor.entity, (actor.signing,), (newest,), actor.xml))
    before = world.dump()
    submission = world.handover()
    assert submission.refusal is not None
    assert (submission.refusal.code, submission.code) == ("broker_key_not_held", "E55")
    assert world.dump() == before


def test_answers_are_signed_and_addressed() -> None:
    world = w.world()
    submission = world.handover()
    (reception,) = world.exchange(submission)
    assert reception.delivery is not None
    for octets in (submission.response, reception.delivery):
        parsed = duis.parse_response(octets)
        duis.verify(parsed, w.cast().broker.xml.certificate.public_key)
    acknowledged = duis.parse_response(submission.response).response
    assert (acknowledged.response_code, acknowledged.response_id) == ("I99", None)
    answered = duis.parse_response(reception.delivery).response
    assert submission.command is not None
    assert answered.request_id == submission.command.request_id
    assert answered.response_id == submission.command.request_id.response_id()


def test_the_dump_of_these_tests_shows_everything() -> None:
    world = w.world()
    before = world.dump()
    world.handover()
    assert world.dump() != before


def test_every_reason_has_a_code_of_the_closed_list() -> None:
    codes = {*RESPONSE_CODE.values(), SIGNATURE_INVALID, UNEXPECTED}
    assert codes <= set(duis.response_codes())
    assert all(code.startswith("E") for code in codes)
    assert response_code("a reason nobody knows") == UNEXPECTED
