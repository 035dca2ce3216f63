"""The profile tables of SMKI certificates: one row a rule, the clause beside it (smki.md 2.1-2.7, 2.10)."""

from trustcell.certs import _known as k
from trustcell.certs import _profile_fields as f
from trustcell.certs import certificate as c
from trustcell.certs import extensions as ext
from trustcell.certs.certificate import CertificateKind
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import COMMON_NAME, ORGANISATIONAL_UNIT
from trustcell.certs.rules import ProfileRule, View
from trustcell.certs.signature import ECDSA_SHA256_OID, NONMINIMAL_DER, SIGNATURE_MALFORMED
from trustcell.vocab import Clause, KeyUsage, Severity


class Rule(ProfileRule[View]):
    """A rule over a certificate."""

    __slots__ = ()


_SOURCE = "SMKI certificate policies and GBCS section 12, as digested in smki.md"
_P21 = Clause("smki.md 2.1", _SOURCE)
_P22 = Clause("smki.md 2.2", _SOURCE)
_P23 = Clause("smki.md 2.3", _SOURCE)
_P24 = Clause("smki.md 2.4", _SOURCE)
_P25 = Clause("smki.md 2.5", _SOURCE)
_P26 = Clause("smki.md 2.6", _SOURCE)
_P27 = Clause("smki.md 2.7", _SOURCE)
_T4 = Clause("smki.md 2.10 T4", _SOURCE)
_T5 = Clause("smki.md 2.10 T5", _SOURCE)
_T6 = Clause("smki.md 2.10 T6", _SOURCE)
_T8 = Clause("smki.md 2.10 T8", _SOURCE)
_T16 = Clause("smki.md 2.10 T16", _SOURCE)
_PERIOD = Clause("Appendix B 6.3.2", "Organisation Certificate Policy as amended by MP261, smki.md 3.5")
_RFC = Clause("RFC 5280 4.1", "RFC 5280")
_RFC_EXT = Clause("RFC 5280 4.2", "RFC 5280")

_AUTHORITY_USAGE = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN
_WARNING = Severity.WARNING
_KU, _SKI, _AKI, _CP, _BC, _SAN = (
    ext.KEY_USAGE,
    ext.SUBJECT_KEY_IDENTIFIER,
    ext.AUTHORITY_KEY_IDENTIFIER,
    ext.CERTIFICATE_POLICIES,
    ext.BASIC_CONSTRAINTS,
    ext.SUBJECT_ALTERNATIVE_NAME,
)


def _critical(code: str, oid: str, wanted: bool) -> Rule:
    title = ext.Extension(oid, False, b"").title
    expected = "critical" if wanted else "not critical"
    return Rule(
        code, title, _P21, expected, lambda v: f.criticality(v, oid), lambda v: f.critical_if_present(v, oid, wanted)
    )


def _present(code: str, oid: str) -> Rule:
    title = ext.Extension(oid, False, b"").title
    return Rule(code, title, _P21, "present", lambda v: f.criticality(v, oid), lambda v: f.found(v, oid) is not None)


def _flagless(code: str, field: str, clause: Clause, expected: str, *flags: str) -> Rule:
    return Rule(
        code, field, clause, expected, lambda v: f.flags(v, *flags), lambda v: not v.certificate.flags & set(flags)
    )


def _hex(octets: bytes | None) -> str:
    return "absent" if octets is None else octets.hex()


def _constraints(v: View) -> str:
    found = v.certificate.basic_constraints
    if found is None:
        return "absent"
    length = "" if found.path_length is None else f", path length {found.path_length}"
    return f"cA {'TRUE' if found.authority else 'FALSE'}{length}"


def _lasts(years: int) -> Rule:
    expected = f"{years} years, within a day"
    return Rule("profile_duration", "validity", _PERIOD, expected, f.duration, lambda v: f.lasts(v, years))


