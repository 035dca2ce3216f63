"""A certificate taken apart: judged readable by ``cryptography``, every field also as the octets it is made of."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from trustcell_audit import der
from trustcell_audit.keys import ecdsa, rsa_pkcs1
from trustcell_audit.profiles import key_identifier

_ORDER = ("serialNumber", "signature", "issuer", "validity", "subject", "subjectPublicKeyInfo")


@dataclass(frozen=True)
class Extension:
    """One extension: its type, the octets of the whole and of the value, and where it begins."""

    oid: str
    octets: bytes
    value: bytes
    octet: int


@dataclass(frozen=True)
class Parsed:
    """``fields`` holds octets and first octet of each field of the TBSCertificate by name."""

    der: bytes
    library: x509.Certificate
    tbs: bytes
    fields: dict[str, tuple[bytes, int]]
    extensions: tuple[Extension, ...]
    algorithm: bytes
    signature: bytes
    signature_octet: int

    @classmethod
    def read(cls, octets: bytes) -> "Parsed":
        """Read one certificate; ``ValueError`` with a reason for anything else."""
        try:
            library = x509.load_der_x509_certificate(octets)
            (_, body, end), *rest = der.elements(octets)
            tbs, algorithm, signature = der.elements(octets, body, end)
            fields, extensions = _fields(octets, tbs[1], tbs[2])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(str(error) or type(error).__name__) from None
        if rest:
            raise ValueError("octets behind the certificate")
        return cls(
            octets,
            library,
            octets[tbs[0] : tbs[2]],
            fields,
            extensions,
            octets[algorithm[0] : algorithm[2]],
            octets[signature[1] + 1 : signature[2]],
            signature[0],
        )

    @property
    def key_info(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return self.fields["subjectPublicKeyInfo"][0]

    @cached_property
    def key_identifier(self) -> bytes:
        """What the subjectKeyIdentifier of this key has to be."""
        info = self.key_info
        ((_, body, end),) = der.elements(info)
        _, (_, bits, _) = der.elements(info, body, end)
        return key_identifier(info[bits + 1 :])

    @property
    def subject(self) -> bytes:
        """The DER of the subject."""
        return self.fields["subject"][0]

    @property
    def issuer(self) -> bytes:
        """The DER of the issuer."""
        return self.fields["issuer"][0]

    @cached_property
    def serial(self) -> int:
        """The serial number."""
        return self.library.serial_number

    @cached_property
    def not_before(self) -> datetime:
        """The first moment of its period."""
        return self.library.not_valid_before_utc

    @cached_property
    def not_after(self) -> datetime:
        """The last moment of its period."""
        return self.library.not_valid_after_utc

    @cached_property
    def key(self) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey | None:
        """The public key, ``None`` if it is none of P-256 or RSA."""
        try:
            key = self.library.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return None
        if isinstance(key, ec.EllipticCurvePublicKey):
            return key if isinstance(key.curve, ec.SECP256R1) else None
        return key if isinstance(key, rsa.RSAPublicKey) else None

    def extension(self, oid: str) -> Extension | None:
        """The first extension of this type."""
        return next((each for each in self.extensions if each.oid == oid), None)

    def signed(self, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | None) -> bool:
        """Whether this key made the signature, in the way of its kind with SHA-256."""
        if isinstance(key, ec.EllipticCurvePublicKey):
            return ecdsa(key, self.signature, self.tbs)
        return key is not None and rsa_pkcs1(key, self.signature, self.tbs)

    def covers(self, at: datetime) -> bool:
        """Whether the period holds this moment."""
        return self.not_before <= at <= self.not_after

    def attributes(self, oid: str) -> list[str | bytes]:
        """The values of this type in the subject."""
        return [each.value for each in self.library.subject if each.oid.dotted_string == oid]


def _fields(octets: bytes, body: int, end: int) -> tuple[dict[str, tuple[bytes, int]], tuple[Extension, ...]]:
    fields: dict[str, tuple[bytes, int]] = {}
    extensions: tuple[Extension, ...] = ()
    plain = iter(_ORDER)
    for start, value, stop in der.elements(octets, body, end):
        match octets[start]:
            case 0xA0:
                name = "version"
            case 0xA3:
                name, extensions = "extensions", _extensions(octets, value, stop)
            case 0x81 | 0x82:
                name = "uniqueIdentifiers"
            case _:
                name = next(plain, "unknown")
        fields[name] = octets[start:stop], start
    if next(plain, None):
        raise ValueError("fields are missing")
    return fields, extensions


def _extensions(octets: bytes, body: int, end: int) -> tuple[Extension, ...]:
    ((_, first, last),) = der.elements(octets, body, end)
    found = []
    for start, value, stop in der.elements(octets, first, last):
        parts = list(der.elements(octets, value, stop))
        identifier = x509.ObjectIdentifier(_dotted(octets[parts[0][1] : parts[0][2]])).dotted_string
        found.append(Extension(identifier, octets[start:stop], octets[parts[-1][1] : parts[-1][2]], start))
    return tuple(found)


@lru_cache(256)
def _dotted(octets: bytes) -> str:
    numbers, value = [], 0
    for octet in octets:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
