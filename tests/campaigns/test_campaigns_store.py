"""Campaigns on SQLite and PostgreSQL: what is put is what comes back, whoever opens the database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from databases import KINDS
from trustcell.adapters.campaign_store import SqlCampaigns
from trustcell.campaigns import Campaign, CampaignState, Limits, Target, TargetState
from trustcell.vocab import Eui64, Refused, Unavailable

NOW = datetime(2024, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
DEVICES = [Eui64(n.to_bytes(8, "big")) for n in (1, 2**63, 2**64 - 1, 77)]
CAMPAIGN = Campaign(
    "leaving",
    "departure",
    DEVICES[2],
    DEVICES[0],
    DEVICES[1],
    DEVICES[3],
    CampaignState.RUNNING,
    NOW,
    {"by": "\u00e4 <b>", "at": "x"},
    Limits(1, 2, 3),
)


@pytest.fixture(params=KINDS)
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'campaigns.db'}"
        return
    server = request.getfixturevalue("postgresql")
    made = server.new()
    yield made
    server.release(made)


@pytest.fixture
def store(url):
    made = SqlCampaigns(url)
    yield made
    made.close()


def test_what_is_put_comes_back(store, url):
    store.add(CAMPAIGN, DEVICES)
    target = Target(DEVICES[1], TargetState.ASKED, 2, 2**64 - 1, NOW, NOW + timedelta(microseconds=1), "E20", "why")
    store.put("leaving", [target])
    other = SqlCampaigns(url)
    assert other.campaign("leaving") == CAMPAIGN
    assert other.targets("leaving", [TargetState.ASKED], 10) == [target]
    assert [each.device for each in other.targets("leaving", TargetState, 10)] == sorted(DEVICES)
    assert other.counts("leaving") == {TargetState.ASKED: 1, TargetState.WAITING: 3}
    other.close()


def test_a_campaign_changes_and_keeps_its_beginning(store):
    store.add(CAMPAIGN, DEVICES)
    after = replace(CAMPAIGN, state=CampaignState.REVOKED, override={"by": "x", "reason": "y"})
    store.change(after)
    assert store.campaigns() == [after]


def test_a_name_is_taken_once(store):
    store.add(CAMPAIGN, DEVICES)
    with pytest.raises(Refused):
        store.add(CAMPAIGN, DEVICES[:1])
    assert sum(store.counts("leaving").values()) == 4
    assert store.campaign("other") is None
    assert store.targets("other", TargetState, 10) == []


def test_what_is_not_yet_due_waits(store):
    store.add(CAMPAIGN, DEVICES)
    store.put("leaving", [Target(DEVICES[0], TargetState.WAITING, 1, 5, NOW + timedelta(minutes=1), NOW)])
    assert len(store.targets("leaving", [TargetState.WAITING], 10, NOW)) == 3
    assert len(store.targets("leaving", [TargetState.WAITING], 10, NOW + timedelta(minutes=1))) == 4
    assert len(store.targets("leaving", [TargetState.WAITING], 2)) == 2
    assert store.targets("leaving", [TargetState.WAITING], -1) == []


def test_what_ended_since(store):
    store.add(CAMPAIGN, DEVICES)
    ended = [
        Target(device, TargetState.CLEAN, 1, 1, None, NOW + timedelta(minutes=n)) for n, device in enumerate(DEVICES)
    ]
    store.put("leaving", ended)
    assert len(store.finished_since("leaving", NOW + timedelta(minutes=2))) == 2
    assert store.begun_since("leaving", NOW) == 4


def test_a_foreign_database_is_left_alone(url):
    from trustcell.adapters.dsp_store import migrate

    migrate(url)
    with pytest.raises(Unavailable) as found:
        SqlCampaigns(url)
    assert found.value.code == "storage_foreign"
