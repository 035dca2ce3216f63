"""Two requests never make one command twice; the signed pre-command is what was offered (duis-dsp.md 4.2; N1, N3)."""

from dataclasses import replace

import pytest

from dsp import dsp_world as w
from dsp.dsp_world import refused
from trustcell import duis, gbcs
from trustcell.dsp import RequestChange, RequestState, Work


def test_n1_the_same_6_21_twice_makes_one_command() -> None:
    world = w.world()
    request = world.handover_request()
    assert world.submit(w.cast().supplier, request).code == "I99"
    before = world.dump()
    refused(world, world.submit(w.cast().supplier, request), before, "request_id_used", "E62")
    other = world.handover_request(w.cast().arriving, request.request_id.counter)
    refused(world, world.submit(w.cast().supplier, other), before, "request_id_used", "E62")
    read = world.details_request(number=request.request_id.counter)
    refused(world, world.submit(w.cast().supplier, read), before, "request_id_used", "E62")
    assert len(world.manager.outbox()) == 1


def test_n1_a_used_id_is_told_before_what_else_is_wrong() -> None:
    world = w.world()
    request = world.handover_request()
    world.exchange(world.submit(w.cast().supplier, request))
    before = world.dump()
    refused(world, world.submit(w.cast().supplier, request), before, "request_id_used", "E62")


def test_n1_other_case_of_hex_is_the_same_id() -> None:
    world = w.world()
    world.operator_takes_over()
    operator = w.cast().leaving
    request = world.update_request(operator, w.HUGE)
    offered = world.submit(operator, request)
    signed = duis.signed_pre_command(request, w.sign_pre_command(offered, operator.signing))
    octets = duis.build_request(signed)
    text = str(signed.request_id)
    lower = octets.replace(text.encode(), text.lower().encode())
    assert lower != octets
    assert world.send(operator.xml.sign_xml(lower)).code == "I99"
    before = world.dump()
    refused(world, world.submit(operator, signed), before, "request_id_used", "E62")


def test_n1_leading_zeros_are_no_request() -> None:
    world = w.world()
    octets = duis.build_request(world.handover_request(number=12))
    before = world.dump()
    submission = world.send(octets.replace(b":12<", b":012<"))
    assert (submission.response, submission.command) == (None, None)
    assert submission.error is not None
    assert world.dump() == before


def test_n1_a_flipped_s_does_not_make_a_new_request() -> None:
    world = w.world()
    operator, order = w.cast().leaving, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def flipped(octets: bytes) -> bytes:
        value = operator.signing.sign(octets)
        return value[:32] + (order - int.from_bytes(value[32:], "big")).to_bytes(32, "big")

    world.operator_takes_over()
    request = world.update_request(operator, w.HUGE)
    offered = world.submit(operator, request)
    genuine = w.sign_pre_command(offered, operator.signing)
    pre_command = gbcs.decode(w.pre_command_of(offered))
    malleated = gbcs.encode(gbcs.attach_signature(pre_command, flipped(gbcs.signed_octets(pre_command))))
    assert malleated != genuine
    assert world.submit(operator, duis.signed_pre_command(request, genuine)).code == "I99"
    before = world.dump()
    refused(
        world, world.submit(operator, duis.signed_pre_command(request, malleated)), before, "request_id_used", "E62"
    )


def test_repeating_a_transform_is_harmless_until_it_is_sent() -> None:
    world = w.world()
    world.operator_takes_over()
    operator = w.cast().leaving
    request = world.update_request(operator, w.HUGE)
    first, again = (world.submit(operator, request) for _ in range(2))
    assert w.pre_command_of(first) == w.pre_command_of(again)
    before = world.dump()
    other = world.update_request(operator, w.HUGE, floor_seq_number=1)
    refused(world, world.submit(operator, other), before, "request_id_used", "E62")
    signed = duis.signed_pre_command(request, w.sign_pre_command(first, operator.signing))
    assert world.submit(operator, signed).code == "I99"
    before = world.dump()
    for sent in (request, signed):
        refused(world, world.submit(operator, sent), before, "request_id_used", "E62")


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64 - 1])
def test_n3_huge_ids_are_fine_where_the_counter_is_not_the_devices(number: int) -> None:
    world = w.world()
    submission = world.submit(w.cast().supplier, world.details_request(number=number))
    assert submission.code == "I99"
    assert submission.command is not None
    assert submission.command.request_id.counter == number
    (reception,) = world.exchange(submission)
    assert reception.delivery is not None
    answered = duis.parse_response(reception.delivery).response
    assert answered.response_id is not None
    assert answered.response_id.counter == number


# ---- the signed pre-command: check 17 ----


@pytest.fixture
def offer() -> tuple[w.World, duis.Request, w.Submission]:
    world = w.world()
    world.operator_takes_over()
    request = world.update_request(w.cast().leaving, w.HUGE)
    return world, request, world.submit(w.cast().leaving, request)


