"""The profile lint against every real certificate, and against each foreign one's named defect."""

import json
import warnings
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.asn1 import GeneralizedTime, decode_der, encode_der
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from trustcell.certs import CertificateKind, Verdict, _asn1, check_profile, load_certificates, profile_rows
from trustcell.vocab import WireError

START = datetime(2026, 11, 20, tzinfo=UTC)
PYCA = {
    "scottishpower-bitstring-dn.pem": None,
    # The index calls this an RSA certificate. Its octets are the ScottishPower organisation certificate: P-256, clean.
    "unique_identifier.pem": None,
    "badasn1time.pem": "certificate_time_malformed",
    # Its octets are a path length without cA TRUE.
    "wosign-bc-invalid.pem": "certificate_path_length_without_authority",
    "v1_cert.pem": "profile_version",
    "verisign_md2_root.pem": "profile_signature_algorithm",
    "custom_invalid_version.pem": "certificate_version_unknown",
    "custom_ec_no_named_curve.pem": "profile_key_not_p256",
    "custom_ecdsa_null_alg.pem": "certificate_null_algorithm_parameters",
    "custom_invalid_utf8_common_name.pem": "certificate_name_string_malformed",
    "custom_basic_constraints_not_critical.pem": "profile_basic_constraints_not_critical",
    "custom_long-form-name-attribute.pem": "certificate_not_der",
    "custom_malformed-san.pem": "certificate_general_name_malformed",
    "custom_mismatch_inner_outer_sig_algorithm.der": "profile_signature_algorithm_mismatch",
    "custom_name_attribute_unsupported_tag.pem": "certificate_name_string_type",
    "custom_post2000utctime.pem": "profile_signature_algorithm",
    # Its own signature is right (``cryptography`` agrees); the algorithm is what is wrong, as in the next one.
    "custom_invalid_signature_cert.pem": "profile_signature_algorithm",
    "custom_valid_signature_cert.pem": "profile_signature_algorithm",
    "custom_unsupported_subject_public_key_info.pem": "profile_key_not_p256",
    "custom_private_key_usage_period_both_dates.pem": "profile_extension_not_allowed",
    "custom_nc_ip_invalid_length.pem": "certificate_extension_malformed",
}
ZLINT = {
    "e_ext_authority_key_identifier_critical": "profile_aki_critical",
    "e_ext_authority_key_identifier_no_key_identifier": "profile_aki_no_key_identifier",
    "e_basic_constraints_not_critical": "profile_basic_constraints_not_critical",
    "e_path_len_constraint_improperly_included": "certificate_path_length_without_authority",
    "e_path_len_constraint_zero_or_less": "certificate_path_length_negative",
    "e_ext_cert_policy_duplicate": "profile_policy_duplicate",
    "e_cert_ext_invalid_der": "certificate_default_encoded",
    # An empty RDN stands beside the time, and the library refuses it; the time is tested on one of ours, below.
    "e_wrong_time_format_pre2050": "certificate_name_rdn_empty",
    "e_incorrect_ku_encoding": "profile_key_usage_not_der",
    "e_issuer_field_empty": "profile_issuer_empty",
    "e_cert_contains_unique_identifier": "profile_unique_identifier_field",
    # Version 1 is written out in this file, which is not DER and refused before its unique identifier is looked at.
    "e_cert_unique_identifier_version_not_2_or_3": "certificate_default_encoded",
    "e_ext_key_usage_cert_sign_without_ca": "profile_cert_sign_without_authority",
    "e_ext_key_usage_without_bits": "profile_key_usage_no_bits",
    "e_key_usage_and_extended_key_usage_inconsistent": "profile_extended_key_usage_inconsistent",
    "e_serial_number_not_positive": "certificate_serial_not_positive",
    "e_ext_subject_key_identifier_critical": "profile_ski_critical",
    "e_subject_common_name_max_length": "profile_common_name_long",
    "e_subject_organizational_unit_name_max_length": "profile_organisational_unit_long",
    "e_ext_san_not_critical_without_subject": "profile_san_not_critical",
    "e_ext_san_empty_name": "certificate_general_name_malformed",
    "e_ext_san_no_entries": "profile_san_no_names",
    "e_ext_duplicate_extension": "certificate_extension_duplicate",
    "e_superfluous_ku_encoding": "profile_key_usage_not_der",
    "e_rsa_allowed_ku_ca": "profile_key_not_p256",
    "e_ecdsa_allowed_ku": "profile_key_usage_not_one",
}
UNNAMED = {
    "eccSignedWithP384ButSHA256Signature.pem": "profile_key_not_p256",
    "eccSignedWithSHA512Signature.pem": "profile_signature_algorithm",
    "ecdsaP224.pem": "profile_key_not_p256",
    "ecdsaP521.pem": "profile_key_not_p256",
    "eccP521Mp30.pem": "profile_key_not_p256",
}
# Upstream names two lints; this file's path length stands on a certificate that is no CA.
ALSO = {
    # An empty RDN stands beside the long value, and the library refuses it; long values are tested on one of ours.
    "subjectCommonNameLong.pem": "certificate_name_rdn_empty",
    "subjectOrganizationalUnitNameLong.pem": "certificate_name_rdn_empty",
    # Its subjectAltName is malformed too, and the library decodes that first.
    "caMaxPathLenPresentNoCertSign.pem": "certificate_general_name_malformed",
    "subCertPathLenPositive.pem": "certificate_path_length_without_authority",
}
PKILINT = {
    "bad_san_encoding.crttest": "profile_san_not_ia5",
    "ca_no_ku.crttest": "profile_key_usage_missing",
    # The library refuses the distribution point, which names nothing, before its reasons can be looked at.
    "crldp_dp_reasons_not_der.crttest": "certificate_extension_malformed",
    "cross_ca_no_aki.crttest": "profile_aki_missing",
    "ecdsa_self_signed_no_aki.crttest": "profile_ski_not_method_2",
    "ed25519_bad_ku.crttest": "profile_key_usage_not_authority",
    "ee_no_ku.crttest": "profile_key_usage_missing",
    "ee_policy_mappings_present.crttest": "profile_policy_mappings",
    "empty_subject_non_critical_san.crttest": "profile_san_not_critical",
    "method2_skid.crttest": "profile_policy_qualifiers",
    # A post-quantum key: its length is not looked at, its algorithm is refused.
    "mldsa_44_bad_keylength.crttest": "profile_key_not_p256",
    "mldsa_bad_ku.crttest": "profile_key_usage_not_authority",
    "non_empty_subject_critical_san.crttest": "profile_san_critical_with_subject",
    "rfc7093_method_1.crttest": "profile_ski_not_method_2",
    "root_bad_ku_encoding.crttest": "profile_key_usage_not_der",
    "unknown_key_type_cross_ca_no_aki.crttest": "profile_aki_missing",
    "unknown_skid_method.crttest": "profile_ski_not_method_2",
}