def _order(clause: Clause, *oids: str) -> Rule:
    titles = tuple(ext.Extension(oid, False, b"").title for oid in oids)
    return Rule(
        "profile_extension_order", "extensions", clause, ", ".join(titles), lambda v: ", ".join(f.order(v)),
        lambda v: f.order(v) == titles, Severity.INFO,
    )  # fmt: skip


COMMON_RULES: tuple[Rule, ...] = (
    Rule("profile_version", "version", _P21, "3", lambda v: str(v.certificate.version),
         lambda v: v.certificate.version == 3),
    _flagless("profile_version_encoded", "version", _RFC, "v1 left out", c.VERSION_1_ENCODED),
    Rule("profile_serial_not_positive", "serial", _P21, "a positive number", lambda v: str(v.certificate.serial),
         lambda v: v.certificate.serial > 0),
    Rule("profile_serial_size", "serial", _P21, "16 octets, the first 10 to 7F",
         lambda v: v.certificate.serial_octets.hex().upper(),
         lambda v: len(v.certificate.serial_octets) == 16 and 0x10 <= v.certificate.serial_octets[0] <= 0x7F, _WARNING),
    Rule("profile_serial_too_long", "serial", _RFC, "20 octets at most",
         lambda v: f"{len(v.certificate.serial_octets)} octets", lambda v: len(v.certificate.serial_octets) <= 20),
    Rule("profile_signature_algorithm", "signatureAlgorithm", _P21, "ecdsa-with-SHA256",
         lambda v: f.algorithm(v.certificate.signature_algorithm),
         lambda v: v.certificate.signature_algorithm == ECDSA_SHA256_OID),
    _flagless("profile_signature_algorithm_mismatch", "signature", _RFC, "one algorithm inside and outside",
              c.ALGORITHM_MISMATCH),
    _flagless("profile_signature_nonminimal", "signatureValue", _T6, "shortest INTEGERs", NONMINIMAL_DER),
    _flagless("profile_signature_malformed", "signatureValue", _P21, "an ECDSA-Sig-Value", SIGNATURE_MALFORMED),
    Rule("profile_self_signed_other_name", "signatureValue", _T4, "made by the issuer's key", f.own_signature,
         lambda v: f.own_signature(v) != "own key under another issuer's name"),
    Rule("profile_self_signature_wrong", "signatureValue", _RFC, "right if self-signed", f.own_signature,
         lambda v: f.own_signature(v) != "wrong"),
    Rule("profile_issuer_empty", "issuer", _RFC, "a name", lambda v: str(v.certificate.issuer) or "empty",
         lambda v: bool(v.certificate.issuer.rdns)),
    _flagless("profile_name_rdn_empty", "issuer", _RFC, "no empty RDN", c.NAME_RDN_EMPTY),
    Rule("profile_issuer_string_type", "issuer", _T5, "PrintableString",
         lambda v: f.shape(v.certificate.issuer, types=True), lambda v: f.printable(v.certificate.issuer), _WARNING),
    _flagless("profile_time_form", "validity", _P23, "Zulu, UTCTime up to 2049", c.TIME_FORM_WRONG),
    Rule("profile_validity_reversed", "validity", _RFC, "notBefore not after notAfter", f.duration,
         lambda v: v.certificate.not_before <= v.certificate.not_after),
    Rule("profile_not_current", "validity", _T16, "within the period", f.currency,
         lambda v: f.currency(v) in ("within", "not looked at"), _WARNING),
    Rule("profile_common_name_long", "subject", _RFC, "CN of at most 64 characters",
         lambda v: f"{f.longest(v, COMMON_NAME)} characters", lambda v: f.longest(v, COMMON_NAME) <= 64),
    Rule("profile_organisational_unit_long", "subject", _RFC, "OU of at most 64 characters",
         lambda v: f"{f.longest(v, ORGANISATIONAL_UNIT)} characters",
         lambda v: f.longest(v, ORGANISATIONAL_UNIT) <= 64),
    Rule("profile_name_attribute_size", "subject", _RFC, "attributes within their upper bounds", f.oversized,
         lambda v: f.oversized(v) == "none"),
    Rule("profile_name_white_space", "subject", _RFC, "values without white space around them", f.padded,
         lambda v: f.padded(v) == "none", _WARNING),
    Rule("profile_subject_empty", "subject", _RFC, "a name, or a subjectAltName",
         lambda v: str(v.certificate.subject) or "empty",
         lambda v: bool(v.certificate.subject.rdns) or f.found(v, _SAN) is not None),
    Rule("profile_key_not_p256", "publicKeyInfo", _P21, KeyForm.P256.value, lambda v: v.certificate.key_form.value,
         lambda v: v.certificate.key_form is KeyForm.P256),
    _flagless("profile_unique_identifier_field", "uniqueIdentifiers", _P21, "none", c.ISSUER_UNIQUE_ID,
              c.SUBJECT_UNIQUE_ID),
    _flagless("profile_extensions_empty", "extensions", _RFC, "one extension or more", c.EXTENSIONS_EMPTY),
    _present("profile_key_usage_missing", _KU),
    _critical("profile_key_usage_not_critical", _KU, True),
    _flagless("profile_key_usage_not_der", "keyUsage", _RFC_EXT, "a DER bit list", k.KEY_USAGE_NOT_DER),
    Rule("profile_key_usage_no_bits", "keyUsage", _RFC_EXT, "a bit or more", lambda v: v.certificate.key_usage.title,
         lambda v: f.found(v, _KU) is None or bool(v.certificate.key_usage)),
    Rule("profile_cert_sign_without_authority", "keyUsage", _RFC_EXT, "keyCertSign with cA TRUE only",
         lambda v: v.certificate.key_usage.title,
         lambda v: KeyUsage.KEY_CERT_SIGN not in v.certificate.key_usage or v.certificate.is_authority),
    _present("profile_ski_missing", _SKI),
    _critical("profile_ski_critical", _SKI, False),
    Rule("profile_ski_not_method_2", "subjectKeyIdentifier", _P21, "method 2, 8 octets", f.ski_method,
         lambda v: f.ski_method(v) == "absent" or f.ski_method(v).startswith("method 2")),
    _critical("profile_aki_critical", _AKI, False),
    Rule("profile_aki_no_key_identifier", "authorityKeyIdentifier", _P21, "a key identifier",
         lambda v: _hex(v.certificate.authority_key_identifier),
         lambda v: f.found(v, _AKI) is None or v.certificate.authority_key_identifier is not None),
    Rule("profile_aki_size", "authorityKeyIdentifier", _P21, "8 octets",
         lambda v: _hex(v.certificate.authority_key_identifier),
         lambda v: len(v.certificate.authority_key_identifier or bytes(8)) == 8),
    _flagless("profile_aki_names_issuer", "authorityKeyIdentifier", _P21, "no issuer name or serial",
              k.AKI_NAMES_ISSUER),
    _present("profile_policies_missing", _CP),
    _critical("profile_policies_not_critical", _CP, True),
    Rule("profile_policies_many", "certificatePolicies", _P21, "one policy",
         lambda v: ", ".join(v.certificate.policies) or "none", lambda v: len(set(v.certificate.policies)) <= 1),
    Rule("profile_policy_duplicate", "certificatePolicies", _RFC_EXT, "no policy twice",
         lambda v: ", ".join(v.certificate.policies) or "none",
         lambda v: len(set(v.certificate.policies)) == len(v.certificate.policies)),
    _flagless("profile_policy_qualifiers", "certificatePolicies", _P21, "no qualifiers", k.POLICY_QUALIFIERS),
    Rule("profile_policy_other_environment", "certificatePolicies", _P22, "the environment's policy",
         lambda v: ", ".join(v.certificate.policies) or "none",
         lambda v: v.policy is None or not v.certificate.policies or v.policy in v.certificate.policies),
    Rule("profile_basic_constraints_not_critical", "basicConstraints", _P21, "critical",
         lambda v: f.criticality(v, _BC),
         lambda v: f.criticality(v, _BC) != "not critical"),
    Rule("profile_san_not_critical", "subjectAltName", _RFC_EXT, "critical with an empty subject",
         lambda v: f.criticality(v, _SAN),
         lambda v: bool(v.certificate.subject.rdns) or f.criticality(v, _SAN) != "not critical"),
    Rule("profile_san_critical_with_subject", "subjectAltName", _RFC_EXT, "not critical with a subject",
         lambda v: f.criticality(v, _SAN),
         lambda v: not v.certificate.subject.rdns or f.criticality(v, _SAN) != "critical", _WARNING),
    Rule("profile_extended_key_usage_inconsistent", "extKeyUsage", _RFC_EXT, "purposes that keyUsage serves",
         lambda v: f.criticality(v, ext.EXTENDED_KEY_USAGE), f.purposes_agree),
    Rule("profile_constraints_not_critical", "constraints", _RFC_EXT, "critical", f.lax_constraints,
         lambda v: f.lax_constraints(v) == "none"),
    Rule("profile_name_constraints_without_authority", "nameConstraints", _RFC_EXT, "only on a CA",
         lambda v: f.criticality(v, ext.NAME_CONSTRAINTS),
         lambda v: v.certificate.is_authority or f.found(v, ext.NAME_CONSTRAINTS) is None),
    Rule("profile_policy_mappings", "policyMappings", _RFC_EXT, "only on a CA",
         lambda v: f.criticality(v, ext.POLICY_MAPPINGS),
         lambda v: v.certificate.is_authority or f.found(v, ext.POLICY_MAPPINGS) is None),
)  # fmt: skip

