"""What a database says when it does not work, as ``Unavailable`` with a code, in one sentence."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from trustcell.vocab import Unavailable

_SQLITE = {"SQLITE_FULL": "storage_full", "SQLITE_BUSY": "storage_busy", "SQLITE_LOCKED": "storage_busy",
           "SQLITE_CORRUPT": "storage_damaged", "SQLITE_NOTADB": "storage_foreign"}  # fmt: skip
_POSTGRESQL = {"53100": "storage_full", "55P03": "storage_busy", "40P01": "storage_busy", "40001": "storage_busy",
               "57014": "storage_busy", "XX001": "storage_damaged", "XX002": "storage_damaged"}  # fmt: skip


def unavailable(code: str, message: str) -> Unavailable:
    """An ``Unavailable`` with a code of its own."""
    error = Unavailable(message)
    error.code = code
    return error


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Whatever the database raises becomes ``Unavailable``: ``storage_full``, ``storage_busy``, ``storage_failed``."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise unavailable(_code(cause), f"the store {name} cannot be used: {str(cause).splitlines()[0]}") from error


def _code(cause: BaseException) -> str:
    if isinstance(cause, sqlite3.Error):
        # Extended codes carry their family in front: SQLITE_BUSY_SNAPSHOT.
        family = "_".join(str(getattr(cause, "sqlite_errorname", "")).split("_")[:2])
        return _SQLITE.get(family, "storage_failed")
    return _POSTGRESQL.get(getattr(cause, "sqlstate", None) or "", "storage_failed")
