"""Signatures of DUIS: the rows S9 to S11, algorithms, values and key information."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trustcell.duis import parse_request, verify
from trustcell.vocab import Refused
from wire.duis.duis_signature_tools import ORDER, VALUE, codes, resigned, with_value

# S9 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "",
    ],
)
def test_s9_other_signature_methods_are_refused_before_a_key_is_used(signed, supplier, method: str) -> None:
    evil = resigned(signed.replace(b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", method.encode()), supplier)
    assert codes(evil, supplier) == {"algorithm_forbidden"}
    with pytest.raises(Refused):
        verify(parse_request(evil), lambda _: pytest.fail("a key was asked for"))


@pytest.mark.parametrize(
    "method", ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha512"]
)
def test_s9_other_digest_methods(signed, supplier, method: str) -> None:
    evil = signed.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", method.encode())
    assert codes(resigned(evil, supplier), supplier) == {"algorithm_forbidden"}


def test_s9_an_hmac_output_length(signed, supplier) -> None:
    evil = signed.replace(
        b"</ds:SignatureMethod>", b"<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"
    )
    assert codes(resigned(evil, supplier), supplier) == {"algorithm_forbidden"}


def test_s9_a_key_on_another_curve(signed) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(Refused) as refusal:
        verify(parse_request(signed), key)
    assert refusal.value.code == "algorithm_forbidden"


# S10, S11 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v[:63],
        lambda v: v + b"\0",
        lambda v: b"\0" + v[:32] + b"\0" + v[32:],
        lambda v: encode_dss_signature(int.from_bytes(v[:32], "big"), int.from_bytes(v[32:], "big")),
        lambda v: bytes(32) + v[32:],
        lambda v: v[:32] + bytes(32),
        lambda v: ORDER.to_bytes(32, "big") + v[32:],
        lambda v: v[:32] + ORDER.to_bytes(32, "big"),
        lambda v: b"\xff" * 32 + v[32:],
        lambda v: v[:32] + b"\xff" * 32,
        lambda v: v[32:] + v[:32],
        lambda v: bytes(64),
        lambda v: bytes([v[0] ^ 1]) + v[1:],
    ],
)
def test_s10_r_and_s_are_32_octets_each_from_1_to_n_minus_1(signed, supplier, change) -> None:
    assert codes(with_value(signed, change), supplier) == {"signature_invalid"}


@pytest.mark.parametrize("value", [b"!!!!", b"QQ", b"=", b"Q" * 85])
def test_s10_values_that_are_not_base64(signed, supplier, value: bytes) -> None:
    assert codes(VALUE.sub(lambda m: m[1] + value, signed), supplier) == {"signature_invalid"}


def test_s11_the_other_s_verifies_and_keeps_the_request_id(signed, supplier) -> None:
    def negate(value: bytes) -> bytes:
        return value[:32] + (ORDER - int.from_bytes(value[32:], "big")).to_bytes(32, "big")

    flipped = with_value(signed, negate)
    assert flipped != signed
    verify(parse_request(flipped), supplier.public_key)
    assert parse_request(flipped).request == parse_request(signed).request


# key information --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serial", [b"", b"-1", b"0x1F", b"1a", b"9" * 50, "\u0661".encode()])
def test_a_serial_is_decimal(signed, supplier, serial: bytes) -> None:
    evil = re.sub(rb"(<ds:X509SerialNumber>)[^<]*", lambda m: m[1] + serial, signed)
    assert codes(evil, supplier) == {"schema_invalid"}


def test_key_information_is_issuer_and_serial_only(signed, supplier) -> None:
    more = signed.replace(b"</ds:X509Data>", b"<ds:X509Certificate>MAA=</ds:X509Certificate></ds:X509Data>")
    assert codes(more, supplier) == {"signature_malformed"}
    gone = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", signed)
    assert codes(gone, supplier) == {"signature_malformed"}
    text = signed.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo>text")
    assert codes(text, supplier) == {"schema_invalid"}
