"""The table of checks: each one passes and fails by itself, in its order (duis-dsp.md 4.1, 4.2 and 7.5)."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.rules_world import (
    BEGINS,
    CHF,
    ESME,
    GPF,
    GSME,
    MPAN,
    MPRN,
    NOW,
    OPERATOR,
    OTHER_SUPPLIER,
    PPMID,
    SUPPLIER,
    TYPES,
    ask,
    device,
    facts,
    registrations,
    request,
    user,
)
from trustcell import duis
from trustcell.dsp import rules
from trustcell.dsp.rules import access, anomaly, dating
from trustcell.dsp.rules.facts import DeviceStatus, Facts, KnownRequest, Registration, User, UserStatus
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Answer, Ask
from trustcell.dsp.rules.reasons import RESPONSE_CODE, SIGNATURE_INVALID, UNEXPECTED, response_code
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.dsp.rules.services import SERVICES
from trustcell.duis import UserRole
from trustcell.vocab import Eui64, KeyUsage, Refused, RemotePartyRole

READ = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.SUPPLIER,))
ISSUE = duis.IssueSecurityCredentials(KeyUsage.KEY_AGREEMENT)


def read(target: Eui64 = ESME, **fields: Any) -> duis.Request:
    return request("6.24.1", READ, target, **fields)


def transform(**fields: Any) -> duis.Request:
    return request("6.17", ISSUE, ESME, **fields)


def failed(asked: Ask) -> tuple[int, list[str]] | None:
    """The number of the check that failed and its reasons."""
    last = list(access.judge(asked))[-1]
    return (last.check.number, [finding.code for finding in last.findings]) if last.findings else None


def test_the_table_is_in_order_and_complete() -> None:
    assert [check.number for check in access.CHECKS] == list(range(1, 19))
    assert len({check.title for check in access.CHECKS}) == 18


def test_a_request_in_order_passes_every_check() -> None:
    verdicts = access.require(ask(read(), facts(device(ESME))))
    assert [verdict.check.number for verdict in verdicts] == list(range(1, 19))
    assert [verdict.check.number for verdict in verdicts if not verdict.applied] == [15, 17]


CASES: dict[str, tuple[int, str, Any]] = {
    "nobody": (5, "unknown_user", lambda a: replace(a, facts=replace(a.facts, user=None))),
    "a user without roles": (5, "unknown_user", lambda a: with_user(a, User(SUPPLIER, frozenset()))),
    "suspended": (6, "user_not_active", lambda a: with_user(a, replace(user(), status=UserStatus.SUSPENDED))),
    "gone": (6, "user_not_active", lambda a: with_user(a, replace(user(), status=UserStatus.LEFT))),
    "other variant": (7, "command_variant_mismatch", lambda a: with_request(a, command_variant=8)),
    "other reference": (7, "service_reference_mismatch", lambda a: with_request(a, service_reference="6.15")),
    "other door": (8, "wrong_address", lambda a: replace(a, door="serviceT")),
    "used ID": (9, "request_id_used", lambda a: replace(a, facts=replace(a.facts, known=known(a)))),
    "role": (10, "role_not_eligible", lambda a: with_user(a, user(SUPPLIER, UserRole.OTHER_USER))),
    "unknown device": (11, "device_unknown", lambda a: replace(a, facts=replace(a.facts, device=None))),
    "status": (13, "device_status", lambda a: with_device(a, status=DeviceStatus.WITHDRAWN)),
    "not theirs": (14, "not_responsible", lambda a: replace(a, facts=replace(a.facts, registrations=()))),
    "by hand": (
        15,
        "local_delivery_not_offered",
        lambda a: replace(with_request(a, command_variant=2), door="serviceD"),
    ),
}


def with_user(asked: Ask, who: User) -> Ask:
    return replace(asked, facts=replace(asked.facts, user=who))


def with_request(asked: Ask, **fields: Any) -> Ask:
    return replace(asked, request=replace(asked.request, **fields))


def with_device(asked: Ask, **fields: Any) -> Ask:
    assert asked.facts.device is not None
    return replace(asked, facts=replace(asked.facts, device=replace(asked.facts.device, **fields)))


def known(asked: Ask, state: RequestState = RequestState.COMMANDED, **fields: Any) -> KnownRequest:
    asks = asked.request
    stored = {"received": duis.build_request(asks), **fields}
    return KnownRequest(asks.request_id, asks.service_reference_variant, asks.command_variant, state, **stored)


@pytest.mark.parametrize("case", CASES)
def test_each_check_fails_by_itself(case: str) -> None:
    number, reason, spoil = CASES[case]
    asked = spoil(ask(read(), facts(device(ESME))))
    assert failed(asked) == (number, [reason])
    with pytest.raises(Refused) as refused:
        access.require(asked)
    assert refused.value.code == reason
    finding = refused.value.findings[0]
    assert finding.field
    assert finding.clause
    assert finding.remedy
    assert response_code(reason).startswith("E")


# cases that spoil the same part of a request cannot meet in one
PARTS = (
    ("nobody", "a user without roles", "suspended", "gone", "role"),
    ("other variant", "other door", "by hand"),
    ("other reference",),
    ("used ID",),
    ("unknown device", "status"),
    ("not theirs",),
)


@given(st.tuples(*(st.none() | st.sampled_from(part) for part in PARTS)))
def test_the_first_check_that_fails_ends_the_row(drawn: tuple[str | None, ...]) -> None:
    chosen = [case for case in drawn if case is not None]
    asked = ask(read(), facts(device(ESME)))
    for case in chosen:
        asked = CASES[case][2](asked)
    found = failed(asked)
    assert (found[0] if found else None) == min((CASES[case][0] for case in chosen), default=None)


def test_every_door_takes_its_own_variants_only() -> None:
    assert {door: {v for v, d in DOORS.items() if d == door} for door in set(DOORS.values())} == {
        "serviceS": {1, 3, 5, 7},
        "serviceD": {2, 6, 8},
        "serviceT": {4},
    }
    asked = ask(transform(), facts(device(ESME)))
    for door in ("serviceS", "serviceD"):
        assert failed(replace(asked, door=door)) == (8, ["wrong_address"])
    assert failed(replace(asked, door="")) is None  # the DSP itself


# ---- check 9: request IDs (4.2) ----


def test_the_same_transform_may_be_repeated_and_another_may_not() -> None:
    asked = ask(transform(), facts(device(ESME)))
    again = replace(asked, facts=replace(asked.facts, known=known(asked, RequestState.TRANSFORMED)))
    assert failed(again) is None
    body = replace(asked.request.body, credential_type=KeyUsage.DIGITAL_SIGNATURE)
    assert failed(with_request(again, body=body)) == (9, ["request_id_used"])
    for state in RequestState:
        if state is not RequestState.TRANSFORMED:
            used = replace(asked, facts=replace(asked.facts, known=known(asked, state)))
            assert failed(used) == (9, ["request_id_used"]), state


def test_stored_octets_that_cannot_be_read_are_not_the_same_transform() -> None:
    asked = ask(transform(), facts(device(ESME)))
    stored = known(asked, RequestState.TRANSFORMED, received=b"<sr:Request/>")
    assert failed(replace(asked, facts=replace(asked.facts, known=stored))) == (9, ["request_id_used"])


def signed(offered: bytes | None, payload: bytes, state: RequestState, variant: str = "6.17") -> Ask:
    asked = ask(transform(), facts(device(ESME)))
    stored = replace(known(asked, state, offered=offered), service_variant=variant)
    body = duis.SignedPreCommand(payload)
    return replace(
        asked,
        request=replace(asked.request, command_variant=5, body=body),
        door="serviceS",
        facts=replace(asked.facts, known=stored),
    )


def test_one_signed_pre_command_shares_the_id_of_its_transform() -> None:
    offered = b"\xdfoctets\x00"
    assert failed(signed(offered, b"\xdfoctets\x40" + bytes(64), RequestState.TRANSFORMED)) is None
    assert failed(signed(offered, b"\xdfoctets\x40" + bytes(64), RequestState.COMMANDED)) == (9, ["request_id_used"])
    assert failed(signed(offered, b"\xdfoctetz\x40" + bytes(64), RequestState.TRANSFORMED)) == (
        17,
        ["pre_command_changed"],
    )
    other = signed(offered, b"\xdfoctets\x40", RequestState.TRANSFORMED, "6.24.2")
    assert failed(other) == (17, ["pre_command_other_service"])
    unknown = signed(offered, b"\xdfoctets\x40", RequestState.TRANSFORMED)
    assert failed(replace(unknown, facts=replace(unknown.facts, known=None))) == (17, ["pre_command_unknown"])


# ---- checks 10 and 12 ----


def test_what_is_not_offered_is_refused_by_that_reason(shared: Path) -> None:
    name = "ECS42_7.1_SUCCESS_REQUEST_DUIS.XML"
    asked = duis.parse_request((shared / "duis-templates" / name).read_bytes()).request
    assert failed(ask(asked, facts(device(ESME)))) == (10, ["service_not_offered"])


@pytest.mark.parametrize(
    ("variant", "fits"),
    [
        ("8.9", {"CHF", "GSME", "GPF"}),
        ("8.11", {"CHF"}),
        ("8.12.2", {"GPF"}),
        ("11.2", {"ESME", "GSME", "CHF", "PPMID", "HCALCS"}),
        ("11.3", {"ESME", "GSME"}),
        ("8.8.1", {"ESME", "GSME", "HCALCS"}),
        ("6.21", {"ESME", "GPF"}),
        ("6.24.1", {"ESME", "GSME", "GPF", "CHF", "PPMID", "HCALCS"}),
    ],
)
def test_a_service_is_for_its_device_types(variant: str, fits: set[str]) -> None:
    (check,) = [check for check in access.CHECKS if check.number == 12]
    for which, device_type in TYPES.items():
        asked = ask(replace(read(which), service_reference_variant=variant), facts(device(which)))
        found = [finding.code for finding in check.rule(asked)]
        assert found == ([] if device_type.name in fits else ["service_not_for_device"])


# ---- check 14 ----


def responsible(target: Eui64, who: User, known: Facts | None = None, **fields: Any) -> bool:
    (check,) = [check for check in access.CHECKS if check.number == 14]
    given = replace(known or facts(device(target)), user=who)
    return not list(check.rule(ask(read(target, originator=who.entity, **fields), given)))


def test_suppliers_and_operators_act_for_their_own_metering_points() -> None:
    for target in TYPES:
        assert responsible(target, user(SUPPLIER)), TYPES[target]
        assert responsible(target, user(OPERATOR)), TYPES[target]
        assert not responsible(target, user(OTHER_SUPPLIER)), TYPES[target]


def test_fuel_and_role_go_together() -> None:
    gas = (replace(registrations(OTHER_SUPPLIER)[1], mpxn=MPRN),)
    known = replace(facts(device(ESME)), registrations=(*registrations()[:1], *gas))
    power_only, gas_only = user(SUPPLIER, UserRole.IMPORT_SUPPLIER), user(OTHER_SUPPLIER, UserRole.GAS_SUPPLIER)
    assert responsible(ESME, power_only, known)
    assert not responsible(GSME, power_only, replace(known, device=device(GSME)))
    assert responsible(GPF, gas_only, replace(known, device=device(GPF)))
    assert not responsible(ESME, gas_only, known)
    assert responsible(CHF, gas_only, replace(known, device=device(CHF)))
    assert responsible(PPMID, power_only, replace(known, device=device(PPMID)))


def test_an_export_supplier_acts_for_the_export_point() -> None:
    target = device(ESME, export_mpan="1312345678444")
    entry = Registration("1312345678444", OTHER_SUPPLIER, OPERATOR, BEGINS)
    known = replace(facts(target), registrations=(*registrations(), entry))
    asked = replace(read(), service_reference_variant="11.2", service_reference="11.2")
    (check,) = [check for check in access.CHECKS if check.number == 14]
    for who, fine in ((OTHER_SUPPLIER, True), (SUPPLIER, False)):
        exporter = replace(known, user=user(who, UserRole.EXPORT_SUPPLIER))
        ids = replace(asked.request_id, originator=who)
        assert bool(list(check.rule(ask(replace(asked, request_id=ids), exporter)))) is not fine


def test_other_users_need_no_registration() -> None:
    known = replace(facts(device(ESME)), registrations=())
    asked = replace(read(), service_reference_variant="11.2", service_reference="11.2")
    (check,) = [check for check in access.CHECKS if check.number == 14]
    for role in (UserRole.OTHER_USER, UserRole.REGISTERED_SUPPLIER_AGENT):
        assert not list(check.rule(ask(asked, replace(known, user=user(SUPPLIER, role)))))


def test_responsibility_is_judged_at_the_execution_time() -> None:
    """The supplier of tomorrow may ask today for what happens then, and the one of today may not."""
    later = NOW + timedelta(days=3)
    gaining = Registration(MPAN, OTHER_SUPPLIER, OPERATOR, later - timedelta(days=1))
    known = replace(facts(device(ESME)), registrations=(gaining, *registrations()))
    (check,) = [check for check in access.CHECKS if check.number == 14]

    def fine(who: Eui64, when: Any) -> bool:
        asked = request("11.2", duis.ReadFirmwareVersion(when), ESME, originator=who)
        return not list(check.rule(ask(asked, replace(known, user=user(who)))))

    assert [fine(SUPPLIER, None), fine(OTHER_SUPPLIER, None)] == [True, False]
    assert [fine(SUPPLIER, later), fine(OTHER_SUPPLIER, later)] == [False, True]
    assert [fine(SUPPLIER, duis.CANCEL), fine(OTHER_SUPPLIER, duis.CANCEL)] == [True, False]


def test_a_signed_pre_command_takes_effect_when_its_transform_said() -> None:
    later = NOW + timedelta(days=3)
    gaining = Registration(MPAN, OTHER_SUPPLIER, OPERATOR, later - timedelta(days=1))
    asked = signed(b"\xdf\x00", b"\xdf\x40", RequestState.TRANSFORMED)
    ids = replace(asked.request.request_id, originator=OTHER_SUPPLIER)
    assert asked.facts.known is not None

    def judged(when: Any) -> tuple[int, list[str]] | None:
        stored = replace(asked.facts.known, request_id=ids, executes_at=when)
        known = replace(asked.facts, known=stored, registrations=(gaining, *registrations()), user=user(OTHER_SUPPLIER))
        return failed(replace(asked, request=replace(asked.request, request_id=ids), facts=known))

    assert judged(later) is None
    assert judged(None) == (14, ["not_responsible"])


def test_a_proxy_belongs_to_the_gas_of_its_home() -> None:
    bare = device(GPF, import_mpxn="")
    known = facts(bare, members=(device(ESME), device(GSME)))
    power_only, gas_only = user(SUPPLIER, UserRole.IMPORT_SUPPLIER), user(SUPPLIER, UserRole.GAS_SUPPLIER)
    assert responsible(GPF, gas_only, known)
    assert not responsible(GPF, power_only, known)


def test_nobody_is_kept_from_a_hub_that_has_no_metering_point_yet() -> None:
    known = replace(facts(device(CHF)), members=(), registrations=())
    assert responsible(CHF, user(OTHER_SUPPLIER), known)


# ---- cancellation, reasons, thresholds ----


def test_cancelling_what_the_dsp_holds() -> None:
    held = ask(request("11.2", duis.ReadFirmwareVersion(duis.CANCEL), ESME, counter=5), facts(device(ESME)))
    with pytest.raises(Refused) as refused:
        dating.cancellation(held)
    assert refused.value.code == "nothing_to_cancel"
    mine, other = duis.RequestId(SUPPLIER, ESME, 3), duis.RequestId(OTHER_SUPPLIER, ESME, 3)
    stored = [
        KnownRequest(mine, "11.2", 1, RequestState.HELD, b""),
        KnownRequest(replace(mine, counter=4), "8.9", 1, RequestState.HELD, b""),
        KnownRequest(other, "11.2", 1, RequestState.HELD, b""),
    ]
    answer = SERVICES["11.2"].plan(replace(held, facts=replace(held.facts, held=tuple(stored))))
    assert isinstance(answer, Answer)
    assert (answer.code, answer.effects.cancels) == ("I99", (mine,))


def test_every_reason_has_a_code_of_the_closed_list() -> None:
    codes = duis.response_codes()
    assert {*RESPONSE_CODE.values(), SIGNATURE_INVALID, UNEXPECTED} <= set(codes)
    assert response_code("never heard of") == UNEXPECTED
    assert response_code("digest_mismatch", from_signature=True) == SIGNATURE_INVALID


def test_every_reason_that_a_rule_gives_has_its_line_in_the_table() -> None:
    given = set()
    for file in Path(rules.__file__).parent.rglob("*.py"):
        given.update(re.findall(r'breach\(\s*"([a-z0-9_]+)"', file.read_text()))
    assert len(given) > 35
    assert given <= set(RESPONSE_CODE), given - set(RESPONSE_CODE)


def test_a_threshold_counts_what_it_covers_and_holds_back_one_more() -> None:
    day = timedelta(days=1)
    mine = anomaly.Threshold(2, day, SUPPLIER, "6.15.1", by_user=True)
    everybody = anomaly.Threshold(5, day)
    assert list(anomaly.to_count([mine, everybody], SUPPLIER, "6.15.1")) == [mine, everybody]
    assert list(anomaly.to_count([mine, everybody], OTHER_SUPPLIER, "6.15.1")) == [everybody]
    assert list(anomaly.to_count([mine, everybody], SUPPLIER, "6.21")) == [everybody]
    assert anomaly.exceeded({mine: 1, everybody: 4}) is None
    assert anomaly.exceeded({mine: 2, everybody: 4}) is mine
    assert anomaly.exceeded({everybody: 5}) is everybody
    assert anomaly.exceeded({}) is None
    for most, window in ((-1, day), (1, timedelta())):
        with pytest.raises(ValueError, match="threshold"):
            anomaly.Threshold(most, window)
