"""Future-dated commands: stored, replaced, cancelled, and taken when due (gbcs.md 6.3)."""

from dataclasses import replace
from datetime import UTC, datetime

from trustcell.devices.fleet import Device
from trustcell.devices.memory import PendingCommand
from trustcell.gbcs.frame import Message
from trustcell.gbcs.usecases.common import NEVER
from trustcell.vocab import RemotePartyRole


def schedule(device: Device, message: Message, role: RemotePartyRole, due: datetime) -> Device:
    """Keep the command until it is due; the same code from the same role is replaced, and ``NEVER`` only removes it."""
    code = message.message_code
    waiting = [held for held in device.state.pending if (held.message_code, held.role) != (code, role)]
    if due != NEVER:
        waiting.append(PendingCommand(code, role, message.originator, message.originator_counter, due, message.payload))
        waiting.sort(key=PendingCommand.order)
    return device.with_state(replace(device.state, pending=tuple(waiting)))


def take_due(device: Device, now: datetime) -> tuple[Device, tuple[PendingCommand, ...]]:
    """The commands that are due, earliest first, and the device without them."""
    moment = now.astimezone(UTC)
    due = tuple(held for held in device.state.pending if held.due <= moment)
    if not due:
        return device, ()
    waiting = tuple(held for held in device.state.pending if held.due > moment)
    return device.with_state(replace(device.state, pending=waiting)), due
