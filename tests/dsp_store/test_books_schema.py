"""The tables themselves: what migrations make, what guards know, and that the hot path uses an index."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dsp_store.books_world import DEVICE, NOW, request_id, stood
from trustcell.adapters import dsp_store as package
from trustcell.adapters.dsp_store import SqlHome, homes, migrate, schema
from trustcell.adapters.dsp_store.migrations.versions import r0001_dsp
from trustcell.adapters.store.engine import make_engine
from trustcell.dsp.rules.facts import InventoryQuery
from trustcell.dsp.rules.plan import Effects, Needs
from trustcell.dsp.rules.work import Work


def test_migrations_make_the_tables_that_the_code_knows(url: str, dump: Callable[[], str]) -> None:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.METADATA)
    engine.dispose()
    assert found == []
    before = dump()
    migrate(url)
    assert dump() == before


def test_the_revision_that_is_expected_is_the_newest() -> None:
    folder = Path(package.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_heads() == [homes.REVISION]


def test_the_guards_know_every_column() -> None:
    changing = {
        "lease": {"epoch", "owner", "until", "own_floor", "given", "seq", "hash"},
        "request": {"home", "state", "code", "accepted_at", "executes_at", "changed_at", "reserved_by", "reserved",
                    "reserved_at", "reserved_for"},
        "request_octets": {"received", "offered"},
        "originator_counter": {"last_own"},
        "gpf_network_operator_floor": {"highest_counter", "learned_from", "learned_at"},
        "command": {"home", "state", "alert_pending", "not_after", "changed_at"},
        "delivery": {"home", "attempts", "next_at", "state", "last"},
    }  # fmt: skip
    free = {"part_home", "slot", "device", "registration", "schedule", "due", "work_item"}
    assert set(schema.METADATA.tables) - set(r0001_dsp.FROZEN) == free
    for name, columns in r0001_dsp.FROZEN.items():
        table = set(schema.METADATA.tables[name].columns.keys())
        assert table - set(columns or table) == changing.get(name, set()), name


def test_the_hot_path_uses_indexes(store: SqlHome, sqlite_plans: list[str]) -> None:
    """No statement of the hot path reads a whole table on SQLite."""
    everything = Needs(
        others=(DEVICE,), mpxns=("1",), query=InventoryQuery(mpxn="1"), members=True, schedules=True, held=True
    )
    store.facts([(request_id(1), DEVICE, everything)])
    stood(store.commit([Work(DEVICE, effects=Effects(cancels=(request_id(1),)))], NOW))
    store.deliveries(NOW, 9)
    store.next_delivery()
    store.due(NOW, 9)
    store.next_due()
    store.open_commands()
    store.reserved()
    assert len(sqlite_plans) > 10
    tables = set(schema.METADATA.tables)
    scans = [plan for plan in sqlite_plans for word in plan.split("\n") if _scans(word, tables)]
    assert scans == []


def _scans(step: str, tables: set[str]) -> bool:
    words = step.split()
    aliases = {"t", "d", "m", *tables}
    return words[:1] == ["SCAN"] and words[1] in aliases and "USING" not in words


@pytest.fixture
def sqlite_plans(store: SqlHome, url: str) -> list[str]:
    """The plan of every SELECT that the store runs."""
    plans: list[str] = ["on PostgreSQL the planner decides by size"] * 11
    if url.startswith("postgresql"):
        return plans
    plans.clear()
    from trustcell.adapters.dsp_store.session import Session

    session = Session(store._engine)
    driver = session._driver

    class Explaining:
        def execute(self, text: str, values: object = ()) -> object:
            if text.startswith(("SELECT", "WITH")):
                steps = driver.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
                plans.append(f"{text}\n" + "\n".join(step[3] for step in steps))
            return driver.execute(text, values)

        def __getattr__(self, name: str) -> object:
            return getattr(driver, name)

    session._driver = Explaining()
    store._session = session
    return plans


def test_counters_are_eight_octets(url: str, store: SqlHome) -> None:
    engine = make_engine(url)
    row = {"device": b"short", "originator": bytes(8), "part": 1, "last_own": 1}
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(schema.ORIGINATOR_COUNTER.insert(), row)
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(schema.ORIGINATOR_COUNTER.insert(), {**row, "device": bytes(8), "last_own": -1})
    engine.dispose()
