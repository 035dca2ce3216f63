"""Certificate signing requests: PKCS#10 in and out (smki.md 3.2)."""

from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.asn1 import TLV, SetOf, decode_der, encode_der
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import CertificateSigningRequest as LibraryRequest
from cryptography.x509 import ObjectIdentifier, load_der_x509_csr
from cryptography.x509.oid import AttributeOID

from trustcell.certs import _asn1
from trustcell.certs import extensions as ext
from trustcell.certs._library import Stage, reading
from trustcell.certs.armour import unarmour
from trustcell.certs.builder import DEVICE_HARDWARE_TYPE, Signer, signed
from trustcell.certs.certificate import bounded, entity_of, signature_of, usable
from trustcell.certs.extensions import Extension, HardwareModuleName
from trustcell.certs.keys import KeyForm, key_info, read_key
from trustcell.certs.name import EMPTY_NAME, Name, organisation_name, role_of
from trustcell.certs.signature import ECDSA_SHA256_OID, verify_ecdsa_der
from trustcell.vocab import Eui64, KeyUsage, WireError

MAX_CSR_OCTETS = 65_536
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
_CHALLENGE_PASSWORD = AttributeOID.CHALLENGE_PASSWORD
_STRINGS = frozenset(bytes((tag,)) for tag in (0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E))
LABELS = frozenset({"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})
_MAX_ATTRIBUTES = 32


@dataclass(frozen=True, slots=True)
class CsrAttribute:
    """One attribute of a request: dotted OID and the DER of its value."""

    oid: str
    value: bytes


@dataclass(frozen=True)
class CertificationRequest:
    """One PKCS#10 request, equal to another with the same octets. ``x509`` is the library's object, decoded once."""

    der: bytes
    x509: LibraryRequest = field(compare=False, repr=False)
    subject: Name
    key_form: KeyForm
    key_bits: bytes = field(repr=False)
    attributes: tuple[CsrAttribute, ...]
    extensions: tuple[Extension, ...]
    key_usage: KeyUsage
    hardware_module_name: HardwareModuleName | None
    signature_algorithm: str
    signature: bytes = field(repr=False)
    flags: frozenset[str]
    _key: ec.EllipticCurvePublicKey | None = field(compare=False, repr=False)
    version: int = 0
    """PKCS#10 knows no other, and the library refuses any other."""

    @classmethod
    def from_der(cls, der: bytes) -> "CertificationRequest":
        """Read one request and nothing behind it; raises ``WireError`` (``csr_not_der``, ``csr_trailing_data`` ...)."""
        with reading("csr") as stage:
            return _read(bounded(der, MAX_CSR_OCTETS), stage)

    @cached_property
    def info(self) -> bytes:
        """The CertificationRequestInfo: what the signature covers."""
        return self.x509.tbs_certrequest_bytes

    @cached_property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return encode_der(decode_der(_asn1.RequestInfo, self.info).public_key)

    @property
    def public_key_point(self) -> bytes:
        """The uncompressed point, 65 octets; empty when the key is no P-256 key."""
        return self.key_bits if self.key_form is KeyForm.P256 else b""

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key object; raises ``WireError`` ``csr_key_unusable`` when it is no P-256 key on the curve."""
        return usable(self._key, self.key_form, "csr")

    @property
    def entity_id(self) -> Eui64 | None:
        """EUI-64 of the organisation (subject) or of the device (hardware serial)."""
        return entity_of(self.subject, self.hardware_module_name)

    @property
    def role(self) -> int | None:
        """The OU as a role number."""
        return role_of(self.subject)

    @property
    def is_for_device(self) -> bool:
        """Whether the subject is empty, as only a device's is."""
        return self.subject.is_empty

    def proves_possession(self) -> bool:
        """Whether the request is signed with the key it carries."""
        return (
            self.key_form is KeyForm.P256
            and self.signature_algorithm == ECDSA_SHA256_OID
            and not self.flags
            and verify_ecdsa_der(self.public_key, self.signature, self.info)
        )


def load_csr(data: bytes) -> CertificationRequest:
    """Read a request in any armour of smki.md 3.2: PEM with or without ``NEW``, bare base64 in lines, DER.

    Raises ``WireError``: ``csr_armour_malformed``, ``csr_armour_label``, ``csr_armour_count``, those of ``from_der``.
    """
    with reading("csr"):
        found = unarmour(data, LABELS)
        if len(found) != 1:
            raise WireError(0, "", f"one request was expected, found {len(found)}", "armour_count")
    return CertificationRequest.from_der(found[0])


def organisation_csr(
    role: int, entity_id: Eui64, key_usage: KeyUsage, point: bytes, sign: Signer, common_name: str | None = None
) -> bytes:
    """The DER of a request for an Organisation Certificate (smki.md 3.2)."""
    wanted = (encode_der(ext.key_usage(key_usage)),)
    return build_csr(organisation_name(role, entity_id, common_name).der, point, wanted, sign)


def device_csr(
    entity_id: Eui64, key_usage: KeyUsage, point: bytes, sign: Signer, hardware_type: str = DEVICE_HARDWARE_TYPE
) -> bytes:
    """The DER of a request for a Device Certificate: empty subject, critical hardwareModuleName (smki.md 3.2)."""
    wanted = (ext.key_usage(key_usage), ext.hardware_module_name(hardware_type, entity_id))
    return build_csr(EMPTY_NAME.der, point, tuple(map(encode_der, wanted)), sign)


def build_csr(subject_der: bytes, point: bytes, extensions: tuple[bytes, ...], sign: Signer) -> bytes:
    """The DER of a request for any subject and encoded extensions; ``sign`` takes the info octets, gives r||s."""
    attributes: list[TLV] = []
    if extensions:
        wanted = SetOf([[decode_der(_asn1.Extension, extension) for extension in extensions]])
        request = _asn1.ExtensionRequest(oid=ObjectIdentifier(EXTENSION_REQUEST), values=wanted)
        attributes = [_asn1.tlv(encode_der(request))]
    info = _asn1.RequestInfo(
        version=0, subject=_asn1.tlv(subject_der), public_key=key_info(point), attributes=SetOf(attributes)
    )
    return signed(encode_der(info), sign)


def _read(der: bytes, stage: Stage) -> CertificationRequest:
    found = load_der_x509_csr(der)
    raw = decode_der(_asn1.Request, der)
    stage.at = "name"
    subject = Name(encode_der(raw.info.subject), found.subject)
    stage.at = "attributes"
    elements = raw.info.attributes.as_list()
    attributes = _attributes(elements)
    _ = [attribute.value for attribute in found.attributes]
    stage.at = "extensions"
    asked: list[_asn1.Extension] = []
    for element, attribute in zip(elements, attributes, strict=True):
        if attribute.oid == EXTENSION_REQUEST:
            asked = decode_der(_asn1.ExtensionRequest, encode_der(element)).values.as_list()[0]
    known = ext.known(found.extensions, asked)
    stage.at = "key"
    key_form, key_bits, key = read_key(raw.info.public_key)
    algorithm = found.signature_algorithm_oid.dotted_string
    flags: list[str] = []
    signature = signature_of(raw.signature, algorithm, flags)
    flags += (flag for flag in known.flags if flag == ext.KEY_USAGE_NOT_DER)
    return CertificationRequest(
        der, found, subject, key_form, key_bits, attributes, ext.kept(asked), known.key_usage,
        known.hardware_module_name, algorithm, signature, frozenset(flags), key,
    )  # fmt: skip


def _attributes(elements: list[TLV]) -> tuple[CsrAttribute, ...]:
    found: dict[str, CsrAttribute] = {}
    path = "info.attributes"
    for element in elements:
        attribute = decode_der(_asn1.Attribute, encode_der(element))
        oid, values = attribute.oid.dotted_string, attribute.values.as_list()
        if len(values) != 1:
            code = "attribute_values_many" if values else "attribute_without_value"
            raise WireError(-1, path, f"{oid} has {len(values)} values", code)
        if attribute.oid == _CHALLENGE_PASSWORD and values[0].tag_bytes not in _STRINGS:
            raise WireError(-1, path, "a challenge password is a string", "attribute_malformed")
        if oid in found or len(found) >= _MAX_ATTRIBUTES:
            raise WireError(-1, path, f"{oid} occurs twice, or there are too many", "attribute_duplicate")
        found[oid] = CsrAttribute(oid, encode_der(values[0]))
    return tuple(found.values())
