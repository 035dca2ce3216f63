"""What a manufacturer puts into devices: occupants per cell, the root, first counters, firmware (smki.md 4.1, 4.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trustcell.certs import Certificate
from trustcell.devices.cells import CellOccupant
from trustcell.vocab import CellId, CellUsage, DeviceType, KeyUsage, RemotePartyRole, cells_at_manufacture

Occupants = Mapping[CellId, CellOccupant]

_NO_NUMBERS: Mapping[RemotePartyRole, int] = MappingProxyType({})
_MODELLED = (
    DeviceType.ESME,
    DeviceType.GSME,
    DeviceType.GPF,
    DeviceType.CHF,
    DeviceType.PPMID,
    DeviceType.HCALCS,
)


@dataclass(frozen=True, slots=True)
class ManufacturePack:
    """The common start of every device of a fleet.

    ``occupants`` has the cells of each device type, root cell included. ``first_numbers`` are the sequence numbers per
    role before the first command (zero where absent), ``first_alert`` is the counter of a device's first alert.
    """

    occupants: Mapping[DeviceType, Occupants]
    first_numbers: Mapping[RemotePartyRole, int] = field(default_factory=lambda: _NO_NUMBERS)
    first_alert: int = 1
    firmware_version: bytes = bytes(4)

    def __post_init__(self) -> None:
        """A version has four octets."""
        if len(self.firmware_version) != 4:
            raise ValueError("a firmware version has 4 octets")

    @classmethod
    def of(
        cls,
        root: CellOccupant,
        certificates: Iterable[bytes],
        *,
        top_up: bytes | None = None,
        with_load_controller: bool = False,
        first_numbers: Mapping[RemotePartyRole, int] = _NO_NUMBERS,
        first_alert: int = 1,
        firmware_version: bytes = bytes(4),
    ) -> "ManufacturePack":
        """Fill the cells of smki.md 4.2 from Organisation Certificates, by their role and key usage.

        A cell takes the first filler that is there, the broker's by default; a cell nobody can fill is left out, except
        that the broker's KA is needed. ``top_up`` is the supplier's second KA certificate.
        """
        by_purpose: dict[tuple[int | None, KeyUsage], CellOccupant] = {}
        for der in certificates:
            certificate = Certificate.from_der(der)
            by_purpose.setdefault((certificate.role, certificate.key_usage), CellOccupant.of(certificate))
        if (RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.KEY_AGREEMENT) not in by_purpose:
            raise ValueError("a pack needs the Key Agreement certificate of the access control broker")
        second = None if top_up is None else CellOccupant.of(Certificate.from_der(top_up))
        occupants = {
            kind: MappingProxyType(_filled(kind, root, by_purpose, second, with_load_controller)) for kind in _MODELLED
        }
        return cls(MappingProxyType(occupants), first_numbers, first_alert, firmware_version)


def _filled(
    kind: DeviceType,
    root: CellOccupant,
    by_purpose: Mapping[tuple[int | None, KeyUsage], CellOccupant],
    top_up: CellOccupant | None,
    with_optional: bool,
) -> dict[CellId, CellOccupant]:
    """Cells of one device type."""
    filled: dict[CellId, CellOccupant] = {}
    for row in cells_at_manufacture(kind):
        if row.optional and not with_optional:
            continue
        for role in row.fillers:
            found = root if role is RemotePartyRole.ROOT else by_purpose.get((role, row.cell.key_usage))
            if row.cell.cell_usage is CellUsage.PRE_PAYMENT_TOP_UP and role is RemotePartyRole.SUPPLIER and top_up:
                found = top_up
            if found is not None:
                filled[row.cell] = found
                break
    return filled
