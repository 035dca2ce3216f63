"""What can be done to a virtual device: the way to it, power, tampering, clock, cells, numbers, memory, place.

Each is a value with a name and facts for the trail, and ``apply``, which checks everything before it changes anything
and raises ``ValueError`` for what cannot be done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustcell.certs import Certificate
from trustcell.devices import Estate, Faults, workshop
from trustcell.gbcs import DeviceTimeStatus
from trustcell.vocab import CellId, Eui64, RemotePartyRole, WireError


class Link(StrEnum):
    """How the way to a virtual device behaves."""

    REACHABLE = "reachable"
    SLOW = "slow"
    UNREACHABLE = "unreachable"
    LOSSY = "lossy"


LINKS: Mapping[Link, Faults] = MappingProxyType(
    {
        Link.REACHABLE: Faults(),
        Link.SLOW: Faults(delay=5.0),
        Link.UNREACHABLE: Faults(reachable=False),
        Link.LOSSY: Faults(lost=0.3, twice=0.1, late=0.1),
    }
)
"""What each means."""


@dataclass(frozen=True, slots=True)
class Way:
    """How messages get to it; for a hub, to all of its devices."""

    name: str
    faults: Faults

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail, which knows no fractions."""
        faults = self.faults
        parts = {"delay": faults.delay, "lost": faults.lost, "twice": faults.twice, "late": faults.late}
        return {"way": self.name, **{name: f"{part:g}" for name, part in parts.items() if part}}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """From now on."""
        estate.set_faults(eui, self.faults)


@dataclass(frozen=True, slots=True)
class Power:
    """Switched off or on."""

    on: bool

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"power": "on" if self.on else "off"}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """An ESME tells of an outage when power is back."""
        if self.on:
            estate.switch_on(eui, now)
        else:
            estate.switch_off(eui, now)


@dataclass(frozen=True, slots=True)
class Tamper:
    """Somebody opens it."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"tamper": True}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """It logs that, and a meter says so."""
        estate.tamper(eui, now)


@dataclass(frozen=True, slots=True)
class Alarm:
    """An event with this alert code."""

    code: int

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"alarm": f"{self.code:04X}"}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """It sends the alert."""
        estate.alarm(eui, self.code, now)


@dataclass(frozen=True, slots=True)
class Skew:
    """A clock that is ahead by so many seconds, and what it says of itself."""

    seconds: int
    status: DeviceTimeStatus = DeviceTimeStatus.RELIABLE

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"clock_skew_seconds": self.seconds, "clock_status": self.status.name.lower()}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """From now on."""
        estate.put(workshop.skewed(estate.book.device(eui), self.seconds, self.status))


@dataclass(frozen=True, slots=True)
class Certify:
    """An Organisation Certificate in a cell, also one that does not belong there."""

    cell: CellId
    certificate: bytes

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        serial = Certificate.from_der(self.certificate).serial
        return {"cell": str(self.cell), "serial": f"{serial:x}"}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """The DSP does not hear of it."""
        estate.put(workshop.with_certificate(estate.book.device(eui), self.cell, self.certificate))


@dataclass(frozen=True, slots=True)
class Count:
    """Both stored numbers of a role."""

    role: RemotePartyRole
    number: int

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"role": self.role.title, "number": self.number}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """The DSP does not hear of it."""
        estate.put(workshop.with_counters(estate.book.device(eui), self.role, self.number))


@dataclass(frozen=True, slots=True)
class Fail:
    """Commands whose execution fails, by message code, until it is mended."""

    codes: tuple[int, ...]

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"failing": [f"{code:04X}" for code in self.codes]}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """From now on."""
        estate.put(workshop.failing(estate.book.device(eui), *self.codes))


@dataclass(frozen=True, slots=True)
class PutBack:
    """An old memory: it accepts old numbers again and cannot know it (N17)."""

    memory: bytes

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"memory": len(self.memory)}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """Its log goes on."""
        try:
            estate.put(workshop.put_back(estate.book.device(eui), self.memory))
        except WireError as error:
            raise ValueError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Mend:
    """Reachable, switched on, the clock right, nothing fails. Cells, numbers and memory stay as they are."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"mended": True}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """At once."""
        estate.set_faults(eui, Faults())
        estate.put(workshop.mended(estate.book.device(eui)))
        estate.switch_on(eui, now)


@dataclass(frozen=True, slots=True)
class Install:
    """In its hub's network, as if whitelisted and joined before."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"installed": True}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """The DSP does not hear of it."""
        estate.install(eui, now)


@dataclass(frozen=True, slots=True)
class Move:
    """To another hub, or out of every hub's reach."""

    hub: Eui64 | None
    band: int = 0

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the trail."""
        return {"hub": "" if self.hub is None else str(self.hub), "band": self.band}

    def apply(self, estate: Estate, eui: Eui64, now: datetime) -> None:
        """It joins there if it is whitelisted."""
        try:
            estate.move(eui, self.hub, now, band=self.band)
        except KeyError:
            raise ValueError(f"there is no hub {self.hub}") from None


HanChange = Way | Power | Tamper | Alarm | Skew | Certify | Count | Fail | PutBack | Mend | Install | Move
