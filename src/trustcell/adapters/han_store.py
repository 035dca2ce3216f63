"""Where an estate of virtual devices is kept: one SQLite file or PostgreSQL database, one transaction a save."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.failures import translated
from trustcell.devices.ports import Changes
from trustcell.vocab import Eui64

_METADATA = sa.MetaData()
_DEVICE = sa.Table(
    "han_device",
    _METADATA,
    sa.Column("eui", sa.LargeBinary, primary_key=True),
    sa.Column("octets", sa.LargeBinary, nullable=False),
)
_PARCEL = sa.Table(
    "han_parcel",
    _METADATA,
    sa.Column("handle", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("octets", sa.LargeBinary, nullable=False),
)
_SETTINGS = sa.Table(
    "han_settings",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("octets", sa.LargeBinary, nullable=False),
)
_KEYS = {_DEVICE: "eui", _PARCEL: "handle", _SETTINGS: "number"}


class SqlEstateStore:
    """See ``devices.ports.EstateStore``; opened by its URL, and its tables made if they are not there."""

    def __init__(self, url: str) -> None:
        """``sqlite:////path/file`` or ``postgresql+psycopg://...``; ``Unavailable`` when it cannot be opened."""
        self._engine = make_engine(url)
        self._name = self._engine.url.render_as_string(hide_password=True)
        with translated(self._name):
            _METADATA.create_all(self._engine)
        self._put = {table: self._upsert(table, key) for table, key in _KEYS.items()}

    def devices(self) -> Iterator[tuple[Eui64, bytes]]:
        """See the port."""
        return ((Eui64(eui), octets) for eui, octets in self._all(_DEVICE))

    def queue(self) -> Iterator[tuple[int, bytes]]:
        """See the port."""
        return ((handle, octets) for handle, octets in self._all(_PARCEL))

    def settings(self) -> bytes | None:
        """See the port."""
        rows = self._all(_SETTINGS)
        return bytes(rows[0][1]) if rows else None

    def save(self, changes: Changes) -> None:
        """See the port."""
        with translated(self._name), self._engine.begin() as connection:
            self._write(connection, _DEVICE, [(bytes(eui), octets) for eui, octets in changes.devices])
            self._write(connection, _PARCEL, list(changes.queued))
            if changes.settings is not None:
                self._write(connection, _SETTINGS, [(1, changes.settings)])
            for table, gone in ((_DEVICE, [bytes(eui) for eui in changes.gone]), (_PARCEL, list(changes.taken))):
                if gone:
                    key = table.c[_KEYS[table]]
                    connection.execute(
                        sa.delete(table).where(key == sa.bindparam("gone")), [{"gone": value} for value in gone]
                    )

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def _all(self, table: sa.Table) -> list[Any]:
        with (
            translated(self._name),
            self._engine.connect().execution_options(reading=True) as connection,
            connection.begin(),
        ):
            return list(connection.execute(sa.select(table)).all())

    def _write(self, connection: sa.Connection, table: sa.Table, rows: list[tuple[object, bytes]]) -> None:
        if rows:
            key = _KEYS[table]
            connection.execute(self._put[table], [{key: value, "octets": octets} for value, octets in rows])

    def _upsert(self, table: sa.Table, key: str) -> Any:
        insert = (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(table)
        return insert.on_conflict_do_update(index_elements=[key], set_={"octets": insert.excluded.octets})
