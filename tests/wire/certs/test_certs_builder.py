"""Templates against the octets of real authorities, and against ``CertificateBuilder`` where there are none."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from trustcell.certs import (
    NO_EXPIRY,
    Certificate,
    CertificateKind,
    DeviceTemplate,
    IssuingAuthorityTemplate,
    OrganisationTemplate,
    RootAuthorityTemplate,
    assemble,
    authority_name,
    check_profile,
    issue,
    method2_ski,
    organisation_name,
    same_name,
    signature_der,
    tbs_octets,
    verify_signature,
)
from trustcell.vocab import Eui64, KeyUsage, WireError

POLICY = "1.2.826.0.1.8641679.1.2.1.4"
START = datetime(2026, 11, 20, tzinfo=UTC)
END = datetime(2036, 11, 19, 23, 59, 59, tzinfo=UTC)
ENTITY = Eui64(bytes.fromhex("90b3d51f30010000"))


def template_of(c):
    """The template that a real certificate was made from, by its parsed fields."""
    point, policy, aki = c.public_key_point, c.policies[0], c.authority_key_identifier or b""
    if c.kind is CertificateKind.DEVICE:
        return DeviceTemplate(
            c.serial, c.issuer, c.not_before, c.entity_id, c.key_usage, point, policy, aki,
            c.hardware_module_name.hardware_type, c.not_after,
        )  # fmt: skip
    if c.is_authority:
        return IssuingAuthorityTemplate(
            c.serial,
            c.issuer,
            c.not_before,
            c.not_after,
            c.subject,
            point,
            policy,
            aki,
            c.basic_constraints.path_length,
        )
    return OrganisationTemplate(
        c.serial, c.issuer, c.not_before, c.not_after, c.role, c.entity_id, c.key_usage, point, policy, aki,
        c.subject.common_name,
    )  # fmt: skip


def test_every_real_certificate_of_the_standard_profile_is_rebuilt_octet_for_octet(every_der):
    rebuilt, exceptions = 0, {}
    for der in every_der:
        try:
            certificate = Certificate.from_der(der)
        except WireError as error:
            exceptions.setdefault(error.code, []).append("T7")
            continue
        try:
            same = tbs_octets(template_of(certificate)) == certificate.tbs
        except ValueError as error:
            same = str(error)
        if same is True:
            rebuilt += 1
            raw = x509.load_der_x509_certificate(der).signature
            assert assemble(certificate.tbs, raw) == der
        elif certificate.authority_key_identifier is None:
            exceptions.setdefault("self-signed", []).append("T4")
        elif certificate.basic_constraints is not None:
            exceptions.setdefault("basicConstraints", []).append("T8")
        elif certificate.key_usage == KeyUsage.NON_REPUDIATION:
            exceptions.setdefault("keyUsage", []).append("T11")
        else:
            exceptions.setdefault("policies", []).append("T14" if certificate.issuer.common_name == "0001" else "?")
    assert exceptions == {
        "self-signed": ["T4"] * 6,
        "basicConstraints": ["T8"] * 2,
        "certificate_null_algorithm_parameters": ["T7"] * 2,
        "keyUsage": ["T11"],
        "policies": ["T14"],
    }
    assert rebuilt == len(every_der) - 12 == 444


def organisation(keys, **changes):
    values = {
        "serial": 0x4FBC525201A1D7586C1BC1C4734DEB9F,
        "issuer": authority_name("Z1", 7),
        "not_before": START,
        "not_after": END,
        "role": 2,
        "entity_id": ENTITY,
        "key_usage": KeyUsage.DIGITAL_SIGNATURE,
        "public_key_point": keys(5).point,
        "policy": POLICY,
        "issuer_key_identifier": method2_ski(keys(3).point),
    }
    return OrganisationTemplate(**(values | changes))


def test_issued_certificates_are_clean_and_verify(keys):
    root = issue(
        RootAuthorityTemplate(
            2**125 + 1, authority_name("ZA", 0), START, datetime(2076, 11, 19, 23, 59, 59, tzinfo=UTC), keys(2).point,
            POLICY, bytes.fromhex("3000"),
        ),
        keys(2).sign,
    )  # fmt: skip
    oca = issue(
        IssuingAuthorityTemplate(
            2**125 + 2, root.subject, START, datetime(2051, 11, 19, 23, 59, 59, tzinfo=UTC), authority_name("Z1", 7),
            keys(3).point, POLICY, root.subject_key_identifier,
        ),
        keys(2).sign,
    )  # fmt: skip
    dca = issue(
        IssuingAuthorityTemplate(
            2**125 + 3, authority_name("E356"), START, datetime(2051, 11, 20, tzinfo=UTC), authority_name("E357"),
            keys(4).point, POLICY, method2_ski(keys(2).point),
        ),
        keys(2).sign,
    )  # fmt: skip
    device = issue(
        DeviceTemplate(
            2**125 + 4, dca.subject, START, ENTITY, KeyUsage.KEY_AGREEMENT, keys(5).point, POLICY,
            dca.subject_key_identifier,
        ),
        keys(4).sign,
    )  # fmt: skip
    supplier = issue(organisation(keys, common_name="Überlandwerk"), keys(3).sign)
    kinds = [certificate.kind for certificate in (root, oca, dca, device, supplier)]
    assert kinds == [
        CertificateKind.ROOT_OCA,
        CertificateKind.ISSUING_OCA,
        CertificateKind.ISSUING_DCA,
        CertificateKind.DEVICE,
        CertificateKind.ORGANISATION,
    ]
    for certificate, issuer in ((root, root), (oca, root), (device, dca), (supplier, oca)):
        assert check_profile(certificate, policy=POLICY, now=START) == []
        assert verify_signature(certificate, issuer.public_key)
        assert not certificate.flags
    assert check_profile(dca) == []
    assert device.not_after == NO_EXPIRY
    assert supplier.subject.common_name == "Überlandwerk"
    assert same_name(supplier.issuer, oca.subject)


def test_organisation_template_agrees_with_the_builder_of_cryptography(keys):
    string = x509.name._ASN1Type
    certificate = issue(organisation(keys, common_name="GITTEST", key_usage=KeyUsage.KEY_AGREEMENT), keys(3).sign)
    theirs = (
        x509.CertificateBuilder()
        .serial_number(certificate.serial)
        .issuer_name(
            x509.Name(
                [
                    x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "07", string.PrintableString),
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, "Z1", string.PrintableString),
                ]
            )
        )
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, "GITTEST", string.UTF8String),
                    x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "02", string.UTF8String),
                    x509.NameAttribute(x509.NameOID.X500_UNIQUE_IDENTIFIER, b"\0" + ENTITY, string.BitString),
                ]
            )
        )
        .not_valid_before(START)
        .not_valid_after(END)
        .public_key(certificate.public_key)
        .add_extension(x509.KeyUsage(False, False, False, False, True, False, False, False, False), True)
        .add_extension(x509.SubjectKeyIdentifier(method2_ski(keys(5).point)), False)
        .add_extension(x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(POLICY), None)]), True)
        .add_extension(x509.AuthorityKeyIdentifier(method2_ski(keys(3).point), None, None), False)
        .sign(keys(3).private, hashes.SHA256())
    )
    assert theirs.tbs_certificate_bytes == certificate.tbs
    loaded = x509.load_der_x509_certificate(certificate.der)
    assert loaded.public_bytes(Encoding.DER) == certificate.der


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"serial": 0}, "serial"),
        ({"serial": 2**160}, "serial"),
        ({"not_after": START.replace(year=2020)}, "ends"),
        ({"not_before": START.replace(tzinfo=None)}, "aware"),
        ({"not_before": START.replace(microsecond=1)}, "whole seconds"),
        ({"key_usage": KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_AGREEMENT}, "one of them"),
        ({"key_usage": KeyUsage.KEY_CERT_SIGN}, "one of them"),
        ({"public_key_point": b"\4" + bytes(64)}, "P-256"),
        ({"role": 256}, "one octet"),
    ],
)
def test_templates_cannot_be_half_right(keys, changes, word):
    with pytest.raises(ValueError, match=word):
        organisation(keys, **changes)


def test_times_around_2050_and_2038(keys):
    for end, octets in (
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), b"\x17\x0d380119031408Z"),
        (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), b"\x17\x0d491231235959Z"),
        (datetime(2050, 1, 1, tzinfo=UTC), b"\x18\x0f20500101000000Z"),
        (NO_EXPIRY, b"\x18\x0f99991231235959Z"),
    ):
        certificate = issue(organisation(keys, not_after=end), keys(3).sign)
        assert octets in certificate.tbs
        assert certificate.not_after == end


@pytest.mark.parametrize("raw", [b"", bytes(64), b"\xff" * 64, b"\1" * 63, b"\1" * 65])
def test_a_signer_that_gives_no_signature_is_refused(keys, raw):
    with pytest.raises(ValueError, match="raw signature"):
        issue(organisation(keys), lambda _: raw)


@given(
    serial=st.integers(1, 2**159 - 1),
    role=st.integers(0, 255),
    entity=st.binary(min_size=8, max_size=8),
    name=st.none() | st.text(max_size=40),
    start=st.datetimes(datetime(1950, 1, 1), datetime(9000, 1, 1)),
)
def test_what_is_built_reads_back(keys, serial, role, entity, name, start):
    begin = start.replace(microsecond=0, tzinfo=UTC)
    template = organisation(
        keys, serial=serial, role=role, entity_id=Eui64(entity), common_name=name, not_before=begin, not_after=NO_EXPIRY
    )
    certificate = Certificate.from_der(assemble(tbs_octets(template), signature_der(b"\1" * 64)))
    assert template_of(certificate) == template
    assert certificate.subject == organisation_name(role, Eui64(entity), name)
