"""What a request must say before an authority looks at who asks (smki.md 3.2, 3.4 C1 to C3; hostile inputs C1, C9)."""

from collections.abc import Iterator

from trustcell.certs import extensions as ext
from trustcell.certs._clauses import REQUEST
from trustcell.certs.csr import EXTENSION_REQUEST, CertificationRequest
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import COMMON_NAME, ORGANISATIONAL_UNIT, UNIQUE_IDENTIFIER
from trustcell.certs.signature import ECDSA_SHA256_OID
from trustcell.vocab import Finding, KeyUsage, Severity

_KEY_CODES = {
    KeyForm.P256_COMPRESSED: ("csr_point_compressed", "the point is compressed"),
    KeyForm.P256_INFINITY: ("csr_point_infinity", "the point is the point at infinity"),
    KeyForm.P256_OFF_CURVE: ("csr_point_not_on_curve", "the point is not on P-256"),
    KeyForm.P256_BAD_POINT: ("csr_point_malformed", "the point is not 04 and two coordinates"),
    KeyForm.OTHER_CURVE: ("csr_curve_not_p256", "the curve is not P-256"),
    KeyForm.EXPLICIT_CURVE: ("csr_curve_explicit", "the curve is given by explicit parameters"),
    KeyForm.RSA: ("csr_key_rsa", "the key is an RSA key"),
    KeyForm.DSA: ("csr_key_dsa", "the key is a DSA key"),
    KeyForm.OTHER: ("csr_key_not_ec", "the key is no EC key"),
}
_UNWANTED_CODES = {
    ext.BASIC_CONSTRAINTS: "csr_extension_basic_constraints",
    ext.EXTENDED_KEY_USAGE: "csr_extension_extended_key_usage",
    ext.SUBJECT_ALTERNATIVE_NAME: "csr_extension_subject_alt_name",
}
_END_ENTITY = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)


def check_csr(request: CertificationRequest) -> list[Finding]:
    """What keeps the request from being issued as asked, whoever asks; empty for a clean one.

    Codes: ``csr_signature_wrong``, one for each kind of wrong key (``csr_curve_not_p256``, ``csr_point_infinity`` ...),
    ``csr_subject_...``, ``csr_key_usage_...``, ``csr_extension_...``, ``csr_attribute_not_allowed``.
    """
    content = _device(request) if request.is_for_device else _organisation(request)
    return [*_key_and_signature(request), *content, *_extensions(request)]


def _key_and_signature(request: CertificationRequest) -> Iterator[Finding]:
    if request.key_form is not KeyForm.P256:
        code, message = _KEY_CODES[request.key_form]
        yield REQUEST.breach(code, "publicKeyInfo", message, "an uncompressed point on P-256")
    if request.signature_algorithm != ECDSA_SHA256_OID:
        message = f"it is {request.signature_algorithm}"
        yield REQUEST.breach("csr_signature_algorithm", "signatureAlgorithm", message, "ecdsa-with-SHA256")
    elif request.key_form is KeyForm.P256 and not request.proves_possession():
        message = "the request is not signed with the key it carries, or not in strict DER"
        yield REQUEST.breach("csr_signature_wrong", "signature", message, "sign with the private key of the request")


def _organisation(request: CertificationRequest) -> Iterator[Finding]:
    subject = request.subject
    oids = [attribute.oid for attribute in subject.attributes]
    if request.role is None:
        yield REQUEST.breach(
            "csr_subject_role", "subject", f"OU is {subject.organisational_unit}", "two upper-case hex digits"
        )
    if subject.entity_id is None:
        yield REQUEST.breach("csr_subject_entity_id", "subject", "no uniqueIdentifier of eight octets", "the EUI-64")
    allowed = {COMMON_NAME, ORGANISATIONAL_UNIT, UNIQUE_IDENTIFIER}
    if not set(oids) <= allowed or len(set(oids)) != len(oids):
        yield REQUEST.breach("csr_subject_other", "subject", f"it has {subject}", "CN at most, OU, uniqueIdentifier")
    if request.key_usage not in _END_ENTITY:
        yield REQUEST.breach("csr_key_usage_not_one", "keyUsage", f"it is {request.key_usage.title}", _one())
    for extension in request.extensions:
        if extension.oid == ext.KEY_USAGE and not extension.critical:
            yield REQUEST.breach("csr_key_usage_not_critical", "keyUsage", "it is not critical", "a critical keyUsage")
        if extension.oid == ext.SUBJECT_ALTERNATIVE_NAME:
            code = _UNWANTED_CODES[extension.oid]
            yield REQUEST.breach(code, "subjectAltName", "an organisation has none", "leave it out")


def _device(request: CertificationRequest) -> Iterator[Finding]:
    if request.entity_id is None:
        message = "no hardwareModuleName with an EUI-64, and the subject is empty"
        yield REQUEST.breach("csr_hardware_module_name", "subjectAltName", message, "a hardwareModuleName")
    if request.key_usage not in _END_ENTITY:
        yield REQUEST.breach("csr_key_usage_not_one", "keyUsage", f"it is {request.key_usage.title}", _one())


def _extensions(request: CertificationRequest) -> Iterator[Finding]:
    for extension in request.extensions:
        if extension.oid in (ext.KEY_USAGE, ext.SUBJECT_ALTERNATIVE_NAME):
            continue
        code = _UNWANTED_CODES.get(extension.oid, "csr_extension_not_allowed")
        kind = "critical" if extension.critical else "not critical"
        yield REQUEST.breach(code, extension.title, f"it is asked for ({kind})", "leave it out")
    for attribute in request.attributes:
        if attribute.oid != EXTENSION_REQUEST:
            message = f"{attribute.oid} is asked for"
            yield REQUEST.breach(
                "csr_attribute_not_allowed", "attributes", message, "extensionRequest alone", Severity.WARNING
            )


def _one() -> str:
    return "digitalSignature or keyAgreement, one of them"
