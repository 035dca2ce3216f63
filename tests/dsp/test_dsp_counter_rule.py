"""Every row of the edge cases of SECMP0128A (duis-dsp.md 7.4), from DUIS request to virtual device and back."""

from datetime import timedelta

import pytest

from dsp import dsp_world as w
from trustcell import devices, duis, gbcs
from trustcell.dsp import Effects, Occupant, milliseconds
from trustcell.dsp.rules.effects import effects_of_update
from trustcell.dsp.rules.facts import DeviceRecord, Facts
from trustcell.dsp.rules.plan import Reply
from trustcell.dsp.rules.services import SERVICES
from trustcell.vocab import MAX_SEQ_NUMBER, DeviceType, Eui64

SUCCESS, BAD = gbcs.StatusCode.SUCCESS, gbcs.StatusCode.BAD_CERTIFICATE


def taken_over(**options: object) -> w.World:
    """A GPF whose slot the first operator took by 6.21."""
    world = w.world(**options)
    world.operator_takes_over()
    return world


def abandoned(counter: int = w.HUGE, **options: object) -> w.World:
    """The same GPF after the operator left with this counter."""
    world = taken_over(**options)
    assert world.operator_leaves(counter).learned == counter
    return world


def counter_of(submission: w.Submission) -> int:
    assert submission.command is not None, submission.refusal
    message = gbcs.decode(submission.command.octets)
    assert message.originator_counter == gbcs.decode_payload(message).control.seq_number
    return message.originator_counter


def effects_of(variant: str, payload: object, kind: DeviceType = w.GPF, generation: str = "SMETS2") -> Effects:
    """What a verified answer to a service teaches."""
    device = DeviceRecord(w.cast().gpf, kind, generation)
    reply = Reply(variant, None, device, Facts(), payload, False, w.cast().broker.entity, w.BEGINS)
    return effects_of_update(reply) if variant == "6.15.1" else SERVICES[variant].effects(reply)


# ---- the story itself ----


def test_with_the_rule_the_arriving_operator_gets_the_slot() -> None:
    world = abandoned()
    assert world.highest == w.HUGE
    submission = world.handover(w.cast().arriving)
    assert counter_of(submission) == w.HUGE + 1 == world.highest
    assert [reception.verdict for reception in world.exchange(submission)] == ["response"]
    assert world.occupant() == w.cast().arriving.entity


def test_without_the_rule_the_slot_is_lost() -> None:
    world = taken_over(tracking=False)
    assert world.operator_leaves().learned is None
    assert world.highest is None
    for years in (0, 1, 100):
        world.now += timedelta(days=365 * years)
        assert world.exchange(world.handover(w.cast().arriving)) == []
    assert world.occupant() == w.cast().broker.entity


@pytest.mark.parametrize("floors", devices.FloorPolicy)
def test_the_rule_serves_devices_of_either_floor_policy(floors: devices.FloorPolicy) -> None:
    world = abandoned(policy=devices.DevicePolicy(floors))
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1
    assert world.occupant() == w.cast().arriving.entity


# ---- 7.4, row by row ----


def test_row_partial_success_signing_slot_replaced_key_agreement_slot_not() -> None:
    world = taken_over()
    reception = world.operator_leaves(key_agreement_certificate=w.cast().broker.signing.certificate.der)
    assert reception.learned == w.HUGE
    slots = [world.slot(cell) for cell in (w.NO_DS, w.NO_KA)]
    assert [slot and slot.entity for slot in slots] == [w.cast().broker.entity, w.cast().leaving.entity]
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1
    assert world.occupant() == world.occupant(w.NO_KA) == w.cast().arriving.entity


def test_row_partial_success_key_agreement_slot_replaced_signing_slot_not() -> None:
    world = taken_over()
    reception = world.operator_leaves(
        5000 + 2**41, digital_signing_certificate=w.cast().broker.agreement.certificate.der
    )
    assert reception.learned == 5000 + 2**41 == world.highest
    assert world.occupant() == w.cast().leaving.entity
    assert w.code_of(world.handover(w.cast().arriving)) == "slot_not_broker"
    assert world.operator_leaves(w.HUGE).learned == w.HUGE
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1


@pytest.mark.parametrize("heir", ["same", "another"])
def test_row_success_but_the_new_subject_is_an_operator(heir: str) -> None:
    world = taken_over()
    party = w.cast().leaving if heir == "same" else w.cast().arriving
    reception = world.operator_leaves(
        digital_signing_certificate=party.signing.certificate.der,
        key_agreement_certificate=party.agreement.certificate.der,
    )
    assert (reception.verdict, reception.learned, world.highest) == ("response", None, None)
    assert world.occupant() == party.entity


