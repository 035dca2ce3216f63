"""Taking a database: a new one is set up, an old, foreign or damaged one is refused, nothing is written into it."""

from pathlib import Path

import sqlalchemy as sa

from trustcell.adapters.store.engine import APPLICATION, make_engine
from trustcell.adapters.store.failures import translated, unavailable

REVISION = "0002"
"""The revision of the tables that this version works with; the newest file in ``migrations``."""


def migrate(url: str) -> None:
    """Bring a database to the tables of this version, all or nothing; a new one is set up.

    ``Unavailable``: ``storage_foreign`` when it holds something else, and whatever the database itself says.
    """
    engine = make_engine(url)
    try:
        with translated(told(engine)), engine.begin() as connection:
            lock(connection)
            if revision(connection) is None:
                check_empty(connection)
            upgrade(connection)
    finally:
        engine.dispose()


def lock(connection: sa.Connection) -> None:
    """Let one process set a database up (SQLite's BEGIN IMMEDIATE has done so already)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION})")


def revision(connection: sa.Connection) -> str | None:
    """The revision of the tables that are there; ``None`` when ours are not."""
    if connection.dialect.name == "sqlite":
        if connection.exec_driver_sql("PRAGMA application_id").scalar() != APPLICATION:
            return None
    elif not sa.inspect(connection).has_table("store"):
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


def upgrade(connection: sa.Connection) -> None:
    """Run the revisions that are missing, in the transaction of the connection."""
    # Alembic is needed now and then only, and takes its time to import.
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION}")


def told(engine: sa.Engine) -> str:
    """A database as messages name it, without a password."""
    return str(engine.url.database) if engine.dialect.name == "sqlite" else engine.url.render_as_string()
