"""Triggers: what was recorded is neither changed nor deleted, on either database, not even by our own mistake."""

from collections.abc import Mapping

Frozen = Mapping[str, tuple[str, ...] | None]


def for_sqlite(frozen: Frozen, lasting: Mapping[str, str]) -> list[str]:
    """The triggers in SQLite's form.

    ``frozen`` names tables from which no row is deleted, with the columns that never change, ``None`` for all of them;
    ``lasting`` says what would take back something that stays, such as a revocation.
    """
    made = []
    for table, columns in frozen.items():
        stays = f"SELECT RAISE(ABORT, '{_message(table)}')"
        of = f" OF {', '.join(columns)}" if columns else ""
        made.append(f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} BEGIN {stays}; END")
        made.append(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE{of} ON {table} BEGIN {stays}; END")
    for table, undone in lasting.items():
        stays = f"SELECT RAISE(ABORT, '{_message(table)}')"
        made.append(f"CREATE TRIGGER {table}_lasts BEFORE UPDATE ON {table} WHEN {undone} BEGIN {stays}; END")
    return made


def for_postgresql(frozen: Frozen, lasting: Mapping[str, str]) -> list[str]:
    """The triggers in PostgreSQL's form, with the function they share."""
    made = [
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$"
    ]
    for table, columns in frozen.items():
        call = f"EXECUTE FUNCTION refuse_change('{_message(table)}')"
        of = f" OF {', '.join(columns)}" if columns else ""
        made.append(f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} FOR EACH ROW {call}")
        made.append(f"CREATE TRIGGER {table}_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}")
        made.append(f"CREATE TRIGGER {table}_frozen BEFORE UPDATE{of} ON {table} FOR EACH ROW {call}")
    for table, undone in lasting.items():
        call = f"EXECUTE FUNCTION refuse_change('{_message(table)}')"
        made.append(f"CREATE TRIGGER {table}_lasts BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({undone}) {call}")
    return made


def _message(table: str) -> str:
    return f"what {table} records is not changed or deleted"
