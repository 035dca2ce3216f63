"""A snapshot of the books for each request of a group: one SELECT for each table that is asked for."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from trustcell.adapters.dsp_store import rows
from trustcell.adapters.dsp_store.schema import DEVICE, FLOOR, REGISTRATION, REQUEST, SCHEDULE, SLOT
from trustcell.adapters.dsp_store.session import Row, Session
from trustcell.adapters.dsp_store.statements import lookup
from trustcell.dsp.rules.facts import (
    DeviceRecord,
    Facts,
    InventoryQuery,
    KnownRequest,
    Occupant,
    Registration,
    Schedule,
)
from trustcell.dsp.rules.plan import Needs
from trustcell.duis import RequestId
from trustcell.vocab import CellId, DeviceType, Eui64

KNOWN = lookup(rows.KNOWN_COLUMNS, (REQUEST.c.target, REQUEST.c.originator, REQUEST.c.counter), rows.KNOWN_JOIN)
DEVICES = lookup(rows.DEVICE_COLUMNS, (DEVICE.c.eui,))
_MEMBERS = lookup(rows.DEVICE_COLUMNS, (DEVICE.c.hub,))
_SLOTS = lookup("t.device, t.cell, t.entity, t.key_id", (SLOT.c.device,))
_FLOORS = lookup("t.device, t.highest_counter, t.learned_from", (FLOOR.c.device,))
_REGISTRATIONS = lookup("t.mpxn, t.begins, t.supplier, t.network_operator", (REGISTRATION.c.mpxn,))
_SCHEDULES = lookup(", ".join(f"t.{column.name}" for column in SCHEDULE.columns), (SCHEDULE.c.user_id,))
_POINTS = ("import_mpxn", "secondary_import_mpan", "export_mpan")
_HELD = (
    f"SELECT {rows.KNOWN_COLUMNS} FROM request t{rows.KNOWN_JOIN} WHERE t.target = ? AND t.state = 'held' "
    "ORDER BY t.number"
)
_SELECT = f"SELECT {rows.DEVICE_COLUMNS} FROM device t WHERE"

Ask = tuple[RequestId | None, Eui64, Needs]
AsDevice = Callable[[Row], DeviceRecord]


class Remembered:
    """Values of rows that come again and again, each bounded and keyed by all that is in its row."""

    __slots__ = ("device", "occupant", "registration")

    def __init__(self, limit: int) -> None:
        """Empty."""
        self.device: AsDevice = lru_cache(limit)(rows.as_device)
        self.occupant: Callable[[bytes, bytes], Occupant] = lru_cache(limit)(_occupant)
        self.registration: Callable[[Row], Registration] = lru_cache(limit)(rows.as_registration)


def _occupant(entity: bytes, key_id: bytes) -> Occupant:
    return Occupant(Eui64(entity), key_id)


def gather(session: Session, asks: Sequence[Ask], remembered: Remembered) -> list[Facts]:
    """Facts for each ask, in order, within a reading transaction."""
    as_device, occupant = remembered.device, remembered.occupant
    targets = {target for _id, target, _needs in asks}
    ids = {request_id for request_id, _target, _needs in asks if request_id is not None}
    known = {
        each.request_id: each for each in map(rows.as_known, session.find(KNOWN, [rows.id_key(each) for each in ids]))
    }
    wanted = targets.union(*(needs.others for _id, _target, needs in asks))
    devices = {each.eui: each for each in map(as_device, session.find(DEVICES, _keys(wanted)))}
    slots: dict[bytes, dict[CellId, Occupant]] = {}
    for device, cell, entity, key_id in session.find(_SLOTS, _keys(targets)):
        slots.setdefault(device, {})[rows.cell_of(cell)] = occupant(entity, key_id)
    floors: dict[bytes, tuple[int | None, str]] = {
        device: (highest, source) for device, highest, source in session.find(_FLOORS, _keys(targets))
    }
    hubs = {target: hub_of(devices.get(target)) for _id, target, needs in asks if needs.members}
    members = _members(session, {hub for hub in hubs.values() if hub is not None}, as_device)
    found = [find_devices(session, needs.query, as_device) if needs.query else () for _id, _target, needs in asks]
    points: list[list[str]] = []
    for (_id, target, needs), matches in zip(asks, found, strict=True):
        of = [devices.get(target), *members.get(hubs.get(target), ()), *map(devices.get, needs.others), *matches]
        points.append([*needs.mpxns, *(point for device in of if device for point in device.mpxns)])
    registered = _registrations(session, {point for each in points for point in each}, remembered)
    schedules = _schedules(session, {each[0].originator for each in asks if each[0] is not None and each[2].schedules})
    held = _held(session, {target for _id, target, needs in asks if needs.held})
    made = []
    for (request_id, target, needs), matches, named in zip(asks, found, points, strict=True):
        others = {eui: devices[eui] for eui in needs.others if eui in devices}
        highest, learned_from = floors.get(target, (None, ""))
        made.append(
            Facts(
                known=None if request_id is None else known.get(request_id),
                device=devices.get(target),
                others=MappingProxyType(others),
                members=members.get(hubs.get(target), ()),
                slots=MappingProxyType(slots.get(target, {})),
                registrations=rows.newest_first(
                    [each for point in dict.fromkeys(named) for each in registered.get(point, ())]
                ),
                found=matches,
                schedules=schedules.get(request_id.originator, ()) if request_id and needs.schedules else (),
                held=held.get(target, ()) if needs.held else (),
                highest=highest,
                learned_from=learned_from,
            )
        )
    return made


def hub_of(device: DeviceRecord | None) -> Eui64 | None:
    """The hub whose HAN a device is in; a hub is in its own."""
    if device is None:
        return None
    return device.eui if device.hub is None and device.device_type is DeviceType.CHF else device.hub


def find_devices(session: Session, query: InventoryQuery, as_device: AsDevice) -> tuple[DeviceRecord, ...]:
    """Entries that an inventory query asks for, in order of EUI-64."""
    found: dict[bytes, Row] = {}
    for text, values in chosen(query):
        for row in session.all(f"{_SELECT} {text}", values):
            found[row[0]] = row
    return tuple(as_device(found[eui]) for eui in sorted(found))


def chosen(query: InventoryQuery) -> list[tuple[str, tuple[Any, ...]]]:
    """Conditions of which any may hold, each with an index; every one says that its text is not empty, as that does."""
    if query.device is not None:
        return [("t.eui = ?", (query.device,))]
    if query.mpxn:
        return [(f"t.{name} = ? AND t.{name} <> ''", (rows.plain(query.mpxn),)) for name in _POINTS]
    if query.uprn:
        return [("t.uprn = ? AND t.uprn <> ''", (rows.plain(query.uprn),))]
    if not query.post_code:
        return []
    text, values = "t.post_code = ? AND t.post_code <> ''", (rows.plain(query.post_code),)
    if query.address_identifier:
        return [(f"{text} AND t.address_identifier = ?", (*values, rows.plain(query.address_identifier)))]
    return [(text, values)]


def _members(session: Session, hubs: set[Eui64], as_device: AsDevice) -> dict[Eui64 | None, tuple[DeviceRecord, ...]]:
    made: dict[Eui64 | None, list[DeviceRecord]] = {}
    for device in map(as_device, session.find(_MEMBERS, _keys(hubs))):
        made.setdefault(device.hub, []).append(device)
    return {hub: tuple(sorted(each, key=lambda device: device.eui)) for hub, each in made.items()}


def _registrations(session: Session, points: set[str], remembered: Remembered) -> dict[str, list[Registration]]:
    made: dict[str, list[Registration]] = {}
    for row in session.find(_REGISTRATIONS, [(rows.plain(point),) for point in sorted(points)]):
        made.setdefault(row[0], []).append(remembered.registration(row))
    return made


def _schedules(session: Session, users: set[Eui64]) -> dict[Eui64, tuple[Schedule, ...]]:
    made: dict[Eui64, list[Schedule]] = {}
    for each in map(rows.as_schedule, session.find(_SCHEDULES, _keys(users))):
        made.setdefault(each.user, []).append(each)
    return {user: tuple(sorted(each, key=lambda schedule: schedule.number)) for user, each in made.items()}


def _held(session: Session, targets: set[Eui64]) -> dict[Eui64, tuple[KnownRequest, ...]]:
    return {target: tuple(map(rows.as_known, session.all(_HELD, (target,)))) for target in targets}


def _keys(euis: Iterable[bytes]) -> list[tuple[bytes]]:
    return [(eui,) for eui in euis]
