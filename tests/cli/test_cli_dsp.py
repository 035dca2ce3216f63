"""``trustcell dsp`` on the books of a lab that runs: trails, ledger, slots, inventory, checks, a restore confirmed."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.serving_lab import BROKER, ESME, GPF, HUB, OPERATOR, READ, SIGNING, SUPPLIER, served_lab
from trustcell.app.api_client import ApiClient
from trustcell.app.audit_key import made_audit_key
from trustcell.cli import app
from trustcell.dsp.rules.access import CHECKS

UNKNOWN = "00-DB-12-34-56-78-90-A9"


@pytest.fixture(scope="module")
def lab(tmp_path_factory, shared):
    with served_lab(tmp_path_factory.mktemp("books"), shared) as lab:
        yield lab


def dsp(home: Path, *words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["dsp", *map(str, words), "--home", str(home)])
    assert done.exit_code == code, f"{done.output}{done.stderr}{done.exception!r}"
    return done.stdout if code == 0 else done.stderr or done.stdout


@pytest.fixture
def copy(lab, tmp_path):
    """A home with an answered request and a sealed head, its database made whole: what a backup has."""
    lab.settled(lab.read()[0])
    lab.sealed()
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(lab.home / "audit.key", home)
    shutil.copytree(lab.home / "dsp-heads", home / "dsp-heads")
    with sqlite3.connect(lab.home / "dsp.db") as source, sqlite3.connect(home / "dsp.db") as target:
        source.backup(target)
    return home


def api(lab) -> ApiClient:
    return ApiClient(lab.server.told["api"], Path(lab.server.told["token_file"]).read_text())


def test_the_trail_of_an_answered_request_has_every_check_both_messages_effects_and_delivery(lab):
    request_id, code = lab.read()
    assert code == "I99"
    tree = lab.settled(request_id)
    assert tree["request"]["state"] in ("responded", "delivered")
    (message,) = tree["duis"]
    assert (message["door"], message["accepted"], message["code"]) == ("serviceS", True, "I99")
    assert [each["number"] for each in message["checks"]] == [check.number for check in CHECKS]
    verdicts = {each["number"]: each["verdict"] for each in message["checks"]}
    assert {number for number, verdict in verdicts.items() if verdict != "passed"} == {15, 17}
    assert message["body"]["type"] == "RetrieveDeviceSecurityCredentialsKRP"
    (command,) = tree["commands"]
    assert (command["state"], command["message"]["header"]["use_case"]) == ("answered", "CS02a")
    assert command["message"]["header"]["originator"] == BROKER
    assert [each["verdict"] for each in command["answers"]] == ["response"]
    assert command["answers"][0]["message"]["header"]["originator"] == GPF
    assert any(each["kind"] == "counter" and "the broker's own sequence" in each["text"] for each in tree["effects"])
    assert [each["code"] for each in tree["deliveries"]] == ["I0"]
    text = lab.dsp("trail", request_id)
    assert "16: passed: checks of the service" in text
    assert f"from: {GPF} to {BROKER}" in text
    assert "payload" in lab.dsp("trail", request_id, "--decoded")


def test_the_trail_of_a_refused_request_says_where_it_ended_and_why(lab):
    request_id, code = lab.read(UNKNOWN)
    assert code == "E19"
    tree = lab.json("dsp", "trail", request_id)
    assert (tree["request"], tree["commands"], tree["deliveries"]) == (None, [], [])
    (message,) = tree["duis"]
    assert (message["accepted"], message["code"]) == (False, "E19")
    verdicts = {each["number"]: each["verdict"] for each in message["checks"]}
    assert (verdicts[10], verdicts[11], verdicts[12]) == ("passed", "failed", "not reached")
    assert [each["code"] for each in message["findings"]] == ["device_unknown"]
    assert message["reference"]
    assert "11: failed: device is in the inventory" in lab.dsp("trail", request_id)


def test_a_forged_signature_fails_check_3_or_4(lab):
    """The operator signs under the supplier's name."""
    drawn, signed = lab.folder / "forged.xml", lab.folder / "forged-signed.xml"
    request_id = f"{SUPPLIER}:{GPF}:77"
    drawn.write_text(READ.format(id=request_id))
    lab.run("duis", "sign", drawn, "--keys", lab.keys, "--key", SIGNING[OPERATOR], "--out", signed)
    lab.run("duis", "send", signed, "--url", lab.server.told["duis"])
    (message,) = lab.json("dsp", "trail", request_id)["duis"]
    assert [each["number"] for each in message["checks"] if each["verdict"] == "failed"] == [4]
    assert [each["number"] for each in message["checks"] if each["verdict"] == "passed"] == [1, 2, 3]


