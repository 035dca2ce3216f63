"""What a verified device message changes in the DSP's books: slots, and the counter to remember (duis-dsp.md 7.2)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from trustcell import gbcs
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

NETWORK_OPERATOR_SIGNING_CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
FUTURE_DATED_CODES = frozenset({0x8F66, 0x8F67})


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


def effects_of(
    service_variant: str,
    device_type: DeviceType,
    generation: str,
    payload: Any,
    brokers: Collection[Eui64],
) -> Effects:
    """Effects of one verified, correlated device message; ``payload`` is its typed value.

    A 6.15.1 on a SMETS2 GPF teaches when a Network Operator cell now holds the broker: recognised by subject, never
    by key identifier or serial (MP261). A 6.24.1 teaches when the signing cell does (extension, duis-dsp.md 7.4).
    """
    tracked = device_type is DeviceType.GPF and generation == "SMETS2"
    if isinstance(payload, tuple):
        return _from_details(payload, tracked, brokers)
    outcome = _outcome(payload)
    if outcome is None:
        return Effects()
    slots = tuple(
        SlotChange(entry.cell, entry.replacing_entity, entry.replacing_key_id)
        for entry in outcome.replacement_outcomes
        if entry.status is gbcs.StatusCode.SUCCESS
    )
    if not tracked or service_variant != "6.15.1":
        return Effects(slots)
    left = [slot for slot in slots if slot.cell.role is RemotePartyRole.NETWORK_OPERATOR and slot.entity in brokers]
    if not left:
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
    if isinstance(payload, gbcs.UpdateSecurityCredentialsResponse):
        return payload.outcome
    if isinstance(payload, gbcs.UpdateSecurityCredentialsAlert) and payload.alert_code in FUTURE_DATED_CODES:
        return payload.outcome
    return None


def _from_details(roles: tuple[Any, ...], tracked: bool, brokers: Collection[Eui64]) -> Effects:
    slots: list[SlotChange] = []
    learned: int | None = None
    for details in _readable(roles):
        for cell in details.cells or ():
            change = SlotChange(CellId(details.role, cell.key_usage, cell.cell_usage), cell.entity, cell.key_id)
            slots.append(change)
            if tracked and change.cell == NETWORK_OPERATOR_SIGNING_CELL and change.entity in brokers:
                learned = details.current_seq_number
    return Effects(tuple(slots), learned, "6.24.1 currentSeqNumber" if learned is not None else "")


def _readable(roles: tuple[Any, ...]) -> Iterator[gbcs.RoleDetails]:
    for details in roles:
        if isinstance(details, gbcs.RoleDetails) and details.status is gbcs.StatusCode.SUCCESS:
            yield details
