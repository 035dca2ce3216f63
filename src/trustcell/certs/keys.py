"""Public keys: SubjectPublicKeyInfo of P-256 read and written, the SKI of SMKI, and what other keys are called."""

import hashlib
from enum import StrEnum
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import _der
from trustcell.vocab import WireError

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_EC = bytes.fromhex("2a8648ce3d0201")
_P256_OID = bytes.fromhex("06082a8648ce3d030107")
SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""SubjectPublicKeyInfo of P-256 up to the point (smki.md 2.3)."""

_OTHER = {bytes.fromhex("2a864886f70d010101"): "rsa", bytes.fromhex("2a8648ce380401"): "dsa"}


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
    if not on_p256(point):
        raise WireError(0, "publicKey", "65 octets of a point on P-256 were expected", "point_not_on_curve")
    return _key(bytes(point))


@lru_cache(maxsize=1024)
def _key(point: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def on_p256(point: bytes) -> bool:
    """Whether these are the 65 octets of an uncompressed point on P-256."""
    if len(point) != 65 or point[0] != 4:
        return False
    x = int.from_bytes(point[1:33], "big")
    y = int.from_bytes(point[33:], "big")
    return x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0


def method2_ski(point: bytes) -> bytes:
    """SKI of eight octets: high nibble 0100, then the last 60 bits of SHA-1 over the key bits (smki.md 2.1)."""
    tail = hashlib.sha1(point, usedforsecurity=False).digest()[12:]
    return bytes((0x40 | tail[0] & 0x0F,)) + tail[1:]


def spki_of(point: bytes) -> bytes:
    """SubjectPublicKeyInfo of an uncompressed P-256 point, 91 octets."""
    return SPKI_PREFIX + point


def read_spki(spki: bytes) -> tuple[KeyForm, bytes]:
    """What kind of key this is and its key bits (for ``P256`` the 65-octet point); raises ``WireError``."""
    if len(spki) == 91 and spki.startswith(SPKI_PREFIX) and spki[26] == 4:
        point = spki[26:]
        return (KeyForm.P256 if on_p256(point) else KeyForm.P256_OFF_CURVE), point
    start, end = _der.whole(spki, 0, len(spki), _der.SEQUENCE, "publicKeyInfo")
    first, last = _der.expect(spki, start, end, _der.SEQUENCE, "publicKeyInfo.algorithm")
    oid_start, oid_stop = _der.expect(spki, first, last, _der.OID, "publicKeyInfo.algorithm")
    algorithm = spki[oid_start:oid_stop]
    _der.oid_text(algorithm)
    _der.well_formed(spki, oid_stop, last, "publicKeyInfo.algorithm")
    key_start, key_stop = _der.expect(spki, last, end, _der.BIT_STRING, "publicKeyInfo.key")
    _der.finished(key_stop, end, "publicKeyInfo")
    if key_stop - key_start < 1 or spki[key_start] != 0:
        raise WireError(key_start, "publicKeyInfo.key", "a key has no unused bits", "not_der")
    bits = spki[key_start + 1 : key_stop]
    if algorithm != _EC:
        return KeyForm(_OTHER.get(algorithm, "other")), bits
    return _curve_form(spki[oid_stop:last], bits), bits


def _curve_form(parameters: bytes, bits: bytes) -> KeyForm:
    if parameters != _P256_OID:
        return KeyForm.OTHER_CURVE if parameters[:1] == b"\x06" else KeyForm.EXPLICIT_CURVE
    if bits == b"\0":
        return KeyForm.P256_INFINITY
    if len(bits) == 33 and bits[0] in (2, 3):
        return KeyForm.P256_COMPRESSED
    return KeyForm.P256_BAD_POINT
