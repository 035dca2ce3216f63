"""What a verified device message changes in the DSP's books: slots, and the counter to remember (duis-dsp.md 7.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trustcell import gbcs
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

NETWORK_OPERATOR_SIGNING_CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)


@dataclass(frozen=True, slots=True)
class SlotChange:
    """A Trust Anchor Cell of a device is now known to hold this party's key."""

    cell: CellId
    entity: Eui64
    key_id: bytes


@dataclass(frozen=True, slots=True)
class Effects:
    """Slots to record, and the number to raise the stored Network Operator counter to, if any, with its origin."""

    slots: tuple[SlotChange, ...] = ()
    learned: int | None = None
    learned_from: str = ""


def newer(command: int, taught_by: int | None, *, alert: bool) -> bool:
    """Whether what a command's answer says of a cell is newer than what is known of it.

    Commands are numbered as they were recorded. A late answer to an older one must not bring a former occupant back,
    but an alert tells of an execution that happens long after its command.
    """
    return alert or taught_by is None or command >= taught_by


def effects_of(
    service_variant: str,
    device_type: DeviceType,
    generation: str,
    payload: Any,
    broker: Eui64,
) -> Effects:
    """Effects of one verified, correlated device message; ``payload`` is its typed value.

    A 6.15.1 on a SMETS2 GPF teaches when a Network Operator cell now holds the broker: recognised by subject, never
    by key identifier or serial (MP261). A 6.24.1 teaches when the signing cell does (extension, duis-dsp.md 7.4).
    Slots are learned on every device, also where a replacement failed: then the old party is still there.
    """
    tracked = device_type is DeviceType.GPF and generation == "SMETS2"
    if isinstance(payload, tuple):
        return _from_details(payload, tracked, broker)
    outcome = _outcome(payload)
    if outcome is None:
        return Effects()
    slots = tuple(
        SlotChange(entry.cell, entry.replacing_entity, entry.replacing_key_id)
        for entry in outcome.replacement_outcomes
        if entry.status is not gbcs.StatusCode.TRUST_ANCHOR_NOT_FOUND
    )
    left = any(
        entry.cell.role is RemotePartyRole.NETWORK_OPERATOR
        and entry.status is gbcs.StatusCode.SUCCESS
        and entry.replacing_entity == broker
        for entry in outcome.replacement_outcomes
    )
    if not (tracked and service_variant == "6.15.1" and left):
        return Effects(slots)
    floor = max(
        (change.floor for change in outcome.seq_number_changes if change.role is RemotePartyRole.NETWORK_OPERATOR),
        default=0,
    )
    learned = max(outcome.seq_number, floor)
    source = "floor" if floor > outcome.seq_number else "authorisingRemotePartySeqNumber"
    return Effects(slots, learned, f"6.15.1 {source}")


def _outcome(payload: Any) -> gbcs.ExecutionOutcome | None:
    """The execution outcome of an update-credentials response or of its future-dated alert."""
    if isinstance(payload, gbcs.UpdateSecurityCredentialsResponse | gbcs.UpdateSecurityCredentialsAlert):
        return payload.outcome
    return None


def _from_details(roles: tuple[Any, ...], tracked: bool, broker: Eui64) -> Effects:
    slots: list[SlotChange] = []
    numbers: list[int] = []
    for details in _readable(roles):
        for cell in details.cells or ():
            change = SlotChange(CellId(details.role, cell.key_usage, cell.cell_usage), cell.entity, cell.key_id)
            slots.append(change)
            holds = change.cell == NETWORK_OPERATOR_SIGNING_CELL and change.entity == broker
            if tracked and holds and details.current_seq_number is not None:
                numbers.append(details.current_seq_number)
    if not numbers:
        return Effects(tuple(slots))
    return Effects(tuple(slots), max(numbers), "6.24.1 currentSeqNumber")


def _readable(roles: tuple[Any, ...]) -> Iterator[gbcs.RoleDetails]:
    for details in roles:
        if isinstance(details, gbcs.RoleDetails) and details.status is gbcs.StatusCode.SUCCESS:
            yield details
