"""Manufacturing packs: which certificates fill the cells of a new device, checked, signed, and compared (MP261)."""

from trustcell.packs.rules.diff import CellDifference, Comparison, PackDifference, Told, compare, told_by_device
from trustcell.packs.rules.lint import lint
from trustcell.packs.rules.pack import DEVICE_TYPES, Generation, Pack, SeenByDevice, fill
from trustcell.packs.rules.seal import Anchors, SealedPack, unseal
from trustcell.packs.rules.verify import verify
from trustcell.packs.service import Packs, Published

__all__ = [
    "DEVICE_TYPES",
    "Anchors",
    "CellDifference",
    "Comparison",
    "Generation",
    "Pack",
    "PackDifference",
    "Packs",
    "Published",
    "SealedPack",
    "SeenByDevice",
    "Told",
    "compare",
    "fill",
    "lint",
    "told_by_device",
    "unseal",
    "verify",
]
