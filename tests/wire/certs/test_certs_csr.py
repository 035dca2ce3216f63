"""Requests: every armour of smki.md 3.2, every wrong key its own code, and the foreign requests of pyca."""

import base64
import json
import textwrap

import pytest
from cryptography import x509
from cryptography.hazmat.asn1 import encode_der
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell.certs import (
    CertificationRequest,
    _asn1,
    build_csr,
    check_csr,
    device_csr,
    load_certificates,
    load_csr,
    organisation_csr,
)
from trustcell.certs.extensions import key_usage
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import organisation_name
from trustcell.vocab import Eui64, KeyUsage, WireError

ENTITY = Eui64(bytes.fromhex("90b3d51f30010000"))
DS = KeyUsage.DIGITAL_SIGNATURE


@pytest.fixture(scope="module")
def request_der(keys):
    return organisation_csr(2, ENTITY, DS, keys(5).point, keys(5).sign, "SUPPLIER")


def codes(der):
    return [finding.code for finding in check_csr(CertificationRequest.from_der(der))]


def armours(der):
    one = base64.b64encode(der).decode()
    for label in ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", None):
        for width in (0, 64, 76):
            for end in ("\n", "\r\n"):
                lines = textwrap.wrap(one, width) if width else [one]
                if label:
                    lines = [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"]
                yield end.join(lines).encode()
                yield end.join([*lines, ""]).encode()


def test_every_armour_gives_the_same_request(request_der):
    wanted = load_csr(request_der)
    for data in armours(request_der):
        assert load_csr(data) == wanted
    assert load_csr(b"\xef\xbb\xbf" + next(armours(request_der))) == wanted


def test_fields_of_an_organisation_request(request_der, keys):
    request = load_csr(request_der)
    assert (request.version, request.role, request.entity_id) == (0, 2, ENTITY)
    assert request.subject.common_name == "SUPPLIER"
    assert request.key_usage == DS
    assert request.public_key_point == keys(5).point
    assert request.proves_possession()
    assert check_csr(request) == []
    theirs = x509.load_der_x509_csr(request_der)
    assert theirs.is_signature_valid
    assert theirs.public_key() == request.public_key


def test_fields_of_a_device_request(keys):
    der = device_csr(ENTITY, KeyUsage.KEY_AGREEMENT, keys(6).point, keys(6).sign)
    request = load_csr(der)
    assert request.is_for_device
    assert request.entity_id == ENTITY
    assert check_csr(request) == []
    assert x509.load_der_x509_csr(der).is_signature_valid


def test_wrong_signature(request_der, keys):
    altered = bytearray(request_der)
    altered[-1] ^= 1
    assert codes(bytes(altered)) == ["csr_signature_wrong"]
    other = organisation_csr(2, ENTITY, DS, keys(5).point, keys(6).sign)
    assert codes(other) == ["csr_signature_wrong"]


def with_key(request_der, keys, spki):
    """The request with another SubjectPublicKeyInfo; lengths are put right, the signature is not."""
    info = load_csr(request_der).info
    at = info.index(bytes.fromhex("3059301306"))
    tail = info[at + 91 :]
    head = info[:at].split(b"\x02\x01\x00", 1)[1]
    return signed_like(b"\x02\x01\x00" + head + spki + tail, keys)


def signed_like(content, keys):
    def element(tag, octets):
        size = len(octets)
        length = (
            bytes((size,)) if size < 128 else bytes((0x81, size)) if size < 256 else b"\x82" + size.to_bytes(2, "big")
        )
        return bytes((tag,)) + length + octets

    info = element(0x30, content)
    signature = keys(5).private.sign(info, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    return element(0x30, info + algorithm + element(3, b"\0" + signature))


def ec_spki(point, parameters="06082a8648ce3d030107"):
    algorithm = bytes.fromhex("06072a8648ce3d0201" + parameters)
    inner = bytes((0x30, len(algorithm))) + algorithm + bytes((3, len(point) + 1, 0)) + point
    return bytes((0x30, len(inner))) + inner


def test_each_wrong_key_has_its_own_code(request_der, keys, shared):
    point = keys(5).point
    moved = point[:-1] + bytes((point[-1] ^ 1,))
    p384 = ec.derive_private_key(3, ec.SECP384R1()).public_key()
    p384_point = p384.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    cases = {
        "csr_point_not_on_curve": ec_spki(moved),
        "csr_point_infinity": ec_spki(b"\0"),
        "csr_point_compressed": ec_spki(bytes((2 + (point[-1] & 1),)) + point[1:33]),
        "csr_point_malformed": ec_spki(point[:-1]),
        "csr_curve_not_p256": ec_spki(p384_point, "06052b81040022"),
    }
    for code, spki in cases.items():
        assert codes(with_key(request_der, keys, spki)) == [code]
    (explicit,) = load_certificates((shared / "conformance/pyca-x509/custom_ec_no_named_curve.pem").read_bytes())
    assert codes(with_key(request_der, keys, explicit.spki)) == ["csr_curve_explicit"]
    with pytest.raises(WireError) as caught:  # the library reads explicit parameters, and these are none
        codes(with_key(request_der, keys, ec_spki(point, "3000")))
    assert caught.value.code == "csr_curve_explicit"
    request = CertificationRequest.from_der(with_key(request_der, keys, ec_spki(moved)))
    assert request.key_form is KeyForm.P256_OFF_CURVE
    with pytest.raises(WireError) as caught:
        _ = request.public_key
    assert caught.value.code == "csr_key_unusable"


def test_rsa_request_has_its_own_code():
    key = rsa.generate_private_key(65537, 2048)
    theirs = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    assert "csr_key_rsa" in codes(theirs.public_bytes(Encoding.DER))


@pytest.mark.parametrize(
    ("extension", "code"),
    [
        (x509.BasicConstraints(True, None), "csr_extension_basic_constraints"),
        (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), "csr_extension_extended_key_usage"),
        (x509.SubjectAlternativeName([x509.DNSName("a.example")]), "csr_extension_subject_alt_name"),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), "csr_extension_not_allowed"),
    ],
)
def test_unwanted_extensions(keys, extension, code):
    wanted = tuple(map(encode_der, (key_usage(DS), _asn1.extension(extension, True))))
    subject = organisation_name(2, ENTITY).der
    assert codes(build_csr(subject, keys(5).point, wanted, keys(5).sign)) == [code]


