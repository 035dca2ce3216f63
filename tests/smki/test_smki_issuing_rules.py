"""The checks C1 to C11 by their facts alone: rows C and V of the hostile inputs, who may subscribe, the periods."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authority_world import BROKER, DS, GAS_NETWORK, KA, SUPPLIER, p256, point, signing
from smki.issuing_facts import (
    ACB,
    BEFORE,
    DCC,
    FOUNDED,
    GAS,
    ISSUER,
    NOW,
    PEOPLE,
    ROLE,
    SUPPLIES,
    all_findings,
    application,
    approval,
    cited,
    codes,
    facts,
    found,
    holder,
    of_gas,
    of_supplier,
    person,
)
from trustcell import certs
from trustcell.governance.rules.approvals import ApprovalKind
from trustcell.governance.rules.parties import Capacity, PartyKind
from trustcell.smki.rules.appendix_b_6_3_2 import last_second, period
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.smki.rules.checks import CHECKS, CheckVerdict, judge
from trustcell.smki.rules.exceptions import used
from trustcell.smki.rules.facts import PendingUse
from trustcell.smki.rules.records import Family
from trustcell.vocab import Eui64, Severity

DAY = timedelta(days=1)
OTHER_ENTITY = Eui64.parse("90-B3-D5-1F-30-09-00-00")
REUSE = "key_reuse_not_approved"


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_plain_request_meets_every_check():
    checked = judge(application(), facts(operator=PEOPLE["ian"], serial=0x10 << 120))
    assert [each.check.name for each in checked] == [f"C{number}" for number in range(1, 12)]
    assert {each.verdict for each in checked} == {CheckVerdict.MET}
    assert not [finding for each in checked for finding in each.findings]


def test_the_serial_is_judged_at_issue():
    verdicts = {each.check.name: each.verdict for each in judge(application(), facts())}
    assert verdicts.pop("C10") is CheckVerdict.LATER
    assert set(verdicts.values()) == {CheckVerdict.MET}


def test_each_check_names_its_clause_and_has_facts():
    for each in judge(application(), facts(operator=PEOPLE["ian"], serial=0x10 << 120)):
        assert each.check.clause
        assert each.facts, each.check.name
        assert each.as_json()["facts"] == dict(each.facts)
    assert len({check.name for check in CHECKS}) == 11


# C5, C6: the key


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"not_after": FOUNDED + DAY},
        {"revoked_at": NOW - DAY, "revocation_reason": 4},
        {"accepted": False, "revoked_at": NOW - DAY},
        {"lodged_at": None},
        {"imported": True, "issuer": "Z1"},
    ],
    ids=["valid", "expired", "revoked", "rejected", "pending", "imported"],
)
def test_a_key_in_an_organisation_certificate_of_any_status_is_in_use(change):
    asked = application(ROLE.SUPPLIER, SUPPLIER)
    held = holder(asked, **change)
    first = all_findings(asked, of_supplier(holders=(held,)))[0]
    assert (first.code, first.clause) == ("public_key_in_use", "SEC L11.4(b)")
    assert first.facts == {"issuer": held.issuer, "serial": f"{held.serial:032X}"}


def test_a_key_that_is_about_to_stand_in_a_certificate_is_in_use():
    asked = application()
    pending = PendingUse("T1", 0x22 << 120, "another request")
    assert "public_key_in_use" in codes(asked, facts(pending=(pending,)))
    assert codes(asked, facts(pending=(replace(pending, request=asked.name),))) == []


LIMBS = {"dcc": "SEC L11.4A", "listed": "SEC L11.4B(b)", "approved": "SEC L11.4B(a)", "in time": "SEC L11.4B(a)"}


@pytest.mark.parametrize("dcc", [True, False])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("decided", [True, False])
@pytest.mark.parametrize("in_time", [True, False])
def test_of_sixteen_combinations_one_issues_and_the_others_name_their_limbs(dcc, listed, decided, in_time):
    role = ACB if listed else ROLE.OTHER
    party = replace(DCC if dcc else SUPPLIES, entities={BROKER: frozenset({role})})
    asked = application(role, BROKER, approvals=("A1",))
    given = approval(asked, view=timedelta(0) if in_time else DAY, decided=decided)
    known = facts(
        party=party, requester=PEOPLE["ada" if dcc else "sam"], holders=(holder(asked),), approvals=cited(given)
    )
    missing = {
        limb
        for limb, held in zip(LIMBS.values(), (dcc, listed, decided, in_time or not decided), strict=True)
        if not held
    }
    told = {clause for code, clause in found(asked, known) if code == REUSE}
    # An unlisted role is in nobody's scope, so no approval can cover it either.
    assert told == missing | ({"SEC L11.4B(a)"} if not listed else set())
    assert bool(told) == bool(codes(asked, known))
    assert not told or codes(asked, known).count("public_key_in_use") == 1


def test_the_late_view_is_said_to_be_late():
    asked = application()
    late = approval(asked, view=DAY)
    assert ("ssc_view_after_decision", "SEC L11.4B(a)") in found(
        asked, facts(holders=(holder(asked),), approvals=cited(late))
    )


def test_before_mp261_there_is_no_exception_and_the_day_decides():
    asked = application()
    given = approval(asked)
    given = replace(given, effective_from=FOUNDED, decision=replace(given.decision, date=FOUNDED))
    given = replace(given, ssc_view=replace(given.ssc_view, date=FOUNDED))
    known = {"holders": (holder(asked),), "approvals": cited(given)}
    before = found(asked, facts(BEFORE, **known))
    assert before == [("public_key_in_use", "SEC L11.4(b)"), (REUSE, "SEC L11.4(b)")]
    [told] = [each for each in all_findings(asked, facts(BEFORE, **known)) if each.code == REUSE]
    assert "2024-02-28: MP128A" in told.message
    # V6: an approval that is older than the modification does not become one by waiting.
    assert "approval_before_modification" in codes(asked, facts(NOW, **known))
    assert codes(asked, facts(NOW, holders=known["holders"], approvals=cited(approval(asked)))) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"key_usage": KA}, "DS and KA"),
        ({"role": ROLE.RECOVERY}, "another role"),
        ({"entity_id": OTHER_ENTITY}, "another EUI-64"),
        ({"kind": "issuing OCA"}, "an OCA Certificate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_existing_certificate_is_of_the_same_role_subject_and_usage(change, what):
    asked = application()
    known = facts(holders=(holder(asked, **change),), approvals=cited(approval(asked)))
    assert (REUSE, "SEC L11.4A") in found(asked, known), what
    assert "public_key_in_use" in codes(asked, known)


@pytest.mark.parametrize("reason", [1, 2])
def test_a_key_revoked_for_compromise_stays_barred_whatever_is_approved(reason):
    asked = application()
    held = holder(asked, revoked_at=NOW - DAY, revocation_reason=reason)
    known = facts(holders=(holder(asked, 0x11 << 120), held), approvals=cited(approval(asked)))
    assert found(asked, known) == [("public_key_barred", "SEC Appendix B 4.9.1(A)(i)")]


def test_a_barred_key_is_refused_although_no_certificate_holds_it():
    assert codes(application(), facts(barred="found on a web page")) == ["public_key_barred"]


def test_a_compromised_device_key_is_barred_here_too():
    asked = application()
    held = holder(asked, family=Family.DEVICE, revoked_at=NOW - DAY, revocation_reason=1)
    assert "public_key_barred" in codes(asked, facts(holders=(held,)))


@pytest.mark.parametrize("family", [Family.DEVICE, Family.IKI])
def test_a_key_of_another_family_is_a_warning_on_record(family):
    asked = application()
    checked = judge(asked, facts(holders=(holder(asked, family=family, kind="device"),)))
    [warning] = [each for one in checked for each in one.findings]
    assert (warning.code, warning.severity) == ("public_key_in_other_family", Severity.WARNING)
    assert {each.verdict for each in checked} == {CheckVerdict.MET, CheckVerdict.LATER}


# Approvals: rows V, A3 to A5


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires": NOW - DAY}, "approval_expired"),
        ({"withdrawn_at": NOW - DAY}, "approval_withdrawn"),
        ({"effective_from": NOW + DAY}, "approval_not_yet_effective"),
        ({"void_since": NOW - DAY}, "approval_void"),
        ({"ssc_view": None}, "ssc_view_missing"),
        ({"requested_by": "pat"}, "separation_of_duties"),
    ],
)
def test_an_approval_that_does_not_hold_is_named_with_the_reason(change, code):
    asked = application()
    known = facts(holders=(holder(asked),), approvals=cited(replace(approval(asked), **change)))
    assert [each for each in codes(asked, known) if each != "public_key_in_use"] == [REUSE, code]


def test_an_approval_used_up_is_refused_by_name():
    asked = application()
    known = facts(holders=(holder(asked),), approvals=cited(approval(asked, max_certificates=2), uses=2))
    [told] = [each for each in all_findings(asked, known) if each.code == "approval_used_up"]
    assert "A1" in told.message
    fits = facts(holders=(holder(asked),), approvals=cited(approval(asked, max_certificates=2), uses=1))
    assert codes(asked, fits) == []


def test_an_approval_is_for_the_very_request_it_names():
    asked, other = application(), application(purpose="another pack")
    known = facts(holders=(holder(asked),), approvals=cited(approval(other)))
    assert "approval_digest_mismatch" in codes(asked, known)
    unbound = facts(holders=(holder(asked),), approvals=cited(approval(asked, requests=frozenset())))
    assert "approval_digest_mismatch" in codes(asked, unbound)
    loose = replace(unbound, environment=replace(unbound.environment, approvals_bind_requests=False))
    assert codes(asked, loose) == []


def test_an_approval_for_another_key_does_not_cover():
    asked = application()
    known = facts(holders=(holder(asked),), approvals=cited(approval(asked, keys=frozenset({"0" * 64}))))
    assert codes(asked, known) == ["public_key_in_use", REUSE, "approval_scope_key"]


def test_an_approval_that_nobody_knows_is_said_to_be_missing():
    from trustcell.smki.rules.facts import Cited

    asked = application()
    known = facts(holders=(holder(asked),), approvals=(Cited("A9", None),))
    assert "approval_not_found" in codes(asked, known)


def test_one_that_is_not_needed_is_not_counted():
    asked = application()
    known = facts(approvals=cited(approval(asked)))
    assert codes(asked, known) == []
    assert used(asked, known) == ()


@pytest.mark.parametrize("given", [ApprovalKind.KEY_REUSE, ApprovalKind.VALIDITY, None])
def test_a_longer_period_over_a_repeated_key_needs_both_and_names_the_other(given):
    asked = application(years=17)
    both = {
        ApprovalKind.KEY_REUSE: approval(asked, name="reuse"),
        ApprovalKind.VALIDITY: approval(asked, ApprovalKind.VALIDITY, "longer", years=17),
    }
    chosen = both.values() if given is None else [both[given]]
    known = facts(holders=(holder(asked),), approvals=cited(*chosen))
    missing = {ApprovalKind.KEY_REUSE: ["validity_not_approved"], ApprovalKind.VALIDITY: ["public_key_in_use", REUSE]}
    assert codes(asked, known) == missing.get(given, [])
    if given is None:
        assert [each.name for each in used(asked, known)] == ["reuse", "longer"]


@pytest.mark.parametrize(
    ("account", "more"),
    [
        ("ada", {}),
        ("ada-2", {"identity": "ada"}),
        ("deputy", {"delegate_of": "ada"}),
    ],
)
def test_who_asks_does_not_issue_by_any_account(account, more):
    operator = person(account, Capacity.ISSUER, **more)
    people = {**PEOPLE, account: operator} if account != "ada" else PEOPLE
    known = facts(operator=people[account], people=people, serial=0x10 << 120)
    assert codes(application(), known) == ["separation_of_duties"]


def test_who_decides_does_not_issue():
    asked = application()
    known = facts(
        holders=(holder(asked),), approvals=cited(approval(asked)), operator=PEOPLE["pat"], serial=0x10 << 120
    )
    assert "separation_of_duties" in codes(asked, known)


# C7, C8: the period


def test_ten_calendar_years_less_one_second():
    asked = application()
    assert period(asked, facts()).not_after == utc(2034, 3, 5, 11, 59, 59)


@pytest.mark.parametrize(
    ("begin", "years", "end"),
    [
        (utc(2015, 10, 29), 25, utc(2040, 10, 28, 23, 59, 59)),
        (utc(2016, 10, 19), 10, utc(2026, 10, 18, 23, 59, 59)),
        (utc(2024, 2, 29), 10, utc(2034, 2, 27, 23, 59, 59)),
        (utc(2024, 2, 29), 4, utc(2028, 2, 28, 23, 59, 59)),
        (utc(2024, 2, 29, 12), 1, utc(2025, 2, 28, 11, 59, 59)),
        (utc(2024, 12, 31, 23, 59, 59), 10, utc(2034, 12, 31, 23, 59, 58)),
        (utc(2049, 1, 1), 10, utc(2058, 12, 31, 23, 59, 59)),
        (utc(9995, 1, 1), 10, utc(9999, 12, 31, 23, 59, 59)),
    ],
)
def test_calendar_years_end_a_second_before_the_anniversary(begin, years, end):
    assert last_second(begin, years) == end


def test_a_leap_day_begins_ten_years_without_an_approval():
    assert codes(application(not_before=utc(2028, 2, 29)), facts()) == []


@pytest.mark.parametrize(
    "ask",
    [
        {"not_before": NOW, "not_after": utc(2034, 3, 6, 11, 59, 59)},
        {"not_before": NOW, "not_after": utc(2034, 3, 5, 12)},
        {"years": 17},
        {"years": 9},
    ],
    ids=["a day more", "a second more", "17 years", "shorter"],
)
def test_another_duration_needs_an_approval(ask):
    assert found(application(**ask), facts()) == [("validity_not_approved", "SEC Appendix B 6.3.2(A)(i)")]


def test_the_ten_years_may_be_asked_for_by_their_end():
    assert codes(application(not_before=NOW, not_after=utc(2034, 3, 5, 11, 59, 59)), facts()) == []


def test_before_mp261_only_ten_years_whatever_is_approved():
    asked = application(years=17, not_before=BEFORE)
    known = facts(BEFORE, approvals=cited(approval(asked, ApprovalKind.VALIDITY, years=17)))
    [told] = all_findings(asked, known)
    assert (told.code, told.clause) == ("validity_not_approved", "SEC Appendix B 6.3.2(A)(i)")
    assert "2024-02-28: MP128A" in told.message


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("ask", "fits_exact", "fits_most"),
    [
        ({"years": 17}, True, True),
        ({"years": 16}, False, True),
        ({"years": 18}, False, False),
        ({"not_before": NOW, "not_after": utc(2041, 3, 5, 12)}, False, False),
    ],
    ids=["17", "16", "18", "17 and a second"],
)
def test_seventeen_years_by_the_wording_of_the_approval(exact, ask, fits_exact, fits_most):
    asked = application(**ask)
    known = facts(approvals=cited(approval(asked, ApprovalKind.VALIDITY, years=17, exact=exact)))
    told = codes(asked, known)
    fits = fits_exact if exact else fits_most
    assert told == ([] if fits else ["validity_not_approved", "approval_scope_validity"]) or (
        "years" in ask and ask["years"] == 18 and told[:2] == ["validity_not_approved", "approval_scope_validity"]
    )
    assert bool(told) != fits


def test_seventeen_years_end_with_the_oca_where_less_is_allowed():
    late = NOW + timedelta(days=300)
    asked = application(years=17)
    given = approval(asked, ApprovalKind.VALIDITY, years=17, exact=False)
    known = facts(late, approvals=cited(given))
    assert codes(asked, known) == []
    assert period(asked, known).not_after == ISSUER.not_after
    exact = facts(late, approvals=cited(replace(given, scope=replace(given.scope, exact=True))))
    assert found(asked, exact) == [("validity_ends_after_issuer", "SEC Appendix B 6.3.2(B)")]


def test_an_end_may_be_approved_instead_of_years():
    asked = application(not_after=ISSUER.not_after)
    given = approval(asked, ApprovalKind.VALIDITY, not_after=ISSUER.not_after)
    assert codes(asked, facts(approvals=cited(given))) == []
    assert period(asked, facts(approvals=cited(given))).not_after == ISSUER.not_after


def test_ten_years_that_outlast_the_oca_are_not_cut():
    late = utc(2031, 9, 1)
    assert codes(application(), facts(late - timedelta(seconds=1))) == []
    assert found(application(), facts(late + timedelta(seconds=1))) == [
        ("validity_ends_after_issuer", "SEC Appendix B 6.3.2(B)")
    ]


def test_a_period_begins_now_or_later():
    tolerance = facts().environment.clock_tolerance
    assert codes(application(not_before=NOW - tolerance), facts()) == []
    too_early = application(not_before=NOW - tolerance - timedelta(seconds=1))
    assert found(too_early, facts()) == [("validity_starts_in_past", "SEC Appendix B 6.3.2(A)(i)")]
    assert codes(application(not_before=NOW + 30 * DAY), facts()) == []


def test_a_period_ends_after_it_begins():
    assert codes(application(not_before=NOW, not_after=NOW - DAY), facts()) == ["validity_reversed"]


@pytest.mark.parametrize(
    "issuer",
    [
        replace(ISSUER, not_after=NOW - timedelta(seconds=1)),
        replace(ISSUER, not_before=NOW + timedelta(seconds=1)),
        replace(ISSUER, revoked_at=NOW - DAY),
    ],
    ids=["a second late", "not yet", "revoked"],
)
def test_no_oca_key_is_used_outside_its_period(issuer):
    assert ("ca_key_period_ended", "SEC Appendix B 6.3.2(C)") in found(application(), facts(issuer=issuer))


def test_the_last_second_of_the_oca_counts():
    told = found(application(), facts(issuer=replace(ISSUER, not_after=NOW)))
    assert told == [("validity_ends_after_issuer", "SEC Appendix B 6.3.2(B)")]


# C4, C9: who may subscribe


@pytest.mark.parametrize("kind", PartyKind)
@pytest.mark.parametrize("user", [True, False])
def test_who_may_subscribe_for_which_role(kind, user):
    allowed = set()
    for role in ROLE:
        party = replace(SUPPLIES, kind=kind, entities={SUPPLIER: frozenset(ROLE)}, user_history=((FOUNDED, user),))
        known = facts(BEFORE, party=party, requester=PEOPLE["sam"])
        if "C4" not in broken(application(role, SUPPLIER), replace(known, rules=known.rules)):
            allowed.add(role)
    users = {ROLE.OTHER, ROLE.XML_SIGN} if user or kind is PartyKind.DCC else set()
    own = {
        PartyKind.DCC: {
            ROLE.RECOVERY,
            ROLE.ACCESS_CONTROL_BROKER,
            ROLE.TRANSITIONAL_COS,
            ROLE.WAN_PROVIDER,
            ROLE.DSP_XML_SIGN,
        },
        PartyKind.SUPPLIER: {ROLE.SUPPLIER},
        PartyKind.GAS_NETWORK: {ROLE.NETWORK_OPERATOR},
        PartyKind.ELECTRICITY_NETWORK: {ROLE.NETWORK_OPERATOR},
        PartyKind.LOAD_CONTROLLER: {ROLE.LOAD_CONTROLLER},
        PartyKind.RDP: {ROLE.RDP_FILE_SIGN},
    }
    assert allowed == own.get(kind, set()) | users


def broken(asked, known):
    return {each.check.name for each in judge(asked, known) if each.verdict is CheckVerdict.NOT_MET}


def test_authorities_come_out_of_ceremonies():
    for role in (ROLE.ROOT, ROLE.ISSUING_AUTHORITY):
        party = replace(DCC, entities={BROKER: frozenset({role})})
        assert codes(application(role), facts(party=party)) == ["role_is_authority"]


def test_a_role_without_a_name_is_not_subscribed_for():
    assert codes(application(0x80), facts()) == ["role_unknown"]


def test_a_role_is_registered_for_the_eui64():
    assert codes(application(ROLE.WAN_PROVIDER), facts()) == ["role_not_registered"]


@pytest.mark.parametrize(
    "known",
    [
        facts(party=None),
        facts(party=SUPPLIES),
        facts(requester=PEOPLE["pat"]),
        facts(requester=None),
        facts(requester=replace(PEOPLE["ada"], withdrawn={Capacity.ARO: NOW - DAY})),
    ],
    ids=["unknown", "another party's", "no ARO", "nobody", "an ARO no more"],
)
def test_an_eui64_that_is_not_ones_own_is_refused_in_one_way(known):
    told = [each for each in all_findings(application(), known) if each.clause == "SEC L3"]
    assert [each.code for each in told] == ["subscriber_not_authorised"]
    assert told[0].message == f"{BROKER} is of no party that this person may act for"


def test_a_party_subscribes_under_the_organisation_policy():
    party = replace(DCC, subscribes=frozenset({"device"}))
    assert codes(application(), facts(party=party)) == ["subscriber_not_authorised"]


def gas(**ask):
    return application(ROLE.NETWORK_OPERATOR, GAS_NETWORK, **ask)


def test_a_gas_network_that_leaves_subscribes_no_more_until_it_stays():
    leaving = replace(GAS, leaving_since=NOW - DAY)
    assert found(gas(), of_gas(leaving)) == [("subscriber_leaving", "SEC Appendix B 4.9.1(A)(iii)")]
    assert codes(gas(), of_gas(GAS)) == []
    assert codes(gas(), of_gas(replace(GAS, leaving_since=NOW + DAY))) == []
    assert codes(gas(), of_gas(replace(GAS, user_history=((FOUNDED, False),)))) == ["subscriber_not_user"]


def test_before_mp128a_a_gas_network_that_leaves_is_not_stopped():
    day = utc(2023, 6, 28, 23, 59, 59)
    leaving = replace(GAS, leaving_since=day - DAY)
    assert codes(gas(), of_gas(leaving, now=day)) == []
    assert codes(gas(), of_gas(leaving, now=day + timedelta(seconds=1))) == ["subscriber_leaving"]


def test_an_electricity_network_is_not_asked():
    leaving = replace(GAS, kind=PartyKind.ELECTRICITY_NETWORK, leaving_since=NOW - DAY)
    assert codes(gas(), of_gas(leaving)) == []


# C1 to C3: the CSR


def test_a_device_csr_is_not_for_an_organisation():
    key = p256("key")
    csr = certs.device_csr(BROKER, DS, point(key), signing(key))
    assert "csr_subject_of_device" in codes(application(csr=csr), facts())


@pytest.mark.parametrize("name", ["", " padded", "tab\tbed", "n" * 65, "\u00e9" * 33])
def test_a_common_name_can_be_printed_and_fits(name):
    key, plain = p256("key"), certs.organisation_name(ACB, BROKER, None).der
    text = name.encode()
    named = wrapped(0x31, wrapped(0x30, b"\x06\x03\x55\x04\x03" + wrapped(0x0C, text)))
    csr = certs.build_csr(wrapped(0x30, named + plain[2:]), point(key), usage_extension(), signing(key))
    assert "csr_subject_common_name" in codes(application(csr=csr), facts())


def wrapped(tag, content):
    """DER of up to 255 octets."""
    length = bytes((len(content),)) if len(content) < 128 else bytes((0x81, len(content)))
    return bytes((tag,)) + length + content


def usage_extension():
    return (bytes.fromhex("300e0603551d0f0101ff040403020780"),)


def test_a_common_name_is_allowed():
    assert codes(application(name="GITTESTSUPPLIER"), facts()) == []


# C10


def test_a_serial_has_sixteen_octets_and_was_never_used():
    known = facts(operator=PEOPLE["ian"], serial=0x7F << 120)
    assert codes(application(), known) == []
    assert codes(application(), replace(known, serial=0x80 << 120)) == ["serial_form"]
    assert codes(application(), replace(known, serial=0x0F << 120)) == ["serial_form"]
    assert codes(application(), replace(known, serial_taken=True)) == ["serial_in_use"]


# Requests


def test_a_request_is_named_by_csr_period_and_purpose_but_not_by_approvals():
    csr = b"csr"
    names = {
        request_name(csr, Ask(years=years, purpose=purpose)) for years, purpose in itertools.product((None, 17), "ab")
    }
    assert len(names) == 4
    assert request_name(csr, Ask(approvals=("A",))) == request_name(csr, Ask())
    assert request_name(b"other", Ask()) != request_name(csr, Ask())


def test_an_ask_survives_its_json():
    ask = Ask(None, NOW, NOW + DAY, ("A", "B"), "pack")
    assert Ask.from_json(ask.as_json()) == ask


@pytest.mark.parametrize(
    "wrong",
    [
        {"years": 17, "not_after": NOW},
        {"years": 0},
        {"not_before": datetime(2024, 1, 1)},
        {"not_before": NOW.replace(microsecond=1)},
        {"approvals": ("A", "A")},
        {"approvals": tuple(map(str, range(17)))},
        {"purpose": "p" * 201},
        {"purpose": "line\nbreak"},
    ],
)
def test_an_ask_cannot_contradict_itself(wrong):
    with pytest.raises(ValueError):
        Ask(**wrong)
