"""The key of a lab's audit log, in a file beside the log."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from trustcell.adapters.keystore_file import write_private
from trustcell.vocab import WireError

_FILE = "audit.key"


def audit_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The key, once it was made; ``WireError`` (``lab_format``) when it cannot be read."""
    path = folder / _FILE
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise WireError(-1, str(path), "a P-256 key was expected", "lab_format")
    return key


def made_audit_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The key: made at the first start, and kept."""
    path = folder / _FILE
    if path.exists():
        return audit_key(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key
