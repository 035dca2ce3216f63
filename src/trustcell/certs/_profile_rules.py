"""The profiles of SMKI certificates: what every certificate must be, and what its kind must be besides.

Read from top to bottom in the order of a certificate. Every ``need`` is a rule: what holds, the code of a breach, the
clause, what the profile wants.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography import x509

from trustcell.certs import _profile_fields as f
from trustcell.certs import certificate as c
from trustcell.certs import extensions as ext
from trustcell.certs._clauses import DEVICE, GBCS_12, IKI, ORGANISATION, PERIOD, SEEN, rfc5280
from trustcell.certs._library import TIME_FORM_WRONG
from trustcell.certs._profile_fields import View
from trustcell.certs.certificate import CertificateKind
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import COMMON_NAME, ORGANISATIONAL_UNIT, Name
from trustcell.certs.rules import Field
from trustcell.certs.signature import ECDSA_SHA256_OID, NONMINIMAL_DER, RSA_SHA256_OID, SIGNATURE_MALFORMED
from trustcell.vocab import Clause, KeyUsage, Severity

_SIGNATURE = Clause("RFC 3279 2.2.3", "RFC 3279")
_WARNING = Severity.WARNING
_KU, _SKI, _AKI, _CP, _BC, _SAN = (
    ext.KEY_USAGE,
    ext.SUBJECT_KEY_IDENTIFIER,
    ext.AUTHORITY_KEY_IDENTIFIER,
    ext.CERTIFICATE_POLICIES,
    ext.BASIC_CONSTRAINTS,
    ext.SUBJECT_ALTERNATIVE_NAME,
)
_CONSTRAINTS = (ext.NAME_CONSTRAINTS, ext.POLICY_CONSTRAINTS, ext.INHIBIT_ANY_POLICY)
_END_ENTITY_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What signs, by title and OID, with which key."""

    title: str
    oid: str
    key: str
    key_code: str
    clause: Clause


