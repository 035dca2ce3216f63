"""The databases of a home and the revision of their tables; brought to this version, a copy of a file first."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from trustcell.adapters.campaign_store import LAYOUT as CAMPAIGNS
from trustcell.adapters.dsp_store.homes import LAYOUT as DSP
from trustcell.adapters.store.engine import file_of, make_engine, readable
from trustcell.adapters.store.failures import translated
from trustcell.adapters.store.opening import SMKI, migrate, revision, told
from trustcell.app.home import database_of
from trustcell.vocab import Clause, Refused, Unavailable

UPGRADE = Clause("trustcell upgrade", "docs/operations.md, from one version to the next")

LAYOUTS = {"SMKI": SMKI, "DSP": DSP, "campaigns": CAMPAIGNS}
"""Every kind of database that a home may have."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a home: which books, where (no password), the revision it has and the one it should have."""

    books: str
    url: str
    found: str
    wanted: str

    @property
    def current(self) -> bool:
        """Whether there is nothing to do."""
        return self.found == self.wanted

    @property
    def shown(self) -> str:
        """Where it is, as people read it."""
        parsed = readable(self.url)
        path = file_of(parsed)
        return parsed.render_as_string() if path is None else str(path)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What was done to one database; ``copy`` is the file as it was, ``None`` where nothing was to do or no file is."""

    database: Database
    copy: Path | None


def databases(home: Path, urls: tuple[str, ...] = ()) -> list[Database]:
    """The databases in a folder, the one its settings name, and ``urls``. ``Unavailable`` when there is none."""
    files = [f"sqlite:///{path.absolute()}" for path in sorted(home.glob("*.db"))]
    named = database_of(home)
    wanted = dict.fromkeys([*files, *([named] if named else []), *urls])
    found = [database for url in wanted for database in _looked_at(url)]
    if not found:
        raise Unavailable(f"{home} has no database of trustcell [database_missing]")
    return found


def _looked_at(url: str) -> Iterator[Database]:
    engine = make_engine(url)
    path = file_of(engine.url)
    if path is not None and not path.exists():
        raise Unavailable(f"there is no file {path} [database_missing]")
    try:
        with translated(told(engine)), engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            for books, layout in LAYOUTS.items():
                found = revision(reader, layout)
                if found is not None:
                    yield Database(books, url, found, layout.revision)
    finally:
        engine.dispose()


def upgrade(database: Database, backup_made: bool = False) -> Upgraded:
    """Bring one database to the tables of this version, all or nothing. A file is copied first, beside itself.

    Raises ``Refused`` for a database on a server whose backup nobody vouches for, and for one that a newer version
    made; ``Unavailable`` for what the database says.
    """
    layout = LAYOUTS[database.books]
    if database.current:
        return Upgraded(database, None)
    if database.found > layout.revision:
        raise _breach(
            "made_by_newer_version", database, f"its tables are of revision {database.found}", "take that version"
        )
    path = file_of(readable(database.url))
    if path is None and not backup_made:
        raise _breach(
            "backup_expected",
            database,
            "it is on a server, and nothing here copies it",
            "pg_dump it, say --backup-made",
        )
    copy = None if path is None else _copied(path, database.found)
    migrate(database.url, layout)
    return Upgraded(database, copy)


def _copied(path: Path, found: str) -> Path:
    copy = path.with_name(f"{path.stem}.revision-{found}.backup")
    if copy.exists():
        raise Unavailable(f"{copy} is there already: move it away [backup_exists]")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _breach(code: str, database: Database, seen: str, remedy: str) -> Refused:
    return Refused([UPGRADE.breach(code, "database", f"{database.shown}: {seen}", remedy)])
