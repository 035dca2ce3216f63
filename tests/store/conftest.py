from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.store_world import opened
from trustcell.adapters.store import SqlStore
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.schema import METADATA


@pytest.fixture
def head_file(tmp_path: Path) -> Path:
    return tmp_path / "outside" / "heads.jsonl"


@pytest.fixture
def store(store_url: str, head_file: Path) -> Iterator[SqlStore]:
    made = opened(store_url, head_file)
    yield made
    made.close()


@pytest.fixture
def sql(store_url: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Runs SQL past the store, committing it."""
    engine = make_engine(store_url)

    def run(statement: str) -> list[tuple[object, ...]]:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []

    yield run
    engine.dispose()


@pytest.fixture
def dump(sql: Callable[[str], list[tuple[object, ...]]]) -> Callable[[], str]:
    """Everything that is kept."""
    return lambda: repr([(name, sorted(map(repr, sql(f"SELECT * FROM {name}")))) for name in METADATA.tables])
