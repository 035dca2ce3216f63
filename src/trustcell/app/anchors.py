"""Public keys of a home's authorities, kept beside the database, so that nobody can put others in their place."""

from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from trustcell import certs
from trustcell.adapters.keystore_file import write_private
from trustcell.smki.service.hierarchy import Hierarchy
from trustcell.vocab import Unavailable, WireError

FILE = "authorities.pem"


def write_anchors(folder: Path, hierarchy: Hierarchy) -> None:
    """Write the certificates of the authorities, once the ceremony is complete; an existing file stays."""
    path = folder / FILE
    if path.exists():
        return
    pem = b"".join(authority.certificate.x509.public_bytes(Encoding.PEM) for authority in hierarchy)
    try:
        write_private(path, pem)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror} [home_failed]") from None


def read_anchors(folder: Path) -> Mapping[str, tuple[bytes, ...]]:
    """SubjectPublicKeyInfo of each authority by name; ``Unavailable`` (``anchors_missing``) without the file."""
    path = folder / FILE
    try:
        found = certs.load_certificates(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror} [anchors_missing]") from None
    except WireError as error:
        raise Unavailable(f"{path} holds no certificates: {error} [anchors_missing]") from None
    return {each.subject.common_name or "": (each.spki,) for each in found}
