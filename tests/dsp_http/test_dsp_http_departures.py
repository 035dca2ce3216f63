"""Edge cases of the counter rule, through HTTP: a departure by 6.15.1, the 6.21 after it, and what goes wrong (7.4)."""

from datetime import timedelta

import pytest

from dsp_http.homes import reissued
from served_lab import BROKER, ESME, NO, NO_DS, NO_KA, OPERATOR, SUP, SUPPLIER
from trustcell import duis, gbcs
from trustcell.devices import CellOccupant
from trustcell.gbcs import StatusCode

HUGE = 2**62
LAST = 2**63 - 1
E21_AFTER = 301.0


def cut(certificate: bytes) -> bytes:
    """The same certificate with a signature of nobody: every device refuses it."""
    return certificate[:-1] + bytes((certificate[-1] ^ 1,))


def statuses(said) -> list[StatusCode]:
    return [entry.status for entry in said.outcome.replacement_outcomes]


def test_a_departure_with_a_huge_counter_and_the_6_21_after_it(home):
    home.gone(HUGE)
    assert home.highest == HUGE
    assert home.lab.slot(NO_DS, home.gpf) == str(BROKER)
    assert home.take().outcome.seq_number == HUGE + 1
    assert home.lab.occupant(NO_DS, home.gpf) == OPERATOR
    assert home.lab.slot(NO_DS, home.gpf) == str(OPERATOR)


def test_partial_success_with_the_signing_cell_teaches_and_the_broker_owns_the_slot(home):
    broken = cut(home.lab.certificate("Z1-accessControlBroker-ka"))
    assert statuses(home.gone(HUGE, key_agreement_certificate=broken)) == [
        StatusCode.SUCCESS,
        StatusCode.NO_TRUST_ANCHOR,
    ]
    assert home.highest == HUGE
    assert (home.lab.slot(NO_DS, home.gpf), home.lab.slot(NO_KA, home.gpf)) == (str(BROKER), str(OPERATOR))
    assert home.take().outcome.seq_number == HUGE + 1


def test_partial_success_with_the_agreement_cell_alone_teaches_and_the_operator_keeps_the_slot(home):
    broken = cut(home.lab.certificate("Z1-accessControlBroker-ds"))
    assert statuses(home.gone(HUGE, digital_signing_certificate=broken)) == [
        StatusCode.NO_TRUST_ANCHOR,
        StatusCode.SUCCESS,
    ]
    assert home.highest == HUGE
    assert home.lab.slot(NO_DS, home.gpf) == str(OPERATOR)
    assert home.lab.ask(home.handover()).code == "E062102"
    assert statuses(home.gone(HUGE + 1)) == [StatusCode.SUCCESS] * 2
    assert home.highest == HUGE + 1


@pytest.mark.parametrize("generation", ["Z1", "Z1b"])
def test_success_for_the_same_operator_is_no_departure(home, generation):
    names = {"digital_signing_certificate": "ds", "key_agreement_certificate": "ka"}
    own = {field: home.lab.certificate(f"{generation}-networkOperator-{end}") for field, end in names.items()}
    said = home.gone(HUGE, **own)
    assert statuses(said) == [StatusCode.SUCCESS] * 2
    assert home.highest is None


def lost_response(home, request) -> duis.RequestId:
    """The command arrives and is executed, what the device says is lost."""
    home.lab.break_way(home.gpf, delay=30.0)
    request_id = home.lab.accepted(request)
    home.lab.wait(lambda: home.lab.on_its_way(home.gpf) == 1)
    home.lab.break_way(home.gpf, lost=1.0)
    home.lab.pass_time(31)
    home.lab.wait(lambda: home.lab.on_its_way(home.gpf) == 0)
    home.lab.break_way(home.gpf)
    return request_id


