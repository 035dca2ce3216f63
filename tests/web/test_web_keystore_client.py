"""The public key store client, unmodified and driven by node, against a running server."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from trustcell import certs
from web.serving import running

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / ".cache" / "clients" / "node_modules"
DRIVER = Path(__file__).with_name("keystore_client.js")
DEVICES = ["00-DB-12-34-56-78-90-A0", "00-DB-12-34-56-78-90-A2", "00-DB-12-34-56-78-90-A3"]
USAGES = {"digitalSignature": 0, "keyAgreement": 4}


def drive(server, jobs: list[dict]) -> list[dict]:
    if not (MODULES / "@smartdcc" / "dccboxed-keystore").is_dir():
        pytest.fail("the public client is missing: run tools/setup.sh dev")
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    command = ["node", DRIVER, MODULES, server.address]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(jobs)
    return answers


def public(shared, *names: str) -> dict[str, dict]:
    entries = [entry for name in names for entry in json.loads((shared / name).read_bytes())]
    return {entry["certificate_der_b64"]: entry for entry in entries if "certificate_der_b64" in entry}


def test_devices_are_found_by_eui_in_both_usages(lab, shared):
    jobs = [{"eui": form(eui), "usage": usage} for eui in DEVICES for usage in USAGES for form in (str, str.lower)]
    jobs += [{"eui": eui.replace("-", ""), "usage": "digitalSignature"} for eui in DEVICES]
    answers = drive(lab, jobs)
    known = public(shared, "rtds/keys.json")
    for job, answer in zip(jobs, answers, strict=True):
        assert len(answer["found"]) == 1, "exactly one certificate in use for a device and usage"
        found = answer["found"][0]
        assert found["eui"] == job["eui"].replace("-", "").lower()
        assert found["keyUsage"] == [USAGES[job["usage"]]]
        assert found["role"] is None
        assert found["der"] in known


def test_devices_without_a_public_certificate_get_one_of_the_lab(shared, tmp_path):
    keys = ("--keys", str(shared / "zaz1-test-keys.json"))
    jobs = [{"eui": eui, "usage": usage} for eui in DEVICES for usage in USAGES]
    answers = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        with running(tmp_path / run, "--lab", str(shared / "zaz1-lab.json"), *keys) as server:
            answers.append(drive(server, jobs))
    for job, answer in zip(jobs, answers[0], strict=True):
        certificate = certs.Certificate.from_der(base64.b64decode(answer["found"][0]["der"]))
        assert str(certificate.entity_id) == job["eui"]
        assert certs.check_profile(certificate) == []
    assert answers[0] == answers[1], "the same keys and certificates every time"
    assert len({answer["found"][0]["der"] for answer in answers[0]}) == len(jobs)


@pytest.mark.parametrize(
    ("eui", "role", "usage", "names"),
    [
        ("90-b3-d5-1f-30-01-00-00", "2", "DS", {"Z1-supplier-ds", "Z1b-supplier-ds"}),
        ("90-B3-D5-1F-30-02-00-00", "3", "KA", {"Z1-networkOperator-ka", "Z1b-networkOperator-ka"}),
        ("90-B3-D5-1F-30-00-00-02", "4", "DS", {"Z1-accessControlBroker-ds", "Z1b-accessControlBroker-ds"}),
        ("90-B3-D5-1F-30-00-00-02", "137", "DS", {"dsp-xml-sign-90B3D51F30000002-ds"}),
        ("90-B3-D5-1F-30-01-00-00", "135", "DS", {"xml-sign-90B3D51F30010000-ds"}),
        ("90-B3-D5-1F-30-00-00-01", "1", "DS", {"Z1-recovery-ds", "Z1b-recovery-ds"}),
        ("00-db-12-34-56-78-00-04", "127", "KA", {"otherUser-ka"}),
        ("90-B3-D5-1F-30-00-00-07", "6", "KA", set()),
    ],
)
def test_organisations_are_found_by_eui_and_role(lab, shared, eui, role, usage, names):
    job = {"subject": "name", "eui": eui, "usage": usage, "status": "I", "role": role}
    found = drive(lab, [job])[0]["found"]
    known = public(shared, "zaz1-test-keys.json")
    assert {known[each["der"]]["name"] for each in found} == names
    assert {each["role"] for each in found} <= {int(role)}


def test_certificates_are_found_by_serial(lab, shared):
    """The client sends the number in lower-case hex without leading zeros."""
    known = [entry for entry in public(shared, "zaz1-test-keys.json").values() if not entry["name"].startswith("mdr")]
    answers = drive(lab, [{"serial": entry["serial"]} for entry in known])
    for entry, answer in zip(known, answers, strict=True):
        assert [each["der"] for each in answer["found"]] == [entry["certificate_der_b64"]], entry["name"]
        assert int(answer["found"][0]["serial"], 16) == int(entry["serial"])


def test_what_is_not_there_is_nothing_and_not_an_error(lab):
    jobs = [
        {"eui": "00-DB-12-34-56-78-90-EE", "usage": "digitalSignature"},
        {"serial": "1"},
        {"subject": "name", "eui": "00-DB-12-34-56-78-90-A3", "usage": "DS", "status": "I"},
        {"subject": "alt", "eui": "90-B3-D5-1F-30-01-00-00", "usage": "DS", "status": "I"},
        {"subject": "name", "eui": "90-B3-D5-1F-30-01-00-00", "usage": "DS", "status": "R"},
    ]
    assert drive(lab, jobs) == [{"found": None}, {"found": None}, {"found": []}, {"found": []}, {"found": []}]


def test_nonsense_is_what_the_client_calls_invalid_parameters(lab):
    jobs = [
        {"subject": "name", "eui": "%", "usage": "DS", "status": "I"},
        {"subject": "alt", "eui": "", "usage": "DS", "status": "I"},
        {"retrieve": "not hex"},
    ]
    assert drive(lab, jobs) == [{"error": "invalid search parameters"}] * 3


def test_expired_certificates_are_not_in_use(shared, tmp_path):
    keys = ("--keys", str(shared / "zaz1-test-keys.json"), "--at", "2026-11-24T12:00:00Z")
    job = {"subject": "name", "eui": "90-B3-D5-1F-30-01-00-00", "usage": "DS", "role": "2"}
    with running(tmp_path, *keys) as server:
        in_use, expired = (answer["found"] for answer in drive(server, [{**job, "status": s} for s in ("I", "E")]))
    assert (len(in_use), len(expired)) == (0, 2)