END_ENTITY_RULES: tuple[Rule, ...] = (
    _present("profile_aki_missing", _AKI),
    Rule("profile_key_usage_not_one", "keyUsage", _P21, "digitalSignature or keyAgreement, one of them",
         lambda v: v.certificate.key_usage.title,
         lambda v: v.certificate.key_usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)),
    Rule("profile_basic_constraints_present", "basicConstraints", _T8, "absent", _constraints,
         lambda v: v.certificate.basic_constraints is None, _WARNING),
    Rule("profile_extension_not_allowed", "extensions", _P21, "no others", f.other_extensions,
         lambda v: f.other_extensions(v) == "none"),
)  # fmt: skip

AUTHORITY_RULES: tuple[Rule, ...] = (
    Rule("profile_key_usage_not_authority", "keyUsage", _P24, "keyCertSign+cRLSign",
         lambda v: v.certificate.key_usage.title, lambda v: v.certificate.key_usage == _AUTHORITY_USAGE),
    Rule("profile_not_authority", "basicConstraints", _P24, "cA TRUE", _constraints,
         lambda v: v.certificate.is_authority),
    Rule("profile_aki_missing", "authorityKeyIdentifier", _P21, "present unless self-issued",
         lambda v: f.criticality(v, _AKI), lambda v: v.certificate.is_self_issued or f.found(v, _AKI) is not None),
    Rule("profile_extension_not_allowed", "extensions", _P21, "no others",
         lambda v: f.other_extensions(v, ext.WRAPPED_APEX_KEY),
         lambda v: f.other_extensions(v, ext.WRAPPED_APEX_KEY) == "none"),
    Rule("profile_san_not_allowed", "subjectAltName", _P24, "absent", lambda v: f.criticality(v, _SAN),
         lambda v: f.found(v, _SAN) is None),
)  # fmt: skip


