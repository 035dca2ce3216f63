"""From the DSP's records to rows of a snapshot: numbers for parties and certificates, and one row a device."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trustcell.reports.rules.fleet import (
    BROKER,
    CELLS,
    FIRST_PARTY,
    NOT_READ,
    PARTY_BITS,
    UNKNOWN,
    AsOf,
    eui_number,
    party_of,
)
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_DS, _KA = (CellId(RemotePartyRole.NETWORK_OPERATOR, usage) for usage in _USAGES)


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation: what it is called, and since when it was a DCC User or none, oldest first.

    ``turns`` hold moments in microseconds; before the first one it is what the first one says.
    """

    entity: Eui64
    name: str = ""
    turns: tuple[tuple[int, bool], ...] = ()

    def is_user(self, at: int) -> bool:
        """Whether it is a DCC User at a moment."""
        before = [active for since, active in self.turns if since <= at]
        return before[-1] if before else bool(self.turns and self.turns[0][1])


@dataclass(frozen=True, slots=True)
class Holder:
    """One certificate that a cell may hold; moments in microseconds. ``ends`` is when it stopped being in use."""

    entity: Eui64
    role: int
    key_usage: KeyUsage
    key_id: bytes
    key_hash: str
    begins: int
    ends: int
    not_after: int
    revoked: bool


