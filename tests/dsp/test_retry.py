"""What comes of an attempt to deliver, status by status (dcc-boxed-interface.md 3)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.dsp.rules.retry import NEVER_AGAIN, Outcome, RetrySchedule, after_attempt

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
SCHEDULE = RetrySchedule()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DONE),
        (202, Outcome.DONE),
        (204, Outcome.DONE),
        (299, Outcome.DONE),
        (400, Outcome.DROPPED),
        (404, Outcome.DROPPED),
        (413, Outcome.DROPPED),
        (None, Outcome.AGAIN),
        (199, Outcome.AGAIN),
        (302, Outcome.AGAIN),
        (401, Outcome.AGAIN),
        (429, Outcome.AGAIN),
        (500, Outcome.AGAIN),
        (503, Outcome.AGAIN),
    ],
)
def test_each_status_has_one_outcome(status, outcome):
    found, again = after_attempt(status, 0, NOW, SCHEDULE)
    assert found is outcome
    assert (again is not None) == (outcome is Outcome.AGAIN)


@given(st.integers(0, 10_000), st.one_of(st.none(), st.integers(100, 599)))
def test_pauses_grow_and_never_end(attempts, status):
    outcome, again = after_attempt(status, attempts, NOW, SCHEDULE)
    if status is not None and (200 <= status <= 299 or status in NEVER_AGAIN):
        assert again is None
        return
    assert outcome is Outcome.AGAIN
    _, later = after_attempt(status, attempts + 1, NOW, SCHEDULE)
    assert NOW < again <= later <= NOW + SCHEDULE.pauses[-1]


def test_an_end_can_be_configured():
    schedule = RetrySchedule((timedelta(seconds=1),), give_up_after=3)
    found = [after_attempt(None, attempts, NOW, schedule) for attempts in range(3)]
    assert found[:2] == [(Outcome.AGAIN, NOW + timedelta(seconds=1))] * 2
    assert found[2] == (Outcome.DROPPED, None)
    assert after_attempt(200, 2, NOW, schedule) == (Outcome.DONE, None)


@pytest.mark.parametrize("pauses", [(), (timedelta(0),), (timedelta(5), timedelta(1))])
def test_a_schedule_grows(pauses):
    with pytest.raises(ValueError):
        RetrySchedule(pauses)
    with pytest.raises(ValueError):
        RetrySchedule(give_up_after=0)
