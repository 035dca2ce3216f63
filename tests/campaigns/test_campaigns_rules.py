"""Every move of targets and campaigns, legal and not; limits; forecasts."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.campaigns import Campaign, CampaignState, Limits, Target, TargetState
from trustcell.campaigns.rules.departure import Holding, revocable
from trustcell.campaigns.rules.waves import CAMPAIGN_NEXT, NEXT, moved, progress, room, tried, turned
from trustcell.vocab import Eui64, Refused

NOW = datetime(2024, 3, 1, tzinfo=UTC)
DEVICE, OPERATOR, BROKER = (Eui64(bytes(7) + bytes((n,))) for n in (1, 2, 3))


@pytest.mark.parametrize(("before", "after"), list(product(TargetState, TargetState)), ids=str)
def test_every_move_of_a_target(before, after):
    target = Target(DEVICE, before)
    if after in NEXT[before]:
        assert moved(target, after, NOW).state is after
    else:
        with pytest.raises(Refused) as found:
            moved(target, after, NOW)
        assert found.value.findings[0].code == "illegal_move"


@pytest.mark.parametrize(("before", "after"), list(product(CampaignState, CampaignState)), ids=str)
def test_every_move_of_a_campaign(before, after):
    campaign = Campaign("x", "departure", OPERATOR, BROKER, OPERATOR, OPERATOR, before, NOW, {})
    if after in CAMPAIGN_NEXT[before]:
        assert turned(campaign, after).state is after
    else:
        with pytest.raises(Refused):
            turned(campaign, after)


def test_clean_is_for_good_and_revoked_is_the_end():
    assert not NEXT[TargetState.CLEAN]
    assert not CAMPAIGN_NEXT[CampaignState.REVOKED]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 20), st.integers(0, 20))
def test_room_never_breaks_a_limit(in_flight, per_hour, moving, begun):
    more = room(Limits(in_flight, per_hour), moving, begun)
    assert more >= 0
    assert more == 0 or (moving + more <= in_flight and begun + more <= per_hour)


def test_a_target_is_tried_as_often_as_allowed():
    target, limits, tries = Target(DEVICE, TargetState.WAITING), Limits(attempts=3), 0
    while target.state is not TargetState.UNREACHABLE:
        target = moved(target, TargetState.ASKED, NOW, attempts=target.attempts + 1)
        target = tried(target, limits, NOW, "E20")
        tries += 1
    assert tries == 3
    assert target.code == "E20"


def test_the_forecast_follows_what_was_done_and_never_beats_the_limits():
    counts = {TargetState.WAITING: 100, TargetState.CLEAN: 60}
    limits = Limits(per_hour=3600)
    fresh = progress(counts, [], limits, NOW)
    assert fresh.ends == NOW + timedelta(seconds=100)
    slow = progress(counts, [NOW - timedelta(seconds=600), *[NOW] * 59], limits, NOW)
    assert slow.ends == NOW + timedelta(seconds=1000)
    fast = progress(counts, [NOW] * 60_000, limits, NOW)
    assert fast.ends == NOW + timedelta(seconds=100)
    assert progress({TargetState.CLEAN: 5}, [], limits, NOW).ends is None


@pytest.mark.parametrize(
    ("ds", "ka", "clean", "concerned"),
    [
        (BROKER, BROKER, True, False), (BROKER, OPERATOR, False, True), (OPERATOR, BROKER, False, True),
        (OPERATOR, OPERATOR, False, True), (BROKER, None, False, False), (None, None, False, False),
    ],
)  # fmt: skip
def test_both_cells_must_be_the_brokers(ds, ka, clean, concerned):
    holding = Holding(ds, ka)
    assert holding.clean(BROKER) is clean
    assert holding.concerns(OPERATOR) is concerned


@pytest.mark.parametrize(("reason", "by", "found"), [("", "", 1), ("because", "", 1), (" ", "x", 1), ("r", "x", 0)])
def test_an_override_needs_a_reason_and_a_name(reason, by, found):
    left = progress({TargetState.CLEAN: 5, TargetState.UNREACHABLE: 1}, [], Limits(), NOW)
    findings = list(revocable(left, reason, by))
    assert len(findings) == found
    assert all(each.clause == "SEC Appendix B 4.9.1(A)(iii)" for each in findings)
    assert not list(revocable(progress({TargetState.CLEAN: 5}, [], Limits(), NOW), "", ""))


def test_limits_that_never_move_are_refused():
    for wrong in ({"in_flight": 0}, {"per_hour": 0}, {"attempts": 0}, {"again_after": timedelta(-1)}):
        with pytest.raises(ValueError):
            Limits(**wrong)
