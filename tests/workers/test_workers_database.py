"""``--database``: one worker on PostgreSQL that outlives a killed service, another SQLite file, wrong use."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from web.serving import wait_for
from workers.workers_world import METERS, served

TRUSTCELL = Path(sys.executable).with_name("trustcell")


def test_one_worker_on_postgresql_and_a_service_that_was_killed_is_found_again(shared, postgresql, tmp_path):
    url = postgresql.new()
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with served(shared, tmp_path / "first", url, workers=1) as world:
        ids, octets = world.request(METERS[0])
        assert world.ask(octets) == "I99"
        world.all_answered([ids])
        (path,) = world.workers()
        process = world.process(path)
        world.server.process.kill()
        wait_for(lambda: not alive(process), 60)
    with served(shared, tmp_path / "second", url, workers=1) as world:
        assert world.ask(octets) != "I99", "its request ID was used"
        world.numbers = {METERS[0]: 1}
        again, octets = world.request(METERS[0])
        assert world.ask(octets) == "I99"
        world.all_answered([again])
        world.check([ids, again])
        assert world.server.stop() == 0
    postgresql.release(url)


def test_another_sqlite_file_keeps_books_and_devices(shared, tmp_path):
    place = tmp_path / "elsewhere"
    place.mkdir()
    with served(shared, tmp_path, f"sqlite:///{place / 'books.db'}", workers=1) as world:
        ids, octets = world.request(METERS[0])
        assert world.ask(octets) == "I99"
        world.all_answered([ids])
        assert world.server.stop() == 0
    world.check([ids])
    assert {"books.db", "books-han.db"} <= {each.name for each in place.iterdir()}
    assert not (tmp_path / "home" / "dsp.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--workers", "2"), ("--database", "sqlite:////x.db"), ("--workers", "2", "--database", "sqlite:////x")],
)
def test_wrong_use_is_2(shared, tmp_path, arguments):
    lab = () if arguments[0] == "--database" else ("--lab", str(shared / "zaz1-lab.json"))
    command = [TRUSTCELL, "serve", "--keys", str(shared / "zaz1-test-keys.json"), *lab, *arguments]
    assert subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=120).returncode == 2


def alive(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False
