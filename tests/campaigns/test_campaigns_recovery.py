"""Recovery: only under a decision of the SMKI PMA that covers it (hostile V9), by real messages."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.governance_world import NOW as SAID
from governance.governance_world import world as governance_world
from trustcell import gbcs
from trustcell.app.sold_network import BEGINS, sold_network_stage
from trustcell.campaigns import CampaignState, Limits, Method, Recovery, RecoveryEvent, TargetState
from trustcell.campaigns.rules.recovery import Assumptions, decided, plan, proposed
from trustcell.dsp.rules.recovery import recovery_command
from trustcell.governance.rules.approval_rules import Circumstances
from trustcell.governance.rules.approvals import ApprovalKind, Scope
from trustcell.governance.rules.rulebook import rule_set
from trustcell.stories import sold_network as story
from trustcell.vocab import CellId, Eui64, KeyUsage, Refused, RemotePartyRole

NO = RemotePartyRole.NETWORK_OPERATOR
KEY = "ab" * 32
PARTY = Eui64.parse("70-B3-D5-1F-30-00-20-00")
EVENT = RecoveryEvent(
    "sold-network", Method.NEW_CERTIFICATES, NO, PARTY, Eui64.parse("70-B3-D5-1F-30-00-20-01"),
    Eui64.parse("70-B3-D5-1F-30-00-00-01"), KEY, "sold", "ada",
)  # fmt: skip
SCOPE = Scope(frozenset({NO}), subjects=frozenset({PARTY}), keys=frozenset({KEY}), purpose="sold-network")


@pytest.fixture
def people():
    return governance_world()


def approved(people, name="PMA-REC", kind=ApprovalKind.RECOVERY_USE, **scope):
    people.approve(name, kind=kind, scope=replace(SCOPE, **scope), rationale="recovery")
    return name


def findings(people, name, days=1, event=EVENT):
    now = people.now + timedelta(days=days)
    register = people.register
    circumstances = Circumstances(now=now, rules=rule_set(now), people=register.people)
    return decided(event, None if name is None else register.newest(name), circumstances)


def test_a_decision_that_covers_it(people):
    assert findings(people, approved(people)) == []


def test_v9_no_decision(people):
    (found,) = findings(people, None)
    assert (found.code, found.clause) == ("approval_not_found", "SEC L10")


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ({"roles": frozenset({RemotePartyRole.SUPPLIER})}, "approval_scope_role"),
        ({"subjects": frozenset({EVENT.goal})}, "approval_scope_subject"),
        ({"keys": frozenset({"cd" * 32})}, "approval_scope_key"),
        ({"purpose": "another event"}, "approval_scope_purpose"),
    ],
)
def test_v9_a_decision_for_another_scope(people, scope, code):
    found = findings(people, approved(people, **scope))
    assert code in {each.code for each in found}


def test_v9_a_decision_of_another_kind(people):
    people.approve("PMA-KEY")
    assert [each.code for each in findings(people, "PMA-KEY")] == ["approval_kind"]


def test_v9_a_draft_is_no_decision_and_neither_is_one_without_the_view(people):
    people.draft("PMA-REC", kind=ApprovalKind.RECOVERY_USE, scope=SCOPE)
    assert {each.code for each in findings(people, "PMA-REC")} >= {"ssc_view_missing", "approval_not_decided"}
    people.view("PMA-REC")
    assert {each.code for each in findings(people, "PMA-REC")} == {"approval_not_decided"}


def test_v9_a_decision_that_was_withdrawn_or_has_ended(people):
    approved(people)
    assert {each.code for each in findings(people, "PMA-REC", days=400)} == {"approval_expired"}
    people.act("pat", "withdraw", "PMA-REC", reason="not needed")
    assert "approval_withdrawn" in {each.code for each in findings(people, "PMA-REC")}


def test_who_asks_does_not_decide(people):
    approved(people)
    found = findings(people, "PMA-REC", event=replace(EVENT, requester="pat"))
    assert found, "pat decided, and pat asks"
    assert people.now > SAID


def test_method_1_uses_no_recovery_key():
    with pytest.raises(ValueError, match="no recovery key"):
        replace(EVENT, method=Method.SUBSCRIBER)


# ---- through real messages ----


@pytest.fixture
def stage():
    with sold_network_stage(8) as made:
        story._handed_over(made, made.cast.leaving)
        story._sold(made)
        yield made


def recovery_of(stage, decision):
    leaving = stage.cast.leaving
    event = replace(
        EVENT, party=leaving.entity, goal=stage.cast.arriving.entity, recovery=story._entity(stage.recovery.certificate)
    )
    client = story._RecoveryClient(stage, b"the decision")
    made = Recovery(stage.campaigns, stage.fleet, client, event.name, decision)
    return made, event


def play(stage, recovery, steps=200):
    for _ in range(steps):
        recovery.step(stage.now, stage.number)
        stage.carry(stage.now)
        stage.now += timedelta(minutes=1)
        if recovery.campaign.state is not CampaignState.RUNNING:
            return
    raise AssertionError("it does not end")


def refusing(_now):
    return list(decided(EVENT, None, Circumstances(now=BEGINS, rules=rule_set(BEGINS))))


def test_without_a_decision_nothing_is_begun_and_nothing_sent(stage):
    recovery, event = recovery_of(stage, refusing)
    with pytest.raises(Refused) as found:
        recovery.begin(event, stage.cast.arriving.entity, Limits(), stage.now)
    assert found.value.findings[0].clause == "SEC L10"
    assert stage.campaigns.campaigns() == []
    assert stage.manager.outbox() == []
    assert {stage.occupant(gpf) for gpf in stage.gpfs} == {stage.cast.leaving.entity}


def test_a_decision_withdrawn_on_the_way_stops_it(stage):
    allowed = [True]
    recovery, event = recovery_of(stage, lambda now: [] if allowed[0] else refusing(now))
    recovery.begin(event, stage.cast.arriving.entity, Limits(in_flight=3), stage.now)
    recovery.step(stage.now, stage.number)
    stage.carry(stage.now)
    allowed[0] = False
    with pytest.raises(Refused):
        recovery.step(stage.now, stage.number)
    recovered = [gpf for gpf in stage.gpfs if stage.occupant(gpf) == stage.cast.arriving.entity]
    assert len(recovered) == 3
    assert stage.manager.outbox() == []


def test_every_device_is_recovered_and_its_books_know(stage):
    recovery, event = recovery_of(stage, lambda now: [])
    recovery.begin(event, stage.cast.arriving.entity, Limits(), stage.now)
    play(stage, recovery)
    assert stage.campaigns.counts(event.name) == {TargetState.CLEAN: 8}
    assert {stage.occupant(gpf) for gpf in stage.gpfs} == {stage.cast.arriving.entity}
    assert stage.fleet.gpfs_of(stage.cast.leaving.entity) == []
    assert len(stage.fleet.gpfs_of(stage.cast.arriving.entity)) == 8


def test_the_new_operator_hears_that_its_credentials_are_there(stage):
    recovery, event = recovery_of(stage, lambda now: [])
    recovery.begin(event, stage.cast.arriving.entity, Limits(), stage.now)
    recovery.step(stage.now, stage.number)
    while stage.manager.dispatch(stage.now) or stage.manager.collect(stage.now):
        pass
    told = stage.manager.deliveries(stage.now + timedelta(minutes=1), 100)
    assert {each.user for each in told} == {stage.cast.arriving.entity}
    assert all(b"N42" in each.octets for each in told)
    assert len(told) == 8


def test_another_key_than_the_recovery_key_changes_nothing(stage):
    stage.recovery = stage.cast.leaving.signing  # a key, and not the one of the cell
    certificates = {story._CELLS[0]: stage.cast.arriving.signing.certificate.der}
    originator = Eui64.parse("70-B3-D5-1F-30-00-00-01")
    made = recovery_command(originator, stage.gpfs[0], 5, certificates, (stage.cast.path.der,))
    signed = gbcs.attach_signature(made, stage.recovery.sign(gbcs.signed_octets(made)))
    assert stage.manager.recover([(signed, gbcs.encode(signed))], b"none", stage.now) == ["I99"]
    stage.carry(stage.now)
    assert stage.occupant(stage.gpfs[0]) == stage.cast.leaving.entity


def test_a_repeat_is_one_command_and_another_one_under_its_number_is_refused(stage):
    client = story._RecoveryClient(stage, b"the decision")
    assert [client.replace(stage.gpfs[0], 77, b"") for _ in range(2)] == ["I99", "I99"]
    stage.cast = replace(stage.cast, arriving=stage.cast.leaving)
    assert client.replace(stage.gpfs[0], 77, b"") == "request_id_used"
    assert len(stage.manager.outbox()) == 1


def test_the_command_is_built_as_the_reference_message_is(shared: Path):
    """Ours has the mode, cell, checks and number of the RTDS command, and its floors for the roles it replaces."""
    folder = shared / "rtds" / "messages" / "NA_CS02bAnyExceptAbnormalRootByRecovery"
    messages = [gbcs.decode(bytes.fromhex(file.read_text())) for file in sorted(folder.glob("*.HEX"))]
    commands = [each for each in messages if each.cra is gbcs.Cra.COMMAND]
    assert commands
    for message in commands:
        command = gbcs.decode_payload(message)
        wanted = {each.cell: each.certificate for each in command.replacements if each.cell.role is NO}
        made = recovery_command(
            message.originator, message.target, message.originator_counter, wanted, command.path_certificates
        )
        ours, theirs = gbcs.decode_payload(made).control, command.control
        for name in ("mode", "authorising_cell", "time_based_checks", "floor", "seq_number"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert set(ours.other_changes) <= set(theirs.other_changes)
        assert message.shape is gbcs.Shape.SIGNED


# ---- the planner ----


@given(st.integers(0, 300_000), st.floats(0, 0.9), st.integers(1, 50_000), st.integers(1, 5))
def test_waves_hold_every_device_once(devices, unreachable, wave, attempts):
    waves = plan(devices, Assumptions(unreachable=unreachable, wave=wave, attempts=attempts))
    assert sum(each.devices for each in waves) == devices
    assert all(0 < each.devices <= wave for each in waves)
    assert [each.number for each in waves] == list(range(1, len(waves) + 1))


def test_a_dry_run_over_a_hundred_thousand_devices_with_three_in_a_hundred_silent():
    waves = plan(100_000, Assumptions())
    assert len(waves) == 10
    assert sum(each.messages for each in waves) == 97_000 * 4 + 3_000 * 3 * 1
    assert sum(each.hours for each in waves) == pytest.approx((97_000 + 9_000) / 36_000)
    assert sum(each.hours for each in plan(100_000, Assumptions(commands_an_hour=72_000))) < 2


@pytest.mark.parametrize(
    ("role", "can_sign", "successor", "method"),
    [
        (NO, True, True, Method.SUBSCRIBER), (NO, False, False, Method.ACB_CERTIFICATES),
        (NO, False, True, Method.NEW_CERTIFICATES), (RemotePartyRole.SUPPLIER, False, False, Method.NEW_CERTIFICATES),
    ],
)  # fmt: skip
def test_the_method_that_asks_least(role, can_sign, successor, method):
    assert proposed(role, can_sign=can_sign, successor=successor) is method


def test_cells_of_a_recovery_are_those_of_the_operator():
    assert set(story._CELLS) == {CellId(NO, KeyUsage.DIGITAL_SIGNATURE), CellId(NO, KeyUsage.KEY_AGREEMENT)}
    assert len(sha256(b"").hexdigest()) == len(KEY)
