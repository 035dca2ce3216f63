"""Any octets give a value or a ``WireError``, the same one twice, in bounded time (hostile inputs C)."""

import base64
import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.asn1 import decode_der, encode_der
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell.certs import (
    Certificate,
    CertificateList,
    CertificationRequest,
    _asn1,
    check_crl,
    check_csr,
    check_profile,
    load_certificates,
    load_crl,
    load_csr,
    organisation_csr,
    profile_rows,
)
from trustcell.vocab import Eui64, KeyUsage, WireError

CN = x509.NameOID.COMMON_NAME
START = datetime(2026, 11, 20, tzinfo=UTC)
READERS = {
    "certificate": (Certificate.from_der, check_profile),
    "csr": (CertificationRequest.from_der, check_csr),
    "crl": (CertificateList.from_der, check_crl),
}
LOADERS = (load_certificates, load_csr, load_crl)


def outcome(kind, data):
    """What became of the octets, in a form that can be compared."""
    read, check = READERS[kind]
    try:
        value = read(data)
    except WireError as error:
        return [error.code if error.code.startswith(f"{kind}_") else "code without its noun", str(error)]
    return [str(finding) for finding in check(value)]


def judge(data):
    first = [outcome(kind, data) for kind in READERS]
    assert not any("code without its noun" in found for found in first)
    assert first == [outcome(kind, data) for kind in READERS]


def test_der_fuzz(shared):
    lines = (shared / "conformance" / "der-fuzz" / "inputs.jsonl").read_text().splitlines()
    assert len(lines) == 181
    for line in lines:
        data = base64.b64decode(json.loads(line)["b64"])
        judge(data)
        for load in LOADERS:
            with suppress(WireError):
                load(data)


@given(st.binary(max_size=600))
def test_any_octets(data):
    judge(data)
    for load in LOADERS:
        with suppress(WireError):
            load(data)


@st.composite
def mutations(draw):
    """A few edits: position as a fraction, octets taken away, octets put in."""
    edit = st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3))
    return draw(st.lists(edit, min_size=1, max_size=3))


def mutated(der, edits):
    data = bytearray(der)
    for place, size, new in edits:
        at = int(place * len(data))
        data[at : at + size] = new
    return bytes(data)


@settings(max_examples=400)
@given(index=st.integers(0, 455), edits=mutations())
def test_mutated_real_certificates(every_der, index, edits):
    data = mutated(every_der[index], edits)
    judge(data)
    try:
        certificate = Certificate.from_der(data)
    except WireError:
        return
    assert profile_rows(certificate)
    assert str(certificate.subject) is not None
    assert certificate.kind
    assert certificate.entity_id is None or len(certificate.entity_id) == 8


@pytest.fixture(scope="module")
def foreign(shared):
    """Certificates with extensions that SMKI does not use."""
    found = []
    for folder in ("pyca-x509", "zlint", "pkilint"):
        for path in sorted((shared / "conformance" / folder).iterdir()):
            with suppress(WireError):
                found += [certificate.der for certificate in load_certificates(path.read_bytes())]
    return found


@settings(max_examples=400)
@given(number=st.integers(0, 10_000), edits=mutations())
def test_mutated_foreign_certificates(foreign, number, edits):
    judge(mutated(foreign[number % len(foreign)], edits))


@settings(max_examples=200)
@given(index=st.integers(0, 455), at=st.floats(0, 1), octet=st.integers(0, 255))
def test_one_octet_changed_in_place(every_der, index, at, octet):
    data = bytearray(every_der[index])
    data[min(int(at * len(data)), len(data) - 1)] = octet
    judge(bytes(data))


@settings(max_examples=200)
@given(edits=mutations())
def test_mutated_requests(keys, edits):
    der = organisation_csr(2, Eui64(bytes(8)), KeyUsage.DIGITAL_SIGNATURE, keys(5).point, keys(5).sign)
    judge(mutated(der, edits))


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 2000,
        b"\x30\x82\x10\x00" * 1000,
        b"\x30\x84\xff\xff\xff\xff" + bytes(100),
        b"\x30\x85\x01\x00\x00\x00\x00" + bytes(100),
        b"-----BEGIN CERTIFICATE-----\n" * 150,
        b"-----BEGIN " + b"A" * 4000,
        b"M" * 4095,
        b" \n" * 2000,
    ],
)
def test_shapes_that_invite_slow_readers(data):
    start = time.process_time()
    judge(data)
    for load in LOADERS:
        with pytest.raises(WireError):
            load(data)
    assert time.process_time() - start < 0.5


def test_deep_nesting_is_refused(zaz1):
    der = zaz1["Z1-supplier-ds"]
    nest = b""
    for _ in range(60):
        nest = b"\x30" + (bytes((len(nest),)) if len(nest) < 128 else bytes((0x81, len(nest)))) + nest
    policy = b"\x06\x0d\x2a\x86\x3a\x00\x01\x84\x8f\xb9\x0f\x01\x02\x01\x04"
    assert policy in der
    judge(der.replace(policy, nest[: len(policy)], 1))
    judge(nest)


def test_a_large_input_stays_within_its_time(zaz1):
    der = zaz1["Z1-supplier-ds"]
    judge(der * 100)
    judge(b"\x30\x82\xff\xf0" + der * 160)


@pytest.mark.parametrize("bits", ["0300", "030100", "03020f80", "030107", "0309ff90b3d51f30010000"])
def test_a_unique_identifier_that_is_no_bit_string(zaz1, bits):
    """The library hands such octets on as they are; they name nobody, and nothing fails later."""
    attribute = bytes.fromhex("060355042d" + bits)
    inner = b"\x30" + bytes((len(attribute),)) + attribute
    rdn = b"\x31" + bytes((len(inner),)) + inner
    raw = decode_der(_asn1.Certificate, zaz1["Z1-supplier-ds"])
    raw.tbs.subject = _asn1.tlv(b"\x30" + bytes((len(rdn),)) + rdn)
    der = encode_der(raw)
    judge(der)
    with suppress(WireError):
        certificate = Certificate.from_der(der)
        assert certificate.entity_id is None
        assert "profile_kind_unknown" in {finding.code for finding in check_profile(certificate)}


@pytest.mark.parametrize(
    ("extension", "old", "new", "code"),
    [
        (
            x509.SubjectAlternativeName([x509.DirectoryName(x509.Name([x509.NameAttribute(CN, "found")]))]),
            b"\x0c\x05found",
            b"\x03\x05\x00ound",
            "certificate_extension_malformed",
        ),
        (
            x509.AuthorityKeyIdentifier(bytes(8), [x509.DNSName("found")], 77),
            b"\x82\x01\x4d",
            b"\x82\x01\x80",
            "certificate_serial_not_positive",
        ),
    ],
)
def test_what_fuzzing_found(keys, extension, old, new, code):
    """Both once came through as another exception or warning of the library that decodes foreign extensions."""
    name = x509.Name([x509.NameAttribute(CN, "a")])
    builder = x509.CertificateBuilder(name, name, keys(5).private.public_key(), 7, START, START + timedelta(days=1))
    der = builder.add_extension(extension, False).sign(keys(5).private, hashes.SHA256()).public_bytes(Encoding.DER)
    assert old in der
    assert Certificate.from_der(der).version == 3
    with pytest.raises(WireError) as caught:
        Certificate.from_der(der.replace(old, new))
    assert caught.value.code == code
