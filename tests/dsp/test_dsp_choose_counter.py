"""The choice of a counter at rule level (duis-dsp.md 7.3; N5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.rules_world import NOW
from trustcell.dsp import choose_counter, milliseconds, raised
from trustcell.vocab import MAX_SEQ_NUMBER, Refused

NUMBERS = st.integers(0, MAX_SEQ_NUMBER)


@pytest.mark.parametrize(("offset", "expected"), [(-1, 0), (0, 1), (1, 2)])
def test_n5_stored_beside_the_generated_counter(offset: int, expected: int) -> None:
    own = 1_709_000_000_000
    choice = choose_counter(0, own + offset, own, lambda _number: False, raise_above_highest=True)
    assert choice.counter == own + expected
    assert choice.counter > own + offset
    assert choice.highest == (own + offset if offset < 0 else choice.counter)
    assert choice.last_own == (own if offset < 0 else 0)


def test_the_broker_never_goes_beyond_the_last_number() -> None:
    for last_own, highest in ((MAX_SEQ_NUMBER, None), (MAX_SEQ_NUMBER, 5), (0, MAX_SEQ_NUMBER)):
        with pytest.raises(Refused) as refused:
            choose_counter(last_own, highest, 1000, lambda _number: False, raise_above_highest=True)
        assert refused.value.code == "counter_exhausted"
    top = choose_counter(MAX_SEQ_NUMBER - 1, None, 1000, lambda _number: False, raise_above_highest=True)
    assert top.counter == MAX_SEQ_NUMBER


@given(
    last_own=NUMBERS,
    highest=st.none() | NUMBERS,
    now=NUMBERS,
    spent=st.frozensets(st.integers(0, 9)),
    raises=st.booleans(),
)
def test_a_choice_is_above_everything_it_has_to_be_above(
    last_own: int, highest: int | None, now: int, spent: frozenset[int], raises: bool
) -> None:
    def is_spent(number: int) -> bool:
        return number - max(last_own, now, highest or 0) in spent

    if MAX_SEQ_NUMBER - max(last_own, now, highest or 0) <= 12:
        return
    choice = choose_counter(last_own, highest, now, is_spent, raise_above_highest=raises)
    assert last_own < choice.counter <= MAX_SEQ_NUMBER
    assert not is_spent(choice.counter)
    assert choice.last_own >= last_own
    assert not raises or highest is None or choice.counter > highest
    assert (choice.highest is None) is (highest is None)
    assert highest is None or (choice.highest is not None and choice.highest >= highest)


def test_learning_only_raises_and_milliseconds_are_exact() -> None:
    assert [raised(None, 0), raised(5, 3), raised(3, 5)] == [0, 5, 5]
    for number in (-1, MAX_SEQ_NUMBER + 1):
        with pytest.raises(ValueError):
            raised(None, number)
    for micros in (0, 999, 1000, 1001, 999_999):
        assert milliseconds(NOW.replace(microsecond=micros)) == milliseconds(NOW) + micros // 1000
