"""Tables of the store, the same on SQLite and PostgreSQL.

Moments are whole microseconds since 1970 (UTC). Serials and list numbers are 20 octets, EUI-64s eight, big-endian: they
sort as numbers, and no integer column of either database could hold them. Numbers that only count rows are given out
inside the transaction, never by a sequence, so that none is lost or reused.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()
# Sorted by code point on both, whatever the server's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OCTETS = sa.LargeBinary
# INTEGER is what makes it the rowid on SQLite; there it holds 64 bits as well.
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.BigInteger


def _serial(*, nullable: bool = False) -> "sa.Column[bytes]":
    length = sa.CheckConstraint("length(serial) = 20", name="serial_is_20_octets")
    return sa.Column("serial", OCTETS, length, nullable=nullable)


STORE = sa.Table(
    "store",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("environment", TEXT, nullable=False),
    sa.Column("chain", TEXT, nullable=False),
)
STATEMENT = sa.Table(
    "statement",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("subject", TEXT, nullable=False),
    sa.Column("octets", OCTETS, nullable=False),
    sa.Column("signature", OCTETS, nullable=False),
    sa.Column("certificate", OCTETS, nullable=False),
    sa.Index("statement_digest", "digest", unique=True),
    sa.Index("statement_subject", "subject", "number"),
    sa.Index("statement_kind", "kind", "number"),
)
AUDIT_ENTRY = sa.Table(
    "audit_entry",
    METADATA,
    sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("subject", TEXT, nullable=False),
    sa.Column("octets", OCTETS, nullable=False),
    sa.Index("audit_entry_subject", "subject", "seq"),
)
AUDIT_HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("seq", NUMBER, sa.ForeignKey("audit_entry.seq"), primary_key=True, autoincrement=False),
    sa.Column("hash", OCTETS, nullable=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("signature", OCTETS, nullable=False),
)
CERTIFICATE = sa.Table(
    "certificate",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("issuer", TEXT, nullable=False),
    _serial(),
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
)
FOREVER = 253402300799000000
"""9999-12-31T23:59:59Z: the end of what does not expire (RFC 5280 4.1.2.5), as every Device Certificate."""

RARE = "(family <> 'device' OR kind <> 'device' OR key_usage NOT IN (1, 16))"
"""What is no Device Certificate for digitalSignature or keyAgreement: a few thousand among millions."""


def _index(name: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    """An index on certificates; a partial one costs nothing for the rows it leaves out, devices by the million."""
    partial = sa.text(where) if where else None
    chosen = [CERTIFICATE.c[column] for column in columns]
    sa.Index(f"certificate_{name}", *chosen, unique=unique, sqlite_where=partial, postgresql_where=partial)


_index("identity", "issuer", "serial", unique=True)
# SEC L11.4: a key stands once in its family, and again only under the next number. What others issued is not ours to
# refuse (trap T2), so it has an index of its own.
_index("key", "key", "family", "key_use", where="imported = 0", unique=True)
_index("imported_key", "key", where="imported = 1")
_index("ski", "ski")
_index("entity", "entity_id", where="entity_id IS NOT NULL")
_index("rare", "family", "kind", "key_usage", where=RARE)
_index("role", "role", where="role IS NOT NULL")
_index("expiry", "not_after", where=f"not_after < {FOREVER}")
_index("purpose", "purpose", where="purpose <> ''")
_index("pending", "number", where="lodged_at IS NULL")
_index("superseded", "superseded_at", where="superseded_at IS NOT NULL")
_index("revoked", "issuer", "revoked_at", "serial", where="revoked_at IS NOT NULL")

CERTIFICATE_APPROVAL = sa.Table(
    "certificate_approval",
    METADATA,
    sa.Column("approval", TEXT, primary_key=True),
    sa.Column("certificate", NUMBER, sa.ForeignKey("certificate.number"), primary_key=True),
)
REQUEST = sa.Table(
    "request",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
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
    sa.Index("request_name", "name", unique=True),
    sa.Index("request_state", "state", "number"),
)
DECISION = sa.Table(
    "decision",
    METADATA,
    sa.Column("request", TEXT, primary_key=True),
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("rule_set", TEXT, nullable=False),
    sa.Column("granted", sa.SmallInteger, nullable=False),
    sa.Column("checks", TEXT, nullable=False),
    sa.Column("approvals", TEXT, nullable=False),
    sa.Column("decider", TEXT, nullable=False),
    sa.Column("statement", TEXT, nullable=False),
    sa.Column("issuer", TEXT),
    _serial(nullable=True),
)
INTENT = sa.Table(
    "intent",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("issuer", TEXT, nullable=False),
    _serial(),
    sa.Column("request", TEXT, nullable=False),
    sa.Column("tbs", OCTETS, nullable=False),
    sa.Column("twin", OCTETS, nullable=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("settled", TEXT, nullable=False),
)
sa.Index("intent_identity", INTENT.c.issuer, INTENT.c.serial, unique=True)
_UNSETTLED, _ABANDONED = sa.text("settled = ''"), sa.text("settled = 'abandoned'")
sa.Index("intent_open", INTENT.c.number, sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED)
sa.Index("intent_abandoned", INTENT.c.issuer, sqlite_where=_ABANDONED, postgresql_where=_ABANDONED)
APPROVAL_USE = sa.Table(
    "approval_use",
    METADATA,
    sa.Column("approval", TEXT, primary_key=True),
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("issuer", TEXT, nullable=False),
    _serial(),
    sa.Column("at", MOMENT, nullable=False),
)
BARRED_KEY = sa.Table(
    "barred_key",
    METADATA,
    sa.Column("key", OCTETS, primary_key=True),
    sa.Column("reason", TEXT, nullable=False),
    sa.Column("at", MOMENT, nullable=False),
)
REVOCATION_LIST = sa.Table(
    "revocation_list",
    METADATA,
    sa.Column("issuer", TEXT, primary_key=True),
    sa.Column(
        "number", OCTETS, sa.CheckConstraint("length(number) = 20", name="number_is_20_octets"), primary_key=True
    ),
    sa.Column("this_update", MOMENT, nullable=False),
    sa.Column("next_update", MOMENT, nullable=False),
    sa.Column("der", OCTETS, nullable=False),
    sa.Column("served", sa.SmallInteger, nullable=False),
)
BATCH_ITEM = sa.Table(
    "batch_item",
    METADATA,
    sa.Column("batch", TEXT, primary_key=True),
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("status", TEXT, nullable=False),
    sa.Column("code", TEXT, nullable=False),
    sa.Column("message", TEXT, nullable=False),
    _serial(nullable=True),
    sqlite_with_rowid=False,
)
DOCUMENT = sa.Table(
    "document",
    METADATA,
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("body", TEXT, nullable=False),
    sa.Column("octets", OCTETS, nullable=False),
)
