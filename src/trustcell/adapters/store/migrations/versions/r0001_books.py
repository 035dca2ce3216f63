"""The first tables: statements, audit chain, certificates, requests, lists, batches, documents.

This is how they were, whatever ``schema`` says later.
"""

import sqlalchemy as sa
from alembic import op

from trustcell.adapters.store import guards

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OCTETS = sa.LargeBinary
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.BigInteger

INDEXES: list[tuple[str, str, list[str], bool, str | None]] = [
    ("audit_entry_subject", "audit_entry", ["subject", "seq"], False, None),
    ("certificate_entity", "certificate", ["entity_id"], False, "entity_id IS NOT NULL"),
    ("certificate_expiry", "certificate", ["not_after"], False, "not_after < 253402300799000000"),
    ("certificate_identity", "certificate", ["issuer", "serial"], True, None),
    ("certificate_imported_key", "certificate", ["key"], False, "imported = 1"),
    ("certificate_key", "certificate", ["key", "family", "key_use"], True, "imported = 0"),
    ("certificate_pending", "certificate", ["number"], False, "lodged_at IS NULL"),
    ("certificate_purpose", "certificate", ["purpose"], False, "purpose <> ''"),
    (
        "certificate_rare", "certificate", ["family", "kind", "key_usage"], False,
        "(family <> 'device' OR kind <> 'device' OR key_usage NOT IN (1, 16))",
    ),
    ("certificate_revoked", "certificate", ["issuer", "revoked_at", "serial"], False, "revoked_at IS NOT NULL"),
    ("certificate_role", "certificate", ["role"], False, "role IS NOT NULL"),
    ("certificate_ski", "certificate", ["ski"], False, None),
    ("certificate_superseded", "certificate", ["superseded_at"], False, "superseded_at IS NOT NULL"),
    ("intent_abandoned", "intent", ["issuer"], False, "settled = 'abandoned'"),
    ("intent_identity", "intent", ["issuer", "serial"], True, None),
    ("intent_open", "intent", ["number"], False, "settled = ''"),
    ("request_name", "request", ["name"], True, None),
    ("request_state", "request", ["state", "number"], False, None),
    ("statement_digest", "statement", ["digest"], True, None),
    ("statement_kind", "statement", ["kind", "number"], False, None),
    ("statement_subject", "statement", ["subject", "number"], False, None),
]  # fmt: skip
"""Name, table, columns, whether unique, and of which rows."""

FROZEN: dict[str, tuple[str, ...] | None] = {
    "store": None,
    "statement": None,
    "audit_entry": None,
    "audit_head": None,
    "decision": None,
    "approval_use": None,
    "barred_key": None,
    "batch_item": None,
    "certificate_approval": None,
    "intent": ("number", "issuer", "serial", "request", "tbs", "twin", "at"),
    "certificate": (
        "number", "issuer", "serial", "family", "kind", "subject", "role", "entity_id", "key_usage", "ski", "key",
        "not_before", "not_after", "der", "issued_at", "request", "key_use", "approvals", "purpose", "imported",
    ),
    "revocation_list": ("issuer", "number", "this_update", "next_update", "der"),
    "request": ("number", "name", "csr", "family", "role", "entity_id", "key_usage", "key"),
}  # fmt: skip
"""Tables from which no row is ever deleted, with the columns that never change; ``None`` for all of them."""

LASTING = {
    "certificate": "OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL",
    "intent": "OLD.settled <> '' AND NEW.settled <> OLD.settled",
    "revocation_list": "OLD.served = 1 AND NEW.served = 0",
}
"""What would take back something that stays: a revocation, how an intent ended, that a list was given out."""


def upgrade() -> None:
    """Make every table, index and trigger."""
    _tables()
    for name, table, columns, unique, where in INDEXES:
        partial = sa.text(where) if where else None
        op.create_index(name, table, columns, unique=unique, sqlite_where=partial, postgresql_where=partial)
    postgresql = op.get_bind().dialect.name == "postgresql"
    for each in (guards.for_postgresql if postgresql else guards.for_sqlite)(FROZEN, LASTING):
        op.execute(each)


