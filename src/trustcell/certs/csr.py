"""Certificate signing requests: PKCS#10 in and out (smki.md 3.2)."""

from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import _der
from trustcell.certs import extensions as ext
from trustcell.certs._known import KEY_USAGE_NOT_DER
from trustcell.certs._signed import signed_parts
from trustcell.certs.armour import unarmour
from trustcell.certs.builder import DEVICE_HARDWARE_TYPE, Signer, hardware_extension, key_usage_extension, signed
from trustcell.certs.extensions import Extension, HardwareModuleName
from trustcell.certs.keys import KeyForm, p256_public_key, read_spki, spki_of
from trustcell.certs.name import EMPTY_NAME_DER, Name, organisation_name, role_of
from trustcell.certs.signature import ECDSA_SHA256_OID, settled, verify_ecdsa_der
from trustcell.vocab import Eui64, KeyUsage, WireError

MAX_CSR_OCTETS = 65_536
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"
_LABELS = frozenset({"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})
_MAX_ATTRIBUTES = 32
_DIRECTORY_STRINGS = (0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E)


@dataclass(frozen=True, slots=True)
class CsrAttribute:
    """One attribute of a request: dotted OID and the DER of its values."""

    oid: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, eq=True)
class CertificationRequest:
    """One PKCS#10 request. ``info`` is what its signature covers; ``version`` counts from 0, the only right one."""

    der: bytes
    info: bytes
    version: int
    subject: Name
    spki: bytes
    key_form: KeyForm
    key_bits: bytes
    attributes: tuple[CsrAttribute, ...]
    extensions: tuple[Extension, ...]
    key_usage: KeyUsage
    hardware_module_name: HardwareModuleName | None
    signature_algorithm: str
    signature: bytes
    flags: frozenset[str]

    @classmethod
    def from_der(cls, der: bytes) -> "CertificationRequest":
        """Read one request and nothing behind it; raises ``WireError`` (``csr_not_der``, ``csr_trailing_data`` ...)."""
        with _der.noun("csr"):
            return _read(bytes(der))

    @property
    def public_key_point(self) -> bytes:
        """The uncompressed point, 65 octets; empty when the key is no P-256 key."""
        return self.key_bits if self.key_form is KeyForm.P256 else b""

    @cached_property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key object; raises ``WireError`` ``csr_key_unusable`` when it is no P-256 key on the curve."""
        if self.key_form is not KeyForm.P256:
            raise WireError(-1, "publicKeyInfo", f"a P-256 key was expected: {self.key_form}", "csr_key_unusable")
        return p256_public_key(self.key_bits)

    @property
    def entity_id(self) -> Eui64 | None:
        """EUI-64 of the organisation (subject) or of the device (hardware serial)."""
        if (found := self.subject.entity_id) is not None:
            return found
        module = self.hardware_module_name
        return Eui64(module.serial_number) if module and len(module.serial_number) == 8 else None

    @property
    def role(self) -> int | None:
        """The OU as a role number."""
        return role_of(self.subject)

    @property
    def is_for_device(self) -> bool:
        """Whether the subject is empty, as only a device's is."""
        return not self.subject.rdns

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
    with _der.noun("csr"):
        found = unarmour(data, _LABELS)
        if len(found) != 1:
            raise WireError(0, "", f"one request was expected, found {len(found)}", "armour_count")
    return CertificationRequest.from_der(found[0])


def organisation_csr(
    role: int, entity_id: Eui64, key_usage: KeyUsage, point: bytes, sign: Signer, common_name: str | None = None
) -> bytes:
    """The DER of a request for an Organisation Certificate (smki.md 3.2)."""
    return build_csr(
        organisation_name(role, entity_id, common_name).der, point, (key_usage_extension(key_usage),), sign
    )


def device_csr(
    entity_id: Eui64, key_usage: KeyUsage, point: bytes, sign: Signer, hardware_type: str = DEVICE_HARDWARE_TYPE
) -> bytes:
    """The DER of a request for a Device Certificate: empty subject, critical hardwareModuleName (smki.md 3.2)."""
    wanted = (key_usage_extension(key_usage), hardware_extension(hardware_type, entity_id))
    return build_csr(EMPTY_NAME_DER, point, wanted, sign)


def build_csr(subject_der: bytes, point: bytes, extensions: tuple[bytes, ...], sign: Signer) -> bytes:
    """The DER of a request for any subject and encoded extensions; ``sign`` takes the info octets, gives r||s."""
    attributes = b""
    if extensions:
        wanted = _der.encode(_der.SET, _der.encode(_der.SEQUENCE, *extensions))
        attributes = _der.encode(_der.SEQUENCE, _der.encode_oid(EXTENSION_REQUEST), wanted)
    info = _der.encode(
        _der.SEQUENCE, _der.encode_integer(0), subject_der, spki_of(point), _der.encode(0xA0, attributes)
    )
    return signed(info, sign)


def _read(der: bytes) -> CertificationRequest:
    start, at, end, algorithm, signature = signed_parts(der, MAX_CSR_OCTETS)
    first, stop = _der.expect(der, at, end, _der.INTEGER, "info.version")
    version = _der.integer(der, first, stop, "info.version")
    _, at = _der.expect(der, stop, end, _der.SEQUENCE, "info.subject")
    subject = Name.from_der(der[stop:at])
    _, stop = _der.expect(der, at, end, _der.SEQUENCE, "info.publicKeyInfo")
    spki = der[at:stop]
    key_form, key_bits = read_spki(spki)
    first, last = _der.whole(der, stop, end, 0xA0, "info.attributes")
    attributes = _attributes(der, first, last)
    extensions = _requested(attributes)
    flags: set[str] = set()
    usage, module = KeyUsage(0), None
    for extension in extensions:
        if extension.oid == ext.KEY_USAGE:
            usage, minimal = ext.read_key_usage(extension.value)
            if not minimal:
                flags.add(KEY_USAGE_NOT_DER)
        elif extension.oid == ext.SUBJECT_ALTERNATIVE_NAME:
            module = ext.read_hardware_module_name(extension.value)
        elif extension.oid == ext.BASIC_CONSTRAINTS:
            ext.read_basic_constraints(extension.value)
    if algorithm == ECDSA_SHA256_OID:
        signature, flag = settled(signature)
        if flag:
            flags.add(flag)
    return CertificationRequest(
        der, der[start:end], version, subject, spki, key_form, key_bits, attributes, extensions, usage, module,
        algorithm, signature, frozenset(flags),
    )  # fmt: skip


def _attributes(der: bytes, start: int, end: int) -> tuple[CsrAttribute, ...]:
    found: list[CsrAttribute] = []
    at = start
    while at < end:
        first, at = _der.expect(der, at, end, _der.SEQUENCE, "info.attributes")
        oid_start, stop = _der.expect(der, first, at, _der.OID, "info.attributes.type")
        oid = _der.oid_text(der[oid_start:stop])
        inner, last = _der.whole(der, stop, at, _der.SET, "info.attributes.values")
        _der.well_formed(der, inner, last, "info.attributes.values")
        values = tuple(der[a:z] for _, a, _, z in _der.children(der, inner, last, "info.attributes.values"))
        if not values:
            raise WireError(inner, "info.attributes", f"{oid} has no value", "attribute_without_value")
        if len(values) > 1:
            raise WireError(inner, "info.attributes", f"{oid} has {len(values)} values", "attribute_values_many")
        if oid == CHALLENGE_PASSWORD and values[0][0] not in _DIRECTORY_STRINGS:
            raise WireError(inner, "info.attributes", "a challenge password is a string", "attribute_malformed")
        if len(found) >= _MAX_ATTRIBUTES or any(other.oid == oid for other in found):
            raise WireError(
                first, "info.attributes", f"{oid} occurs twice, or there are too many", "attribute_duplicate"
            )
        found.append(CsrAttribute(oid, values))
    return tuple(found)


def _requested(attributes: tuple[CsrAttribute, ...]) -> tuple[Extension, ...]:
    for attribute in attributes:
        if attribute.oid == EXTENSION_REQUEST:
            value = attribute.values[0]
            start, end = _der.whole(value, 0, len(value), _der.SEQUENCE, "info.attributes.extensionRequest")
            return ext.read_extensions(value, start, end)
    return ()
