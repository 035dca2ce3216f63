"""Taking a database: a new one is set up, an old, foreign or damaged one is refused, nothing is written into it."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from trustcell.adapters.store.engine import file_of, make_engine
from trustcell.adapters.store.failures import translated, unavailable

REVISION = "0002"
"""The revision of the tables that this version works with; the newest file in ``migrations``."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of database: ``application`` in the header of an SQLite file, a table that only ours has, migrations."""

    application: int
    marker: str
    revision: str
    migrations: Path


SMKI = Layout(0x74_63_73_31, "store", REVISION, Path(__file__).with_name("migrations"))
"""``tcs1``: the store of the SMKI, and nobody else's."""


def migrate(url: str, layout: Layout = SMKI) -> None:
    """Bring a database to the tables of this version, all or nothing; a new one is set up.

    ``Unavailable``: ``storage_foreign`` when it holds something else, and whatever the database itself says.
    """
    engine = make_engine(url)
    try:
        with translated(told(engine)), engine.begin() as connection:
            lock(connection, layout)
            if revision(connection, layout) is None:
                check_empty(connection)
            upgrade(connection, layout)
    finally:
        engine.dispose()


def take(connection: sa.Connection, layout: Layout) -> None:
    """Set a new database up; ``Unavailable`` for one that is not ours, or whose tables are of another revision."""
    lock(connection, layout)
    found = revision(connection, layout)
    if found is None:
        check_empty(connection)
        upgrade(connection, layout)
    elif found != layout.revision:
        message = f"its tables are of revision {found}, this version works with {layout.revision}"
        raise unavailable("storage_outdated", f"{message}; migrate it, after a backup")


def lock(connection: sa.Connection, layout: Layout) -> None:
    """Let one process set a database up (SQLite's BEGIN IMMEDIATE has done so already)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({layout.application})")


def revision(connection: sa.Connection, layout: Layout) -> str | None:
    """The revision of the tables that are there; ``None`` when ours are not."""
    if connection.dialect.name == "sqlite":
        if connection.exec_driver_sql("PRAGMA application_id").scalar() != layout.application:
            return None
    elif not sa.inspect(connection).has_table(layout.marker):
        return None
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def check_empty(connection: sa.Connection) -> None:
    """Refuse to set up a store among somebody else's tables."""
    taken = bool(sa.inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        taken = taken or bool(connection.exec_driver_sql("PRAGMA application_id").scalar())
    if taken:
        message = f"the database {told(connection.engine)} belongs to another application"
        raise unavailable("storage_foreign", message)


def upgrade(connection: sa.Connection, layout: Layout) -> None:
    """Run the revisions that are missing, in the transaction of the connection."""
    # Alembic is needed now and then only, and takes its time to import.
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(layout.migrations))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={layout.application}")


def told(engine: sa.Engine) -> str:
    """A database as messages name it, without a password."""
    return str(engine.url.database) if engine.dialect.name == "sqlite" else engine.url.render_as_string()


def check_integrity(engine: sa.Engine) -> None:
    """After an unclean end the write-ahead file is still there: read every page before anything is built on it."""
    path = file_of(engine.url)
    if path is None:
        return
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        return
    with engine.connect().execution_options(reading=True) as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise unavailable("storage_damaged", f"the store {path} is damaged: {found}; restore a backup")
