"""Certificate extensions: the six that SMKI uses, read strictly; others kept as octets (smki.md 2.1, 2.3-2.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from trustcell.certs import _der
from trustcell.vocab import KeyUsage, WireError

KEY_USAGE = "2.5.29.15"
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
CERTIFICATE_POLICIES = "2.5.29.32"
BASIC_CONSTRAINTS = "2.5.29.19"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
EXTENDED_KEY_USAGE = "2.5.29.37"
NAME_CONSTRAINTS = "2.5.29.30"
POLICY_MAPPINGS = "2.5.29.33"
POLICY_CONSTRAINTS = "2.5.29.36"
INHIBIT_ANY_POLICY = "2.5.29.54"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
CRL_NUMBER = "2.5.29.20"
CRL_REASON = "2.5.29.21"
INVALIDITY_DATE = "2.5.29.24"
DELTA_CRL = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
CERTIFICATE_ISSUER = "2.5.29.29"
WRAPPED_APEX_KEY = "1.3.6.1.5.5.7.1.20"
ANY_POLICY = "2.5.29.32.0"
HARDWARE_MODULE_NAME = "1.3.6.1.5.5.7.8.4"

_TITLES = {
    KEY_USAGE: "keyUsage",
    SUBJECT_KEY_IDENTIFIER: "subjectKeyIdentifier",
    AUTHORITY_KEY_IDENTIFIER: "authorityKeyIdentifier",
    CERTIFICATE_POLICIES: "certificatePolicies",
    BASIC_CONSTRAINTS: "basicConstraints",
    SUBJECT_ALTERNATIVE_NAME: "subjectAltName",
    EXTENDED_KEY_USAGE: "extKeyUsage",
    NAME_CONSTRAINTS: "nameConstraints",
    POLICY_MAPPINGS: "policyMappings",
    POLICY_CONSTRAINTS: "policyConstraints",
    INHIBIT_ANY_POLICY: "inhibitAnyPolicy",
    CRL_DISTRIBUTION_POINTS: "cRLDistributionPoints",
    CRL_NUMBER: "cRLNumber",
    CRL_REASON: "reasonCode",
    INVALIDITY_DATE: "invalidityDate",
    DELTA_CRL: "deltaCRLIndicator",
    ISSUING_DISTRIBUTION_POINT: "issuingDistributionPoint",
    CERTIFICATE_ISSUER: "certificateIssuer",
    WRAPPED_APEX_KEY: "wrappedApexContinKey",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
    "2.5.29.16": "privateKeyUsagePeriod",
    "2.5.29.18": "issuerAltName",
}
_KNOWN_BITS = 0x1FF
_MAX_EXTENSIONS = 64


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: dotted OID, criticality, and the content of its extnValue octet string."""

    oid: str
    critical: bool
    value: bytes

    @property
    def title(self) -> str:
        """The X.509 name, or the dotted OID."""
        return _TITLES.get(self.oid, self.oid)


@dataclass(frozen=True, slots=True)
class HardwareModuleName:
    """The otherName of a device certificate: hardware type OID and serial number (smki.md 2.6)."""

    hardware_type: str
    serial_number: bytes


@dataclass(frozen=True, slots=True)
class AuthorityKeyIdentifier:
    """Key identifier if present, and whether issuer name or serial stand beside it (never in SMKI)."""

    key_identifier: bytes | None
    names_issuer: bool = False


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """CA flag and path length."""

    authority: bool
    path_length: int | None = None


def read_extensions(data: bytes, start: int, end: int) -> tuple[Extension, ...]:
    """The Extensions between two offsets; raises ``WireError`` (``extension_duplicate``, ``not_der`` ...)."""
    found: list[Extension] = []
    seen: set[str] = set()
    at = start
    while at < end:
        first, at = _der.expect(data, at, end, _der.SEQUENCE, "extensions")
        extension = _one(data[first:at])
        if extension.oid in seen:
            raise WireError(first, f"extensions.{extension.title}", "it occurs twice", "extension_duplicate")
        seen.add(extension.oid)
        found.append(extension)
    if len(found) > _MAX_EXTENSIONS:
        raise WireError(start, "extensions", f"at most {_MAX_EXTENSIONS} extensions were expected", "extensions_count")
    return tuple(found)


