"""Protection against replay: strict checks, acceptance, floors (gbcs.md 5.2)."""

from collections.abc import Iterable
from dataclasses import replace

from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event
from trustcell.devices.rules.policy import FloorPolicy
from trustcell.gbcs.usecases.common import RemotePartySeqNumberChange, SpecialistSeqNumber
from trustcell.vocab import RemotePartyRole


def require_fresh(number: int, stored: int, role: RemotePartyRole) -> None:
    """Step 6: strictly greater than the stored number of the authorising cell's role; equal is a replay."""
    if number <= stored:
        text = f"counter {number} is not above {stored}, the stored number of {role.title}"
        raise Discard(Event.OTHER_AUTHENTICATION_FAILURE, "counter_not_greater", text)


def accepted_update(device: Device, role: RemotePartyRole, number: int) -> Device:
    """Step 9 for CS02b and CS02g: the number is used up before anything is executed or scheduled."""
    return device.with_state(device.state.with_usc(role, number))


def accepted_other(device: Device, role: RemotePartyRole, number: int) -> Device:
    """Step 9 for any other replay-protected command."""
    return device.with_state(device.state.with_exec(role, number))


def own_floor(
    device: Device,
    role: RemotePartyRole,
    floor: int,
    specialists: tuple[SpecialistSeqNumber, ...] | None,
    entity_changed: bool,
) -> Device:
    """[4] and [5], for the authorising role: retain never lowers, reset follows a change of control."""
    if entity_changed and device.policy.floors is FloorPolicy.RESET:
        return _set(device, role, floor, specialists)
    state = device.state
    if floor > device.usc(role):
        state = state.with_usc(role, floor)
    if floor > device.exec(role):
        state = state.with_exec(role, floor)
    if role is RemotePartyRole.SUPPLIER and specialists:
        state = replace(state, topup=max(device.topup, *(special.seq_number for special in specialists)))
    return device.with_state(state)


def other_floors(device: Device, changes: Iterable[RemotePartySeqNumberChange]) -> Device:
    """[6], for roles whose credentials another role replaces: set as given, also downwards."""
    for change in changes:
        device = _set(device, change.role, change.floor, change.specialist_floors)
    return device


def _set(
    device: Device, role: RemotePartyRole, floor: int, specialists: tuple[SpecialistSeqNumber, ...] | None
) -> Device:
    state = device.state.with_usc(role, floor).with_exec(role, floor)
    if role is RemotePartyRole.SUPPLIER:
        for special in specialists or ():
            state = replace(state, topup=special.seq_number)
    return device.with_state(state)