def test_a_lost_response_teaches_nothing_and_a_read_repairs_it(home):
    request_id = lost_response(home, home.lab.completed(home.update(HUGE)))
    home.lab.pass_time(E21_AFTER)
    assert home.lab.outcome(request_id).response_code == "E21"
    assert home.highest is None
    assert home.lab.occupant(NO_DS, home.gpf) == BROKER, "the device has done it"
    home.read()
    assert home.highest == HUGE
    assert home.lab.slot(NO_DS, home.gpf) == str(BROKER)
    assert home.take().outcome.seq_number == HUGE + 1


def test_a_late_response_teaches_and_its_user_hears_once(home):
    home.lab.break_way(home.gpf, delay=200.0)
    request_id = home.leave(HUGE)
    home.lab.wait(lambda: home.lab.on_its_way(home.gpf) == 1)
    home.lab.pass_time(201)
    home.lab.wait(lambda: home.lab.occupant(NO_DS, home.gpf) == BROKER)
    home.lab.pass_time(100)
    assert home.lab.outcome(request_id).response_code == "E21"
    assert home.highest is None
    home.lab.pass_time(101)
    home.lab.wait(lambda: home.highest == HUGE)
    assert [each.response_code for each in home.lab.outcomes(request_id)] == ["E21"]
    verdicts = [
        line["facts"]["verdict"] for line in home.lab.trail(str(request_id)) if line["kind"] == "device_message"
    ]
    assert verdicts == ["late"]


def test_a_response_that_arrives_twice_is_delivered_once(home):
    home.lab.break_way(home.gpf, twice=1.0)
    request_id = home.leave(HUGE)
    home.lab.outcome(request_id)
    home.lab.wait(
        lambda: [
            line["facts"]["verdict"]
            for line in home.lab.trail(str(request_id))
            if line["kind"] == "device_message"
        ]
        == ["response", "repeated"]
    )  # fmt: skip
    assert len(home.lab.outcomes(request_id)) == 1
    assert home.highest == HUGE


def test_a_response_after_a_newer_one_lowers_nothing(home):
    """The answer to the 6.15.1 comes after the 6.21: what the newer taught of slot and counter stands."""
    home.lab.break_way(home.gpf, delay=200.0)
    late = home.leave(HUGE)
    home.lab.wait(lambda: home.lab.on_its_way(home.gpf) == 1)
    home.lab.pass_time(201)
    home.lab.wait(lambda: home.lab.occupant(NO_DS, home.gpf) == BROKER)
    home.lab.pass_time(100)
    assert home.lab.outcome(late).response_code == "E21"
    (parcel,) = home.lab.run(lambda: [p for p in home.lab.dsp.wan.estate.post.parcels() if p.device == home.gpf])
    home.lab.run(lambda: home.lab.dsp.wan.estate.post.strike(parcel.handle))
    home.lab.break_way(home.gpf)
    home.lab.pass_time(101)
    home.read()
    assert home.take().outcome.seq_number == HUGE + 1
    home.lab.arrives(parcel.octets, home.gpf)
    home.lab.wait(lambda: home.lab.trail(str(late))[-1]["facts"].get("verdict") == "late")
    assert home.highest == HUGE + 1
    assert home.lab.slot(NO_DS, home.gpf) == str(OPERATOR)


