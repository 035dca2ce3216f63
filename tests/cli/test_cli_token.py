"""A person whose key is on a PKCS#11 token (SoftHSM), enrolled and acting by commands alone."""

import json

import pytest
from typer.testing import CliRunner

from keys import softhsm
from trustcell.cli import app

RUN = CliRunner()
TINA = ("party", "person", "tina", "--title", "Tina", "--identity", "Tina T", "--capacity", "registrar")


def run(*words, code: int = 0) -> str:
    done = RUN.invoke(app, [str(each) for each in words])
    assert done.exit_code == code, f"{done.output}{done.stderr}{done.exception!r}"
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("token") / "home"
    run("init", "--home", folder)
    return folder


def test_a_person_on_a_token_is_enrolled_and_acts(home, monkeypatch, tmp_path):
    token = softhsm.unused_token()
    on = ("--token", token, "--module", softhsm.module(), "--as", "registrar", "--home", home)
    people = home / "people"

    monkeypatch.setenv("TRUSTCELL_PIN_TINA", "not the PIN")
    assert "keystore_pin" in run(*TINA, *on, code=1)
    assert "not the PIN" not in run(*TINA, *on, code=1)
    assert not list(people.glob("tina.*"))  # nothing is left of a token that cannot be opened

    monkeypatch.setenv("TRUSTCELL_PIN_TINA", softhsm.PIN)
    told = json.loads(run(*TINA, *on, "--json"))
    assert told["capacities"] == ["registrar"]
    assert sorted(each.name for each in people.glob("tina.*")) == ["tina.pem", "tina.token"]
    assert softhsm.PIN not in (people / "tina.token").read_text()

    run("party", "add", "late", "--title", "Late Ltd", "--kind", "supplier", "--as", "tina", "--home", home)
    shown = json.loads(run("audit", "show", "--home", home, "--subject", "late", "--json"))
    assert [each["kind"] for each in shown] == ["party.added"]
    assert run("smki", "verify-all", "--home", home).splitlines()[-1].startswith("all sound")

    monkeypatch.setenv("TRUSTCELL_PIN_TINA", "not the PIN")
    words = ("party", "add", "later", "--title", "Later Ltd", "--kind", "supplier", "--as", "tina", "--home", home)
    assert "keystore_pin" in run(*words, code=1)


def test_wrong_use_of_a_token(home, tmp_path):
    rest = ("--as", "registrar", "--home", home)
    assert "--module" in run(*TINA, "--token", "x", *rest, code=2)
    assert "--token" in run(*TINA, "--module", "x.so", *rest, code=2)
    both = ("--token", "x", "--module", "x.so", "--csr", tmp_path / "x")
    assert "request" in run(*TINA, *both, *rest, code=2)
    nina = [word.replace("tina", "nina") for word in TINA]
    assert "token_failed" in run(*nina, "--token", "x", "--module", tmp_path / "none.so", *rest, code=1)


def test_a_key_stays_where_it_is(home, monkeypatch):
    """Whose key is in a file, or on one token, is not moved to another."""
    monkeypatch.setenv("TRUSTCELL_PIN_OLGA", softhsm.PIN)
    olga = [word.replace("tina", "olga") for word in TINA]
    first, second = softhsm.unused_token(), softhsm.unused_token()
    rest = ("--module", softhsm.module(), "--as", "registrar", "--home", home)
    run(*olga, "--token", first, *rest)
    assert "person_known" in run(*olga, "--token", second, *rest, code=1)
    (home / "people" / "pete.key").write_bytes(b"x")
    pete = [word.replace("tina", "pete") for word in TINA]
    assert "key_label_in_use" in run(*pete, "--token", second, *rest, code=1)
