"""The tables themselves: what migrations make, what triggers refuse, and that searches use an index."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from store.store_world import (
    NOW,
    certificate,
    decision,
    digest,
    intent,
    organisation,
    request,
    revocation_list,
    statement,
    writing,
)
from trustcell.adapters import store as package
from trustcell.adapters.store import SqlStore, opening, schema
from trustcell.adapters.store.certificate_search import question, select_of
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.migrations.versions import r0001_books
from trustcell.smki.rules.records import Family, ItemVerdict, Query, Status
from trustcell.vocab import KeyUsage

Sql = Callable[[str], list[tuple[object, ...]]]


def fill(store: SqlStore) -> None:
    """A row in every table."""
    with writing(store) as books:
        books.statements.add(statement(1))
        books.certificates.add(organisation(1, lodged_at=NOW))
        books.requests.add(request())
        books.requests.decide(decision())
        books.requests.intend([intent(1)])
        books.approval_uses.take("A", 1, "T1", 1, NOW)
        books.revocations.bar(digest(1), "compromised", NOW)
        books.revocations.add_list(revocation_list(1))
        books.batches.record("B", [ItemVerdict(1, "SUCCESS", serial=1)])
        books.documents.put("kind", "name", {})


def test_migrations_make_the_tables_that_the_code_knows(store_url: str) -> None:
    engine = make_engine(store_url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.METADATA)
    engine.dispose()
    assert found == []


def test_the_revision_that_is_expected_is_the_newest() -> None:
    folder = Path(package.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_heads() == [opening.REVISION]


def test_the_guards_know_every_column() -> None:
    changing = {
        "certificate": {"lodged_at", "accepted", "superseded_at", "revoked_at", "revocation_reason",
                        "revocation_circumstance"},
        "intent": {"settled"},
        "revocation_list": {"served"},
        "request": {"party", "requester", "statement", "at", "state", "ask"},
    }  # fmt: skip
    assert set(schema.METADATA.tables) - set(r0001_books.FROZEN) == {"document"}
    for name, columns in r0001_books.FROZEN.items():
        table = set(schema.METADATA.tables[name].columns.keys())
        assert table - set(columns or table) == changing.get(name, set()), name


@pytest.mark.parametrize("table", sorted(r0001_books.FROZEN))
def test_what_was_recorded_is_not_changed_or_deleted(
    store: SqlStore, table: str, sql: Sql, dump: Callable[[], str]
) -> None:
    fill(store)
    before = dump()
    columns = r0001_books.FROZEN[table] or schema.METADATA.tables[table].columns.keys()
    for statement_ in [f"DELETE FROM {table}", *(f"UPDATE {table} SET {name} = {name}" for name in columns)]:
        with pytest.raises(sa.exc.IntegrityError, match="is not changed or deleted"):
            sql(statement_)
    if store._engine.dialect.name == "sqlite":
        with pytest.raises(sa.exc.IntegrityError, match="is not changed or deleted"):
            sql(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    else:
        with pytest.raises(sa.exc.DBAPIError, match=r"is not changed or deleted|referenced in a foreign key"):
            sql(f"TRUNCATE {table}")
    assert dump() == before


def test_what_ended_stays_ended(store: SqlStore, sql: Sql, dump: Callable[[], str]) -> None:
    fill(store)
    with writing(store) as books:
        books.certificates.update(organisation(1, lodged_at=NOW, revoked_at=NOW))
        books.requests.settle("T1", 1, "issued")
        books.revocations.serve("T1", 1)
    before = dump()
    for change in (
        "UPDATE certificate SET revoked_at = NULL",
        "UPDATE intent SET settled = ''",
        "UPDATE intent SET settled = 'abandoned'",
        "UPDATE revocation_list SET served = 0",
    ):
        with pytest.raises(sa.exc.IntegrityError):
            sql(change)
    assert dump() == before


def test_the_database_itself_refuses_what_must_be_unique(store: SqlStore, sql: Sql) -> None:
    fill(store)
    for table in ("statement", "audit_entry", "certificate", "request", "intent", "approval_use", "revocation_list"):
        with pytest.raises(sa.exc.IntegrityError):
            sql(f"INSERT INTO {table} SELECT * FROM {table}")
    columns = schema.CERTIFICATE.columns.keys()
    columns = ["number", *(name for name in columns if name != "number")]
    for change in (("serial", "zeroblob(20)"), ("issuer", "'T2'")):
        chosen = ", ".join({"number": "99", change[0]: change[1]}.get(name, name) for name in columns)
        if store._engine.dialect.name == "postgresql":
            chosen = chosen.replace("zeroblob(20)", r"decode(repeat('00', 20), 'hex')")
        with pytest.raises(sa.exc.IntegrityError):
            sql(f"INSERT INTO certificate ({', '.join(columns)}) SELECT {chosen} FROM certificate")


INDEXED = [
    (Query(entity_id=certificate(1).entity_id), "certificate_entity"),
    (Query(role=2), "certificate_role"),
    (Query(key_usage=KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN), "certificate_rare"),
    (Query(key=digest(1)), "certificate_key"),
    (Query(ski=digest(1)[:20]), "certificate_ski"),
    (Query(issuer="T1", serial=1), "certificate_identity"),
    (Query(serial=1), "certificate_identity"),
    (Query(issuer="T1"), "certificate_identity"),
    (Query(family=Family.IKI), "certificate_rare"),
    (Query(kind="authority"), "certificate_rare"),
    (Query(status=Status.REVOKED), "certificate_revoked"),
    (Query(status=Status.PENDING), "certificate_pending"),
    (Query(status=Status.NOT_IN_USE), "certificate_superseded"),
    (Query(status=Status.EXPIRED), "certificate_expiry"),
    (Query(expires_from=NOW, expires_to=NOW + timedelta(90)), "certificate_expiry"),
    (Query(purpose="pack"), "certificate_purpose"),
    (Query(approval="A-1"), "approval"),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> sa.Engine:
    """Twenty thousand devices and a few organisations."""
    from store.store_world import opened

    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('large') / 'large.db'}"
    else:
        url = request.getfixturevalue("postgresql").new()
    store = opened(url)
    devices = [certificate(serial, lodged_at=NOW) for serial in range(1, 20_001)]
    few = [organisation(serial) for serial in range(1, 20)]
    with writing(store) as books:
        books.certificates.add_many(devices + few)
        books.certificates.add(organisation(90, lodged_at=None))
        books.certificates.add(organisation(91, kind="authority", key_usage=KeyUsage(96), family=Family.IKI))
    store.close()
    engine = make_engine(url)
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    yield engine
    engine.dispose()


@pytest.mark.parametrize(("query", "index"), INDEXED, ids=lambda value: value if isinstance(value, str) else "")
def test_searches_use_an_index(large: sa.Engine, query: Query, index: str) -> None:
    shape, values = question(query, NOW)
    text = select_of(shape, postgresql=large.dialect.name == "postgresql")
    explain = "EXPLAIN QUERY PLAN " if large.dialect.name == "sqlite" else "EXPLAIN "
    with large.connect().execution_options(reading=True) as connection:
        plan = "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + text, tuple(values)))
    assert index in plan, plan
    assert "SCAN certificate" not in plan.replace("SCAN certificate USING", ""), plan
    assert "Seq Scan on certificate\n" not in plan, plan
