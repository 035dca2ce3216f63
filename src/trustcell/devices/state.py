"""What a device remembers beyond its manufacture, and its canonical octets.

Counts and flags take one octet, numbers eight, sizes two:

```
state    01 cells usc exec topup? pending alert? firmware? image?
cells    n ( role usage[2] cellUsage entity[8] keyId[8] point[65] size[2] certificate )*n
counters n ( role number[8] )*n
pending  n ( code[2] role originator[8] counter[8] due[8] size[2] payload )*n
x?       00, or 01 and x
```
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from trustcell.certs import p256_public_key
from trustcell.devices.cells import KEY_ID_LENGTH, CellOccupant
from trustcell.vocab import CellId, CellUsage, Eui64, KeyUsage, RemotePartyRole, WireError

_LAYOUT = b"\x01"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

Counters = tuple[tuple[RemotePartyRole, int], ...]
"""One number per role, in order of role."""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A future-dated command that was accepted and waits (gbcs.md 6.3); ``payload`` is kept as it came."""

    message_code: int
    role: RemotePartyRole
    originator: Eui64
    counter: int
    due: datetime
    payload: bytes

    def order(self) -> tuple[datetime, int, int]:
        """Earliest first; at one instant by message code and role."""
        return self.due, self.message_code, self.role