@pytest.mark.parametrize("way", ["other_key", "flipped", "unsigned"])
def test_a_response_that_does_not_verify_teaches_nothing(home, way):
    """N8: a forged answer with 2^62 in place of what the device would say."""
    home.lab.break_way(home.gpf, delay=200.0)
    request_id = home.leave()
    command = home.lab.command(request_id)
    payload = gbcs.decode_payload(command)
    (one, two) = payload.replacements
    outcome = gbcs.ExecutionOutcome(
        command.originator_counter,
        payload.control.mode,
        (gbcs.RemotePartySeqNumberChange(NO, HUGE),),
        tuple(
            gbcs.ReplacementOutcome(each.cell, StatusCode.SUCCESS, OPERATOR, bytes(8), BROKER, bytes(8))
            for each in (one, two)
        ),
    )
    code = command.message_code
    value = gbcs.UpdateSecurityCredentialsResponse(outcome)
    message = gbcs.Message(
        gbcs.Cra.RESPONSE,
        command.originator_counter,
        home.gpf,
        OPERATOR,
        code,
        gbcs.encode_payload(code, gbcs.Cra.RESPONSE, value),
        date_time=bytes.fromhex("07e80301ff0900000000003c"),
    )
    if way != "unsigned":
        by = home.lab.pair("Z1-supplier-ds").sign if way == "other_key" else home.device.sign
        signature = by(gbcs.signed_octets(message))
        if way == "flipped":
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        message = gbcs.attach_signature(message, signature)
    before = len(home.lab.trail(str(home.gpf)))
    home.lab.arrives(gbcs.encode(message), home.gpf)
    home.lab.wait(lambda: len(home.lab.trail(str(home.gpf))) > before)
    (line,) = home.lab.trail(str(home.gpf))[before:]
    assert line["facts"]["verdict"] == "not_authentic"
    assert home.highest is None
    assert home.lab.outcomes(request_id) == []
    home.lab.break_way(home.gpf)


def test_two_departures_keep_the_highest_of_all(home):
    home.gone(HUGE)
    assert home.take().outcome.seq_number == HUGE + 1
    home.gone(HUGE + 1_000)
    assert home.highest == HUGE + 1_000
    assert home.take().outcome.seq_number == HUGE + 1_001
    assert home.highest == HUGE + 1_001


def test_a_second_departure_with_a_lower_counter_is_silence_and_lowers_nothing(home):
    """Under the cautious policy the device has the counter of the 6.21 as its floor."""
    home.gone(HUGE)
    home.take()
    low = home.leave()
    home.lab.pass_time(E21_AFTER)
    assert home.lab.outcome(low).response_code == "E21"
    assert home.highest == HUGE + 1
    assert home.lab.occupant(NO_DS, home.gpf) == OPERATOR


def test_a_silent_6_21_spends_its_number_and_the_retry_gets_the_next(home):
    """N6: three in a row, none reused; the raised value is kept."""
    home.gone(HUGE)
    home.lab.break_way(home.gpf, lost=1.0)
    numbers = []
    for _ in range(3):
        request_id = home.lab.accepted(home.handover())
        numbers.append(home.number_of(request_id))
        home.lab.pass_time(E21_AFTER)
        assert home.lab.outcome(request_id).response_code == "E21"
    assert numbers == [HUGE + 1, HUGE + 2, HUGE + 3]
    assert home.highest == HUGE + 3
    home.lab.break_way(home.gpf)
    assert home.take().outcome.seq_number == HUGE + 4


@pytest.mark.parametrize("floor", [None, 0, 5, HUGE + 50])
def test_a_6_21_with_or_without_a_floor_leaves_the_row_at_its_own_number(home, floor):
    home.gone(HUGE)
    assert home.take(floor_seq_number=floor).outcome.seq_number == HUGE + 1
    assert home.highest == HUGE + 1


def test_the_ledger_shows_the_number_a_new_operator_starts_above(home):
    home.gone(HUGE)
    home.take()
    ledger = home.lab.counters(home.gpf)
    assert ledger["highest"]["counter"] == str(HUGE + 1)
    assert ledger["next_6_21"]["counter"] == str(HUGE + 2)
    assert str(HUGE + 1) in ledger["next_6_21"]["sentence"]
    used = [line for line in ledger["items"] if line["counter"] == str(HUGE + 1)]
    assert [line["who"] for line in used] == [f"{BROKER} for 6.21"]


def test_n14_a_floor_above_the_counter_is_what_is_learned(home):
    home.gone(floor_seq_number=HUGE)
    assert home.highest == HUGE
    assert home.lab.counters(home.gpf)["highest"]["taught_by"] == "6.15.1 floor"
    assert home.take().outcome.seq_number == HUGE + 1


@pytest.mark.parametrize("counter", [2**63, 2**64 - 1])
def test_a_counter_that_no_command_can_carry_is_refused_at_transform(home, counter):
    before = home.lab.settled()
    assert home.lab.ask(home.update(counter)).code == "E58"
    assert home.lab.dump() == before


