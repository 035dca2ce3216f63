"""Trust Anchor Cells: who sits in one, and which cells a device type has at manufacture (smki.md 4.2)."""

from dataclasses import dataclass

from trustcell.certs import Certificate
from trustcell.vocab import CellId, CellUsage, DeviceType, Eui64, KeyUsage, RemotePartyRole

ROOT_ENTITY = Eui64(bytes(8))
"""What a device reports for the root cell: a root certificate has no unique identifier (smki.md 2.5)."""

KEY_ID_LENGTH = 8

_ROOT, _RECOVERY, _SUPPLIER = RemotePartyRole.ROOT, RemotePartyRole.RECOVERY, RemotePartyRole.SUPPLIER
_OPERATOR, _BROKER = RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.ACCESS_CONTROL_BROKER
_COS, _WAN, _LOAD = RemotePartyRole.TRANSITIONAL_COS, RemotePartyRole.WAN_PROVIDER, RemotePartyRole.LOAD_CONTROLLER
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT

ROOT_CELL = CellId(_ROOT, KeyUsage.KEY_CERT_SIGN)
BROKER_CELL = CellId(_BROKER, _KA)
"""The cell whose key authenticates every MAC of a command (gbcs.md 2.4)."""

SUPPLIER_CELL = CellId(_SUPPLIER, _DS)


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


@dataclass(frozen=True, slots=True)
class CellRow:
    """One cell at manufacture and whose certificate fills it: the first of ``fillers`` that a pack has.

    ``optional`` cells exist only when the pack names them.
    """

    cell: CellId
    fillers: tuple[RemotePartyRole, ...]
    optional: bool = False


_TOP_UP = CellId(_SUPPLIER, _KA, CellUsage.PRE_PAYMENT_TOP_UP)

# Rows every device type has. ESME [MSG], others [ASSUME]; the root row [RECALL]; GPF broker KA [ASSUME].
_COMMON = (
    CellRow(ROOT_CELL, (_ROOT,)),
    CellRow(CellId(_RECOVERY, _DS), (_RECOVERY,)),
    CellRow(CellId(_COS, _DS), (_COS,)),
    CellRow(BROKER_CELL, (_BROKER,)),
)
# Meters: the supplier's certificates, or the broker's by default [S1]+[ASSUME].
_METER_SUPPLIER = (
    CellRow(SUPPLIER_CELL, (_SUPPLIER, _BROKER)),
    CellRow(CellId(_SUPPLIER, _KA), (_SUPPLIER, _BROKER)),
    CellRow(_TOP_UP, (_SUPPLIER, _BROKER)),
)
# GPF: the broker's certificates, top-up reuses the broker's KA [MSG]; network operator cells [S2][MSG].
_GPF_PARTIES = tuple(
    CellRow(cell, (_BROKER,))
    for cell in (SUPPLIER_CELL, CellId(_SUPPLIER, _KA), _TOP_UP, CellId(_OPERATOR, _DS), CellId(_OPERATOR, _KA))
)
# ESME network operator cells [ASSUME]; load controller cells of newer ones [MSG].
_ESME_PARTIES = (
    *_METER_SUPPLIER,
    CellRow(CellId(_OPERATOR, _DS), (_OPERATOR, _BROKER)),
    CellRow(CellId(_OPERATOR, _KA), (_OPERATOR, _BROKER)),
    CellRow(CellId(_LOAD, _DS), (_LOAD, _SUPPLIER, _BROKER), optional=True),
    CellRow(CellId(_LOAD, _KA), (_LOAD, _SUPPLIER, _BROKER), optional=True),
)
# CHF: broker DS [MSG], WAN provider DS [ASSUME]; no supplier and no network operator.
_CHF_PARTIES = (CellRow(CellId(_BROKER, _DS), (_BROKER,)), CellRow(CellId(_WAN, _DS), (_WAN,)))

_ROWS = {
    DeviceType.ESME: _COMMON + _ESME_PARTIES,
    DeviceType.GSME: _COMMON + _METER_SUPPLIER,
    DeviceType.GPF: _COMMON + _GPF_PARTIES,
    DeviceType.CHF: _COMMON + _CHF_PARTIES,
}


def cells_at_manufacture(device_type: DeviceType) -> tuple[CellRow, ...]:
    """The cells of a modelled device type; ``ValueError`` for the others."""
    rows = _ROWS.get(device_type)
    if rows is None:
        raise ValueError(f"device type {device_type.name} is not modelled; ESME, GSME, GPF and CHF are")
    return rows
