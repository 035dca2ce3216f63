"""Tables of the DSP's books, the same on SQLite and PostgreSQL.

``part`` is the partition of a device, ``home`` the ordinal of the home that holds it (scale.md 3). Numbers are given
out inside the transaction from the row of the home's lease: the n-th of home h of H homes is n * H + h, so a number is
one in the database and rises within a home. Request and command counters are eight octets, big-endian, to 2^64 - 1;
what the DSP counts itself ends at 2^63 - 1. Moments are whole microseconds since 1970 (UTC).
"""

import sqlalchemy as sa

METADATA = sa.MetaData()
# Sorted by code point on both, whatever the server's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OCTETS = sa.LargeBinary
# INTEGER is what makes it the rowid on SQLite; there it holds 64 bits as well.
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.BigInteger
COUNT = sa.BigInteger
SMALL = sa.SmallInteger


def _number() -> "sa.Column[int]":
    return sa.Column("number", NUMBER, primary_key=True, autoincrement=False)


def _home() -> "sa.Column[int]":
    return sa.Column("home", SMALL, nullable=False)


def _part() -> "sa.Column[int]":
    return sa.Column("part", SMALL, nullable=False)


def _eui(name: str, *, nullable: bool = False, primary_key: bool = False) -> "sa.Column[bytes]":
    return sa.Column(name, OCTETS, nullable=nullable, primary_key=primary_key)


def _octets(name: str, *, nullable: bool = False) -> "sa.Column[bytes]":
    return sa.Column(name, OCTETS, nullable=nullable)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, TEXT, nullable=False)


def _eight(*names: str) -> tuple[sa.CheckConstraint, ...]:
    return tuple(sa.CheckConstraint(f"length({name}) = 8", name=f"{name}_is_8_octets") for name in names)


def _counted(name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} >= 0", name=f"{name}_is_a_counter")


def _index(name: str, *columns: "sa.Column[object]", where: str | None = None, unique: bool = False) -> None:
    partial = sa.text(where) if where else None
    sa.Index(name, *columns, unique=unique, sqlite_where=partial, postgresql_where=partial)


