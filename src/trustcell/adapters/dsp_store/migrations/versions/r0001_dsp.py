"""The first tables of the DSP's books.

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
COUNT = sa.BigInteger
MOMENT = sa.BigInteger
SMALL = sa.SmallInteger
INTEGER = sa.Integer

INDEXES: list[tuple[str, str, list[str], bool, str | None]] = [
    ("command_due", "command", ["home", "not_after"], False, "state = 'open' AND not_after IS NOT NULL"),
    ("command_identity", "command", ["originator", "counter", "device"], True, None),
    ("command_open", "command", ["home", "number"], False, "state = 'open'"),
    ("command_request", "command", ["request"], False, "request IS NOT NULL"),
    ("delivery_request", "delivery", ["request"], False, "request IS NOT NULL"),
    ("delivery_waiting", "delivery", ["home", "user_id", "number"], False, "state = 'waiting'"),
    ("device_export_mpan", "device", ["export_mpan"], False, "export_mpan <> ''"),
    ("device_hub", "device", ["hub"], False, "hub IS NOT NULL"),
    ("device_import_mpxn", "device", ["import_mpxn"], False, "import_mpxn <> ''"),
    ("device_post_code", "device", ["post_code"], False, "post_code <> ''"),
    ("device_secondary_import_mpan", "device", ["secondary_import_mpan"], False, "secondary_import_mpan <> ''"),
    ("device_uprn", "device", ["uprn"], False, "uprn <> ''"),
    ("due_ref", "due", ["kind", "ref"], False, None),
    ("inbound_command", "inbound", ["command"], False, "command IS NOT NULL"),
    ("request_held", "request", ["target", "number"], False, "state = 'held'"),
    ("request_identity", "request", ["target", "originator", "counter"], True, None),
    ("request_reserved", "request", ["home", "number"], False, "state = 'reserved'"),
    ("request_user", "request", ["originator", "number"], False, None),
    ("schedule_user", "schedule", ["user_id", "number"], False, None),
    ("work_item_party", "work_item", ["party"], False, "party IS NOT NULL"),
    ("trail_request", "trail", ["request"], False, "request IS NOT NULL"),
    ("trail_subject", "trail", ["subject"], False, "subject IS NOT NULL"),
]
"""Name, table, columns, whether unique, and of which rows."""

FROZEN: dict[str, tuple[str, ...] | None] = {
    "store": None,
    "trail": None,
    "audit_head": None,
    "counter_event": None,
    "spent_counter": None,
    "slot_event": None,
    "status_event": None,
    "inbound": None,
    "distribution": None,
    "delivery_octets": None,
    "lease": ("home",),
    "request": ("number", "part", "originator", "target", "counter", "service_variant", "command_variant"),
    "request_octets": ("number",),
    "originator_counter": ("device", "originator", "part"),
    "gpf_network_operator_floor": ("device", "part"),
    "command": (
        "number", "part", "originator", "device", "counter", "message_code", "request", "request_originator",
        "request_target", "request_counter", "service_variant", "octets", "schedule", "at",
    ),
    "delivery": (
        "number", "part", "user_id", "request", "request_originator", "request_target", "request_counter", "final",
        "at",
    ),
}  # fmt: skip
"""Tables from which no row is ever deleted, with the columns that never change; ``None`` for all of them."""

LASTING = {
    "originator_counter": "NEW.last_own < OLD.last_own",
    "gpf_network_operator_floor": "NEW.highest_counter < OLD.highest_counter",
    "lease": "NEW.epoch < OLD.epoch OR NEW.own_floor < OLD.own_floor OR NEW.given < OLD.given OR NEW.seq < OLD.seq",
    "delivery": "OLD.state = 'done' AND NEW.state <> 'done'",
}
"""What would take back something that stays: a counter never falls (SECMP0128A 4.1.1), nor does a number of a home."""


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
        "audit_head",
        sa.Column("home", SMALL, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", OCTETS, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.Column("signature", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("home", "seq"),
    )
    op.create_table(
        "command",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("home", SMALL, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("originator", OCTETS, nullable=False),
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("counter", OCTETS, nullable=False),
        sa.Column("message_code", INTEGER, nullable=False),
        sa.Column("request", NUMBER, nullable=True),
        sa.Column("request_originator", OCTETS, nullable=False),
        sa.Column("request_target", OCTETS, nullable=False),
        sa.Column("request_counter", OCTETS, nullable=False),
        sa.Column("service_variant", TEXT, nullable=False),
        sa.Column("octets", OCTETS, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("alert_pending", SMALL, nullable=False),
        sa.Column("schedule", NUMBER, nullable=True),
        sa.Column("not_after", COUNT, nullable=True),
        sa.Column("at", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint("length(counter) = 8", name="counter_is_8_octets"),
        sa.CheckConstraint("length(device) = 8", name="device_is_8_octets"),
        sa.CheckConstraint("length(originator) = 8", name="originator_is_8_octets"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "counter_event",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("counter", OCTETS, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("device", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("home", SMALL, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("user_id", OCTETS, nullable=False),
        sa.Column("request", NUMBER, nullable=True),
        sa.Column("request_originator", OCTETS, nullable=True),
        sa.Column("request_target", OCTETS, nullable=True),
        sa.Column("request_counter", OCTETS, nullable=True),
        sa.Column("final", SMALL, nullable=False),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("next_at", COUNT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("last", TEXT, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "delivery_octets",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("octets", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "device",
        sa.Column("eui", OCTETS, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("device_type", SMALL, nullable=False),
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=True),
        sa.Column("signing_point", OCTETS, nullable=True),
        sa.Column("agreement_point", OCTETS, nullable=True),
        sa.Column("duis_type", TEXT, nullable=False),
        sa.Column("status_since", COUNT, nullable=True),
        sa.Column("status_before", TEXT, nullable=True),
        sa.Column("commissioned_at", COUNT, nullable=True),
        sa.Column("hub", OCTETS, nullable=True),
        sa.Column("gpf", OCTETS, nullable=True),
        sa.Column("import_mpxn", TEXT, nullable=False),
        sa.Column("secondary_import_mpan", TEXT, nullable=False),
        sa.Column("export_mpan", TEXT, nullable=False),
        sa.Column("gbcs_version", TEXT, nullable=False),
        sa.Column("device_log", OCTETS, nullable=False),
        sa.Column("details", TEXT, nullable=False),
        sa.Column("uprn", TEXT, nullable=False),
        sa.Column("post_code", TEXT, nullable=False),
        sa.Column("address_identifier", TEXT, nullable=False),
        sa.CheckConstraint("length(eui) = 8", name="eui_is_8_octets"),
        sa.PrimaryKeyConstraint("eui"),
    )
    op.create_table(
        "work_item",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("party", OCTETS),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("device", "code", "text"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "distribution",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("user_id", OCTETS, nullable=False),
        sa.Column("image", OCTETS, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("devices", OCTETS, nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "due",
        sa.Column("home", SMALL, autoincrement=False, nullable=False),
        sa.Column("at", COUNT, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.PrimaryKeyConstraint("home", "at", "kind", "ref"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gpf_network_operator_floor",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("highest_counter", COUNT, nullable=False),
        sa.Column("learned_from", TEXT, nullable=False),
        sa.Column("learned_at", COUNT, nullable=False),
        sa.CheckConstraint("highest_counter >= 0", name="highest_counter_is_a_counter"),
        sa.CheckConstraint("length(device) = 8", name="device_is_8_octets"),
        sa.PrimaryKeyConstraint("device"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inbound",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("home", SMALL, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("device", OCTETS, nullable=True),
        sa.Column("octets", OCTETS, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("command", NUMBER, nullable=True),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "lease",
        sa.Column("home", SMALL, autoincrement=False, nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until", COUNT, nullable=False),
        sa.Column("own_floor", COUNT, nullable=False),
        sa.Column("given", NUMBER, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("hash", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("home"),
    )
    op.create_table(
        "originator_counter",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("originator", OCTETS, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("last_own", COUNT, nullable=False),
        sa.CheckConstraint("last_own >= 0", name="last_own_is_a_counter"),
        sa.CheckConstraint("length(device) = 8", name="device_is_8_octets"),
        sa.CheckConstraint("length(originator) = 8", name="originator_is_8_octets"),
        sa.PrimaryKeyConstraint("device", "originator"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "part_home",
        sa.Column("part", SMALL, autoincrement=False, nullable=False),
        sa.Column("home", SMALL, nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("part"),
    )
    op.create_table(
        "registration",
        sa.Column("mpxn", TEXT, nullable=False),
        sa.Column("begins", COUNT, autoincrement=False, nullable=False),
        sa.Column("supplier", OCTETS, nullable=False),
        sa.Column("network_operator", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("mpxn", "begins"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "request",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("home", SMALL, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("originator", OCTETS, nullable=False),
        sa.Column("target", OCTETS, nullable=False),
        sa.Column("counter", OCTETS, nullable=False),
        sa.Column("service_variant", TEXT, nullable=False),
        sa.Column("command_variant", SMALL, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("accepted_at", COUNT, nullable=True),
        sa.Column("executes_at", COUNT, nullable=True),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.Column("reserved_by", OCTETS, nullable=True),
        sa.Column("reserved", COUNT, nullable=True),
        sa.Column("reserved_at", COUNT, nullable=True),
        sa.Column("reserved_for", TEXT, nullable=True),
        sa.CheckConstraint("length(counter) = 8", name="counter_is_8_octets"),
        sa.CheckConstraint("length(originator) = 8", name="originator_is_8_octets"),
        sa.CheckConstraint("length(target) = 8", name="target_is_8_octets"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "request_octets",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("received", OCTETS, nullable=False),
        sa.Column("offered", OCTETS, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "schedule",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("user_id", OCTETS, nullable=False),
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("service_variant", TEXT, nullable=False),
        sa.Column("body", OCTETS, nullable=False),
        sa.Column("frequency", TEXT, nullable=False),
        sa.Column("starts", COUNT, nullable=False),
        sa.Column("ends", COUNT, nullable=True),
        sa.Column("next_at", COUNT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "slot",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("cell", INTEGER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("entity", OCTETS, nullable=False),
        sa.Column("key_id", OCTETS, nullable=False),
        sa.Column("taught_by", NUMBER, nullable=True),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("device", "cell"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slot_event",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("cell", INTEGER, nullable=False),
        sa.Column("entity", OCTETS, nullable=False),
        sa.Column("key_id", OCTETS, nullable=False),
        sa.Column("told_by", TEXT, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("device", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "spent_counter",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("first", COUNT, autoincrement=False, nullable=False),
        sa.Column("last", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("device", "first"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "status_event",
        sa.Column("device", OCTETS, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("status_before", TEXT, nullable=True),
        sa.Column("status_after", TEXT, nullable=True),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("device", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "store",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("environment", TEXT, nullable=False),
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("homes", SMALL, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "trail",
        sa.Column("home", SMALL, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", SMALL, nullable=False),
        sa.Column("request", NUMBER, nullable=True),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("octets", OCTETS, nullable=False),
        sa.Column("hash", OCTETS, nullable=False),
        sa.PrimaryKeyConstraint("home", "seq"),
        sqlite_with_rowid=False,
    )
