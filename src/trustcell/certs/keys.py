"""Public keys: SubjectPublicKeyInfo of P-256 read and written, the SKI of SMKI, and what other keys are called."""

import hashlib
from enum import StrEnum

from cryptography.hazmat.asn1 import BitString
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs._asn1 import SubjectPublicKeyInfo, tlv
from trustcell.vocab import WireError

_EC = bytes.fromhex("06072a8648ce3d0201")
_P256 = _EC + bytes.fromhex("06082a8648ce3d030107")
_RSA = bytes.fromhex("06092a864886f70d010101")
_DSA = bytes.fromhex("06072a8648ce380401")
SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""SubjectPublicKeyInfo of P-256 up to the point (smki.md 2.3)."""


class KeyForm(StrEnum):
    """What stands in a SubjectPublicKeyInfo. Only ``P256`` is a usable SMKI key (smki.md 2.1)."""

    P256 = "ec-p256"
    P256_COMPRESSED = "ec-p256-compressed"
    P256_INFINITY = "ec-p256-infinity"
    P256_BAD_POINT = "ec-p256-bad-point"
    P256_OFF_CURVE = "ec-p256-off-curve"
    OTHER_CURVE = "ec-other-curve"
    EXPLICIT_CURVE = "ec-explicit-curve"
    RSA = "rsa"
    DSA = "dsa"
    OTHER = "other"


def p256_public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key object of an uncompressed point of 65 octets; raises ``WireError`` ``point_not_on_curve``."""
    if len(point) == 65 and point[0] == 4:
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(point))
        except ValueError:
            pass
    raise WireError(0, "publicKey", "65 octets of a point on P-256 were expected", "point_not_on_curve")


def method2_ski(point: bytes) -> bytes:
    """SKI of eight octets: high nibble 0100, then the last 60 bits of SHA-1 over the key bits (smki.md 2.1)."""
    tail = hashlib.sha1(point, usedforsecurity=False).digest()[12:]
    return bytes((0x40 | tail[0] & 0x0F,)) + tail[1:]


def spki_of(point: bytes) -> bytes:
    """SubjectPublicKeyInfo of an uncompressed P-256 point, 91 octets."""
    return SPKI_PREFIX + point


def key_info(point: bytes) -> SubjectPublicKeyInfo:
    """The same, to put into a certificate or request."""
    return SubjectPublicKeyInfo(algorithm=tlv(SPKI_PREFIX[2:23]), key=BitString(point, 0))


def read_key(info: SubjectPublicKeyInfo) -> tuple[KeyForm, bytes, ec.EllipticCurvePublicKey | None]:
    """What kind of key this is, its key bits (for ``P256`` the point), and for ``P256`` the key object."""
    algorithm, bits = bytes(info.algorithm.data), info.key.as_bytes()
    if info.key.padding_bits():
        return (KeyForm.P256_BAD_POINT if algorithm == _P256 else KeyForm.OTHER), bits, None
    if algorithm == _P256:
        try:
            return KeyForm.P256, bits, p256_public_key(bits)
        except WireError:
            return _wrong_point(bits), bits, None
    if algorithm.startswith(_EC):
        named = algorithm[len(_EC) : len(_EC) + 1] == b"\x06"
        return (KeyForm.OTHER_CURVE if named else KeyForm.EXPLICIT_CURVE), bits, None
    form = KeyForm.RSA if algorithm.startswith(_RSA) else KeyForm.DSA if algorithm.startswith(_DSA) else KeyForm.OTHER
    return form, bits, None


def _wrong_point(bits: bytes) -> KeyForm:
    if len(bits) == 65 and bits[0] == 4:
        return KeyForm.P256_OFF_CURVE
    if len(bits) == 33 and bits[0] in (2, 3):
        return KeyForm.P256_COMPRESSED
    return KeyForm.P256_INFINITY if bits == b"\0" else KeyForm.P256_BAD_POINT
