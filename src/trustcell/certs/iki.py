"""IKI: certificates and requests of the people who use SMKI, and of the ICA that issues them (smki.md 2.7).

RSA 2048 with SHA-256. As in ``builder``, nothing here holds a private key: ``iki_tbs`` names what is signed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.asn1 import SetOf, decode_der, encode_der
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustcell.certs import _asn1
from trustcell.certs import _profile_fields as f
from trustcell.certs import extensions as ext
from trustcell.certs._clauses import IKI
from trustcell.certs.certificate import Certificate
from trustcell.certs.csr import EXTENSION_REQUEST, CertificationRequest
from trustcell.certs.keys import KeyForm, method2_ski
from trustcell.certs.name import ORGANISATION, Name, iki_name, role_of
from trustcell.certs.signature import RSA_SHA256_OID
from trustcell.vocab import Finding, KeyUsage

RsaSigner = Callable[[bytes], bytes]
"""Takes the octets to be signed, gives the signature of RSA PKCS#1 v1.5 with SHA-256 (256 octets)."""

_MAX_SERIAL = 2**159


@dataclass(frozen=True, slots=True)
class IkiTemplate:
    """The certificate of a person or system: digitalSignature, no CA; ``public_key`` is a SubjectPublicKeyInfo."""

    serial: int
    issuer: Name
    not_before: datetime
    not_after: datetime
    subject: Name
    public_key: bytes
    policy: str
    issuer_key_identifier: bytes

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no such certificate can say."""
        _check(self)


@dataclass(frozen=True, slots=True)
class IkiAuthorityTemplate:
    """The self-signed certificate of an ICA: named by CN alone, no path length, no AKI (assumed, smki.md 10)."""

    serial: int
    subject: Name
    not_before: datetime
    not_after: datetime
    public_key: bytes
    policy: str

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no such certificate can say."""
        _check(self)


def iki_tbs(template: IkiTemplate | IkiAuthorityTemplate) -> bytes:
    """The TBSCertificate; extensions stand in the order of Organisation and OCA Certificates (smki.md 2.3, 2.4)."""
    info = decode_der(_asn1.SubjectPublicKeyInfo, template.public_key)
    ski = _asn1.extension(x509.SubjectKeyIdentifier(method2_ski(info.key.as_bytes())), False)
    policy = x509.PolicyInformation(x509.ObjectIdentifier(template.policy), None)
    policies = _asn1.extension(x509.CertificatePolicies([policy]), True)
    if isinstance(template, IkiAuthorityTemplate):
        issuer = template.subject
        usage = ext.key_usage(KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN)
        extensions = [usage, _asn1.extension(x509.BasicConstraints(True, None), True), policies, ski]
    else:
        issuer = template.issuer
        aki = ext.authority_key_identifier(template.issuer_key_identifier)
        extensions = [ext.key_usage(KeyUsage.DIGITAL_SIGNATURE), ski, policies, aki]
    return encode_der(
        _asn1.TbsCertificate(
            version=2,
            serial=template.serial,
            signature=_asn1.tlv(_asn1.RSA_SHA256),
            issuer=_asn1.tlv(issuer.der),
            validity=_asn1.Validity(
                not_before=_asn1.moment(template.not_before), not_after=_asn1.moment(template.not_after)
            ),
            subject=_asn1.tlv(template.subject.der),
            public_key=info,
            issuer_unique_id=None,
            subject_unique_id=None,
            extensions=extensions,
        )
    )


def assemble_rsa(tbs: bytes, signature: bytes) -> bytes:
    """SIGNED{} with sha256WithRSAEncryption; serves certificates, requests and lists of an ICA."""
    return _asn1.assemble(tbs, signature, _asn1.RSA_SHA256)