def verdict(path):
    try:
        (certificate,) = load_certificates(path.read_bytes())
    except WireError as error:
        return [error.code]
    return [finding.code for finding in check_profile(certificate)]


def entries(folder):
    listed = json.loads((folder / "index.json").read_text())["entries"]
    return [entry for entry in listed if entry["kind"] == "cert"]


def test_pyca_certificates(shared):
    folder = shared / "conformance" / "pyca-x509"
    assert {entry["file"] for entry in entries(folder)} == set(PYCA)
    for name, code in PYCA.items():
        found = verdict(folder / name)
        assert found == [] if code is None else code in found, (name, found)


def test_zlint_certificates_are_refused_by_the_named_lint(shared):
    folder = shared / "conformance" / "zlint"
    for entry in entries(folder):
        name = entry["file"]
        wanted = {ZLINT[lint] for lint in entry["zlint"] if lint in ZLINT} | {UNNAMED.get(name), ALSO.get(name)} - {
            None
        }
        found = verdict(folder / name)
        assert wanted, name
        assert wanted & set(found), (name, found)


def test_pkilint_certificates_are_refused_by_the_named_finding(shared):
    folder = shared / "conformance" / "pkilint"
    assert {path.name for path in folder.glob("*.crttest")} == set(PKILINT)
    for name, code in PKILINT.items():
        assert code in verdict(folder / name), name


def test_pkilint_key_identifier_methods_are_told_apart(shared):
    folder = shared / "conformance" / "pkilint"
    words = {
        "ecdsa_self_signed_no_aki.crttest": "method 1",
        "method2_skid.crttest": "method 2",
        "rfc7093_method_1.crttest": "RFC 7093 method 1",
        "unknown_skid_method.crttest": "made by no known method",
    }
    for name, word in words.items():
        (certificate,) = load_certificates((folder / name).read_bytes())
        values = [row.value for row in profile_rows(certificate) if row.field == "subjectKeyIdentifier"]
        assert any(value.startswith(word) for value in values), name


