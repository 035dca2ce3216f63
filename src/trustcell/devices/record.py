"""One device of an estate as octets: who it is, what it remembers, its log, its place; and the estate's own settings.

```
record   01 size[2] fleet  device[8] type  place  size[4] state  n[2] ( at[8] code[2] size[2] reason size[2] text )*n
settings 01 n ( region faults )*n
```
"""

from collections.abc import Mapping
from typing import NamedTuple

from trustcell.devices.faults import Faults
from trustcell.devices.identity import DeviceIdentity
from trustcell.devices.log import LogEntry
from trustcell.devices.octets import Reader, many, moment, number, read_all, sized
from trustcell.devices.place import Place, Region
from trustcell.devices.state import AS_MADE, DeviceState
from trustcell.vocab import DeviceType, Eui64

_LAYOUT = b"\x01"


class Record(NamedTuple):
    """What is kept of one device; ``fleet`` names the fleet of the estate it belongs to."""

    fleet: str
    identity: DeviceIdentity
    place: Place
    state: DeviceState
    log: tuple[LogEntry, ...]

    def encode(self, lines: "LogLines | None" = None) -> bytes:
        """Canonical octets; ``lines`` are those of this device's log, if somebody keeps them."""
        state = self.state.encode()
        return b"".join(
            (
                _LAYOUT,
                sized(self.fleet.encode()),
                self.identity.eui,
                bytes((self.identity.device_type,)),
                self.place.encode(),
                number(len(state), 4),
                state,
                many((lines or LogLines()).of(self.log), 2),
            )
        )

    @classmethod
    def decode(cls, octets: bytes) -> "Record":
        """The record of exactly these octets; raises ``WireError`` ``device_record_malformed``."""
        return read_all(octets, _read, cls.encode, "record")


class LogLines:
    """The octets of a growing log: a line that was written once is not written again."""

    __slots__ = ("_lines", "_log")

    def __init__(self) -> None:
        """Nothing written."""
        self._log: tuple[LogEntry, ...] = ()
        self._lines: list[bytes] = []

    def of(self, log: tuple[LogEntry, ...]) -> list[bytes]:
        """The lines of a log."""
        known = self._overlap(log)
        written = [_line(entry) for entry in log[known:]]
        self._lines = self._lines[len(self._lines) - known :] + written
        self._log = log
        return self._lines

    def _overlap(self, log: tuple[LogEntry, ...]) -> int:
        """How many entries at the beginning of ``log`` are those at the end of the one before."""
        if self._log:
            for size in range(min(len(log), len(self._log)), 0, -1):
                if log[size - 1] is self._log[-1]:
                    return size if log[:size] == self._log[-size:] else 0
        return 0


def _read(reader: Reader) -> Record:
    if reader.take(1) != _LAYOUT:
        raise ValueError("layout 01 was expected")
    fleet = reader.sized().decode()
    identity = DeviceIdentity(Eui64(reader.take(8)), DeviceType(reader.number(1)))
    place = Place.read(reader)
    state = DeviceState.decode(reader.take(reader.number(4)))
    return Record(fleet, identity, place, AS_MADE if state == AS_MADE else state, reader.many(_read_line, 2))


def _line(entry: LogEntry) -> bytes:
    return moment(entry.at) + number(entry.code, 2) + sized(entry.reason.encode()) + sized(entry.text.encode())


def _read_line(reader: Reader) -> LogEntry:
    at, code = reader.moment(), reader.number(2)
    return LogEntry(at, code, reader.sized().decode(), reader.sized().decode())


def write_settings(regions: Mapping[Region, Faults]) -> bytes:
    """What is wrong in each region."""
    return _LAYOUT + many([bytes((region,)) + regions[region].encode() for region in sorted(regions)])


def read_settings(octets: bytes) -> dict[Region, Faults]:
    """The settings of exactly these octets; raises ``WireError`` ``device_settings_malformed``."""
    return read_all(octets, _read_settings, write_settings, "settings")


def _read_settings(reader: Reader) -> dict[Region, Faults]:
    if reader.take(1) != _LAYOUT:
        raise ValueError("layout 01 was expected")
    return dict(reader.many(lambda r: (Region(r.number(1)), Faults.read(r))))