@dataclass(frozen=True, slots=True)
class HeldImage:
    """A firmware image that was distributed and not yet activated; a faulty one fails its activation."""

    image_hash: bytes
    version: bytes
    faulty: bool = False

    def __post_init__(self) -> None:
        """SHA-256 and four octets, as CS06 has them."""
        if len(self.image_hash) != 32 or len(self.version) != 4:
            raise ValueError("an image has a hash of 32 octets and a version of 4")


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Only what differs from manufacture; the empty state is a device straight from the pack.

    ``usc`` holds the counters of CS02b and CS02g per role, ``exec`` those of other replay-protected commands,
    ``topup`` the floor of prepayment top-ups (gbcs.md 5.2). ``alert_counter`` is that of the next alert.
    """

    cells: tuple[tuple[CellId, CellOccupant], ...] = ()
    usc: Counters = ()
    exec: Counters = ()
    topup: int | None = None
    pending: tuple[PendingCommand, ...] = ()
    alert_counter: int | None = None
    firmware_version: bytes | None = None
    held_image: HeldImage | None = None

    def with_cell(self, cell: CellId, occupant: CellOccupant) -> "DeviceState":
        """The state with this occupant in the cell."""
        others = [entry for entry in self.cells if entry[0] != cell]
        return replace(self, cells=tuple(sorted([*others, (cell, occupant)], key=lambda entry: entry[0])))

    def with_usc(self, role: RemotePartyRole, number: int) -> "DeviceState":
        """The state with this CS02b counter of a role."""
        return replace(self, usc=_put(self.usc, role, number))

    def with_exec(self, role: RemotePartyRole, number: int) -> "DeviceState":
        """The state with this counter of other commands of a role."""
        return replace(self, exec=_put(self.exec, role, number))

    def encode(self) -> bytes:
        """Canonical octets: equal states, equal octets."""
        return _encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> "DeviceState":
        """The state of exactly these octets; raises ``WireError`` ``device_state_malformed``."""
        return _decode(octets)


def _put(counters: Counters, role: RemotePartyRole, number: int) -> Counters:
    """The counters with one of them set, in order of role."""
    return tuple(sorted([*(entry for entry in counters if entry[0] != role), (role, number)]))


AS_MADE = DeviceState()
"""The state of every device nobody has touched; one object for all of them."""


def _encode(state: DeviceState) -> bytes:
    """Octets of a state."""
    parts = [_LAYOUT, _number(len(dict(state.cells)), 1)]
    for cell, occupant in sorted(dict(state.cells).items(), key=lambda entry: entry[0]):
        parts += (bytes((cell.role,)), _number(cell.key_usage, 2), bytes((cell.cell_usage,)))
        parts += (occupant.entity, occupant.key_id, occupant.point, _sized(occupant.certificate or b""))
    for counters in (state.usc, state.exec):
        numbers = sorted(dict(counters).items())
        parts.append(_number(len(numbers), 1))
        parts += [bytes((role,)) + _number(number, 8) for role, number in numbers]
    parts.append(_optional(None if state.topup is None else _number(state.topup, 8)))
    parts.append(_number(len(state.pending), 1))
    for command in sorted(state.pending, key=PendingCommand.order):
        parts += (_number(command.message_code, 2), bytes((command.role,)), command.originator)
        parts += (_number(command.counter, 8), _number((command.due - _EPOCH) // _SECOND, 8), _sized(command.payload))
    parts.append(_optional(None if state.alert_counter is None else _number(state.alert_counter, 8)))
    parts.append(_optional(state.firmware_version))
    image = state.held_image
    parts.append(_optional(None if image is None else image.image_hash + image.version + bytes((image.faulty,))))
    return b"".join(parts)


def _decode(octets: bytes) -> DeviceState:
    """The state of canonical octets; anything else is a ``WireError``."""
    reader = _Reader(bytes(octets))
    try:
        state = _read(reader)
        if reader.at != len(reader.octets) or _encode(state) != reader.octets:
            raise ValueError("these are not the octets this state is written as")
    except (ValueError, OverflowError, WireError) as error:
        raise WireError(reader.at, "state", str(error), "device_state_malformed") from None
    return state


def _read(reader: "_Reader") -> DeviceState:
    if reader.take(1) != _LAYOUT:
        raise ValueError("layout 01 was expected")
    cells = tuple(_read_cell(reader) for _ in range(reader.number(1)))
    usc, others = _read_counters(reader), _read_counters(reader)
    topup = reader.number(8) if reader.flag() else None
    pending = tuple(_read_pending(reader) for _ in range(reader.number(1)))
    alert = reader.number(8) if reader.flag() else None
    firmware = reader.take(4) if reader.flag() else None
    image = HeldImage(reader.take(32), reader.take(4), reader.flag()) if reader.flag() else None
    return DeviceState(cells, usc, others, topup, pending, alert, firmware, image)


def _read_cell(reader: "_Reader") -> tuple[CellId, CellOccupant]:
    role, usage = RemotePartyRole(reader.number(1)), KeyUsage(reader.number(2))
    cell = CellId(role, usage, CellUsage(reader.number(1)))
    entity, key_id, point = Eui64(reader.take(8)), reader.take(KEY_ID_LENGTH), reader.take(65)
    p256_public_key(point)
    return cell, CellOccupant(entity, key_id, reader.take(reader.number(2)) or None, point)


def _read_counters(reader: "_Reader") -> Counters:
    return tuple((RemotePartyRole(reader.number(1)), reader.number(8)) for _ in range(reader.number(1)))


def _read_pending(reader: "_Reader") -> PendingCommand:
    code, role, originator = reader.number(2), RemotePartyRole(reader.number(1)), Eui64(reader.take(8))
    counter, due = reader.number(8), _EPOCH + reader.number(8) * _SECOND
    return PendingCommand(code, role, originator, counter, due, reader.take(reader.number(2)))


class _Reader:
    """Octets and a position."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def take(self, size: int) -> bytes:
        part = self.octets[self.at : self.at + size]
        if len(part) != size:
            raise ValueError(f"{size} octets were expected, {len(part)} are left")
        self.at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def flag(self) -> bool:
        value = self.number(1)
        if value > 1:
            raise ValueError("a flag of 00 or 01 was expected")
        return value == 1


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def _sized(octets: bytes) -> bytes:
    return _number(len(octets), 2) + octets


def _optional(octets: bytes | None) -> bytes:
    return b"\x00" if octets is None else b"\x01" + octets
