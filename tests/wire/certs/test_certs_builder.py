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
    p256_public_key,
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


def library_name(*parts):
    """A name of the library: short label, value, string type."""
    oids = {"CN": x509.NameOID.COMMON_NAME, "OU": x509.NameOID.ORGANIZATIONAL_UNIT_NAME}
    kinds = x509.name._ASN1Type
    return x509.Name(
        [x509.NameAttribute(oids.get(o, x509.NameOID.X500_UNIQUE_IDENTIFIER), v, kinds[k]) for o, v, k in parts]
    )


def library_tbs(template, keys, subject, issuer, extensions):
    """What ``CertificateBuilder`` signs for the same facts; the key it signs with is thrown away."""
    public = p256_public_key(template.public_key_point)
    builder = x509.CertificateBuilder(issuer, subject, public, template.serial, template.not_before, template.not_after)
    policy = x509.PolicyInformation(x509.ObjectIdentifier(template.policy), None)
    known = {
        "ski": (x509.SubjectKeyIdentifier(method2_ski(template.public_key_point)), False),
        "policies": (x509.CertificatePolicies([policy]), True),
        "aki": (x509.AuthorityKeyIdentifier(method2_ski(keys(3).point), None, None), False),
    }
    for extension in extensions:
        value, critical = known[extension] if isinstance(extension, str) else extension
        builder = builder.add_extension(value, critical)
    return builder.sign(keys(9).private, hashes.SHA256()).tbs_certificate_bytes


def usage(*bits):
    return x509.KeyUsage(*(n in bits for n in range(9))), True


PRINTABLE, UTF8 = "PrintableString", "UTF8String"
ROOT, ISSUING = (("OU", "00", PRINTABLE), ("CN", "ZA", PRINTABLE)), (("OU", "07", PRINTABLE), ("CN", "Z1", PRINTABLE))


@pytest.mark.parametrize("common_name", [None, "GITTEST"])
@pytest.mark.parametrize("bit", [0, 4])
def test_organisation_template_agrees_with_the_builder_of_cryptography(keys, common_name, bit):
    template = organisation(keys, common_name=common_name, key_usage=KeyUsage(1 << bit))
    subject = [("OU", "02", UTF8), ("uniqueIdentifier", b"\0" + ENTITY, "BitString")]
    subject = [("CN", common_name, UTF8), *subject] if common_name else subject
    wanted = [usage(bit), "ski", "policies", "aki"]
    theirs = library_tbs(template, keys, library_name(*subject), library_name(*ISSUING), wanted)
    assert tbs_octets(template) == theirs
    certificate = issue(template, keys(3).sign)
    assert certificate.tbs == theirs
    assert x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.DER) == certificate.der


def test_authority_templates_agree_with_the_builder_of_cryptography(keys):
    end, point, aki = END.replace(year=2051), keys(4).point, method2_ski(keys(3).point)
    za, z1 = authority_name("ZA", 0), authority_name("Z1", 7)
    signs = usage(5, 6)
    for length in (0, 1):
        template = IssuingAuthorityTemplate(2**125, za, START, end, z1, point, POLICY, aki, length)
        wanted = [signs, (x509.BasicConstraints(True, length), True), "policies", "ski", "aki"]
        theirs = library_tbs(template, keys, library_name(*ISSUING), library_name(*ROOT), wanted)
        assert tbs_octets(template) == theirs
    apex = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.20"), b"\x30\x00")
    for wrapped, more in ((None, []), (b"\x30\x00", [(apex, False)])):
        template = RootAuthorityTemplate(2**125, za, START, end, point, POLICY, wrapped)
        wanted = [signs, (x509.BasicConstraints(True, None), True), "policies", "ski", *more]
        assert tbs_octets(template) == library_tbs(template, keys, library_name(*ROOT), library_name(*ROOT), wanted)


def test_device_template_agrees_with_the_builder_of_cryptography(keys):
    template = DeviceTemplate(
        2**125, authority_name("E357"), START, ENTITY, KeyUsage.KEY_AGREEMENT, keys(4).point, POLICY,
        method2_ski(keys(3).point),
    )  # fmt: skip
    module = bytes.fromhex("3019060d2a863a0001848fb90f010202010408") + ENTITY
    names = x509.SubjectAlternativeName([x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4"), module)])
    wanted = [usage(4), "ski", (names, True), "policies", "aki"]
    theirs = library_tbs(template, keys, x509.Name([]), library_name(("CN", "E357", PRINTABLE)), wanted)
    assert tbs_octets(template) == theirs


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
        ({"common_name": ""}, "length"),
        ({"common_name": "é" * 33}, "length"),
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
    name=st.none() | st.text(min_size=1, max_size=16),
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