def test_a_pre_command_that_was_never_offered(offer: tuple[w.World, duis.Request, w.Submission]) -> None:
    world, request, offered = offer
    signed = w.sign_pre_command(offered, w.cast().leaving.signing)
    other = replace(request, request_id=replace(request.request_id, counter=77))
    before = world.dump()
    submission = world.submit(w.cast().leaving, duis.signed_pre_command(other, signed))
    refused(world, submission, before, "pre_command_unknown", "E57")


def test_a_pre_command_that_changed(offer: tuple[w.World, duis.Request, w.Submission]) -> None:
    world, request, offered = offer
    before = world.dump()
    message = gbcs.decode(w.pre_command_of(offered))
    for changed in (replace(message, originator_counter=5), replace(message, payload=message.payload + b"\0")):
        octets = gbcs.signed_octets(changed)
        signed = gbcs.encode(gbcs.attach_signature(changed, w.cast().leaving.signing.sign(octets)))
        submission = world.submit(w.cast().leaving, duis.signed_pre_command(request, signed))
        refused(world, submission, before, "pre_command_changed", "E57")
    for octets in (b"\0", w.pre_command_of(offered)[:-2]):
        submission = world.submit(w.cast().leaving, duis.signed_pre_command(request, octets))
        refused(world, submission, before, "pre_command_changed", "E57")
    for rest in (b"\x40", b"\x40" + bytes(63), b"\x41" + bytes(65), b"\0\0"):
        octets = w.pre_command_of(offered)[:-1] + rest
        submission = world.submit(w.cast().leaving, duis.signed_pre_command(request, octets))
        refused(world, submission, before, "pre_command_malformed", "E57")


def test_a_pre_command_without_signature_or_signed_by_another_key(
    offer: tuple[w.World, duis.Request, w.Submission],
) -> None:
    world, request, offered = offer
    before = world.dump()
    for pair in (w.cast().arriving.signing, w.cast().leaving.xml, w.cast().leaving.agreement):
        signed = w.sign_pre_command(offered, pair)
        submission = world.submit(w.cast().leaving, duis.signed_pre_command(request, signed))
        refused(world, submission, before, "pre_command_signature", "E52")
    unsigned = duis.signed_pre_command(request, w.pre_command_of(offered))
    refused(world, world.submit(w.cast().leaving, unsigned), before, "pre_command_signature", "E52")


def test_a_pre_command_sent_as_another_service_would_escape_the_rule(
    offer: tuple[w.World, duis.Request, w.Submission],
) -> None:
    world, request, offered = offer
    signed = duis.signed_pre_command(request, w.sign_pre_command(offered, w.cast().leaving.signing))
    disguised = replace(signed, service_reference="6.17", service_reference_variant="6.17")
    before = world.dump()
    submission = world.submit(w.cast().leaving, disguised)
    assert submission.refusal is not None
    assert submission.code.startswith("E")
    assert world.dump() == before


@pytest.mark.parametrize("variant", [6, 7])
def test_a_pre_command_for_local_delivery(variant: int, offer: tuple[w.World, duis.Request, w.Submission]) -> None:
    world, request, offered = offer
    signed = duis.signed_pre_command(request, w.sign_pre_command(offered, w.cast().leaving.signing))
    before = world.dump()
    submission = world.submit(w.cast().leaving, replace(signed, command_variant=variant))
    refused(world, submission, before, "local_delivery_not_offered", "E17")


def test_with_a_known_slot_only_the_key_in_it_signs() -> None:
    renewed = w.second_pair(w.cast().leaving, w.NO, w.DS)
    world = w.world(further=(renewed,))
    world.operator_takes_over()
    early = world.update(w.cast().leaving, 2**42, renewed)
    assert w.code_of(early) == "pre_command_signature"
    own = {"key_agreement_certificate": w.cast().leaving.agreement.certificate.der}
    renewal = world.update(w.cast().leaving, 2**42 + 1, digital_signing_certificate=renewed.certificate.der, **own)
    (reception,) = world.exchange(renewal)
    assert reception.learned is None
    assert w.code_of(world.update(w.cast().leaving, 2**42 + 2)) == "pre_command_signature"
    (reception,) = world.exchange(world.update(w.cast().leaving, 2**42 + 3, renewed))
    assert reception.learned == 2**42 + 3


def test_a_lost_handover_response_does_not_lock_the_operator_out() -> None:
    world = w.world()
    assert len(world.carry(world.handover())) == 1
    assert world.slot() is None
    assert world.operator_leaves().learned == w.HUGE


def test_a_pre_command_of_another_service_is_not_completed(offer: tuple[w.World, duis.Request, w.Submission]) -> None:
    """Nothing but the service it was made for, or a departure could be hidden from the rule."""
    world, request, offered = offer
    other = replace(request, request_id=replace(request.request_id, counter=w.HUGE + 1))
    change = RequestChange(
        other.request_id, None, RequestState.TRANSFORMED, "6.17", 4, b"<6.17/>", w.pre_command_of(offered)
    )
    w.stood(world.store.commit([Work(world.device.eui, (change,))], world.now))
    signed = duis.signed_pre_command(other, w.sign_pre_command(offered, w.cast().leaving.signing))
    before = world.dump()
    refused(world, world.submit(w.cast().leaving, signed), before, "pre_command_other_service", "E57")