def _names(clause: Clause, subject_unit: str | None, issuer_unit: str | None) -> tuple[Rule, ...]:
    return (
        Rule("profile_subject_shape", "subject", clause, _authority_text(subject_unit),
             lambda v: str(v.certificate.subject), lambda v: f.authority_shape(v.certificate.subject, subject_unit)),
        Rule("profile_issuer_shape", "issuer", clause, _authority_text(issuer_unit),
             lambda v: str(v.certificate.issuer), lambda v: f.authority_shape(v.certificate.issuer, issuer_unit)),
    )  # fmt: skip


def _authority_text(unit: str | None) -> str:
    return "CN alone" if unit is None else f"OU {unit}, CN"


_ISSUING = Rule("profile_path_length", "basicConstraints", _P24, "path length 0", _constraints,
                lambda v: v.certificate.basic_constraints is not None
                and v.certificate.basic_constraints.path_length == 0)  # fmt: skip
_ROOT = (
    Rule("profile_root_not_self_issued", "issuer", _P25, "its own subject", lambda v: str(v.certificate.issuer),
         lambda v: v.certificate.is_self_issued),
    Rule("profile_path_length", "basicConstraints", _P25, "no path length", _constraints,
         lambda v: v.certificate.basic_constraints is None or v.certificate.basic_constraints.path_length is None),
    Rule("profile_aki_on_root", "authorityKeyIdentifier", _P21, "absent", lambda v: f.criticality(v, _AKI),
         lambda v: f.found(v, _AKI) is None, _WARNING),
)  # fmt: skip

