"""Whatever is asked in whatever order, the books answer as a few dictionaries do (hostile N1 to N13)."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsp_store.books_world import (
    BROKER,
    COS,
    NOW,
    NOW_MS,
    change,
    commanding,
    eui,
    request_id,
    reservation,
)
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, problems
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Effects, Needs
from trustcell.dsp.rules.work import Work
from trustcell.duis import RequestId
from trustcell.vocab import MAX_SEQ_NUMBER, Eui64, Refused

NEAR = st.sampled_from([NOW_MS - 1, NOW_MS, NOW_MS + 1, NOW_MS + 3, 2**62, MAX_SEQ_NUMBER - 1, MAX_SEQ_NUMBER, 0])
PLACES = st.integers(0, 2)


@dataclass(frozen=True)
class Reserve:
    place: int
    number: int
    expected: RequestState | None
    by: Eui64
    above: bool


@dataclass(frozen=True)
class Record:
    place: int
    number: int
    counter: int | None
    """``None``: the one that was reserved."""


@dataclass(frozen=True)
class Learn:
    place: int
    learned: int


@dataclass(frozen=True)
class Move:
    place: int
    number: int
    expected: RequestState | None
    state: RequestState


NUMBERS = st.sampled_from([0, 1, 2, 2**64 - 1])
STATES = st.sampled_from([None, RequestState.HELD, RequestState.RESERVED])
MOVES = [
    (None, RequestState.HELD),
    (RequestState.HELD, RequestState.CANCELLED),
    (RequestState.RESERVED, RequestState.ABANDONED),
]
STEPS = st.lists(
    st.tuples(
        st.lists(
            st.one_of(
                st.builds(Reserve, PLACES, NUMBERS, STATES, st.sampled_from([BROKER, COS]), st.booleans()),
                st.builds(Record, PLACES, NUMBERS, st.none() | NEAR),
                st.builds(Learn, PLACES, NEAR),
                st.tuples(PLACES, NUMBERS, st.sampled_from(MOVES)).map(lambda found: Move(*found[:2], *found[2])),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda step: step.place,
        ),
        st.integers(-3, 3),
    ),
    max_size=25,
)


@dataclass
class Model:
    """The rules again, as simply as they can be said."""

    states: dict[RequestId, RequestState] = field(default_factory=dict)
    own: dict[tuple[Eui64, Eui64], int] = field(default_factory=dict)
    highest: dict[Eui64, int] = field(default_factory=dict)
    used: dict[Eui64, set[int]] = field(default_factory=dict)
    reserved: dict[RequestId, tuple[Eui64, int]] = field(default_factory=dict)
    commands: dict[tuple[Eui64, Eui64, int], RequestId] = field(default_factory=dict)

    def reserve(self, step: Reserve, ids: RequestId, now_ms: int) -> int | str:
        if self.states.get(ids) != step.expected:
            return "request_id_used"
        device, key = ids.target, (ids.target, step.by)
        raised = self.used.setdefault(device, set())
        number = max(self.own.get(key, 0) + 1, now_ms)
        while number in raised:
            number += 1
        stored = self.highest.get(device)
        if step.above and stored is not None and stored >= number:
            number = stored + 1
            while number in raised:
                number += 1
            if number > MAX_SEQ_NUMBER:
                return "counter_exhausted"
            raised.add(number)
            self.highest[device] = number
        else:
            self.own[key] = number
        self.states[ids] = RequestState.RESERVED
        self.reserved[ids] = (step.by, number)
        return number

    def record(self, ids: RequestId, by: Eui64, counter: int) -> str | None:
        if self.commands.get((by, ids.target, counter)) == ids:
            return None
        if self.states.get(ids) is not RequestState.RESERVED:
            return "request_id_used"
        if (by, ids.target, counter) in self.commands:
            return "counter_used"
        self.commands[by, ids.target, counter] = ids
        self.states[ids] = RequestState.COMMANDED
        return None

    def learn(self, device: Eui64, number: int) -> None:
        self.highest[device] = max(number, self.highest.get(device, number))

    def move(self, step: Move, ids: RequestId) -> str | None:
        if self.states.get(ids) != step.expected:
            return "request_id_used"
        self.states[ids] = step.state
        return None


@pytest.fixture(scope="module")
def turns() -> Iterator[int]:
    """Each example has devices of its own."""
    return itertools.count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_the_books_answer_as_a_model_does(
    store: SqlHome, homes: SqlHomes, turns: Iterator[int], steps: list[tuple[list[object], int]]
) -> None:
    model, turn = Model(), next(turns)
    devices = [eui(f"{turn} {place}") for place in range(3)]
    for group, seconds in steps:
        now = NOW + timedelta(milliseconds=seconds)
        reserving = [step for step in group if isinstance(step, Reserve)]
        asked = [
            reservation(
                request_id(step.number, devices[step.place]), expected=step.expected, originator=step.by,
                raise_above_highest=step.above,
            )
            for step in reserving
        ]  # fmt: skip
        found = [each.counter if isinstance(each, CounterChoice) else each.code for each in store.reserve(asked, now)]
        said = [
            model.reserve(step, request_id(step.number, devices[step.place]), NOW_MS + seconds) for step in reserving
        ]
        assert found == said
        works, expected = [], []
        for step in group:
            if isinstance(step, Learn):
                device = devices[step.place]
                works.append(Work(device, effects=Effects(learned=step.learned, learned_from="x")))
                model.learn(device, step.learned)
                expected.append(None)
            elif isinstance(step, Record | Move):
                ids = request_id(step.number, devices[step.place])
                if isinstance(step, Move):
                    works.append(Work(ids.target, (change(ids, step.expected, step.state),)))
                    expected.append(model.move(step, ids))
                else:
                    by, counter = model.reserved.get(ids, (BROKER, 1))
                    counter = counter if step.counter is None else step.counter
                    works.append(commanding(ids, counter, originator=by))
                    expected.append(model.record(ids, by, counter))
        outcomes = store.commit(works, now)
        assert [each.code if isinstance(each, Refused) else each for each in outcomes] == expected
    facts = store.facts([(None, device, Needs()) for device in devices])
    assert [each.highest for each in facts] == [model.highest.get(device) for device in devices]
    for ids, state in model.states.items():
        known = store.request(ids)
        assert known is not None
        assert known.state is state
    mine = [each for each in store.open_commands() if each.key.device in devices]
    assert {
        (each.key.originator, each.key.device, each.key.counter): each.request_id for each in mine
    } == model.commands
    assert list(problems(homes)) == []