def test_row_status_and_subject_both_count() -> None:
    broker = w.cast().broker.entity
    cells = ((w.NO_DS, BAD, broker, bytes(8)), (w.NO_KA, SUCCESS, w.cast().leaving.entity, bytes(8)))
    payload = gbcs.UpdateSecurityCredentialsResponse(w.outcome(7000, *cells))
    assert effects_of("6.15.1", payload).learned is None


def test_row_response_lost_learns_nothing_and_a_late_one_still_teaches() -> None:
    world = taken_over()
    submission = world.update(w.cast().leaving, w.HUGE)
    assert submission.command is not None
    (late,) = world.carry(submission)
    silent = duis.parse_response(world.manager.time_out(submission.command, world.now)).response
    assert (silent.response_code, silent.request_id) == ("E21", submission.command.request_id)
    assert world.highest is None
    reception = world.take(late)
    assert (reception.verdict, reception.learned, reception.delivery) == ("late", w.HUGE, None)
    assert world.highest == w.HUGE
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1


def test_row_response_lost_for_good_is_repaired_by_6_24_1() -> None:
    world = taken_over()
    world.carry(world.update(w.cast().leaving, w.HUGE))
    assert w.code_of(world.handover(w.cast().arriving)) == "slot_not_broker"
    (reception,) = world.exchange(world.read(w.SUPPLIER, w.NO))
    assert (reception.verdict, reception.learned) == ("response", w.HUGE)
    assert counter_of(handed := world.handover(w.cast().arriving)) == w.HUGE + 1
    assert len(world.exchange(handed)) == 1


def test_row_6_24_1_does_not_teach_while_an_operator_holds_the_slot() -> None:
    world = taken_over()
    (reception,) = world.exchange(world.read())
    assert (reception.verdict, reception.learned, world.highest) == ("response", None, None)


def test_row_response_arrives_twice_or_after_a_newer_one() -> None:
    world = taken_over()
    (older,) = world.carry(world.update(w.cast().leaving, 2**42))
    assert world.take(older).learned == 2**42
    world.operator_takes_over()
    (newer,) = world.carry(world.update(w.cast().leaving, 2**43))
    assert world.take(newer).learned == 2**43
    for octets in (older, newer, older):
        reception = world.take(octets)
        assert (reception.verdict, reception.delivery) == ("repeated", None)
        assert world.highest == 2**43
    assert counter_of(world.handover()) == 2**43 + 1


def test_row_response_that_does_not_verify_or_correlates_with_nothing() -> None:
    world = taken_over()
    submission = world.update(w.cast().leaving, w.HUGE)
    (genuine,) = world.carry(submission)
    forged = genuine[:-1] + bytes([genuine[-1] ^ 1])
    assert world.take(forged).verdict == "not_authentic"
    assert submission.command is not None
    cell = (w.NO_DS, SUCCESS, w.cast().broker.entity, bytes(8))
    stranger = world.says(
        submission.command,
        gbcs.UpdateSecurityCredentialsResponse(w.outcome(w.HUGE + 9, cell)),
        counter=w.HUGE + 9,
    )
    assert world.take(stranger).verdict == "not_correlated"
    assert world.highest is None
    assert world.take(genuine).learned == w.HUGE


def test_row_two_departures_keep_the_highest() -> None:
    world = abandoned(w.HUGE)
    world.operator_takes_over(w.cast().arriving)
    assert world.highest == w.HUGE + 1
    assert world.carry(world.update(w.cast().arriving, 2**61)) == ()
    assert world.operator_leaves(w.HUGE + 7, w.cast().arriving).learned == w.HUGE + 7
    assert counter_of(world.handover()) == w.HUGE + 8


def test_row_two_departures_on_a_device_that_resets_its_counter() -> None:
    world = abandoned(policy=devices.DevicePolicy(devices.FloorPolicy.RESET))
    world.operator_takes_over(w.cast().arriving)
    assert world.operator_leaves(12, w.cast().arriving).learned == 12
    assert world.highest == w.HUGE + 1
    assert counter_of(handed := world.handover()) == w.HUGE + 2
    assert len(world.exchange(handed)) == 1


