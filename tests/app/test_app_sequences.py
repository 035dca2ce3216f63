"""A request that names a preceding one waits for it, and is refused when that has failed (DUIS schema 5.4, Header)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.lab_world import BROKER, ESME, GPF, SUPPLIER, World, lab_world
from trustcell import duis
from trustcell.app.doors import Actor
from trustcell.app.han_changes import LINKS, Link, Way
from trustcell.dsp import Policy
from trustcell.vocab import RemotePartyRole

READ = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.SUPPLIER,))
QUICK = Policy(
    response_timeout=timedelta(milliseconds=800),
    callback_delay=timedelta(0),
    sequence_pause=timedelta(milliseconds=100),
)
ACTOR = Actor("tests", "reference")


@pytest.fixture
def world(shared: Path, tmp_path: Path) -> Iterator[World]:
    with lab_world(shared, tmp_path, QUICK) as made:
        yield made


def leave(world: World, link: Link) -> None:
    """The way to the ESME as it is from now on."""
    world.call(world.dsp.operator.change_device(ESME, [Way(link.value, LINKS[link])], ACTOR))


def behind(world: World, preceding: duis.RequestId) -> tuple[duis.RequestId, str]:
    ids = world.ids(SUPPLIER, GPF)
    request = duis.Request(ids, 1, "6.24", "6.24.1", READ, preceding_service_request_id=preceding)
    return ids, world.send(request, "serviceS").response_code


def test_it_waits_until_the_other_has_been_answered(world: World) -> None:
    first, _ = world.ask(SUPPLIER, ESME, "6.24.1", READ)
    second, code = behind(world, first)
    assert code == "I99"
    assert world.answer(second).response_code == "I0"
    assert world.answer(first).response_code == "I0"


def test_behind_one_that_was_answered_it_goes_at_once(world: World) -> None:
    first, _ = world.ask(SUPPLIER, ESME, "6.24.1", READ)
    world.answer(first)
    second, code = behind(world, first)
    assert (code, world.answer(second).response_code) == ("I99", "I0")
    assert "behind" not in world.trail(second)[0].facts


def test_behind_one_that_failed_it_is_refused(world: World) -> None:
    leave(world, Link.UNREACHABLE)
    first, _ = world.ask(SUPPLIER, ESME, "6.24.1", READ)
    assert world.answer(first).response_code == "E20"
    _, code = behind(world, first)
    assert code.startswith("E")


def test_behind_one_that_fails_while_it_waits_it_comes_to_nothing(world: World) -> None:
    # five seconds each way are more than the time-out
    leave(world, Link.SLOW)
    first, _ = world.ask(SUPPLIER, ESME, "6.24.1", READ)
    second, code = behind(world, first)
    assert code == "I99"
    assert world.answer(first).response_code == "E21"
    answer = world.answer(second)
    assert answer.response_code.startswith("E")
    assert "command" not in [entry.kind for entry in world.trail(second)]


def test_behind_one_that_nobody_sent_it_is_refused(world: World) -> None:
    ids, code = behind(world, duis.RequestId(SUPPLIER, BROKER, 1))
    assert code.startswith("E")
    assert world.trail(ids)[0].facts["findings"][0]["code"] == "preceding_unknown"
