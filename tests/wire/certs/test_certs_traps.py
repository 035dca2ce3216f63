"""The seventeen real-data traps of smki.md 2.10, one test each, on the real certificates that set them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trustcell.certs import (
    Certificate,
    CertificateKind,
    TrustAnchor,
    authority_name,
    check_profile,
    load_certificates,
    method2_ski,
    p256_public_key,
    same_name,
    validate_path,
    verify_ecdsa_der,
    verify_signature,
)
from trustcell.vocab import KeyUsage, Refused, RemotePartyRole, WireError

IN_2025 = datetime(2025, 1, 1, tzinfo=UTC)


def codes(certificate, **arguments):
    return {finding.code for finding in check_profile(certificate, **arguments)}


def test_trap_t1_ten_years_within_a_day(zaz1, in_templates):
    spans = set()
    for der in [*zaz1.values(), *(der for _, _, der in in_templates)]:
        try:
            certificate = Certificate.from_der(der)
        except WireError:
            continue
        if certificate.kind is not CertificateKind.ORGANISATION or certificate.authority_key_identifier is None:
            continue
        spans.add(certificate.not_after - certificate.not_before)
        assert "profile_duration" not in codes(certificate)
    assert timedelta(days=3653) - timedelta(seconds=1) in spans
    assert timedelta(days=3653) in spans


def test_trap_t2_renewals_reuse_the_key(zaz1, in_templates):
    old = {c.spki_sha256: c for n, d in zaz1.items() if n.startswith("Z1") for c in load_certificates(d)}
    renewed = [Certificate.from_der(der) for _, _, der in in_templates]
    reused = {c.role for c in renewed if c.not_before.year == 2025 and c.spki_sha256 in old}
    wanted = {RemotePartyRole.SUPPLIER, RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.LOAD_CONTROLLER}
    assert wanted <= reused
    for certificate in renewed:
        if certificate.spki_sha256 in old:
            assert certificate.subject_key_identifier == old[certificate.spki_sha256].subject_key_identifier
            assert certificate.sha256 != old[certificate.spki_sha256].sha256


def test_trap_t3_key_agreement_element_holds_a_signing_certificate(in_templates):
    found = [
        Certificate.from_der(der)
        for file, element, der in in_templates
        if "_8.5_" in file and element == "KeyAgreementCertificate"
    ]
    assert found
    assert {c.key_usage for c in found} == {KeyUsage.DIGITAL_SIGNATURE}


def test_trap_t4_self_signed_in_the_name_of_z1(every_der, z1, issuer_points):
    found = []
    for der in every_der:
        try:
            certificate = Certificate.from_der(der)
        except WireError:
            continue
        if "profile_self_signed_other_name" in codes(certificate):
            found.append(certificate)
    assert sorted(c.role for c in found) == [8, 8, 135, 135, 135, 137]
    root = TrustAnchor.of_key(issuer_points["ZA"][1], authority_name("ZA", 0))
    for certificate in found:
        assert certificate.authority_key_identifier is None
        assert {"profile_aki_missing", "profile_issuer_string_type"} <= codes(certificate)
        assert verify_signature(certificate, certificate.public_key)
        assert not verify_signature(certificate, z1.public_key)
        with pytest.raises(Refused) as caught:
            validate_path(certificate, [z1], [root], IN_2025)
        assert caught.value.code == "path_aki_missing"


def test_trap_t5_names_compare_across_string_types(zaz1):
    utf8 = Certificate.from_der(zaz1["xml-sign-90B3D51F30010000-ds"]).issuer
    printable = Certificate.from_der(zaz1["Z1-supplier-ds"]).issuer
    assert {a.string_type for a in utf8.attributes} == {"UTF8String"}
    assert {a.string_type for a in printable.attributes} == {"PrintableString"}
    assert utf8.der != printable.der
    assert same_name(utf8, printable)
    assert same_name(authority_name("z1 ", 7), printable)
    assert not same_name(authority_name("Z2", 7), printable)


def test_trap_t6_nonminimal_integers_are_reencoded_and_flagged(rtds_entries, issuer_points):
    key = p256_public_key(issuer_points["E357"][1])
    found = []
    for entry in rtds_entries:
        if "der" in entry:
            certificate = Certificate.from_der(entry["der"])
            if "nonminimal_der" in certificate.flags:
                found.append((entry["eui64"], entry["usage"]))
                assert certificate.signature not in certificate.der
                assert verify_signature(certificate, key)
                original = x509.load_der_x509_certificate(certificate.der).signature
                assert not verify_ecdsa_der(key, original, certificate.tbs)
                assert codes(certificate) == {"profile_signature_nonminimal"}
    assert sorted(found) == [("00db123456789023", "KA"), ("00db12345678909b", "DS")]


@pytest.mark.parametrize("name", ["mdr-ds", "mdr-ka"])
def test_trap_t7_null_parameter_has_its_own_code(zaz1, name):
    with pytest.raises(WireError) as caught:
        Certificate.from_der(zaz1[name])
    assert caught.value.code == "certificate_null_algorithm_parameters"


@pytest.mark.parametrize("name", ["otherUser-ds", "otherUser-ka"])
def test_trap_t8_empty_basic_constraints_say_no_authority(zaz1, issuer_points, name):
    certificate = Certificate.from_der(zaz1[name])
    assert certificate.basic_constraints is not None
    assert not certificate.is_authority
    assert certificate.kind is CertificateKind.ORGANISATION
    assert codes(certificate) == {"profile_basic_constraints_present", "profile_extension_order"}
    anchor = TrustAnchor.of_key(issuer_points["OB"][1], authority_name("OB", 7))
    assert validate_path(certificate, [], [anchor], certificate.not_before).leaf == certificate


def test_trap_t9_the_subject_counts_and_not_the_label(rtds_entries):
    wrong = [e for e in rtds_entries if "der" in e and str(Certificate.from_der(e["der"]).entity_id) != _dashed(e)]
    assert [(e["eui64"], e["usage"]) for e in wrong] == [("90b3d51f30000007", "KA")]
    assert Certificate.from_der(wrong[0]["der"]).entity_id == bytes.fromhex("90b3d51f30030000")


def test_trap_t10_some_entries_have_no_certificate(rtds_entries):
    missing = {e["eui64"] for e in rtds_entries if "der" not in e}
    assert missing == {"123456789abcdef0", "abababababababab", "fffffffffffffffe"}


def test_trap_t11_error_scenarios(in_messages, z1, issuer_points):
    root = TrustAnchor.of_key(issuer_points["ZA"][1], authority_name("ZA", 0))
    refused = {}
    for der, files in in_messages.items():
        certificate = Certificate.from_der(der)
        if certificate.key_usage == KeyUsage.NON_REPUDIATION:
            refused["CS02d"] = codes(certificate)
        elif certificate.issuer.common_name == "Z2":
            with pytest.raises(Refused) as caught:
                validate_path(certificate, [z1], [root], IN_2025)
            refused["6.15.1"] = {caught.value.code}
        elif certificate.is_authority and not verify_signature(certificate, root.public_key):
            leaf = next(c for c in map(Certificate.from_der, in_messages) if c.issuer.common_name == "Z1")
            assert any("CS02g" in file for file in files)
            with pytest.raises(Refused) as caught:
                validate_path(leaf, [certificate], [root], leaf.not_before)
            refused["CS02g"] = {finding.code for finding in caught.value.findings}
    assert refused["CS02d"] == {"profile_key_usage_not_one"}
    assert refused["6.15.1"] == {"path_no_issuer"}
    assert "path_signature_wrong" in refused["CS02g"]


def test_trap_t12_templates_and_messages_share_keys_not_octets(in_templates, in_messages):
    renewed = [Certificate.from_der(der) for file, _, der in in_templates if "_6.21_" in file]
    carried = [Certificate.from_der(der) for der in in_messages]
    ends = [c for c in renewed if not c.is_authority]
    assert ends
    assert {c.subject_key_identifier for c in ends} <= {c.subject_key_identifier for c in carried}
    assert not {c.sha256 for c in ends} & {c.sha256 for c in carried}


def test_trap_t13_role_of_the_certificate_is_not_the_role_of_the_cell(in_templates, in_messages):
    asked = {Certificate.from_der(der).role for file, _, der in in_templates if "CS02gLoadControllerBySupplier" in file}
    sent = {
        Certificate.from_der(der).role
        for der, files in in_messages.items()
        if any("CS02gLoadControllerBySupplier" in file and "SUCCESS_COMMAND" in file for file in files)
    }
    assert RemotePartyRole.LOAD_CONTROLLER in asked
    assert RemotePartyRole.LOAD_CONTROLLER not in sent
    assert RemotePartyRole.SUPPLIER in sent


def test_trap_t14_device_certificate_with_policies_not_critical(in_messages, issuer_points):
    found = [c for c in map(Certificate.from_der, in_messages) if c.issuer.common_name == "0001"]
    assert len(found) == 1
    assert found[0].kind is CertificateKind.DEVICE
    assert codes(found[0]) == {"profile_policies_not_critical"}
    assert found[0].policies == ("1.2.826.0.1.8641679.1.2.1.4",)
    assert "profile_policy_other_environment" in codes(found[0], policy="1.2.826.0.1.1800000.1.2.1.4")
    assert verify_signature(found[0], p256_public_key(issuer_points["0001"][1]))


def test_trap_t15_device_certificate_issued_by_an_organisation(zaz1, rtds_entries, keys):
    """No such certificate is in the data: it is made here from a real broker's subject and a real device's name."""
    broker = x509.load_der_x509_certificate(zaz1["Z1-accessControlBroker-ds"])
    device = next(e["der"] for e in rtds_entries if e["eui64"] == "00db123456789001")
    real = x509.load_der_x509_certificate(device)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(broker.subject)
        .public_key(real.public_key())
        .serial_number(real.serial_number)
        .not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc)
    )
    for extension in real.extensions:
        if not isinstance(extension.value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(keys(7).private, hashes.SHA256()).public_bytes(Encoding.DER)
    certificate = Certificate.from_der(made)
    assert certificate.kind is CertificateKind.DEVICE
    assert {"profile_issuer_shape", "profile_ski_missing"} <= codes(certificate)


def test_trap_t16_expiry_needs_the_clock_it_is_given(zaz1, z1):
    first = Certificate.from_der(zaz1["Z1-supplier-ds"])
    second = Certificate.from_der(zaz1["Z1b-supplier-ds"])
    assert {first.not_after.year, second.not_after.date().isoformat()} == {2025, "2026-01-09"}
    assert z1.not_after == datetime(2040, 10, 28, 23, 59, 59, tzinfo=UTC)
    assert codes(first) == codes(first, now=IN_2025) == set()
    assert codes(first, now=datetime(2026, 11, 20, tzinfo=UTC)) == {"profile_not_current"}
    assert codes(first, now=datetime(2015, 1, 1, tzinfo=UTC)) == {"profile_not_current"}


def test_trap_t17_the_published_production_certificate_is_clean(shared: Path):
    data = (shared / "conformance" / "pyca-x509" / "scottishpower-bitstring-dn.pem").read_bytes()
    (certificate,) = load_certificates(data)
    assert check_profile(certificate) == []
    assert certificate.not_after - certificate.not_before == timedelta(days=3652) - timedelta(seconds=1)
    assert certificate.role is not None
    assert RemotePartyRole(certificate.role) is RemotePartyRole.SUPPLIER
    assert certificate.entity_id is not None
    assert re.fullmatch("[0-9A-F]{2}(-[0-9A-F]{2}){7}", str(certificate.entity_id))
    assert certificate.subject_key_identifier == method2_ski(certificate.public_key_point)


def test_p256_key_of_a_trap_free_certificate(zaz1):
    certificate = Certificate.from_der(zaz1["Z1-supplier-ds"])
    assert isinstance(certificate.public_key, ec.EllipticCurvePublicKey)
    loaded = x509.load_der_x509_certificate(certificate.der)
    assert loaded.public_key() == certificate.public_key
    assert loaded.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == certificate.issuer.common_name


def _dashed(entry):
    return bytes.fromhex(entry["eui64"]).hex("-").upper()
