"""``trustcell upgrade``: databases of an earlier revision on SQLite and PostgreSQL, copied, brought up, or refused."""

import json
import sqlite3
from contextlib import closing

import psycopg
import pytest
from typer.testing import CliRunner

from trustcell.adapters.dsp_store import Settings, open_homes
from trustcell.adapters.dsp_store import migrate as migrate_dsp
from trustcell.adapters.store import migrate
from trustcell.adapters.store.opening import SMKI
from trustcell.cli import app

run = CliRunner()
WANTED = SMKI.revision


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("TRUSTCELL_DATABASE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def home(tmp_path):
    """A folder with an SMKI database that says it is of the first revision."""
    path = tmp_path / "trustcell.db"
    migrate(f"sqlite:///{path}")
    age(path, "0001")
    return tmp_path


def age(path, revision):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def revision(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def upgrade(home, *arguments, code=0):
    done = run.invoke(app, ["upgrade", "--home", str(home), *arguments])
    assert done.exit_code == code, done.output + done.stderr
    return done


def test_check_tells_and_changes_nothing(home):
    (told,) = json.loads(upgrade(home, "--check", "--json", code=1).stdout)
    assert (told["books"], told["was"], told["wanted"], told["copy"]) == ("SMKI", "0001", WANTED, None)
    assert revision(home / "trustcell.db") == "0001"


def test_a_file_is_copied_and_brought_up(home):
    (told,) = json.loads(upgrade(home, "--json").stdout)
    assert revision(home / "trustcell.db") == told["revision"] == WANTED
    assert revision(home / "trustcell.revision-0001.backup") == "0001"
    assert told["copy"] == str(home / "trustcell.revision-0001.backup")
    upgrade(home, "--check")


def test_an_upgrade_twice_is_one(home):
    upgrade(home)
    (told,) = json.loads(upgrade(home, "--json").stdout)
    assert told["copy"] is None


def test_a_copy_is_never_written_over(home):
    (home / "trustcell.revision-0001.backup").write_bytes(b"somebody's")
    done = upgrade(home, code=1)
    assert "backup_exists" in done.stderr
    assert revision(home / "trustcell.db") == "0001"
    assert (home / "trustcell.revision-0001.backup").read_bytes() == b"somebody's"


def test_a_database_of_a_newer_version_is_left_alone(home):
    age(home / "trustcell.db", "9999")
    done = upgrade(home, code=1)
    assert "made_by_newer_version" in done.stderr
    assert revision(home / "trustcell.db") == "9999"


def test_books_of_a_dsp_are_found_and_work_afterwards(tmp_path):
    path = tmp_path / "dsp.db"
    migrate_dsp(f"sqlite:///{path}")
    (told,) = json.loads(upgrade(tmp_path, "--json").stdout)
    assert told["books"] == "DSP"
    open_homes(Settings(f"sqlite:///{path}", "test")).close()


def test_a_folder_without_books(tmp_path):
    (tmp_path / "other.db").write_bytes(b"")
    assert "database_missing" in upgrade(tmp_path, code=1).stderr


def test_a_server_wants_a_backup_first(postgresql, tmp_path):
    url = postgresql.new()
    migrate(url)
    name = url.split("/")[3].split("?")[0]
    postgresql.execute("UPDATE alembic_version SET version_num = '0001'", name)
    done = upgrade(tmp_path, "--database", url, code=1)
    assert "backup_expected" in done.stderr
    upgrade(tmp_path, "--database", url, "--backup-made")
    with psycopg.connect(f"host={postgresql.folder} user=tests dbname={name}") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (WANTED,)
    postgresql.release(url)
