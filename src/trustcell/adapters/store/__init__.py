"""The store on SQLAlchemy Core: SQLite by default, PostgreSQL by one setting."""

from trustcell.adapters.store.opening import migrate
from trustcell.adapters.store.store import SqlBooks, SqlStore, Unlogged, open_store

__all__ = ["SqlBooks", "SqlStore", "Unlogged", "migrate", "open_store"]
