"""``trustcell audit``, ``smki bundle`` and ``smki verify-all`` as a user runs them on a home."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustcell.cli import app
from trustcell_audit.program import main

RUN = CliRunner()
AT = ("--at", "2024-03-01T12:00:00Z")


def run(*arguments: object, code: int = 0) -> str:
    result = RUN.invoke(app, [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """A home with one certificate, and its name."""
    folder = tmp_path_factory.mktemp("audit-cli")
    home, csr = folder / "home", folder / "csr.pem"
    run("init", "--home", home, "--cast", *AT)
    run(
        *("csr", "make", "--role", "04", "--eui", "90-B3-D5-1F-30-00-00-02", "--usage", "KA"),
        *("--key", folder / "key.pem", "--out", csr),
    )
    asked = json.loads(run("smki", "request", csr, "--as", "ada", "--home", home, *AT, "--json"))
    name = asked.get("name") or asked["request"]
    issued = json.loads(run("smki", "issue", name, "--as", "ian", "--home", home, *AT, "--json"))
    return home, f"{issued['issuer']}/{issued['serial']}"


@pytest.fixture
def home(made, tmp_path) -> Path:
    """A copy of the home that may be changed."""
    shutil.copytree(made[0], tmp_path / "home")
    return tmp_path / "home"


def spoil(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "trustcell.db")) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount


def test_verify_all_of_a_sound_home(home):
    assert "all sound" in run("smki", "verify-all", "--home", home)
    told = json.loads(run("smki", "verify-all", "--home", home, "--json"))
    assert told["ok"]
    assert told["faults"] == []
    assert told["counts"]["organisation"] == 1


def test_verify_all_names_what_was_altered(home):
    spoil(home, "UPDATE certificate SET role = 5 WHERE kind = 'organisation'")
    shown = run("smki", "verify-all", "--home", home, code=1)
    assert "record_differs" in shown
    assert "T1/" in shown
    told = json.loads(run("smki", "verify-all", "--home", home, "--json", code=1))
    assert {"record_differs", "request_differs"} <= {fault["code"] for fault in told["faults"]}


def test_verify_all_names_a_broken_log(home):
    spoil(home, "UPDATE audit_entry SET octets = replace(octets, 'ceremony', 'ceremonY') WHERE seq = 2")
    told = json.loads(run("smki", "verify-all", "--home", home, "--json", code=1))
    assert "I7" in {fault["invariant"] for fault in told["faults"]}


def test_audit_verify_of_a_home_and_of_an_export(home, tmp_path):
    assert "the log is sound" in run("audit", "verify", "--home", home)
    told = json.loads(run("audit", "verify", "--home", home, "--json"))
    assert told["facts"]["outside_heads"] > 10
    export = tmp_path / "log.jsonl"
    assert (
        json.loads(run("audit", "export", "--home", home, "--out", export, "--json"))["octets"] == export.stat().st_size
    )
    assert run("audit", "export", "--home", home) == export.read_text()
    key = told["facts"]["audit_key_sha256"]
    assert main(["verify", str(export), "--anchor", key, "--heads", str(home / "audit-heads.jsonl")]) == 0
    assert "the log is sound" in run("audit", "verify", export, "--anchor", key)
    assert "audit_key_not_trusted" in run("audit", "verify", export, "--anchor", "0" * 64, code=1)
    export.write_bytes(export.read_bytes().replace(b"ceremony.began", b"ceremony.begaN"))
    assert "entry 1" in run("audit", "verify", export, code=1)


def test_audit_verify_finds_what_the_heads_of_the_home_know(home, tmp_path):
    run("audit", "export", "--home", home, "--out", tmp_path / "short.jsonl")
    lines = (tmp_path / "short.jsonl").read_bytes().splitlines(keepends=True)
    heads = [line for line in lines if b'"signature"' in line]
    entries = [line for line in lines[1:] if b'"signature"' not in line]
    cut = [lines[0], *entries[:-1], *heads[:-1]]
    (tmp_path / "short.jsonl").write_bytes(b"".join(cut))
    assert "sound" in run("audit", "verify", tmp_path / "short.jsonl")
    shown = run("audit", "verify", tmp_path / "short.jsonl", "--heads", home / "audit-heads.jsonl", code=1)
    assert "entries_cut" in shown


def test_audit_show(home):
    shown = run("audit", "show", "--home", home, "--kind", "certificate", "--last", "5")
    assert "certificate.issued" in shown
    told = json.loads(run("audit", "show", "--home", home, "--subject", "ada", "--json"))
    assert [entry["kind"] for entry in told] == ["person.added"]
    assert json.loads(run("audit", "show", "--home", home, "--last", "3", "--json"))[-1]["kind"] == "certificate.issued"


def test_smki_bundle(made, home, tmp_path):
    file = tmp_path / "evidence.jsonl"
    told = json.loads(run("smki", "bundle", made[1], "--out", file, "--home", home, *AT, "--json"))
    assert told["ok"]
    assert told["facts"]["certificate"] == made[1]
    assert main(["bundle", str(file)]) == 0
    before = file.read_bytes()
    run("smki", "bundle", made[1], "--out", file, "--home", home, *AT)
    assert file.read_bytes() == before
    assert "certificate_unknown" in run("smki", "bundle", "T1/10", "--out", file, "--home", home, code=1)
    root = json.loads(run("audit", "show", "--home", home, "--kind", "ceremony.certificate", "--json"))[0]["body"]
    name = f"{root['issuer']}/{root['serial']}"
    told = json.loads(run("smki", "bundle", name, "--out", file, "--home", home, *AT, "--json"))
    assert (told["ok"], told["facts"]["kind"]) == (True, "root OCA")


def test_wrong_use(home, tmp_path):
    assert "SHA-256" in run("audit", "verify", "--home", home, "--anchor", "12", code=2)
    assert "--out" in run("audit", "export", "--home", home, "--json", code=2)
    run("smki", "bundle", "T1", "--out", tmp_path / "x", "--home", home, code=2)
    assert "home_missing" in run("audit", "verify", "--home", tmp_path / "none", code=1)
    assert "could not check" in run("audit", "verify", tmp_path / "none", code=1)
