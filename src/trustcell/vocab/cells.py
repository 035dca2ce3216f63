"""The Trust Anchor Cells a device type has at manufacture, and whose certificate fills each (smki.md 4.2).

One table for everybody: devices are made from it, packs are built and checked against it.
"""

from dataclasses import dataclass

from trustcell.vocab.nouns import CellId, CellUsage, DeviceType, KeyUsage, RemotePartyRole

_ROOT, _RECOVERY, _SUPPLIER = RemotePartyRole.ROOT, RemotePartyRole.RECOVERY, RemotePartyRole.SUPPLIER
_OPERATOR, _BROKER = RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.ACCESS_CONTROL_BROKER
_COS, _WAN, _LOAD = RemotePartyRole.TRANSITIONAL_COS, RemotePartyRole.WAN_PROVIDER, RemotePartyRole.LOAD_CONTROLLER
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT

ROOT_CELL = CellId(_ROOT, KeyUsage.KEY_CERT_SIGN)
BROKER_CELL = CellId(_BROKER, _KA)
"""The cell whose key authenticates every MAC of a command (gbcs.md 2.4)."""

SUPPLIER_CELL = CellId(_SUPPLIER, _DS)


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
# PPMID and HCALCS [ASSUME]: what commands in the vectors are authorised by, broker DS on a PPMID, supplier on a HCALCS.
_PPMID_PARTIES = (CellRow(CellId(_BROKER, _DS), (_BROKER,)),)
_HCALCS_PARTIES = tuple(CellRow(CellId(_SUPPLIER, usage), (_SUPPLIER, _BROKER)) for usage in (_DS, _KA))

_ROWS = {
    DeviceType.ESME: _COMMON + _ESME_PARTIES,
    DeviceType.GSME: _COMMON + _METER_SUPPLIER,
    DeviceType.GPF: _COMMON + _GPF_PARTIES,
    DeviceType.CHF: _COMMON + _CHF_PARTIES,
    DeviceType.PPMID: _COMMON + _PPMID_PARTIES,
    DeviceType.HCALCS: _COMMON + _HCALCS_PARTIES,
}


def cells_at_manufacture(device_type: DeviceType) -> tuple[CellRow, ...]:
    """The cells of a modelled device type; ``ValueError`` for the others."""
    rows = _ROWS.get(device_type)
    if rows is None:
        raise ValueError(f"device type {device_type.name} has no credentials of its own here")
    return rows
