"""Device messages: correlation, protection, future-dated commands, slots (duis-dsp.md 4.4, 7.2; N8, N10, N11)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from dsp import dsp_world as w
from trustcell import devices, duis, gbcs
from trustcell.dsp import Command, Kind, Occupant, SlotChange
from trustcell.dsp.rules.effects import effects_of_update
from trustcell.dsp.rules.facts import DeviceRecord, Facts
from trustcell.dsp.rules.plan import Reply
from trustcell.vocab import CellId, Eui64, KeyUsage, Refused, RemotePartyRole

SUCCESS, BAD = gbcs.StatusCode.SUCCESS, gbcs.StatusCode.BAD_CERTIFICATE
Mode = gbcs.CredentialsReplacementMode
DUE = w.BEGINS + timedelta(hours=1)


def departure(counter: int, **change: Any) -> gbcs.ExecutionOutcome:
    """What a departing 6.15.1 achieves."""
    broker = w.cast().broker
    cells = (
        (w.NO_DS, SUCCESS, broker.entity, w.key_id(broker.signing)),
        (w.NO_KA, SUCCESS, broker.entity, w.key_id(broker.agreement)),
    )
    return w.outcome(counter, *cells, **change)


@pytest.fixture
def leaving() -> tuple[w.World, Command]:
    """A 6.15.1 on its way to the device."""
    world = w.world()
    world.operator_takes_over()
    command = world.update(w.cast().leaving, w.HUGE).command
    assert command is not None
    return world, command


Leaving = tuple[w.World, Command]


def learns_nothing(world: w.World, octets: bytes, verdict: str) -> None:
    reception = world.take(octets)
    assert (reception.verdict, reception.learned, reception.delivery) == (verdict, None, None)
    assert world.highest is None
    assert [command.key.counter for command in world.manager.outbox()] == [w.HUGE]


def kept(world: w.World) -> list[tuple[bytes, str]]:
    """Device messages as they came, with the verdict on them."""
    with world.homes.session() as session, session.reading():
        return session.all("SELECT octets, verdict FROM inbound ORDER BY number")


# ---- correlation and protection ----


def test_the_answer_itself_is_learned(leaving: Leaving) -> None:
    world, command = leaving
    reception = world.take(world.says(command, gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE))))
    assert (reception.verdict, reception.learned) == ("response", w.HUGE)
    assert reception.delivery is not None


def test_n8_no_flipped_bit_is_learned(leaving: Leaving) -> None:
    world, command = leaving
    genuine = world.says(command, gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE)))
    for at in range(0, len(genuine) * 8, 61):
        octets = bytearray(genuine)
        octets[at // 8] ^= 1 << at % 8
        reception = world.take(bytes(octets))
        assert reception.learned is reception.delivery is None, at
    assert world.highest is None


@pytest.mark.parametrize("cut", [0, 1, 30, 100, -1])
def test_what_is_no_message_is_kept_and_dismissed(cut: int, leaving: Leaving) -> None:
    world, command = leaving
    genuine = world.says(command, gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE)))
    learns_nothing(world, genuine[:cut], world.take(genuine[:cut]).verdict)
    assert kept(world)[-1][0] == genuine[:cut]


def test_payload_that_contradicts_its_header_is_not_learned(leaving: Leaving) -> None:
    world, command = leaving
    for outcome in (
        departure(w.HUGE + 1),
        departure(2**63 - 1),
        departure(w.HUGE, mode=Mode.SUPPLIER_BY_SUPPLIER),
    ):
        octets = world.says(command, gbcs.UpdateSecurityCredentialsResponse(outcome))
        learns_nothing(world, octets, "not_correlated")


def test_message_code_counter_target_and_source_must_fit(leaving: Leaving) -> None:
    world, command = leaving
    payload = gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE))
    other = gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE, mode=Mode.SUPPLIER_BY_SUPPLIER))
    supplier, stranger = w.cast().supplier.entity, Eui64(b"stranger")
    learns_nothing(world, world.says(command, other, code=0x0102), "not_correlated")
    learns_nothing(world, world.says(command, payload, counter=w.HUGE - 1), "not_correlated")
    learns_nothing(world, world.says(command, payload, target=supplier), "not_correlated")
    learns_nothing(world, world.says(command, payload, source=stranger), "not_correlated")
    named = gbcs.Supplementary(supplier, 5)
    learns_nothing(world, world.says(command, payload, supplementary=named), "not_correlated")


def test_a_command_is_no_answer(leaving: Leaving) -> None:
    world, command = leaving
    learns_nothing(world, command.octets, "not_correlated")


def test_another_device_cannot_answer(leaving: Leaving) -> None:
    world, command = leaving
    genuine = world.device
    world.device = genuine.fleet.device(Eui64(b"\x70\xb3\xd5\x1f\x30\xff\x00\xa9"), w.GPF)
    octets = world.says(command, gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE)), source=genuine.eui)
    learns_nothing(world, octets, "not_authentic")


def test_a_signed_answer_is_not_enough_where_a_mac_belongs_and_the_other_way_round() -> None:
    world = w.world()
    command = world.read().command
    assert command is not None
    cells = (gbcs.CellDetails(w.DS, w.NO_DS.cell_usage, w.cast().broker.entity, bytes(8)),)
    details = (gbcs.RoleDetails(w.NO, SUCCESS, w.HUGE, cells),)
    assert world.take(world.says(command, details)).verdict == "not_authentic"
    (genuine,) = world.carry(command)
    message = gbcs.decode(genuine)
    assert world.take(gbcs.encode(replace(message, mac=bytes(12)))).verdict == "not_authentic"
    assert world.highest is None
    assert world.take(genuine).verdict == "response"
    assert world.highest == 0


def test_a_mac_does_not_stand_in_for_the_signature(leaving: Leaving) -> None:
    world, command = leaving
    message = gbcs.decode(world.says(command, gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE))))
    bare = replace(message, signature=b"")
    secret = gbcs.agree(
        w.cast().broker.agreement.private_key, gbcs.public_key_from_point(world.device.public_point(w.KA))
    )
    learns_nothing(world, gbcs.encode(gbcs.attach_mac(bare, gbcs.make_mac(bare, secret))), "not_authentic")


def test_a_mac_beside_the_signature_does_not_belong_there(leaving: Leaving) -> None:
    world, command = leaving
    message = gbcs.decode(world.says(command, gbcs.UpdateSecurityCredentialsResponse(departure(w.HUGE))))
    learns_nothing(world, gbcs.encode(gbcs.attach_mac(message, bytes(12))), "not_authentic")


# ---- future dated: N10 ----


def future_dated(counter: int = w.HUGE, **change: Any) -> tuple[w.World, Command]:
    world = w.world()
    world.operator_takes_over()
    submission = world.update(w.cast().leaving, counter, **{"execution_date_time": DUE, **change})
    (reception,) = world.exchange(submission)
    assert (reception.verdict, reception.learned, world.highest) == ("response", None, None)
    assert reception.delivery is not None
    assert submission.command is not None
    return world, submission.command


def alerts(world: w.World) -> tuple[bytes, ...]:
    world.now = max(world.now, DUE + timedelta(minutes=1))
    world.device, sent = devices.advance(world.device, world.now)
    return sent


def test_n10_alert_8f66_teaches_the_number_of_its_payload() -> None:
    world, _command = future_dated()
    (octets,) = alerts(world)
    assert gbcs.decode(octets).originator_counter != w.HUGE
    reception = world.take(octets)
    assert (reception.verdict, reception.learned, world.highest) == ("alert", w.HUGE, w.HUGE)
    assert reception.delivery is not None
    message = duis.parse_response(reception.delivery).response.message
    assert isinstance(message, duis.ResponseMessage)
    assert isinstance(message.content, duis.FutureDatedDeviceAlertMessage)
    assert message.content.future_dated_alert_code == "8F66"
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1


def test_n10_alert_8f67_of_a_partial_success_teaches_too() -> None:
    world, _command = future_dated(key_agreement_certificate=w.cast().broker.signing.certificate.der)
    reception = world.take(alerts(world)[0])
    assert (reception.verdict, reception.learned, world.highest) == ("alert", w.HUGE, w.HUGE)
    assert reception.delivery is not None
    assert b"<sr:FutureDatedAlertCode>8F67<" in reception.delivery


def test_n10_cancelled_teaches_nothing() -> None:
    world, _command = future_dated()
    (reception,) = world.exchange(world.update(w.cast().leaving, w.HUGE + 1, execution_date_time=duis.CANCEL))
    assert (reception.verdict, reception.learned) == ("response", None)
    assert alerts(world) == ()
    assert world.highest is None


def test_n10_alert_lost_is_repaired_by_a_read() -> None:
    world, _command = future_dated()
    alerts(world)
    assert world.highest is None
    (reception,) = world.exchange(world.read())
    assert reception.learned == w.HUGE == world.highest


def test_n10_a_later_command_before_the_date_needs_a_read() -> None:
    """The alert names the number of the departure; the device meanwhile holds that of the later command."""
    world, _command = future_dated(2**61)
    operator = w.cast().leaving
    own = {
        "digital_signing_certificate": operator.signing.certificate.der,
        "key_agreement_certificate": operator.agreement.certificate.der,
    }
    world.exchange(world.update(operator, w.HUGE, **own))
    assert world.take(alerts(world)[0]).learned == 2**61
    assert world.carry(world.handover()) == ()
    (reception,) = world.exchange(world.read())
    assert reception.learned == w.HUGE
    assert len(world.exchange(world.handover())) == 1


def test_n10_alert_twice_is_delivered_once() -> None:
    world, _command = future_dated()
    (octets,) = alerts(world)
    assert world.take(octets).delivery is not None
    again = world.take(octets)
    assert (again.verdict, again.learned, again.delivery) == ("repeated", w.HUGE, None)


def test_n10_alert_before_the_acceptance_and_after_the_time_out() -> None:
    world = w.world()
    world.operator_takes_over()
    submission = world.update(w.cast().leaving, w.HUGE, execution_date_time=DUE)
    assert submission.command is not None
    (acceptance,) = world.carry(submission)
    world.manager.time_out(submission.command, world.now)
    assert world.take(alerts(world)[0]).learned == w.HUGE
    late = world.take(acceptance)
    assert (late.verdict, late.learned, late.delivery) == ("repeated", None, None)


@pytest.mark.parametrize("code", [0x8F12, 0, 0x7FFFFFFF])
def test_alerts_with_another_code_teach_nothing(code: int) -> None:
    world, command = future_dated()
    payload = gbcs.UpdateSecurityCredentialsAlert(code, DUE, departure(w.HUGE))
    octets = world.says(command, payload, cra=gbcs.Cra.ALERT, code=0x00CB, counter=9)
    reception = world.take(octets)
    assert (reception.verdict, reception.learned) == ("device_alert", None)
    assert world.highest is None
    assert world.store.commands([command.key]) == [replace(command, number=ANY, state="answered")]
    assert (reception.delivery is None) is (code > 0xFFFF)


def test_alerts_of_the_wrong_kind_number_or_source_teach_nothing() -> None:
    world, command = future_dated()
    good = gbcs.UpdateSecurityCredentialsAlert(0x8F66, DUE, departure(w.HUGE))
    header = {"cra": gbcs.Cra.ALERT, "counter": 9}
    wrong = (
        world.says(command, good, code=0x0124, **header),
        world.says(command, good, code=0x00CB, target=w.cast().supplier.entity, **header),
        world.says(command, good, code=0x00CB, source=Eui64(b"stranger"), **header),
        world.says(command, replace(good, outcome=departure(w.HUGE + 1)), code=0x00CB, **header),
        world.says(
            command, replace(good, outcome=departure(w.HUGE, mode=Mode.SUPPLIER_BY_SUPPLIER)), code=0x00CB, **header
        ),
    )
    for octets in wrong:
        reception = world.take(octets)
        assert reception.verdict in ("not_correlated", "device_alert")
        assert reception.learned is None
    (waiting,) = world.store.commands([command.key])
    assert waiting is not None
    assert waiting.alert_pending
    forged = bytearray(world.says(command, good, code=0x00CB, **header))
    forged[-1] ^= 1
    assert world.take(bytes(forged)).verdict == "not_authentic"
    assert world.highest is None


# ---- slots ----


def test_a_late_answer_does_not_bring_a_former_occupant_back() -> None:
    world = w.world()
    taken = world.handover()
    (late,) = world.carry(taken)
    assert taken.command is not None
    world.manager.time_out(taken.command, world.now)
    assert world.operator_leaves().learned == w.HUGE
    assert world.take(late).verdict == "late"
    assert world.slot() == Occupant(w.cast().broker.entity, w.key_id(w.cast().broker.signing))
    assert len(world.exchange(world.handover(w.cast().arriving))) == 1


def test_a_read_teaches_every_slot_of_the_gpf() -> None:
    world = w.world()
    world.operator_takes_over()
    (reception,) = world.exchange(world.read(w.SUPPLIER, w.NO, w.BROKER))
    assert reception.verdict == "response"
    for cell, occupant in world.device.cells().items():
        if cell.role in (w.SUPPLIER, w.NO, w.BROKER):
            assert world.slot(cell) == Occupant(occupant.entity, occupant.key_id)


def test_a_read_of_the_load_controller_uses_cs02f() -> None:
    world = w.world(kind=w.ESME)
    submission = world.read(w.SUPPLIER, RemotePartyRole.LOAD_CONTROLLER)
    assert submission.command is not None
    assert gbcs.decode(submission.command.octets).message_code == submission.command.message_code == 0x011B
    (reception,) = world.exchange(submission)
    assert reception.verdict == "response"


def test_cells_that_do_not_exist_are_not_remembered() -> None:
    cell = CellId(RemotePartyRole.LOAD_CONTROLLER, KeyUsage.DIGITAL_SIGNATURE)
    absent = (cell, gbcs.StatusCode.TRUST_ANCHOR_NOT_FOUND, Eui64(bytes(8)), bytes(8))
    failed = (w.NO_DS, BAD, w.cast().leaving.entity, b"12345678")
    payload = gbcs.UpdateSecurityCredentialsResponse(w.outcome(1, absent, failed))
    device = DeviceRecord(w.cast().gpf, w.GPF)
    reply = Reply("6.15.1", None, device, Facts(), payload, False, w.cast().broker.entity, w.BEGINS)
    effects = effects_of_update(reply)
    assert effects.slots == (SlotChange(w.NO_DS, Occupant(w.cast().leaving.entity, b"12345678")),)
    assert effects.learned is None


# ---- N11 and time-outs ----


def test_n11_an_esme_behaves_the_same_with_and_without_the_rule() -> None:
    def played(tracking: bool) -> list[bytes]:
        world = w.world(kind=w.ESME, tracking=tracking)
        world.operator_takes_over()
        world.operator_leaves(2**42)
        for _ in range(3):
            world.carry(world.handover(w.cast().arriving))
        world.carry(world.read())
        return world.sent

    assert played(True) == played(False)


def test_a_time_out_after_the_answer_is_refused_so_that_the_user_hears_once() -> None:
    world = w.world()
    submission = world.handover()
    assert submission.command is not None
    world.exchange(submission)
    with pytest.raises(Refused) as refused:
        world.manager.time_out(submission.command, world.now)
    assert refused.value.findings
    silent = world.handover(w.cast().supplier, role=w.SUPPLIER)
    assert silent.command is not None
    assert [command.key for command in world.manager.outbox()] == [silent.command.key]
    world.manager.time_out(silent.command, world.now)
    assert world.manager.outbox() == []
    with pytest.raises(Refused):
        world.manager.time_out(silent.command, world.now)


def test_kinds_have_the_names_the_ledger_stores() -> None:
    assert [kind.value for kind in Kind] == ["response", "alert"]
    assert datetime(2024, 1, 1, tzinfo=UTC) < DUE
