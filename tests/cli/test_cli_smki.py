"""``trustcell csr`` and ``trustcell smki`` as people run them: from a new key to a certificate that is explained."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustcell import certs
from trustcell.cli import app

RUN = CliRunner()
AT = "2024-03-01T12:00:00Z"
BROKER = "90-B3-D5-1F-30-00-00-02"


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("smki") / "home"
    cli("init", "--cast", "--home", folder, "--at", "2016-09-01T10:00:00Z")
    return folder


@pytest.fixture
def home(template, tmp_path) -> Path:
    return shutil.copytree(template, tmp_path / "home")


def cli(*arguments, code=0):
    result = RUN.invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def on(home, *arguments, at=AT, code=0):
    return cli("smki", *arguments, "--home", home, *(["--at", at] if at else []), code=code)


def make(tmp_path, name="one", *more, role="accessControlBroker", usage="DS", code=0):
    csr, key = tmp_path / f"{name}.csr", tmp_path / "one.key"
    told = cli(
        "csr", "make", "--role", role, "--eui", BROKER, "--usage", usage, "--key", key, "--out", csr, *more, code=code
    )
    return csr if code == 0 else told


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    first, second = make(tmp_path, "one"), make(tmp_path, "two", "--cn", "TWO")
    key = tmp_path / "one.key"
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    keys = {certs.load_csr(each.read_bytes()).public_key_point for each in (first, second)}
    assert len(keys) == 1
    assert certs.load_csr(second.read_bytes()).subject.common_name == "TWO"
    assert b"CERTIFICATE REQUEST-----" in first.read_bytes()


def test_a_file_that_is_no_key_is_left_alone(tmp_path):
    (tmp_path / "one.key").write_text("no key")
    assert "key_file_format" in make(tmp_path, code=1)
    assert (tmp_path / "one.key").read_text() == "no key"


@pytest.mark.parametrize(
    "wrong",
    [("--role", "boss"), ("--eui", "90-B3"), ("--usage", "both"), ("--cn", "")],
)
def test_wrong_use_is_told(tmp_path, wrong):
    options = {"--role": "04", "--eui": BROKER, "--usage": "DS", "--key": tmp_path / "k", "--out": tmp_path / "c"}
    options |= dict([wrong])
    cli("csr", "make", *[part for pair in options.items() for part in pair], code=2)


def test_show_names_the_request_that_submitting_makes(home, tmp_path):
    csr = make(tmp_path)
    shown = json.loads(cli("csr", "show", csr, "--years", "10", "--purpose", "pack", "--json"))
    made = json.loads(on(home, "request", csr, "--as", "ada", "--years", "10", "--purpose", "pack", "--json"))
    assert made["request"] == shown["request"]
    assert made["key_sha256"] == shown["key_sha256"]
    assert shown["request"] in cli("csr", "show", csr, "--years", "10", "--purpose", "pack")
    assert json.loads(cli("csr", "show", csr, "--json"))["request"] != shown["request"]


def test_years_and_an_end_contradict_each_other(home, tmp_path):
    csr = make(tmp_path)
    on(home, "request", csr, "--as", "ada", "--years", "10", "--not-after", "2034-01-01", code=2)


def test_from_a_csr_to_an_accepted_certificate(home, tmp_path):
    csr = make(tmp_path)
    told = on(home, "request", csr, "--as", "ada")
    assert "APPROVED" in told
    name = told.split()[0]
    file = tmp_path / "made.pem"
    made = json.loads(on(home, "issue", name[:12], "--as", "ian", "--out", file, "--json"))
    [certificate] = certs.load_certificates(file.read_bytes())
    assert f"{certificate.serial:032X}" == made["serial"].zfill(32)
    assert (made["status"], made["written_to"]) == ("I", str(file))
    where = f"T1/{certificate.serial:X}"
    assert "in use" in on(home, "accept", where, "--as", "ada")
    assert json.loads(on(home, "list", "--json", at=None))[0]["state"] == "ACCEPTED_BY_SUBSCRIBER"
    assert name[:12] in on(home, "list", "--state", "ACCEPTED_BY_SUBSCRIBER", at=None)
    assert on(home, "recover") == "nothing was left open\n"
    assert json.loads(on(home, "recover", "--json")) == []


def test_rejected_it_is_revoked(home, tmp_path):
    name = on(home, "request", make(tmp_path), "--as", "ada").split()[0]
    made = json.loads(on(home, "issue", name, "--as", "ian", "--json"))
    told = json.loads(on(home, "reject", f"T1/{made['serial']}", "--as", "ada", "--reason", "typo", "--json"))
    assert (told["status"], told["accepted"], told["devices_that_may_hold_it"]) == ("R", False, [])
    on(home, "reject", "no certificate", "--as", "ada", "--reason", "typo", code=2)


def test_a_refusal_is_one_sentence_a_finding(home, tmp_path):
    csr = make(tmp_path)
    told = on(home, "request", csr, "--as", "ada", "--years", "17", code=1)
    assert "[validity_not_approved]" in told
    assert "SEC Appendix B 6.3.2(A)(i)" in told
    assert "Traceback" not in told
    [refused] = json.loads(on(home, "list", "--state", "REJECTED_CONTENT", "--json", at=None))
    explained = json.loads(on(home, "explain", refused["request"], "--json"))
    assert (explained["granted"], explained["clauses"]) == (False, ["SEC Appendix B 6.3.2(A)(i)"])
    assert [each["granted"] for each in explained["recorded"]] == [False]


def test_explained_a_day_earlier_and_a_day_later(home, tmp_path):
    csr = make(tmp_path)
    on(home, "issue", on(home, "request", csr, "--as", "ada").split()[0], "--as", "ian")
    again = make(tmp_path, "again", "--cn", "AGAIN")
    arguments = ("explain", again, "--as", "ada", "--on", "2024-02-28", "--on", "2024-03-02")
    before, after = json.loads(on(home, *arguments, "--json", at=None))
    assert (before["rule_set"], after["rule_set"]) == ("2024-02-28: MP128A", "2024-03-02: MP128A, MP261")
    assert after["clauses"] == ["SEC L11.4(b)", "SEC L11.4B(a)"]
    text = on(home, *arguments, at=None)
    assert "C11" in text
    assert "[public_key_in_use]" in text


def test_an_unknown_request_is_refused(home):
    assert "[request_unknown]" in on(home, "explain", "0" * 64, code=1)
    assert "[request_unknown]" in on(home, "issue", "0" * 64, "--as", "ian", code=1)
