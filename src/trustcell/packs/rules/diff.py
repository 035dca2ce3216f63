"""Two packs side by side, cell by cell: what is the same to a device, and what differs all the same (features N7).

A device keeps of an occupant its EUI-64, SKI and key usage; serial and dates it cannot report (smki.md 2.1, 4.3).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trustcell.certs import Certificate
from trustcell.packs.rules.pack import DEVICE_TYPES, Generation, SeenByDevice
from trustcell.vocab import CellId, DeviceType


class Comparison(StrEnum):
    """How one cell of the old pack relates to that of the new."""

    EQUAL = "the same certificate"
    SAME_TO_DEVICE = "same to a device"
    DIFFERENT = "different to a device"
    ADDED = "only in the new pack"
    REMOVED = "only in the old pack"


@dataclass(frozen=True)
class CellDifference:
    """One cell of one device type in both packs, and what differs: names of fields."""

    device: DeviceType
    cell: CellId
    comparison: Comparison
    old: Certificate | None
    new: Certificate | None
    differs: tuple[str, ...]


@dataclass(frozen=True)
class PackDifference:
    """Every cell of every device type."""

    cells: tuple[CellDifference, ...]

    @property
    def same_to_every_device(self) -> bool:
        """Whether no device could tell a pack from the other."""
        return all(cell.comparison in (Comparison.EQUAL, Comparison.SAME_TO_DEVICE) for cell in self.cells)

    @property
    def different_in_every_date(self) -> bool:
        """Whether every end-entity cell has other dates in the new pack."""
        judged = [cell for cell in self.cells if cell.new is not None and not cell.new.is_authority]
        return bool(judged) and all({"notBefore", "notAfter"} <= set(cell.differs) for cell in judged)


def compare(old: Generation, new: Generation) -> PackDifference:
    """Compare two generations, of one pack or of two."""
    return PackDifference(tuple(cell for device in DEVICE_TYPES for cell in _device(device, old, new)))


def _device(device: DeviceType, old: Generation, new: Generation) -> list[CellDifference]:
    before, after = old.cells.get(device, {}), new.cells.get(device, {})
    cells = sorted(before.keys() | after.keys())
    return [_compared(device, cell, before.get(cell), after.get(cell)) for cell in cells]


def _compared(device: DeviceType, cell: CellId, old: Certificate | None, new: Certificate | None) -> CellDifference:
    if old is None or new is None:
        return CellDifference(device, cell, Comparison.ADDED if old is None else Comparison.REMOVED, old, new, ())
    if old == new:
        return CellDifference(device, cell, Comparison.EQUAL, old, new, ())
    same = SeenByDevice.of(old) == SeenByDevice.of(new)
    differs = tuple(name for name, one, other in _fields(old, new) if one != other)
    return CellDifference(device, cell, Comparison.SAME_TO_DEVICE if same else Comparison.DIFFERENT, old, new, differs)


def _fields(old: Certificate, new: Certificate) -> list[tuple[str, object, object]]:
    return [
        ("issuer", old.issuer.der, new.issuer.der),
        ("serial", old.serial, new.serial),
        ("notBefore", old.not_before, new.not_before),
        ("notAfter", old.not_after, new.not_after),
        ("subject", old.subject.der, new.subject.der),
        ("publicKey", old.spki, new.spki),
        ("keyUsage", old.key_usage, new.key_usage),
        ("policies", old.policies, new.policies),
    ]


@dataclass(frozen=True)
class Told:
    """What a device's report of a cell can and cannot tell: the certificates it may hold, and the end to plan for.

    ``assumed`` is the earliest end, the worst case (features N14, smki.md 4.3); ``known`` whether there is one only.
    """

    seen: SeenByDevice
    candidates: tuple[Certificate, ...]

    @property
    def known(self) -> bool:
        """Whether the device can hold one certificate only."""
        return len(self.candidates) == 1

    @property
    def assumed(self) -> datetime:
        """The end to plan for."""
        return min(certificate.not_after for certificate in self.candidates)

    @property
    def text(self) -> str:
        """``2026 or 2041, assumed 2026``."""
        years = sorted({certificate.not_after.year for certificate in self.candidates})
        return str(years[0]) if len(years) == 1 else f"{' or '.join(map(str, years))}, assumed {self.assumed.year}"


def told_by_device(certificates: tuple[Certificate, ...]) -> list[Told]:
    """Group certificates by what a device can report of them."""
    groups: dict[SeenByDevice, list[Certificate]] = {}
    for certificate in certificates:
        if not certificate.is_authority:
            groups.setdefault(SeenByDevice.of(certificate), []).append(certificate)
    return [Told(seen, tuple(sorted(groups[seen], key=lambda c: (c.not_after, c.serial)))) for seen in sorted(groups)]
