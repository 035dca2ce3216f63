"""Rows N of the hostile inputs over the whole DSP: one ID for two workers, repeats without response, an old backup."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from dsp_kill import kill_world as w
from trustcell.adapters.dsp_store import confirm_restore, open_homes
from trustcell.devices import NO_FAULTS, Faults
from trustcell.dsp import Fenced
from trustcell.vocab import Unavailable

GPF = w.gpf_of(0)
LATER = w.BEGINS + timedelta(hours=1)


def counters(node: w.Node, since: int) -> list[int]:
    """Numbers of the broker's commands for requests from an ID number on, in order."""
    requests = node.homes.views.requests(user=None, device=GPF, after=None, limit=999)
    mine = [each.request_id for each in requests if since <= each.request_id.counter < 2**50]
    return [command.key.counter for ids in mine for command in node.homes.views.commands_of(ids)]


def test_n2_one_id_at_the_same_instant_makes_one_command(site: w.Site) -> None:
    """Two workers of one home: the second has taken over, so the first cannot accept. Of two in a group one is."""
    octets = w.signed(w.cast().supplier, w.details_request(GPF, 100))
    first = w.Node(site, LATER)
    second = w.Node(site, LATER)
    with pytest.raises(Fenced):
        first.submit(octets)
    answers = second.manager.submit([(octets, w.SEND_DOOR)] * 2, second.now)
    assert sorted(each.code for each in answers) == ["E62", "I99"]
    assert len(counters(second, 100)) == 1
    first.abandon()
    second.close()


def test_n6_a_6_21_repeated_without_response_gets_rising_numbers(site: w.Site) -> None:
    node = w.Node(site, LATER)
    node.depart(w.cast().leaving, GPF, 2**62)
    node.rest()
    node.estate.set_faults(GPF, Faults(lost=1.0))
    for number in (101, 102, 103):
        assert node.hand_over(w.cast().arriving, GPF, number).code == "I99"
        node.rest()
    assert counters(node, 100) == [2**62 + 1, 2**62 + 2, 2**62 + 3]
    node.estate.set_faults(GPF, NO_FAULTS)
    assert node.hand_over(w.cast().arriving, GPF, 104).code == "I99"
    node.rest()
    assert node.occupant(GPF) == w.cast().arriving.entity
    node.look()
    node.close()
    assert site.problems(at_rest=True) == []


def test_n15_a_backup_of_yesterday_never_uses_a_number_again(site: w.Site, place: Path) -> None:
    """The DSP's books go back; devices, exported heads and history do not."""
    backup = place / "backup.db"
    shutil.copyfile(site.folder / "dsp.db", backup)
    node = w.Node(site, LATER)
    node.depart(w.cast().leaving, GPF, 2**62)
    node.rest()
    for number in (101, 102):
        node.hand_over(w.cast().arriving, GPF, number)
    node.rest()
    used = counters(node, 100)
    sent = site.history.read_text()
    node.close()
    for old in site.folder.glob("dsp.db*"):
        old.unlink()
    shutil.copyfile(backup, site.folder / "dsp.db")
    with pytest.raises(Unavailable) as refused:
        open_homes(site.settings())
    assert refused.value.code == "store_rolled_back"
    (jump,) = confirm_restore(site.settings(), "an operator", LATER + timedelta(days=1))
    assert jump.known > jump.seq
    site.say("restored")
    node = w.Node(site, LATER + timedelta(days=1))
    node.read(GPF, 201)
    node.rest()
    assert node.known(GPF) == node.occupant(GPF) == w.cast().arriving.entity
    node.register(w.cast().arriving, 0)
    assert node.depart(w.cast().arriving, GPF, 2**62 + 10_000_000).code == "I99"
    node.rest()
    assert node.hand_over(w.cast().leaving, GPF, 202).code == "I99"
    node.rest()
    assert node.occupant(GPF) == w.cast().leaving.entity
    new = counters(node, 200)
    assert len(new) == 2
    assert not set(new) & set(used)
    assert min(new) > jump.own_floor
    node.look()
    node.close()
    # What was sent before the restore stands in no outbox any more; but nothing was sent under its numbers again.
    lost = {line for line in sent.splitlines() if '"op": "sent"' in line}
    codes = {(problem.code, problem.message) for problem in site.problems()}
    assert lost
    assert {code for code, _ in codes} <= {"I1", "I3"}
    assert {message for code, message in codes if code == "I1"} <= {"no outbox holds what was sent"}


def test_n16_two_copies_of_one_database_are_told_apart(site: w.Site, place: Path) -> None:
    """A copy that went on by itself is refused where the heads of the other are known."""
    copy = place / "copy.db"
    shutil.copyfile(site.folder / "dsp.db", copy)
    node = w.Node(site, LATER)
    node.read(GPF, 100)
    node.rest()
    node.close()
    shutil.copyfile(copy, site.folder / "dsp.db")
    with pytest.raises(Unavailable) as refused:
        open_homes(site.settings())
    assert refused.value.code == "store_rolled_back"


def test_i12_the_same_requests_clock_and_seed_give_the_same_octets(site: w.Site, place: Path) -> None:
    def run(where: w.Site) -> list[tuple[bytes, ...]]:
        node = w.Node(where, LATER)
        node.depart(w.cast().leaving, GPF, 2**62)
        node.rest()
        node.hand_over(w.cast().arriving, GPF, 100)
        node.rest()
        requests = node.homes.views.requests(user=None, device=GPF, after=None, limit=99)
        octets = [
            (command.octets, *(heard for _, heard, _ in node.homes.views.messages_of(command.key)))
            for each in requests
            for command in node.homes.views.commands_of(each.request_id)
        ]
        octets += [(each.octets,) for ids in requests for each in node.homes.views.deliveries_of(ids.request_id)]
        node.close()
        return octets

    other = site.copy(place / "other")
    came = run(site)
    assert len(came) == 6
    assert run(other) == came