def test_real_certificates_are_clean_but_for_the_traps(every_der):
    """Numbers of the data set; what is found is asserted trap by trap in test_certs_traps.py."""
    clean = found = refused = 0
    for der in every_der:
        try:
            (certificate,) = load_certificates(der)
        except WireError:
            refused += 1
            continue
        if check_profile(certificate):
            found += 1
        else:
            clean += 1
    assert (clean, found, refused) == (442, 12, 2)


OID = x509.NameOID


@pytest.mark.parametrize(
    ("oid", "value", "kind", "code"),
    [
        (OID.COMMON_NAME, "é" * 65, "UTF8String", "profile_common_name_long"),
        (OID.COMMON_NAME, "", "UTF8String", "profile_common_name_long"),
        (OID.ORGANIZATIONAL_UNIT_NAME, "a" * 65, "UTF8String", "profile_organisational_unit_long"),
        (OID.SERIAL_NUMBER, "a" * 65, "UTF8String", "profile_name_attribute_size"),
        (OID.LOCALITY_NAME, " a", "UTF8String", "profile_name_white_space"),
        (OID.LOCALITY_NAME, "a", "OctetString", "profile_name_string_type"),
        (OID.COMMON_NAME, "é" * 64, "UTF8String", None),
    ],
)
def test_names_are_measured_in_characters_and_never_warned_of(keys, recwarn, oid, value, kind, code):
    """The library counts octets and warns; a warning that comes through, now or later, is an error in this suite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attribute = x509.NameAttribute(oid, value, x509.name._ASN1Type[kind], _validate=False)
        name = x509.Name([attribute])
        builder = x509.CertificateBuilder(name, name, keys(5).private.public_key(), 7, START, START)
        der = builder.sign(keys(5).private, hashes.SHA256()).public_bytes(Encoding.DER)
    (certificate,) = load_certificates(der)
    assert certificate.x509.subject == certificate.subject.x509
    named = {finding.code for finding in check_profile(certificate)}
    assert code in named if code else not any("long" in found or "name_" in found for found in named)
    assert not recwarn.list


def test_a_generalized_time_before_2050_is_named(zaz1):
    raw = decode_der(_asn1.Certificate, zaz1["Z1-supplier-ds"])
    raw.tbs.validity.not_after = GeneralizedTime(raw.tbs.validity.not_after.as_datetime())
    (certificate,) = load_certificates(encode_der(raw))
    assert {finding.code for finding in check_profile(certificate)} == {"profile_time_form"}


def test_no_row_cites_our_digest_and_there_are_few(every_der):
    for der in every_der[::20]:
        rows = [row for found in load_certificates(der) for row in profile_rows(found, kind=None)]
        assert len(rows) <= 35
        assert not any("smki.md" in row.clause or "digest" in row.clause for row in rows)
        assert len({row.field for row in rows if row.finding is None}) == sum(row.finding is None for row in rows)


def test_rows_show_every_field_with_its_clause(zaz1):
    (certificate,) = load_certificates(zaz1["Z1-supplier-ds"])
    rows = profile_rows(certificate)
    assert {row.verdict for row in rows} == {Verdict.OK}
    fields = {row.field for row in rows}
    assert {"version", "serial", "issuer", "subject", "validity", "keyUsage", "certificatePolicies"} <= fields
    assert all(row.clause and row.expected and row.value for row in rows)
    as_device = check_profile(certificate, kind=CertificateKind.DEVICE)
    assert "profile_subject_shape" in {finding.code for finding in as_device}


@pytest.mark.parametrize("policy", ["1.2.826.0.1.8641679.1.2.1.4", None])
def test_policy_of_the_environment_is_an_argument(zaz1, policy):
    (certificate,) = load_certificates(zaz1["Z1-supplier-ds"])
    assert check_profile(certificate, policy=policy) == []
    other = check_profile(certificate, policy="1.2.3.4")
    assert [finding.code for finding in other] == ["profile_policy_other_environment"]
    assert other[0].as_json()["clause"] == "GBCS section 12"
