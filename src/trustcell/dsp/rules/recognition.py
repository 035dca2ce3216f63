"""How the DSP knows who sits in a cell at install and commission: by default, by record, by search, or not at all.

MP261 describes it: the default certificates of the pack are tried first, then what was recorded for the device; else
the DSP searches, and the installer waits. Occupants are compared by subject, SKI and key usage, never by serial, since
that is all a device reports (smki.md 4.3; the classes are our reading).
"""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from trustcell.vocab import Eui64, KeyUsage


@dataclass(frozen=True, slots=True)
class Reported:
    """What a device reports of a cell's occupant: subject EUI-64, key identifier (8 octets), key usage."""

    entity: Eui64
    key_id: bytes
    key_usage: KeyUsage


class Recognition(StrEnum):
    """How an occupant was recognised, from cheapest to worst."""

    DEFAULT = "default"
    """That of a current pack: go on."""
    RECORDED = "recorded"
    """What the DSP has on record for this device: go on."""
    FOUND = "found"
    """Neither; a certificate of the repository fits after a search: go on, with delay."""
    UNKNOWN = "unknown"
    """Nothing fits: the device cannot be authenticated."""

    @property
    def needs_search(self) -> bool:
        """Whether somebody waits on a doorstep while the DSP searches."""
        return self in (Recognition.FOUND, Recognition.UNKNOWN)


def recognise(
    reported: Reported, defaults: Container[Reported], recorded: Reported | None, repository: Container[Reported]
) -> Recognition:
    """Judge one cell: ``defaults`` of all current packs, ``recorded`` for this device, all of the ``repository``."""
    if reported in defaults:
        return Recognition.DEFAULT
    if reported == recorded:
        return Recognition.RECORDED
    return Recognition.FOUND if reported in repository else Recognition.UNKNOWN
