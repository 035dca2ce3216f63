"""Where a device is: near which communications hub, switched on or not, and what is wrong on the way to it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.devices.faults import NO_FAULTS, Faults
from trustcell.devices.octets import Reader, number, optional, second
from trustcell.vocab import Eui64


class Region(IntEnum):
    """Whose wide area network reaches a hub; there is one provider for the north and one for the rest."""

    NORTH = 1
    CENTRAL_AND_SOUTH = 2


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one device. ``hub`` is the hub it can hear; a hub hears itself and has ``region``.

    ``band`` 1 is the sub-GHz band, which only a hub with ``dual_band`` has. ``casts`` counts what the dice decided for
    this device. ``off_since`` is set while it has no power.
    """

    hub: Eui64 | None = None
    region: Region | None = None
    dual_band: bool = False
    band: int = 0
    off_since: datetime | None = None
    faults: Faults = NO_FAULTS
    casts: int = 0

    @property
    def on(self) -> bool:
        """Whether it has power."""
        return self.off_since is None

    def encode(self) -> bytes:
        """``hub? region dual-band band off? faults? casts[8]``."""
        return b"".join(
            (
                optional(self.hub),
                bytes((self.region or 0, self.dual_band, self.band)),
                optional(None if self.off_since is None else second(self.off_since)),
                optional(None if self.faults == NO_FAULTS else self.faults.encode()),
                number(self.casts, 8),
            )
        )

    @classmethod
    def read(cls, reader: Reader) -> "Place":
        """The next one."""
        hub = reader.optional(lambda r: Eui64(r.take(8)))
        region, dual_band, band = reader.number(1), reader.flag(), reader.number(1)
        off, faults = reader.optional(Reader.second), reader.optional(Faults.read)
        where = Region(region) if region else None
        return cls(hub, where, dual_band, band, off, faults or NO_FAULTS, reader.number(8))
