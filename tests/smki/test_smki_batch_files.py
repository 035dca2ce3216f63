"""Batch files: what is read from a zip, lines and PEM blocks, what is refused as a whole, and what comes back."""

import base64
import io
import json
import struct
import zipfile

import pytest
from typer.testing import CliRunner

from smki.batch_world import csr, items
from trustcell import certs
from trustcell.smki.rules.batch import BatchItem
from trustcell.smki.rules.batch_files import read_batch, result_zip
from trustcell.smki.rules.records import ItemVerdict
from trustcell.vocab import Refused


def packed(entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, octets in entries:
            target.writestr(name, octets)
    return out.getvalue()


def base64_of(number):
    return base64.b64encode(csr(number))


def code_of(octets, limit=50):
    with pytest.raises(Refused) as caught:
        read_batch(octets, limit)
    (finding,) = caught.value.findings
    return finding.code


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_requests_is_read_in_its_order(method):
    found = read_batch(packed([("b.csr", base64_of(1)), ("a b-1.csr", csr(2))], method), 2)
    assert found == [BatchItem("b.csr", base64_of(1)), BatchItem("a b-1.csr", csr(2))]


def test_lines_and_pem_blocks_are_read():
    lines = b"\n".join(json.dumps({"name": f"{n}.csr", "csr": base64_of(n).decode()}).encode() for n in (1, 2))
    assert read_batch(lines + b"\n", 2) == [BatchItem(f"{n}.csr", base64_of(n)) for n in (1, 2)]
    begin, end = b"-----BEGIN NEW CERTIFICATE REQUEST-----\r\n", b"\r\n-----END NEW CERTIFICATE REQUEST-----"
    blocks = read_batch(b"\r\n".join(begin + base64_of(n) + end for n in (1, 2)), 2)
    assert [certs.load_csr(each.csr).der for each in blocks] == [csr(1), csr(2)]
    assert [each.name for each in blocks] == ["00001.csr", "00002.csr"]


@pytest.mark.parametrize(
    "name",
    ["../a.csr", "/a.csr", "x/a.csr", "a.crt", ".csr", "a.csr/", "a\\b.csr", "C:a.csr", "a\n.csr", "é.csr", "<b>.csr"],
)
def test_no_other_name_is_taken(name):
    assert code_of(packed([(name, csr(1))])) == "batch_format"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"hello",
        b"PK\3\4 but no more",
        packed([("a.csr", csr(1))])[:-30],
        packed([("a.csr", csr(1)), ("A.csr", csr(2))]),
        b'{"name": "a.csr"}',
        b'{"name": 1, "csr": ""}',
        b'{"name": "../a.csr", "csr": ""}',
        b"{" * 100_000,
        b"-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\nand more",
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(octets):
    assert code_of(octets) == "batch_format"


def test_a_damaged_entry_is_refused():
    whole = bytearray(packed([("a.csr", bytes(400))], zipfile.ZIP_STORED))
    whole[60] ^= 1
    assert code_of(bytes(whole)) == "batch_format"
    whole = bytearray(packed([("a.csr", csr(1))]))
    whole[50:60] = bytes(10)
    assert code_of(bytes(whole)) == "batch_format"


def test_an_encrypted_entry_or_an_unknown_method_is_refused():
    for place, value in ((8, 1), (10, 12), (10, 99)):
        whole = bytearray(packed([("a.csr", csr(1))]))
        struct.pack_into("<H", whole, whole.index(b"PK\1\2") + place, value)
        assert code_of(bytes(whole)) == "batch_format"


def test_an_entry_that_holds_more_than_it_says_is_not_unpacked():
    whole = bytearray(packed([("a.csr", bytes(10_000_000))]))
    for field in (whole.index(b"PK\1\2") + 24, 22):
        struct.pack_into("<I", whole, field, 100)
    assert code_of(bytes(whole)) == "batch_format"


def test_an_entry_or_a_batch_of_too_many_octets_is_refused():
    assert code_of(packed([("a.csr", bytes(200_000))])) == "batch_too_long"
    assert code_of(packed([(f"{n}.csr", bytes(131_072)) for n in range(513)]), 1000) == "batch_too_long"


@pytest.mark.parametrize("form", ["zip", "lines", "pem"])
def test_more_than_the_limit_is_refused(form):
    octets = {
        "zip": packed([(f"{n}.csr", b"") for n in range(51)]),
        "lines": b'{"name": "a.csr", "csr": ""}\n' * 51,
        "pem": b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n" * 51,
    }
    assert code_of(octets[form]) == "batch_too_large"


def test_the_answer_mirrors_the_names_and_is_the_same_each_time():
    results = [
        (BatchItem("a.csr", b""), ItemVerdict(1, "SUCCESS", serial=5), b"certificate"),
        (BatchItem("b.csr", b""), ItemVerdict(2, "CSR_ERROR", "some_code", "what\tis\nwrong"), b""),
        (BatchItem("c.csr", b""), ItemVerdict(3, "ISSUANCE_ANOMALY", "other_code", "much"), b""),
        (BatchItem("d.csr", b""), ItemVerdict(4, "INELIGIBLE", "third_code", "not you"), b""),
    ]
    octets = result_zip(results)
    assert octets == result_zip(iter(results))
    with zipfile.ZipFile(io.BytesIO(octets)) as source:
        assert source.namelist() == ["a.crt", "report.txt"]
        assert base64.decodebytes(source.read("a.crt")) == b"certificate"
        assert source.read("report.txt").decode().splitlines() == [
            "a.csr\tsuccess\tSUCCESS",
            "b.csr\terror\tCSR_ERROR\tsome_code what is wrong",
            "c.csr\tanomaly\tISSUANCE_ANOMALY\tother_code much",
            "d.csr\tineligible\tINELIGIBLE\tthird_code not you",
        ]


@pytest.fixture
def call(tmp_path, monkeypatch):
    from authority_world import PIN, make_world
    from trustcell.cli.root import app

    world = make_world(tmp_path / "world")

    class Home:
        """What the command uses of a home, over a world of the tests."""

        environment = world.environment

        def __init__(self):
            from smki.batch_world import batches_of

            self.batches = batches_of(world)

        credential = staticmethod(world.credential)

        def now(self):
            return world.now

    monkeypatch.setattr("trustcell.app.home.open_home", lambda folder: Home())
    assert PIN
    yield lambda *arguments: CliRunner().invoke(app, ["smki", "batch", *map(str, arguments)])
    world.close()


def test_the_command_issues_a_zip_and_writes_the_answer(call, tmp_path):
    entries = [(each.name, base64.b64encode(each.csr)) for each in items(6)]
    entries[3] = ("bad.csr", b"nothing")
    (tmp_path / "meters.zip").write_bytes(packed(entries))
    done = call(tmp_path / "meters.zip", "--as", "max", "--by", "ian", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["count"], told["done"], told["party"]) == (6, 6, "manufacturer")
    assert [each["name"] for each in told["not_issued"]] == ["bad.csr"]
    with zipfile.ZipFile(tmp_path / "out" / "meters-response.zip") as source:
        names = source.namelist()
        made = certs.load_certificates(source.read("meter-0.crt"))[0]
    assert sorted(names) == [*(f"meter-{n}.crt" for n in (0, 1, 2, 4, 5)), "report.txt"]
    assert made.spki == certs.load_csr(csr(0)).spki


def test_the_command_takes_folders_and_tells_in_words(call, tmp_path):
    for each in items(3):
        (tmp_path / each.name).write_bytes(each.csr)
    waiting = call(tmp_path, "--as", "max")
    assert waiting.exit_code == 0
    assert "0 of 3 have a verdict" in waiting.stdout
    done = call(tmp_path, "--as", "max", "--by", "ian")
    assert "3 of 3 have a verdict" in done.stdout
    assert "3 SUCCESS" in done.stdout


def test_the_command_refuses_a_batch_as_a_whole_with_exit_code_1(call, tmp_path):
    (tmp_path / "no.zip").write_bytes(packed([("../a.csr", csr(1))]))
    done = call(tmp_path / "no.zip", "--as", "max", "--by", "ian")
    assert done.exit_code == 1
    assert "batch_format" in done.stderr
