"""Devices: the inventory, its history, slots, and the counter ledger with the reason of the next number."""

from trustcell.app.dsp_rows import device_row, history_rows, slot_rows
from trustcell.app.ledger import ledger
from trustcell.app.request_trail import trail_rows
from trustcell.app.tokens import Role
from trustcell.dsp.rules.facts import DeviceRecord, InventoryQuery
from trustcell.vocab import Eui64
from trustcell.web.api import models
from trustcell.web.api.seeing import device_for, is_registered
from trustcell.web.api.table import OVERSEERS, BadRequestError, Call, Endpoint


def device_model(record: DeviceRecord) -> models.Device:
    """An entry as the API shows it."""
    return models.Device.model_validate(device_row(record))


async def devices(call: Call) -> models.Devices:
    """A user has to name a metering point: a page of all would tell how much there is that is not for it."""
    query: models.DevicePaging = call.query
    views = call.door.views
    is_user = call.principal.role is Role.USER
    if is_user and query.mpxn is None:
        raise BadRequestError("query_needed", "mpxn: a user asks for the devices of one metering point")
    after = None if query.after is None else Eui64.parse(query.after)
    found = list(
        await call.ask(
            views.devices, None if query.mpxn is None else InventoryQuery(mpxn=query.mpxn), after, query.limit
        )
    )
    page_is_full = len(found) == query.limit
    last = str(found[-1].eui) if found else None
    if is_user:
        now = call.door.clock()
        found = [each for each in found if await call.ask(is_registered, views, call.principal.user, each, now)]
    return models.Devices(
        items=[device_model(each) for each in found], next=last if page_is_full and (found or not is_user) else None
    )


async def device(call: Call) -> models.Device:
    """One entry."""
    return device_model(await device_for(call))


async def history(call: Call) -> models.DeviceHistory:
    """Its life in the inventory."""
    record = await device_for(call)
    return models.DeviceHistory.model_validate({"items": await call.ask(history_rows, call.door.views, record.eui)})


async def slots(call: Call) -> models.Slots:
    """The newest line of each cell is who sits there."""
    record = await device_for(call)
    current, lines = await call.ask(slot_rows, call.door.views, record.eui)
    return models.Slots.model_validate({"current": current, "history": lines})


async def counters(call: Call) -> models.Counters:
    """Who used or taught which number, and which one the next 6.21 would get, and why (feature N9)."""
    record = await device_for(call)
    return models.Counters.model_validate(await call.ask(ledger, call.door.views, record, call.door.clock()))


async def trail(call: Call) -> models.Trail:
    """What the Service Audit Trail says about a device."""
    record = await device_for(call)
    lines = await call.ask(call.door.views.trail, str(record.eui))
    return models.Trail.model_validate({"items": trail_rows(lines)})


ENDPOINTS = (
    Endpoint(
        "GET", "/api/devices", "devices", "Devices of the inventory.", devices, models.Devices,
        query=models.DevicePaging,
    ),
    Endpoint("GET", "/api/devices/{eui}", "device", "One device.", device, models.Device),
    Endpoint(
        "GET", "/api/devices/{eui}/history", "deviceHistory", "A device's life.", history, models.DeviceHistory
    ),
    Endpoint(
        "GET", "/api/devices/{eui}/slots", "deviceSlots", "Who sits in its Trust Anchor Cells.", slots, models.Slots
    ),
    Endpoint(
        "GET", "/api/devices/{eui}/counters", "deviceCounters",
        "Its counter ledger, and why the next 6.21 gets its number.", counters, models.Counters, OVERSEERS,
    ),
    Endpoint(
        "GET", "/api/devices/{eui}/trail", "deviceTrail", "Its Service Audit Trail.", trail, models.Trail, OVERSEERS
    ),
)  # fmt: skip
