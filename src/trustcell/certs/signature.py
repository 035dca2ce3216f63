"""ECDSA P-256 with SHA-256 in the DER form of certificates, and the one leniency of trap T6 (smki.md 2.1, 2.10)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ORDER_OCTETS, _ZERO = _ORDER.to_bytes(32, "big"), bytes(32)
_ECDSA = ec.ECDSA(hashes.SHA256())

NONMINIMAL_DER = "nonminimal_der"
"""Flag: an INTEGER of the signature was not in its shortest form and was re-encoded (trap T6)."""

SIGNATURE_MALFORMED = "signature_malformed"
"""Flag: the signature bits are no ECDSA-Sig-Value; no key verifies them."""

ECDSA_SHA256_OID = "1.2.840.10045.4.3.2"
RSA_SHA256_OID = "1.2.840.113549.1.1.11"


def verify_ecdsa_der(public_key: ec.EllipticCurvePublicKey, signature_der: bytes, message: bytes) -> bool:
    """Whether the strict DER signature over ``message`` is right; the raw r||s form is never accepted."""
    try:
        public_key.verify(signature_der, message, _ECDSA)
    except (InvalidSignature, ValueError):
        return False
    return True


def signature_der(raw: bytes) -> bytes:
    """The DER form of r||s (64 octets); raises ``ValueError`` unless both are 1 to the group order - 1."""
    r, s = raw[:32], raw[32:]
    if len(raw) != 64 or not (_ZERO < r < _ORDER_OCTETS and _ZERO < s < _ORDER_OCTETS):
        raise ValueError("a raw signature has 64 octets with r and s within the group order")
    first, second = _integer(r), _integer(s)
    return bytes((0x30, len(first) + len(second))) + first + second


def settled(signature: bytes) -> tuple[bytes, str | None]:
    """The signature as it can be verified, and the flag that tells what had to be done to it (trap T6)."""
    try:
        decode_dss_signature(signature)
    except ValueError:
        try:
            return _encoded(*_lenient(signature)), NONMINIMAL_DER
        except ValueError:
            return signature, SIGNATURE_MALFORMED
    return signature, None


def _integer(octets: bytes) -> bytes:
    """An INTEGER in its shortest form; at most 35 octets."""
    short = octets.lstrip(b"\0")
    return bytes((2, len(short) + 1, 0)) + short if short[0] >= 0x80 else bytes((2, len(short))) + short


def _encoded(r: int, s: int) -> bytes:
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise ValueError("a raw signature has 64 octets with r and s within the group order")
    return encode_dss_signature(r, s)


def _lenient(der: bytes) -> tuple[int, int]:
    """r and s of a SEQUENCE of two INTEGERs that may have leading zeros; every length is one octet."""
    if len(der) < 8 or len(der) > 127 or der[0] != 0x30 or der[1] != len(der) - 2:
        raise ValueError("an ECDSA-Sig-Value was expected")
    middle = 4 + der[3]
    if der[2] != 0x02 or middle + 2 > len(der) or der[middle] != 0x02 or middle + 2 + der[middle + 1] != len(der):
        raise ValueError("an ECDSA-Sig-Value was expected")
    first, second = der[4:middle], der[middle + 2 :]
    return int.from_bytes(first, "big", signed=True), int.from_bytes(second, "big", signed=True)
