"""Cryptography: Wycheproof (C2SP dac1dd4) through our functions, and the protected parts of RTDS 4.5.0 messages."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustcell import gbcs
from trustcell.gbcs import protect
from trustcell.gbcs.protect import gmac, open_sealed
from trustcell.vocab import KeyUsage
from wire.gbcs.rtds import NO_BY_NO, PARTIES, agreement_key, ring, vector, vectors

CURVE = ec.SECP256R1()


def wycheproof(shared: Path, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every test of a file with its group."""
    groups = json.loads((shared / "conformance" / "wycheproof" / f"{name}.json").read_text())["testGroups"]
    return [(group, test) for group in groups for test in group["tests"]]


def octets(test: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(test[name]) for name in names]


def test_aes_gcm_compares_the_first_twelve_octets_of_the_tag(shared: Path) -> None:
    forgiven = refused = 0
    for _, test in wycheproof(shared, "aes_gcm_128_iv96_test"):
        key, iv, aad, text, cipher, tag = octets(test, "key", "iv", "aad", "msg", "ct", "tag")
        opened = open_sealed(key, iv, cipher, tag[:12], aad)
        valid = test["result"] == "valid"
        forgiven += opened is not None and not valid
        refused += opened is None
        assert opened == text or not valid, test["tcId"]
        assert opened is None or opened == text
        assert open_sealed(key, iv, cipher, tag, aad) is None
        assert (opened is not None) == (valid or 53 <= test["tcId"] <= 59), test["tcId"]
    assert (forgiven, refused) == (7, 13)


def test_gmac_compares_the_first_twelve_octets_of_the_tag(shared: Path) -> None:
    forgiven = refused = 0
    for _, test in wycheproof(shared, "aes_gmac_128_iv96_test"):
        key, iv, aad, tag = octets(test, "key", "iv", "msg", "tag")
        equal = hmac.compare_digest(gmac(key, iv, aad), tag[:12])
        whole = protect.full_gmac(key, iv, aad)
        assert (whole == tag) == (test["result"] == "valid"), test["tcId"]
        assert equal == (whole[:12] == tag[:12])
        assert equal or test["result"] == "invalid", test["tcId"]
        forgiven += equal and test["result"] == "invalid"
        refused += not equal
    assert (forgiven, refused) == (11, 25)


def scalar(test: dict[str, Any]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(test["private"], 16), CURVE)


def test_ecdh_with_points(shared: Path) -> None:
    for _, test in wycheproof(shared, "ecdh_secp256r1_ecpoint_test"):
        try:
            secret = gbcs.agree(scalar(test), gbcs.public_key_from_point(bytes.fromhex(test["public"])))
        except ValueError:
            # GBCS points are uncompressed; the one other form here is valid in general and refused by us.
            assert test["result"] == "invalid" or "CompressedPoint" in test["flags"], test["tcId"]
            continue
        assert test["result"] == "valid", test["tcId"]
        assert secret.hex() == test["shared"], test["tcId"]


def test_ecdh_with_public_key_structures(shared: Path) -> None:
    agreed = 0
    for _, test in wycheproof(shared, "ecdh_secp256r1_test"):
        try:
            public: Any = load_der_public_key(bytes.fromhex(test["public"]))
            entry = gbcs.KeyEntry(PARTIES["Sup"], KeyUsage.KEY_AGREEMENT, public)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            assert test["result"] != "valid", test["tcId"]
            continue
        assert test["result"] != "invalid", test["tcId"]
        assert gbcs.agree(scalar(test), entry.public_key).hex() == test["shared"], test["tcId"]
        agreed += 1
    assert agreed >= 232


def test_signatures_are_r_and_s_in_64_octets(shared: Path) -> None:
    for group, test in wycheproof(shared, "ecdsa_secp256r1_sha256_p1363_test"):
        key = gbcs.public_key_from_point(bytes.fromhex(group["publicKey"]["uncompressed"]))
        verdict = gbcs.check_signature(key, *octets(test, "msg", "sig"))
        assert verdict == (test["result"] == "valid"), test["tcId"]


def test_signatures_in_der_are_refused(shared: Path) -> None:
    for group, test in wycheproof(shared, "ecdsa_secp256r1_sha256_test"):
        key = gbcs.public_key_from_point(bytes.fromhex(group["publicKey"]["uncompressed"]))
        assert not gbcs.check_signature(key, *octets(test, "msg", "sig")), test["tcId"]


