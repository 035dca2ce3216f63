"""Which databases are taken, which are refused; heads outside the database find an older copy (hostile D8)."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from databases import Cluster
from store.store_world import ENVIRONMENT, NOW, certificate, decision, opened, request, writing
from trustcell.adapters.store import SqlStore, migrate
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.heads import HeadFile
from trustcell.vocab import Unavailable

Sql = Callable[[str], list[tuple[object, ...]]]


def refused(code: str, url: str, head_file: Path | None = None, environment: str = ENVIRONMENT) -> None:
    with pytest.raises(Unavailable) as found:
        opened(url, head_file, environment)
    assert found.value.code == code


def lines(head_file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in head_file.read_text().splitlines()]


def write(store: SqlStore, *serials: int) -> None:
    for serial in serials:
        with store.transaction(NOW) as books:
            books.certificates.add(certificate(serial))
            books.audit.append("certificate", str(serial), {}, NOW)


def test_a_new_file_is_set_up_and_found_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    store = opened(url)
    write(store, 1)
    chain = store.chain
    store.close()
    again = opened(url)
    with again.reading() as books:
        assert books.certificates.get("D001", 1) == certificate(1)
    assert again.chain == chain
    again.close()


def test_a_new_postgresql_database_is_set_up(postgresql: Cluster) -> None:
    store = opened(postgresql.new().replace("postgresql+psycopg", "postgresql"))
    write(store, 1)
    store.close()


def test_the_settings_of_sqlite(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    names = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    assert found == ["wal", 2, 1, 1, 60000]
    engine.dispose()


def test_each_head_is_exported_after_its_commit(store: SqlStore, head_file: Path) -> None:
    write(store, 1, 2)
    with store.reading() as books:
        heads = list(books.audit.heads())
    assert lines(head_file) == [
        {
            "at": "2024-03-01T12:00:00Z", "chain": store.chain, "environment": ENVIRONMENT, "hash": each.hash.hex(),
            "seq": each.seq, "signature": each.signature.hex(),
        }
        for each in heads
    ]  # fmt: skip
    assert len(heads) == 2


def test_a_file_that_is_behind_is_brought_up(store: SqlStore, store_url: str, head_file: Path) -> None:
    write(store, 1, 2, 3)
    everything = lines(head_file)
    store.close()
    text = head_file.read_bytes()
    first, second, third = text.splitlines(keepends=True)
    for behind in (b"", first, first + second, first + second + third[:40], text):
        head_file.write_bytes(behind)
        opened(store_url, head_file).close()
        last = head_file.read_bytes().splitlines()[-1]
        assert json.loads(last) == everything[-1]
    head_file.unlink()
    opened(store_url, head_file).close()
    assert lines(head_file) == everything[-1:]


def test_an_older_copy_is_refused(new_store_url: Callable[[str], str], head_file: Path) -> None:
    url = new_store_url("sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    store = opened(url, head_file)
    write(store, 1)
    store.close()
    copy = path.read_bytes()
    store = opened(url, head_file)
    write(store, 2)
    store.close()
    newer = path.read_bytes()
    path.write_bytes(copy)
    heads = head_file.read_bytes()
    refused("store_rolled_back", url, head_file)
    assert (path.read_bytes(), head_file.read_bytes()) == (copy, heads)
    path.write_bytes(newer)
    opened(url, head_file).close()


def test_an_older_copy_that_went_on_is_refused(new_store_url: Callable[[str], str], head_file: Path) -> None:
    url = new_store_url("sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    opened(url, head_file).close()
    copy = path.read_bytes()
    store = opened(url, head_file)
    write(store, 1)
    store.close()
    path.write_bytes(copy)
    store = opened(url)
    write(store, 2, 3)
    store.close()
    refused("store_forked", url, head_file)


def test_another_store_is_refused(store: SqlStore, store_url: str, head_file: Path, tmp_path: Path) -> None:
    write(store, 1)
    store.close()
    refused("environment_mismatch", store_url, head_file, "another")
    refused("environment_mismatch", store_url, None, "another")
    for kind, environment, code in (("a", ENVIRONMENT, "store_forked"), ("b", "another", "environment_mismatch")):
        url = f"sqlite:///{tmp_path / kind}.db"
        other = opened(url, None, environment)
        write(other, 1)
        other.close()
        refused(code, url, head_file, environment)


def test_a_head_file_that_is_none_is_refused(store_url: str, head_file: Path) -> None:
    head_file.parent.mkdir()
    head_file.write_text("something else\n")
    refused("head_file_damaged", store_url, head_file)
    head_file.unlink()
    head_file.mkdir()
    refused("head_file_unreadable", store_url, head_file)


def test_nothing_more_is_written_while_heads_cannot_be_exported(store: SqlStore, head_file: Path) -> None:
    head_file.parent.mkdir()
    head_file.mkdir()
    write(store, 1)
    with pytest.raises(Unavailable) as found:
        write(store, 2)
    assert found.value.code == "audit_head_not_exported"
    head_file.rmdir()
    write(store, 3)
    with store.reading() as books:
        assert [each.serial for each in books.certificates.all()] == [1, 3]
    assert [each["seq"] for each in lines(head_file)] == [1, 2]


def test_heads_of_two_processes_stay_in_order(store: SqlStore, store_url: str, head_file: Path) -> None:
    other = opened(store_url, head_file)
    for serial in range(1, 9, 2):
        write(store, serial)
        write(other, serial + 1)
    assert [each["seq"] for each in lines(head_file)] == list(range(1, 9))
    other.close()


def test_a_head_that_comes_late_is_not_written_behind_a_newer_one(store: SqlStore, head_file: Path) -> None:
    write(store, 1, 2)
    with store.reading() as books:
        first = next(books.audit.heads())
    HeadFile(head_file).export(first)
    assert [each["seq"] for each in lines(head_file)] == [1, 2]


# ---- foreign, outdated, damaged ----


@pytest.mark.parametrize("make", ["CREATE TABLE certificate (a)", "PRAGMA application_id=1"])
def test_a_file_of_another_application_is_left_alone(tmp_path: Path, make: str) -> None:
    path = tmp_path / "foreign.db"
    with sqlite3.connect(path) as connection:
        connection.execute(make)
        connection.execute("CREATE TABLE x (a)")
        connection.execute("DROP TABLE x")
    connection.close()
    url = f"sqlite:///{path}"
    refused("storage_foreign", url)
    with pytest.raises(Unavailable):
        migrate(url)
    with sqlite3.connect(path) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert tables <= {"certificate"}


def test_a_database_of_another_application_is_left_alone(postgresql: Cluster) -> None:
    url = postgresql.new()
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE certificate (a integer)")
    engine.dispose()
    refused("storage_foreign", url)
    with pytest.raises(Unavailable):
        migrate(url)
    postgresql.release(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("This is no database at all. " * 100)
    refused("storage_foreign", f"sqlite:///{path}")
    refused("storage_failed", f"sqlite:///{tmp_path / 'none' / 'a.db'}")


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "oracle://u:secret@h/d"]
)
def test_other_databases_are_unknown(url: str) -> None:
    with pytest.raises(Unavailable) as found:
        opened(url)
    assert found.value.code == "storage_unknown"
    assert "secret" not in str(found.value)


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    refused("storage_failed", f"postgresql://someone:secret@/db?host={tmp_path}")


def test_tables_of_another_revision_are_refused(store: SqlStore, store_url: str, sql: Sql) -> None:
    store.close()
    sql("UPDATE alembic_version SET version_num = '0000'")
    refused("storage_outdated", store_url)


def test_a_store_from_before_decisions_were_hashed_migrates_only_while_it_has_none(
    store: SqlStore, store_url: str, sql: Sql
) -> None:
    store.close()
    sql("UPDATE alembic_version SET version_num = '0001'")
    refused("storage_outdated", store_url)
    migrate(store_url)
    again = opened(store_url)
    with writing(again) as books:
        books.requests.add(request())
        books.requests.decide(decision())
    again.close()
    sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Unavailable) as found:
        migrate(store_url)
    assert found.value.code == "storage_without_digests"
    refused("storage_outdated", store_url)


def test_migrating_twice_changes_nothing(store: SqlStore, store_url: str, dump: Callable[[], str]) -> None:
    write(store, 1)
    before = dump()
    migrate(store_url)
    assert dump() == before


def test_a_damaged_file_is_found_after_an_unclean_end(new_store_url: Callable[[str], str], tmp_path: Path) -> None:
    path = Path(new_store_url("sqlite").removeprefix("sqlite:///"))
    store = opened(f"sqlite:///{path}")
    with writing(store) as books:
        books.certificates.add_many([certificate(serial) for serial in range(1, 3000)])
    with store._engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint")
    write(store, 5000)
    copy = tmp_path / "copy.db"
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")  # what a power cut leaves
    store.close()
    octets = copy.read_bytes()
    opened(f"sqlite:///{copy}").close()
    page = 4096 * (len(octets) // 4096 // 2)
    shutil.copyfile(path, copy)
    damaged = bytearray(path.read_bytes())
    damaged[page : page + 4096] = bytes(4096)
    copy.write_bytes(damaged)
    Path(f"{copy}-wal").write_bytes(b"x")
    refused("storage_damaged", f"sqlite:///{copy}")


def integrity_checks(url: str) -> int:
    """How often the file is looked over while it is opened and closed."""
    seen: list[str] = []

    def executed(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    try:
        opened(url).close()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", executed)
    return sum("integrity_check" in statement for statement in seen)


def test_the_file_is_looked_over_after_an_unclean_end_and_not_beside_a_neighbour(
    new_store_url: Callable[[str], str],
) -> None:
    url = new_store_url("sqlite")
    assert integrity_checks(url) == 0
    neighbour = opened(url)
    write(neighbour, 5)
    log = Path(url.removeprefix("sqlite:///") + "-wal")
    assert log.stat().st_size > 0
    assert integrity_checks(url) == 0
    neighbour.close()
    child = os.fork()
    if child == 0:  # a process that is killed between two commits
        write(opened(url), 6)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert log.stat().st_size > 0
    assert integrity_checks(url) == 1
    assert integrity_checks(url) == 0


def test_time_is_kept_with_the_head(store: SqlStore) -> None:
    write(store, 1)
    with store.reading() as books:
        head = books.audit.head()
    assert head is not None
    assert head.at == NOW
