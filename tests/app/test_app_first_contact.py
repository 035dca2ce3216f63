"""First contact: the broker's key in a device is searched, its cells are classified, and nothing is blocked (4.3)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.lab_world import BROKER, GPF, SUPPLIER, World, lab_world
from trustcell import duis
from trustcell.app.doors import Actor
from trustcell.app.han_changes import LINKS, Link, Way
from trustcell.dsp import Policy
from trustcell.dsp.rules.anomaly import Threshold
from trustcell.dsp.service.building import BROKER_AGREEMENT_CELL
from trustcell.vocab import RemotePartyRole

READ = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.SUPPLIER))
QUICK = Policy(response_timeout=timedelta(milliseconds=300), callback_delay=timedelta(0))


def older_pack(lab: dict[str, Any]) -> None:
    """Devices were made with the broker's former keys, and the DSP has never heard of them."""
    broker = lab["dcc"]["access_control_broker"]
    broker["key_agreement"], broker["former_key_agreement"] = "Z1b-accessControlBroker-ka", [broker["key_agreement"]]
    lab["dcc"]["made_with"] = {"key_agreement": broker["former_key_agreement"][0]}
    for device in lab["devices"]:
        device["status"], device["recorded"] = "InstalledNotCommissioned", False


@pytest.fixture
def world(shared: Path, tmp_path: Path) -> Iterator[World]:
    with lab_world(shared, tmp_path, QUICK, older_pack) as made:
        yield made


def test_the_next_key_is_tried_until_the_device_answers(world: World) -> None:
    ids, code = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    assert code == "I99"
    assert world.answer(ids).response_code == "I0"
    kinds = [entry.kind for entry in world.trail(ids)]
    assert kinds.count("command") == 2
    assert kinds.count("search") == 1
    notes = next(entry.facts["notes"] for entry in world.trail(ids) if entry.kind == "device_message")
    assert any("was found after 2" in note for note in notes)


def test_what_was_found_is_on_record_from_then_on(world: World) -> None:
    first, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    world.answer(first)
    slots = {cell: occupant for cell, occupant, _, _ in world.dsp.behind.views.slots(GPF)}
    assert slots[BROKER_AGREEMENT_CELL].entity == BROKER
    again, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    assert world.answer(again).response_code == "I0"
    assert [entry.kind for entry in world.trail(again)].count("command") == 1


def test_expired_certificates_are_work_for_the_party_in_control_and_never_a_block(world: World) -> None:
    ids, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    assert world.answer(ids).response_code == "I0"
    items = world.dsp.behind.views.work_items(device=GPF)
    assert {item.code for item in items} == {"certificate_expired"}
    assert SUPPLIER in {item.party for item in items}


def test_silence_of_a_device_that_is_known_is_silence(shared: Path, tmp_path: Path) -> None:
    with lab_world(shared, tmp_path, QUICK) as world:
        world.call(world.dsp.operator.change_device(GPF, [Way("unreachable", LINKS[Link.UNREACHABLE])], _actor()))
        ids, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
        assert world.answer(ids).response_code == "E20"


def test_a_request_above_a_threshold_is_held_back_and_its_user_told(shared: Path, tmp_path: Path) -> None:
    policy = Policy(callback_delay=timedelta(0), thresholds=(Threshold(1, timedelta(hours=1), SUPPLIER),))
    with lab_world(shared, tmp_path, policy) as world:
        first, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
        assert world.answer(first).response_code == "I0"
        second, code = world.ask(SUPPLIER, GPF, "6.24.1", READ)
        assert code == "I99"
        told = world.wait(lambda response: isinstance(response.message, duis.DccAlertMessage))
        assert told.message.alert_code == "N47"
        assert "command" not in [entry.kind for entry in world.trail(second)]
        assert world.call(world.dsp.operator.release(second, _actor())) == "held"
        assert world.answer(second).response_code == "I0"


def test_a_quarantined_request_that_is_discarded_never_leaves(shared: Path, tmp_path: Path) -> None:
    policy = Policy(callback_delay=timedelta(0), thresholds=(Threshold(0, timedelta(hours=1)),))
    with lab_world(shared, tmp_path, policy) as world:
        ids, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
        assert world.call(world.dsp.operator.cancel(ids, _actor())) == "discarded"
        assert world.dsp.behind.views.commands_of(ids) == []


def _actor() -> Actor:
    return Actor("tests", "reference")