def test_row_6_21_that_fails_or_is_silent_keeps_the_raised_value() -> None:
    world = abandoned()
    first = world.handover(w.cast().arriving)
    assert first.command is not None
    world.manager.time_out(first.command, world.now)
    assert world.highest == w.HUGE + 1
    retry = world.handover(w.cast().arriving)
    assert counter_of(retry) == w.HUGE + 2
    assert len(world.exchange(retry)) == 1
    assert world.carry(first) == ()


@pytest.mark.parametrize("floor", [None, 0, 12, MAX_SEQ_NUMBER])
def test_row_6_21_with_or_without_a_floor_leaves_the_row(floor: int | None) -> None:
    world = abandoned()
    (reception,) = world.exchange(world.handover(w.cast().arriving, floor_seq_number=floor))
    assert (reception.verdict, reception.learned, world.highest) == ("response", None, w.HUGE + 1)


def test_row_new_operator_has_to_start_above_the_counter_of_the_6_21() -> None:
    world = abandoned()
    world.operator_takes_over(w.cast().arriving)
    used = world.history()[-1]
    assert (used.counter, used.who) == (w.HUGE + 1, f"{w.cast().broker.entity} for 6.21")
    assert world.carry(world.update(w.cast().arriving, used.counter)) == ()
    assert len(world.carry(world.update(w.cast().arriving, used.counter + 1))) == 1


def test_row_floor_in_the_departing_6_15_1_above_its_counter() -> None:
    world = taken_over()
    reception = world.operator_leaves(2**42, floor_seq_number=2**50)
    assert reception.learned == 2**50 == world.highest == world.device.usc(w.NO)
    assert counter_of(handed := world.handover()) == 2**50 + 1
    assert len(world.exchange(handed)) == 1


@pytest.mark.parametrize("counter", [2**63, 2**64 - 1])
def test_row_counter_above_2_63_in_a_6_15_1_is_refused_at_transform(counter: int) -> None:
    world = taken_over()
    refused = world.submit(w.cast().leaving, world.update_request(w.cast().leaving, counter))
    assert (w.code_of(refused), refused.code) == ("counter_above_seq_number", "E58")


def test_row_stored_value_is_the_last_one_refuses_6_21() -> None:
    world = taken_over()
    assert world.operator_leaves(MAX_SEQ_NUMBER).learned == MAX_SEQ_NUMBER
    events, before = world.history(), world.dump()
    assert w.code_of(world.handover()) == "counter_exhausted"
    assert world.highest == MAX_SEQ_NUMBER
    assert (world.history(), world.dump()) == (events, before)
    assert len(world.exchange(world.read())) == 1


def test_row_stored_value_one_below_the_last_is_used_up_once() -> None:
    world = abandoned(MAX_SEQ_NUMBER - 1)
    assert counter_of(world.handover()) == MAX_SEQ_NUMBER
    assert w.code_of(world.handover()) == "counter_exhausted"


def test_row_stored_value_below_the_generated_counter() -> None:
    world = w.world(policy=devices.DevicePolicy(devices.FloorPolicy.RESET))
    world.operator_takes_over()
    assert world.operator_leaves(1300).learned == 1300
    submission = world.handover(w.cast().arriving)
    assert counter_of(submission) == milliseconds(world.now)
    assert world.highest == 1300
    assert len(world.exchange(submission)) == 1


def test_row_the_jump_is_for_this_command_only() -> None:
    world = abandoned()
    counter_of(world.handover(w.cast().arriving))
    assert counter_of_read(world.read()) == milliseconds(world.now)
    assert counter_of(world.handover(w.cast().arriving)) == w.HUGE + 2


def counter_of_read(submission: w.Submission) -> int:
    assert submission.command is not None, submission.refusal
    return submission.command.key.counter


def test_row_other_broker_commands_skip_numbers_that_a_jump_used() -> None:
    world = taken_over()
    soon = milliseconds(world.now) + 4000
    assert world.operator_leaves(soon).learned == soon
    raised = [counter_of(world.handover()) for _ in range(3)]
    assert raised == [soon + 1, soon + 2, soon + 3]
    own = []
    for step in range(6):
        world.now = w.BEGINS + timedelta(milliseconds=soon + step - milliseconds(w.BEGINS))
        own.append(counter_of_read(world.read()))
    assert own == sorted(own)
    assert own[0] == soon
    assert not set(own) & set(raised)


