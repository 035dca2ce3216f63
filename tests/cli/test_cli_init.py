"""``trustcell init``: a home made by the command, its tables and JSON, its PIN, and what it refuses."""

import json
import os
import stat
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from keys import softhsm
from trustcell.app.cast import PARTIES, PEOPLE
from trustcell.app.home import open_home
from trustcell.cli import app

AT = "2016-09-01T10:00:00Z"
run = CliRunner()


@pytest.fixture(autouse=True)
def quick_and_alone(monkeypatch):
    monkeypatch.setattr("trustcell.adapters.keystore_file._WORK", 2)
    for name in ("TRUSTCELL_PIN", "TRUSTCELL_DATABASE", "TRUSTCELL_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")


def init(folder, *arguments, code=0, at=AT):
    done = run.invoke(app, ["init", "--home", str(folder), "--at", at, *map(str, arguments)])
    assert done.exit_code == code, done.output + done.stderr
    return done


def test_a_home_from_nothing(tmp_path):
    folder = tmp_path / "home"
    made = json.loads(init(folder, "--json").stdout)
    assert [(each["label"], each["kind"], each["not_after"]) for each in made["authorities"]] == [
        ("root-oca", "root OCA", "2066-08-31T23:59:59Z"),
        ("issuing-oca", "issuing OCA", "2041-08-31T23:59:59Z"),
        ("root-dca", "root DCA", "2066-08-31T23:59:59Z"),
        ("issuing-dca", "issuing DCA", "2041-08-31T23:59:59Z"),
        ("ica", "ICA", "2041-08-31T23:59:59Z"),
    ]
    assert [each["name"] for each in made["people"]] == ["registrar"]
    assert made["people"][0]["credential_until"] == "2026-09-01T09:59:59Z"
    assert (made["parties"], made["begins"]) == ([], "2016-09-01T00:00:00Z")
    assert made["pin_file"] == str(folder / "pin")
    assert stat.S_IMODE((folder / "pin").stat().st_mode) == 0o600
    home = open_home(folder)
    assert [f"{key.record.serial:X}" for key in home.hierarchy] == [each["serial"] for each in made["authorities"]]
    home.close()


def test_the_cast_is_enrolled_and_can_act(tmp_path):
    folder = tmp_path / "home"
    done = init(folder, "--cast")
    for text in ("root OCA", "2041-08-31T23:59:59Z", "SEC Appendix B 6.3.2(A)", "gwen", "gas-network", "auditor"):
        assert text in done.stdout, text
    pin = (folder / "pin").read_text().strip()
    assert pin not in done.stdout + done.stderr
    home = open_home(folder)
    with home.store.reading() as books:
        register = home.governance.register(books)
    assert set(register.parties) == {each.name for each in PARTIES}
    for person in PEOPLE:
        assert register.people[person.name].acts_for == set(person.acts_for)
        assert home.credential(person.name).sign(b"octets")
    home.close()


def test_the_cast_may_come_later_and_twice(tmp_path):
    folder = tmp_path / "home"
    init(folder)
    first = json.loads(init(folder, "--cast", "--json", at="2016-09-02T10:00:00Z").stdout)
    again = json.loads(init(folder, "--cast", "--json", at="2016-09-03T10:00:00Z").stdout)
    assert first == again
    assert len(first["people"]) == len(PEOPLE) + 1


def test_a_complete_home_is_not_made_again(tmp_path):
    folder = tmp_path / "home"
    init(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = init(folder, code=1, at="2017-09-01T10:00:00Z")
    assert "home_complete" in done.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_environment_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'identifier = "lab-7"\nname = "the lab"\nissuing_oca = "Z1"\nroot_oca = "ZA"\nica_years = 20\n'
        'person_years = 3\ncrl_period = "36h"\n'
    )
    made = json.loads(init(tmp_path / "home", "--environment", path, "--json").stdout)
    assert made["environment"] == "lab-7"
    assert [each["subject"] for each in made["authorities"]][:2] == ["OU=00, CN=ZA", "OU=07, CN=Z1"]
    assert made["authorities"][4]["not_after"] == "2036-08-31T23:59:59Z"
    assert made["people"][0]["credential_until"] == "2019-09-01T09:59:59Z"
    written = tmp_path / "home" / "environment.toml"
    assert 'crl_period = "36h"' in written.read_text()
    # What was written is an environment file itself, every field in it.
    again = json.loads(init(tmp_path / "other", "--environment", written, "--json").stdout)
    assert (tmp_path / "other" / "environment.toml").read_text() == written.read_text()
    assert again["authorities"][0]["public_key_sha256"] != made["authorities"][0]["public_key_sha256"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "environment_field_missing"),
        ('identifier = "x"\nname = "y"\ncolour = "red"', "environment_field_unknown"),
        ('identifier = "x"\nname = "y"\nroot_years = "50"', "environment_field_value"),
        ("identifier =", "environment_not_toml"),
        ('identifier = "x"\nname = "y"\nissuing_years = 30', "environment_years"),
    ],
)
def test_a_wrong_environment_makes_no_authority(tmp_path, text, code):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    done = init(tmp_path / "home", "--environment", path, code=1)
    assert f"[{code}]" in done.stderr
    if code != "environment_years":
        assert not (tmp_path / "home" / "trustcell.db").exists()
        assert str(path) in done.stderr


