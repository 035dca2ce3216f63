"""``trustcell duis``, ``cert``, ``story`` and ``demo`` as a user runs them. Keys and lab: ZAZ1; templates: DUIS 5.4."""

import base64
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustcell import duis, gbcs
from trustcell.app.story import set_stage
from trustcell.cli import app, telling

RUN = CliRunner()
TEMPLATE = "duis-templates/CS02bNOByNO_6.15.1_SUCCESS_REQUEST_DUIS.XML"
XML_KEY = "xml-sign-90B3D51F30020000-ds"
COUNTER = 2**62


def run(*arguments: object, code: int = 0, env: dict[str, str] | None = None) -> str:
    result = RUN.invoke(app, [str(each) for each in arguments], env=env)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_duis_sign_then_verify(shared, tmp_path):
    keys, signed = shared / "zaz1-test-keys.json", tmp_path / "signed.xml"
    # the template carries a placeholder signature; its request is signed anew
    run("duis", "sign", shared / TEMPLATE, "--keys", keys, "--key", XML_KEY, "--out", signed)
    facts = json.loads(run("duis", "verify", signed, "--keys", keys, "--json"))
    assert facts["signature"] == "valid"
    assert facts["signer"] == "90-B3-D5-1F-30-02-00-00"
    assert facts["service"].startswith("6.15.1")


def test_duis_verify_refuses_a_changed_request(shared, tmp_path):
    keys, signed = shared / "zaz1-test-keys.json", tmp_path / "signed.xml"
    run("duis", "sign", shared / TEMPLATE, "--keys", keys, "--key", XML_KEY, "--out", signed)
    signed.write_bytes(signed.read_bytes().replace(b":1200<", b":1201<"))
    assert "signature_invalid" in run("duis", "verify", signed, "--keys", keys, code=1)


def test_duis_verify_refuses_a_signer_who_is_not_the_originator(shared, tmp_path):
    keys, signed = shared / "zaz1-test-keys.json", tmp_path / "signed.xml"
    run("duis", "sign", shared / TEMPLATE, "--keys", keys, "--key", "xml-sign-90B3D51F30010000-ds", "--out", signed)
    assert "signer_not_originator" in run("duis", "verify", signed, "--keys", keys, code=1)


def test_duis_check_uses_the_official_schema_when_its_folder_is_set(shared):
    assert "not checked" in run("duis", "check", shared / TEMPLATE)
    env = {"TRUSTCELL_SCHEMA_FOLDER": str(shared / "schema")}
    assert "official schema: valid" in run("duis", "check", shared / TEMPLATE, env=env)


def test_an_empty_schema_folder_is_none(shared):
    text = run("duis", "check", shared / TEMPLATE, env={"TRUSTCELL_SCHEMA_FOLDER": ""})
    assert "official schema: not checked" in text


@pytest.mark.parametrize("policy", ["", "x", "-1", "1.2.", "1.2.x"])
def test_a_policy_that_is_no_oid_is_wrong_use(shared, policy):
    file = shared / "conformance/pyca-x509/scottishpower-bitstring-dn.pem"
    text = run("cert", "show", file, "--policy", policy, code=2)
    assert "is no OID" in text


def test_every_duis_attack_is_refused_by_check_or_verify(shared):
    folder = shared / "conformance/duis-attacks"
    for entry in json.loads((folder / "index.json").read_text())["entries"]:
        file = folder / entry["file"]
        text = run("duis", "verify", file, "--keys", shared / "zaz1-test-keys.json", code=1)
        assert "Traceback" not in text
        assert text.startswith("refused:")


@pytest.mark.parametrize("name", ["scottishpower-bitstring-dn.pem"])
def test_cert_show_of_a_published_certificate_is_clean(shared, name):
    report = json.loads(run("cert", "show", shared / "conformance/pyca-x509" / name, "--json"))
    assert report["findings"] == []
    assert report["entity"] == "70-B3-D5-1F-30-5F-00-01"
    assert report["role"] == "supplier (02)"
    assert report["not_after"] == "2026-10-18T23:59:59Z"


def test_cert_show_tells_a_request_from_a_list_from_a_certificate(shared, tmp_path):
    folder = shared / "conformance/pyca-x509"
    request = json.loads(
        run("cert", "show", folder / "requests_rsa_sha256.pem", "--json", code=1).rsplit("\n}")[0] + "\n}"
    )
    assert request["certificate"] == "certification request"
    assert "csr_key_rsa" in {finding["code"] for finding in request["findings"]}
    listed = run("cert", "show", folder / "custom_crl_empty.pem", code=1)
    assert listed.startswith("revocation list of ")
    bare = tmp_path / "request.der"
    lines = (folder / "requests_rsa_sha256.pem").read_text().splitlines()
    bare.write_bytes(base64.b64decode("".join(line for line in lines if "-----" not in line)))
    assert run("cert", "show", bare, code=1).startswith("certification request of ")


