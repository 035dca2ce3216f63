"""Fields of a certificate against ``cryptography``'s reading, its loaders, and the cost of reading one."""

import base64
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell.certs import (
    Certificate,
    CertificateKind,
    KeyForm,
    Name,
    authority_name,
    load_certificates,
    method2_ski,
    organisation_name,
    p256_public_key,
    same_name,
    verify_signature,
)
from trustcell.vocab import Eui64, KeyUsage, WireError

VERSION_3 = bytes.fromhex("a003020102")
POINT_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def test_every_field_agrees_with_cryptography(every_der):
    compared = 0
    for der in every_der:
        try:
            ours = Certificate.from_der(der)
        except WireError:
            continue
        theirs = x509.load_der_x509_certificate(der)
        compared += 1
        assert ours.tbs == theirs.tbs_certificate_bytes
        assert ours.serial == theirs.serial_number
        assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
        assert ours.public_key_point == theirs.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert ours.issuer.der == theirs.issuer.public_bytes()
        assert ours.subject.der == theirs.subject.public_bytes()
        assert ours.spki == POINT_PREFIX + ours.public_key_point
        assert ours.sha256 == hashlib.sha256(der).digest()
        assert [e.oid for e in ours.extensions] == [e.oid.dotted_string for e in theirs.extensions]
        assert [e.critical for e in ours.extensions] == [e.critical for e in theirs.extensions]
        ski = theirs.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert ours.subject_key_identifier == ski == method2_ski(ours.public_key_point)
        policies = theirs.extensions.get_extension_for_class(x509.CertificatePolicies).value
        assert ours.policies == tuple(policy.policy_identifier.dotted_string for policy in policies)
        usage = theirs.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (KeyUsage.DIGITAL_SIGNATURE in ours.key_usage) is usage.digital_signature
        assert (KeyUsage.KEY_AGREEMENT in ours.key_usage) is usage.key_agreement
        assert (KeyUsage.KEY_CERT_SIGN in ours.key_usage) is usage.key_cert_sign
    assert compared == len(every_der) - 2


def test_signatures_verify_as_the_digest_says(every_der, issuer_points):
    good = {}
    for der in every_der:
        try:
            certificate = Certificate.from_der(der)
        except WireError:
            continue
        name = certificate.issuer.common_name
        good[name] = good.get(name, 0) + verify_signature(certificate, p256_public_key(issuer_points[name][1]))
    assert good == {"Z1": 41, "E357": 400, "OB": 2, "ZA": 1, "Z2": 1, "0001": 1}


def test_fields_of_an_organisation_certificate(zaz1):
    certificate = Certificate.from_der(zaz1["Z1-supplier2-ds"])
    assert certificate.kind is CertificateKind.ORGANISATION
    assert certificate.entity_id == Eui64(bytes.fromhex("90b3d51f30030000"))
    assert certificate.role == 2
    assert str(certificate.subject).startswith("CN=GITTESTSUPPLIER2, OU=02, uniqueIdentifier=90b3d51f30030000")
    assert str(certificate.issuer) == "OU=07, CN=Z1"
    assert certificate.version == 3
    assert certificate.flags == frozenset()
    assert certificate == Certificate.from_der(bytes(bytearray(certificate.der)))
    assert hash(certificate) == hash(Certificate.from_der(certificate.der))
    with pytest.raises(AttributeError):
        certificate.serial = 1


def test_fields_of_a_device_and_an_authority(rtds_entries, z1):
    device = Certificate.from_der(next(e["der"] for e in rtds_entries if e["eui64"] == "00db123456789001"))
    assert device.kind is CertificateKind.DEVICE
    assert device.entity_id == Eui64(bytes.fromhex("00db123456789001"))
    assert device.hardware_module_name.hardware_type == "1.2.826.0.1.8641679.1.2.2.1"
    assert (device.role, device.subject.rdns, device.not_after.year) == (None, (), 9999)
    assert z1.kind is CertificateKind.ISSUING_OCA
    assert (z1.is_authority, z1.basic_constraints.path_length, z1.role) == (True, 0, 7)
    assert z1.serial == 0x71872BDBC82789BC1401CE01BA06ADA3


def test_every_armour_loads(zaz1):
    one, two = zaz1["Z1-supplier-ds"], zaz1["Z1-supplier-ka"]
    pem = "".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode() for der in (one, two))
    assert [c.der for c in load_certificates(pem.encode())] == [one, two]
    assert [c.der for c in load_certificates(b"note\n" + pem.replace("\n", "\r\n").encode())] == [one, two]
    assert [c.der for c in load_certificates(one)] == [one]
    assert [c.der for c in load_certificates(base64.b64encode(one))] == [one]
    assert [c.der for c in load_certificates(base64.encodebytes(one))] == [one]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d + b"\0", "certificate_trailing_data"),
        (lambda d: d[:-1], "certificate_not_der"),
        (lambda d: b"", "certificate_not_der"),
        (lambda d: b"\x30\x80" + d[4:] + b"\0\0", "certificate_not_der"),
        (lambda d: d.replace(b"\x0c\x0202", b"\x0c\x02\xff2", 1), "certificate_name_string_malformed"),
        (lambda d: d.replace(b"\x0c\x0202", b"\x02\x0202", 1), "certificate_name_string_type"),
        (lambda d: d.replace(b"\x01\x01\xff", b"\x01\x01\x01", 1), "certificate_not_der"),
        (lambda d: d.replace(b"\x01\x01\xff", b"\x01\x01\x00", 1), "certificate_default_encoded"),
        (lambda d: d.replace(b"\x17\x0d15", b"\x17\x0d1x", 1), "certificate_time_malformed"),
        (lambda d: d.replace(VERSION_3, b"\xa0\x03\x02\x01\x07", 1), "certificate_version_unknown"),
        (lambda d: d.replace(VERSION_3, b"\xa0\x03\x02\x01\x01", 1), "certificate_version_unknown"),
        (lambda d: b"\x30\x83\x02\x00\x00" + bytes(131072), "certificate_too_long"),
    ],
)  # fmt: skip
def test_what_is_no_certificate_has_a_code(zaz1, change, code):
    with pytest.raises(WireError) as caught:
        Certificate.from_der(change(zaz1["Z1-supplier-ds"]))
    assert caught.value.code == code


def test_wrong_points(zaz1):
    der = zaz1["Z1-supplier-ds"]
    at = der.index(POINT_PREFIX) + 90
    off = Certificate.from_der(der[:at] + bytes((der[at] ^ 1,)) + der[at + 1 :])
    assert off.key_form is KeyForm.P256_OFF_CURVE
    assert off.public_key_point == b""
    with pytest.raises(WireError) as caught:
        _ = off.public_key
    assert caught.value.code == "certificate_key_unusable"
    with pytest.raises(WireError) as caught:
        p256_public_key(b"\4" + bytes(64))
    assert caught.value.code == "point_not_on_curve"


def test_names():
    name = organisation_name(0x7F, Eui64(bytes(range(8))), "Gas & Light")
    assert [a.label for a in name.attributes] == ["CN", "OU", "uniqueIdentifier"]
    assert [a.string_type for a in name.attributes] == ["UTF8String", "UTF8String", "BIT STRING"]
    assert name.organisational_unit == "7F"
    assert Name.from_der(name.der) == name
    assert not same_name(name, organisation_name(0x7F, Eui64(bytes(8)), "Gas & Light"))
    assert same_name(name, organisation_name(0x7F, Eui64(bytes(range(8))), " gas  &   LIGHT "))
    assert not same_name(authority_name("Z1", 7), authority_name("Z1"))