def test_the_pin_comes_from_variable_or_file_and_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUSTCELL_PIN", "swordfish-1")
    done = init(tmp_path / "home")
    (tmp_path / "mine").write_text("swordfish-2\n")
    other = init(tmp_path / "other", "--pin-file", tmp_path / "mine")
    for folder, pin, said in (("home", "swordfish-1", done), ("other", "swordfish-2", other)):
        assert pin not in said.stdout + said.stderr
        assert not (tmp_path / folder / "pin").exists()
        for path in (tmp_path / folder).rglob("*"):
            assert not path.is_file() or pin.encode() not in path.read_bytes(), path
        home = open_home(tmp_path / folder, pin=pin)
        assert home.hierarchy.ica
        home.close()


def test_no_option_takes_a_pin():
    shown = run.invoke(app, ["init", "--help"]).stdout
    assert "--pin-file" in shown
    assert "--pin " not in shown


def test_custodians_are_named_in_the_log(tmp_path):
    folder = tmp_path / "home"
    init(folder, "--custodian", "kate", "--custodian", "karl")
    home = open_home(folder)
    with home.store.reading() as books:
        assert next(iter(books.audit.entries())).body["custodians"] == ["kate", "karl"]
    home.close()
    done = init(tmp_path / "other", "--custodian", "kate", code=1)
    assert "ceremony_custodians" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--keystore", "pkcs11"),
        ("--keystore", "pkcs11", "--module", "m.so"),
        ("--token", "t"),
        ("--keystore", "cloud"),
        ("--at", "yesterday"),
    ],
)
def test_wrong_use(tmp_path, arguments):
    done = run.invoke(app, ["init", "--home", str(tmp_path / "home"), *arguments])
    assert done.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_authorities_on_a_token(tmp_path):
    token = softhsm.unused_token()
    (tmp_path / "pin").write_text(softhsm.PIN)
    named = ("--keystore", "pkcs11", "--module", softhsm.module(), "--token", token)
    done = init(tmp_path / "none", *named, code=1)
    assert "keystore_pin_missing" in done.stderr
    (tmp_path / "wrong").write_text("wrong pin")
    done = init(tmp_path / "wrong-pin", *named, "--pin-file", tmp_path / "wrong", code=1)
    assert "keystore_pin" in done.stderr
    assert "wrong pin" not in done.stderr
    made = json.loads(init(tmp_path / "home", *named, "--pin-file", tmp_path / "pin", "--json").stdout)
    assert len(made["authorities"]) == 5
    assert not list((tmp_path / "home").glob("keys/*"))
    settings = (tmp_path / "home" / "home.toml").read_text()
    assert token in settings
    assert softhsm.PIN not in settings


def test_killed_during_the_ceremony(tmp_path):
    """The process ends with SIGKILL after each of some steps; the same command finishes the work."""
    folder = tmp_path / "home"
    code = (
        "import os, signal, sys\n"
        "from datetime import datetime\nfrom pathlib import Path\n"
        "from trustcell.adapters import keystore_file\n"
        "from trustcell.app.init import Wish, initialise\n"
        "keystore_file._WORK = 2\n"
        "left = int(sys.argv[2])\n"
        "def step(name):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if not left:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "initialise(Wish(Path(sys.argv[1]), at=datetime.fromisoformat(sys.argv[3])), step)\n"
    )
    for steps in (1, 4, 7):
        done = subprocess.run([sys.executable, "-c", code, str(folder), str(steps), AT], env={**os.environ})
        assert done.returncode == -9
    made = json.loads(init(folder, "--json").stdout)
    assert len({each["serial"] for each in made["authorities"]}) == 5
    home = open_home(folder)
    with home.store.reading() as books:
        assert len(list(books.certificates.all())) == 6
        kinds = [entry.kind for entry in books.audit.entries()]
    assert kinds.count("ceremony.key") == 6
    assert kinds.count("ceremony.certificate") == 5
    home.close()
