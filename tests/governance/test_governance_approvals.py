"""The life of an approval: what each state makes of each statement, versions, duties, dates (smki.md 8)."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from governance.governance_world import (
    DECIDED,
    DRAFTED,
    KEY,
    MP261,
    NOW,
    REUSE,
    SCOPE,
    VIEWED,
    World,
    credential,
)
from trustcell.governance.rules.approval_scope import KIND_RULES, scope_json
from trustcell.governance.rules.approval_statements import DECISION, DRAFT, SSC_VIEW, TAKES, WITHDRAWN
from trustcell.governance.rules.approvals import ApprovalKind, ApprovalState, Position
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.duties import act_as_one
from trustcell.governance.rules.kinds import FOLDED, KINDS
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.statements import SignedStatement, Statement

EXPIRY = DRAFTED["expires"]


def to_state(world: World, state: ApprovalState) -> None:
    world.draft(expires=world.now + timedelta(hours=1))
    if state is ApprovalState.DRAFT:
        return
    if state is not ApprovalState.WITHDRAWN:
        world.view()
    if state is ApprovalState.SSC_CONSULTED:
        return
    if state is ApprovalState.WITHDRAWN:
        world.act("pat", "withdraw", "A-1", reason="no longer needed")
        return
    world.decide(approved=state is not ApprovalState.REJECTED)
    if state is ApprovalState.EXPIRED:
        world.now += timedelta(hours=2)


ACTS = {
    SSC_VIEW: ("sue", "ssc_view", VIEWED),
    DECISION: ("pat", "decide", DECIDED),
    WITHDRAWN: ("pat", "withdraw", {"reason": "no longer needed"}),
}
STATES = [each for each in ApprovalState if each is not ApprovalState.EXHAUSTED]


def test_the_table_of_moves_is_complete():
    assert {kind: set(row) for kind, row in TAKES.items()} == {kind: set(ApprovalState) for kind in ACTS}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ACTS)
def test_every_state_takes_what_the_table_says(world, state, kind):
    to_state(world, state)
    before = world.register.newest("A-1")
    assert before.state_at(world.now) is state
    who, act, said = ACTS[kind]
    if kind != WITHDRAWN:
        said = said | {"digest": before.digest, "date": world.now}
    code = TAKES[kind][state]
    if code:
        assert code in world.refused(who, act, "A-1", **said)
        assert world.register.newest("A-1") == before
        _said_anyhow(world, kind, before.digest)
        assert world.register.newest("A-1") == before
    else:
        assert world.act(who, act, "A-1", **said).state_at(world.now) is not state or state is ApprovalState.EXPIRED
    if state is not ApprovalState.WITHDRAWN:
        assert world.draft().version == 2


def _said_anyhow(world, kind, digest):
    """What the rules refuse has no effect when it stands in the log all the same."""
    bodies = {
        SSC_VIEW: {"document": "", **VIEWED, "position": "support"},
        DECISION: {"document": "", "conditions": "", **DECIDED},
        WITHDRAWN: {"reason": "x"},
    }
    body = bodies[kind] if kind == WITHDRAWN else {**bodies[kind], "digest": digest, "date": moment(world.now)}
    said = Statement("test", kind, "A-1", ACTS[kind][0], world.now, body)
    world.books.add(SignedStatement(said, b"", b""))


@pytest.mark.parametrize("kind", ACTS)
def test_no_approval_no_act(world, kind):
    who, act, said = ACTS[kind]
    said = said if kind == WITHDRAWN else said | {"digest": KEY, "date": world.now}
    assert world.refused(who, act, "A-9", **said) == ["approval_not_found"]


@pytest.mark.parametrize("kind", [DRAFT, *ACTS])
@pytest.mark.parametrize("who", ["registrar", "ada", "sue", "pat", "ian"])
def test_who_may_state_what(world, kind, who):
    world.draft()
    digest = world.register.newest("A-1").digest
    act, said = ("draft_approval", DRAFTED) if kind == DRAFT else ACTS[kind][1:]
    if kind in (SSC_VIEW, DECISION):
        said = said | {"digest": digest, "date": world.now}
    allowed = {DRAFT: "ada", SSC_VIEW: "sue", DECISION: "pat", WITHDRAWN: "pat"}[kind]
    if who == allowed and kind != DECISION:
        world.act(who, act, "A-1", **said)
    elif who != allowed:
        assert world.refused(who, act, "A-1", **said) == ["capacity_missing"]


def test_the_way_to_an_approval(world):
    drafted = world.draft()
    assert (drafted.version, drafted.requested_by, drafted.drafted_at) == (1, "ada", world.now)
    assert drafted.digest == world.books.last().digest
    viewed = world.view(position=Position.OPPOSE, text="we would rather not")
    assert (viewed.ssc_view.position, viewed.ssc_view.recorded_by) == (Position.OPPOSE, "sue")
    decided = world.decide()
    assert decided.state_at(world.now) is ApprovalState.APPROVED
    assert (decided.decision.decided_by, decided.decision.statement) == ("pat", world.books.last().digest)
    assert decided.digest == drafted.digest


def test_no_position_is_a_position(world):
    world.draft()
    view = world.view(position=Position.NO_VIEW, text="").ssc_view
    assert view.position is Position.NO_VIEW
    assert world.decide().state_at(world.now) is ApprovalState.APPROVED


def test_a_position_needs_words_or_a_document(world):
    world.draft()
    said = VIEWED | {"digest": world.register.newest("A-1").digest, "date": world.now, "text": " "}
    assert world.refused("sue", "ssc_view", "A-1", **said) == ["ssc_view_empty"]
    assert world.act("sue", "ssc_view", "A-1", **(said | {"document": KEY}))


def test_no_decision_without_or_before_the_view(world):
    drafted = world.draft()
    said = DECIDED | {"digest": drafted.digest, "date": world.now}
    assert world.refused("pat", "decide", "A-1", **said) == ["ssc_view_missing"]
    world.view()
    dated = world.register.newest("A-1").ssc_view.date
    assert world.refused("pat", "decide", "A-1", **(said | {"date": dated - timedelta(seconds=1)})) == [
        "ssc_view_after_decision"
    ]
    assert world.act("pat", "decide", "A-1", **(said | {"date": dated}))


def test_the_views_are_considered(world):
    world.draft()
    world.view()
    said = DECIDED | {"digest": world.register.newest("A-1").digest, "date": world.now}
    assert world.refused("pat", "decide", "A-1", **(said | {"considered": False})) == ["ssc_views_not_considered"]
    assert world.refused("pat", "decide", "A-1", **(said | {"considered_text": ""})) == ["statement_malformed"]
    assert world.act("pat", "decide", "A-1", **(said | {"considered": False, "approved": False}))


def test_nothing_is_dated_in_the_future(world):
    world.draft()
    said = {"digest": world.register.newest("A-1").digest, "date": world.now + timedelta(days=1)}
    assert world.refused("sue", "ssc_view", "A-1", **(VIEWED | said)) == ["ssc_view_in_future"]
    world.view()
    assert world.refused("pat", "decide", "A-1", **(DECIDED | said)) == ["decision_in_future"]


def test_a_view_and_a_decision_name_the_draft_as_it_stands(world):
    first = world.draft().digest
    second = world.draft(rationale="changed").digest
    assert first != second
    said = {"digest": first, "date": world.now}
    assert world.refused("sue", "ssc_view", "A-1", **(VIEWED | said)) == ["approval_digest_mismatch"]
    world.view()
    assert world.refused("pat", "decide", "A-1", **(DECIDED | said)) == [
        "approval_digest_mismatch",
        "ssc_view_after_decision",
    ]


def test_a_change_is_a_new_version_with_a_view_and_a_decision_of_its_own(world):
    first = world.approve()
    second = world.draft(scope=replace(SCOPE, years=18))
    assert second.version == 2
    assert world.register.approvals["A-1"] == first, "what was approved holds until the change is decided"
    assert second.ssc_view is None
    said = DECIDED | {"digest": second.digest, "date": world.now}
    assert world.refused("pat", "decide", "A-1", **said) == ["ssc_view_missing"]
    world.view()
    rejected = world.decide(approved=False)
    assert world.register.approvals["A-1"] == first
    third = world.approve(scope=replace(SCOPE, years=19))
    assert world.register.approvals["A-1"] == third
    assert world.register.versions["A-1"] == (first, rejected, third)


def test_a_withdrawal_ends_every_version(world):
    world.approve()
    world.approve(scope=replace(SCOPE, years=18))
    world.act("pat", "withdraw", "A-1", reason="risk found")
    assert {each.state_at(world.now) for each in world.register.versions["A-1"]} == {ApprovalState.WITHDRAWN}
    assert world.approve().state_at(world.now) is ApprovalState.APPROVED


def test_a_new_version_is_of_the_same_kind_and_party(world):
    world.draft()
    reuse = DRAFTED | {"kind": ApprovalKind.KEY_REUSE, "scope": REUSE}
    assert world.refused("ada", "draft_approval", "A-1", **reuse) == ["approval_kind"]
    assert world.refused("gwen", "draft_approval", "A-1", **DRAFTED) == ["approval_other_party"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"effective_from": MP261 - timedelta(seconds=1)}, "approval_before_modification"),
        ({"expires": NOW}, "approval_expired"),
        ({"effective_from": EXPIRY + timedelta(days=1)}, "approval_period"),
        ({"rationale": " "}, "statement_malformed"),
        ({"evidence": ["no digest"]}, "statement_malformed"),
        ({"evidence": [KEY, KEY]}, "statement_malformed"),
        ({"scope": replace(SCOPE, years=51)}, "statement_malformed"),
        ({"scope": replace(SCOPE, max_certificates=0)}, "statement_malformed"),
        ({"scope": replace(SCOPE, roles=frozenset())}, "approval_scope_role"),
    ],
)
def test_drafts_that_cannot_be(world, changes, code):
    assert world.refused("ada", "draft_approval", "A-1", **(DRAFTED | changes)) == [code]


def test_the_dcc_alone_asks_for_a_repeated_key(world):
    reuse = DRAFTED | {"kind": ApprovalKind.KEY_REUSE, "scope": REUSE}
    assert world.refused("gwen", "draft_approval", "R-1", **reuse) == ["approval_not_for_dcc"]
    assert world.act("ada", "draft_approval", "R-1", **reuse).kind is ApprovalKind.KEY_REUSE
    assert world.act("gwen", "draft_approval", "V-1", **DRAFTED).kind is ApprovalKind.VALIDITY


@pytest.mark.parametrize(("field", "value"), [("version", 2), ("legal_basis", "SEC L1")])
def test_a_draft_names_its_version_and_clause(world, field, value):
    body = {
        **{key: DRAFTED[key] for key in ("rationale",)},
        "effective_from": moment(MP261),
        "expires": moment(EXPIRY),
        "evidence": [],
        "kind": "VALIDITY",
        "legal_basis": KIND_RULES[ApprovalKind.VALIDITY].legal_basis,
        "scope": scope_json(SCOPE),
        "version": 1,
    }
    assert world.refused("ada", "state", DRAFT, "A-1", body | {field: value}) == [f"approval_{field}"]
    assert world.refused("ada", "state", DRAFT, "A-1", body | {"more": 1}) == ["statement_malformed"]
    assert world.refused("ada", "state", DRAFT, "A 1", body) == ["statement_malformed"]
    world.act("ada", "state", DRAFT, "A-1", body)


def test_a_decision_under_earlier_rules(world):
    world.draft()
    early = datetime(2024, 2, 28, tzinfo=UTC)
    world.view(date=early)
    said = DECIDED | {"digest": world.register.newest("A-1").digest, "date": early}
    assert world.refused("pat", "decide", "A-1", **said) == ["approval_before_modification"]
    assert world.act("pat", "decide", "A-1", **(said | {"date": MP261}))


def test_a_decision_after_the_end(world):
    world.draft(expires=world.now + timedelta(hours=1))
    world.view()
    world.now += timedelta(hours=2)
    said = DECIDED | {"digest": world.register.newest("A-1").digest, "date": world.now}
    assert world.refused("pat", "decide", "A-1", **said) == ["approval_expired"]


@pytest.mark.parametrize("capacity", [Capacity.SSC, Capacity.PMA])
@pytest.mark.parametrize("how", [{"identity": "ada in person"}, {"delegate_of": "ada"}], ids=["account", "delegate"])
def test_who_asks_neither_views_nor_decides(world, capacity, how):
    world.add_person("eve", capacity, **how)
    world.draft()
    digest = world.register.newest("A-1").digest
    if capacity is Capacity.SSC:
        said = VIEWED | {"digest": digest, "date": world.now}
        assert world.refused("eve", "ssc_view", "A-1", **said) == ["separation_of_duties"]
        return
    world.view()
    said = DECIDED | {"digest": digest, "date": world.now}
    assert world.refused("eve", "decide", "A-1", **said) == ["separation_of_duties"]
    assert world.decide()


def test_one_person_does_not_speak_for_both_bodies(world):
    world.act("registrar", "grant", "sue", Capacity.PMA)
    world.draft()
    world.view()
    said = DECIDED | {"digest": world.register.newest("A-1").digest, "date": world.now}
    assert world.refused("sue", "decide", "A-1", **said) == ["separation_of_duties"]


def test_an_approval_is_void_once_its_decider_is_gone_and_stays_so(world):
    world.approve()
    world.act("registrar", "withdraw_capacity", "pat", Capacity.PMA, reason="left the PMA")
    gone = world.now
    assert world.register.approvals["A-1"].void_since == gone
    world.act("registrar", "grant", "pat", Capacity.PMA)
    assert world.register.approvals["A-1"].void_since == gone
    again = world.approve()
    assert (again.version, again.void_since) == (2, None)


def test_another_capacity_of_the_decider_may_go(world):
    world.act("registrar", "grant", "pat", Capacity.SSC)
    world.approve()
    world.act("registrar", "withdraw_capacity", "pat", Capacity.SSC, reason="x")
    assert world.register.approvals["A-1"].void_since is None


def test_the_register_as_of_a_moment(world):
    drafted = world.draft().drafted_at
    world.view()
    viewed = world.now
    world.decide()
    state = lambda at: world.governance.register(world.books, at).approvals["A-1"].state_at(at)  # noqa: E731
    assert [state(drafted), state(viewed), state(world.now)] == [
        ApprovalState.DRAFT,
        ApprovalState.SSC_CONSULTED,
        ApprovalState.APPROVED,
    ]
    assert "A-1" not in world.governance.register(world.books, drafted - timedelta(seconds=1)).approvals


@pytest.mark.parametrize(
    "body",
    [None, [], "text", 5, {}, {"reason": None}, {"reason": 5}, {"reason": "x" * 5000}, {"reason": "x", "more": 1}],
)
@pytest.mark.parametrize("kind", sorted(FOLDED))
def test_the_fold_takes_whatever_stands_in_a_log(world, kind, body):
    before = world.register
    said = Statement("test", kind, "A-1", "pat", world.now, body)
    assert Register.fold([*world.books.said, SignedStatement(said, b"", b"")]) == before


MALFORMED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=3), below, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_fields_of_every_kind_are_read_or_refused(data):
    kind = KINDS[data.draw(st.sampled_from(sorted(FOLDED)))]
    for reader in kind.fields.values():
        with suppress(ValueError):
            reader(data.draw(MALFORMED))


BODIES = {
    DRAFT: lambda _: {
        "effective_from": moment(MP261), "evidence": [], "expires": moment(EXPIRY), "kind": "VALIDITY",
        "legal_basis": KIND_RULES[ApprovalKind.VALIDITY].legal_basis, "rationale": "x", "scope": scope_json(SCOPE),
    },
    SSC_VIEW: lambda d: {
        "document": "", "position": d(st.sampled_from(["support", "oppose", "no-view"])), "reference": "r", "text": "t",
    },
    DECISION: lambda d: {
        "approved": d(st.booleans()), "conditions": "", "considered": d(st.booleans()), "considered_text": "c",
        "document": "", "meeting": "m", "minute": "n", "quorum": "q",
    },
    WITHDRAWN: lambda _: {"reason": "r"},
}  # fmt: skip


NEXT = {
    None: (DRAFT, "gwen"),
    ApprovalState.DRAFT: (SSC_VIEW, "sue"),
    ApprovalState.SSC_CONSULTED: (DECISION, "pat"),
    ApprovalState.APPROVED: (DRAFT, "ada"),
    ApprovalState.REJECTED: (DRAFT, "gwen"),
    ApprovalState.WITHDRAWN: (DRAFT, "gwen"),
}
"""The way most examples take, so that many end with an approval."""


@settings(max_examples=200)
@given(data=st.data())
def test_no_order_of_statements_gives_an_approval_without_view_decision_and_different_people(founded, data):
    """Any statements by anybody in any order, signed or not: what counts as approved went the whole way."""
    register = Register.fold(founded.books.said)
    at = founded.now
    everybody = {Capacity.ARO: at, Capacity.SSC: at, Capacity.PMA: at}
    people = {
        name: replace(each, capacities=everybody, acts_for=frozenset({"dcc"})) if name != "otto" else each
        for name, each in register.people.items()
    }
    people["sue"] = replace(people["sue"], identity=people["ada"].identity)
    people["ian"] = replace(people["ian"], delegate_of="pat")
    register = replace(register, people=people)
    for step in range(data.draw(st.integers(3, 14))):
        newest = register.newest("A")
        right = bool(data.draw(st.integers(0, 3)))
        kind, actor = NEXT[newest.state_at(at) if newest else None]
        if not right:
            kind, actor = data.draw(st.sampled_from(list(BODIES))), data.draw(st.sampled_from(sorted(people)))
        body = BODIES[kind](data.draw)
        if kind == DRAFT:
            body["version"] = newest.version + 1 if newest and right else 1
        elif kind != WITHDRAWN:
            body["date"] = moment(at + timedelta(minutes=step * right + data.draw(st.integers(-3, 3)) * (not right)))
            body["digest"] = newest.digest if newest and data.draw(st.integers(0, 5)) else KEY
        said = Statement("test", kind, "A", actor, at + timedelta(minutes=step), body)
        before = register
        register = register.after(SignedStatement(said, b"", b""))
        for old in before.versions.get("A", ()):
            new = register.versions["A"][old.version - 1]
            assert (new.scope, new.digest, new.requested_by) == (old.scope, old.digest, old.requested_by)
            if old.decision is not None:
                assert (new.decision, new.ssc_view) == (old.decision, old.ssc_view)
    approved = [each for each in register.versions.get("A", ()) if each.decision and each.decision.approved]
    event(f"{min(len(approved), 1)} approved")
    for each in register.versions.get("A", ()):
        if each.decision is not None and each.decision.approved:
            assert each.ssc_view is not None
            assert each.ssc_view.date <= each.decision.date
            assert each.decision.considered
            assert not act_as_one(each.requested_by, each.decision.decided_by, people)
            assert not act_as_one(each.requested_by, each.ssc_view.recorded_by, people)
            assert not act_as_one(each.ssc_view.recorded_by, each.decision.decided_by, people)


def test_the_credential_of_somebody_else_approves_nothing(world):
    world.draft()
    world.view()
    said = DECIDED | {"digest": world.register.newest("A-1").digest, "date": world.now}
    forged = replace(credential("ada"), person="pat")
    assert world.refused(forged, "decide", "A-1", **said) == ["credential_not_of_person"]
