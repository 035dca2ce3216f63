"""``trustcell smki revoke|crl|archive`` and ``trustcell calendar`` as people run them, on a home of their own."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import icalendar
import pytest
from typer.testing import CliRunner

from authority_world import DS, GAS_NETWORK, organisation_csr, p256
from trustcell.certs import load_crl
from trustcell.cli import app
from trustcell.vocab import RemotePartyRole

RUN = CliRunner()
AT, LATER = "2024-03-01T12:00:00Z", "2024-03-01T12:00:10Z"


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A home with the sample cast and one certificate of the gas network."""
    folder = tmp_path_factory.mktemp("revocation") / "home"
    run(folder, "init", "--cast", at="2016-09-01T10:00:00Z")
    csr = folder / "gas.csr"
    csr.write_bytes(organisation_csr(RemotePartyRole.NETWORK_OPERATOR, GAS_NETWORK, DS, "gas"))
    made = json.loads(run(folder, "smki", "request", csr, "--as", "gwen", "--json"))
    run(folder, "smki", "issue", made["request"], "--as", "ian")
    return folder


@pytest.fixture
def home(template, tmp_path) -> Path:
    return shutil.copytree(template, tmp_path / "home")


def run(home, *arguments, at=AT, code=0) -> str:
    clock = ["--at", at] if at else []
    result = RUN.invoke(app, [*map(str, arguments), "--home", str(home), *clock])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def certificate(home) -> dict:
    (found,) = json.loads(run(home, "smki", "search", "--entity", str(GAS_NETWORK), "--json"))["certificates"]
    return found


def name_of(found: dict) -> str:
    return f"{found['issuer']}/{found['serial']}"


def ask(home, *more, person="gwen", why="compromise", at=AT, code=0) -> str:
    found = name_of(certificate(home))
    arguments = ["--as", person, "--because", why, "--explain", "stolen", *more]
    return run(home, "smki", "revoke", "request", found, *arguments, at=at, code=code)


def test_asked_listed_decided_and_given_out(home, tmp_path):
    request = json.loads(ask(home, "--json"))
    assert (request["asker"], request["standing"], request["decided"]) == ("gwen", "claimed", False)
    assert request["request"][:16] in run(home, "smki", "revoke", "list", at=None)
    done = json.loads(run(home, "smki", "revoke", "decide", request["request"][:12], "--as", "ian", "--json"))
    assert [each["fate"] for each in done["certificates"]] == ["revoked"]
    assert done["key_barred"] is False
    assert [(each["number"], each["entries"], each["served"]) for each in done["lists"]] == [(1, 1, True)]
    assert json.loads(run(home, "smki", "revoke", "list", "--json", at=None)) == []
    assert len(json.loads(run(home, "smki", "revoke", "list", "--all", "--json", at=None))) == 1
    assert certificate(home)["status"] == "R"
    text = run(home, "smki", "crl", "--out", tmp_path / "list.pem")
    assert "Organisation CRL 1 of T1" in text
    shown = subprocess.run(
        ["openssl", "crl", "-in", tmp_path / "list.pem", "-noout", "-text"], capture_output=True, text=True
    )
    assert "Key Compromise" in shown.stdout
    run(home, "smki", "crl", "--out", tmp_path / "list.der")
    assert load_crl((tmp_path / "list.der").read_bytes()).number == 1