def _tables() -> None:
    op.create_table(
        "approval_use",
        sa.Column("approval", TEXT, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("serial", OCTETS, nullable=False),
        sa.CheckConstraint("length(serial) = 20", name="serial_is_20_octets"),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("approval", "number"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("octets", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "barred_key",
        sa.Column("key", OCTETS, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "batch_item",
        sa.Column("batch", TEXT, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("serial", OCTETS),
        sa.CheckConstraint("length(serial) = 20", name="serial_is_20_octets"),
        sa.PrimaryKeyConstraint("batch", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "certificate",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("serial", OCTETS, nullable=False),
        sa.CheckConstraint("length(serial) = 20", name="serial_is_20_octets"),
        sa.Column("family", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("role", sa.Integer),
        sa.Column("entity_id", OCTETS),
        sa.Column("key_usage", sa.Integer, nullable=False),
        sa.Column("ski", OCTETS, nullable=False),
        sa.Column("key", OCTETS, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("not_after", MOMENT, nullable=False),
        sa.Column("der", OCTETS, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("key_use", sa.Integer, nullable=False),
        sa.Column("approvals", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("imported", sa.SmallInteger, nullable=False),
        sa.Column("lodged_at", MOMENT),
        sa.Column("accepted", sa.SmallInteger),
        sa.Column("superseded_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revocation_reason", sa.Integer),
        sa.Column("revocation_circumstance", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "decision",
        sa.Column("request", TEXT, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("rule_set", TEXT, nullable=False),
        sa.Column("granted", sa.SmallInteger, nullable=False),
        sa.Column("checks", TEXT, nullable=False),
        sa.Column("approvals", TEXT, nullable=False),
        sa.Column("decider", TEXT, nullable=False),
        sa.Column("statement", TEXT, nullable=False),
        sa.Column("issuer", TEXT),
        sa.Column("serial", OCTETS),
        sa.CheckConstraint("length(serial) = 20", name="serial_is_20_octets"),
        sa.PrimaryKeyConstraint("request", "number"),
    )
    op.create_table(
        "document",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("octets", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_table(
        "intent",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("serial", OCTETS, nullable=False),
        sa.CheckConstraint("length(serial) = 20", name="serial_is_20_octets"),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("tbs", OCTETS, nullable=False),
        sa.Column("twin", OCTETS, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("settled", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "request",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("csr", OCTETS, nullable=False),
        sa.Column("family", TEXT, nullable=False),
        sa.Column("party", TEXT, nullable=False),
        sa.Column("role", sa.Integer),
        sa.Column("entity_id", OCTETS),
        sa.Column("key_usage", sa.Integer, nullable=False),
        sa.Column("key", OCTETS, nullable=False),
        sa.Column("requester", TEXT, nullable=False),
        sa.Column("statement", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("ask", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "revocation_list",
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("number", OCTETS, nullable=False),
        sa.CheckConstraint("length(number) = 20", name="number_is_20_octets"),
        sa.Column("this_update", MOMENT, nullable=False),
        sa.Column("next_update", MOMENT, nullable=False),
        sa.Column("der", OCTETS, nullable=False),
        sa.Column("served", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "number"),
    )
    op.create_table(
        "statement",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("octets", OCTETS, nullable=False),
        sa.Column("signature", OCTETS, nullable=False),
        sa.Column("certificate", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "store",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("environment", TEXT, nullable=False),
        sa.Column("chain", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "audit_head",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", OCTETS, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("signature", OCTETS, nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"],
            ["audit_entry.seq"],
        ),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "certificate_approval",
        sa.Column("approval", TEXT, nullable=False),
        sa.Column("certificate", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate"],
            ["certificate.number"],
        ),
        sa.PrimaryKeyConstraint("approval", "certificate"),
    )
