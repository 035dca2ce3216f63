"""ECDSA P-256 with SHA-256 in the DER form of certificates, and the one leniency of trap T6 (smki.md 2.1, 2.10)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import _der
from trustcell.vocab import WireError

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(hashes.SHA256())

NONMINIMAL_DER = "nonminimal_der"
"""Flag: an INTEGER of the signature was not in its shortest form and was re-encoded (trap T6)."""

SIGNATURE_MALFORMED = "signature_malformed"
"""Flag: the signature bits are no ECDSA-Sig-Value; no key verifies them."""

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
"""AlgorithmIdentifier of ecdsa-with-SHA256, parameters absent (smki.md 2.1)."""

ECDSA_SHA256_OID = "1.2.840.10045.4.3.2"


def verify_ecdsa_der(public_key: ec.EllipticCurvePublicKey, signature_der: bytes, message: bytes) -> bool:
    """Whether the strict DER signature over ``message`` is right; the raw r||s form is never accepted."""
    if not _strict(signature_der):
        return False
    try:
        public_key.verify(signature_der, message, _ECDSA)
    except (InvalidSignature, ValueError):
        return False
    return True


def signature_der(raw: bytes) -> bytes:
    """The DER form of r||s (64 octets); raises ``ValueError`` unless both are 1 to the group order - 1."""
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    if len(raw) != 64 or not (0 < r < _ORDER and 0 < s < _ORDER):
        raise ValueError("a raw signature has 64 octets with r and s within the group order")
    return _der.encode(_der.SEQUENCE, _der.encode_integer(r), _der.encode_integer(s))


def settled(signature: bytes) -> tuple[bytes, str | None]:
    """The signature as it can be verified, and the flag that tells what had to be done to it (trap T6)."""
    if _strict(signature):
        return signature, None
    try:
        return _reencoded(signature), NONMINIMAL_DER
    except WireError:
        return signature, SIGNATURE_MALFORMED


def _strict(der: bytes) -> bool:
    # r and s have at most 33 octets, so every length is a single octet.
    size = len(der)
    if not 8 <= size <= 72 or der[0] != 0x30 or der[1] != size - 2 or der[2] != 0x02:
        return False
    middle = 4 + der[3]
    if der[3] == 0 or middle + 3 > size or der[middle] != 0x02 or middle + 2 + der[middle + 1] != size:
        return False
    for first, length in ((4, der[3]), (middle + 2, der[middle + 1])):
        if length == 0 or length > 33 or der[first] & 0x80:
            return False
        if length > 1 and der[first] == 0 and not der[first + 1] & 0x80:
            return False
    return True


def _reencoded(der: bytes) -> bytes:
    start, end = _der.whole(der, 0, len(der), _der.SEQUENCE, "signature")
    r_start, r_stop = _der.expect(der, start, end, _der.INTEGER, "signature.r")
    s_start, s_stop = _der.expect(der, r_stop, end, _der.INTEGER, "signature.s")
    _der.finished(s_stop, end, "signature")
    r = int.from_bytes(der[r_start:r_stop], "big", signed=True)
    s = int.from_bytes(der[s_start:s_stop], "big", signed=True)
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise WireError(start, "signature", "r and s are positive and below the group order", "not_der")
    return _der.encode(_der.SEQUENCE, _der.encode_integer(r), _der.encode_integer(s))