def test_row_supplier_slot_of_the_same_gpf_is_not_affected() -> None:
    world = abandoned()
    supplier = w.cast().supplier
    taken = world.handover(supplier, role=w.SUPPLIER)
    assert counter_of(taken) < 2**42
    assert len(world.exchange(taken)) == 1
    (reception,) = world.exchange(world.update(supplier, 2**61, remote_party_role=w.SUPPLIER))
    assert (reception.verdict, reception.learned, world.highest) == ("response", None, w.HUGE)
    assert counter_of(world.handover(supplier, role=w.SUPPLIER)) < 2**42


@pytest.mark.parametrize(("kind", "generation"), [(w.ESME, "SMETS2"), (w.GPF, "SMETS1"), (w.ESME, "SMETS1")])
def test_row_esme_and_smets1_are_not_affected(kind: DeviceType, generation: str) -> None:
    world = taken_over(kind=kind, record={"generation": generation})
    reception = world.operator_leaves()
    assert (reception.verdict, reception.learned, world.highest) == ("response", None, None)
    assert counter_of(world.handover()) < 2**42


@pytest.mark.parametrize("kind", [w.GSME, w.CHF])
def test_row_gsme_and_chf_are_not_affected(kind: DeviceType) -> None:
    world = w.world(kind=kind)
    assert w.code_of(world.handover()) == "service_not_for_device"
    payload = gbcs.UpdateSecurityCredentialsResponse(
        w.outcome(w.HUGE, (w.NO_DS, SUCCESS, w.cast().broker.entity, bytes(8)))
    )
    assert effects_of("6.15.1", payload, kind).learned is None


def test_row_gpf_replaced_with_its_hub_has_no_row() -> None:
    world = abandoned()
    spare = world.device.fleet.device(Eui64.parse("70-B3-D5-1F-30-FF-00-A4"), w.GPF)
    other = w.World(world.homes, world.store, w.manager_for(world.store, spare), spare, world.now)
    other.knows(w.record_of(spare))
    assert other.highest is None
    assert counter_of(handed := other.handover()) < 2**42
    assert len(other.exchange(handed)) == 1


def test_row_recovery_replaced_the_slot_teaches_nothing() -> None:
    payload = gbcs.UpdateSecurityCredentialsResponse(
        w.outcome(
            w.HUGE,
            (w.NO_DS, SUCCESS, w.cast().broker.entity, bytes(8)),
            mode=gbcs.CredentialsReplacementMode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY,
        )
    )
    for variant in ("6.21", "6.23", "8.5"):
        assert effects_of(variant, payload).learned is None


def test_row_broker_certificate_reissued_with_the_same_key() -> None:
    signing = w.twin(w.cast().broker.signing, "renewed signing")
    agreement = w.twin(w.cast().broker.agreement, "renewed agreement")
    assert signing.certificate.serial != w.cast().broker.signing.certificate.serial
    assert w.key_id(signing) == w.key_id(w.cast().broker.signing)
    world = taken_over()
    reception = world.operator_leaves(
        digital_signing_certificate=signing.certificate.der, key_agreement_certificate=agreement.certificate.der
    )
    assert reception.learned == w.HUGE
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1


def test_row_broker_with_several_keys_signs_with_the_one_in_the_slot() -> None:
    newest = w.second_pair(w.cast().broker, w.BROKER, w.DS)
    newest_ka = w.second_pair(w.cast().broker, w.BROKER, w.KA)
    world = taken_over()
    world.restarted(broker=w.broker_with((newest,)))
    world.operator_leaves(w.HUGE)
    old_in_slot = world.handover(w.cast().arriving)
    assert len(world.exchange(old_in_slot)) == 1
    reception = world.operator_leaves(
        w.HUGE + 10,
        w.cast().arriving,
        digital_signing_certificate=newest.certificate.der,
        key_agreement_certificate=newest_ka.certificate.der,
    )
    assert reception.learned == w.HUGE + 10
    assert world.slot() == Occupant(w.cast().broker.entity, w.key_id(newest))
    assert len(world.exchange(world.handover())) == 1


def test_row_broker_key_of_the_slot_that_is_not_in_use_is_refused_before_a_number_is_taken() -> None:
    gone = w.second_pair(w.cast().broker, w.BROKER, w.DS)
    world = taken_over()
    world.operator_leaves(digital_signing_certificate=gone.certificate.der)
    assert w.code_of(world.handover(w.cast().arriving)) == "slot_key_not_held"
    assert world.highest == w.HUGE
    assert world.store.reserved() == []


def test_a_clock_that_goes_back_changes_nothing() -> None:
    world = w.world()
    first = counter_of(world.handover())
    world.now -= timedelta(days=3650)
    assert counter_of(world.handover()) == first + 1
