"""Who may ask for what, what bars a key, what falls with it, and what stands on the next list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from smki.revocation_records import LEAVING_GAS, NOW, PARTIES, PEOPLE, ask, authority, facts, key, person, record
from trustcell import certs
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.rules.cascade import Fate, cascade
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.lists import DueReason, ListKind, due, entries, number_findings, running_time, still_listed
from trustcell.smki.rules.records import Family, IntentRecord, ListRecord, Revoked
from trustcell.smki.rules.revocation import (
    CA_COMPROMISE,
    CESSATION,
    GROUNDS,
    KEY_COMPROMISE,
    PRIVILEGE_WITHDRAWN,
    SUPERSEDED,
    Circumstance,
    RevocationAsk,
    Standing,
    bars,
    decision_findings,
    proof_challenge,
    reason_of,
    request_findings,
    standing,
)
from trustcell.vocab import Finding, KeyUsage

LIVE = Environment("test", "Test", datetime(2016, 1, 1, tzinfo=UTC))
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def codes(findings: list[Finding]) -> list[str]:
    return [each.code for each in findings]


def proof(number: int, over: int | None = None, environment: str = "test") -> bytes:
    octets = proof_challenge(environment, record(over if over is not None else number).key)
    return key(number).sign(octets, ec.ECDSA(hashes.SHA256()))


# who may ask: (circumstance, asker) -> allowed
MAY_ASK = {
    Circumstance.COMPROMISE: {"gwen", "ada", "pat"},
    Circumstance.NOT_ELIGIBLE: {"gwen", "ada", "pat"},
    Circumstance.NOT_A_USER: {"gwen", "ada"},
    Circumstance.REJECTED: {"gwen", "ada"},
    Circumstance.PMA_DIRECTION: {"pat"},
    Circumstance.ERROR: {"ada", "pat"},
}


@pytest.mark.parametrize("asker", sorted(PEOPLE))
@pytest.mark.parametrize("circumstance", list(Circumstance))
def test_who_may_ask_for_what(circumstance, asker):
    known = facts(asker, record(accepted=False), subscriber=LEAVING_GAS)
    found = request_findings(ask(circumstance, reference="minute 7"), known)
    assert codes(found) == ([] if asker in MAY_ASK[circumstance] else ["revocation_not_authorised"])


def test_every_circumstance_has_its_row_and_reasons_that_can_be_written():
    assert set(GROUNDS) == set(Circumstance) == set(MAY_ASK)
    for ground in GROUNDS.values():
        for reason in ground.reasons:
            certs.encode_crl_entry(1, NOW, reason)


def test_a_refusal_names_who_may_ask():
    (found,) = request_findings(ask(), facts("sam"))
    assert found.clause == "SEC Appendix B 4.9.2"
    assert found.remedy == "asked by an ARO of gas, an ARO of the DCC, the SMKI PMA"


def test_a_capacity_that_was_withdrawn_asks_for_nothing():
    gwen = replace(PEOPLE["gwen"], withdrawn={Capacity.ARO: NOW - DAY})
    assert codes(request_findings(ask(), facts(gwen))) == ["revocation_not_authorised"]


@pytest.mark.parametrize(("day", "expected"), [(28, ["circumstance_not_in_force"]), (29, [])])
def test_not_a_user_came_with_mp128a(day, expected):
    at = datetime(2023, 6, day, tzinfo=UTC)
    found = request_findings(
        ask(Circumstance.NOT_A_USER), facts("gwen", subscriber=LEAVING_GAS, rules=rule_set(at), now=at)
    )
    assert codes(found) == expected
    if found:
        assert "2023-06-28: none" in found[0].message
        assert found[0].clause == "SEC Appendix B 4.9.1(A)(iii)"


def test_not_a_user_needs_a_notice_that_stands():
    assert codes(request_findings(ask(Circumstance.NOT_A_USER), facts("gwen"))) == ["notice_missing"]
    gone = facts("ada", subscriber=None)
    assert codes(request_findings(ask(Circumstance.NOT_A_USER), gone)) == ["notice_missing"]


@pytest.mark.parametrize("accepted", [None, True])
def test_only_a_rejected_certificate_is_revoked_as_rejected(accepted):
    found = request_findings(ask(Circumstance.REJECTED), facts("gwen", record(accepted=accepted)))
    assert codes(found) == ["certificate_not_rejected"]


def test_a_direction_cites_its_minute():
    assert codes(request_findings(ask(Circumstance.PMA_DIRECTION), facts("pat"))) == ["reference_missing"]
    assert codes(request_findings(ask(Circumstance.ERROR, reference=" "), facts("ada"))) == ["reference_missing"]


def test_an_explanation_is_given():
    assert codes(request_findings(ask(explanation=" "), facts("gwen"))) == ["explanation_missing"]


@pytest.mark.parametrize(
    ("circumstance", "reason", "expected"),
    [
        (Circumstance.COMPROMISE, KEY_COMPROMISE, []),
        (Circumstance.COMPROMISE, SUPERSEDED, ["reason_not_allowed"]),
        (Circumstance.NOT_ELIGIBLE, KEY_COMPROMISE, ["reason_not_allowed"]),
        (Circumstance.PMA_DIRECTION, SUPERSEDED, []),
        (Circumstance.PMA_DIRECTION, KEY_COMPROMISE, ["reason_not_allowed"]),
        (Circumstance.PMA_DIRECTION, 6, ["reason_not_allowed"]),
        (Circumstance.PMA_DIRECTION, 7, ["reason_not_allowed"]),
    ],
)
def test_reasons_fit_the_circumstance(circumstance, reason, expected):
    known = facts("pat", subscriber=LEAVING_GAS)
    assert codes(request_findings(ask(circumstance, reference="m", reason=reason), known)) == expected


def test_reasons_that_are_written():
    plain, ca = record(), authority()
    assert reason_of(ask(), plain) == KEY_COMPROMISE
    assert reason_of(ask(), ca) == CA_COMPROMISE
    assert reason_of(ask(Circumstance.NOT_ELIGIBLE), plain) == PRIVILEGE_WITHDRAWN
    assert reason_of(ask(Circumstance.NOT_A_USER), plain) == CESSATION
    assert reason_of(ask(Circumstance.REJECTED), plain) is None
    assert reason_of(ask(Circumstance.PMA_DIRECTION, reason=SUPERSEDED), plain) == SUPERSEDED


def test_device_certificates_are_not_revoked_unless_configured():
    device = replace(record(), family=Family.DEVICE)
    assert codes(request_findings(ask(), facts("gwen", device))) == ["certificate_not_revocable"]
    assert request_findings(ask(), facts("gwen", device, device_certificates_revocable=True)) == []


def test_an_imported_certificate_is_revoked_by_its_authority():
    found = request_findings(ask(), facts("gwen", record(imported=True)))
    assert codes(found) == ["certificate_of_another_authority"]


def test_a_root_is_on_no_list_but_an_issuing_authority_is():
    assert codes(request_findings(ask(), facts("ada", authority(root=True)))) == ["root_not_revocable"]
    assert request_findings(ask(), facts("ada", authority())) == []


def test_nothing_is_revoked_twice():
    gone = record(revoked_at=NOW - DAY, revocation_circumstance="4.9.1(A)(ii)")
    (found,) = request_findings(ask(), facts("gwen", gone))
    assert found.code == "certificate_already_revoked"
    assert found.facts == {"circumstance": "4.9.1(A)(ii)"}
    assert found.message == "T1/1007 was revoked at 2024-02-29T12:00:00Z"


def test_a_proof_is_still_taken_for_a_revoked_certificate_whose_key_is_free():
    gone = record(revoked_at=NOW - DAY)
    assert request_findings(ask(proof=proof(7)), facts("gwen", gone)) == []
    known = facts("gwen", gone, barred="already")
    assert codes(request_findings(ask(proof=proof(7)), known)) == ["certificate_already_revoked"]


def test_a_proof_is_taken_for_the_key_of_a_device():
    device = replace(record(), family=Family.DEVICE)
    assert request_findings(ask(proof=proof(7)), facts("gwen", device)) == []


@pytest.mark.parametrize(
    ("asker", "changes", "expected"),
    [
        ("gwen", {}, Standing.CLAIMED),
        ("gwen", {"reference": "police report"}, Standing.CLAIMED),
        ("gwen", {"proof": proof(7)}, Standing.PROVEN),
        ("ada", {}, Standing.CLAIMED),
        ("ada", {"reference": "investigation 3"}, Standing.FOUND),
        ("pat", {"reference": "minute 9"}, Standing.FOUND),
        ("gwen", {"circumstance": Circumstance.NOT_ELIGIBLE}, None),
    ],
)
def test_a_claim_revokes_and_only_proof_or_finding_bars(asker, changes, expected):
    how = standing(ask(**changes), facts(asker))
    assert how == expected
    assert bars(how) == (expected in (Standing.PROVEN, Standing.FOUND))


@pytest.mark.parametrize(
    "wrong",
    [proof(8, over=7), proof(7, over=8), proof(7, environment="other"), b"\x00", proof(7)[:-1] + b"\x00"],
    ids=["other key", "other serial", "other environment", "an octet", "changed at its end"],
)
def test_a_wrong_proof_is_refused(wrong):
    found = request_findings(ask(proof=wrong), facts("gwen"))
    assert codes(found) == ["proof_wrong"]
    assert standing(ask(proof=wrong), facts("gwen")) is Standing.CLAIMED


def test_a_proof_of_something_else_is_refused():
    found = request_findings(ask(Circumstance.NOT_ELIGIBLE, proof=proof(7)), facts("gwen"))
    assert codes(found) == ["proof_unasked"]


def test_the_proof_is_not_shown():
    assert "proof" not in repr(ask(proof=b"secret"))


def test_an_ask_reads_back():
    made = ask(Circumstance.PMA_DIRECTION, reference="m", reason=4, proof=b"\x01\x02")
    assert RevocationAsk.from_body(made.body()) == made
    assert made.body()["certificate"] == "T1/1007"


def test_who_asks_does_not_revoke():
    for revoker, expected in (
        (PEOPLE["ian"], []),
        (PEOPLE["gwen"], ["separation_of_duties"]),
        (person("gwen2", Capacity.ISSUER, identity="gwen"), ["separation_of_duties"]),
        (person("dora", Capacity.ISSUER, delegate_of="gwen"), ["separation_of_duties"]),
    ):
        assert codes(decision_findings(ask(), facts("gwen"), Standing.CLAIMED, revoker)) == expected


def test_a_decision_looks_again_at_the_ground_but_not_at_the_asker():
    gwen = replace(PEOPLE["gwen"], withdrawn={Capacity.ARO: NOW - DAY})
    assert decision_findings(ask(), facts(gwen), Standing.CLAIMED, PEOPLE["ian"]) == []
    withdrawn = facts("gwen")  # the notice stands no more
    found = decision_findings(ask(Circumstance.NOT_A_USER), withdrawn, None, PEOPLE["ian"])
    assert codes(found) == ["notice_missing"]


def test_a_compromise_takes_everything_over_the_key_with_it():
    named = record(purpose="pack 2016")
    twin = record(serial=0x2000, not_after=datetime(2041, 2, 28, 23, 59, 59, tzinfo=UTC), purpose="pack 2024")
    expired = record(serial=0x2001, not_after=NOW - DAY)
    gone = record(serial=0x2002, revoked_at=NOW - DAY, revocation_reason=SUPERSEDED)
    device = replace(record(serial=0x2003), family=Family.DEVICE, purpose="batch 4")
    same = [gone, named, twin, expired, device]
    found = cascade(ask(), named, same, Standing.CLAIMED, NOW, device_certificates_revocable=False)
    fates = {each.record.serial: each.fate for each in found.fallen}
    assert fates == {
        0x1007: Fate.REVOKED, 0x2000: Fate.REVOKED, 0x2001: Fate.REVOKED,
        0x2002: Fate.WAS_REVOKED, 0x2003: Fate.NOT_REVOCABLE,
    }  # fmt: skip
    assert all((each.revoked_at, each.revocation_reason) == (NOW, KEY_COMPROMISE) for each in found.revoked)
    assert {each.record.revocation_reason for each in found.fallen if each.fate is Fate.WAS_REVOKED} == {SUPERSEDED}
    told = found.as_json()
    assert told["uses"] == ["batch 4", "pack 2016", "pack 2024"]
    assert told["certificates"][0]["certificate"] == "T1/1007"
    with_devices = cascade(ask(), named, same, Standing.CLAIMED, NOW, device_certificates_revocable=True)
    assert 0x2003 in {each.serial for each in with_devices.revoked}


@pytest.mark.parametrize("circumstance", [each for each in Circumstance if each is not Circumstance.COMPROMISE])
def test_other_circumstances_take_the_named_one_only(circumstance):
    named, twin = record(), record(serial=0x2000)
    found = cascade(ask(circumstance), named, [named, twin], None, NOW, device_certificates_revocable=False)
    assert [each.serial for each in found.revoked] == [0x1007]


# lists


def test_an_entry_stays_until_one_list_was_made_after_the_end():
    end, before = NOW, NOW - DAY
    assert still_listed(end, before, None)
    assert still_listed(end, before, NOW - SECOND)
    assert still_listed(end, before, NOW)
    assert not still_listed(end, before, NOW + SECOND)


def test_what_was_revoked_after_its_end_is_on_one_list():
    end, revoked = NOW - DAY, NOW
    assert still_listed(end, revoked, NOW - HOUR)
    assert still_listed(end, revoked, NOW)
    assert not still_listed(end, revoked, NOW + SECOND)


def test_entries_are_in_order_and_name_what_was_abandoned():
    first = Revoked(record(1).serial, NOW - DAY, KEY_COMPROMISE, record(1).not_after)
    second = Revoked(record(2).serial, NOW - DAY, None, record(2).not_after)
    over = Revoked(record(3).serial, NOW - 4 * DAY, None, NOW - 3 * DAY)
    lost, ended = record(4), record(3, not_after=NOW - 3 * DAY)
    intent = IntentRecord("T1", lost.serial, "r", b"", lost.der, NOW - 2 * DAY, "abandoned")
    stale = IntentRecord("T1", 5, "r", b"", ended.der, NOW - 4 * DAY, "abandoned")
    found = entries([second, first, over], [intent, stale], NOW - 2 * DAY)
    assert [(each.serial, each.reason) for each in found] == [
        (lost.serial, SUPERSEDED), (first.serial, KEY_COMPROMISE), (second.serial, None),
    ]  # fmt: skip
    assert len(entries([over], [stale], None)) == 2


def served(number: int = 4, at: datetime = NOW, period: timedelta = 2 * DAY) -> ListRecord:
    return ListRecord("T1", number, at, at + period, b"", True)


def test_a_list_is_due():
    def of(now, last=None, newest=None, unlisted=None, kind=ListKind.CRL):
        found = due(kind, LIVE, last, newest or last, unlisted, now)
        return found and (found.reason, found.by, found.late)

    assert of(NOW) == (DueReason.NONE_YET, NOW, False)
    assert of(NOW + 12 * HOUR - SECOND, served()) is None
    assert of(NOW + 12 * HOUR, served()) == (DueReason.REISSUE, NOW + 12 * HOUR, False)
    assert of(NOW + 12 * HOUR + SECOND, served()) == (DueReason.REISSUE, NOW + 12 * HOUR, True)
    assert of(NOW + DAY, served(period=HOUR)) == (DueReason.REISSUE, NOW + HOUR, True)
    revoked = NOW + SECOND
    assert of(NOW + HOUR, served(), unlisted=revoked) == (DueReason.REVOCATION, revoked + HOUR, False)
    assert of(NOW + 2 * HOUR, served(), unlisted=revoked) == (DueReason.REVOCATION, revoked + HOUR, True)
    assert of(NOW, served(), newest=served(5)) == (DueReason.STORED, NOW + HOUR, False)
    assert of(NOW + 334 * DAY, served(period=365 * DAY), kind=ListKind.ARL) is None
    assert of(NOW + 335 * DAY, served(period=365 * DAY), kind=ListKind.ARL)[0] is DueReason.REISSUE


def test_a_list_falls_due_while_the_clock_stands_still():
    assert due(ListKind.CRL, LIVE, served(), served(), None, NOW) is None
    at = running_time(NOW, NOW, 12 * HOUR)
    assert due(ListKind.CRL, LIVE, served(), served(), None, at).reason is DueReason.REISSUE
    assert running_time(NOW - DAY, NOW, HOUR) == NOW + HOUR
    assert running_time(NOW + DAY, NOW, HOUR) == NOW + DAY


def test_numbers_and_times_only_rise():
    assert number_findings(1, NOW, None) == []
    assert number_findings(5, NOW, served(4)) == []
    assert codes(number_findings(4, NOW, served(4))) == ["crl_number_fell"]
    assert codes(number_findings(5, NOW - SECOND, served(4))) == ["clock_went_back"]


def test_lists_know_their_authority():
    assert (ListKind.CRL.issuer(LIVE), ListKind.ARL.issuer(LIVE)) == ("T1", "TR")
    assert ListKind.ARL.period(LIVE) == LIVE.arl_period


def test_the_subscriber_is_a_party_of_the_person():
    both = replace(PEOPLE["gwen"], acts_for=frozenset({"gas", "dcc"}))
    assert standing(ask(reference="r"), facts(both)) is Standing.FOUND
    assert PARTIES["gas"].leaving_since is None


def test_a_key_that_is_no_p256_key_proves_nothing():
    assert codes(request_findings(ask(proof=proof(7)), facts("gwen", record(der=b"\x30\x00")))) == ["proof_wrong"]
    assert KeyUsage.KEY_CERT_SIGN in authority().key_usage
