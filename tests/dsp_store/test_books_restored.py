"""A backup that was put back is found out, no number is used again (hostile N15, D7, D8); full and failing disks."""

import json
import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from dsp_store.books_world import (
    BROKER,
    COS,
    DEVICE,
    ENVIRONMENT,
    NOW,
    NOW_MS,
    USER,
    after,
    commanded,
    dumped,
    eui,
    learn,
    opened,
    request_id,
    reservation,
    reserved,
    seal,
    stood,
)
from dsp_store.children import ended, forked
from trustcell.adapters.dsp_store import Settings, SqlHome, SqlHomes, confirm_restore, open_homes, problems
from trustcell.adapters.store.engine import MEMORY
from trustcell.dsp.rules.plan import Needs
from trustcell.dsp.rules.work import Parcel, Work
from trustcell.vocab import Refused, Unavailable

GPF = eui("gpf")
PLAIN = eui("plain")
Copy = Callable[[], None]


def refused(code: str, url: str, folder: Path | None, **changes: object) -> None:
    with pytest.raises(Unavailable) as found:
        opened(url, folder, **changes)
    assert found.value.code == code


def settings(url: str, folder: Path) -> Settings:
    return Settings(url, ENVIRONMENT, seal, folder)


def heads(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "dsp-heads-0.jsonl").read_text().splitlines()]


