"""``trustcell gbcs`` as a user runs it. Messages and keys: the RTDS set; ``keystore.json``: the npm package."""

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustcell import gbcs
from trustcell.cli import app

RUN = CliRunner()
KEYSTORE = Path(__file__).resolve().parents[2] / ".cache/clients/node_modules/@smartdcc/dccboxed-keystore/keystore.json"
PRE_COMMAND = "rtds/messages/6.15.1_CS02bNOByNO/CS02bNOByNO_6.15.1_SUCCESS_PRECOMMAND_GBCS.HEX"
COMMAND = "rtds/messages/6.15.1_CS02bNOByNO/CS02bNOByNO_6.15.1_SUCCESS_COMMAND_GBCS.HEX"
HANDOVER = "rtds/messages/6.21_CS02bNOByNOHandover"


def run(*arguments: object, given: bytes | None = None, code: int = 0) -> str:
    result = RUN.invoke(app, [str(each) for each in arguments], input=given)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_verify_reports_exactly_the_agreed_keys_and_counts(shared):
    report = json.loads(run("gbcs", "verify", shared / "rtds/messages", "--keys", shared / "rtds/keys.json", "--json"))
    assert report == {
        "messages": 806,
        "parsed": 806,
        "reencoded": 806,
        "signatures": {"valid": 300, "invalid": 0, "no_key": 0, "absent": 506},
        "macs": {"valid": 511, "invalid": 0, "no_key": 4, "absent": 291},
        "asn1": {"payloads": 137, "decoded": 137, "reencoded": 137},
        "dlms": {"payloads": 448, "decoded": 448, "reencoded": 448},
        "gbz": {"payloads": 221, "decoded": 221, "reencoded": 221},
        "encrypted": {"parts": 25, "opened": 25, "reencrypted": 25},
        "failures": [],
    }


def test_verify_reads_the_keystore_of_the_public_client(shared):
    assert KEYSTORE.is_file(), "run tools/setup.sh dev: the public client is missing"
    text = run("gbcs", "verify", shared / HANDOVER, "--keys", KEYSTORE)
    assert "1 valid" in text or "2 valid" in text
    assert "certificate_null_algorithm_parameters" in text  # trap T7: mdr-ds and mdr-ka are named, not used


def test_verify_reads_the_zaz1_keys(shared):
    keys = shared / "zaz1-test-keys.json"
    report = json.loads(run("gbcs", "verify", shared / COMMAND, "--keys", keys, "--json"))
    assert report["signatures"]["valid"] == 1
    assert report["macs"]["no_key"] == 1  # the device's certificate is not in that file


def test_verify_names_the_file_that_fails_and_exits_with_1(shared, tmp_path):
    octets = bytearray.fromhex((shared / COMMAND).read_text())
    octets[200] ^= 1
    damaged = tmp_path / "damaged.hex"
    damaged.write_text(octets.hex())
    report = json.loads(
        run("gbcs", "verify", damaged, "--keys", shared / "rtds/keys.json", "--json", code=1).split("\n}")[0] + "\n}"
    )
    assert report["signatures"]["invalid"] == 1
    assert report["macs"]["invalid"] == 1
    assert {failure["file"] for failure in report["failures"]} == {str(damaged)}


@pytest.mark.parametrize("form", ["hex", "lower-case lines", "base64", "binary"])
def test_decode_takes_hex_base64_and_binary_from_standard_input(shared, form):
    octets = bytes.fromhex((shared / COMMAND).read_text())
    text = octets.hex()
    given = {
        "hex": text.upper().encode(),
        "lower-case lines": "\r\n".join(text[i : i + 64] for i in range(0, len(text), 64)).encode(),
        "base64": base64.encodebytes(octets),
        "binary": octets,
    }[form]
    plain = json.loads(run("gbcs", "decode", "-", "--json", given=given))
    assert plain["header"]["use_case"] == "CS02b"
    assert plain["header"]["originator"] == "90-B3-D5-1F-30-02-00-00"
    assert plain["header"]["originator_counter"] == 1200


def test_decode_prints_a_tree_with_names_and_certificates(shared):
    text = run("gbcs", "decode", shared / COMMAND)
    for part in ("CS02b", "networkOperator/digitalSignature", "90-B3-D5-1F-30-02-00-00", "OU=07, CN=Z1", "2040-10-28"):
        assert part in text


def test_decode_with_keys_checks_and_decrypts(shared):
    file = shared / "rtds/messages/4.8.1_ECS22b/ECS22b_4.8.1_SINGLE_SUCCESS_RESPONSE_GBCS.HEX"
    plain = json.loads(run("gbcs", "decode", file, "--keys", shared / "rtds/keys.json", "--json"))
    assert plain["protection"]["mac_verdict"] == "valid"
    assert len(plain["decrypted"]) == 1
    assert bytes.fromhex(plain["decrypted"][0])[:2] == b"\x02\x01"  # one structure with one member
    (profile,) = plain["plaintexts"]
    (member,) = profile["data"]["structure"]
    assert member["compact-array"]["row"] == {"structure": ["double-long-unsigned", "double-long-unsigned"]}
    assert len(member["compact-array"]["rows"]) > 10