@pytest.mark.parametrize("folder", ["pyca-x509", "zlint"])
def test_cert_show_has_a_verdict_on_every_foreign_file(shared, folder):
    place = shared / "conformance" / folder
    for entry in json.loads((place / "index.json").read_text())["entries"]:
        result = RUN.invoke(app, ["cert", "show", str(place / entry["file"])])
        assert "Traceback" not in result.output
        assert isinstance(result.exception, SystemExit | None), entry["file"]
        same_as_a_good_one = entry["file"] == "unique_identifier.pem"  # octet for octet the ScottishPower certificate
        assert result.exit_code == (0 if entry["expect"] == "accept" or same_as_a_good_one else 1), entry["file"]


def test_every_fuzzing_input_has_a_verdict(shared, tmp_path):
    file = tmp_path / "input.bin"
    for line in (shared / "conformance/der-fuzz/inputs.jsonl").read_text().splitlines():
        file.write_bytes(base64.b64decode(json.loads(line)["b64"]))
        for command in (["cert", "show"], ["gbcs", "decode"]):
            result = RUN.invoke(app, [*command, str(file)])
            assert result.exit_code in (0, 1), (line[:60], result.output)
            assert isinstance(result.exception, SystemExit | None), line[:60]


def test_cert_show_names_findings_with_clause_and_exits_with_1(shared):
    text = run("cert", "show", shared / "conformance/zlint/skiCriticalCA.pem", code=1)
    assert "subjectKeyIdentifier" in text
    assert "[profile_" in text


@pytest.mark.parametrize("command", [["cert", "show"], ["duis", "check"], ["gbcs", "decode"]])
def test_an_arbitrary_file_is_refused_in_one_sentence(tmp_path, command):
    file = tmp_path / "x.bin"
    file.write_bytes(bytes(range(256)) * 8)
    text = run(*command, file, code=1)
    assert text.startswith("refused:")
    assert str(file) in text
    assert "Traceback" not in text


@pytest.mark.parametrize("lab", [False, True])
@pytest.mark.parametrize("tracking", [True, False])
def test_the_story_ends_as_it_has_to(shared, tmp_path, lab, tracking):
    options = [] if tracking else ["--no-tracking"]
    if lab:
        options += ["--lab", shared / "zaz1-lab.json", "--keys", shared / "zaz1-test-keys.json"]
    report = json.loads(run("story", "secmp0128a", "--out", tmp_path / "out", "--json", *options))
    assert report["handover_accepted"] is tracking
    assert report["learned_counter"] == (COUNTER if tracking else None)
    assert (report["handover_counter"] > COUNTER) is tracking
    if lab:
        holder = "90-B3-D5-1F-30-02-00-00" if tracking else "90-B3-D5-1F-30-00-00-02"
        assert report["slot_entity"] == holder


def test_the_story_writes_every_message_as_sent_and_decoded(tmp_path):
    folder = tmp_path / "out"
    run("story", "secmp0128a", "--out", folder)
    requests = sorted(folder.glob("*.xml"))
    messages = sorted(folder.glob("*.hex"))
    assert len(requests) == 11
    assert len(messages) == 6
    for file in messages:
        gbcs.decode_payload(gbcs.decode(gbcs.message_octets(file.read_bytes())))
        assert json.loads(file.with_suffix(".json").read_text())["header"]["message_code"] == "0103"
    assert duis.parse_request(requests[0].read_bytes()).request.service_reference_variant == "6.21"


def test_duis_sign_prints_one_object(shared, tmp_path):
    arguments = ("duis", "sign", shared / TEMPLATE, "--keys", shared / "zaz1-test-keys.json", "--key", XML_KEY)
    signed = tmp_path / "signed.xml"
    run(*arguments, "--out", signed)
    facts = json.loads(run(*arguments, "--json"))
    assert facts["xml"].encode() == signed.read_bytes()
    assert facts["signed_with"] == XML_KEY
    written = json.loads(run(*arguments, "--out", signed, "--json"))
    assert written == {key: value for key, value in facts.items() if key != "xml"} | {"out": str(signed)}


def test_duis_sign_into_a_folder_that_cannot_be_is_one_sentence(shared, tmp_path):
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "signed.xml"
    keys = shared / "zaz1-test-keys.json"
    text = run("duis", "sign", shared / TEMPLATE, "--keys", keys, "--key", XML_KEY, "--out", out, code=1)
    assert text.startswith("refused:")
    assert "signed.xml" in text


