"""Who may command: protection shape, originator, MAC, signature (gbcs.md 6.1 steps 3, 5, 7, 8). Nothing moves here."""

from trustcell.devices.cells import CellOccupant
from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Message, Shape
from trustcell.vocab import BROKER_CELL, CellId, Eui64


def require_shape(message: Message, *allowed: Shape) -> None:
    """Step 3: exactly the protection that message code and mode ask for (gbcs.md 1.3)."""
    found = message.shape
    if found in allowed:
        return
    needs_mac = all(shape in (Shape.MAC, Shape.SIGNED_AND_MAC) for shape in allowed)
    needs_signature = all(shape in (Shape.SIGNED, Shape.SIGNED_AND_MAC) for shape in allowed)
    if needs_mac and message.mac is None:
        reason = "mac_missing"
    elif needs_signature and not message.signature:
        reason = "signature_missing"
    else:
        reason = "protection_not_expected"
    names = " or ".join(shape.name for shape in allowed)
    raise Discard(Event.AUTHENTICATION_FAILED, reason, f"protection {names} was expected, {found.name} found")


def require_originator(device: Device, message: Message, cell: CellId) -> CellOccupant:
    """Step 5: the Business Originator is the entity in the authorising cell, whatever its role elsewhere."""
    occupant = device.cell(cell)
    if occupant is None:
        raise Discard(Event.NO_AUTHORITY, "authorising_cell_absent", f"this device has no cell {cell}")
    if message.originator != occupant.entity:
        text = f"{message.originator} is not who sits in {cell}"
        raise Discard(Event.NO_AUTHORITY, "originator_not_in_cell", text)
    return occupant


def require_mac(device: Device, message: Message) -> None:
    """Step 7: the MAC under the broker's Key Agreement cell, compared in constant time."""
    broker = device.cell(BROKER_CELL)
    if broker is None:
        raise Discard(Event.AUTHENTICATION_FAILED, "broker_cell_absent", f"this device has no cell {BROKER_CELL}")
    if not protect.check_mac(message, device.agree(broker)):
        raise Discard(Event.AUTHENTICATION_FAILED, "mac_wrong", "the MAC does not authenticate the message")


def require_signature(device: Device, message: Message, signer: CellOccupant) -> None:
    """Step 8: the signature by the key in the authorising cell; which certificate brought the key is no matter."""
    public_key = device.fleet.public_key(signer)
    if not protect.check_signature(public_key, frame.signed_octets(message), message.signature or b""):
        raise Discard(Event.AUTHENTICATION_FAILED, "signature_wrong", "the signature is not by the key in the cell")


def still_in_cell(device: Device, originator: Eui64, cell: CellId) -> bool:
    """Whether a party still holds the cell its future-dated command was authorised by.

    Assumed: a party that lost the cell meanwhile must not take it back with a command it left behind.
    """
    occupant = device.cell(cell)
    return occupant is not None and occupant.entity == originator