@dataclass(frozen=True, slots=True)
class SlotEvent:
    """A cell was found to hold another occupant."""

    at: int
    cell: CellId
    entity: Eui64
    key_id: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """From then on these two are responsible for a metering point."""

    at: int
    supplier: Eui64
    operator: Eui64


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the inventory with all that was ever seen in its cells, oldest first."""

    eui: Eui64
    device_type: DeviceType
    smets: int
    region: int
    commissioned: int | None
    points: tuple[str, ...]
    events: Sequence[SlotEvent]
    highest: int | None = None


@dataclass(frozen=True)
class Numbers:
    """Parties and certificates by number, and who was available when."""

    parties: Mapping[Eui64, int]
    certificates: Mapping[tuple[Eui64, bytes], int]
    users: Mapping[Eui64, Party]
    _in_use: Mapping[tuple[Eui64, KeyUsage], Sequence[tuple[int, int]]] = field(repr=False)

    def held(self, entity: Eui64, key_id: bytes) -> int:
        """The number of an occupant."""
        return self.certificates.get((entity, key_id), UNKNOWN << PARTY_BITS)

    def available(self, operator: Eui64 | None, at: int, in_repository: int) -> bool:
        """Whether it is a DCC User then, with a DS and a KA certificate in use in the repository (smki.md 9, B4).

        ``in_repository`` is the same moment as the repository's clock has it.
        """
        if operator is None or operator not in self.users or not self.users[operator].is_user(at):
            return False
        return all(
            any(begins <= in_repository < ends for begins, ends in self._in_use.get((operator, usage), ()))
            for usage in _USAGES
        )


def number_all(
    broker: Eui64, parties: Iterable[Party], holders: Iterable[Holder], at: int
) -> tuple[Numbers, list[dict[str, Any]], list[dict[str, Any]]]:
    """Numbers in the order of EUI-64s, and the rows of ``certificate`` and ``party`` as of a moment."""
    known = {each.entity: each for each in parties}
    found = list(holders)
    entities = sorted({*known, *(each.entity for each in found)} - {broker})
    numbers = {broker: BROKER} | {entity: FIRST_PARTY + place for place, entity in enumerate(entities)}
    by_key: dict[tuple[Eui64, bytes], list[Holder]] = {}
    in_use: dict[tuple[Eui64, KeyUsage], list[tuple[int, int]]] = {}
    for each in sorted(found, key=lambda holder: (holder.entity, holder.key_id, holder.not_after)):
        by_key.setdefault((each.entity, each.key_id), []).append(each)
        if each.role == RemotePartyRole.NETWORK_OPERATOR:
            in_use.setdefault((each.entity, each.key_usage), []).append((each.begins, each.ends))
    certificates: dict[tuple[Eui64, bytes], int] = {}
    counted: dict[int, int] = {}
    rows = []
    for (entity, key_id), sharing in by_key.items():
        party = numbers[entity]
        counted[party] = counted.get(party, 0) + 1
        if counted[party] >= 1 << PARTY_BITS:
            raise ValueError(f"more than {(1 << PARTY_BITS) - 1} keys of {entity}")
        number = certificates[entity, key_id] = party << PARTY_BITS | counted[party]
        rows.append(_certificate(number, sharing))
    party_rows = [
        {
            "number": number,
            "entity": str(entity),
            "name": known[entity].name if entity in known else "",
            "dcc_user": entity in known and known[entity].is_user(at),
            "network": (entity, KeyUsage.DIGITAL_SIGNATURE) in in_use,
        }
        for entity, number in numbers.items()
    ]
    return Numbers(numbers, certificates, known, in_use), rows, party_rows


def device_row(
    device: Device,
    numbers: Numbers,
    registered: Callable[[str], Sequence[Begun]],
    at: AsOf,
    in_repository: Callable[[int], int] = lambda moment: moment,
) -> dict[str, Any]:
    """One row of ``device``. ``in_repository`` turns the DSP's time into the repository's, where the two differ."""
    due = at.moment if device.commissioned is None else min(device.commissioned + at.due_after, at.moment)
    then, now = (_cells(device.events, moment) for moment in (due, at.moment))
    responsible = [_responsible(device.points, registered, moment) for moment in (due, at.moment)]
    operators = [each.operator if each is not None else None for each in responsible]
    installed = {} if device.commissioned is None else _cells(device.events, device.commissioned)
    own = {name: _number(now.get(cell), numbers) for name, cell in CELLS.items()}
    return {
        "eui": eui_number(device.eui),
        "device_type": int(device.device_type),
        "smets": device.smets,
        "region": device.region,
        "commissioned": device.commissioned,
        "supplier": 0 if responsible[1] is None else numbers.parties.get(responsible[1].supplier, 0),
        "operator_due": numbers.parties.get(operators[0], 0) if operators[0] else 0,
        "operator_now": numbers.parties.get(operators[1], 0) if operators[1] else 0,
        "due_ds": _number(then.get(_DS), numbers),
        "due_ka": _number(then.get(_KA), numbers),
        "available_due": numbers.available(operators[0], due, in_repository(due)),
        "available_now": numbers.available(operators[1], at.moment, in_repository(at.moment)),
        "operator_at_install": any(
            party_of(_number(installed.get(cell), numbers)) >= FIRST_PARTY for cell in (_DS, _KA)
        ),
        "highest": device.highest,
        **own,
    }


def _cells(events: Sequence[SlotEvent], moment: int) -> dict[CellId, SlotEvent]:
    return {each.cell: each for each in events if each.at <= moment}


def _number(held: SlotEvent | None, numbers: Numbers) -> int:
    return NOT_READ if held is None else numbers.held(held.entity, held.key_id)


def _responsible(points: Sequence[str], registered: Callable[[str], Sequence[Begun]], moment: int) -> Begun | None:
    begun = [each for point in points for each in registered(point) if each.at <= moment]
    return max(begun, key=lambda each: each.at, default=None)


def _certificate(number: int, sharing: Sequence[Holder]) -> dict[str, Any]:
    ends = [each.not_after for each in sharing]
    return {
        "number": number,
        "party": party_of(number),
        "role": sharing[0].role,
        "key_usage": int(sharing[0].key_usage),
        "key_id": sharing[0].key_id.hex(),
        "key_hash": sharing[0].key_hash,
        "generations": len(sharing),
        "first_end": min(ends),
        "last_end": max(ends),
        "first_year": _year(min(ends)),
        "last_year": _year(max(ends)),
        "revoked": any(each.revoked for each in sharing),
    }


def _year(moment: int) -> int:
    return (_EPOCH + timedelta(microseconds=moment)).year
