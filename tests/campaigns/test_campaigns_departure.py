"""A departure over a fleet with 3 % unreachable and three kills; paused, refused, overridden. Real messages throughout.

``TRUSTCELL_SOAK`` makes the fleet 500 times as many, 10,000 in ``make soak``; a hundred and twenty otherwise.
"""

import os
import random
import signal
from datetime import timedelta

import pytest

from campaigns.departure_world import HIGH, LIMITS, Life, cut_off, handed_over, settled
from dsp_kill import kill_world as w
from dsp_kill.traps import ended, forked
from trustcell.campaigns import CampaignState, Limits, TargetState
from trustcell.dsp import Policy
from trustcell.vocab import Refused

SOAK = int(os.environ.get("TRUSTCELL_SOAK", "0"))
PLACES = max(120, 500 * SOAK)
NOTICE = {"by": "the operator", "at": "2024-03-01"}


def begun(life: Life, limits: Limits = LIMITS) -> None:
    life.departure.begin(w.cast().leaving.entity, NOTICE, limits, life.node.now)


def departed(folder, places, policy=None):
    """Three lives end by SIGKILL, the fourth finishes; the devices that could not be reached."""
    dice = random.Random(3)
    unreachable = sorted(dice.sample(range(places), max(1, places * 3 // 100)))
    settled(folder, places, policy)
    life = Life(folder, 2, policy)
    begun(life)
    cut_off(life, unreachable)
    life.close()

    def live(hours: int, requests: int) -> None:
        doomed = Life(folder, hours, policy)
        doomed.client.dies_after = requests
        doomed.to_the_end()

    # Among the first requests, in the middle of them, and among the reads.
    for hours, share in ((3, 0.2), (4, 0.5), (5, 0.6)):
        requests = int(places * share * dice.uniform(0.8, 1.2))
        pid = forked(lambda at=hours, of=requests: live(at * 24, of), folder / "failure")
        assert ended(pid, folder / "failure") == -signal.SIGKILL, "it was over before it was killed"
    last = Life(folder, 6 * 24, policy)
    last.to_the_end()
    return last, {w.gpf_of(place) for place in unreachable}


def test_a_departure_with_unreachable_devices_and_three_kills(tmp_path):
    life, unreachable = departed(tmp_path / "site", PLACES)
    people, node = w.cast(), life.node
    assert life.departure.campaign.state is CampaignState.DONE
    counts = life.store.counts("leaving")
    assert counts == {TargetState.CLEAN: PLACES - len(unreachable), TargetState.UNREACHABLE: len(unreachable)}
    for place in range(PLACES):
        device = w.gpf_of(place)
        expected = people.leaving.entity if device in unreachable else people.broker.entity
        assert node.occupant(device) == expected
        if device not in unreachable:
            highest = node.homes.views.highest(device)
            assert highest is not None
            assert highest[0] == node.estate.book.device(device).usc(w.NO) > HIGH, "a number was not learned"
    with pytest.raises(Refused) as found:
        life.departure.revoke("", "", node.now)
    assert found.value.findings[0].code == "devices_still_trust_it"
    assert life.departure.campaign.state is CampaignState.DONE
    life.close()
    taken = handed_over(tmp_path / "site", PLACES, 8 * 24)
    assert set(taken) == {w.gpf_of(place) for place in range(PLACES)} - unreachable
    assert w.Site(tmp_path / "site").problems() == []


def test_without_counter_tracking_no_later_handover_is_accepted(tmp_path):
    policy = Policy(track_counters=False)
    places = max(30, PLACES // 20)
    settled(tmp_path / "site", places, policy)
    life = Life(tmp_path / "site", 2, policy)
    begun(life)
    life.to_the_end()
    assert life.store.counts("leaving") == {TargetState.CLEAN: places}
    life.close()
    assert handed_over(tmp_path / "site", places, 8 * 24, policy) == []


@pytest.fixture
def life(tmp_path):
    settled(tmp_path / "site", 6)
    made = Life(tmp_path / "site", 2)
    begun(made)
    yield made
    made.close()


def test_a_paused_departure_sends_nothing_and_hears_what_comes(life):
    life.departure.step(life.node.now, life.number)
    sent = len(life.client.sent)
    assert sent == 6
    life.departure.pause()
    for _ in range(5):
        life.step()
    assert len(life.client.sent) == sent
    assert life.store.counts("leaving") == {TargetState.CHANGED: 6}
    life.departure.resume()
    life.to_the_end()
    assert life.store.counts("leaving") == {TargetState.CLEAN: 6}


def test_clean_means_read_and_not_told(life):
    """Nothing is clean before a 6.24.1 has been answered, whatever the answer to the 6.15.1 said."""
    life.step()
    life.departure._hear(life.departure.campaign, life.node.now)
    assert life.store.counts("leaving") == {TargetState.CHANGED: 6}
    life.to_the_end()
    reads = [each for each in life.client.sent if each[0] == "read"]
    assert len(reads) == 6
    for target in life.store.targets("leaving", TargetState, 10):
        assert target.evidence == f"read by request {target.counter}"


def test_limits_hold(tmp_path):
    settled(tmp_path / "site", 12)
    life = Life(tmp_path / "site", 2)
    begun(life, Limits(in_flight=4, per_hour=8, attempts=2, again_after=timedelta(minutes=20)))
    most = 0
    for _ in range(20):  # not quite twenty minutes
        life.step()
        counts = life.store.counts("leaving")
        most = max(most, counts.get(TargetState.ASKED, 0) + counts.get(TargetState.READING, 0))
    assert most == 4
    assert 8 <= len(life.client.sent) <= 2 * 8
    ends = life.departure.progress(life.node.now).ends
    assert ends is not None
    assert ends > life.node.now
    life.close()


def test_an_override_says_who_and_why(life):
    life.departure.revoke("PMA minute 12/3", "the SMKI PMA", life.node.now)
    campaign = life.departure.campaign
    assert campaign.state is CampaignState.REVOKED
    assert campaign.override == {"reason": "PMA minute 12/3", "by": "the SMKI PMA", "at": life.node.now.isoformat()}
    sent = len(life.client.sent)
    life.step()
    assert len(life.client.sent) == sent
    with pytest.raises(Refused) as found:
        life.departure.resume()
    assert found.value.findings[0].code == "illegal_move"


def test_who_was_given_up_is_tried_again_when_somebody_says_so(life):
    from trustcell.devices import Faults

    cut_off(life, [2])
    life.to_the_end()
    assert life.store.counts("leaving") == {TargetState.CLEAN: 5, TargetState.UNREACHABLE: 1}
    life.node.estate.set_faults(w.gpf_of(2), Faults())
    assert life.departure.retry(life.node.now) == 1
    assert life.departure.campaign.state is CampaignState.RUNNING
    life.to_the_end()
    assert life.store.counts("leaving") == {TargetState.CLEAN: 6}
    life.departure.revoke("", "", life.node.now)
    assert life.departure.campaign.override is None


def test_an_operator_that_comes_back_is_another_departure(life):
    life.to_the_end()
    folder = life.site.folder
    people, node = w.cast(), life.node
    for place in range(6):
        node.hand_over(people.leaving, w.gpf_of(place), 10**8 + place)
    node.rest()
    assert len(life.fleet.gpfs_of(people.leaving.entity)) == 6
    again = Life.__new__(Life)
    again.__dict__.update(life.__dict__)
    from trustcell.campaigns import Departure

    again.departure = Departure(life.store, life.fleet, life.client, "leaving again")
    again.departure.begin(people.leaving.entity, NOTICE, LIMITS, node.now)
    again.to_the_end()
    assert life.store.counts("leaving again") == {TargetState.CLEAN: 6}
    assert w.Site(folder).problems() == []


def test_nobody_leaves_twice_at_once_under_one_name(life):
    with pytest.raises(Refused) as found:
        begun(life)
    assert found.value.findings[0].code == "campaign_exists"


def test_an_operator_that_holds_nothing_has_nothing_to_do(life):
    life.departure.name = "other"
    with pytest.raises(Refused) as found:
        life.departure.begin(w.cast().arriving.entity, NOTICE, LIMITS, life.node.now)
    assert found.value.findings[0].code == "nothing_to_replace"
