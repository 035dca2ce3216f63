"""``trustcell smki search|show|export|import`` and ``trustcell serve`` on a home."""

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smki.smki_certificates import SmallAuthority
from trustcell.app.cast import PEOPLE, REGISTRAR
from trustcell.app.enrolment import enrol_person
from trustcell.app.home import create_home, open_home
from trustcell.cli import app
from trustcell.smki.rules.environment import Environment
from web.serving import data_request, running

TRUSTCELL = Path(sys.executable).with_name("trustcell")
BEGINS = datetime(2016, 9, 1, tzinfo=UTC)
AT = ("--at", "2016-09-02T12:00:00Z")
PIN = "a pin for tests"


@pytest.fixture(scope="session")
def made_home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "home"
    home = create_home(folder, Environment("cli", "made for tests", BEGINS), pin=PIN, now=BEGINS)
    ian = next(person for person in PEOPLE if person.name == "ian")
    enrol_person(home.office, home.credential(REGISTRAR.name), ian, BEGINS)
    home.close()
    return folder


@pytest.fixture
def home(made_home, tmp_path) -> Path:
    return shutil.copytree(made_home, tmp_path / "home")


@pytest.fixture(scope="module")
def stranger():
    return SmallAuthority("XA", "X1", "X357", seed="stranger")


def run(home, *arguments, status=0):
    env = {"TRUSTCELL_HOME": str(home), "TRUSTCELL_PIN": PIN, "COLUMNS": "200"}
    done = CliRunner().invoke(app, ["smki", *arguments], env=env)
    assert done.exit_code == status, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def as_json(home, *arguments, status=0):
    return json.loads(run(home, *arguments, "--json", status=status).stdout)


def serial_of(home, kind):
    return next(each["serial"] for each in as_json(home, "search", *AT)["certificates"] if each["kind"] == kind)


def test_search_narrows_by_every_option(home):
    found = as_json(home, "search", *AT)["certificates"]
    assert {each["kind"] for each in found} >= {"root OCA", "issuing OCA", "root DCA", "issuing DCA", "ICA", "IKI"}
    oca = next(each for each in found if each["kind"] == "issuing OCA")
    options = {
        "--family": "organisation", "--status": "I", "--key": oca["key_sha256"], "--ski": oca["ski"],
        "--issuer": oca["issuer"], "--serial": oca["serial"].lower(), "--role": "issuingAuthority",
        "--expires-from": oca["not_after"], "--expires-to": oca["not_after"], "--limit": "50",
    }  # fmt: skip
    for name, value in options.items():
        listed = as_json(home, "search", name, value, *AT)["certificates"]
        assert oca in listed, name
        assert name == "--limit" or len(listed) < len(found) or name == "--status", name
    flat = [word for pair in options.items() for word in pair]
    assert as_json(home, "search", *flat, *AT)["certificates"] == [oca]
    assert as_json(home, "search", "--role", "07", "--family", "organisation", *AT)["certificates"] == [oca]
    assert len(as_json(home, "search", "--limit", "2", *AT)["certificates"]) == 2
    nothing = {"--entity": "90-B3-D5-1F-30-01-00-00", "--pack": "none", "--approval": "none", "--usage": "KA"}
    for name, value in nothing.items():
        assert as_json(home, "search", name, value, *AT)["certificates"] == []
    text = run(home, "search", "--serial", oca["serial"], *AT).stdout
    assert oca["serial"] in text
    assert "1 found" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "--entity", "%"),
        ("search", "--role", "king"),
        ("search", "--usage", "certSign"),
        ("search", "--serial", "' OR 1=1"),
        ("search", "--key", "xyz"),
        ("search", "--expires-to", "soon"),
        ("search", "--limit", "0"),
        ("show", "0x12"),
        ("export", "--out", "x", "--delta", "--since", "2016-09-01"),
        ("import", "x.pem"),
        ("import", "x.pem", "--as", "ian", "--pin", "nonsense"),
    ],
)
def test_wrong_use_is_2(home, arguments):
    run(home, *arguments, status=2)


