"""A transaction is everything or nothing, audited and sealed; races have one winner; the killed leave nothing."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from store.store_world import (
    ENVIRONMENT,
    NOW,
    certificate,
    digest,
    opened,
    organisation,
    seal,
    statement,
    writing,
)  # fmt: skip
from trustcell.adapters.store import SqlStore, Unlogged, open_store
from trustcell.governance.rules.audit import GENESIS, AuditEntry
from trustcell.smki.rules.records import CertificateRecord, Query
from trustcell.vocab import Refused, Unavailable

Dump = Callable[[], str]


def test_entries_are_chained_and_each_commit_is_sealed(store: SqlStore) -> None:
    body = {
        "serial": 2**159,
        "names": ["é", '"', "\\", "\x00\x1f", "\u2028", "😀"],
        "none": None,
        "deep": {"b": 1, "a": {}},
    }
    with store.transaction(NOW) as books:
        first = books.audit.append('kind "é"', "subject \\", body, NOW + timedelta(microseconds=7))
    with store.transaction(NOW + timedelta(1)) as books:
        assert books.audit.append_many(NOW, [('kind "é"', "subject \\", body)] * 2 + [("k", "s", {})]) == (2, 4)
        fifth = books.audit.append("last", "s", {}, NOW)
    with store.reading() as books:
        entries, heads = list(books.audit.entries()), list(books.audit.heads())
        assert books.audit.head() == heads[-1]
        assert [each.seq for each in books.audit.about("s")] == [4, 5]
        assert [each.seq for each in books.audit.entries(2, 3)] == [2, 3]
        assert [each.seq for each in books.audit.entries(4)] == [4, 5]
    assert [each.seq for each in entries] == [1, 2, 3, 4, 5]
    assert (entries[0], entries[4]) == (first, fifth)
    assert [each.previous for each in entries] == [GENESIS, *(each.hash for each in entries[:-1])]
    assert {each.chain for each in entries} == {store.chain}
    assert entries[1].body == body
    assert [(each.seq, each.hash, each.at) for each in heads] == [
        (1, entries[0].hash, NOW), (5, entries[4].hash, NOW + timedelta(1)),
    ]  # fmt: skip
    assert all((each.environment, each.chain) == (ENVIRONMENT, store.chain) for each in heads)
    assert all(each.signature == seal(each.octets) for each in heads)


def test_many_entries_have_the_octets_that_one_has(store: SqlStore, sql: Callable[[str], list[tuple[bytes]]]) -> None:
    names = ["", '"', "\\", "\x00", "\x7f", "é", "😀", "</script>", "\u2028"]
    with store.transaction(NOW) as books:
        books.audit.append_many(NOW, [(one, two, {one: two, "z": [two]}) for one in names for two in names])
    with store.reading() as books:
        entries = list(books.audit.entries())
    stored = [bytes(octets) for (octets,) in sql("SELECT octets FROM audit_entry ORDER BY seq")]
    previous = GENESIS
    for octets, entry in zip(stored, entries, strict=True):
        one = AuditEntry(store.chain, entry.seq, NOW, entry.kind, entry.subject, entry.body, previous)
        assert one.octets == octets == entry.octets
        previous = one.hash


def test_what_wrote_no_audit_entry_is_not_committed(store: SqlStore, dump: Dump) -> None:
    before = dump()
    with pytest.raises(Unlogged), store.transaction(NOW) as books:
        books.documents.put("pack", "a", {})
    with pytest.raises(Unlogged), store.transaction(NOW) as books:
        books.certificates.add(certificate(1))
    with store.transaction(NOW) as books:
        assert books.documents.names("pack") == []
    assert dump() == before


def test_an_error_leaves_everything_as_it_was(store: SqlStore, dump: Dump, head_file: Path) -> None:
    before = dump()
    with pytest.raises(ZeroDivisionError), writing(store) as books:  # noqa: PT012
        books.certificates.add(certificate(1))
        books.statements.add(statement(1))
        raise ZeroDivisionError
    assert dump() == before
    assert not head_file.exists()


def test_a_seal_that_fails_commits_nothing(store_url: str, dump: Dump) -> None:
    def broken(_octets: bytes) -> bytes:
        raise Unavailable("the token is gone")

    store = open_store(store_url, ENVIRONMENT, seal=broken, head_file=None)
    before = dump()
    with pytest.raises(Unavailable, match="token"), writing(store) as books:
        books.certificates.add(certificate(1))
    assert dump() == before
    store.close()


def test_books_opened_for_reading_write_nothing(store: SqlStore, store_url: str, dump: Dump) -> None:
    before = dump()
    with pytest.raises(RuntimeError), store.reading() as books:
        books.documents.put("a", "b", {})
    with pytest.raises(RuntimeError), store.reading() as books:
        books.certificates.add(certificate(1))
    unsealed = open_store(store_url, ENVIRONMENT, seal=None, head_file=None)
    with pytest.raises(Unavailable) as found, writing(unsealed):
        pass
    assert found.value.code == "audit_key_missing"
    unsealed.close()
    assert dump() == before


def test_a_reader_sees_one_state(store: SqlStore) -> None:
    with store.reading() as before:
        assert list(before.certificates.all()) == []
        with ThreadPoolExecutor(1) as pool:
            pool.submit(add, store, certificate(1)).result(60)
        assert list(before.certificates.all()) == []
    with store.reading() as after:
        assert len(list(after.certificates.all())) == 1


def test_a_transaction_within_a_transaction_is_a_mistake(store: SqlStore) -> None:
    with writing(store), pytest.raises(RuntimeError), store.transaction(NOW):
        pass
    with writing(store):
        pass


# ---- races ----


def add(store: SqlStore, record: CertificateRecord) -> str:
    try:
        with writing(store) as books:
            books.certificates.add(record)
    except Refused as refusal:
        return refusal.code
    return "added"


def test_of_200_certificates_for_one_key_one_is_kept(store: SqlStore, store_url: str) -> None:
    others = [opened(store_url) for _ in range(3)]  # as other processes have
    turns = itertools.cycle([store, *others])
    records = [organisation(serial, key=digest("one")) for serial in range(1, 201)]
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(add, turns, records))
    assert sorted(outcomes) == ["added"] + ["public_key_in_use"] * 199
    with store.reading() as books:
        assert len(books.certificates.with_key(digest("one"))) == 1
        assert [each.seq for each in books.audit.entries()] == [1]
    for each in others:
        each.close()


def test_the_last_use_of_an_approval_is_taken_once(store: SqlStore, store_url: str) -> None:
    others = [opened(store_url) for _ in range(3)]
    start = threading.Barrier(4)

    def take(chosen: SqlStore) -> list[str]:
        start.wait(30)
        outcomes = []
        for serial in range(1, 6):
            try:
                with writing(chosen) as books:
                    books.approval_uses.take("A", 7, "T1", serial, NOW)
                outcomes.append("taken")
            except Refused as refusal:
                outcomes.append(refusal.code)
        return outcomes

    with ThreadPoolExecutor(4) as pool:
        outcomes = [each for found in pool.map(take, [store, *others]) for each in found]
    assert sorted(outcomes) == ["approval_used_up"] * 13 + ["taken"] * 7
    with store.reading() as books:
        assert [number for number, *_ in books.approval_uses.uses("A")] == list(range(1, 8))
    for each in others:
        each.close()


def test_entries_of_many_writers_make_one_chain(store: SqlStore, store_url: str) -> None:
    others = [opened(store_url) for _ in range(3)]

    def write(chosen: SqlStore) -> None:
        for _ in range(10):
            with writing(chosen) as books:
                books.audit.append_many(NOW, [("k", "s", {})] * 3)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [store, *others]))
    with store.reading() as books:
        entries = list(books.audit.entries())
        assert len(list(books.audit.heads())) == 40
    assert [each.seq for each in entries] == list(range(1, 161))
    assert [each.previous for each in entries[1:]] == [each.hash for each in entries[:-1]]
    for each in others:
        each.close()


# ---- killed, full ----

_WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store.store_world import NOW, certificate, opened, writing
store = opened(sys.argv[2], Path(sys.argv[3]))
with writing(store) as books:
    books.certificates.add_many([certificate(serial) for serial in range(1000, 9000)])
    books.audit.append_many(NOW, [("k", "s", {})] * 8000)
    print("written", flush=True)
    time.sleep(60)
"""