@lru_cache(maxsize=1024)
def _one(content: bytes) -> Extension:
    end = len(content)
    start, at = _der.expect(content, 0, end, _der.OID, "extensions.oid")
    oid = _der.oid_text(content[start:at])
    critical = False
    tag, start, stop = _der.tlv(content, at, end, "extensions.value")
    if tag == _der.BOOLEAN:
        critical = _der.boolean(content, start, stop, "extensions.critical")
        if not critical:
            raise WireError(at, "extensions.critical", "a DEFAULT value is not encoded in DER", "default_encoded")
        tag, start, stop = _der.tlv(content, stop, end, "extensions.value")
    if tag != _der.OCTET_STRING:
        raise WireError(at, "extensions.value", "an OCTET STRING was expected", "not_der")
    _der.finished(stop, end, "extensions")
    return Extension(oid, critical, content[start:stop])


@lru_cache(maxsize=64)
def read_key_usage(value: bytes) -> tuple[KeyUsage, bool]:
    """The bits of keyUsage, and whether they are written as DER wants (no trailing zero bits)."""
    start, stop = _der.whole(value, 0, len(value), _der.BIT_STRING, "extensions.keyUsage")
    bits, minimal = _der.named_bits(value, start, stop, "extensions.keyUsage")
    return KeyUsage(bits & _KNOWN_BITS), minimal


def read_subject_key_identifier(value: bytes) -> bytes:
    """The octets of subjectKeyIdentifier."""
    start, stop = _der.whole(value, 0, len(value), _der.OCTET_STRING, "extensions.subjectKeyIdentifier")
    return value[start:stop]


@lru_cache(maxsize=256)
def read_authority_key_identifier(value: bytes) -> AuthorityKeyIdentifier:
    """The parts of authorityKeyIdentifier."""
    path = "extensions.authorityKeyIdentifier"
    start, end = _der.whole(value, 0, len(value), _der.SEQUENCE, path)
    identifier, names_issuer, last = None, False, 0
    for tag, at, first, stop in _der.children(value, start, end, path):
        if tag not in (0x80, 0xA1, 0x82) or tag & 0x1F < last:
            raise WireError(at, path, f"unexpected tag {tag:02X}", "authority_key_identifier_malformed")
        last = (tag & 0x1F) + 1
        if tag == 0x80:
            identifier = value[first:stop]
        else:
            names_issuer = True
            if tag == 0xA1:
                _der.well_formed(value, first, stop, path)
            elif _der.integer(value, first, stop, path) <= 0:
                raise WireError(at, path, "a serial is positive", "authority_key_identifier_serial")
    return AuthorityKeyIdentifier(identifier, names_issuer)


@lru_cache(maxsize=256)
def read_policies(value: bytes) -> tuple[tuple[str, ...], bool]:
    """The policy OIDs in order, and whether any has qualifiers."""
    path = "extensions.certificatePolicies"
    start, end = _der.whole(value, 0, len(value), _der.SEQUENCE, path)
    policies: list[str] = []
    qualified = False
    at = start
    while at < end:
        first, at = _der.expect(value, at, end, _der.SEQUENCE, path)
        oid_start, stop = _der.expect(value, first, at, _der.OID, path)
        policies.append(_der.oid_text(value[oid_start:stop]))
        if stop < at:
            qualified = True
            inner, last = _der.whole(value, stop, at, _der.SEQUENCE, path)
            _der.well_formed(value, inner, last, path)
    if not policies:
        raise WireError(start, path, "at least one policy was expected", "policies_empty")
    return tuple(policies), qualified


@lru_cache(maxsize=64)
def read_basic_constraints(value: bytes) -> BasicConstraints:
    """CA flag and path length; a DEFAULT that is encoded is not DER, a negative length is refused."""
    path = "extensions.basicConstraints"
    at, end = _der.whole(value, 0, len(value), _der.SEQUENCE, path)
    authority, length = False, None
    if at < end and value[at] == _der.BOOLEAN:
        start, stop = _der.expect(value, at, end, _der.BOOLEAN, path)
        authority = _der.boolean(value, start, stop, path)
        if not authority:
            raise WireError(at, path, "a DEFAULT value is not encoded in DER", "default_encoded")
        at = stop
    if at < end:
        start, at = _der.expect(value, at, end, _der.INTEGER, path)
        length = _der.integer(value, start, at, path)
        if length < 0:
            raise WireError(start, path, "pathLenConstraint is 0 or more", "path_length_negative")
    _der.finished(at, end, path)
    return BasicConstraints(authority, length)