def iki_csr(organisation: str, role: int, common_name: str, public_key: bytes, sign: RsaSigner) -> bytes:
    """The DER of a request for an IKI Certificate (smki.md 2.7): PKCS#10 version 0, critical digitalSignature."""
    wanted = SetOf([[ext.key_usage(KeyUsage.DIGITAL_SIGNATURE)]])
    request = _asn1.ExtensionRequest(oid=x509.ObjectIdentifier(EXTENSION_REQUEST), values=wanted)
    info = encode_der(
        _asn1.RequestInfo(
            version=0,
            subject=_asn1.tlv(iki_name(organisation, role, common_name).der),
            public_key=decode_der(_asn1.SubjectPublicKeyInfo, public_key),
            attributes=SetOf([_asn1.tlv(encode_der(request))]),
        )
    )
    return assemble_rsa(info, sign(info))


def verify_rsa(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this RSA key (a SubjectPublicKeyInfo) made the PKCS#1 v1.5 signature with SHA-256."""
    try:
        key = load_der_public_key(public_key)
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def issued_by_ica(certificate: Certificate, ica: Certificate) -> bool:
    """Whether the ICA signed this certificate and is named in it; periods and revocation are not looked at."""
    return (
        certificate.issuer.der == ica.subject.der
        and certificate.authority_key_identifier == ica.subject_key_identifier
        and certificate.signature_algorithm == RSA_SHA256_OID
        and verify_rsa(ica.spki, certificate.signature, certificate.tbs)
    )


def is_iki_csr(request: CertificationRequest) -> bool:
    """Whether this is meant as a request for an IKI Certificate: an RSA key, an organisation and a role's OU."""
    named = request.subject.first(ORGANISATION) is not None and request.role is not None
    return request.key_form is KeyForm.RSA and named


def check_iki_csr(request: CertificationRequest) -> list[Finding]:
    """What keeps a request for an IKI Certificate from being issued; empty for a clean one."""
    return list(_csr_findings(request))


def _csr_findings(request: CertificationRequest) -> Iterator[Finding]:
    found = f.rsa_title(request.x509.public_key()) if request.key_form is KeyForm.RSA else request.key_form.value
    if found != "rsa-2048":
        yield IKI.breach("csr_key_not_rsa_2048", "publicKeyInfo", f"it is {found}", "an RSA key of 2048 bits, e 65537")
    if request.signature_algorithm != RSA_SHA256_OID:
        message = f"it is {request.signature_algorithm}"
        yield IKI.breach("csr_signature_algorithm", "signatureAlgorithm", message, "sha256WithRSAEncryption")
    elif not verify_rsa(request.spki, request.signature, request.info):
        message = "the request is not signed with the key it carries"
        yield IKI.breach("csr_signature_wrong", "signature", message, "sign with the private key of the request")
    if role_of(request.subject) is None or not f.iki_shape(request.subject):
        message, remedy = f"it is {f.described(request.subject)}", "O, OU of two upper-case hex digits, CN; UTF8String"
        yield IKI.breach("csr_subject_other", "subject", message, remedy)
    elif not f.bounded(request.subject):
        yield IKI.breach("csr_subject_size", "subject", "a text is empty or too long", "1 to 64 characters each")
    if request.key_usage != KeyUsage.DIGITAL_SIGNATURE:
        message = f"it is {request.key_usage.title}"
        yield IKI.breach("csr_key_usage_not_one", "keyUsage", message, "digitalSignature alone")
    for extension in request.extensions:
        if extension.oid != ext.KEY_USAGE:
            yield IKI.breach("csr_extension_not_allowed", extension.title, "it is asked for", "leave it out")
        elif not extension.critical:
            yield IKI.breach("csr_key_usage_not_critical", "keyUsage", "it is not critical", "a critical keyUsage")


def _check(template: IkiTemplate | IkiAuthorityTemplate) -> None:
    if not 0 < template.serial < _MAX_SERIAL:
        raise ValueError("a serial is positive and has at most 20 octets")
    if _asn1.whole_second(template.not_before) > _asn1.whole_second(template.not_after):
        raise ValueError("a certificate ends after it begins")
    if not isinstance(load_der_public_key(template.public_key), rsa.RSAPublicKey):
        raise ValueError("an IKI or ICA certificate holds an RSA key")
