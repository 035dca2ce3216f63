"""The DSP's books read for a snapshot: devices in order, with every occupant their cells ever had."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.dsp_store.rows import cell_of
from trustcell.adapters.dsp_store.schema import DEVICE, FLOOR, REGISTRATION, SLOT_EVENT, STATUS_EVENT
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.values import from_json
from trustcell.reports.rules.export import Begun, Device, SlotEvent
from trustcell.reports.service import REGIONS
from trustcell.vocab import DeviceType, Eui64

_PAGE, _AT_ONCE = 10_000, 500
_POINTS = (DEVICE.c.import_mpxn, DEVICE.c.secondary_import_mpan, DEVICE.c.export_mpan)
_GAS = (DeviceType.GSME, DeviceType.GPF)
_SMETS = {"SMETS1": 1}


class BooksReader:
    """Reads one database of the DSP within one transaction, page by page."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet."""
        self._engine = make_engine(url)

    def count(self) -> int:
        """How many devices there are."""
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            return int(reader.execute(sa.select(sa.func.count()).select_from(DEVICE)).scalar_one())

    def newest(self) -> int:
        """When the last thing happened that a row may tell of; 0 when nothing has."""
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            told = (SLOT_EVENT.c.at, STATUS_EVENT.c.at, FLOOR.c.learned_at)
            return max(reader.execute(sa.select(sa.func.max(at))).scalar_one() or 0 for at in told)

    def registrations(self) -> Mapping[str, list[Begun]]:
        """Who is responsible for each metering point, oldest first."""
        found: dict[str, list[Begun]] = {}
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            for row in reader.execute(sa.select(REGISTRATION).order_by(REGISTRATION.c.mpxn, REGISTRATION.c.begins)):
                begun = Begun(row.begins, Eui64(row.supplier), Eui64(row.network_operator))
                found.setdefault(row.mpxn, []).append(begun)
        return found

    def changed(self, since: int, points: Collection[str]) -> set[bytes]:
        """Devices with an event in a cell or in the inventory, or a number learned, from then on, or with such a point.

        With each comes everybody of its home: a hub tells their region, a proxy has the metering points of its gas.
        """
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            found: set[bytes] = set()
            for column, at in (
                (SLOT_EVENT.c.device, SLOT_EVENT.c.at),
                (STATUS_EVENT.c.device, STATUS_EVENT.c.at),
                (FLOOR.c.device, FLOOR.c.learned_at),
            ):
                found |= set(reader.execute(sa.select(column).where(at >= since).distinct()).scalars())
            for some in _chunks(sorted(points)):
                any_point = sa.or_(*(column.in_(some) for column in _POINTS))
                found |= set(reader.execute(sa.select(DEVICE.c.eui).where(any_point)).scalars())
            homes: set[bytes] = set()
            for some in _chunks(sorted(found)):
                homes |= {
                    row.hub or row.eui
                    for row in reader.execute(sa.select(DEVICE.c.eui, DEVICE.c.hub).where(DEVICE.c.eui.in_(some)))
                }
            for some in _chunks(sorted(homes)):
                of_home = sa.or_(DEVICE.c.hub.in_(some), DEVICE.c.eui.in_(some))
                found |= set(reader.execute(sa.select(DEVICE.c.eui).where(of_home)).scalars())
        return found

    def devices(self, only: Collection[bytes] | None = None) -> Iterator[Device]:
        """Every device, or these, in order of EUI-64; a proxy without a metering point has those of its home's gas."""
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            gas, regions = self._gas_points(reader), _regions(reader)
            for page in _pages(reader, only):
                first, last = page[0].eui, page[-1].eui
                events = _events(reader, first, last, None if only is None else [row.eui for row in page])
                between = FLOOR.c.device.between(first, last)
                floors = {row.device: row.highest_counter for row in reader.execute(sa.select(FLOOR).where(between))}
                for row in page:
                    points = [row.import_mpxn, row.secondary_import_mpan, row.export_mpan]
                    device_type = DeviceType(row.device_type)
                    if not any(points) and device_type is DeviceType.GPF:
                        points = gas.get(row.hub, [])
                    yield Device(
                        Eui64(row.eui),
                        device_type,
                        _SMETS.get(row.generation, 2),
                        regions.get(row.hub or row.eui, 0),
                        row.commissioned_at,
                        tuple(filter(None, points)),
                        events.get(row.eui, ()),
                        floors.get(row.eui),
                    )

    def close(self) -> None:
        """Give the connections up."""
        self._engine.dispose()

    def _gas_points(self, reader: sa.Connection) -> dict[bytes | None, list[str]]:
        gas = sa.select(DEVICE.c.hub, DEVICE.c.import_mpxn).where(
            DEVICE.c.device_type.in_([int(each) for each in _GAS]),
            DEVICE.c.import_mpxn != "",
            DEVICE.c.hub.is_not(None),
        )
        found: dict[bytes | None, list[str]] = {}
        for hub, point in reader.execute(gas):
            found.setdefault(hub, []).append(point)
        return found


def _regions(reader: sa.Connection) -> dict[bytes, int]:
    """Which CSP serves each hub, by its place in ``REGIONS``."""
    hubs = sa.select(DEVICE.c.eui, DEVICE.c.details).where(DEVICE.c.device_type == int(DeviceType.CHF))
    told = ((row.eui, str(from_json(row.details).get("CSPRegion", "")).lower()) for row in reader.execute(hubs))
    return {eui: REGIONS.index(name) for eui, name in told if name in REGIONS}


def _pages(reader: sa.Connection, only: Collection[bytes] | None) -> Iterator[Sequence[Any]]:
    """Rows of the inventory in order; of ``only`` those that are there."""
    if only is not None:
        for some in _chunks(sorted(only)):
            if page := reader.execute(sa.select(DEVICE).where(DEVICE.c.eui.in_(some)).order_by(DEVICE.c.eui)).all():
                yield page
        return
    after = b""
    while page := reader.execute(
        sa.select(DEVICE).where(DEVICE.c.eui > after).order_by(DEVICE.c.eui).limit(_PAGE)
    ).all():
        yield page
        after = page[-1].eui


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _events(
    reader: sa.Connection, first: bytes, last: bytes, only: Sequence[bytes] | None = None
) -> dict[bytes, list[SlotEvent]]:
    columns = (SLOT_EVENT.c.device, SLOT_EVENT.c.at, SLOT_EVENT.c.cell, SLOT_EVENT.c.entity, SLOT_EVENT.c.key_id)
    which = SLOT_EVENT.c.device.between(first, last) if only is None else SLOT_EVENT.c.device.in_(only)
    wanted = sa.select(*columns).where(which)
    found = reader.execute(wanted.order_by(SLOT_EVENT.c.device, SLOT_EVENT.c.number))
    return {
        device: [SlotEvent(at, cell_of(cell), Eui64(entity), key_id) for _, at, cell, entity, key_id in rows]
        for device, rows in groupby(found, key=lambda row: row[0])
    }
