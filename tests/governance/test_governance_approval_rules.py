"""What an approval covers, limb by limb (SEC L11.4B, Appendix B 6.3.2(A)(i); hostile inputs A3 to A5, V1 to V6)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.governance_world import ACB, ENTITY, KEY, MP261, NOW, OTHER_KEY, OTHER_REQUEST, REQUEST, REUSE, SCOPE
from trustcell.governance.rules.approval_rules import Circumstances, Wanted, approval_covers, last_moment
from trustcell.governance.rules.approval_scope import KIND_RULES, LISTED, read_scope, scope_findings, scope_json
from trustcell.governance.rules.approvals import (
    Approval,
    ApprovalKind,
    ApprovalState,
    PmaDecision,
    Position,
    Scope,
    SscView,
)
from trustcell.governance.rules.parties import Capacity, Person
from trustcell.governance.rules.rulebook import rule_set
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SOME_DAY = datetime(2024, 3, 1, tzinfo=UTC)
VIEW = SscView(SOME_DAY, "SSC 24/03", Position.SUPPORT, "no objection", "", "sue", "cc" * 32)
DECISION = PmaDecision(
    SOME_DAY, "PMA 24/04", "4.2", True, "five of seven", True, "the view was read out", "", "", "pat", "dd" * 32
)
PEOPLE = {
    "ada": Person("ada", "Ada", "a", {Capacity.ARO: MP261}, acts_for=frozenset({"dcc"})),
    "pat": Person("pat", "Pat", "p", {Capacity.PMA: MP261}),
    "sue": Person("sue", "Sue", "s", {Capacity.SSC: MP261}),
    "ian": Person("ian", "Ian", "i", {Capacity.ISSUER: MP261}),
}


def approval(kind=ApprovalKind.VALIDITY, **changes) -> Approval:
    return replace(
        Approval(
            name="A-1",
            version=1,
            kind=kind,
            legal_basis=KIND_RULES[kind].legal_basis,
            effective_from=MP261,
            expires=NOW + 30 * DAY,
            requested_by="ada",
            drafted_at=MP261,
            rationale="the pack ends with the Issuing OCA",
            scope=REUSE if kind is ApprovalKind.KEY_REUSE else SCOPE,
            digest="ee" * 32,
            ssc_view=VIEW,
            decision=DECISION,
        ),
        **changes,
    )


def wanted(kind=ApprovalKind.VALIDITY, **changes) -> Wanted:
    plain = Wanted(
        kind=kind, role=ACB, subject=ENTITY, key_usage=DS, key=KEY, request=REQUEST, not_before=NOW,
        not_after=last_moment(NOW, 17), requester="ada", operator="ian",
    )  # fmt: skip
    return replace(plain, **changes)


def codes(
    given: Approval | None, want: Wanted | None = None, *, now=NOW, uses=0, people=PEOPLE, rules=None
) -> list[str]:
    circumstances = Circumstances(now=now, rules=rules or rule_set(now), uses=uses, people=people)
    return [each.code for each in approval_covers(given, want or wanted(given.kind), circumstances)]


@pytest.mark.parametrize("kind", [ApprovalKind.VALIDITY, ApprovalKind.KEY_REUSE])
def test_an_approval_in_order_covers_what_it_is_for(kind):
    assert codes(approval(kind)) == []


SUPPLIER = RemotePartyRole.SUPPLIER
BOTH = (ApprovalKind.VALIDITY, ApprovalKind.KEY_REUSE)
ENDS = datetime(2041, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("changes", "want", "code"),
    [
        ({"decision": None}, {}, "approval_not_decided"),
        ({"decision": replace(DECISION, approved=False)}, {}, "approval_rejected"),
        ({"decision": replace(DECISION, considered=False)}, {}, "ssc_views_not_considered"),
        ({"ssc_view": None}, {}, "ssc_view_missing"),
        ({"ssc_view": replace(VIEW, date=SOME_DAY + SECOND)}, {}, "ssc_view_after_decision"),
        ({"withdrawn_at": NOW}, {}, "approval_withdrawn"),
        ({"void_since": NOW}, {}, "approval_void"),
        ({"effective_from": NOW + SECOND}, {}, "approval_not_yet_effective"),
        ({"expires": NOW - SECOND}, {}, "approval_expired"),
        ({"effective_from": MP261 - SECOND}, {}, "approval_before_modification"),
        ({}, {"request": OTHER_REQUEST}, "approval_digest_mismatch"),
        ({"requested_by": "pat"}, {}, "separation_of_duties"),
        ({}, {"requester": "pat"}, "separation_of_duties"),
        ({}, {"operator": "pat"}, "separation_of_duties"),
        ({}, {"operator": "ada"}, "separation_of_duties"),
    ],
)
def test_each_limb_has_a_code_of_its_own(kind, changes, want, code):
    assert set(codes(approval(kind, **changes), wanted(kind, **want))) == {code}


@pytest.mark.parametrize(
    ("scope", "want", "code"),
    [
        ({}, {"role": RemotePartyRole.RECOVERY}, "approval_scope_role"),
        ({}, {"role": 0x80}, "approval_scope_role"),
        ({}, {"role": None}, "approval_scope_role"),
        ({"subjects": frozenset({Eui64(bytes(8))})}, {}, "approval_scope_subject"),
        ({"key_usages": frozenset({KA})}, {}, "approval_scope_key_usage"),
        ({"key_usages": frozenset({KA})}, {"key_usage": None}, "approval_scope_key_usage"),
        ({"purpose": "pack 2"}, {"purpose": "pack 1"}, "approval_scope_purpose"),
    ],
)
@pytest.mark.parametrize("kind", BOTH)
def test_each_part_of_the_scope_narrows(kind, scope, want, code):
    given = approval(kind)
    assert codes(replace(given, scope=replace(given.scope, **scope)), wanted(kind, **want)) == [code]


def test_another_key_than_the_one_approved():
    assert codes(approval(ApprovalKind.KEY_REUSE), wanted(ApprovalKind.KEY_REUSE, key=OTHER_KEY)) == [
        "approval_scope_key"
    ]
    bare = approval(ApprovalKind.KEY_REUSE, scope=replace(REUSE, keys=frozenset()))
    assert codes(bare) == ["approval_scope_key"], "an empty set of keys never covers a repeated key"
    assert codes(approval(), wanted(key=OTHER_KEY)) == []
    assert codes(approval(scope=replace(SCOPE, keys=frozenset({KEY}))), wanted(key=OTHER_KEY)) == ["approval_scope_key"]


def test_a_role_that_is_not_listed_is_refused_even_when_the_scope_has_it():
    scope = replace(REUSE, roles=frozenset({SUPPLIER}))
    found = approval_covers(
        approval(ApprovalKind.KEY_REUSE, scope=scope),
        wanted(ApprovalKind.KEY_REUSE, role=SUPPLIER),
        Circumstances(now=NOW, rules=rule_set(NOW), people=PEOPLE),
    )
    assert [(each.code, each.clause) for each in found] == [("approval_scope_role", "SEC L11.4B(b)")]
    assert codes(approval(scope=replace(SCOPE, roles=frozenset({SUPPLIER}))), wanted(role=SUPPLIER)) == []


def test_no_approval_and_one_of_another_kind():
    assert codes(None, wanted(ApprovalKind.KEY_REUSE)) == ["approval_not_found"]
    assert codes(approval(), wanted(ApprovalKind.KEY_REUSE)) == ["approval_kind"]
    assert codes(approval(ApprovalKind.KEY_REUSE), wanted()) == ["approval_kind"]


def test_the_first_and_the_last_second():
    given = approval(effective_from=NOW, expires=NOW)
    assert codes(given) == []
    assert codes(given, now=NOW - SECOND) == ["approval_not_yet_effective"]
    assert codes(given, now=NOW + SECOND) == ["approval_expired"]


def test_the_last_use():
    given = approval(scope=replace(SCOPE, max_certificates=2))
    assert [codes(given, uses=uses) for uses in range(4)] == [[], [], ["approval_used_up"], ["approval_used_up"]]


@pytest.mark.parametrize(
    ("scope", "asked", "covered"),
    [
        ({"years": 17, "exact": True}, last_moment(NOW, 17), True),
        ({"years": 17, "exact": True}, last_moment(NOW, 17) + SECOND, False),
        ({"years": 17, "exact": True}, last_moment(NOW, 17) - SECOND, False),
        ({"years": 17, "exact": True}, last_moment(NOW, 16), False),
        ({"years": 17, "exact": True}, last_moment(NOW, 18), False),
        ({"years": 17, "exact": False}, last_moment(NOW, 17), True),
        ({"years": 17, "exact": False}, last_moment(NOW, 17) + SECOND, False),
        ({"years": 17, "exact": False}, last_moment(NOW, 16), True),
        ({"years": 17, "exact": False}, last_moment(NOW, 18), False),
        ({"years": None, "not_after": ENDS, "exact": True}, ENDS, True),
        ({"years": None, "not_after": ENDS, "exact": True}, ENDS - SECOND, False),
        ({"years": None, "not_after": ENDS, "exact": False}, ENDS - SECOND, True),
        ({"years": None, "not_after": ENDS, "exact": False}, ENDS + SECOND, False),
        ({"years": None, "not_after": None}, ENDS, False),
        ({"years": 17}, None, False),
    ],
)
def test_exactly_and_at_most(scope, asked, covered):
    given = approval(scope=replace(SCOPE, **scope))
    assert codes(given, wanted(not_after=asked)) == ([] if covered else ["approval_scope_validity"])


@pytest.mark.parametrize(
    ("begin", "years", "end"),
    [
        (datetime(2016, 10, 19, tzinfo=UTC), 10, datetime(2026, 10, 18, 23, 59, 59, tzinfo=UTC)),
        (datetime(2024, 2, 29, tzinfo=UTC), 17, datetime(2041, 2, 27, 23, 59, 59, tzinfo=UTC)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), 4, datetime(2028, 2, 29, 11, 59, 59, tzinfo=UTC)),
        (datetime(9990, 1, 1, tzinfo=UTC), 17, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_years_are_calendar_years_less_a_second(begin, years, end):
    assert last_moment(begin, years) == end


def test_an_approval_from_before_the_modification():
    """V6: refused, and the rule set is named."""
    early = datetime(2024, 2, 28, 23, 59, 59, tzinfo=UTC)
    decided = approval(decision=replace(DECISION, date=early), ssc_view=replace(VIEW, date=early))
    found = approval_covers(decided, wanted(), Circumstances(now=NOW, rules=rule_set(NOW), people=PEOPLE))
    assert [(each.code, each.facts["rules"]) for each in found] == [
        ("approval_before_modification", "2024-02-28: MP128A")
    ]
    assert set(codes(approval(), rules=rule_set(early))) == {"approval_before_modification"}


def test_the_decider_speaks_for_the_pma_when_it_is_relied_on():
    """A4: a capacity withdrawn between approval and issue makes the approval void."""
    gone = replace(PEOPLE["pat"], withdrawn={Capacity.PMA: NOW})
    assert codes(approval(), people=PEOPLE | {"pat": gone}) == ["approval_void"]
    assert codes(approval(), now=NOW - SECOND, people=PEOPLE | {"pat": gone}) == []
    assert codes(approval(), people={"ada": PEOPLE["ada"]}) == ["approval_void"]


@pytest.mark.parametrize(
    "double",
    [
        Person("ada2", "Ada again", "a", {Capacity.ISSUER: MP261}),
        Person("ada2", "For Ada", "x", {Capacity.ISSUER: MP261}, delegate_of="ada"),
        Person("ada2", "For her delegate", "y", {Capacity.ISSUER: MP261}, delegate_of="ada3"),
    ],
    ids=["second account", "delegate", "delegate of a delegate"],
)
def test_a_second_account_is_no_second_person(double):
    people = PEOPLE | {"ada2": double, "ada3": Person("ada3", "For Ada", "z", delegate_of="ada")}
    assert codes(approval(), wanted(operator="ada2"), people=people) == ["separation_of_duties"]
    assert codes(approval(requested_by="ada2"), wanted(requester="sue"), people=people) == []
    assert "separation_of_duties" in codes(approval(requested_by="ada2"), wanted(operator="ada"), people=people)


@pytest.mark.parametrize(("dcc", "listed", "decided", "viewed"), list(product((True, False), repeat=4)))
def test_sixteen_combinations(dcc, listed, decided, viewed):
    """One of sixteen passes, and each limb that is missing is named. Whether it is the DCC is told by the party."""
    role = ACB if listed else SUPPLIER
    given = approval(
        ApprovalKind.KEY_REUSE,
        scope=replace(REUSE, roles=frozenset({role})),
        decision=DECISION if decided else None,
        ssc_view=VIEW if viewed else replace(VIEW, date=SOME_DAY + DAY),
    )
    found = set(codes(given, wanted(ApprovalKind.KEY_REUSE, role=role)))
    expected = set()
    if not listed:
        expected.add("approval_scope_role")
    if not decided:
        expected.add("approval_not_decided")
    if decided and not viewed:
        expected.add("ssc_view_after_decision")
    assert found == expected
    assert (dcc and not found) == (dcc and listed and decided and viewed)


def test_states_over_time():
    given = approval(withdrawn_at=NOW + 10 * DAY)
    at = given.state_at
    assert at(NOW) is ApprovalState.APPROVED
    assert at(NOW, uses=1) is ApprovalState.EXHAUSTED
    assert at(NOW + 10 * DAY) is ApprovalState.WITHDRAWN
    assert approval().state_at(NOW + 31 * DAY) is ApprovalState.EXPIRED
    assert approval(void_since=NOW).state_at(NOW) is ApprovalState.WITHDRAWN
    assert approval(decision=None).state_at(NOW) is ApprovalState.SSC_CONSULTED
    assert approval(decision=None, ssc_view=None).state_at(NOW) is ApprovalState.DRAFT
    assert approval(decision=replace(DECISION, approved=False)).state_at(NOW) is ApprovalState.REJECTED


@pytest.mark.parametrize(
    ("kind", "scope", "codes_found"),
    [
        (ApprovalKind.VALIDITY, SCOPE, []),
        (ApprovalKind.VALIDITY, replace(SCOPE, roles=frozenset({SUPPLIER})), []),
        (ApprovalKind.VALIDITY, replace(SCOPE, roles=frozenset()), ["approval_scope_role"]),
        (ApprovalKind.VALIDITY, replace(SCOPE, years=None), ["approval_scope_validity"]),
        (ApprovalKind.VALIDITY, replace(SCOPE, not_after=ENDS), ["approval_scope_validity"]),
        (ApprovalKind.VALIDITY, replace(SCOPE, years=None, not_after=ENDS), []),
        (ApprovalKind.KEY_REUSE, REUSE, []),
        (ApprovalKind.KEY_REUSE, replace(REUSE, roles=LISTED), []),
        (ApprovalKind.KEY_REUSE, replace(REUSE, roles=LISTED | {SUPPLIER}), ["approval_scope_role"]),
        (ApprovalKind.KEY_REUSE, replace(REUSE, keys=frozenset()), ["approval_scope_key"]),
        (ApprovalKind.KEY_REUSE, replace(REUSE, years=17), ["approval_scope_validity"]),
        (ApprovalKind.RECOVERY_USE, replace(REUSE, keys=frozenset()), []),
    ],
)
def test_what_a_scope_has_to_say(kind, scope, codes_found):
    assert [each.code for each in scope_findings(kind, scope)] == codes_found


@pytest.mark.parametrize("role", sorted(RemotePartyRole))
def test_the_listed_roles_are_four(role):
    assert (role in LISTED) == (role in {1, 4, 5, 6})


scopes = st.builds(
    Scope,
    roles=st.frozensets(st.sampled_from(sorted(RemotePartyRole)), max_size=4),
    subjects=st.frozensets(st.binary(min_size=8, max_size=8).map(Eui64), max_size=2),
    key_usages=st.frozensets(st.sampled_from([DS, KA])),
    keys=st.frozensets(st.sampled_from([KEY, OTHER_KEY])),
    requests=st.frozensets(st.sampled_from([REQUEST, OTHER_REQUEST])),
    years=st.none() | st.integers(1, 50),
    not_after=st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    exact=st.booleans(),
    purpose=st.text(max_size=5),
    max_certificates=st.integers(1, 9),
)
wants = st.builds(
    Wanted,
    kind=st.sampled_from(list(ApprovalKind)),
    role=st.sampled_from(sorted(RemotePartyRole)),
    subject=st.sampled_from([ENTITY, Eui64(bytes(8))]),
    key_usage=st.sampled_from([DS, KA]),
    key=st.sampled_from([KEY, OTHER_KEY]),
    request=st.sampled_from([REQUEST, OTHER_REQUEST]),
    not_before=st.just(NOW),
    not_after=st.integers(1, 30).map(lambda years: last_moment(NOW, years)),
    purpose=st.sampled_from(["", "pack"]),
    requester=st.just("ada"),
    operator=st.just("ian"),
)


@given(scopes)
def test_a_scope_reads_back(scope):
    assert read_scope(scope_json(scope)) == scope


@given(scopes, scopes, wants, st.integers(0, 9))
def test_an_approval_never_widens(scope, other, want, uses):
    """Whatever a narrower scope covers, the wider one does too; so nothing is covered that was not approved."""
    narrow = replace(
        scope,
        roles=scope.roles & other.roles,
        subjects=scope.subjects or other.subjects,
        key_usages=(scope.key_usages & other.key_usages) or scope.key_usages,
        keys=(scope.keys & other.keys) or scope.keys,
        requests=(scope.requests & other.requests) or scope.requests,
        max_certificates=min(scope.max_certificates, other.max_certificates),
    )
    if not codes(approval(want.kind, scope=narrow), want, uses=uses):
        assert codes(approval(want.kind, scope=scope), want, uses=uses) == []
        assert want.role in scope.roles
        assert uses < scope.max_certificates
        assert not scope.requests or want.request in scope.requests
        if want.kind is ApprovalKind.KEY_REUSE:
            assert want.role in LISTED
            assert want.key in scope.keys


@given(wants, st.sampled_from([None, "decision", "ssc_view", "considered", "approved", "late"]), st.booleans())
def test_nothing_is_covered_without_a_view_and_a_considered_decision(want, broken, same):
    scope = replace(REUSE, years=17, exact=False, requests=frozenset(), keys=frozenset({KEY, OTHER_KEY}))
    decision = replace(
        DECISION, approved=broken != "approved", considered=broken != "considered", decided_by="ada" if same else "pat"
    )
    given = approval(
        want.kind,
        scope=replace(scope, roles=frozenset(RemotePartyRole)),
        decision=None if broken == "decision" else decision,
        ssc_view=None if broken == "ssc_view" else replace(VIEW, date=SOME_DAY + DAY * (broken == "late")),
    )
    if not codes(given, want):
        assert broken is None
        assert not same
