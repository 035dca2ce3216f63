"""Who plays in a story: organisations with their keys and certificates, and the authority behind them."""

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, duis, gbcs
from trustcell.devices import CellOccupant
from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True, repr=False)
class KeyPair:
    """A certificate and its private key."""

    certificate: certs.Certificate
    private_key: ec.EllipticCurvePrivateKey

    def sign(self, octets: bytes) -> bytes:
        """r and s, 64 octets."""
        return gbcs.sign(self.private_key, octets)

    def sign_xml(self, message: bytes) -> bytes:
        """A DUIS message with its XML signature."""
        certificate = self.certificate
        return duis.sign(message, issuer_name=certificate.issuer.rfc4514, serial=certificate.serial, sign=self.sign)


@dataclass(frozen=True, slots=True)
class Actor:
    """An organisation: Digital Signature, Key Agreement and XML signing."""

    title: str
    entity: Eui64
    signing: KeyPair
    agreement: KeyPair
    xml: KeyPair


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody a story needs, and the moment it begins.

    ``others`` are certificates of parties that only sit in cells; ``path`` is the issuing OCA certificate that
    commands carry; ``environment`` says in words where the identities come from.
    """

    environment: str
    begins: datetime
    root: CellOccupant
    path: certs.Certificate
    broker: Actor
    supplier: Actor
    leaving: Actor
    arriving: Actor
    others: tuple[certs.Certificate, ...]
    gpf: Eui64
    seed: bytes
