"""ECDSA in DER form against Wycheproof: the raw form and every loose encoding are refused."""

import json

from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustcell.certs import signature_der, verify_ecdsa_der


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
