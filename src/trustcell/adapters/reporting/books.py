"""The DSP's books read for a snapshot: devices in order, with every occupant their cells ever had."""

from collections.abc import Iterator, Mapping
from itertools import groupby

import sqlalchemy as sa

from trustcell.adapters.dsp_store.rows import cell_of
from trustcell.adapters.dsp_store.schema import DEVICE, FLOOR, REGISTRATION, SLOT_EVENT
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.values import from_json
from trustcell.reports.rules.export import Begun, Device, SlotEvent
from trustcell.reports.service import REGIONS
from trustcell.vocab import DeviceType, Eui64

_PAGE = 10_000
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

    def registrations(self) -> Mapping[str, list[Begun]]:
        """Who is responsible for each metering point, oldest first."""
        found: dict[str, list[Begun]] = {}
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            for row in reader.execute(sa.select(REGISTRATION).order_by(REGISTRATION.c.mpxn, REGISTRATION.c.begins)):
                begun = Begun(row.begins, Eui64(row.supplier), Eui64(row.network_operator))
                found.setdefault(row.mpxn, []).append(begun)
        return found

    def devices(self) -> Iterator[Device]:
        """Every device, in order of EUI-64; a proxy without a metering point has those of the gas of its home."""
        with self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            gas, regions = self._gas_points(reader), _regions(reader)
            after = b""
            while True:
                wanted = sa.select(DEVICE).where(DEVICE.c.eui > after).order_by(DEVICE.c.eui).limit(_PAGE)
                page = reader.execute(wanted).all()
                if not page:
                    return
                first, last = page[0].eui, page[-1].eui
                events = _events(reader, first, last)
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
                after = last

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


def _events(reader: sa.Connection, first: bytes, last: bytes) -> dict[bytes, list[SlotEvent]]:
    columns = (SLOT_EVENT.c.device, SLOT_EVENT.c.at, SLOT_EVENT.c.cell, SLOT_EVENT.c.entity, SLOT_EVENT.c.key_id)
    wanted = sa.select(*columns).where(SLOT_EVENT.c.device.between(first, last))
    found = reader.execute(wanted.order_by(SLOT_EVENT.c.device, SLOT_EVENT.c.number))
    return {
        device: [SlotEvent(at, cell_of(cell), Eui64(entity), key_id) for _, at, cell, entity, key_id in rows]
        for device, rows in groupby(found, key=lambda row: row[0])
    }
