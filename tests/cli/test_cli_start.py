"""What a command does not need is not imported for it (performance T14): seen by what was loaded, not by the clock."""

import subprocess
import sys

import pytest
import typer.main

from trustcell.cli import app
from trustcell.cli.root import _Root

HEAVY = ("sqlalchemy", "alembic", "pkcs11", "starlette", "uvicorn", "psycopg", "icalendar", "lxml", "sqlite3")
_RUN = """
import sys
from trustcell.cli import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write(" ".join(sorted(name for name in sys.modules if "." not in name or name.startswith("trustcell"))))
"""


def loaded(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_root_imports_no_room(arguments):
    found = loaded(*arguments)
    assert not found & set(HEAVY)
    assert not [name for name in found if name.startswith(("trustcell.gbcs", "trustcell.app", "trustcell.certs"))]


def test_decoding_a_message_needs_no_database(shared):
    message = next((shared / "rtds" / "messages").rglob("*ECS01a*COMMAND_GBCS.HEX"))
    found = loaded("gbcs", "decode", str(message))
    assert not found & set(HEAVY)
    assert not [name for name in found if name.startswith(("trustcell.smki", "trustcell.adapters", "trustcell.certs"))]
    assert set(HEAVY) & loaded("calendar", "--help") == set()


def test_the_help_of_the_root_says_what_each_group_says_of_itself():
    group = typer.main.get_command(app)
    within = typer.Context(group)
    listed = group.list_commands(within)
    assert list(_Root.table) == listed
    for name in listed:
        text = " ".join(group.get_command(within, name).help.split("\n\n")[0].split())
        assert text == _Root.table[name].help
