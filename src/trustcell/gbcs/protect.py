"""Names the octets to sign, authenticate or encrypt, and does the symmetric part once a shared secret is known.

Private keys stay outside: a caller signs ``frame.signed_octets``, agrees a 32-octet shared secret wherever its key
lives, and hands the answer in (gbcs.md 2.1 to 2.5).
"""

import hashlib
import hmac
from dataclasses import replace

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustcell.gbcs.frame import (
    MAC_LENGTH,
    SIGNATURE_LENGTH,
    Message,
    ciphered_octets,
    inner_octets,
    transaction_id,
)
from trustcell.vocab import Eui64

TRANSACTION_ENCRYPTION = 4
"""Transaction-id type octet of payload encryption; messages use their CRA flag (gbcs.md 2.2)."""

_ALGORITHM_ID = bytes.fromhex("60857406080300")
_CURVE = ec.SECP256R1()
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDSA_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_ECDH = ec.ECDH()
MAC_AAD_PREFIX = bytes.fromhex("110000000000")
"""Security control and five empty header lengths, in front of whatever a MAC covers (gbcs.md 2.3)."""

_CIPHER_AAD = b"\x31"


def attach_signature(message: Message, signature: bytes) -> Message:
    """The message with this signature (r and s, 64 octets) in its signature field."""
    if len(signature) != SIGNATURE_LENGTH:
        raise ValueError("a signature has 64 octets, r and s")
    return replace(message, signature=signature)


def attach_mac(message: Message, mac: bytes) -> Message:
    """The message in a general-ciphering wrapper with this MAC; an absent signature field becomes a zero length."""
    return replace(message, signature=message.signature or b"", mac=mac)


def mac_input(message: Message) -> tuple[bytes, bytes]:
    """Initialisation vector and additional authenticated data of the MAC (gbcs.md 2.3)."""
    if message.signature is None:
        message = replace(message, signature=b"")
    return message.originator + bytes(4), MAC_AAD_PREFIX + inner_octets(message)


def mac_key_info(message: Message) -> bytes:
    """OtherInfo of the key derivation for the MAC of this message, 33 octets (gbcs.md 2.2)."""
    return b"".join((_ALGORITHM_ID, message.originator, b"\x09", transaction_id(message), message.target))


def payload_key_info(message: Message) -> bytes:
    """OtherInfo for encrypted parts of this response or alert; the header form decides counter and recipient.

    With 26 octets of OtherInformation the supplementary originator counter and party count; with 18 the header's
    counter and the supplementary party (one RTDS message; accepted, never made); else the header alone (gbcs.md 2.5).
    """
    counter, recipient = message.originator_counter, message.target
    if message.supplementary is not None:
        recipient = message.supplementary.party
        if message.supplementary.originator_counter is not None:
            counter = message.supplementary.originator_counter
    transaction = TRANSACTION_ENCRYPTION.to_bytes(1, "big") + counter.to_bytes(8, "big")
    return b"".join((_ALGORITHM_ID, message.originator, b"\x09", transaction, recipient))


def derive_key(shared_secret: bytes, key_info: bytes) -> bytes:
    """AES-128 key from the ECDH x coordinate (32 octets) and OtherInfo: one round of SHA-256 (gbcs.md 2.2)."""
    return hashlib.sha256(b"\x00\x00\x00\x01" + shared_secret + key_info).digest()[:16]


def make_mac(message: Message, shared_secret: bytes) -> bytes:
    """The 12-octet MAC of the message under this shared secret."""
    iv, aad = mac_input(message)
    return gmac(derive_key(shared_secret, mac_key_info(message)), iv, aad)


def seal(message: Message, shared_secret: bytes, inner: bytes | None = None) -> bytes:
    """The octets of the message with its MAC: as ``attach_mac``, ``make_mac`` and ``encode``, written once.

    ``inner`` are its general-signing octets, signature field included, if the caller has them.
    """
    if inner is None:
        inner = mac_input(message)[1][len(MAC_AAD_PREFIX) :]
    key = derive_key(shared_secret, mac_key_info(message))
    return ciphered_octets(inner, gmac(key, message.originator + bytes(4), MAC_AAD_PREFIX + inner))


def check_mac(message: Message, shared_secret: bytes) -> bool:
    """Whether the message carries the MAC it should; compares in constant time."""
    return message.mac is not None and hmac.compare_digest(make_mac(message, shared_secret), message.mac)


def gmac(key: bytes, iv: bytes, aad: bytes) -> bytes:
    """AES-128-GMAC cut to its first 12 octets."""
    return full_gmac(key, iv, aad)[:MAC_LENGTH]


def full_gmac(key: bytes, iv: bytes, aad: bytes) -> bytes:
    """The whole 16-octet AES-128-GMAC tag."""
    return AESGCM(key).encrypt(iv, b"", aad)


def encrypt(key: bytes, originator: Eui64, plaintext: bytes) -> bytes:
    """Ciphertext and 12-octet tag of one protected attribute or component of ``originator``'s message."""
    sealed = AESGCM(key).encrypt(originator + bytes(4), plaintext, _CIPHER_AAD)
    return sealed[: len(plaintext) + MAC_LENGTH]


def decrypt(key: bytes, originator: Eui64, ciphertext: bytes, tag: bytes) -> bytes | None:
    """The plaintext, or ``None`` when the 12-octet tag does not fit."""
    return open_sealed(key, originator + bytes(4), ciphertext, tag, _CIPHER_AAD)


def open_sealed(key: bytes, iv: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes | None:
    """AES-128-GCM with a tag of exactly 12 octets; ``None`` when it does not authenticate."""
    if len(tag) != MAC_LENGTH:
        return None
    opener = Cipher(algorithms.AES(key), modes.GCM(iv, tag, min_tag_length=MAC_LENGTH)).decryptor()
    opener.authenticate_additional_data(aad)
    try:
        return opener.update(ciphertext) + opener.finalize()
    except InvalidTag:
        return None


def check_signature(public_key: ec.EllipticCurvePublicKey, octets: bytes, signature: bytes) -> bool:
    """ECDSA P-256 with SHA-256 over ``octets``; the signature is r and s, exactly 64 octets (gbcs.md 2.1)."""
    if len(signature) != SIGNATURE_LENGTH or public_key.curve.name != _CURVE.name:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public_key.verify(utils.encode_dss_signature(r, s), octets, _ECDSA)
    except InvalidSignature:
        return False
    return True


def sign(private_key: ec.EllipticCurvePrivateKey, octets: bytes) -> bytes:
    """r and s, 64 octets, for a key held in this process; deterministic (RFC 6979), so that a repeat is equal."""
    r, s = utils.decode_dss_signature(private_key.sign(octets, _ECDSA_DETERMINISTIC))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def agree(private_key: ec.EllipticCurvePrivateKey, public_key: ec.EllipticCurvePublicKey) -> bytes:
    """The 32-octet ECDH x coordinate for a key held in this process."""
    return private_key.exchange(_ECDH, public_key)


def public_key_from_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """A P-256 key from its 65-octet uncompressed point; ``ValueError`` for any other encoding or a point off curve."""
    if len(point) != 65 or point[0] != 4:
        raise ValueError("an uncompressed P-256 point has 65 octets and begins with 04")
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