def general_names(value: bytes, path: str) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each GeneralName in a GeneralNames; raises ``WireError`` (``general_name_...``)."""
    start, end = _der.whole(value, 0, len(value), _der.SEQUENCE, path)
    if start == end:
        raise WireError(start, path, "at least one name was expected", "general_names_none")
    for tag, at, first, stop in _der.children(value, start, end, path):
        content = value[first:stop]
        if tag in (0x81, 0x82, 0x86):
            if not content:
                raise WireError(at, path, "the name is empty", "general_name_empty")
            if not content.isascii():
                raise WireError(at, path, "the name is no IA5String", "general_name_not_ia5")
        elif tag == 0x87:
            if len(content) not in (4, 16):
                raise WireError(at, path, "an address has 4 or 16 octets", "general_name_address")
        elif tag == 0x88:
            _der.oid_text(content)
        elif tag in (0xA0, 0xA3, 0xA4, 0xA5):
            _der.well_formed(content, 0, len(content), path)
        else:
            raise WireError(at, path, f"tag {tag:02X} is no GeneralName", "general_name_malformed")
        yield tag, content


def names_in(extension: Extension | None) -> int:
    """How many GeneralNames a subjectAltName holds; 0 when it is absent."""
    return 0 if extension is None else sum(1 for _ in general_names(extension.value, "extensions.subjectAltName"))


def read_hardware_module_name(value: bytes) -> HardwareModuleName | None:
    """The hardwareModuleName of a subjectAltName, ``None`` if it has none (smki.md 2.6, RFC 4108)."""
    path = "extensions.subjectAltName"
    found = None
    for tag, content in general_names(value, path):
        if tag == 0xA0:
            start, stop = _der.expect(content, 0, len(content), _der.OID, path)
            explicit, last = _der.whole(content, stop, len(content), 0xA0, path)
            if _der.oid_text(content[start:stop]) == HARDWARE_MODULE_NAME:
                inner, end = _der.whole(content, explicit, last, _der.SEQUENCE, path)
                type_start, type_stop = _der.expect(content, inner, end, _der.OID, path)
                serial, serial_stop = _der.whole(content, type_stop, end, _der.OCTET_STRING, path)
                found = HardwareModuleName(_der.oid_text(content[type_start:type_stop]), content[serial:serial_stop])
    return found


def read_extended_key_usages(value: bytes) -> tuple[str, ...]:
    """The purposes of extKeyUsage as dotted OIDs."""
    path = "extensions.extKeyUsage"
    start, end = _der.whole(value, 0, len(value), _der.SEQUENCE, path)
    purposes: list[str] = []
    for tag, at, first, stop in _der.children(value, start, end, path):
        if tag != _der.OID:
            raise WireError(at, path, "a purpose is an object identifier", "not_der")
        purposes.append(_der.oid_text(value[first:stop]))
    return tuple(purposes)


def check_distribution_points(value: bytes) -> None:
    """Raise unless the reasons of every cRLDistributionPoint are a DER named bit list."""
    path = "extensions.cRLDistributionPoints"
    start, end = _der.whole(value, 0, len(value), _der.SEQUENCE, path)
    for _, _, first, stop in _der.children(value, start, end, path):
        for tag, at, inner, last in _der.children(value, first, stop, path):
            if tag == 0x81 and not _der.named_bits(value, inner, last, path)[1]:
                raise WireError(at, path, "the reasons end with a zero bit", "distribution_point_reasons_not_der")


def encode_extension(oid: str, critical: bool, value: bytes) -> bytes:
    """One Extension; ``critical`` FALSE is left out as DER wants."""
    flag = b"\x01\x01\xff" if critical else b""
    return _der.encode(_der.SEQUENCE, _der.encode_oid(oid), flag, _der.encode(_der.OCTET_STRING, value))


def encode_hardware_module_name(hardware_type: str, serial_number: bytes) -> bytes:
    """The subjectAltName value with one hardwareModuleName (smki.md 2.6)."""
    inner = _der.encode(_der.SEQUENCE, _der.encode_oid(hardware_type), _der.encode(_der.OCTET_STRING, serial_number))
    other = _der.encode(0xA0, _der.encode_oid(HARDWARE_MODULE_NAME), _der.encode(0xA0, inner))
    return _der.encode(_der.SEQUENCE, other)
