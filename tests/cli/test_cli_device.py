"""``trustcell device`` against a running server: made, shown, broken, mended; who may, and by which token."""

import json
import os
import re
import stat
from pathlib import Path

import pytest

from cli.serving_lab import BROKER, ESME, GPF, HUB, OPERATOR, SUPPLIER, served_lab
from trustcell.app.api_client import ApiClient
from trustcell.app.run_token import read_token, run_token_path, written_run_token
from trustcell.vocab import Refused, Unavailable

FOREIGN = "conformance/pyca-x509/scottishpower-bitstring-dn.pem"
SIGNING_CELL = "networkOperator/digitalSignature"


@pytest.fixture(scope="module")
def lab(tmp_path_factory, shared):
    with served_lab(tmp_path_factory.mktemp("devices"), shared) as lab:
        yield lab


@pytest.fixture
def gpf(lab):
    """The GPF, as it was before, afterwards."""
    kept = lab.folder / "memory.hex"
    lab.device("memory", GPF, "--out", kept)
    yield GPF
    lab.device("break", GPF, "--memory", kept)
    lab.device("mend", GPF)


def test_devices_are_listed_and_shown_as_tables(lab):
    assert [row["eui"] for row in lab.json("device", "list")] == [ESME, HUB, GPF]
    assert re.search(rf"{GPF} +GPF +{HUB} +CENTRAL_AND_SOUTH", lab.device("list"))
    shown = lab.json("device", "show", GPF)
    assert {row["cell"]: row["entity"] for row in shown["cells"]}[SIGNING_CELL] == OPERATOR
    assert {"role": "networkOperator", "update": "0", "other": "0"} in shown["counters"]
    assert len(shown["keys"]) == 2
    assert shown["log"] == lab.json("device", "show", GPF, "--table", "log")
    text = lab.device("show", GPF)
    assert all(f"\n{name}:\n" in text for name in ("cells", "counters", "keys", "joined", "pending", "log"))


@pytest.mark.parametrize(
    ("how", "link", "reachable"),
    [
        (("--link", "slow"), "slow", True),
        (("--link", "unreachable"), "unreachable", False),
        (("--lost", "0.5", "--delay", "2"), "lossy", True),
        (("--off",), "reachable", False),
    ],
)
def test_the_way_is_broken_and_mended(lab, gpf, how, link, reachable):
    broken = json.loads(lab.device("break", gpf, *how, "--json"))
    assert (broken["link"], broken["reachable"]) == (link, reachable)
    mended = json.loads(lab.device("mend", gpf, "--json"))
    assert (mended["link"], mended["reachable"], mended["on"]) == ("reachable", True, True)


def test_an_unreachable_device_answers_nobody_and_the_user_is_told(lab, gpf):
    lab.device("break", gpf, "--link", "unreachable")
    request_id, code = lab.read(gpf)
    assert code == "I99"
    tree = lab.settled(request_id)
    assert [each["state"] for each in tree["commands"]] == ["unreachable"]
    assert tree["deliveries"][0]["code"] == "E20"


def test_a_device_is_tampered_with_its_clock_runs_wrong_and_commands_fail(lab, gpf):
    before = len(lab.json("device", "show", gpf, "--table", "log"))
    broken = json.loads(lab.device("break", gpf, "--tamper", "--clock", "7", "--failing", "0103", "--json"))
    assert broken["clock_skew_seconds"] == 7
    assert len(lab.json("device", "show", gpf, "--table", "log")) == before + 1
    assert json.loads(lab.device("mend", gpf, "--json"))["clock_skew_seconds"] == 0


def test_a_wrong_certificate_and_a_high_number_are_seen_by_the_next_6_24_1(lab, gpf, shared):
    lab.device("break", gpf, "--cell", SIGNING_CELL, "--certificate", shared / FOREIGN)
    lab.device("break", gpf, "--role", "networkOperator", "--number", 2**62)
    cells = {row["cell"]: row["entity"] for row in lab.json("device", "show", gpf, "--table", "cells")}
    assert cells[SIGNING_CELL] == "70-B3-D5-1F-30-5F-00-01"
    assert {"role": "networkOperator", "update": str(2**62), "other": str(2**62)} in lab.json(
        "device", "show", gpf, "--table", "counters"
    )
    tree = lab.settled(lab.read(gpf)[0])
    assert any(f"{SIGNING_CELL} holds 70-B3-D5-1F-30-5F-00-01" in each["text"] for each in tree["effects"])


def test_an_old_memory_is_put_back(lab, gpf):
    """N17: the device cannot know it, and takes old numbers again."""
    kept = lab.folder / "old.hex"
    lab.device("break", gpf, "--role", "networkOperator", "--number", 5)
    lab.device("memory", gpf, "--out", kept)
    lab.device("break", gpf, "--role", "networkOperator", "--number", 99)
    lab.device("break", gpf, "--memory", kept)
    assert {"role": "networkOperator", "update": "5", "other": "5"} in lab.json(
        "device", "show", gpf, "--table", "counters"
    )
    assert lab.device("memory", gpf) == kept.read_text()