def test_an_exhausted_counter_refuses_the_6_21_and_does_not_wrap(home):
    home.gone(LAST)
    assert home.highest == LAST
    before = home.lab.settled()
    assert home.lab.ask(home.handover()).code == "E062103"
    assert home.lab.dump() == before
    assert home.lab.counters(home.gpf)["next_6_21"]["counter"] is None
    assert home.read()


def test_a_stored_value_below_the_generated_one_is_left_alone(home):
    counter = home.lab.next_counter()
    home.gone(counter)
    assert home.highest == counter
    assert home.take().outcome.seq_number > counter
    assert home.highest == counter
    assert "is lower" in home.lab.counters(home.gpf)["items"][-1]["reason"]


@pytest.mark.parametrize(("stored", "number"), [(-1, 0), (0, 1), (1, 2)])
def test_n5_stored_below_equal_or_above_the_generated_number(home, stored, number):
    """While the clock stands still, what the broker generates for an untouched device is what the clock shows."""
    with home.lab.clock.standing_still() as generated:
        home.gone(generated + stored)
        assert home.take().outcome.seq_number == generated + number
        assert home.highest == generated + max(stored, number if stored >= 0 else stored)


def test_other_broker_commands_keep_their_own_sequence_and_skip_what_is_used(home):
    home.gone(HUGE)
    first = home.number_of(home.lab.accepted(home.lab.read(target=home.gpf)))
    raised = home.take().outcome.seq_number
    second = home.number_of(home.lab.accepted(home.lab.read(target=home.gpf)))
    assert raised == HUGE + 1
    assert first < second < HUGE


def test_n13_a_read_beside_a_raised_6_21_gets_another_number(home):
    """A counter just ahead of the clock: the broker's own sequence runs into the raised number and jumps over it."""
    just_ahead = home.lab.next_counter() + 2_000
    home.gone(just_ahead)
    raised = home.lab.accepted(home.handover())
    reads = [home.lab.accepted(home.lab.read(target=home.gpf)) for _ in range(3)]
    numbers = [home.number_of(each) for each in (raised, *reads)]
    assert len(set(numbers)) == len(numbers)
    home.lab.pass_time(3)
    assert home.number_of(home.lab.accepted(home.lab.read(target=home.gpf))) not in numbers


def test_the_supplier_slot_of_the_same_gpf_is_not_affected(home):
    own = {
        "remote_party_role": SUP,
        "digital_signing_certificate": home.lab.certificate("Z1b-supplier-ds"),
        "key_agreement_certificate": home.lab.certificate("Z1b-supplier-ka"),
    }
    request_id = home.lab.leave(HUGE, "Z1-supplier-ds", target=home.gpf, user=SUPPLIER, **own)
    said = home.lab.device_said(request_id)
    assert StatusCode.SUCCESS in statuses(said)
    assert home.highest is None


def test_n11_an_esme_is_not_affected(home):
    said = home.lab.device_said(home.lab.leave(HUGE, target=ESME))
    assert statuses(said) == [StatusCode.SUCCESS] * 2
    assert home.lab.highest(ESME) is None
    request_id = home.lab.accepted(home.lab.handover(ESME))
    assert home.number_of(request_id) < HUGE, "nothing was raised"
    home.lab.pass_time(E21_AFTER)
    assert home.lab.outcome(request_id).response_code == "E21", "and so the device ignores it for ever"


def test_a_gpf_that_came_with_a_new_hub_has_no_row(home):
    home.gone(HUGE)
    hub, gpf = "00-DB-12-34-58-00-00-00", "00-DB-12-34-58-00-00-01"
    if home.lab.api("GET", f"/api/devices/{gpf}").status == 404:
        made = home.lab.api("POST", "/api/han", {"eui": hub, "device_type": "CHF"})
        assert made.status == 201, made.body
    ledger = home.lab.counters(gpf)
    assert ledger["highest"] is None
    assert ledger["items"] == []
    assert int(ledger["next_6_21"]["counter"]) < HUGE


