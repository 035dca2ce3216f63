"""A connection that the server has ended is given up without a word: its worker was paused inside a transaction."""

import logging

import psycopg
import pytest

from trustcell.adapters.dsp_store import migrate
from trustcell.adapters.dsp_store.session import Session
from trustcell.adapters.store.engine import make_engine


def test_a_session_that_the_server_ended_is_closed_quietly(postgresql, caplog):
    url = postgresql.new()
    migrate(url)
    engine = make_engine(url)
    session = Session(engine)
    with caplog.at_level(logging.WARNING):
        session.run("BEGIN")
        (process,) = session.one("SELECT pg_backend_pid()")
        postgresql.execute(f"SELECT pg_terminate_backend({process})")
        with pytest.raises(psycopg.OperationalError):
            session.one("SELECT 1")
        assert session.broken
        session.close()
        session.close()
    assert caplog.records == []
    engine.dispose()
    postgresql.release(url)
