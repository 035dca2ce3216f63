"""``trustcell doctor``: what is there, what is missing, and that it says how to get it."""

import json
import socket

import pytest
from typer.testing import CliRunner

from trustcell.adapters.store import migrate
from trustcell.app import doctor
from trustcell.cli import app

run = CliRunner()


def told(home, *arguments, code=0):
    done = run.invoke(app, ["doctor", "--home", str(home), "--json", *arguments])
    assert done.exit_code == code, done.output + done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)}


def test_this_machine_can_run_its_own_tests(tmp_path):
    found = told(tmp_path / "none", "--no-ports")
    for name in ("Python", "cryptography", "openssl", "PostgreSQL server", "softhsm2-util", "java", "npm", "chromium"):
        assert found[name]["verdict"] == "ok", found[name]
    assert found["home"]["verdict"] == "absent"


def test_a_library_that_is_too_old_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: "0.1")
    found = told(tmp_path, "--no-ports", code=1)["lxml"]
    assert found["verdict"] == "missing"
    assert found["remedy"].startswith("pip install 'lxml>=")


def test_a_program_that_is_not_there_is_absent_and_harms_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = told(tmp_path / "none", "--no-ports")["java"]
    assert (found["verdict"], found["remedy"]) == ("absent", "apt-get install openjdk-17-jre-headless")


def test_a_home_of_an_earlier_version(tmp_path):
    from app.test_app_upgrading import age

    migrate(f"sqlite:///{tmp_path / 'trustcell.db'}")
    assert told(tmp_path, "--no-ports")["home"]["verdict"] == "ok"
    age(tmp_path / "trustcell.db", "0001")
    assert told(tmp_path, "--no-ports", code=1)["home"]["remedy"] == f"trustcell upgrade --home {tmp_path}"


def test_a_port_that_is_taken(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        monkeypatch.setattr(doctor, "PORTS", {"DUIS": number})
        assert told(tmp_path / "none")[f"port {number}"]["verdict"] == "absent"
    assert told(tmp_path / "none")[f"port {number}"]["verdict"] == "ok"


def test_too_little_room(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_ROOM_OCTETS", 1 << 80)
    assert told(tmp_path / "none", "--no-ports", code=1)["disk"]["verdict"] == "missing"


@pytest.mark.parametrize("name", ["doctor", "upgrade"])
def test_the_tables_are_for_people(tmp_path, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "200")
    migrate(f"sqlite:///{tmp_path / 'trustcell.db'}")
    done = run.invoke(app, [name, "--home", str(tmp_path)])
    assert "SMKI" in done.stdout
