"""IKI and ICA certificates and requests against the library's own builder, openssl, and one defect at a time."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type

from trustcell import certs
from trustcell.certs import Certificate, CertificateKind

POLICY = "1.2.826.0.1.8641679.1.2.3.4"
BEGIN, END = datetime(2024, 3, 1, tzinfo=UTC), datetime(2034, 2, 28, 23, 59, 59, tzinfo=UTC)
SERIAL = 0x4A << 120 | 7
ICA_NAME = certs.authority_name("TI")


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_sign(key):
    return lambda octets: key.sign(octets, padding.PKCS1v15(), hashes.SHA256())


@pytest.fixture(scope="module")
def keys():
    return {name: rsa.generate_private_key(65537, 2048) for name in ("ica", "ada")}


@pytest.fixture(scope="module")
def ica(keys):
    template = certs.IkiAuthorityTemplate(SERIAL, ICA_NAME, BEGIN, END, spki(keys["ica"]), POLICY)
    tbs = certs.iki_tbs(template)
    return Certificate.from_der(certs.assemble_rsa(tbs, rsa_sign(keys["ica"])(tbs)))


@pytest.fixture(scope="module")
def template(keys, ica):
    subject = certs.iki_name("Data Communications Company", 4, "ada")
    aki = ica.subject_key_identifier
    return certs.IkiTemplate(SERIAL + 1, ICA_NAME, BEGIN, END, subject, spki(keys["ada"]), POLICY, aki)


def issued(template, keys, sign=None):
    tbs = certs.iki_tbs(template)
    return Certificate.from_der(certs.assemble_rsa(tbs, (sign or rsa_sign(keys["ica"]))(tbs)))


def codes(certificate, **named):
    return {finding.code for finding in certs.check_profile(certificate, **named)}


def test_both_kinds_are_known_and_clean(keys, ica, template):
    person = issued(template, keys)
    assert (ica.kind, person.kind) == (CertificateKind.ICA, CertificateKind.IKI)
    for each in (ica, person):
        assert certs.check_profile(each, policy=POLICY, now=BEGIN) == []
        assert all(row.clause for row in certs.profile_rows(each))
    assert (person.role, person.subject.common_name, str(person.subject.first("2.5.4.10").text)) == (
        4,
        "ada",
        "Data Communications Company",
    )
    assert certs.issued_by_ica(person, ica)
    assert not certs.issued_by_ica(ica, ica)  # no AKI: a root is not issued by the ICA to a person


def test_the_library_builds_the_same_octets(keys, ica, template):
    """The builder of ``cryptography`` is told the same fields and signs the same TBSCertificate."""
    person = issued(template, keys)
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Data Communications Company", _ASN1Type.UTF8String),
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "04", _ASN1Type.UTF8String),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "ada", _ASN1Type.UTF8String),
        ]
    )
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TI", _ASN1Type.PrintableString)])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    theirs = (
        x509.CertificateBuilder(issuer, name, keys["ada"].public_key(), SERIAL + 1, BEGIN, END)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier(person.subject_key_identifier), critical=False)
        .add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(POLICY), None)]), critical=True
        )
        .add_extension(x509.AuthorityKeyIdentifier(ica.subject_key_identifier, None, None), critical=False)
        .sign(keys["ica"], hashes.SHA256())
    )
    assert theirs.public_bytes(Encoding.DER) == person.der


def test_openssl_reads_and_chains_them(keys, ica, template, tmp_path):
    person = issued(template, keys)
    for name, each in (("ica", ica), ("ada", person)):
        (tmp_path / f"{name}.pem").write_bytes(each.x509.public_bytes(Encoding.PEM))
    shown = openssl(tmp_path, "x509", "-in", "ada.pem", "-noout", "-subject", "-ext", "keyUsage")
    assert "O = Data Communications Company, OU = 04, CN = ada" in shown
    assert "critical" in shown
    assert "Digital Signature" in shown
    at = str(int(BEGIN.timestamp()) + 86_400)
    assert openssl(tmp_path, "verify", "-attime", at, "-CAfile", "ica.pem", "ada.pem") == "ada.pem: OK\n"


def openssl(folder, *arguments):
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("profile_policy_other_environment", lambda t: replace(t, policy="1.2.3.4")),
        ("profile_serial_size", lambda t: replace(t, serial=1)),
        ("profile_subject_shape", lambda t: replace(t, subject=certs.authority_name("ada"))),
        ("profile_issuer_shape", lambda t: replace(t, issuer=certs.authority_name("TI", 7))),
        ("profile_issuer_string_type", lambda t: replace(t, issuer=certs.iki_name("o", 7, "TI"))),
        ("profile_aki_size", lambda t: replace(t, issuer_key_identifier=bytes(20))),
        ("profile_key_not_rsa_2048", lambda t: replace(t, public_key=spki(rsa.generate_private_key(65537, 1024)))),
        ("profile_key_not_rsa_2048", lambda t: replace(t, public_key=spki(rsa.generate_private_key(3, 2048)))),
    ],
)
def test_one_defect_has_its_code(keys, template, code, change):
    assert code in codes(issued(change(template), keys), kind=CertificateKind.IKI, policy=POLICY)


def test_an_organisation_certificate_is_no_iki_certificate(keys, template):
    found = issued(template, keys)
    assert {"profile_signature_algorithm", "profile_key_not_p256"} <= codes(found, kind=CertificateKind.ORGANISATION)


def test_an_ec_signature_on_an_iki_certificate_has_its_code(keys, template):
    key = ec.generate_private_key(ec.SECP256R1())
    tbs = certs.iki_tbs(template)
    found = Certificate.from_der(certs.assemble(tbs, key.sign(tbs, ec.ECDSA(hashes.SHA256()))))
    assert "profile_signature_algorithm" in codes(found)
    assert "profile_signature_algorithm_mismatch" in codes(found)


def test_an_ica_signed_by_another_key_has_its_code(keys):
    template = certs.IkiAuthorityTemplate(SERIAL, ICA_NAME, BEGIN, END, spki(keys["ica"]), POLICY)
    tbs = certs.iki_tbs(template)
    found = Certificate.from_der(certs.assemble_rsa(tbs, rsa_sign(keys["ada"])(tbs)))
    assert codes(found) == {"profile_self_signature_wrong"}


def test_issued_by_ica_is_told_by_name_key_and_signature(keys, ica, template):
    assert not certs.issued_by_ica(issued(template, keys, rsa_sign(keys["ada"])), ica)
    assert not certs.issued_by_ica(issued(replace(template, issuer=certs.authority_name("TJ")), keys), ica)
    assert not certs.issued_by_ica(issued(replace(template, issuer_key_identifier=bytes(8)), keys), ica)


@pytest.mark.parametrize(
    "change",
    [
        {"serial": 0},
        {"serial": 2**159},
        {"not_after": datetime(2023, 1, 1, tzinfo=UTC)},
        {"not_before": datetime(2024, 1, 1)},
    ],
)
def test_a_template_refuses_what_no_certificate_can_say(template, change):
    with pytest.raises(ValueError):
        replace(template, **change)


def test_a_template_wants_an_rsa_key(template):
    with pytest.raises(ValueError, match="RSA"):
        replace(template, public_key=spki(ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize("text", [("", 4, "a"), ("o", 4, ""), ("o", 256, "a"), ("o", -1, "a"), ("x" * 65, 4, "a")])
def test_a_name_refuses_what_no_subject_can_say(text):
    with pytest.raises(ValueError):
        certs.iki_name(*text)


def test_a_request_is_read_back_and_clean(keys):
    der = certs.iki_csr("Data Communications Company", 4, "ada", spki(keys["ada"]), rsa_sign(keys["ada"]))
    request = certs.load_csr(der)
    assert certs.is_iki_csr(request)
    assert certs.check_iki_csr(request) == []
    assert request.version == 0
    assert (request.role, request.subject.common_name) == (4, "ada")


def test_openssl_reads_a_request(keys, tmp_path):
    der = certs.iki_csr("Data Communications Company", 4, "ada", spki(keys["ada"]), rsa_sign(keys["ada"]))
    (tmp_path / "ada.csr").write_bytes(der)
    shown = openssl(tmp_path, "req", "-in", "ada.csr", "-inform", "DER", "-verify", "-noout", "-text")
    assert "Version: 1 (0x0)" in shown
    assert "Digital Signature" in shown


def foreign(key, subject, usage=None, digest=None, extra=()):
    builder = x509.CertificateSigningRequestBuilder(subject)
    if usage is not None:
        value, critical = usage
        builder = builder.add_extension(value, critical)
    for extension in extra:
        builder = builder.add_extension(extension, False)
    return builder.sign(key, digest or hashes.SHA256()).public_bytes(Encoding.DER)


_KIND = _ASN1Type.UTF8String
_O, _OU, _CN = (
    x509.NameOID.ORGANIZATION_NAME,
    x509.NameOID.ORGANIZATIONAL_UNIT_NAME,
    x509.NameOID.COMMON_NAME,
)


def subject(*pairs, kind=_KIND):
    return x509.Name([x509.NameAttribute(oid, text, kind) for oid, text in pairs])


GOOD = subject((_O, "Company"), (_OU, "04"), (_CN, "ada"))
SIGNS = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
REPUDIATES = x509.KeyUsage(True, True, False, False, False, False, False, False, False)


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("csr_subject_other", lambda k: foreign(k, subject((_O, "Company"), (_CN, "ada")), (SIGNS, True))),
        ("csr_subject_other", lambda k: foreign(k, subject((_OU, "04"), (_O, "C"), (_CN, "ada")), (SIGNS, True))),
        ("csr_subject_other", lambda k: foreign(k, subject((_O, "C"), (_OU, "4"), (_CN, "ada")), (SIGNS, True))),
        ("csr_subject_other", lambda k: foreign(k, subject((_O, "C"), (_OU, "7f"), (_CN, "ada")), (SIGNS, True))),
        (
            "csr_subject_other",
            lambda k: foreign(
                k, subject((_O, "C"), (_OU, "04"), (_CN, "a"), kind=_ASN1Type.PrintableString), (SIGNS, True)
            ),
        ),
        ("csr_key_usage_not_one", lambda k: foreign(k, GOOD)),
        ("csr_key_usage_not_one", lambda k: foreign(k, GOOD, (REPUDIATES, True))),
        ("csr_key_usage_not_critical", lambda k: foreign(k, GOOD, (SIGNS, False))),
        ("csr_signature_algorithm", lambda k: foreign(k, GOOD, (SIGNS, True), hashes.SHA384())),
        (
            "csr_extension_not_allowed",
            lambda k: foreign(k, GOOD, (SIGNS, True), extra=(x509.BasicConstraints(True, None),)),
        ),
        (
            "csr_key_not_rsa_2048",
            lambda k: foreign(rsa.generate_private_key(65537, 1024), GOOD, (SIGNS, True)),
        ),
        (
            "csr_key_not_rsa_2048",
            lambda k: foreign(ec.generate_private_key(ec.SECP256R1()), GOOD, (SIGNS, True)),
        ),
        ("csr_signature_wrong", lambda k: wrongly_signed(k)),
    ],
)
def test_one_defect_of_a_request_has_its_code(keys, code, made):
    found = certs.check_iki_csr(certs.load_csr(made(keys["ada"])))
    assert code in {finding.code for finding in found}
    assert all(finding.clause == "SEC Appendix Q" for finding in found)


def wrongly_signed(key):
    return certs.iki_csr("Company", 4, "ada", spki(key), lambda octets: rsa_sign(key)(octets + b"x"))


def test_verify_rsa_takes_no_other_key_or_octets(keys):
    key = keys["ada"]
    signature = rsa_sign(key)(b"octets")
    assert certs.verify_rsa(spki(key), signature, b"octets")
    assert not certs.verify_rsa(spki(key), signature, b"octet")
    assert not certs.verify_rsa(spki(keys["ica"]), signature, b"octets")
    assert not certs.verify_rsa(spki(ec.generate_private_key(ec.SECP256R1())), signature, b"octets")
    assert not certs.verify_rsa(b"no key", signature, b"octets")
    pss = key.sign(b"octets", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert not certs.verify_rsa(spki(key), pss, b"octets")