def test_the_api_shows_the_same_trail_and_the_same_ledger(lab):
    for device in (GPF, UNKNOWN):
        request_id, _ = lab.read(device)
        if device == GPF:
            lab.settled(request_id)
        shown = api(lab).get(f"/api/requests/{request_id}/trail")
        told = lab.json("dsp", "trail", request_id)
        for each in (shown, told):
            for delivery in each["deliveries"]:  # attempts go on meanwhile
                for moving in ("attempts", "next_at", "last", "state"):
                    del delivery[moving]
        assert shown == told
    ledger = api(lab).get(f"/api/devices/{GPF}/counters")
    assert ledger["items"] == lab.json("dsp", "ledger", GPF)["items"]
    assert ledger["slot"] == lab.json("dsp", "ledger", GPF)["slot"]


def test_requests_are_listed_by_user_and_device_and_page_by_page(lab):
    first, second = lab.read()[0], lab.read(ESME)[0]
    everything = [row["request_id"] for row in lab.json("dsp", "requests", "--limit", 1000)]
    assert everything.index(first) < everything.index(second)
    assert {row["target"] for row in lab.json("dsp", "requests", "--device", ESME)} == {ESME}
    assert lab.json("dsp", "requests", "--user", OPERATOR) == []
    assert "no requests" in lab.dsp("requests", "--user", OPERATOR)
    after = [row["request_id"] for row in lab.json("dsp", "requests", "--after", first)]
    assert first not in after
    assert second in after
    assert first in lab.dsp("requests", "--limit", 1000)


def test_the_ledger_says_the_next_number_and_why(lab):
    request_id, _ = lab.read()
    tree = lab.settled(request_id)
    used = tree["commands"][0]["message"]["header"]["originator_counter"]
    found = lab.json("dsp", "ledger", GPF, "--at", "2024-03-01T09:00:00Z")
    assert [each["who"] for each in found["items"] if each["counter"] == str(used)] == [f"{BROKER} for 6.24.1"]
    assert found["next_6_21"]["counter"] == str(max(int(each["counter"]) for each in found["items"]) + 1)
    assert "no counter is stored" in found["next_6_21"]["sentence"]
    assert found["slot"] == dict.fromkeys(
        ("networkOperator/digitalSignature", "networkOperator/keyAgreement"), OPERATOR
    )
    late = lab.json("dsp", "ledger", GPF, "--at", "2030-01-01")["next_6_21"]["counter"]
    assert late == "1893456000000", "the broker's clock in milliseconds"
    text = lab.dsp("ledger", GPF)
    assert f"{BROKER} for 6.24.1" in text
    assert "the next 6.21 gets " in text


def test_slots_inventory_history_registrations_schedules_and_homes(lab):
    slots = lab.json("dsp", "slots", GPF)
    assert {row["cell"]: row["entity"] for row in slots}["supplier/keyAgreement"] == SUPPLIER
    assert sorted(each["cell"] for each in lab.json("dsp", "slots", GPF, "--history")) == [r["cell"] for r in slots]
    assert [row["eui"] for row in lab.json("dsp", "inventory")] == [ESME, HUB, GPF]
    assert [row["eui"] for row in lab.json("dsp", "inventory", "--after", ESME, "--limit", 1)] == [HUB]
    assert lab.json("dsp", "inventory", GPF)["mpxns"] == ["1234567890"]
    assert "DeviceManufacturer" in lab.dsp("inventory", GPF)
    assert [row["event"] for row in lab.json("dsp", "history", GPF)] == ["made by the lab"]
    (line,) = lab.json("dsp", "registrations", "1234567890")
    assert (line["supplier"], line["network_operator"]) == (SUPPLIER, OPERATOR)
    assert "nobody is registered" in lab.dsp("registrations", "1")
    assert lab.json("dsp", "schedules", SUPPLIER) == []
    (home,) = lab.json("dsp", "homes")
    assert (home["home"], home["owner"]) == ("0", "serve")


