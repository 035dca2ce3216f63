"""What a device remembers beyond its manufacture, and its canonical octets.

Counts and flags take one octet, numbers eight, sizes two; the octets of the parts are in ``memory``:

```
state    02 cells usc exec topup? pending alert? firmware? image?  keys partners hub? clock? failing
         01 is the same without what follows image; it is read and no longer written
cells    n ( role usage[2] cellUsage entity[8] keyId[8] point[65] size[2] certificate )*n
counters n ( role number[8] )*n
failing  n code[2]*n
x?       00, or 01 and x
```
"""

from dataclasses import dataclass, replace

from trustcell.certs import p256_public_key
from trustcell.devices.cells import KEY_ID_LENGTH, CellOccupant
from trustcell.devices.memory import (
    Clock,
    HeldImage,
    HubMemory,
    OwnKey,
    Partner,
    PendingCommand,
    encode_partner,
    read_partner,
)
from trustcell.devices.octets import Reader, many, number, optional, read_all, sized
from trustcell.vocab import CellId, CellUsage, Eui64, KeyUsage, RemotePartyRole

_FIRST_LAYOUT, _LAYOUT = b"\x01", b"\x02"

Counters = tuple[tuple[RemotePartyRole, int], ...]
"""One number per role, in order of role."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Only what differs from manufacture; the empty state is a device straight from the pack.

    ``usc`` holds the counters of CS02b and CS02g per role, ``exec`` those of other replay-protected commands,
    ``topup`` the floor of prepayment top-ups (gbcs.md 5.2). ``alert_counter`` is that of the next alert. ``partners``
    is the device log (CS07), ``hub`` what only a CHF has, ``failing`` the message codes whose execution fails.
    """

    cells: tuple[tuple[CellId, CellOccupant], ...] = ()
    usc: Counters = ()
    exec: Counters = ()
    topup: int | None = None
    pending: tuple[PendingCommand, ...] = ()
    alert_counter: int | None = None
    firmware_version: bytes | None = None
    held_image: HeldImage | None = None
    keys: tuple[OwnKey, ...] = ()
    partners: tuple[Partner, ...] = ()
    hub: HubMemory | None = None
    clock: Clock | None = None
    failing: tuple[int, ...] = ()

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

    def with_key(self, key: OwnKey) -> "DeviceState":
        """The state with this key pair of the device."""
        others = [held for held in self.keys if held.usage != key.usage]
        return replace(self, keys=tuple(sorted([*others, key], key=lambda held: held.usage)))

    def encode(self) -> bytes:
        """Canonical octets: equal states, equal octets."""
        return _encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> "DeviceState":
        """The state of exactly these octets; raises ``WireError`` ``device_state_malformed``."""
        first = octets[:1] == _FIRST_LAYOUT
        return read_all(octets, _read_first if first else _read, _encode_first if first else _encode, "state")


def _put(counters: Counters, role: RemotePartyRole, number: int) -> Counters:
    """The counters with one of them set, in order of role."""
    return tuple(sorted([*(entry for entry in counters if entry[0] != role), (role, number)]))


AS_MADE = DeviceState()
"""The state of every device nobody has touched; one object for all of them."""


def _encode(state: DeviceState) -> bytes:
    return b"".join(
        (
            _LAYOUT,
            _encode_common(state),
            many([key.encode() for key in sorted(state.keys, key=lambda key: key.usage)]),
            many([encode_partner(partner) for partner in state.partners]),
            optional(None if state.hub is None else state.hub.encode()),
            optional(None if state.clock is None else state.clock.encode()),
            many([number(code, 2) for code in sorted(set(state.failing))]),
        )
    )


def _encode_first(state: DeviceState) -> bytes:
    return _FIRST_LAYOUT + _encode_common(state)


def _encode_common(state: DeviceState) -> bytes:
    """What both layouts begin with."""
    parts = [number(len(dict(state.cells)), 1)]
    for cell, occupant in sorted(dict(state.cells).items(), key=lambda entry: entry[0]):
        parts += (bytes((cell.role,)), number(cell.key_usage, 2), bytes((cell.cell_usage,)))
        parts += (occupant.entity, occupant.key_id, occupant.point, sized(occupant.certificate or b""))
    for counters in (state.usc, state.exec):
        parts.append(many([bytes((role,)) + number(held, 8) for role, held in sorted(dict(counters).items())]))
    parts.append(optional(None if state.topup is None else number(state.topup, 8)))
    parts.append(many([command.encode() for command in sorted(state.pending, key=PendingCommand.order)]))
    parts.append(optional(None if state.alert_counter is None else number(state.alert_counter, 8)))
    parts.append(optional(state.firmware_version))
    parts.append(optional(None if state.held_image is None else state.held_image.encode()))
    return b"".join(parts)


def _read(reader: Reader) -> DeviceState:
    if reader.take(1) != _LAYOUT:
        raise ValueError("layout 01 or 02 was expected")
    state = _read_common(reader)
    return replace(
        state,
        keys=reader.many(OwnKey.read),
        partners=reader.many(read_partner),
        hub=reader.optional(HubMemory.read),
        clock=reader.optional(Clock.read),
        failing=reader.many(lambda r: r.number(2)),
    )


def _read_first(reader: Reader) -> DeviceState:
    reader.take(1)
    return _read_common(reader)


def _read_common(reader: Reader) -> DeviceState:
    cells = reader.many(_read_cell)
    usc, others = reader.many(_read_counter), reader.many(_read_counter)
    topup = reader.optional(lambda r: r.number(8))
    pending = reader.many(PendingCommand.read)
    alert = reader.optional(lambda r: r.number(8))
    firmware = reader.optional(lambda r: r.take(4))
    return DeviceState(cells, usc, others, topup, pending, alert, firmware, reader.optional(HeldImage.read))


def _read_cell(reader: Reader) -> tuple[CellId, CellOccupant]:
    role, usage = RemotePartyRole(reader.number(1)), KeyUsage(reader.number(2))
    cell = CellId(role, usage, CellUsage(reader.number(1)))
    entity, key_id, point = Eui64(reader.take(8)), reader.take(KEY_ID_LENGTH), reader.take(65)
    p256_public_key(point)
    return cell, CellOccupant(entity, key_id, reader.sized() or None, point)


def _read_counter(reader: Reader) -> tuple[RemotePartyRole, int]:
    return RemotePartyRole(reader.number(1)), reader.number(8)
