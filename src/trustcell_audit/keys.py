"""Digests and signatures: ECDSA P-256 as r||s or DER, RSA PKCS#1 v1.5, SHA-256 everywhere."""

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the group of P-256."""


def sha256(octets: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(octets).hexdigest()


def p256_key(info: bytes) -> ec.EllipticCurvePublicKey | None:
    """The P-256 key of a SubjectPublicKeyInfo; ``None`` for any other octets."""
    try:
        key = load_der_public_key(info)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def ecdsa_raw(key: ec.EllipticCurvePublicKey, signature: bytes, octets: bytes) -> bool:
    """Whether r||s (64 octets) is the key's signature."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return len(signature) == 64 and 0 < r < ORDER and 0 < s < ORDER and ecdsa(key, encode_dss_signature(r, s), octets)


def ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, octets: bytes) -> bool:
    """Whether the ECDSA-Sig-Value in DER is the key's signature."""
    try:
        key.verify(signature, octets, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def rsa_pkcs1(key: rsa.RSAPublicKey, signature: bytes, octets: bytes) -> bool:
    """Whether the signature is the key's."""
    try:
        key.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
