"""CS02a and CS02f: tell who sits in the cells, to the broker by MAC or to another party by signature (gbcs.md 4.4)."""

from datetime import datetime

from trustcell.devices import answers
from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.authority import (
    require_mac,
    require_originator,
    require_shape,
    require_signature,
)
from trustcell.gbcs.frame import Cra, Message, Shape
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.common import StatusCode
from trustcell.gbcs.usecases.cs02a import CellDetails, ProvideCredentialDetails, RoleDetails
from trustcell.vocab import BROKER_CELL, KeyUsage, RemotePartyRole

CS02A = 0x0008
CS02F = 0x011B

CS02F_ROLES = frozenset({RemotePartyRole.SUPPLIER, RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.LOAD_CONTROLLER})
"""Roles CS02f tells about; for any other it says ``other`` (assumed from the vectors, which ask for role 5)."""

MAX_ROLES = 16
"""Roles one command may ask for; there are ten."""


def provide(device: Device, message: Message, now: datetime) -> Outcome:
    """Answer who sits in the cells of the roles asked for. A read: not protected against replay, changes nothing."""
    require_shape(message, Shape.MAC, Shape.SIGNED)
    command: ProvideCredentialDetails = decode_payload(message)
    if len(command.roles) > MAX_ROLES:
        raise Discard(Event.FORMAT_CHECK_FAILED, "too_many_roles", f"at most {MAX_ROLES} roles were expected")
    cell = command.authorising_cell
    by_mac = message.shape is Shape.MAC
    if by_mac != (cell == BROKER_CELL) or not (by_mac or cell.key_usage is KeyUsage.DIGITAL_SIGNATURE):
        text = f"a command protected by {message.shape.name} cannot be authorised by {cell}"
        raise Discard(Event.NO_AUTHORITY, "authorising_cell_wrong", text)
    asker = require_originator(device, message, cell)
    if by_mac:
        require_mac(device, message)
    else:
        require_signature(device, message, asker)
    found = tuple(_details(device, role, message.message_code) for role in command.roles)
    payload = encode_payload(message.message_code, Cra.RESPONSE, found)
    if by_mac:
        return Outcome(device, (answers.mac_response(device, message, payload, asker),))
    return Outcome(device, (answers.signed_response(device, message, payload, None),))


def _details(device: Device, role: RemotePartyRole, message_code: int) -> RoleDetails:
    """Status, number and cells of one role; the number is that of CS02b (gbcs.md 5.2)."""
    if message_code == CS02F and role not in CS02F_ROLES:
        return RoleDetails(role, StatusCode.OTHER)
    cells = tuple(
        CellDetails(cell.key_usage, cell.cell_usage, occupant.entity, occupant.key_id)
        for cell, occupant in device.cells_of(role)
    )
    if not cells:
        return RoleDetails(role, StatusCode.TRUST_ANCHOR_NOT_FOUND)
    return RoleDetails(role, StatusCode.SUCCESS, device.usc(role), cells)