def test_decode_shows_a_block_of_a_large_message(shared, tmp_path):
    octets = bytes.fromhex((shared / COMMAND).read_text())
    message = gbcs.decode(octets)
    header = gbcs.blocks.RoutingHeader(1, 1200, message.originator, message.target, message.message_code)
    blocks = gbcs.blocks.split(octets, header, 500)
    for block in blocks:
        file = tmp_path / f"{block.number}.bin"
        file.write_bytes(gbcs.blocks.encode_block(block))
    last = json.loads(run("gbcs", "decode", tmp_path / "3.bin", "--json"))
    assert last["header"]["use_case"] == "CS02b"
    assert last["block"] == {
        "number": 3,
        "last": True,
        "streaming": False,
        "window": 1,
        "acknowledges": 0,
        "octets": octets[1000:].hex(),
    }
    (tmp_path / "cut.bin").write_bytes((tmp_path / "3.bin").read_bytes()[:-1])
    assert "block_truncated" in run("gbcs", "decode", tmp_path / "cut.bin", code=1)


def test_decode_of_several_files_gives_a_list(shared):
    files = sorted((shared / HANDOVER).iterdir())
    assert len(json.loads(run("gbcs", "decode", *files, "--json"))) == 2


def test_sign_then_mac_rebuilds_a_command_that_verifies(shared, tmp_path):
    keys = shared / "rtds/keys.json"
    ring_report = RUN.invoke(app, ["gbcs", "sign", str(shared / PRE_COMMAND), "--keys", str(keys)])
    assert ring_report.exit_code == 0, ring_report.output
    signed = tmp_path / "signed.hex"
    signed.write_text(ring_report.stdout)
    command = tmp_path / "command.hex"
    command.write_text(run("gbcs", "mac", signed, "--keys", keys))
    report = json.loads(run("gbcs", "verify", command, "--keys", keys, "--json"))
    assert report["signatures"]["valid"] == report["macs"]["valid"] == 1


def test_sign_with_the_zaz1_keys_wants_the_key_named_when_there_are_two(shared):
    keys = shared / "zaz1-test-keys.json"
    assert "choose with --key" in run("gbcs", "sign", shared / PRE_COMMAND, "--keys", keys, code=1)
    signed = json.loads(
        run("gbcs", "sign", shared / PRE_COMMAND, "--keys", keys, "--key", "Z1-networkOperator-ds", "--json")
    )
    assert signed["signed_with"] == "Z1-networkOperator-ds"
    assert signed["hex"].startswith("DF09")
    names = run("gbcs", "sign", shared / PRE_COMMAND, "--keys", keys, code=1)
    assert "Z1b-networkOperator-ds" in names
    assert "xml-sign" not in names


def test_mac_of_the_real_signed_command_gives_the_real_octets(shared):
    real = bytes.fromhex((shared / COMMAND).read_text())
    inner = real[15:-12]  # without DD, length, security header and MAC
    made = run("gbcs", "mac", "-", "--keys", shared / "rtds/keys.json", given=inner)
    assert bytes.fromhex(made) == real


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gbcs", "decode", "/nowhere"], "/nowhere: the file cannot be read"),
        (["gbcs", "decode", "{tmp}"], "the file cannot be read"),
        (["gbcs", "decode", "{empty}"], "there is nothing"),
        (["gbcs", "decode", "{text}"], "offset 0, {text}: input: a message in hex, base64 or binary was expected"),
        (["gbcs", "decode", "{odd}"], "hex digits come in pairs"),
        (["gbcs", "decode", "{cut}"], "gbcs_truncated"),
        (["gbcs", "verify", "/nowhere", "--keys", "{keys}"], "a file or folder was expected"),
        (["gbcs", "verify", "{tmp}/folder", "--keys", "{keys}"], "message files"),
        (["gbcs", "verify", "{cut}", "--keys", "/nowhere"], "the key file cannot be read"),
        (["gbcs", "verify", "{cut}", "--keys", "{text}"], "a JSON key file was expected"),
        (["gbcs", "verify", "{cut}", "--keys", "{badkeys}"], "entry 0"),
        (["gbcs", "sign", "{command}", "--keys", "{keys}"], "carries a signature already"),
        (["gbcs", "mac", "{command}", "--keys", "{keys}"], "carries a MAC already"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_1(shared, tmp_path, arguments, expected):
    (tmp_path / "folder").mkdir()
    files = {
        "empty": b"",
        "text": b"hello, world!",
        "odd": b"DF0",
        "cut": (shared / COMMAND).read_bytes()[:200],
        "badkeys": json.dumps([{"eui64": "90b3d51f30020000", "usage": "XX"}]).encode(),
    }
    places = {"tmp": str(tmp_path), "keys": str(shared / "rtds/keys.json"), "command": str(shared / COMMAND)}
    for name, octets in files.items():
        places[name] = str(tmp_path / name)
        (tmp_path / name).write_bytes(octets)
    text = run(*(argument.format(**places) for argument in arguments), code=1)
    assert expected.format(**places) in text
    assert "Traceback" not in text
    assert len([line for line in text.splitlines() if line.startswith("refused:")]) == 1


@pytest.mark.parametrize("arguments", [["gbcs", "nonsense"], ["gbcs", "verify", "x"], ["gbcs", "decode", "--wrong"]])
def test_wrong_use_is_exit_code_2(arguments):
    run(*arguments, code=2)


def test_a_key_file_with_a_foreign_private_key_is_refused(shared, tmp_path):
    entries = json.loads((shared / "zaz1-test-keys.json").read_text())
    entry = next(each for each in entries if each["name"] == "Z1-supplier-ds")
    entry["private_scalar_hex"] = "01".zfill(64)
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps([entry]))
    text = run("gbcs", "verify", shared / COMMAND, "--keys", wrong, code=1)
    assert "the private key does not belong to the certificate" in text
    assert entry["private_scalar_hex"] not in text