STORE = sa.Table(
    "store",
    METADATA,
    _number(),
    _text("environment"),
    _text("chain"),
    sa.Column("homes", SMALL, nullable=False),
)
PART_HOME = sa.Table(
    "part_home",
    METADATA,
    sa.Column("part", SMALL, primary_key=True, autoincrement=False),
    _home(),
    sa.Column("version", sa.Integer, nullable=False),
)
LEASE = sa.Table(
    "lease",
    METADATA,
    sa.Column("home", SMALL, primary_key=True, autoincrement=False),
    sa.Column("epoch", NUMBER, nullable=False),
    _text("owner"),
    sa.Column("until", MOMENT, nullable=False),
    sa.Column("own_floor", COUNT, nullable=False),
    sa.Column("given", NUMBER, nullable=False),
    sa.Column("seq", NUMBER, nullable=False),
    _octets("hash"),
)
"""Who holds a home. ``given`` is the last number given out, ``seq`` and ``hash`` the end of its audit chain.

``own_floor`` is what every own number lies above since a backup was restored.
"""
REQUEST = sa.Table(
    "request",
    METADATA,
    _number(),
    _home(),
    _part(),
    _eui("originator"),
    _eui("target"),
    _octets("counter"),
    *_eight("originator", "target", "counter"),
    _text("service_variant"),
    sa.Column("command_variant", SMALL, nullable=False),
    _text("state"),
    _text("code"),
    sa.Column("accepted_at", MOMENT),
    sa.Column("executes_at", MOMENT),
    sa.Column("changed_at", MOMENT, nullable=False),
    _eui("reserved_by", nullable=True),
    sa.Column("reserved", COUNT),
    sa.Column("reserved_at", MOMENT),
    sa.Column("reserved_for", TEXT),
)
_index("request_identity", REQUEST.c.target, REQUEST.c.originator, REQUEST.c.counter, unique=True)
_index("request_user", REQUEST.c.originator, REQUEST.c.number)
_index("request_held", REQUEST.c.target, REQUEST.c.number, where="state = 'held'")
_index("request_reserved", REQUEST.c.home, REQUEST.c.number, where="state = 'reserved'")
REQUEST_OCTETS = sa.Table(
    "request_octets",
    METADATA,
    _number(),
    _octets("received"),
    _octets("offered", nullable=True),
)
"""Apart from the row that changes its state, which would be written again with them each time."""
ORIGINATOR_COUNTER = sa.Table(
    "originator_counter",
    METADATA,
    _eui("device", primary_key=True),
    _eui("originator", primary_key=True),
    *_eight("originator", "device"),
    _part(),
    sa.Column("last_own", COUNT, nullable=False),
    _counted("last_own"),
    sqlite_with_rowid=False,
)
FLOOR = sa.Table(
    "gpf_network_operator_floor",
    METADATA,
    _eui("device", primary_key=True),
    *_eight("device"),
    _part(),
    sa.Column("highest_counter", COUNT, nullable=False),
    _counted("highest_counter"),
    _text("learned_from"),
    sa.Column("learned_at", MOMENT, nullable=False),
    sqlite_with_rowid=False,
)
SPENT = sa.Table(
    "spent_counter",
    METADATA,
    _eui("device", primary_key=True),
    sa.Column("first", COUNT, primary_key=True, autoincrement=False),
    sa.Column("last", COUNT, nullable=False),
    sqlite_with_rowid=False,
)
"""Numbers outside the own sequence that nobody may use for this device again: raised ones, and what a restore skips."""
COUNTER_EVENT = sa.Table(
    "counter_event",
    METADATA,
    _eui("device", primary_key=True),
    sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
    _part(),
    _octets("counter"),
    _text("who"),
    _text("reason"),
    sa.Column("at", MOMENT, nullable=False),
    sqlite_with_rowid=False,
)
"""What requests and commands do not say themselves: numbers learned, given up, skipped."""
COMMAND = sa.Table(
    "command",
    METADATA,
    _number(),
    _home(),
    _part(),
    _eui("originator"),
    _eui("device"),
    _octets("counter"),
    *_eight("originator", "device", "counter"),
    sa.Column("message_code", sa.Integer, nullable=False),
    sa.Column("request", NUMBER),
    _eui("request_originator"),
    _eui("request_target"),
    _octets("request_counter"),
    _text("service_variant"),
    _octets("octets"),
    _text("state"),
    sa.Column("alert_pending", SMALL, nullable=False),
    sa.Column("schedule", NUMBER),
    sa.Column("not_after", MOMENT),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("changed_at", MOMENT, nullable=False),
)
# Counters follow clocks: in this order a new command goes to the end of its originator's.
_index("command_identity", COMMAND.c.originator, COMMAND.c.counter, COMMAND.c.device, unique=True)
_index("command_request", COMMAND.c.request, where="request IS NOT NULL")
_index("command_open", COMMAND.c.home, COMMAND.c.number, where="state = 'open'")
_index("command_due", COMMAND.c.home, COMMAND.c.not_after, where="state = 'open' AND not_after IS NOT NULL")
INBOUND = sa.Table(
    "inbound",
    METADATA,
    _number(),
    _home(),
    _part(),
    _eui("device", nullable=True),
    _octets("octets"),
    _text("verdict"),
    sa.Column("command", NUMBER),
    sa.Column("at", MOMENT, nullable=False),
)
_index("inbound_command", INBOUND.c.command, where="command IS NOT NULL")
SLOT = sa.Table(
    "slot",
    METADATA,
    _eui("device", primary_key=True),
    sa.Column("cell", sa.Integer, primary_key=True, autoincrement=False),
    _part(),
    _eui("entity"),
    _octets("key_id"),
    sa.Column("taught_by", NUMBER),
    sa.Column("at", MOMENT, nullable=False),
    sqlite_with_rowid=False,
)
SLOT_EVENT = sa.Table(
    "slot_event",
    METADATA,
    _eui("device", primary_key=True),
    _number(),
    _part(),
    sa.Column("cell", sa.Integer, nullable=False),
    _eui("entity"),
    _octets("key_id"),
    _text("told_by"),
    sa.Column("at", MOMENT, nullable=False),
    sqlite_with_rowid=False,
)
DEVICE = sa.Table(
    "device",
    METADATA,
    _eui("eui", primary_key=True),
    *_eight("eui"),
    _part(),
    sa.Column("device_type", SMALL, nullable=False),
    _text("generation"),
    sa.Column("status", TEXT),
    _octets("signing_point", nullable=True),
    _octets("agreement_point", nullable=True),
    _text("duis_type"),
    sa.Column("status_since", MOMENT),
    sa.Column("status_before", TEXT),
    sa.Column("commissioned_at", MOMENT),
    _eui("hub", nullable=True),
    _eui("gpf", nullable=True),
    _text("import_mpxn"),
    _text("secondary_import_mpan"),
    _text("export_mpan"),
    _text("gbcs_version"),
    _octets("device_log"),
    _text("details"),
    _text("uprn"),
    _text("post_code"),
    _text("address_identifier"),
)
_index("device_hub", DEVICE.c.hub, where="hub IS NOT NULL")
for _name in ("import_mpxn", "secondary_import_mpan", "export_mpan", "uprn", "post_code"):
    _index(f"device_{_name}", DEVICE.c[_name], where=f"{_name} <> ''")