KIND_UNKNOWN: Rule = Rule("profile_kind_unknown", "subject", _P21, "a subject or subjectAltName of an SMKI profile",
                          lambda v: f.shape(v.certificate.subject), lambda v: False)  # fmt: skip

KIND_RULES: dict[CertificateKind, tuple[Rule, ...]] = {
    CertificateKind.ORGANISATION: (
        Rule("profile_subject_shape", "subject", _P23, "CN if any, OU, uniqueIdentifier; UTF8String",
             lambda v: f.shape(v.certificate.subject, types=True),
             lambda v: f.organisation_shape(v.certificate.subject)),
        Rule("profile_role", "subject", _P23, "OU of two upper-case hex digits",
             lambda v: v.certificate.subject.organisational_unit or "absent", lambda v: v.certificate.role is not None),
        Rule("profile_issuer_shape", "issuer", _P23, "OU 07, CN", lambda v: str(v.certificate.issuer),
             lambda v: f.authority_shape(v.certificate.issuer, "07")),
        Rule("profile_san_not_allowed", "subjectAltName", _P23, "absent", lambda v: f.criticality(v, _SAN),
             lambda v: f.found(v, _SAN) is None),
        _lasts(10),
        _order(_P23, _KU, _SKI, _CP, _AKI),
    ),
    CertificateKind.DEVICE: (
        Rule("profile_subject_shape", "subject", _P26, "empty", lambda v: f.shape(v.certificate.subject),
             lambda v: not v.certificate.subject.rdns),
        Rule("profile_issuer_shape", "issuer", _P26, "CN alone", lambda v: str(v.certificate.issuer),
             lambda v: f.authority_shape(v.certificate.issuer, None)),
        Rule("profile_hardware_module_name", "subjectAltName", _P26, "one hardwareModuleName with an EUI-64",
             lambda v: str(v.certificate.entity_id or "absent"),
             lambda v: v.certificate.entity_id is not None and ext.names_in(f.found(v, _SAN)) == 1),
        Rule("profile_device_expires", "validity", _P26, "notAfter 9999-12-31T23:59:59Z",
             lambda v: v.certificate.not_after.isoformat(), lambda v: v.certificate.not_after.year == 9999),
        _order(_P26, _KU, _SKI, _SAN, _CP, _AKI),
    ),
    CertificateKind.ISSUING_OCA: (
        *_names(_P24, "07", "00"), _ISSUING, _lasts(25), _order(_P24, _KU, _BC, _CP, _SKI, _AKI),
    ),
    CertificateKind.ROOT_OCA: (*_names(_P25, "00", "00"), *_ROOT, _lasts(50)),
    CertificateKind.ISSUING_DCA: (*_names(_P27, None, None), _ISSUING, _lasts(25)),
    CertificateKind.ROOT_DCA: (*_names(_P27, None, None), *_ROOT, _lasts(50)),
    CertificateKind.IKI: (),
}  # fmt: skip
