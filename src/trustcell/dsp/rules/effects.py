"""What answers about credentials change in the DSP's books: slots, and the counter to remember (duis-dsp.md 7.2)."""

from collections.abc import Iterator
from typing import Any

from trustcell import gbcs
from trustcell.dsp.rules.facts import DeviceRecord, Occupant
from trustcell.dsp.rules.old_memory import signs_of_it
from trustcell.dsp.rules.plan import Effects, Reply, SlotChange
from trustcell.vocab import CellId, DeviceType, KeyUsage, RemotePartyRole

NETWORK_OPERATOR_SIGNING_CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)


def newer(command: int, taught_by: int | None, *, alert: bool) -> bool:
    """Whether what a command's answer says of a cell is newer than what is known of it.

    Commands are numbered as they were recorded. A late answer to an older one must not bring a former occupant back,
    but an alert tells of an execution that happens long after its command.
    """
    return alert or taught_by is None or command >= taught_by


def effects_of_update(reply: Reply) -> Effects:
    """Effects of the answer to an update of credentials, at once or by its future-dated alert.

    A 6.15.1 on a SMETS2 GPF teaches when a Network Operator cell now holds the broker: recognised by subject, never
    by key identifier or serial (MP261). Slots are learned on every device, also where a replacement failed: then the
    old party is still there.
    """
    outcome = outcome_of(reply.payload)
    if outcome is None:
        return Effects()
    slots = tuple(
        SlotChange(entry.cell, Occupant(entry.replacing_entity, entry.replacing_key_id))
        for entry in outcome.replacement_outcomes
        if entry.status is not gbcs.StatusCode.TRUST_ANCHOR_NOT_FOUND
    )
    left = any(
        entry.cell.role is RemotePartyRole.NETWORK_OPERATOR
        and entry.status is gbcs.StatusCode.SUCCESS
        and entry.replacing_entity == reply.broker
        for entry in outcome.replacement_outcomes
    )
    if not (left and reply.service_variant == "6.15.1" and is_tracked(reply.device)):
        return Effects(slots)
    floor = max(
        (change.floor for change in outcome.seq_number_changes if change.role is RemotePartyRole.NETWORK_OPERATOR),
        default=0,
    )
    source = "floor" if floor > outcome.seq_number else "authorisingRemotePartySeqNumber"
    return Effects(slots, max(outcome.seq_number, floor), f"6.15.1 {source}")


def effects_of_details(reply: Reply) -> Effects:
    """Effects of the answer to a 6.24.1: every cell it names, and the operator's counter where the broker sits in the
    signing cell (extension, duis-dsp.md 7.4). A device that shows less than it acknowledged is noted (N17).
    """
    tracked = is_tracked(reply.device)
    slots: list[SlotChange] = []
    numbers: list[int] = []
    for details in readable(reply.payload):
        for cell in details.cells or ():
            change = SlotChange(
                CellId(details.role, cell.key_usage, cell.cell_usage), Occupant(cell.entity, cell.key_id)
            )
            slots.append(change)
            holds = change.cell == NETWORK_OPERATOR_SIGNING_CELL and cell.entity == reply.broker
            if tracked and holds and details.current_seq_number is not None:
                numbers.append(details.current_seq_number)
    notes = tuple(signs_of_it(reply.facts, slots, numbers))
    if not numbers:
        return Effects(tuple(slots), notes=notes)
    return Effects(tuple(slots), max(numbers), "6.24.1 currentSeqNumber", notes=notes)


def is_tracked(device: DeviceRecord) -> bool:
    """Whether SECMP0128A looks at this device: a SMETS2 GPF."""
    return device.device_type is DeviceType.GPF and device.generation == "SMETS2"


def outcome_of(payload: Any) -> gbcs.ExecutionOutcome | None:
    """The execution outcome of an update-credentials response or of its future-dated alert."""
    if isinstance(payload, gbcs.UpdateSecurityCredentialsResponse | gbcs.UpdateSecurityCredentialsAlert):
        return payload.outcome
    return None


def readable(roles: Any) -> Iterator[gbcs.RoleDetails]:
    """The roles of a CS02a response whose cells the device could read."""
    for details in roles if isinstance(roles, tuple) else ():
        if isinstance(details, gbcs.RoleDetails) and details.status is gbcs.StatusCode.SUCCESS:
            yield details