def test_recovery_that_replaced_the_slot_teaches_nothing_by_itself(home):
    device = home.device
    broker = CellOccupant.of(home.lab.pair("Z1-accessControlBroker-ds").certificate)
    home.lab.put(device.with_state(device.state.with_cell(NO_DS, broker).with_usc(NO, 77)))
    assert home.highest is None
    assert home.lab.ask(home.handover()).code == "E062102", "the DSP does not know yet"
    home.read()
    assert home.lab.slot(NO_DS, home.gpf) == str(BROKER)
    assert home.highest == 77
    assert home.take().outcome.seq_number > 77


def test_n12_the_broker_certificate_re_issued_with_the_same_key_is_recognised_by_its_subject(home, shared):
    twin = reissued(shared, "CS02bACBByACB_8.5", "KeyAgreementCertificate")
    known = home.lab.pair("Z1b-accessControlBroker-ds").certificate
    assert twin.subject_key_identifier == known.subject_key_identifier
    assert twin.serial != known.serial
    home.gone(HUGE, digital_signing_certificate=twin.der)
    assert home.highest == HUGE
    assert home.lab.slot(NO_DS, home.gpf) == str(BROKER)
    assert home.take().outcome.seq_number == HUGE + 1


@pytest.mark.parametrize("generation", ["Z1", "Z1b"])
def test_a_broker_with_two_keys_signs_with_the_one_in_the_slot(home, generation):
    names = {"digital_signing_certificate": "ds", "key_agreement_certificate": "ka"}
    said = home.gone(
        **{field: home.lab.certificate(f"{generation}-accessControlBroker-{end}") for field, end in names.items()}
    )
    named = home.lab.pair(f"{generation}-accessControlBroker-ds").certificate.subject_key_identifier
    assert said.outcome.replacement_outcomes[0].replacing_key_id == named
    assert statuses(home.take()) == [StatusCode.SUCCESS] * 2


def test_n10_a_future_dated_departure_teaches_by_its_alert_with_the_number_of_the_payload(home):
    when = home.lab.clock().replace(microsecond=0) + timedelta(seconds=600)
    request_id = home.leave(HUGE, execution_date_time=when)
    accepted = home.lab.device_said(request_id)
    assert accepted.outcome is None
    assert home.highest is None
    home.lab.pass_time(700)
    alert = home.lab.outcome(request_id, 2)
    message = gbcs.decode(alert.message.content.gbcs_payload)
    assert alert.message.content.future_dated_alert_code == "8F66"
    assert message.originator_counter != HUGE
    assert home.highest == HUGE
    assert home.take().outcome.seq_number == HUGE + 1


def test_n10_a_cancelled_departure_teaches_nothing(home):
    when = home.lab.clock().replace(microsecond=0) + timedelta(seconds=600)
    home.lab.device_said(home.leave(HUGE, execution_date_time=when))
    home.lab.device_said(home.leave(HUGE + 1, execution_date_time=duis.CANCEL))
    home.lab.pass_time(700)
    assert home.read()
    assert home.highest is None
    assert home.lab.occupant(NO_DS, home.gpf) == OPERATOR


def test_n10_a_lost_alert_is_e30_a_day_later_and_repaired_by_a_read(home):
    when = home.lab.clock().replace(microsecond=0) + timedelta(seconds=600)
    request_id = home.leave(HUGE, execution_date_time=when)
    home.lab.device_said(request_id)
    home.lab.break_way(home.gpf, lost=1.0)
    home.lab.pass_time(700)
    home.lab.wait(lambda: home.lab.occupant(NO_DS, home.gpf) == BROKER)
    home.lab.break_way(home.gpf)
    home.lab.pass_time(90_000)
    assert home.lab.outcome(request_id, 2).response_code == "E30"
    assert home.highest is None
    home.read()
    assert home.highest == HUGE
