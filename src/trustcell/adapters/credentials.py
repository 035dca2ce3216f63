"""The credentials of people: an IKI certificate and the key behind it, in a file or on a token (smki.md 1.1)."""

from pathlib import Path

from trustcell import certs
from trustcell.smki.ports import KeyKind, Signer
from trustcell.vocab import Unavailable, WireError


class PersonCredential:
    """What a person acts with; see ``governance.ports.Credential``."""

    def __init__(self, person: str, certificate: bytes, signer: Signer) -> None:
        """``Unavailable`` unless the certificate (DER) holds the key of the signer, an RSA key."""
        if signer.kind is not KeyKind.RSA2048 or certs.Certificate.from_der(certificate).spki != signer.public_key:
            raise Unavailable(f"the certificate of {person} is not over the key {signer.label} [credential_mismatch]")
        self.person = person
        self.certificate = certificate
        self._signer = signer

    def sign(self, octets: bytes) -> bytes:
        """RSA PKCS#1 v1.5 with SHA-256."""
        return self._signer.sign(octets)

    def __repr__(self) -> str:
        """Whose it is."""
        return f"PersonCredential({self.person!r})"


def read_certificate(path: Path) -> bytes:
    """The DER of the one certificate in a file; ``Unavailable`` when there is none."""
    try:
        found = certs.load_certificates(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror} [credential_missing]") from None
    except WireError as error:
        raise Unavailable(f"{path} holds no certificate: {error} [credential_unreadable]") from None
    if len(found) != 1:
        raise Unavailable(f"{path} holds {len(found)} certificates, one was expected [credential_unreadable]")
    return found[0].der