STATUS_EVENT = sa.Table(
    "status_event",
    METADATA,
    _eui("device", primary_key=True),
    _number(),
    _part(),
    _text("event"),
    sa.Column("status_before", TEXT),
    sa.Column("status_after", TEXT),
    sa.Column("at", MOMENT, nullable=False),
    sqlite_with_rowid=False,
)
REGISTRATION = sa.Table(
    "registration",
    METADATA,
    sa.Column("mpxn", TEXT, primary_key=True),
    sa.Column("begins", MOMENT, primary_key=True, autoincrement=False),
    _eui("supplier"),
    _eui("network_operator"),
    sqlite_with_rowid=False,
)
SCHEDULE = sa.Table(
    "schedule",
    METADATA,
    _number(),
    _part(),
    _eui("user_id"),
    _eui("device"),
    _text("service_variant"),
    _octets("body"),
    _text("frequency"),
    sa.Column("starts", MOMENT, nullable=False),
    sa.Column("ends", MOMENT),
    sa.Column("next_at", MOMENT),
)
_index("schedule_user", SCHEDULE.c.user_id, SCHEDULE.c.number)
DISTRIBUTION = sa.Table(
    "distribution",
    METADATA,
    _number(),
    _part(),
    _eui("user_id"),
    _octets("image"),
    _text("version"),
    _octets("devices"),
    _text("request"),
)
WORK_ITEM = sa.Table(
    "work_item",
    METADATA,
    _eui("device", primary_key=True),
    sa.Column("code", TEXT, primary_key=True),
    sa.Column("text", TEXT, primary_key=True),
    _part(),
    _eui("party", nullable=True),
    sa.Column("at", MOMENT, nullable=False),
    sqlite_with_rowid=False,
)
"""What a party has to do about a device, as long as it is found: see ``rules.classification``."""
_index("work_item_party", WORK_ITEM.c.party, where="party IS NOT NULL")
DELIVERY = sa.Table(
    "delivery",
    METADATA,
    _number(),
    _home(),
    _part(),
    _eui("user_id"),
    sa.Column("request", NUMBER),
    _eui("request_originator", nullable=True),
    _eui("request_target", nullable=True),
    _octets("request_counter", nullable=True),
    sa.Column("final", SMALL, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", MOMENT, nullable=False),
    _text("state"),
    _text("last"),
    sa.Column("at", MOMENT, nullable=False),
)
DELIVERY_OCTETS = sa.Table("delivery_octets", METADATA, _number(), _octets("octets"))
_index("delivery_request", DELIVERY.c.request, where="request IS NOT NULL")
_index("delivery_waiting", DELIVERY.c.home, DELIVERY.c.user_id, DELIVERY.c.number, where="state = 'waiting'")
DUE = sa.Table(
    "due",
    METADATA,
    sa.Column("home", SMALL, primary_key=True, autoincrement=False),
    sa.Column("at", MOMENT, primary_key=True, autoincrement=False),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("ref", TEXT, primary_key=True),
    _part(),
    sqlite_with_rowid=False,
)
_index("due_ref", DUE.c.kind, DUE.c.ref)
TRAIL = sa.Table(
    "trail",
    METADATA,
    sa.Column("home", SMALL, primary_key=True, autoincrement=False),
    sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
    _part(),
    sa.Column("request", NUMBER),
    sa.Column("subject", TEXT),
    _octets("octets"),
    _octets("hash"),
    sqlite_with_rowid=False,
)
# An entry about a request names its row: rows of one time lie together, and names are spread over the whole index.
_index("trail_request", TRAIL.c.request, where="request IS NOT NULL")
_index("trail_subject", TRAIL.c.subject, where="subject IS NOT NULL")
AUDIT_HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("home", SMALL, primary_key=True, autoincrement=False),
    sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
    _octets("hash"),
    sa.Column("at", MOMENT, nullable=False),
    _octets("signature"),
)
