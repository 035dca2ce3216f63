import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import KINDS
from dsp_store.books_world import NOW, opened
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, migrate
from trustcell.adapters.dsp_store.schema import METADATA
from trustcell.adapters.store.engine import make_engine


@pytest.fixture(scope="session")
def empty_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Empty books on each database."""
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgresql")
        made: str = cluster.new()
        migrate(made)
        yield made
        cluster.release(made)
    else:
        path = tmp_path / "books.db"
        shutil.copyfile(request.getfixturevalue("empty_books"), path)
        yield f"sqlite:///{path}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outside"


@pytest.fixture
def homes(url: str, folder: Path) -> Iterator[SqlHomes]:
    made = opened(url, folder)
    yield made
    made.close()


@pytest.fixture
def store(homes: SqlHomes) -> Iterator[SqlHome]:
    made = homes.take("0", "worker", NOW)
    yield made
    made.close()


@pytest.fixture
def sql(url: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Runs SQL past the store, committing it."""
    engine = make_engine(url)

    def run(statement: str) -> list[tuple[object, ...]]:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []

    yield run
    engine.dispose()


@pytest.fixture
def dump(url: str) -> Iterator[Callable[[], str]]:
    """Everything that is kept, but how long the lease runs."""
    engine = make_engine(url)

    def read() -> str:
        with engine.connect().execution_options(reading=True) as connection:
            tables = {
                name: sorted(
                    repr([v for c, v in row._mapping.items() if c != "until"])
                    for row in connection.execute(sa.select(table))
                )
                for name, table in METADATA.tables.items()
            }
        return repr(tables)

    yield read
    engine.dispose()
