"""The ledger on SQLite alone: settings, reopening, edits by hand, bad files, several workers (hostile-inputs.md 5)."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from trustcell.adapters.sqlite_ledger import SqliteLedger
from trustcell.adapters.sqlite_rows import partition

from dsp import dsp_world as w
from dsp.dsp_ledgers import NOW, dump_file, recorded, reservation
from trustcell.vocab import Eui64, Refused, TrustcellError, Unavailable


def test_the_file_is_wal_and_every_commit_is_synced(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    for _ in range(2):
        with ledger._reading() as connection:
            pragma = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
        ledger.close()
        ledger = SqliteLedger(tmp_path / "ledger.db")
    ledger.close()


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "a folder with ? and %20" / "ledger.db"
    path.parent.mkdir()
    world = w.world(SqliteLedger(path))
    world.operator_takes_over()
    world.operator_leaves()
    silent = world.handover(w.cast().arriving)
    before = dump_file(path)
    world.ledger.close()
    reopened = SqliteLedger(path)
    assert dump_file(path) == before
    world.ledger, world.manager = reopened, w.manager_for(reopened, world.device)
    assert world.highest == w.HUGE + 1
    assert list(reopened.outbox()) == [silent.command]
    assert len(world.exchange(silent)) == 1
    reopened.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE device_counter SET network_operator_highest = network_operator_highest - 1",
        "UPDATE device_counter SET network_operator_highest = NULL",
        "UPDATE device_counter SET last_own = 0",
        "UPDATE device_counter SET device = x'0011223344556677'",
        "DELETE FROM device_counter",
        "INSERT OR REPLACE INTO device_counter SELECT device, part, 0, 0 FROM device_counter",
        "UPDATE command SET octets = x'00'",
        "UPDATE command SET counter = x'0000000000000001'",
        "DELETE FROM command",
        "INSERT OR REPLACE INTO command SELECT 99, originator, device, counter, part, message_code, request_originator,"
        " request_counter, variant, x'00', state, alerted, at FROM command WHERE number = 1",
    ],
)
def test_n18_the_file_refuses_edits_by_hand(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    world = w.world(SqliteLedger(path))
    world.operator_takes_over()
    world.operator_leaves()
    before = dump_file(path)
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            connection.execute(statement)
        connection.rollback()
    assert dump_file(path) == before
    world.ledger.close()


def test_the_index_of_spent_numbers_refuses_a_second_owner(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        ledger.reserve(reservation(1), NOW)
        ledger.reserve(reservation(2), NOW)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE request SET reserved_counter = (SELECT min(reserved_counter) FROM request)")


def bad_file(kind: str, folder: Path) -> Path:
    path = folder / "ledger.db"
    match kind:
        case "garbage":
            path.write_bytes(os.urandom(8192))
        case "text":
            path.write_text("not a database, but long enough to have a header of one hundred octets " * 3)
        case "folder":
            path.mkdir()
        case "no folder":
            return folder / "missing" / "ledger.db"
        case "foreign":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE request (id INTEGER)")
                connection.commit()
        case "foreign id":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA application_id = 7")
                connection.execute("CREATE TABLE other (id INTEGER)")
                connection.commit()
        case "torn":
            with closing(SqliteLedger(path)) as ledger:
                for number in range(1, 40):
                    recorded(ledger, number)
            path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192)
    return path


@pytest.mark.parametrize("kind", ["garbage", "text", "folder", "no folder", "foreign", "foreign id", "torn"])
def test_a_file_that_is_no_ledger_is_unavailable_in_one_sentence(kind: str, tmp_path: Path) -> None:
    path = bad_file(kind, tmp_path)
    before = path.read_bytes() if path.is_file() else None

    def use() -> None:
        with closing(SqliteLedger(path)) as ledger:
            ledger.reserve(reservation(500), NOW)

    with pytest.raises(Unavailable) as error:
        use()
    assert isinstance(error.value, TrustcellError)
    assert str(error.value).startswith(f"the ledger {path} cannot be used: ")
    assert "\n" not in str(error.value)
    if kind in ("garbage", "text", "foreign id", "foreign"):
        assert path.read_bytes() == before or kind.startswith("foreign")
        if kind == "foreign":
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_f1_a_full_disk_is_unavailable_and_nothing_is_half_done(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = SqliteLedger(path)
    made = recorded(ledger, 1)
    with ledger._reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    before = dump_file(path)
    with pytest.raises(Unavailable, match="full"):
        ledger.keep(bytes(100_000), NOW)
    assert dump_file(path) == before
    assert ledger.correlate(made.key) == made
    ledger.close()


# ---- several workers on one file ----


def racing(path: Path, workers: int, work: Callable[[SqliteLedger, int], object]) -> list[object]:
    """Every worker has a ledger of its own and they start together."""
    barrier, found = threading.Barrier(workers), []

    def run(worker: int) -> None:
        ledger = SqliteLedger(path)
        barrier.wait()
        try:
            found.append(work(ledger, worker))
        except TrustcellError as error:
            found.append(error)
        finally:
            ledger.close()

    threads = [threading.Thread(target=run, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_n2_one_request_id_at_the_same_instant_is_accepted_once(tmp_path: Path) -> None:
    for round_number in range(5):
        found = racing(
            tmp_path / "ledger.db", 4, lambda ledger, _worker, n=round_number: ledger.reserve(reservation(n), NOW)
        )
        refusals = [one for one in found if isinstance(one, Refused)]
        assert len(refusals) == 3
        assert {refusal.code for refusal in refusals} == {"request_id_used"}


def test_n2_no_number_is_given_out_twice(tmp_path: Path) -> None:
    def work(ledger: SqliteLedger, worker: int) -> list[int]:
        return [
            ledger.reserve(reservation(100 * worker + n, raises=bool(n % 2)), NOW + timedelta(milliseconds=n)).counter
            for n in range(10)
        ]

    found = racing(tmp_path / "ledger.db", 4, work)
    numbers = [number for one in found for number in one]
    assert len(numbers) == len(set(numbers)) == 40


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    program = (
        "import sys; from dsp import dsp_ledgers as t\nfrom trustcell.adapters.sqlite_ledger import SqliteLedger\n"
        "ledger = SqliteLedger(sys.argv[1])\n"
        "for n in range(15): print(ledger.reserve(t.reservation(int(sys.argv[2]) + n), t.NOW).counter)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(first)], stdout=subprocess.PIPE, env=environment, text=True
        )
        for first in (0, 100)
    ]
    numbers = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert len(numbers) == len(set(numbers)) == 30


def test_the_partition_of_a_device_never_changes() -> None:
    assert partition(w.cast().gpf) == partition(Eui64(bytes(w.cast().gpf)))
    assert {partition(Eui64(number.to_bytes(8, "big"))) for number in range(5000)} <= set(range(1024))
    assert partition(Eui64(bytes(8))) == 701
