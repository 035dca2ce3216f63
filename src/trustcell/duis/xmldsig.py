"""XML signatures of DUIS: sign and verify in one fixed profile.

The key of a signer can live anywhere: ``sign`` hands out the octets to be signed and takes r and s back. ``verify``
looks at the document that was parsed, so what is processed is what was digested. Both s and n - s verify, as ECDSA has
it; request IDs, not signatures, tell requests apart.
"""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from trustcell.duis.canonical import cut_signature
from trustcell.duis.encodings import write_base64
from trustcell.duis.envelope import DECLARATION, Written
from trustcell.duis.names import SIGNATURE_TAG, signature_finding
from trustcell.duis.request import ParsedRequest
from trustcell.duis.response import ParsedResponse
from trustcell.duis.signature import (
    SignatureClaim,
    find_signature,
    read_claim,
    signature_octets,
    signature_parts,
    signed_info_octets,
)
from trustcell.duis.xml import Document, parse_document
from trustcell.vocab import Refused, WireError

Signed = Document | ParsedRequest | ParsedResponse
"""Anything that holds the document a signature is checked on."""

PublicKey = ec.EllipticCurvePublicKey

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(SHA256())


def read_signature(signed: Signed) -> SignatureClaim:
    """Who claims to have signed, by issuer and serial, with all structure checks done and no key used yet.

    Raises ``Refused`` with ``signature_missing``, ``signature_misplaced``, ``signature_malformed``,
    ``signature_invalid`` (wrong encoding), ``algorithm_forbidden``, ``canonicalization_forbidden``,
    ``reference_not_whole_document`` or ``transform_forbidden``, or ``WireError``.
    """
    document = _document(signed)
    signature = find_signature(document)
    return read_claim(signature, cut_signature(document, signature).tail)


def verify(signed: Signed, key: PublicKey | Callable[[SignatureClaim], PublicKey]) -> SignatureClaim:
    """Check the signature with a P-256 key and return what it claims; raises as ``read_signature`` does.

    ``key`` may be a function that finds the key of a claim; it is called once the structure and the digest are right.
    A wrong digest or a wrong value is ``Refused`` with ``signature_invalid``; a key that is not on P-256 is
    ``algorithm_forbidden``.
    """
    document = _document(signed)
    signature = find_signature(document)
    cut = cut_signature(document, signature)
    claim = read_claim(signature, cut.tail)
    if hashlib.sha256(cut.canonical).digest() != claim.digest:
        raise _invalid("Signature.DigestValue", "the message is not the one that was signed", "digest")
    public_key = key(claim) if callable(key) else key
    if not isinstance(public_key.curve, ec.SECP256R1):
        finding = signature_finding("algorithm_forbidden", "key", "only P-256 is allowed")
        raise Refused([finding])
    if not verify_p1363(public_key, claim.value, claim.signed_info):
        raise _invalid("Signature.SignatureValue", "the value was not made by this key", "value")
    return claim


def sign(message: bytes | Document, *, issuer_name: str, serial: int, sign: Callable[[bytes], bytes]) -> bytes:
    """Sign an unsigned message; ``sign`` takes the SignedInfo octets and returns r and s, 64 octets (ECDSA, SHA-256).

    ``serial`` is written in decimal. The result is canonical but for the declaration; white space in the message stays
    and is signed, so use ``build_request`` or ``build_response``. Raises ``WireError`` (``already_signed``, or a
    malformed message) and ``ValueError`` for a wrong issuer name, serial or result of ``sign``.
    """
    signature_parts(issuer_name, serial)
    octets = message.canonical if isinstance(message, Written) else _canonical_unsigned(message)
    digest = write_base64(hashlib.sha256(octets).digest())
    value = sign(signed_info_octets(digest))
    if not isinstance(value, bytes) or len(value) != 64:
        raise ValueError("the signing function has to return r and s, 64 octets")
    closing = octets.rfind(b"</")
    return b"".join(
        (DECLARATION, octets[:closing], signature_octets(digest, value, issuer_name, serial), octets[closing:])
    )


def verify_p1363(public_key: PublicKey, value: bytes, octets: bytes) -> bool:
    """ECDSA with SHA-256 on P-256 over ``octets``; ``value`` is r and s, exactly 64 octets, each from 1 to n - 1."""
    if len(value) != 64:
        return False
    r = int.from_bytes(value[:32], "big")
    s = int.from_bytes(value[32:], "big")
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        return False
    try:
        public_key.verify(encode_dss_signature(r, s), octets, _ECDSA)
    except InvalidSignature:
        return False
    return True


def _canonical_unsigned(message: bytes | Document) -> bytes:
    document = message if isinstance(message, Document) else parse_document(message)
    if next(document.root.iter(SIGNATURE_TAG), None) is not None:
        raise WireError(-1, "Signature", "the message is signed already", "already_signed")
    return cut_signature(document, None).canonical


def _document(signed: Signed) -> Document:
    return signed if isinstance(signed, Document) else signed.document


def _invalid(field: str, message: str, defect: str) -> Refused:
    return Refused([signature_finding("signature_invalid", field, message, defect)])