def test_show_tells_what_is_known_and_writes_the_certificate(home, tmp_path):
    serial = serial_of(home, "issuing OCA")
    report = as_json(home, "show", serial, "--issuer", "TR", "--out", str(tmp_path / "oca.pem"), *AT)
    assert (report["kind"], report["status"], report["in_pack"], report["same_key"]) == ("issuing OCA", "I", False, [])
    assert (tmp_path / "oca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
    run(home, "show", serial, "--out", str(tmp_path / "oca.der"), *AT)
    assert hashlib.sha256((tmp_path / "oca.der").read_bytes()).hexdigest() == report["sha256"]
    assert "in a pack    no" in run(home, "show", serial, *AT).stdout
    assert "[certificate_unknown]" in run(home, "show", "1", *AT, status=1).stderr


def test_export_and_delta(home, tmp_path):
    full = as_json(home, "export", "--out", str(tmp_path / "full"), *AT)
    assert (full["kind"], full["left_out"]) == ("full", [])
    manifest = (tmp_path / "full" / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == full["manifest_sha256"]
    assert len((tmp_path / "full" / "certificates.jsonl").read_text().splitlines()) == full["certificates"] == 4
    delta = as_json(home, "export", "--out", str(tmp_path / "delta.zip"), "--delta", "--at", "2016-09-03")
    assert (delta["kind"], delta["certificates"]) == ("delta", 0)
    assert "[output_exists]" in run(home, "export", "--out", str(tmp_path / "full"), *AT, status=1).stderr
    assert "full export of 4" in run(home, "export", "--out", str(tmp_path / "more"), "--at", "2016-09-04").stdout


def test_import_needs_somebody_who_may(home, tmp_path, stranger):
    (tmp_path / "root.der").write_bytes(stranger.root.der)
    done = run(home, "import", str(tmp_path / "root.der"), "--as", "registrar", *AT, status=1)
    assert "[capacity_missing]" in done.stderr
    assert as_json(home, "search", "--issuer", "XA", *AT)["certificates"] == []


def test_import_says_what_became_of_each(home, tmp_path, shared):
    pinned = "xml-sign-90B3D51F30010000-ds"
    entries = json.loads((shared / "zaz1-test-keys.json").read_bytes())
    chosen = [entry for entry in entries if entry["name"] in ("Z1-supplier-ds", pinned, "mdr-ds")]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(chosen))
    der = {entry["name"]: base64.b64decode(entry["certificate_der_b64"]) for entry in chosen}
    at = ("--at", "2024-03-01")
    done = as_json(home, "import", str(file), "--as", "ian", "--pin", hashlib.sha256(der[pinned]).hexdigest(), *at)
    outcomes = {item["where"].rpartition("(")[2]: item["outcome"] for item in done["items"]}
    assert outcomes == {"Z1-supplier-ds)": "kept", f"{pinned})": "pinned", "mdr-ds)": "left-out"}
    found = as_json(home, "search", "--issuer", "Z1", *at)["certificates"]
    assert {each["sha256"] for each in found} == {hashlib.sha256(der[name]).hexdigest() for name in list(der)} - {
        hashlib.sha256(der["mdr-ds"]).hexdigest()
    }
    xml_signer = next(each for each in found if each["role"] == 135)
    text = run(home, "show", xml_signer["serial"], *at).stdout
    assert "[self_signed_claims_issuer]" in text
    again = run(home, "import", str(file), "--as", "ian", "--pin", "00", *at).stdout
    assert again.endswith("2 held, 1 left-out\n")
    assert "certificate cannot be read" in again


def alter(home, kind):
    """Change one octet of a certificate, as somebody with the database file in his hands."""
    with sqlite3.connect(home / "trustcell.db") as database:
        database.execute("DROP TRIGGER certificate_frozen")
        for number, der in database.execute("SELECT number, der FROM certificate WHERE kind = ?", (kind,)).fetchall():
            changed = der[:-1] + bytes([der[-1] ^ 1])
            database.execute("UPDATE certificate SET der = ? WHERE number = ?", (changed, number))


def test_an_altered_certificate_is_not_given_out_by_any_command(home, tmp_path):
    serial = serial_of(home, "issuing DCA")
    alter(home, "issuing DCA")
    assert "[certificate_altered]" in run(home, "show", serial, *AT, status=1).stderr
    found = as_json(home, "search", *AT, status=1)
    assert serial not in {each["serial"] for each in found["certificates"]}
    assert found["altered"][0]["code"] == "certificate_altered"
    made = as_json(home, "export", "--out", str(tmp_path / "all"), *AT, status=1)
    assert made["left_out"][0]["code"] == "certificate_altered"
    with running(tmp_path, "--home", str(home)) as server:
        assert server.retrieve(data_request(serial)).status == 500


def test_the_anchors_of_a_home_do_not_come_from_its_database(home):
    """An authority of our name over another key, put into the database, vouches for nothing."""
    forger = SmallAuthority("TR", "T1", "D001", seed="forger")
    with sqlite3.connect(home / "trustcell.db") as database:
        database.execute("DROP TRIGGER certificate_frozen")
        database.execute("UPDATE certificate SET der = ? WHERE kind = 'issuing OCA'", (forger.oca.der,))
    opened = open_home(home, pin=PIN)
    assert opened.repository.anchors["T1"][0] != forger.oca.spki
    opened.close()
    (home / "authorities.pem").unlink()
    assert "[anchors_missing]" in run(home, "search", *AT, status=1).stderr


def test_a_home_is_served_without_its_keys(home, tmp_path):
    """No PIN is needed to read, and no private key can be fetched."""
    serial = serial_of(home, "issuing OCA")
    for name in ("keys", "people"):
        shutil.rmtree(home / name)
    with running(tmp_path, "--home", str(home), *AT) as server:
        assert server.told["environment"] == "cli"
        assert server.told["clock"].startswith("2016-09-02T12:00")
        assert server.retrieve(data_request(serial)).status == 200
        assert server.ask("GET", "/assets/crypto/org-crypto.zip").status == 404
        assert json.loads(server.ask("GET", "/health").body)["audit"] > 0
        person = serial_of(home, "IKI")
        assert server.retrieve(data_request(person)).status == 402


def test_a_folder_that_is_no_home_is_named(tmp_path):
    done = subprocess.run([TRUSTCELL, "serve", "--home", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "[home_missing]" in done.stderr
