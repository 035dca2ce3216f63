"""First contact: what each cell of a device holds, and who has to do something about it (smki.md 4.3 and 4.4).

The DSP has read the cells by a 6.24.1. A default of a current pack or something on record lets the installation go on;
what only a search finds goes on with delay and is on record from now on; what is unknown cannot be authenticated and is
an incident. An expired certificate never blocks: whoever controls the cell gets a work item.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trustcell.dsp.rules.effects import readable
from trustcell.dsp.rules.facts import DeviceRecord, Occupant, Registration
from trustcell.dsp.rules.plan import Effects, WorkItem
from trustcell.dsp.rules.recognition import Recognition, Reported, recognise
from trustcell.dsp.rules.registration import registration_at
from trustcell.vocab import CellId, Eui64, RemotePartyRole

_PARTY_CELLS = frozenset({RemotePartyRole.SUPPLIER, RemotePartyRole.LOAD_CONTROLLER})


@dataclass(frozen=True, slots=True)
class Reference:
    """What occupants of devices of one type are compared with, whoever the device.

    ``defaults`` are those of every current pack for this type, ``repository`` every certificate there ever was.
    ``expiry`` is the end of the certificate behind an occupant: the earliest where several share a key, because the
    device does not tell which it holds.
    """

    defaults: Container[Reported]
    repository: Container[Reported]
    expiry: Mapping[Reported, datetime]


@dataclass(frozen=True, slots=True)
class Known:
    """The same for one device; ``recorded`` is the DSP's own record of it."""

    defaults: Container[Reported]
    recorded: Mapping[CellId, Occupant]
    repository: Container[Reported]
    expiry: Mapping[Reported, datetime]

    @classmethod
    def of(cls, reference: Reference, recorded: Mapping[CellId, Occupant]) -> "Known":
        """With what is on record for a device."""
        return cls(reference.defaults, recorded, reference.repository, reference.expiry)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, its occupant as the device reports it, and how the DSP recognised it."""

    cell: CellId
    occupant: Occupant
    recognition: Recognition

    @property
    def reported(self) -> Reported:
        """The occupant as it is compared: subject, key identifier and key usage."""
        return Reported(self.occupant.entity, self.occupant.key_id, self.cell.key_usage)


def classify(payload: Any, known: Known) -> tuple[Cell, ...]:
    """Every cell that the answer to a 6.24.1 could be read for; ``payload`` is its typed value."""
    return tuple(_cells(payload, known))


def _cells(payload: Any, known: Known) -> Iterator[Cell]:
    for details in readable(payload):
        for each in details.cells or ():
            cell = CellId(details.role, each.key_usage, each.cell_usage)
            reported = Reported(each.entity, each.key_id, each.key_usage)
            on_record = known.recorded.get(cell)
            recorded = Reported(on_record.entity, on_record.key_id, cell.key_usage) if on_record is not None else None
            recognition = recognise(reported, known.defaults, recorded, known.repository)
            yield Cell(cell, Occupant(each.entity, each.key_id), recognition)


def notes(cells: Iterable[Cell]) -> tuple[str, ...]:
    """One line for each cell, for the history of the device."""
    return tuple(
        f"{each.cell}: {each.occupant.entity} {each.occupant.key_id.hex()}, {each.recognition.value}" for each in cells
    )


def work_items(
    device: DeviceRecord,
    cells: Iterable[Cell],
    known: Known,
    broker: Eui64,
    registrations: Iterable[Registration],
    now: datetime,
) -> tuple[WorkItem, ...]:
    """What somebody has to do: an incident for an unknown occupant, an update for an expired certificate."""
    registrations = tuple(registrations)
    items = []
    for each in cells:
        if each.recognition is Recognition.UNKNOWN:
            text = f"{each.cell} of {device.eui} holds {each.occupant.entity} {each.occupant.key_id.hex()}, unknown"
            items.append(WorkItem(None, device.eui, "unknown_occupant", text))
        end = known.expiry.get(each.reported)
        if end is not None and end < now:
            party = _in_control(device, each, broker, registrations, now)
            text = f"the certificate in {each.cell} of {device.eui} ended {end:%Y-%m-%d}: replace it"
            items.append(WorkItem(party, device.eui, "certificate_expired", text))
    return tuple(items)


def at_first_contact(
    effects: Effects,
    device: DeviceRecord,
    cells: Iterable[Cell],
    known: Known,
    broker: Eui64,
    registrations: Iterable[Registration],
    now: datetime,
) -> Effects:
    """The effects of a 6.24.1 with what the classification adds: a line for each cell, and work items."""
    cells = tuple(cells)
    items = work_items(device, cells, known, broker, registrations, now)
    return replace(effects, notes=(*effects.notes, *notes(cells)), work_items=(*(effects.work_items or ()), *items))


def _in_control(
    device: DeviceRecord, cell: Cell, broker: Eui64, registrations: tuple[Registration, ...], now: datetime
) -> Eui64 | None:
    """Who may replace an occupant; ``None`` is the DCC itself (smki.md 4.4)."""
    entry = next(
        (found for mpxn in device.mpxns if (found := registration_at(registrations, mpxn, now)) is not None), None
    )
    if cell.cell.role in _PARTY_CELLS:
        return entry.supplier if entry is not None else None
    if cell.cell.role is RemotePartyRole.NETWORK_OPERATOR:
        if cell.occupant.entity != broker:
            return cell.occupant.entity
        return entry.supplier if entry is not None else None  # by 6.21
    return None