def test_a_key_on_another_curve_never_verifies() -> None:
    other = ec.derive_private_key(7, ec.SECP384R1()).public_key()
    assert not gbcs.check_signature(other, b"", bytes(64))


@pytest.mark.parametrize("point", ["", "04", "02" + "00" * 32, "04" + "00" * 64, "05" + "01" * 64, "04" + "00" * 65])
def test_what_is_no_uncompressed_point_is_refused(point: str) -> None:
    with pytest.raises(ValueError):
        gbcs.public_key_from_point(bytes.fromhex(point))


def test_our_signatures_verify_and_repeat(shared: Path) -> None:
    private = agreement_key(shared, PARTIES["NO"]).private_key
    assert private is not None
    signature = gbcs.sign(private, b"octets")
    assert len(signature) == 64
    assert signature == gbcs.sign(private, b"octets")
    assert gbcs.check_signature(private.public_key(), b"octets", signature)
    padded = signature[:32] + b"\x00" + signature[32:]  # the same numbers in 65 octets
    for wrong in (signature[32:] + signature[:32], bytes(64), signature[:63], signature + b"\x00", padded, b""):
        assert not gbcs.check_signature(private.public_key(), b"octets", wrong)


def test_every_bit_of_a_mac_counts(shared: Path) -> None:
    message = vector(shared, NO_BY_NO).message
    secret = ring(shared).shared_secret(agreement_key(shared, PARTIES["ACB"]), agreement_key(shared, PARTIES["A0"]))
    assert message.mac is not None
    assert gbcs.check_mac(message, secret)
    for bit in range(96):
        flipped = (int.from_bytes(message.mac, "big") ^ 1 << bit).to_bytes(12, "big")
        assert not gbcs.check_mac(gbcs.attach_mac(message, flipped), secret)
    assert not gbcs.check_mac(gbcs.attach_mac(message, bytes(12)), secret)
    assert not gbcs.check_mac(vector(shared, "CS02bNOByNO_6.15.1_SUCCESS_PRECOMMAND").message, secret)


def test_macs_are_compared_in_constant_time(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare_digest(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    message = vector(shared, NO_BY_NO).message
    assert not gbcs.check_mac(message, bytes(32))
    utrn = gbcs.parse_utrn("73946144332040217315")
    assert not gbcs.check_utrn(utrn, message.originator, message.target, 3 << 32, bytes(32))
    assert [len(a) for a, _ in compared] == [12, 4]


def test_a_message_we_protect_like_rtds_is_the_rtds_message(shared: Path) -> None:
    """Signature field, wrapper and MAC of every visible command with a pre-command, from the parts."""
    for name, before in vectors(shared).items():
        if name.endswith("_PRECOMMAND"):
            after = vector(shared, name.removesuffix("PRECOMMAND") + "COMMAND")
            message = gbcs.attach_signature(before.message, after.message.signature or b"")
            secret = ring(shared).shared_secret(*ring(shared).mac_pairs(message)[0])
            assert gbcs.make_mac(message, secret) == after.message.mac, name
            assert gbcs.encode(gbcs.attach_mac(message, gbcs.make_mac(message, secret))) == after.octets, name


def test_encrypted_parts_open_and_close_to_the_same_octets(shared: Path) -> None:
    opened = 0
    for each in vectors(shared).values():
        parts = gbcs.encrypted_parts(gbcs.decode_payload(each.message))
        if not parts:
            continue
        extra = each.message.supplementary
        reader = agreement_key(shared, extra.party if extra else each.message.target)
        secret = ring(shared).shared_secret(reader, agreement_key(shared, each.message.originator))
        key = gbcs.derive_key(secret, gbcs.payload_key_info(each.message))
        for part in parts:
            text = gbcs.decrypt(key, each.message.originator, part.ciphertext, part.tag)
            assert text is not None, each.name
            sealed = gbcs.encrypt(key, each.message.originator, text)
            assert sealed == part.ciphertext + part.tag, each.name
            assert sealed in each.message.payload, each.name
            bent = bytes((part.tag[0] ^ 1,)) + part.tag[1:]
            assert gbcs.decrypt(key, each.message.originator, part.ciphertext, bent) is None
            assert gbcs.decrypt(key, each.message.originator, part.ciphertext, part.tag[:8]) is None
            opened += 1
    assert opened == 25
