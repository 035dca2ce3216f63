"""The engine: groups, faults of ours that stay with whoever meets them, and an end in good order."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.lab_world import CHF, ESME, GPF, SUPPLIER, World, lab_world
from trustcell import duis, gbcs
from trustcell.app.lab import key_pair
from trustcell.dsp import Policy
from trustcell.dsp.service import northbound, southbound
from trustcell.vocab import RemotePartyRole, Unavailable

READ = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.SUPPLIER,))


@pytest.fixture
def world(shared: Path, tmp_path: Path) -> Iterator[World]:
    with lab_world(shared, tmp_path, Policy(callback_delay=timedelta(0))) as made:
        yield made


def signed(world: World, target: Any, variant: str, body: Any) -> tuple[duis.RequestId, bytes]:
    ids = world.ids(SUPPLIER, target)
    reference = duis.services()[variant].reference
    signer = key_pair(world.keys, "xml-sign-90B3D51F30010000-ds")
    return ids, signer.sign_xml(duis.build_request(duis.Request(ids, 1, reference, variant, body)))


def together(world: World, requests: list[bytes]) -> list[Any]:
    async def run() -> list[Any]:
        calls = (world.dsp.engine.submit(octets, "serviceS") for octets in requests)
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(run())


def test_many_at_once_are_all_answered(world: World) -> None:
    requests = [signed(world, target, "6.24.1", READ) for target in (GPF, ESME, CHF) * 20]
    answers = together(world, [octets for _, octets in requests])
    assert {answer.code for answer in answers} == {"I99"}
    for ids, _ in requests:
        assert world.answer(ids).response_code == "I0"


def test_a_fault_of_ours_stays_with_the_request_that_meets_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [signed(world, target, "6.24.1", READ) for target in (GPF, ESME, CHF)]
    poison = requests[1][0]
    judge = southbound.Southbound._judge

    def faulty(self: Any, case: Any, now: Any) -> None:
        if case.ids == poison:
            raise ZeroDivisionError("a mistake")
        judge(self, case, now)

    monkeypatch.setattr(southbound.Southbound, "_judge", faulty)
    answers = together(world, [octets for _, octets in requests])
    assert isinstance(answers[1], ZeroDivisionError)
    assert [answers[place].code for place in (0, 2)] == ["I99", "I99"]
    assert world.dsp.engine.health() == {"dsp": "ok"}
    assert world.answer(requests[0][0]).response_code == "I0"


def test_a_device_message_that_breaks_something_does_not_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = northbound.Northbound._judge
    broken = []

    def faulty(self: Any, arrival: Any, now: Any) -> Any:
        if arrival.device == ESME:
            broken.append(arrival)
            raise ZeroDivisionError("a mistake")
        return judge(self, arrival, now)

    monkeypatch.setattr(northbound.Northbound, "_judge", faulty)
    world.ask(SUPPLIER, ESME, "6.24.1", READ)
    other, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    assert world.answer(other).response_code == "I0"
    assert 1 <= len(broken) <= 2
    monkeypatch.undo()
    after, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    assert world.answer(after).response_code == "I0"


def test_nothing_is_taken_once_it_stops(shared: Path, tmp_path: Path) -> None:
    with lab_world(shared, tmp_path) as world:
        pass
    with pytest.raises(Unavailable):
        world.call(world.dsp.engine.submit(b"<a/>", "serviceS"))
    with pytest.raises(Unavailable):
        world.call(world.dsp.engine.call(lambda: None))


def test_what_a_device_says_is_what_is_delivered(world: World) -> None:
    ids, _ = world.ask(SUPPLIER, GPF, "6.24.1", READ)
    (details,) = world.payload(world.answer(ids))
    assert isinstance(details, gbcs.RoleDetails)
    assert {cell.entity for cell in details.cells or ()} == {SUPPLIER}
