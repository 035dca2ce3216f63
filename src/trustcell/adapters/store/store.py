"""The store: books within transactions, the audit head signed in each, and exported after it."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa

from trustcell.adapters.store import opening
from trustcell.adapters.store.audit_log import SqlAudit
from trustcell.adapters.store.certificate_book import SqlCertificates
from trustcell.adapters.store.engine import file_of, make_engine
from trustcell.adapters.store.failures import translated, unavailable
from trustcell.adapters.store.heads import HeadFile
from trustcell.adapters.store.owners import Owners
from trustcell.adapters.store.readers import Readers
from trustcell.adapters.store.request_book import SqlRequests
from trustcell.adapters.store.revocation_book import SqlRevocations
from trustcell.adapters.store.schema import STORE
from trustcell.adapters.store.small_books import SqlApprovalUses, SqlBatches, SqlDocuments
from trustcell.adapters.store.statement_log import SqlStatements
from trustcell.adapters.store.unit import Unit
from trustcell.governance.rules.audit import AuditHead
from trustcell.vocab import TrustcellError

_WAIT = 120.0
"""Seconds a thread waits for its turn to write."""


class Unlogged(TrustcellError):
    """Something was written without an audit entry: a mistake of ours, and nothing was committed."""

    code = "audit_entry_missing"


class SqlBooks:
    """See ``smki.ports.Books``: everything one transaction sees."""

    def __init__(self, unit: Unit, environment: str, chain: str) -> None:
        """Open the books of a transaction."""
        self.statements = SqlStatements(unit)
        self.audit = SqlAudit(unit, environment, chain)
        self.certificates = SqlCertificates(unit)
        self.requests = SqlRequests(unit)
        self.approval_uses = SqlApprovalUses(unit)
        self.revocations = SqlRevocations(unit)
        self.batches = SqlBatches(unit)
        self.documents = SqlDocuments(unit)


class SqlStore:
    """See ``smki.ports.Store``; made by ``open_store``. One writer at a time, any number of readers."""

    def __init__(
        self,
        engine: sa.Engine,
        environment: str,
        seal: Callable[[bytes], bytes] | None,
        heads: HeadFile | None,
        owners: Owners | None = None,
    ) -> None:
        """Use an engine whose database was taken; see ``open_store``."""
        self.environment = environment
        self._engine, self._seal, self._heads, self._owners = engine, seal, heads, owners
        self._readers = Readers(engine)
        self._name = opening.told(engine)
        self._turn = threading.Lock()
        self._writer: int | None = None
        self._unexported: AuditHead | None = None

    @contextmanager
    def transaction(self, now: datetime) -> Iterator[SqlBooks]:
        """See the port; ``Unlogged`` when something was written and ``audit`` has no new entry."""
        if self._seal is None:
            raise unavailable("audit_key_missing", f"the store {self._name} was opened without a key for its log")
        seal = self._seal
        with self._my_turn():
            self._catch_up()
            head = None
            with translated(self._name), self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(STORE.c.number).with_for_update())
                unit = Unit(connection, writing=True)
                books = SqlBooks(unit, self.environment, self.chain)
                yield books
                if books.audit.appended:
                    head = books.audit.close(now, seal)
                elif unit.changed:
                    raise Unlogged("something was written without an audit entry; nothing was kept")
            if head is not None:
                self._unexported = head
                self._export()

    @contextmanager
    def reading(self) -> Iterator[SqlBooks]:
        """See the port."""
        with translated(self._name), self._readers.one() as connection:
            yield SqlBooks(Unit(connection, writing=False), self.environment, self.chain)

    def close(self) -> None:
        """Release the database."""
        self._readers.close()
        self._engine.dispose()
        if self._owners is not None:
            self._owners.leave()

    @cached_property
    def chain(self) -> str:
        """The name of this store's audit chain."""
        with translated(self._name), self._engine.connect().execution_options(reading=True) as connection:
            return str(connection.execute(sa.select(STORE.c.chain)).scalar_one())

    def compare(self) -> None:
        """Compare with the exported heads: ``Unavailable`` when the database is older or another (hostile D8)."""
        if self._heads is None:
            return
        with self.reading() as books:
            head = books.audit.head()

            def hash_of(seq: int) -> bytes | None:
                entry = next(books.audit.entries(seq, seq), None)
                return None if entry is None else entry.hash

            known = self._heads.compare(self.environment, self.chain, 0 if head is None else head.seq, hash_of)
        if head is not None and known < head.seq:
            self._unexported = head
            self._export()

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Threads queue here, which is fairer than the lock of the database; other processes meet at that one."""
        if self._writer == threading.get_ident():
            raise RuntimeError("a transaction is open already")
        if not self._turn.acquire(timeout=_WAIT):
            raise unavailable("storage_busy", f"the store {self._name} is busy")
        self._writer = threading.get_ident()
        try:
            yield
        finally:
            self._writer = None
            self._turn.release()

    def _catch_up(self) -> None:
        """No log, no action: what could not be exported is exported before anything else is written."""
        self._export()
        if self._unexported is not None and self._heads is not None:
            raise unavailable("audit_head_not_exported", f"{self._heads.path} cannot be written")

    def _export(self) -> None:
        if self._heads is None:
            self._unexported = None
        elif self._unexported is not None:
            try:
                self._heads.export(self._unexported)
            except OSError:
                return  # the commit stands; the next transaction waits until the file can be written
            self._unexported = None


def open_store(
    url: str, environment: str, *, seal: Callable[[bytes], bytes] | None, head_file: Path | None
) -> SqlStore:
    """Open the store of an environment, or set up a new one.

    ``url`` is ``sqlite:////path/file`` or ``postgresql+psycopg://...``. ``seal`` signs audit heads (P-256, r||s);
    without it the books can be read only. ``head_file`` gets each head after its commit, one JSON line each.
    ``Unavailable``: ``storage_foreign``, ``storage_outdated``, ``storage_damaged``, ``environment_mismatch``,
    ``store_rolled_back``, ``store_forked``, ``storage_failed``.
    """
    engine = make_engine(url)
    path = file_of(engine.url)
    owners = None if path is None else Owners(path)
    store = SqlStore(engine, environment, seal, None if head_file is None else HeadFile(head_file), owners)
    try:
        with translated(opening.told(engine)):
            if path is not None and owners is not None:
                if owners.alone:
                    opening.check_integrity(engine)
                owners.settle()
            with engine.begin() as connection:
                _take(connection, environment)
        store.compare()
    except BaseException:
        store.close()
        raise
    return store


def _take(connection: sa.Connection, environment: str) -> None:
    opening.take(connection, opening.SMKI)
    known = connection.execute(sa.select(STORE.c.environment)).scalar()
    if known is None:
        # A chain is told from every other one of the same environment.
        row = {"number": 1, "environment": environment, "chain": os.urandom(8).hex()}
        connection.execute(STORE.insert(), row)
    elif known != environment:
        raise unavailable("environment_mismatch", f"the database is of environment {known}, not of {environment}")
