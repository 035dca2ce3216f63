"""The story of SECMP0128A on its own cast: how it ends, and that it says so when it ends otherwise."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from trustcell.app.story import open_books, pack, set_stage
from trustcell.devices import Fleet
from trustcell.stories import own_cast, tell
from trustcell.stories.secmp0128a import LEAVING_COUNTER
from trustcell.vocab import DeviceType, Refused

CAST = own_cast(b"tests of the story", datetime(2026, 11, 20, tzinfo=UTC))


@pytest.fixture
def stage():
    with open_books(None) as books:
        yield lambda *, tracking: set_stage(CAST, books, tracking=tracking)


def test_with_tracking_the_slot_is_saved(stage):
    heard = []
    story = tell(stage(tracking=True), heard.append)
    assert story.as_told
    assert (story.learned_counter, story.handover_counter) == (LEAVING_COUNTER, LEAVING_COUNTER + 1)
    assert (story.slot_entity, story.attempts) == (CAST.arriving.entity, 1)
    assert story.stored_number == LEAVING_COUNTER + 1
    assert tuple(heard) == story.steps


def test_without_tracking_the_slot_is_lost(stage):
    story = tell(stage(tracking=False), lambda _step: None)
    assert story.as_told
    assert (story.learned_counter, story.slot_entity) == (None, CAST.broker.entity)
    assert story.handover_counter < story.stored_number == LEAVING_COUNTER
    assert (story.attempts, story.first_usable_counter) == (4, None)


@pytest.mark.parametrize("tracking", [True, False])
def test_a_dsp_that_does_the_opposite_is_not_as_told(tracking, stage):
    story = tell(replace(stage(tracking=tracking), tracking=not tracking), lambda _step: None)
    assert not story.as_told
    assert story.handover_accepted is tracking


def test_the_story_stops_when_the_device_does_not_take_the_operator(stage):
    stranger = Fleet(b"keys the DSP does not know", pack(CAST)).device(CAST.gpf, DeviceType.GPF)
    with pytest.raises(Refused) as refused:
        tell(replace(stage(tracking=True), device=stranger), lambda _step: None)
    assert refused.value.code == "story_broken"