def test_a_proof_made_with_openssl_bars_the_key(home, tmp_path):
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = tmp_path / "found.pem"
    key.write_bytes(p256("gas").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    serial = certificate(home)["serial"]
    run(home, "smki", "revoke", "challenge", serial, "--out", tmp_path / "challenge")
    command = ["openssl", "dgst", "-sha256", "-sign", key, "-out", tmp_path / "proof", tmp_path / "challenge"]
    subprocess.run(command, check=True)
    request = json.loads(ask(home, "--proof", tmp_path / "proof", "--json"))
    assert request["standing"] == "proven"
    text = run(home, "smki", "revoke", "decide", request["request"], "--as", "ian", "--no-lists")
    assert "is barred for ever" in text
    assert "list_missing" in run(home, "smki", "crl", code=1)


def test_what_is_refused_says_why(home):
    assert "revocation_not_authorised" in ask(home, person="sam", code=1)
    assert "notice_missing" in ask(home, why="not-a-user", code=1)
    request = json.loads(ask(home, "--json"))["request"]
    assert "separation_of_duties" in run(home, "smki", "revoke", "decide", request, "--as", "gwen", code=1)
    assert "revocation_request_unknown" in run(home, "smki", "revoke", "decide", "0" * 8, "--as", "ian", code=1)
    assert certificate(home)["status"] == "I"


@pytest.mark.parametrize(
    "arguments",
    [
        ["revoke", "request", "T1/xyz", "--as", "gwen", "--because", "compromise", "--explain", "x"],
        ["revoke", "request", "T1/1", "--as", "gwen", "--because", "boredom", "--explain", "x"],
        [
            "revoke",
            "request",
            "T1/1",
            "--as",
            "gwen",
            "--because",
            "error",
            "--explain",
            "x",
            "--reason",
            "removeFromCRL",
        ],
        ["crl", "--due", "--arl"],
        ["archive"],
        ["archive", "--out", "a", "--check", "b"],
    ],
)
def test_wrong_use_is_exit_code_2(home, arguments):
    run(home, "smki", *arguments, code=2)


def test_lists_are_due_and_made(home):
    due = json.loads(run(home, "smki", "crl", "--due", "--json"))
    assert [each["list"] for each in due["due"]] == ["crl", "arl"]
    made = json.loads(run(home, "smki", "crl", "--due", "--as", "ian", "--json"))["made"]
    assert [(each["issuer"], each["number"], each["entries"]) for each in made] == [("T1", 1, 0), ("TR", 1, 0)]
    assert "no list is due" in run(home, "smki", "crl", "--due", at=LATER)
    late = run(home, "smki", "crl", "--due", at="2024-03-02T00:00:01Z", code=1)
    assert "it is time for the next one, by 2024-03-02T00:00:00Z" in late
    assert "Organisation ARL 2 of TR" in run(home, "smki", "crl", "--arl", "--as", "ian", at=LATER)
    assert "ca_key_period_ended" in run(home, "smki", "crl", "--as", "ian", at="2042-01-01T00:00:00Z", code=1)


def test_the_archive_is_written_and_checked(home, tmp_path):
    file = tmp_path / "archive.jsonl"
    assert f"in {file}" in run(home, "smki", "archive", "--out", file)
    assert "no findings" in run(home, "smki", "archive", "--check", file)
    only = json.loads(run(home, "smki", "archive", "--out", tmp_path / "o", "--family", "organisation", "--json"))
    assert only["certificates"] == 3  # Root OCA, Issuing OCA, the gas network
    octets = file.read_bytes()
    file.write_bytes(octets.replace(b'"serial":"', b'"serial":"1', 1))
    assert "archive_key_wrong" in run(home, "smki", "archive", "--check", file, code=1)


def test_the_calendar_in_every_form(home, tmp_path):
    found = json.loads(run(home, "calendar", "--json"))
    kinds = {each["kind"] for each in found}
    assert {"certificate", "credential", "ca-key", "last-issue"} <= kinds
    last = [
        each for each in found if each["kind"] == "last-issue" and "10 years" in each["what"] and "T1" in each["what"]
    ]
    assert [each["ends"] for each in last] == ["2031-09-01T00:00:00Z"]
    assert json.loads(run(home, "calendar", "--format", "json")) == found
    rows = list(csv.DictReader(run(home, "calendar", "--format", "csv").splitlines()))
    assert [each["ends"] for each in rows] == [each["ends"] for each in found]
    run(home, "calendar", "--format", "ics", "--out", tmp_path / "ends.ics")
    read = icalendar.Calendar.from_ical((tmp_path / "ends.ics").read_bytes())
    assert len(read.events) == len(found)
    run(home, "calendar", "--json", "--out", tmp_path / "ends.json")
    assert json.loads((tmp_path / "ends.json").read_text()) == found
    table = run(home, "calendar", "--from", "2031-01-01", "--to", "2032-01-01")
    assert "last-issue" in table
    assert "ca-key" not in table
    assert "nothing ends in this time" in run(home, "calendar", "--to", "2024-03-02")
    run(home, "calendar", "--out", tmp_path / "x", code=2)
