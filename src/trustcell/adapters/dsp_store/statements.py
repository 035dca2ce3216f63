"""Texts of the hot path, made once from the tables, and how a group of rows is read or written in one statement.

SQLite binds rows (``executemany``), PostgreSQL columns (``unnest``), so a group costs a statement on either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

_TYPES = ((sa.LargeBinary, "bytea"), (sa.SmallInteger, "smallint"), (sa.BigInteger, "bigint"), (sa.Integer, "integer"),
          (sa.Text, "text"))  # fmt: skip
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""How many keys a lookup on SQLite has: few texts, so each stays prepared."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows by keys. ``texts`` are SQLite's for each of ``_SIZES``."""

    texts: tuple[str, ...]
    postgresql: str

    def chunks(self, keys: Sequence[tuple[Any, ...]]) -> list[tuple[str, list[Any]]]:
        """SQLite's text and values for these keys; NULL, which nothing equals, fills a chunk up."""
        made = []
        for start in range(0, len(keys), _SIZES[-1]):
            chosen = keys[start : start + _SIZES[-1]]
            place = next(place for place, size in enumerate(_SIZES) if size >= len(chosen))
            values = [value for key in chosen for value in key]
            values += [None] * ((_SIZES[place] - len(chosen)) * len(chosen[0]))
            made.append((self.texts[place], values))
        return made


@dataclass(frozen=True, slots=True)
class Write:
    """A statement over many rows of values."""

    sqlite: str
    postgresql: str


def lookup(select: str, keys: Sequence["sa.Column[Any]"], join: str = "") -> Lookup:
    """SELECT from the table ``t`` of the keys, where they are among those given: keys that differ, rows in no order."""
    table = keys[0].table.name
    on = " AND ".join(f"t.{column.name} = k.k{place}" for place, column in enumerate(keys))
    names = ", ".join(f"k{place}" for place in range(len(keys)))
    mark = f"({', '.join('?' * len(keys))})"
    # CROSS JOIN: SQLite keeps the order, so the keys lead.
    texts = tuple(
        f"WITH k({names}) AS (VALUES {', '.join([mark] * size)}) "
        f"SELECT {select} FROM k CROSS JOIN {table} t ON {on}{join}"
        for size in _SIZES
    )
    arrays = ", ".join(f"%b::{_type(column)}[]" for column in keys)
    return Lookup(texts, f"SELECT {select} FROM unnest({arrays}) AS k({names}) JOIN {table} t ON {on}{join}")


def insert(table: sa.Table, conflict: str = "") -> Write:
    """INSERT rows that have a value for each column in order."""
    names = ", ".join(column.name for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    arrays = ", ".join(f"%b::{_type(column)}[]" for column in table.columns)
    into = f"INSERT INTO {table.name} ({names})"
    end = f" {conflict}" if conflict else ""
    return Write(f"{into} VALUES ({marks}){end}", f"{into} SELECT * FROM unnest({arrays}){end}")


def update(table: sa.Table, columns: Sequence[str], keys: Sequence[str]) -> Write:
    """UPDATE rows: values for the columns, then for the keys that name the row."""
    of = table.columns
    sqlite = ", ".join(f"{name} = ?" for name in columns)
    which = " AND ".join(f"{name} = ?" for name in keys)
    every = [*columns, *(f"key_{name}" for name in keys)]
    arrays = ", ".join(f"%b::{_type(of[name.removeprefix('key_')])}[]" for name in every)
    setting = ", ".join(f"{name} = v.{name}" for name in columns)
    matching = " AND ".join(f"t.{name} = v.key_{name}" for name in keys)
    return Write(
        f"UPDATE {table.name} SET {sqlite} WHERE {which}",
        f"UPDATE {table.name} AS t SET {setting} FROM unnest({arrays}) AS v({', '.join(every)}) WHERE {matching}",
    )


def delete(table: sa.Table, keys: Sequence[str]) -> Write:
    """DELETE the rows with these keys."""
    of = table.columns
    which = " AND ".join(f"{name} = ?" for name in keys)
    arrays = ", ".join(f"%b::{_type(of[name])}[]" for name in keys)
    names = ", ".join(f"key_{name}" for name in keys)
    matching = " AND ".join(f"t.{name} = v.key_{name}" for name in keys)
    return Write(
        f"DELETE FROM {table.name} WHERE {which}",
        f"DELETE FROM {table.name} AS t USING unnest({arrays}) AS v({names}) WHERE {matching}",
    )


def _type(column: "sa.Column[Any]") -> str:
    return next(name for kind, name in _TYPES if isinstance(column.type, kind))