def test_a_worker_killed_inside_a_transaction_leaves_nothing(
    store: SqlStore, store_url: str, head_file: Path, dump: Dump
) -> None:
    with writing(store) as books:
        books.certificates.add(certificate(1))
    before, heads = dump(), head_file.read_bytes()
    tests = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", _WORKER, tests, store_url, str(head_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "written\n"
        os.kill(worker.pid, signal.SIGKILL)
    store.close()
    again = opened(store_url, head_file)
    assert (dump(), head_file.read_bytes()) == (before, heads)
    with writing(again) as books:
        books.certificates.add(certificate(1000))
    again.close()


def test_a_full_disk_is_told_and_survived(new_store_url: Callable[[str], str]) -> None:
    from sqlalchemy import event

    url = new_store_url("sqlite")
    store = opened(url)
    with writing(store) as books:
        books.certificates.add(certificate(1))
    limit = "PRAGMA max_page_count=120"
    event.listen(store._engine, "begin", lambda connection: connection.exec_driver_sql(limit))
    with pytest.raises(Unavailable) as found, writing(store) as books:
        books.certificates.add_many([certificate(serial) for serial in range(2, 20_000)])
    assert found.value.code == "storage_full"
    with store.reading() as books:
        assert [each.serial for each in books.certificates.all()] == [1]
    limit = "PRAGMA max_page_count=1000000000"
    with writing(store) as books:
        books.certificates.add_many([certificate(serial) for serial in range(2, 20_000)])
    with store.reading() as books:
        assert len(books.certificates.search(Query(), NOW)) == 19_999
    store.close()
