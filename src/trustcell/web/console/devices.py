"""Devices: found, and one drawn with its cells, as they are or as they were at a moment one chooses."""

from typing import Any

from starlette.responses import Response

from trustcell.app.doors import ApiDoor
from trustcell.app.dsp_rows import device_row, history_rows, request_row, slot_rows
from trustcell.app.ledger import ledger
from trustcell.dsp.rules.facts import DeviceRecord, InventoryQuery
from trustcell.smki.rules.records import Query
from trustcell.vocab import Eui64
from trustcell.web.console.drawing import CellView, draw_cells
from trustcell.web.console.visit import Page, Section, Visit

PAGE_ROWS = 50
_BROKER = "accessControlBroker"
_PARTS = ("status", "occupant", "region")


async def devices(visit: Visit) -> Response:
    """A page of the inventory: one EUI-64 or metering point, or everything with a status, an occupant, a region."""
    dsp = dsp_of(visit)
    wanted = visit.asked("q")
    query = None
    if wanted:
        try:
            return visit.go(f"/console/devices/{Eui64.parse(wanted)}")
        except ValueError:
            query = InventoryQuery(mpxn=wanted)
    chosen = {name: visit.asked(name) for name in _PARTS}
    after = visit.asked("after")
    begin = Eui64.parse(after) if after else None
    if any(chosen.values()):
        found, last = await _filtered(visit, dsp, chosen, begin)
    else:
        found = list(await visit.ask(dsp.views.devices, query, begin, PAGE_ROWS))
        last = found[-1].eui if len(found) == PAGE_ROWS else None
    rows = [device_row(each) for each in found]
    tally = await visit.ask(dsp.views.tally)
    return visit.page(
        "devices", rows=rows, wanted=wanted, chosen=chosen, following=str(last or ""),
        statuses=sorted({status for _, status in tally.devices if status}),
        occupants=sorted(str(each) for each in tally.occupants),
        regions=sorted({each.region for each in await dsp.operator.han_devices(None, 500) if each.region}),
    )  # fmt: skip


_LOOKED_AT = 2_000
"""Devices that one page of a filter looks at; the next page goes on behind them."""


async def _filtered(
    visit: Visit, dsp: ApiDoor, chosen: dict[str, str], begin: Eui64 | None
) -> tuple[list[DeviceRecord], Eui64 | None]:
    regions = {}
    if chosen["region"]:
        regions = {each.eui: each.region for each in await dsp.operator.han_devices(begin, _LOOKED_AT)}

    def look() -> tuple[list[DeviceRecord], Eui64 | None]:
        occupant = Eui64.parse(chosen["occupant"]) if chosen["occupant"] else None
        found: list[DeviceRecord] = []
        at = begin
        for _ in range(_LOOKED_AT // 200):
            batch = dsp.views.devices(None, at, 200)
            for each in batch:
                at = each.eui
                if chosen["status"] and (each.status is None or each.status.value != chosen["status"]):
                    continue
                if chosen["region"] and regions.get(each.eui) != chosen["region"]:
                    continue
                if occupant is not None and not _holds(dsp, each.eui, occupant):
                    continue
                found.append(each)
                if len(found) == PAGE_ROWS:
                    return found, at
            if len(batch) < 200:
                return found, None
        return found, at

    return await visit.ask(look)


def _holds(dsp: ApiDoor, device: Eui64, occupant: Eui64) -> bool:
    now = {cell: held.entity for cell, held, _since, _told_by in dsp.views.slots(device)}
    return any(entity == occupant and str(cell).startswith("networkOperator/") for cell, entity in now.items())


async def device(visit: Visit) -> Response:
    """Its cells as a picture, its counters with the reason of the next, its life, its requests."""
    dsp, eui = dsp_of(visit), Eui64.parse(visit.path("eui"))
    record = await visit.ask(dsp.views.device, eui)
    if record is None:
        raise LookupError(f"the inventory has no device {eui}")
    current, history = await visit.ask(slot_rows, dsp.views, eui)
    moments = sorted({row["since"] for row in history})
    step = min(max(int(visit.asked("step", str(len(moments)))), 1), len(moments)) if moments else 0
    moment = moments[step - 1] if moments else ""
    shown = {row["cell"]: row for row in history if row["since"] <= moment}
    counters = await visit.ask(ledger, dsp.views, record, dsp.clock())
    cells = await visit.ask(_cells, visit, list(shown.values()), counters)
    asked = await visit.ask(dsp.views.requests, user=None, device=eui, after=None, limit=PAGE_ROWS, newest_first=True)
    return visit.page(
        "device", device=device_row(record), cells=cells, picture=draw_cells(cells), history=history, step=step,
        moment=moment, moments=moments, newest=len(shown) == len(current) and step == len(moments), counters=counters,
        life=await visit.ask(history_rows, dsp.views, eui), requests=[request_row(each) for each in asked],
        virtual=await dsp.operator.han_device(eui),
    )  # fmt: skip


def _cells(visit: Visit, rows: list[dict[str, Any]], counters: dict[str, Any]) -> list[CellView]:
    """Cells in the order of their names, with what the repository knows of each key."""
    door = visit.door.repository
    now = door.clock()
    highest = counters["highest"]
    brokers = {row["entity"] for row in rows if row["cell"].startswith(_BROKER)}
    found = []
    for row in sorted(rows, key=lambda each: str(each["cell"])):
        records = door.repository.search(Query(ski=bytes.fromhex(row["key_id"])), now).records
        newest = max(records, key=lambda each: each.not_after, default=None)
        by_pack = row["told_by"] == "no command"
        known = "default" if by_pack else "recorded" if newest is not None else "unknown"
        is_slot = row["cell"].startswith("networkOperator/")
        found.append(
            CellView(
                row["cell"],
                row["entity"],
                row["key_id"],
                row["since"],
                row["told_by"],
                known,
                ends="" if newest is None else f"{newest.not_after:%Y-%m-%d}",
                expired=newest is not None and newest.not_after < visit.door.now(),
                counter="" if not is_slot or highest is None else str(highest["counter"]),
                holder=_BROKER if row["entity"] in brokers else row["cell"].partition("/")[0],
                certificate="" if newest is None else f"/console/certificates/{newest.issuer}/{newest.serial:X}",
            )
        )
    return found


def dsp_of(visit: Visit) -> ApiDoor:
    """The DSP that is served."""
    assert visit.door.dsp is not None
    return visit.door.dsp


SECTIONS = (Section("Devices", "/console/devices", "dsp"),)
PAGES = (Page("/console/devices", devices), Page("/console/devices/{eui}", device))
