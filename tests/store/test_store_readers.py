"""Connections for reading are lent again, seen to be gone when they are, and never left within a transaction."""

from collections.abc import Callable

import pytest

from store.store_world import NOW, certificate, opened, writing
from trustcell.adapters.store import SqlStore
from trustcell.smki.rules.records import Query


def found(store: SqlStore) -> int:
    with store.reading() as books:
        return len(books.certificates.search(Query(), NOW))


def test_what_was_written_is_seen_by_the_next_reading_of_the_same_connection(store: SqlStore) -> None:
    for number in range(1, 4):
        with writing(store) as books:
            books.certificates.add(certificate(number))
        assert found(store) == number
    assert len(store._readers._idle) == 1


def test_readings_within_a_reading_have_connections_of_their_own(store: SqlStore) -> None:
    with store.reading() as before:
        assert before.certificates.search(Query(), NOW) == []
        with writing(store) as books:
            books.certificates.add(certificate(1))
        assert found(store) == 1
        assert before.certificates.search(Query(), NOW) == []
    assert found(store) == 1


def test_an_error_of_the_caller_gives_the_connection_back(store: SqlStore) -> None:
    def fail() -> None:
        with store.reading() as books:
            books.certificates.search(Query(), NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with writing(store) as books:
        books.certificates.add(certificate(1))
    assert found(store) == 1


def test_a_connection_that_the_server_ended_is_replaced(new_store_url: Callable[[str], str]) -> None:
    url = new_store_url("postgresql")
    first, second = opened(url), opened(url)
    assert found(first) == 0
    with second.reading() as books:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        books.certificates._unit.rows(f"{ended} AND datname = current_database()", ())
    assert found(first) == 0
    first.close()
    second.close()


def test_a_closed_store_keeps_no_connection(store: SqlStore) -> None:
    with store.reading():
        store.close()
    assert store._readers._idle == []