@pytest.mark.parametrize("command", [("story", "secmp0128a"), ("demo",)])
def test_a_story_that_does_not_run_as_told_exits_with_1(monkeypatch, tmp_path, command):
    # a DSP that forgets although the story says that it remembers
    monkeypatch.setattr(
        telling,
        "set_stage",
        lambda cast, ledger, *, tracking: dataclasses.replace(
            set_stage(cast, ledger, tracking=False), tracking=tracking
        ),
    )
    run(*command, "--out", tmp_path, code=1)


def test_two_runs_give_the_same_octets(tmp_path):
    for name in ("one", "two"):
        run("story", "secmp0128a", "--out", tmp_path / name)
    one = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir() if file.name != "summary.json"}
    assert one == {name: (tmp_path / "two" / name).read_bytes() for name in one}


def test_the_story_keeps_its_ledger_in_a_file_when_asked(tmp_path):
    ledger = tmp_path / "ledger.db"
    run("story", "secmp0128a", "--out", tmp_path / "a", "--ledger", ledger, "--json")
    assert ledger.stat().st_size > 0
    # told again on the same ledger: the DSP remembers request IDs and slots, and refuses in one sentence
    text = run("story", "secmp0128a", "--out", tmp_path / "b", "--ledger", ledger, code=1)
    assert "request_id_used" in text or "slot_not_broker" in text


def test_the_story_prints_octets_and_trees_on_request(tmp_path):
    text = run("story", "secmp0128a", "--out", tmp_path, "--octets", "--decoded")
    assert "DD00000000000082" in text
    assert "networkOperator/digitalSignature" in text


def test_lab_and_keys_go_together(shared):
    assert "--lab and --keys go together" in run("story", "secmp0128a", "--lab", shared / "zaz1-lab.json", code=2)


@pytest.mark.parametrize("content", ["[]", "{}", '{"users": [], "dcc": {}}', "not json"])
def test_a_bad_lab_file_is_refused_in_one_sentence(shared, tmp_path, content):
    lab = tmp_path / "lab.json"
    lab.write_text(content)
    text = run("story", "secmp0128a", "--lab", lab, "--keys", shared / "zaz1-test-keys.json", code=1)
    assert text.startswith("refused:")
    assert "Traceback" not in text


def test_demo_writes_the_summary_that_make_demo_promises(tmp_path):
    text = run("demo", "--out", tmp_path)
    assert "silence, for ever" in text
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["tracking"]["handover_accepted"] is True
    assert summary["tracking"]["learned_counter"] == COUNTER
    assert summary["tracking"]["handover_counter"] == COUNTER + 1
    assert summary["no_tracking"]["handover_accepted"] is False


def test_no_command_prints_a_private_key(shared, tmp_path):
    keys = shared / "zaz1-test-keys.json"
    scalars = [entry["private_scalar_hex"] for entry in json.loads(keys.read_text())]
    text = run("story", "secmp0128a", "--lab", shared / "zaz1-lab.json", "--keys", keys, "--out", tmp_path, "--octets")
    written = text + "".join(file.read_text() for file in tmp_path.iterdir())
    assert not any(scalar in written for scalar in scalars)


def test_the_installed_command_runs_and_knows_its_version():
    script = Path(sys.executable).with_name("trustcell")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("trustcell ")


def test_help_names_every_group():
    text = run("--help")
    for group in ("gbcs", "duis", "cert", "story", "demo"):
        assert group in text


@pytest.mark.parametrize("command", [("csr", "show"), ("cert", "show")])
def test_a_file_that_is_not_there_is_named_once(command):
    done = RUN.invoke(app, [*command, "nothing.csr"])
    assert done.exit_code == 1
    assert done.stderr.count("nothing.csr") == 1


def test_demo_open_becomes_a_server_of_the_authority_and_a_lab_of_its_own(tmp_path, monkeypatch):
    """Told once: the second time it goes on where it was left."""

    class BecameError(Exception):
        pass

    def became(_program, arguments):
        raise BecameError(arguments)

    monkeypatch.setattr("os.execv", became)
    told = []
    for _ in range(2):
        done = RUN.invoke(app, ["demo", "--open", "--out", str(tmp_path)])
        assert isinstance(done.exception, BecameError), done.output
        told.append((done.exception.args[0], (tmp_path / "lab" / "keys.json").read_bytes()))
    assert told[0] == told[1]
    arguments = told[0][0]
    assert arguments[1:4] == ("-m", "trustcell", "serve")
    assert arguments[-1] == "--open"
    assert (tmp_path / "home" / "environment.toml").exists()
    assert json.loads((tmp_path / "summary.json").read_text())["mp261"]["validity_years"] == 17