ECDSA = Algorithm("ecdsa-with-SHA256", ECDSA_SHA256_OID, KeyForm.P256.value, "profile_key_not_p256", GBCS_12)
RSA = Algorithm("sha256WithRSAEncryption", RSA_SHA256_OID, "rsa-2048", "profile_key_not_rsa_2048", IKI)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of certificate must be besides what all must be.

    ``years`` 0 is no expiry, ``None`` what the environment says.
    """

    clause: Clause
    subject: str
    subject_fits: Callable[[Name], bool]
    issuer: str
    issuer_fits: Callable[[Name], bool]
    years: int | None
    order: tuple[str, ...] = ()
    root: bool = False
    authority: bool = True
    algorithm: Algorithm = ECDSA


def _authority(unit: str | None) -> tuple[str, Callable[[Name], bool]]:
    return "CN alone" if unit is None else f"OU {unit}, CN", lambda name: f.authority_shape(name, unit)


PROFILES = {
    CertificateKind.ORGANISATION: Profile(
        ORGANISATION, "CN if any, OU of two upper-case hex digits, uniqueIdentifier; UTF8String", f.organisation_shape,
        *_authority("07"), 10, (_KU, _SKI, _CP, _AKI), authority=False,
    ),
    CertificateKind.DEVICE: Profile(
        DEVICE, "empty", lambda name: not name.rdns, *_authority(None), 0, (_KU, _SKI, _SAN, _CP, _AKI), authority=False
    ),
    CertificateKind.ISSUING_OCA: Profile(
        ORGANISATION, *_authority("07"), *_authority("00"), 25, (_KU, _BC, _CP, _SKI, _AKI)
    ),
    CertificateKind.ROOT_OCA: Profile(ORGANISATION, *_authority("00"), *_authority("00"), 50, root=True),
    CertificateKind.ISSUING_DCA: Profile(DEVICE, *_authority(None), *_authority(None), 25),
    CertificateKind.ROOT_DCA: Profile(DEVICE, *_authority(None), *_authority(None), 50, root=True),
    CertificateKind.ICA: Profile(
        IKI, *_authority(None), *_authority(None), None, (_KU, _BC, _CP, _SKI), root=True, algorithm=RSA
    ),
    CertificateKind.IKI: Profile(
        IKI, "O, OU of two upper-case hex digits, CN; UTF8String", f.iki_shape, *_authority(None), None,
        (_KU, _SKI, _CP, _AKI), authority=False, algorithm=RSA,
    ),
}  # fmt: skip


def _document(v: View) -> Clause:
    """What asks for the extensions: GBCS, or the IKI policy for certificates that no device sees."""
    return IKI if v.kind in (CertificateKind.IKI, CertificateKind.ICA) else GBCS_12


def judge(view: View) -> Iterator[Field]:
    """Every field of the certificate, judged by the common rules and those of its kind."""
    profile = PROFILES.get(view.kind)
    authority = view.certificate.is_authority or (profile is not None and profile.authority)
    yield from _head(view, profile.algorithm if profile else ECDSA)
    yield from _names(view, profile)
    yield _validity(view, profile)
    yield from _key(view, profile.algorithm if profile else ECDSA)
    yield _key_usage(view, authority)
    yield from _key_identifiers(view, profile, authority)
    yield _policies(view)
    yield _basic_constraints(view, profile, authority)
    yield _alternative_name(view, authority)
    yield from _rest(view, profile, authority)


def _head(v: View, wanted: Algorithm) -> Iterator[Field]:
    found, flags = v.certificate, v.certificate.flags
    version = Field("version", str(found.version), rfc5280("4.1.2.1"), "3")
    version.need(found.version == 3, "profile_version", rfc5280("4.1.2.1"), "3")
    yield version
    octets, expected = found.serial_octets, "16 octets, the first 10 to 7F"
    serial = Field("serial", octets.hex().upper(), SEEN, expected)
    serial.need(len(octets) <= 20, "profile_serial_too_long", rfc5280("4.1.2.2"), "20 octets at most")
    serial.need(len(octets) == 16 and 0x10 <= octets[0] <= 0x7F, "profile_serial_size", SEEN, expected, _WARNING)
    yield serial
    oid, expected = found.signature_algorithm, wanted.title
    algorithm = Field("signatureAlgorithm", expected if oid == wanted.oid else oid, wanted.clause, expected)
    algorithm.need(oid == wanted.oid, "profile_signature_algorithm", wanted.clause, expected)
    algorithm.need(c.ALGORITHM_MISMATCH not in flags, "profile_signature_algorithm_mismatch", rfc5280("4.1.1.2"),
                   "one algorithm inside and outside")  # fmt: skip
    yield algorithm
    made = v.own_signature
    form = "an ECDSA-Sig-Value in DER" if wanted is ECDSA else "a PKCS#1 v1.5 signature"
    value = Field("signatureValue", made, rfc5280("4.1.1.3"), f"{form}, by the issuer's key")
    value.need(NONMINIMAL_DER not in flags, "profile_signature_nonminimal", _SIGNATURE, "shortest INTEGERs (trap T6)")
    value.need(SIGNATURE_MALFORMED not in flags, "profile_signature_malformed", _SIGNATURE, "an ECDSA-Sig-Value")
    value.need(made != f.OTHER_NAME, "profile_self_signed_other_name", rfc5280("4.1.2.4"), "the issuer's key (trap T4)")
    value.need(made != f.WRONG, "profile_self_signature_wrong", rfc5280("4.1.1.3"), "a right signature if self-signed")
    yield value


def _names(v: View, profile: Profile | None) -> Iterator[Field]:
    subject_name, issuer_name, clause = v.certificate.subject, v.certificate.issuer, rfc5280("4.1.2.4")
    own = profile.clause if profile else clause
    issuer = Field("issuer", f.described(issuer_name), own, f"{profile.issuer}; PrintableString" if profile else "any")
    issuer.need(bool(issuer_name.rdns), "profile_issuer_empty", clause, "a name")
    issuer.need(f.printable(issuer_name), "profile_issuer_string_type", SEEN, "PrintableStrings (trap T5)", _WARNING)
    subject = Field("subject", f.described(subject_name), own, profile.subject if profile else "any")
    for field, name in ((issuer, issuer_name), (subject, subject_name)):
        _texts(field, name)
    if profile:
        issuer.need(profile.issuer_fits(issuer_name), "profile_issuer_shape", own, profile.issuer)
        subject.need(profile.subject_fits(subject_name), "profile_subject_shape", own, profile.subject)
        if profile.root:
            issuer.need(v.certificate.is_self_issued, "profile_root_not_self_issued", own, "its own subject")
    else:
        subject.need(False, "profile_kind_unknown", GBCS_12, "a subject or subjectAltName of an SMKI profile")
    if v.kind is CertificateKind.ORGANISATION:
        subject.need(v.certificate.role is not None, "profile_role", own, "OU of two upper-case hex digits")
    named = bool(subject_name.rdns) or f.present(v, _SAN)
    subject.need(named, "profile_subject_empty", rfc5280("4.1.2.6"), "a name, or a subjectAltName")
    yield from (issuer, subject)


def _texts(field: Field, name: Name) -> None:
    bounds = rfc5280("A.1")
    field.need(f.strings(name), "profile_name_string_type", rfc5280("4.1.2.4"), "string types of names")
    field.need(f.bounded(name, COMMON_NAME), "profile_common_name_long", bounds, "CN of 1 to 64 characters")
    unit = f.bounded(name, ORGANISATIONAL_UNIT)
    field.need(unit, "profile_organisational_unit_long", bounds, "OU of 1 to 64 characters")
    field.need(f.bounded(name), "profile_name_attribute_size", bounds, "attributes within their bounds")
    field.need(f.unpadded(name), "profile_name_white_space", rfc5280("7.1"), "no white space around values", _WARNING)


def _validity(v: View, profile: Profile | None) -> Field:
    found, section = v.certificate, rfc5280("4.1.2.5")
    expected, clause = "a period", section
    if profile:
        years = profile.years
        if years is not None:
            expected = f"{years} years, within a day" if years else "notAfter 9999-12-31T23:59:59Z"
            clause = PERIOD if years else GBCS_12
    field = Field("validity", f.duration(found), clause, expected)
    field.need(TIME_FORM_WRONG not in found.flags, "profile_time_form", section, "Zulu, UTCTime up to 2049")
    in_order = found.not_before <= found.not_after
    field.need(in_order, "profile_validity_reversed", section, "notBefore not after notAfter")
    current = v.now is None or found.covers(v.now)
    field.need(current, "profile_not_current", rfc5280("6.1.3"), "a period that holds now", _WARNING)
    if profile and years:
        field.need(f.lasts(found, years), "profile_duration", clause, expected)
    elif profile and years == 0:
        field.need(found.not_after.year == 9999, "profile_device_expires", clause, expected)
    return field


def _key(v: View, wanted: Algorithm) -> Iterator[Field]:
    title = f.key_title(v.certificate)
    key = Field("publicKeyInfo", title, wanted.clause, wanted.key)
    key.need(title == wanted.key, wanted.key_code, wanted.clause, wanted.key)
    yield key
    flags = v.certificate.flags & {c.ISSUER_UNIQUE_ID, c.SUBJECT_UNIQUE_ID}
    unique = Field("uniqueIdentifiers", ", ".join(sorted(flags)) or "none", SEEN, "none")
    unique.need(not flags, "profile_unique_identifier_field", rfc5280("4.1.2.8"), "none")
    yield unique


def _key_usage(v: View, authority: bool) -> Field:
    usage, section, document = v.certificate.key_usage, rfc5280("4.2.1.3"), _document(v)
    allowed = (KeyUsage.DIGITAL_SIGNATURE,) if v.kind is CertificateKind.IKI else _END_ENTITY_USAGES
    expected = "keyCertSign+cRLSign" if authority else " or ".join(usage.title for usage in allowed)
    expected += ", one of them" if not authority and len(allowed) > 1 else ""
    field = Field("keyUsage", f.shown(v, _KU, usage.title), document, f"{expected}; critical")
    field.need(f.present(v, _KU), "profile_key_usage_missing", document, "present")
    field.need(not f.lax(v, _KU), "profile_key_usage_not_critical", document, "critical")
    minimal = ext.KEY_USAGE_NOT_DER not in v.certificate.flags
    field.need(minimal, "profile_key_usage_not_der", section, "a DER bit list")
    field.need(not f.present(v, _KU) or bool(usage), "profile_key_usage_no_bits", section, "a bit or more")
    signs = KeyUsage.KEY_CERT_SIGN not in usage or v.certificate.is_authority
    field.need(signs, "profile_cert_sign_without_authority", section, "keyCertSign with cA TRUE only")
    if authority:
        both = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN
        field.need(usage == both, "profile_key_usage_not_authority", SEEN, expected)
    else:
        field.need(usage in allowed, "profile_key_usage_not_one", document, expected)
    return field


def _key_identifiers(v: View, profile: Profile | None, authority: bool) -> Iterator[Field]:
    found, method, document = v.certificate, f.ski_method(v.certificate), _document(v)
    ski = Field("subjectKeyIdentifier", f.shown(v, _SKI, method), document, "method 2, 8 octets; not critical")
    ski.need(f.present(v, _SKI), "profile_ski_missing", document, "present")
    ski.need(not f.critical(v, _SKI), "profile_ski_critical", rfc5280("4.2.1.2"), "not critical")
    ski.need(method.startswith(("absent", "method 2")), "profile_ski_not_method_2", document, "method 2, 8 octets")
    yield ski
    octets, present, section = found.authority_key_identifier, f.present(v, _AKI), rfc5280("4.2.1.1")
    root = profile is not None and profile.root
    expected = "absent" if root else "8 octets alone; not critical"
    aki = Field("authorityKeyIdentifier", f.shown(v, _AKI, (octets or b"").hex() or "none"), document, expected)
    aki.need(not f.critical(v, _AKI), "profile_aki_critical", section, "not critical")
    aki.need(not present or octets is not None, "profile_aki_no_key_identifier", section, "a key identifier")
    aki.need(len(octets or bytes(8)) == 8, "profile_aki_size", document, "8 octets")
    aki.need(ext.AKI_NAMES_ISSUER not in found.flags, "profile_aki_names_issuer", SEEN, "no issuer name or serial")
    excused = authority and found.is_self_issued
    aki.need(present or excused, "profile_aki_missing", document, "present unless a self-issued root")
    aki.need(not (root and present), "profile_aki_on_root", document, "absent", _WARNING)
    yield aki


def _policies(v: View) -> Field:
    named, document = v.certificate.policies, _document(v)
    expected = "the environment's one policy, no qualifiers; critical"
    field = Field("certificatePolicies", f.shown(v, _CP, ", ".join(named)), document, expected)
    field.need(f.present(v, _CP), "profile_policies_missing", document, "present")
    field.need(not f.lax(v, _CP), "profile_policies_not_critical", document, "critical")
    field.need(len(set(named)) <= 1, "profile_policies_many", document, "one policy")
    field.need(len(set(named)) == len(named), "profile_policy_duplicate", rfc5280("4.2.1.4"), "no policy twice")
    bare = ext.POLICY_QUALIFIERS not in v.certificate.flags
    field.need(bare, "profile_policy_qualifiers", document, "no qualifiers")
    ours = v.policy is None or not named or v.policy in named
    field.need(ours, "profile_policy_other_environment", document, "the environment's policy")
    return field


def _basic_constraints(v: View, profile: Profile | None, authority: bool) -> Field:
    found, section, expected = v.certificate.basic_constraints, rfc5280("4.2.1.9"), "absent"
    length = found.path_length if found else None
    if authority:
        wanted = "" if profile is None else ", no path length" if profile.root else ", path length 0"
        expected = f"cA TRUE{wanted}"
    shown = f"cA {str(v.certificate.is_authority).upper()}" + ("" if length is None else f", path length {length}")
    field = Field("basicConstraints", f.shown(v, _BC, shown), SEEN, expected)
    field.need(not f.lax(v, _BC), "profile_basic_constraints_not_critical", section, "critical")
    if not authority:
        field.need(found is None, "profile_basic_constraints_present", SEEN, "absent (trap T8)", _WARNING)
        return field
    field.need(v.certificate.is_authority, "profile_not_authority", section, "cA TRUE")
    if profile:
        fits = length == (None if profile.root else 0)
        field.need(fits, "profile_path_length", profile.clause, expected)
    return field


def _alternative_name(v: View, authority: bool) -> Field:
    section, named, device = rfc5280("4.2.1.6"), bool(v.certificate.subject.rdns), v.kind is CertificateKind.DEVICE
    found = ext.value(v.certificate.x509.extensions, x509.SubjectAlternativeName)
    names = list(found or ())
    barred = not device and (authority or v.kind in (CertificateKind.ORGANISATION, CertificateKind.IKI))
    expected = "one hardwareModuleName with an EUI-64; critical" if device else "absent" if barred else "any"
    clause = GBCS_12 if device else section if not barred else IKI if _document(v) is IKI else ORGANISATION
    field = Field("subjectAltName", f.shown(v, _SAN, f.alternative_names(v, names)), clause, expected)
    field.need(named or not f.lax(v, _SAN), "profile_san_not_critical", section, "critical with an empty subject")
    loose = not named or not f.critical(v, _SAN)
    field.need(loose, "profile_san_critical_with_subject", section, "not critical with a subject", _WARNING)
    field.need(found is None or bool(names), "profile_san_no_names", section, "a name or more")
    field.need(f.ascii_names(names), "profile_san_not_ia5", section, "names in ASCII")
    field.need(not (barred and found), "profile_san_not_allowed", clause, "absent")
    one = v.certificate.entity_id is not None and len(names) == 1
    field.need(not device or one, "profile_hardware_module_name", clause, expected)
    return field


def _rest(v: View, profile: Profile | None, authority: bool) -> Iterator[Field]:
    purposes = Field("extKeyUsage", ", ".join(v.certificate.extended_key_usages or ()) or "absent", SEEN, "absent")
    agree = f.purposes_agree(v.certificate)
    expected = "purposes that keyUsage serves"
    purposes.need(agree, "profile_extended_key_usage_inconsistent", rfc5280("4.2.1.12"), expected)
    yield purposes
    present = [oid for oid in (*_CONSTRAINTS, ext.POLICY_MAPPINGS) if f.present(v, oid)]
    constraints = Field("constraints", ", ".join(map(ext.title, present)) or "none", SEEN, "none")
    strict = not any(f.lax(v, oid) for oid in _CONSTRAINTS)
    constraints.need(strict, "profile_constraints_not_critical", rfc5280("4.2.1.10"), "critical")
    for oid, code, section in (
        (ext.NAME_CONSTRAINTS, "profile_name_constraints_without_authority", "4.2.1.10"),
        (ext.POLICY_MAPPINGS, "profile_policy_mappings", "4.2.1.5"),
    ):
        allowed = v.certificate.is_authority or oid not in present
        constraints.need(allowed, code, rfc5280(section), f"{ext.title(oid)} only on a CA")
    yield constraints
    found = [extension.oid for extension in v.certificate.extensions]
    order = profile.order if profile else ()
    expected = ", ".join(map(ext.title, order)) or "those of the profile"
    extensions = Field("extensions", ", ".join(map(ext.title, found)) or "none", SEEN, expected)
    filled = c.EXTENSIONS_EMPTY not in v.certificate.flags
    extensions.need(filled, "profile_extensions_empty", rfc5280("4.1.2.9"), "one extension or more")
    others = set(found) - ext.SMKI_EXTENSIONS - ({ext.WRAPPED_APEX_KEY} if authority else set())
    extensions.need(not others, "profile_extension_not_allowed", SEEN, "no others")
    ordered = not order or tuple(found) == order
    extensions.need(ordered, "profile_extension_order", SEEN, expected, Severity.INFO)
    yield extensions