def test_what_is_not_there_is_told_in_one_sentence(lab, tmp_path):
    for words, exit_code, code in (
        (("trail", f"{SUPPLIER}:{GPF}:1"), 1, "request_unknown"),
        (("ledger", UNKNOWN), 1, "device_unknown"),
        (("slots", UNKNOWN), 1, "device_unknown"),
        (("inventory", UNKNOWN), 1, "device_unknown"),
        (("history", UNKNOWN), 1, "device_unknown"),
        (("trail", "nonsense"), 1, "schema_invalid"),
        (("requests", "--after", "nonsense"), 1, "schema_invalid"),
        (("ledger", "nonsense"), 2, "EUI-64"),
        (("requests", "--user", "nonsense"), 2, "EUI-64"),
    ):
        assert code in lab.dsp(*words, code=exit_code)
    assert "books_missing" in dsp(tmp_path, "requests", code=1)
    assert not list(tmp_path.iterdir()), "looking makes nothing"
    (tmp_path / "dsp.db").write_bytes(b"not a database, but long enough to be looked at" * 40)
    assert "is not a database" in dsp(tmp_path, "requests", code=1)


def test_looking_writes_nothing_while_the_server_works(lab):
    lab.settled(lab.read()[0])
    before = lab.json("dsp", "homes")[0]["entries"]
    for words in (("requests",), ("ledger", GPF), ("verify",), ("homes",)):
        lab.dsp(*words)
    assert lab.json("dsp", "homes")[0]["entries"] == before
    assert lab.read()[1] == "I99"


def test_sound_books_are_sound_and_a_changed_line_is_found(lab, copy):
    lab.read()
    assert "sound" in lab.dsp("verify")
    assert json.loads(dsp(copy, "verify", "--json"))["ok"]
    with sqlite3.connect(copy / "dsp.db") as books:
        for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            books.execute(f"DROP TRIGGER {name}")
        changed = books.execute(
            "UPDATE trail SET octets = CAST(replace(octets, 'I99', 'I00') AS BLOB) WHERE seq = 1"
        ).rowcount
    assert changed == 1
    verdict = json.loads(dsp(copy, "verify", "--json", code=1))
    assert not verdict["ok"]
    assert any("entry 1 is not what was recorded" in each for each in verdict["problems"])


def test_a_head_that_another_key_signed_is_found(lab, copy):
    lab.read()
    with sqlite3.connect(copy / "dsp.db") as books:
        heads = books.execute("SELECT count(*) FROM audit_head").fetchone()[0]
    (copy / "audit.key").unlink()
    made_audit_key(copy)
    problems = json.loads(dsp(copy, "verify", "--json", code=1))["problems"]
    assert len([each for each in problems if "not signed with the audit key" in each]) == heads > 0


def test_a_restore_is_confirmed_by_somebody_and_every_counter_jumps(lab, copy):
    """N15: what was sent since the backup is not known, so nothing near it is used."""
    before = int(json.loads(dsp(copy, "ledger", GPF, "--json"))["next_6_21"]["counter"])
    assert "confirmation_expected" in dsp(copy, "restore", "--by", "Ann", code=1)
    assert "name_expected" in dsp(copy, "restore", "--by", " ", "--confirm", code=1)
    assert int(json.loads(dsp(copy, "ledger", GPF, "--json"))["next_6_21"]["counter"]) < before + 600_000
    (jump,) = json.loads(dsp(copy, "restore", "--by", "Ann", "--confirm", "--json"))
    assert int(jump["from"]) >= before + 900_000
    after = json.loads(dsp(copy, "ledger", GPF, "--json"))["next_6_21"]
    assert int(after["counter"]) > int(jump["from"]), "the view knows of the jump"
    assert json.loads(dsp(copy, "verify", "--json"))["ok"]
