"""Who may send a command of a use case, how it is protected, whether its counter is used up (gbcs.md 1.3, 5, 6.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from trustcell.devices import answers
from trustcell.devices.cells import CellOccupant
from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.devices.rules import replay
from trustcell.devices.rules.authority import require_mac, require_shape, require_signature
from trustcell.gbcs.frame import Cra, Message, Shape
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.vocab import CellId, KeyUsage, RemotePartyRole

_Command = TypeVar("_Command")
_USAGE = {Shape.SIGNED_AND_MAC: KeyUsage.DIGITAL_SIGNATURE, Shape.MAC: KeyUsage.KEY_AGREEMENT}


@dataclass(frozen=True, slots=True)
class Access:
    """The rule of one use case: its protection, the roles whose cell authorises it, and whether a replay is refused.

    Where one party sits in the cells of several roles, the first of ``roles`` counts.
    """

    shape: Shape
    roles: tuple[RemotePartyRole, ...]
    replay_protected: bool

    def __post_init__(self) -> None:
        """Every use case here has the broker's MAC."""
        if self.shape not in _USAGE or not self.roles:
            raise ValueError("a MAC, with or without signature, and at least one role were expected")


def critical(*roles: RemotePartyRole, replay_protected: bool = True) -> Access:
    """Signed by the party and MACed by the broker."""
    return Access(Shape.SIGNED_AND_MAC, roles, replay_protected)


def non_critical(*roles: RemotePartyRole, replay_protected: bool = True) -> Access:
    """MACed by the broker alone."""
    return Access(Shape.MAC, roles, replay_protected)


def authorised(device: Device, message: Message, access: Access) -> tuple[Device, CellOccupant]:
    """Steps 3 and 5 to 9 of gbcs.md 6.1: the device with the counter used up, and who sent the command."""
    require_shape(message, access.shape)
    role, sender = _sender(device, message, access)
    if access.replay_protected:
        replay.require_fresh(message.originator_counter, device.exec(role), role)
    require_mac(device, message)
    if access.shape is Shape.SIGNED_AND_MAC:
        require_signature(device, message, sender)
    if access.replay_protected:
        device = replay.accepted_other(device, role, message.originator_counter)
    return device, sender


def _sender(device: Device, message: Message, access: Access) -> tuple[RemotePartyRole, CellOccupant]:
    """Step 5: the Business Originator sits in the cell of one of the roles."""
    usage = _USAGE[access.shape]
    for role in access.roles:
        occupant = device.cell(CellId(role, usage))
        if occupant is not None and occupant.entity == message.originator:
            return role, occupant
    names = ", ".join(role.title for role in access.roles)
    raise Discard(Event.NO_AUTHORITY, "originator_not_in_cell", f"{message.originator} is none of {names} here")


def typed(message: Message, kind: type[_Command]) -> _Command:
    """Step 4: the payload is a command of exactly this form; a device knows no other instructions."""
    value = decode_payload(message)
    if not isinstance(value, kind):
        text = f"message code {message.message_code:04X} has other instructions than a {kind.__name__}"
        raise Discard(Event.FORMAT_CHECK_FAILED, "other_instructions", text)
    return value


def answered(
    device: Device, message: Message, sender: CellOccupant, value: Any, stamp: datetime | None = None
) -> bytes:
    """An answer, signed to a signature and with a MAC to a MAC; ``stamp`` where the use case has a date-time in it."""
    payload = encode_payload(message.message_code, Cra.RESPONSE, value, message.originator_counter)
    if message.shape is Shape.MAC:
        return answers.mac_response(device, message, payload, sender, stamp)
    return answers.signed_response(device, message, payload, stamp)
