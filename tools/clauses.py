"""Writes docs/clauses.md, or prints it with --print: every clause the source can cite, and which rooms cite it."""

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any

import trustcell
from trustcell.vocab import findings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "clauses.md"
_HEAD = """# Clauses

A refusal or finding cites one of these. `tools/clauses.py` writes this page; a test compares it with the source.

| clause | document | in force since | cited by |
| --- | --- | --- | --- |
"""


def citations() -> list[tuple[findings.Clause, str]]:
    """Every clause made while all modules are imported, and the room that made it."""
    made: list[tuple[findings.Clause, str]] = []
    plain = findings.Clause.__init__

    def recording(self: findings.Clause, *values: Any, **named: Any) -> None:
        plain(self, *values, **named)
        made.append((self, sys._getframe(1).f_globals["__name__"].split(".")[1]))

    findings.Clause.__init__ = recording
    for module in pkgutil.walk_packages(trustcell.__path__, "trustcell."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:  # Alembic runs those itself
            importlib.import_module(module.name)
    findings.Clause.__init__ = plain
    return made


def page() -> str:
    """The text of the page."""
    rows: dict[str, tuple[findings.Clause, set[str]]] = {}
    for clause, room in citations():
        rows.setdefault(clause.ref, (clause, set()))[1].add(room)
    return _HEAD + "".join(
        f"| {ref} | {clause.source} | {clause.effective or ''} | {', '.join(sorted(rooms))} |\n"
        for ref, (clause, rooms) in sorted(rows.items())
    )


if "--print" in sys.argv:
    sys.stdout.write(page())
else:
    PAGE.write_text(page())
