"""Foreign signatures: Wycheproof on raw r and s, and the signed XML of other makers."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from lxml import etree

from trustcell.duis import parse_document, read_signature, verify_p1363
from trustcell.duis.encodings import read_base64
from trustcell.duis.signature import read_claim
from trustcell.vocab import Refused, WireError

DS = "{http://www.w3.org/2000/09/xmldsig#}"
CODES = {
    "refuse-algorithm": "algorithm_forbidden",
    "refuse-transform": "transform_forbidden",
    "refuse-encoding": "signature_invalid",
    "refuse-reference": "xml_dtd_forbidden",
}


def test_wycheproof_raw_signatures(shared: Path) -> None:
    path = shared / "conformance" / "wycheproof" / "ecdsa_secp256r1_sha256_p1363_test.json"
    counted = 0
    for group in json.loads(path.read_text("utf-8"))["testGroups"]:
        key = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        for test in group["tests"]:
            value, octets = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
            assert verify_p1363(key, value, octets) is (test["result"] == "valid"), test["tcId"]
            if len(value) == 64:
                r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
                assert verify_p1363(key, encode_dss_signature(r, s), octets) is False
            counted += 1
    assert counted > 100


def test_wycheproof_der_signatures_are_all_refused(shared: Path) -> None:
    path = shared / "conformance" / "wycheproof" / "ecdsa_secp256r1_sha256_test.json"
    for group in json.loads(path.read_text("utf-8"))["testGroups"]:
        key = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        for test in group["tests"]:
            assert not verify_p1363(key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])), test["tcId"]


def test_foreign_signed_xml_is_refused_by_name(shared: Path) -> None:
    folder = shared / "conformance" / "xmldsig"
    entries = json.loads((folder / "index.json").read_text("utf-8"))["entries"]
    assert len(entries) == 10
    for entry in entries:
        octets = (folder / entry["file"]).read_bytes()
        with pytest.raises((Refused, WireError)) as refusal:
            read_signature(parse_document(octets))
        error = refusal.value
        found = (
            [(finding.code, finding.facts["defect"]) for finding in error.findings]
            if isinstance(error, Refused)
            else [(error.code, "")]
        )
        if entry["expect"] == "verify":
            assert {code for code, _ in found} == {
                "signature_misplaced",
                "canonicalization_forbidden",
                "reference_not_whole_document",
                "transform_forbidden",
            }
            continue
        assert CODES[entry["expect"]] in {code for code, _ in found}, entry["file"]
        if entry["expect"] == "refuse-encoding":
            assert ("signature_invalid", "encoding") in found, entry["file"]


def test_a_reference_by_xpointer_is_refused_by_name_without_its_doctype(shared: Path) -> None:
    octets = (shared / "conformance" / "xmldsig" / "xpointer-hmac.xml").read_bytes()
    start = octets.index(b"<Document")
    with pytest.raises(Refused) as refusal:
        read_signature(parse_document(octets[start:]))
    assert {"algorithm_forbidden", "transform_forbidden"} <= {finding.code for finding in refusal.value.findings}


def test_the_value_of_a_foreign_maker_verifies_over_its_signed_info(shared: Path) -> None:
    """The one good interop file: without the profile of DUIS, its value, digest and key go through our primitives."""
    octets = (shared / "conformance" / "xmldsig" / "signature-enveloping-p256_sha256_4050.xml").read_bytes()
    root = parse_document(octets).root
    curve = "{http://www.w3.org/2001/04/xmldsig-more#}"
    x, y = (int(root.find(f".//{curve}{axis}").get("Value")) for axis in "XY")
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    info = etree.tostring(root.find(f"{DS}SignedInfo"), method="c14n", with_tail=False)
    value = read_base64(root.findtext(f"{DS}SignatureValue"))
    assert verify_p1363(key, value, info)
    assert not verify_p1363(key, value, info + b" ")
    content = etree.tostring(root.find(f"{DS}Object"), method="c14n", with_tail=False)
    assert base64.b64encode(hashlib.sha256(content).digest()).decode() == root.findtext(f".//{DS}DigestValue")
    with pytest.raises(Refused):
        read_claim(root)
