"""What the console is made of besides pages: messages with their octets, jobs, and a clock that goes forward."""

import itertools
import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from trustcell.app.jobs import Jobs, JobState
from trustcell.app.lab_clock import CLOCK_FILE, LabClock
from trustcell.app.message_tree import read_message
from trustcell.vocab import Eui64, Refused, WireError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_every_reference_message_is_read_and_its_pieces_are_its_octets(shared):
    """All messages of the RTDS; a field that is placed says what its octets say."""
    files = sorted((shared / "rtds" / "messages").glob("*/*"))
    assert len(files) >= 800
    for file in files:
        (read,) = read_message(file.read_text())
        assert "".join(text for _, text, _ in read.pieces) == read.octets.hex(), file.name
        placed = {line.label: line for line in read.lines if line.start is not None}
        assert {"originator", "target", "originator_counter", "message_code"} <= set(placed), file.name
        originator = placed["originator"]
        assert bytes(Eui64.parse(originator.text)) == read.octets[originator.start : originator.end]
        spans = sorted((line.start, line.end) for line in read.lines if line.start is not None)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), file.name


def test_a_duis_template_is_read_without_octets(shared):
    for file in (
        sorted((shared / "duis-templates").rglob("*.XML"))[:20]
        or sorted((shared / "duis-templates").rglob("*.xml"))[:20]
    ):
        found = read_message(file.read_text())
        assert found[0].octets == b""
        assert found[0].lines


@pytest.mark.parametrize("text", ["", "zz", "<", "<a/>", "df09", "00" * 40])
def test_what_is_no_message_is_told(text):
    with pytest.raises(WireError):
        read_message(text)


def wait(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_jobs_run_one_after_the_other_and_tell_how_far_they_are():
    jobs, go, seen = Jobs(), threading.Event(), []

    def first(told):
        told(3, 10)
        go.wait(20)
        return "done"

    one = jobs.start("1", "kind", "first", "olga", first)
    two = jobs.start("2", "kind", "second", "olga", lambda told: seen.append("ran"))
    wait(lambda: one.done == 3)
    assert (one.state, one.total, two.state) == (JobState.RUNNING, 10, JobState.WAITING)
    go.set()
    wait(lambda: two.state is JobState.DONE)
    assert (one.result, seen) == ("done", ["ran"])
    assert [each.name for each in jobs.of("kind")] == ["2", "1"]
    assert jobs.of("other") == []


def test_a_job_that_fails_says_why_and_the_next_one_runs():
    jobs = Jobs()

    def refuses(_told):
        raise WireError(-1, "x", "cannot be read", "some_code")

    def breaks(_told):
        raise RuntimeError("a secret of the machine")

    one, two = jobs.start("1", "k", "t", "o", refuses), jobs.start("2", "k", "t", "o", breaks)
    three = jobs.start("3", "k", "t", "o", lambda _: 1)
    wait(lambda: three.state is JobState.DONE)
    assert one.state is two.state is JobState.FAILED
    assert "cannot be read" in one.problem
    assert "secret" not in two.problem
    assert "2" in two.problem


def test_a_long_queue_is_refused_and_old_jobs_are_forgotten():
    jobs, go = Jobs(), threading.Event()
    started = [jobs.start(str(number), "k", "t", "o", lambda _: go.wait(20)) for number in range(8)]
    wait(lambda: started[0].state is JobState.RUNNING)
    jobs.start("8", "k", "t", "o", lambda _: None)
    with pytest.raises(Refused) as refused:
        jobs.start("9", "k", "t", "o", lambda _: None)
    assert refused.value.code == "jobs_waiting"
    go.set()
    for number in range(10, 100):
        wait(lambda: all(each.state is JobState.DONE for each in jobs.of("k")))
        jobs.start(str(number), "k", "t", "o", lambda _: None)
    assert len(jobs.of("k")) == 64
    assert jobs.find("0") is None


def test_a_clock_moves_forward_and_stays_there(tmp_path):
    path = tmp_path / CLOCK_FILE
    clock = LabClock(lambda: NOW, path)
    assert clock() == NOW
    assert clock.advance(timedelta(days=1)) == NOW + timedelta(days=1)
    assert LabClock(lambda: NOW, path)() == NOW + timedelta(days=1)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(timedelta(0))
    assert clock() == NOW + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "{}", '{"ahead_seconds": "x"}', '{"ahead_seconds": 1e400}'])
def test_a_clock_file_of_something_else_is_named(tmp_path, text):
    (tmp_path / CLOCK_FILE).write_text(text)
    with pytest.raises(WireError) as error:
        LabClock(lambda: NOW, tmp_path / CLOCK_FILE)
    assert error.value.code == "clock_format"


def test_a_clock_that_somebody_set_back_in_the_file_is_not_behind(tmp_path):
    (tmp_path / CLOCK_FILE).write_text(json.dumps({"ahead_seconds": -5}))
    assert LabClock(lambda: NOW, tmp_path / CLOCK_FILE)() == NOW
