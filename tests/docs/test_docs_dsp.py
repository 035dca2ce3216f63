"""The page of the DSP names every check, service, move and status, as the rules have them."""

import re
from pathlib import Path

import pytest

from trustcell import duis
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.access import CHECKS
from trustcell.dsp.rules.inventory import Event
from trustcell.dsp.rules.lifecycle import TRANSITIONS
from trustcell.dsp.rules.services import SERVICES
from trustcell.vocab import DeviceType

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "dsp.md").read_text()
STATUSES = (None, *inventory.Status)


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their heads."""
    (section,) = [part for part in PAGE.split("\n## ") if part.startswith(f"{heading}\n")]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_check_has_its_line() -> None:
    assert [row[:2] for row in rows("Checks")[1:]] == [[str(check.number), check.title] for check in CHECKS]


def test_every_service_has_its_line() -> None:
    names = [[variant, duis.services()[variant].name] for variant in SERVICES]
    assert [row[:2] for row in rows("Services")[1:]] == names


def test_every_move_of_a_request_has_its_line() -> None:
    moves = [
        [event.value, before.value if before else "(new)", after.value]
        for event, row in TRANSITIONS.items()
        for before, after in row.items()
    ]
    assert rows("States of a request")[1:] == moves


@pytest.mark.parametrize("event", Event)
def test_every_event_of_a_device_has_its_line(event: Event) -> None:
    ((_, types, before, after),) = [row for row in rows("Status of a device") if row[0] == event.value]
    everything = {each.name for each in DeviceType}
    named = set(types.removeprefix("all but ").split(", "))
    shown = everything if types == "all" else everything - named if types.startswith("all but") else named
    for device_type in DeviceType:
        found = [status for status in STATUSES if inventory.fits(status, event, device_type)]
        expected = before.split(", ") if device_type.name in shown else []
        assert [status or "(none)" for status in sorted(found, key=str)] == sorted(
            expected, key=lambda s: "None" if s == "(none)" else s
        )
        for status in found:
            result = inventory.after(status, event, device_type, inventory.Status.WITHDRAWN)
            assert (result or "(none)") == ("Withdrawn" if after == "status before" else after)


def test_the_status_of_every_service_to_a_device_is_right() -> None:
    lines = {variant: set(row[1].split(", ")) for row in rows("Status of a device") for variant in row[0].split(", ")}
    for variant in SERVICES:
        if not duis.services()[variant].non_device:
            assert inventory.allowed_statuses(variant) == lines.get(variant, {"Commissioned"}), variant


def test_every_row_of_hostile_numbers_names_tests_that_are_there() -> None:
    named = {row[0]: re.findall(r"`(tests/[\w/]+\.py)`", row[1]) for row in rows("Hostile numbers and repeats")[1:]}
    assert set(named) == {f"N{number}" for number in (1, 2, 3, 5, 6, 8, *range(10, 19))}
    for row, files in named.items():
        assert files, row
        for file in files:
            assert (ROOT / file).is_file(), file


def test_every_campaign_is_there() -> None:
    for name, _ in rows("Killed anywhere")[1:]:
        assert (ROOT / name.strip("`")).is_file(), name
