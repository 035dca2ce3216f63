import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from databases import KINDS
from dsp_store.books_world import NOW, dumped, opened, run_sql
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, migrate


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
def sql(url: str) -> Callable[[str], list[tuple[object, ...]]]:
    """Runs SQL past the store, committing it."""
    return lambda statement: run_sql(url, statement)


@pytest.fixture
def dump(url: str) -> Callable[[], str]:
    """Everything that is kept, but whose lease it is."""
    return lambda: dumped(url)
