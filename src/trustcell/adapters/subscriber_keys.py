"""A subscriber's own key pair in a PEM file that only its owner can read (smki.md 3.2: the key never travels)."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from trustcell.adapters.keystore_file import write_private
from trustcell.vocab import WireError


class SubscriberKey:
    """A P-256 key that signs requests."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        """Around a key object."""
        self._key = key

    @property
    def point(self) -> bytes:
        """The public key, an uncompressed point of 65 octets."""
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, octets: bytes) -> bytes:
        """r||s of ECDSA with SHA-256; the same octets get the same signature."""
        made = self._key.sign(octets, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(each.to_bytes(32, "big") for each in decode_dss_signature(made))


def subscriber_key(path: Path) -> SubscriberKey:
    """The key in this file, or a new one written to it (PKCS#8, readable by its owner alone).

    Raises ``WireError``: ``key_file_unreadable``, ``key_file_format``, ``key_file_exists``, ``output_failed``.
    """
    if path.exists():
        return SubscriberKey(_read(path))
    key = ec.generate_private_key(ec.SECP256R1())
    octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, octets)
    except FileExistsError:
        raise WireError(-1, str(path), "somebody else made this key file just now", "key_file_exists") from None
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be written: {error.strerror}", "output_failed") from None
    return SubscriberKey(key)


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be read: {error.strerror}", "key_file_unreadable") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WireError(-1, str(path), "a P-256 private key in PEM, not encrypted, was expected", "key_file_format")
    return key