@pytest.mark.parametrize("usage", [KeyUsage(0), DS | KeyUsage.KEY_AGREEMENT, KeyUsage.KEY_CERT_SIGN])
def test_key_usage_is_one_of_two(keys, usage):
    der = organisation_csr(2, ENTITY, usage, keys(5).point, keys(5).sign)
    assert codes(der) == ["csr_key_usage_not_one"]


FOREIGN = {
    "requests_invalid_signature.pem": "csr_key_rsa",
    "requests_challenge-invalid.der": "csr_attribute_malformed",
    "requests_challenge-multi-valued.der": "csr_attribute_values_many",
    "requests_long-form-attribute.pem": "csr_attribute_malformed",
    "requests_two_basic_constraints.pem": "csr_extension_duplicate",
    "requests_unsupported_extension_critical.pem": "csr_extension_not_allowed",
    "requests_zero-element-attribute.pem": "csr_attribute_without_value",
    "requests_rsa_md4.pem": "csr_signature_algorithm",
    "requests_rsa_sha256.pem": "csr_key_rsa",
    "requests_dsa_sha1.pem": "csr_key_dsa",
    "requests_basic_constraints.pem": "csr_extension_basic_constraints",
    "requests_freeipa-bad-critical.pem": "csr_default_encoded",
    "requests_challenge-unstructured.pem": "csr_attribute_not_allowed",
}


def test_foreign_requests_are_refused_for_their_named_defect(shared):
    folder = shared / "conformance" / "pyca-x509"
    entries = json.loads((folder / "index.json").read_text())["entries"]
    names = [entry["file"] for entry in entries if entry["kind"] == "csr"]
    assert set(names) == set(FOREIGN)
    for name in names:
        try:
            found = [finding.code for finding in check_csr(load_csr((folder / name).read_bytes()))]
        except WireError as error:
            found = [error.code]
        assert FOREIGN[name] in found, name


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "csr_armour_malformed"),
        (b"hello, world", "csr_armour_malformed"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nMIIB", "csr_armour_malformed"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "csr_armour_label"),
        (b"MIIBQ", "csr_armour_malformed"),
        (b"0\x80\0\0", "csr_not_der"),
        (b"\x30\x00", "csr_not_der"),
    ],
)
def test_what_is_no_request(data, code):
    with pytest.raises(WireError) as caught:
        load_csr(data)
    assert caught.value.code == code


def test_trailing_octets_and_two_requests(request_der):
    with pytest.raises(WireError) as caught:
        CertificationRequest.from_der(request_der + b"\0")
    assert caught.value.code == "csr_trailing_data"
    text = next(armours(request_der))
    with pytest.raises(WireError) as caught:
        load_csr(text + b"\n" + text)
    assert caught.value.code == "csr_armour_count"
