"""ECDSA in DER form against Wycheproof: the raw form and every loose encoding are refused."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from trustcell.certs import signature_der, verify_ecdsa_der

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def groups(shared, name):
    document = json.loads((shared / "conformance" / "wycheproof" / name).read_text())
    for group in document["testGroups"]:
        yield load_der_public_key(bytes.fromhex(group["publicKeyDer"])), group["tests"]


def test_wycheproof_der(shared):
    wrong, counts = [], {"valid": 0, "invalid": 0}
    for key, tests in groups(shared, "ecdsa_secp256r1_sha256_test.json"):
        for test in tests:
            verdict = verify_ecdsa_der(key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            counts[test["result"]] += 1
            if verdict is not (test["result"] == "valid"):
                wrong.append((test["tcId"], test["comment"], test["flags"]))
    assert wrong == []
    assert counts["valid"] > 100
    assert counts["invalid"] > 100


def test_the_raw_form_is_refused_and_becomes_der_only_by_name(shared):
    raw_accepted = der_accepted = valid = 0
    for key, tests in groups(shared, "ecdsa_secp256r1_sha256_p1363_test.json"):
        for test in tests:
            raw, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
            raw_accepted += verify_ecdsa_der(key, raw, message)
            if test["result"] == "valid":
                valid += 1
                der_accepted += verify_ecdsa_der(key, signature_der(raw), message)
    assert raw_accepted == 0
    assert der_accepted == valid > 50


@given(st.integers(0, 2**256 - 1) | st.integers(0, 2**16), st.integers(ORDER - 3, ORDER + 3) | st.integers(0, 2**249))
def test_raw_becomes_what_the_library_writes_or_is_refused(r, s):
    for first, second in ((r, s), (s, r)):
        raw = first.to_bytes(32, "big") + second.to_bytes(32, "big")
        if 0 < first < ORDER and 0 < second < ORDER:
            assert signature_der(raw) == encode_dss_signature(first, second)
        else:
            with pytest.raises(ValueError, match="group order"):
                signature_der(raw)
    with pytest.raises(ValueError, match="64 octets"):
        signature_der(raw[1:])
