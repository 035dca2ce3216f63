"""A lab of one's own: files that a server takes, keys that are new, certificates that OpenSSL believes."""

import base64
import json
import stat
import subprocess
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustcell import certs
from trustcell.adapters.clock import system_random
from trustcell.app.lab_facts import facts_in, keep_facts, kept_facts, zaz1
from trustcell.app.lab_making import MOST_HUBS, make_lab
from trustcell.app.lab_repository import open_lab
from trustcell.app.lab_serving import LabOptions, opened_lab
from trustcell.smki.rules.records import Family, Query
from trustcell.stories.hierarchy import Authority
from trustcell.vocab import Eui64, KeyUsage, Refused, RemotePartyRole, WireError

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def made(tmp_path):
    return make_lab(tmp_path / "lab", 3, NOW, system_random)


def test_its_files_are_private_and_their_keys_are_new(made, tmp_path):
    lab, keys = made
    assert {stat.S_IMODE(each.stat().st_mode) for each in made} == {0o600}
    other = make_lab(tmp_path / "other", 3, NOW, system_random)[1]
    scalars = [{entry["private_scalar_hex"] for entry in json.loads(each.read_text())} for each in (keys, other)]
    assert not scalars[0] & scalars[1]
    assert len(scalars[0]) == 18
    assert not [scalar for scalar in scalars[0] if scalar in lab.read_text()]


def test_openssl_accepts_every_certificate_under_its_issuing_authority(made, tmp_path):
    lab, keys = made
    issuing = facts_in(json.loads(lab.read_text()), "lab").issuing
    (tmp_path / "issuing.pem").write_bytes(x509.load_der_x509_certificate(issuing).public_bytes(Encoding.PEM))
    for entry in json.loads(keys.read_text()):
        der = base64.b64decode(entry["certificate_der_b64"])
        (tmp_path / "one.pem").write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
        done = subprocess.run(
            ["openssl", "verify", "-ignore_critical", "-partial_chain", "-CAfile", "issuing.pem", "one.pem"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (entry["name"], done.stdout, done.stderr)
        assert not [row.finding for row in certs.profile_rows(certs.Certificate.from_der(der)) if row.finding]


def test_its_repository_keeps_every_certificate(made):
    lab, keys = made
    with open_lab(lab, (keys,), None) as opened:
        assert opened.imported.verdicts
        repository, now = opened.door.repository, opened.door.clock()
        assert len(repository.search(Query(family=Family.ORGANISATION), now).records) == 18 + 1, "and the Issuing OCA"
        assert opened.devices_made == 2 * 12
        assert repository.environment.identifier == "lab"


def test_it_is_served_again_from_the_folder_it_was_kept_in(made, tmp_path):
    lab, keys = made
    for _ in range(2):
        with opened_lab(LabOptions(lab, (keys,), folder=tmp_path / "home")) as opened:
            assert opened.left_out == []
            assert len(opened.dsp.behind.views.devices(None, None, 100)) == 12
    assert kept_facts(tmp_path / "home").as_json() == facts_in(json.loads(lab.read_text()), "lab").as_json()


def test_a_lab_whose_certificates_are_all_of_others_is_refused(made):
    """Its authorities have the names of the environment's own, so nothing of theirs can be kept."""
    lab, keys = made
    ours, entity = Authority(b"\x01" * 32, NOW), Eui64.parse("70-B3-D5-1F-30-00-10-00")
    told = json.loads(lab.read_text())
    told["authority"]["issuing"] = base64.b64encode(ours.issuing.der).decode()
    lab.write_text(json.dumps(told))
    (entry, *_) = json.loads(keys.read_text())
    pair = ours.organisation("x", RemotePartyRole.SUPPLIER, entity, KeyUsage.DIGITAL_SIGNATURE)
    entry["certificate_der_b64"] = base64.b64encode(pair.certificate.der).decode()
    entry["private_scalar_hex"] = f"{pair.private_key.private_numbers().private_value:064x}"
    entry["serial"] = str(pair.certificate.serial)
    keys.write_text(json.dumps([entry]))
    with pytest.raises(WireError) as error, open_lab(lab, (keys,), None):
        pass
    assert error.value.code == "lab_empty"


@pytest.mark.parametrize("hubs", [0, -1, MOST_HUBS + 1])
def test_a_number_that_cannot_be_is_refused(tmp_path, hubs):
    with pytest.raises(Refused) as refused:
        make_lab(tmp_path / "lab", hubs, NOW, system_random)
    assert refused.value.code == "lab_hubs"
    assert not (tmp_path / "lab").exists()


def test_a_lab_is_not_written_over(made):
    lab, _ = made
    before = lab.read_bytes()
    with pytest.raises(Refused) as refused:
        make_lab(lab.parent, 1, NOW, system_random)
    assert refused.value.code == "lab_exists"
    assert lab.read_bytes() == before


def test_a_lab_file_without_an_authority_is_of_zaz1(tmp_path, shared):
    facts = facts_in(json.loads((shared / "zaz1-lab.json").read_text()), "lab")
    assert facts is zaz1()
    keep_facts(tmp_path, facts)
    assert list(tmp_path.iterdir()) == []
    assert kept_facts(tmp_path) is zaz1()


@pytest.mark.parametrize(
    "change", [{"root": "zz"}, {"issuing": "AAAA"}, {"made": "2026-01-01"}, {"authorities": 1}, None]
)
def test_an_authority_that_cannot_be_read_is_named(made, change):
    told = json.loads(made[0].read_text())
    told["authority"] = 7 if change is None else told["authority"] | change
    with pytest.raises(WireError) as error:
        facts_in(told, "lab.json")
    assert error.value.code == "lab_format"