@pytest.fixture
def backup(url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Copy, Copy]]:
    """Takes a backup of a database that nobody has open, and puts it back."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        kept = path.with_suffix(".backup")
        yield lambda: shutil.copyfile(path, kept) and None, lambda: shutil.copyfile(kept, path) and None
        return
    cluster = request.getfixturevalue("postgresql")
    name = url.split("/")[3].split("?")[0]

    def copy(source: str, target: str) -> None:
        cluster.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        cluster.execute(f"CREATE DATABASE {target} TEMPLATE {source}")

    yield lambda: copy(name, f"{name}_old"), lambda: copy(f"{name}_old", name)
    cluster.execute(f"DROP DATABASE IF EXISTS {name}_old WITH (FORCE)")


def work(url: str, folder: Path, first: int, now: int) -> list[int]:
    """An hour of work of a worker: the numbers that it gave out."""
    homes = opened(url, folder)
    store = homes.take("0", "worker", after(hours=now))
    given = [reserved(store, request_id(first + number, GPF), after(hours=now)).counter for number in range(3)]
    given += [
        reserved(store, request_id(first + number, PLAIN), after(hours=now), originator=by).counter
        for number, by in enumerate((BROKER, BROKER, COS))
    ]
    stood(store.commit([Work(USER, parcels=(Parcel(USER, b"x"),))], after(hours=now)))
    store.release(after(hours=now))
    homes.close()
    return given


def test_counters_start_above_everything_since_the_backup(url: str, folder: Path, backup: tuple[Copy, Copy]) -> None:
    take, put_back = backup
    homes = opened(url, folder)
    store = homes.take("0", "worker", NOW)
    learn(store, GPF, 2**62)
    store.release(NOW)
    homes.close()
    work(url, folder, 0, 1)
    take()
    lost = work(url, folder, 100, 2)
    homes = opened(url, folder)
    known = homes.views.requests(user=None, device=GPF, after=None, limit=99)
    homes.close()
    assert len(known) == 6
    put_back()
    before, outside = dumped(url), heads(folder)
    refused("store_rolled_back", url, folder)
    refused("store_rolled_back", url, folder)
    assert (dumped(url), heads(folder)) == (before, outside)

    (jump,) = confirm_restore(settings(url, folder), "an operator", after(hours=3), margin=1000)
    assert (jump.home, jump.known) == ("0", outside[-1]["seq"])
    assert jump.seq < jump.known
    homes = opened(url, folder)
    store = homes.take("0", "worker", after(hours=3))
    now = [reserved(store, request_id(200, each), after(hours=3)).counter for each in (GPF, PLAIN, eui("new"))]
    now += [reserved(store, request_id(201, PLAIN), after(hours=3), originator=COS).counter]
    assert not set(now) & set(lost)
    assert now[0] > max(lost[:3])
    assert all(number >= NOW_MS + 3 * 3600_000 + 1000 for number in now)
    # Numbers between the old and the new stored counter may have been sent: the own sequence will skip them too.
    spent = store._engine.connect()
    with spent as connection:
        ranges = connection.exec_driver_sql("SELECT first, last FROM spent_counter").fetchall()
    assert any(first <= 2**62 + 4 and last >= 2**62 + 1003 for first, last in ranges)
    told = homes.views.trail("home 0")
    assert [each.kind for *_, each in told] == ["restore_confirmed"]
    assert told[0][2].facts["by"] == "an operator"
    stood(store.commit([Work(USER, parcels=(Parcel(eui("another user"), b"y"),))], after(hours=3)))
    numbers = sorted(each.number for each in store.deliveries(after(hours=3), 9))
    assert numbers[1] - numbers[0] > 1000  # a receiver must not take it for a repeat
    store.release(after(hours=3))
    assert list(problems(homes)) == []
    homes.close()
    opened(url, folder).close()
    assert heads(folder)[0]["seq"] == jump.seq + 1
    assert len(list(folder.iterdir())) == 2  # what the old file knew is kept


def test_a_restore_reaches_the_end_and_no_further(url: str, folder: Path) -> None:
    homes = opened(url, folder)
    store = homes.take("0", "worker", NOW)
    learn(store, GPF, 2**63 - 10)
    learn(store, DEVICE, 2**63 - 1)
    store.release(NOW)
    homes.close()
    confirm_restore(settings(url, folder), "an operator", NOW, margin=1000)
    homes = opened(url, folder)
    store = homes.take("0", "worker", NOW)
    assert {each.highest for each in store.facts([(None, eui_, Needs()) for eui_ in (GPF, DEVICE)])} == {2**63 - 1}
    for each in (GPF, DEVICE):
        (outcome,) = store.reserve([reservation(request_id(1, each))], NOW)
        assert isinstance(outcome, Refused)
        assert reserved(store, request_id(1, each), raise_above_highest=False).counter == NOW_MS + 1001
    store.close()
    homes.close()


def test_a_restore_fences_whoever_still_works(url: str, folder: Path) -> None:
    homes = opened(url, folder)
    store = homes.take("0", "worker", NOW)
    reserved(store, request_id(1))
    store.seal(NOW)
    confirm_restore(settings(url, folder), "an operator", NOW, margin=5)
    with pytest.raises(Unavailable) as found:
        store.reserve([reservation(request_id(2))], NOW)
    assert found.value.code == "lease_lost"
    store.close()
    homes.close()


def test_a_copy_that_went_on_is_refused(url: str, folder: Path, backup: tuple[Copy, Copy]) -> None:
    take, put_back = backup
    work(url, folder, 0, 1)
    take()
    work(url, folder, 10, 2)
    put_back()
    homes = opened(url)  # without its heads nobody notices
    store = homes.take("0", "worker", NOW)
    for number in range(9):
        reserved(store, request_id(50 + number, GPF))
    store.close()
    homes.close()
    refused("store_forked", url, folder)


def test_another_environment_is_refused(url: str, folder: Path, tmp_path: Path) -> None:
    work(url, folder, 0, 1)
    refused("environment_mismatch", url, folder, environment="another")
    refused("environment_mismatch", url, None, environment="another")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    refused("store_forked", other, folder)
    refused("environment_mismatch", f"sqlite:///{tmp_path / 'third.db'}", folder, environment="another")


def test_heads_are_signed_and_exported(store: SqlHome, folder: Path) -> None:
    store.seal(NOW)
    assert not folder.exists()  # there is nothing to seal
    for number in range(3):
        reserved(store, request_id(number))
        store.seal(after(seconds=number))
        store.seal(after(seconds=number))
    assert [each["seq"] for each in heads(folder)] == [1, 2, 3]
    assert {each["environment"] for each in heads(folder)} == {ENVIRONMENT}


def test_a_head_that_cannot_be_exported_is_told_and_made_up_for(store: SqlHome, folder: Path) -> None:
    folder.write_text("in the way")
    reserved(store, request_id(1))
    for _ in range(2):
        with pytest.raises(Unavailable) as found:
            store.seal(NOW)
        assert found.value.code == "audit_head_not_exported"
    folder.unlink()
    store.seal(NOW)
    assert [each["seq"] for each in heads(folder)] == [1]


def test_a_head_file_that_is_behind_is_brought_up(url: str, folder: Path) -> None:
    work(url, folder, 0, 1)
    (folder / "dsp-heads-0.jsonl").unlink()
    homes = opened(url, folder)
    homes.take("0", "worker", NOW).close()
    homes.close()
    assert len(heads(folder)) == 1


# ---- disks ----


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'books.db'}"
    homes = opened(url)
    limit = "PRAGMA max_page_count=150"
    event.listen(homes._engine, "connect", lambda connection, _record: connection.execute(limit))
    store = homes.take("0", "worker", NOW)
    commanded(store, request_id(1))
    before = dumped(url)
    large = [reservation(request_id(2, eui(number)), received=bytes(20_000)) for number in range(64)]
    with pytest.raises(Unavailable) as found:
        store.reserve(large, NOW)
    assert found.value.code == "storage_full"
    assert dumped(url) == before
    assert len(store.open_commands()) == 1  # reading goes on
    assert reserved(store, request_id(2)).counter == NOW_MS + 1
    store.close()
    limit = "PRAGMA max_page_count=1000000"
    store = homes.take("0", "worker", NOW)
    assert len([each for each in store.reserve(large, NOW) if not isinstance(each, Refused)]) == 64
    store.close()
    homes.close()


def test_a_write_that_fails_ends_the_store(tmp_path: Path) -> None:
    """F2: it is not tried again and believed; who opens anew, verifies."""
    path = tmp_path / "books.db"
    url = f"sqlite:///{path}"
    homes = opened(url)
    store = homes.take("0", "worker", NOW)
    commanded(store, request_id(1))
    store.close()
    homes.close()
    before = dumped(url)

    def child() -> int:
        mine = opened(url).take("0", "worker", NOW)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, resource.RLIM_INFINITY))
        large = [reservation(request_id(2, eui(number)), received=bytes(20_000)) for number in range(64)]
        for _ in range(2):
            try:
                mine.reserve(large, NOW)
            except Unavailable as error:
                if error.code != "storage_failed":
                    return 1
            else:
                return 1
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        try:
            mine.facts([(None, DEVICE, Needs())])
        except Unavailable as error:
            return 7 if error.code == "storage_failed" else 2
        return 3

    assert ended(forked(child)) == 7
    assert dumped(url) == before
    homes = opened(url)
    store = homes.take("0", "worker", NOW)
    assert len(store.open_commands()) == 1
    assert list(problems(homes)) == []
    store.close()
    homes.close()


def test_a_server_that_goes_away_is_told_and_found_again(
    store: SqlHome, homes: SqlHomes, url: str, request: pytest.FixtureRequest
) -> None:
    if url.startswith("sqlite"):
        return  # a file has no server
    reserved(store, request_id(1))
    name = url.split("/")[3].split("?")[0]
    cluster = request.getfixturevalue("postgresql")
    cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(Unavailable) as found:
        store.reserve([reservation(request_id(2))], NOW)
    assert found.value.code == "storage_failed"
    assert reserved(store, request_id(2)).counter == NOW_MS + 1


# ---- in memory ----


def test_books_in_memory(folder: Path) -> None:
    homes = open_homes(Settings(MEMORY, ENVIRONMENT, seal, folder))
    store = homes.take("0", "worker", NOW)
    commanded(store, request_id(1))
    assert len(homes.views.commands_of(request_id(1))) == 1
    store.release(NOW)
    again = homes.take("0", "worker", NOW)
    assert len(again.open_commands()) == 1
    assert list(problems(homes)) == []
    again.close()
    homes.close()


def test_a_file_of_another_application_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE device (a)")
    connection.close()
    refused("storage_foreign", f"sqlite:///{path}", None)
    from trustcell.adapters.store import open_store

    smki = f"sqlite:///{tmp_path / 'smki.db'}"
    open_store(smki, ENVIRONMENT, seal=seal, head_file=None).close()
    refused("storage_foreign", smki, None)