def test_devices_are_made_moved_and_taken_away(lab):
    hub, meter = "00-DB-12-34-56-78-91-00", "00-DB-12-34-56-78-91-10"
    lab.device("make", hub, "--type", "CHF", "--detail", "CSPRegion=North")
    made = json.loads(lab.device("make", meter, "--type", "ESME", "--hub", hub, "--install", "--count", "3", "--json"))
    assert [each["eui"][-2:] for each in made] == ["10", "11", "12"]
    assert all(each["reachable"] and each["region"] == "NORTH" for each in made)
    assert lab.json("dsp", "inventory", meter)["status"] == "InstalledNotCommissioned"
    assert "device_not_removable" in lab.device("remove", hub, code=1)
    assert "device_not_makeable" in lab.device("make", meter, "--type", "ESME", code=1)
    moved = json.loads(lab.device("move", meter, "--json"))
    assert (moved["hub"], moved["reachable"]) == (None, False)
    for last in ("10", "11", "12"):
        lab.device("remove", f"00-DB-12-34-56-78-91-{last}")
    lab.device("remove", hub)
    assert [row["eui"] for row in lab.json("device", "list")] == [ESME, HUB, GPF]
    assert lab.json("dsp", "inventory", meter)["eui"] == meter, "the inventory is for DUIS to change"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("break", GPF, "--link", "purple"), "schema_invalid"),
        (("break", GPF, "--lost", "2"), "schema_invalid"),
        (("break", GPF, "--alarm", "0000"), "device_not_changeable"),
        (("break", GPF, "--role", "nobody", "--number", "1"), "breakage_invalid"),
        (("break", BROKER, "--tamper"), "not_found"),
        (("show", BROKER), "not_found"),
        (("make", GPF, "--type", "GPF"), "device_not_makeable"),
        (("make", GPF, "--type", "TOASTER"), "schema_invalid"),
        (("move", HUB), "device_not_changeable"),
    ],
)
def test_what_cannot_be_done_changes_nothing(lab, words, code):
    before = lab.json("device", "list")
    assert code in lab.device(*words, code=1)
    assert lab.json("device", "list") == before


def test_wrong_use(lab):
    assert "--certificate" in lab.device("break", GPF, "--cell", SIGNING_CELL, code=2)
    assert "--help" in lab.device("break", GPF, code=2)
    assert "cells" in lab.device("show", GPF, "--table", "colours", code=2)
    (lab.folder / "bad.hex").write_text("no hex")
    assert "memory_format" in lab.device("break", GPF, "--memory", lab.folder / "bad.hex", code=1)


# Who may do what (hostile inputs A2, A12), and where the token is.


def token_for(lab, role: str) -> Path:
    name = role.replace(":", " ")
    made = lab.run("token", "make", name, "--role", role, "--home", lab.home)
    file = lab.folder / f"{name}.token"
    file.write_text(made)
    return file


def test_an_auditor_looks_and_changes_nothing(lab):
    file = token_for(lab, "auditor")
    assert len(json.loads(lab.device("list", "--token-file", file, "--json"))) == 3
    lab.device("show", GPF, "--token-file", file)
    for words in (("break", GPF, "--off"), ("mend", GPF), ("remove", ESME), ("memory", GPF), ("move", ESME)):
        assert "role_not_allowed" in lab.device(*words, "--token-file", file, code=1)
    assert "role_not_allowed" in lab.device("make", BROKER, "--type", "CHF", "--token-file", file, code=1)
    assert all(row["reachable"] for row in lab.json("device", "list"))


def test_a_user_has_no_part_in_the_virtual_han(lab):
    token = token_for(lab, f"user:{SUPPLIER}").read_text().strip()
    for words in (("list",), ("show", GPF), ("break", GPF, "--off")):
        assert "role_not_allowed" in lab.device(*words, code=1, TRUSTCELL_TOKEN=token)


def test_the_token_of_a_run_is_this_users_alone_and_stands_in_no_log(lab):
    path = Path(lab.server.told["token_file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    token = path.read_text()
    assert token not in lab.server.log.read_text()
    assert token not in json.dumps(lab.server.told)
    assert token.encode() not in Path(f"/proc/{lab.server.process.pid}/cmdline").read_bytes()
    assert not [each for each in lab.home.iterdir() if each.is_file() and token.encode() in each.read_bytes()]


def test_every_change_is_in_the_trail_with_who_made_it(lab, gpf):
    lab.device("break", gpf, "--link", "slow")
    client = ApiClient(lab.server.told["api"], Path(lab.server.told["token_file"]).read_text())
    line = client.get(f"/api/devices/{gpf}/trail")["items"][-1]
    assert (line["kind"], line["facts"]["way"], line["facts"]["delay"]) == ("device changed", "slow", "5")
    assert line["facts"]["actor"] == "operator of this run"


def test_without_a_token_or_a_server_one_sentence_says_so(lab, tmp_path):
    told = lab.device("list", code=1, XDG_RUNTIME_DIR=str(tmp_path))
    assert "token_missing" in told
    assert told.count("\n") == 1
    assert "token_missing" in lab.device("list", "--token-file", tmp_path / "none", code=1)
    assert "token_unknown" in lab.device("list", code=1, TRUSTCELL_TOKEN="tc_wrong")
    lab.device("list")  # a right one makes up for a wrong one
    assert "server_unreachable" in lab.run("device", "list", "--url", "ftp://x", code=1, TRUSTCELL_TOKEN="tc_x")


def test_a_folder_that_others_can_open_gets_no_token(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "trustcell").mkdir(mode=0o755)
    (tmp_path / "trustcell").chmod(0o755)
    with pytest.raises(Unavailable, match="token_not_written"), written_run_token("http://127.0.0.1:1", "tc_x"):
        pass
    (tmp_path / "trustcell").chmod(0o700)
    with written_run_token("http://127.0.0.1:1", "tc_x") as path:
        assert path == run_token_path("http://127.0.0.1:1")
        assert read_token(path) == "tc_x"
        os.chmod(path, 0o644)
        assert read_token(path) is None, "whoever can read it may have it already"
    assert not path.exists()


def test_a_token_is_not_in_the_representation_of_a_client():
    assert "tc_x" not in repr(ApiClient("http://127.0.0.1:1", "tc_x"))
    with pytest.raises(Refused, match="token_missing"):
        ApiClient.of("http://127.0.0.1:1", "tc_\n")
