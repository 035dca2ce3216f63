"""Who sits in a Trust Anchor Cell of a device (smki.md 4.2)."""

from dataclasses import dataclass

from trustcell.certs import Certificate
from trustcell.vocab import Eui64

ROOT_ENTITY = Eui64(bytes(8))
"""What a device reports for the root cell: a root certificate has no unique identifier (smki.md 2.5)."""

KEY_ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class CellOccupant:
    """Who sits in a cell: subject, key identifier, public point, and the certificate unless only the key is known."""

    entity: Eui64
    key_id: bytes
    certificate: bytes | None
    point: bytes

    def __post_init__(self) -> None:
        """A response reports key identifiers of eight octets; a point has 65."""
        if len(self.key_id) != KEY_ID_LENGTH or len(self.point) != 65:
            raise ValueError("a key identifier of 8 octets and a P-256 point of 65 were expected")

    @classmethod
    def of(cls, certificate: Certificate) -> "CellOccupant":
        """The subject of an Organisation Certificate; ``ValueError`` without EUI-64, key identifier or P-256 key."""
        entity, key_id = certificate.entity_id, certificate.subject_key_identifier
        if entity is None or key_id is None:
            raise ValueError("a certificate with entity identifier and subject key identifier was expected")
        return cls(entity, key_id, certificate.der, certificate.public_key_point)

    @classmethod
    def root(cls, key_id: bytes, point: bytes, certificate: bytes | None = None) -> "CellOccupant":
        """The Root OCA, known by its public key."""
        return cls(ROOT_ENTITY, key_id, certificate, point)
