"""Devices: the inventory, its history, slots, and the counter ledger with the reason of the next number."""

from trustcell.app.tokens import Role
from trustcell.dsp.rules.counters import OWN_SEQUENCE, choose_counter, milliseconds
from trustcell.dsp.rules.facts import DeviceRecord, InventoryQuery
from trustcell.vocab import DeviceType, Eui64, Refused
from trustcell.web.api import models
from trustcell.web.api.plain import plain
from trustcell.web.api.seeing import device_for, is_registered
from trustcell.web.api.table import OVERSEERS, BadRequestError, Call, Endpoint

_GIVEN_OUT = " for "
"""In the ledger, numbers that the DSP gave out name their service; a user's own, and those learned, do not."""
_OF_THE_COS_PARTY = " for 6.23"


def device_model(record: DeviceRecord) -> models.Device:
    """An entry as the API shows it; public keys are told by their presence only."""
    return models.Device(
        eui=str(record.eui),
        device_type=models.DeviceTypeName(record.device_type.name),
        duis_type=record.duis_type,
        generation=record.generation,
        status=record.status,
        status_since=record.status_since,
        commissioned_at=record.commissioned_at,
        hub=None if record.hub is None else str(record.hub),
        gpf=None if record.gpf is None else str(record.gpf),
        mpxns=list(record.mpxns),
        gbcs_version=record.gbcs_version,
        has_signing_certificate=record.signing_point is not None,
        has_agreement_certificate=record.agreement_point is not None,
        details={name: str(value) for name, value in record.details.items()},
    )


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
    events = await call.ask(call.door.views.status_history, record.eui)
    return models.DeviceHistory(
        items=[models.StatusChange(at=e.at, event=e.event, before=e.before, after=e.after) for e in events]
    )


async def slots(call: Call) -> models.Slots:
    """The newest line of each cell is who sits there."""
    record = await device_for(call)
    lines = [
        models.Slot(
            cell=str(cell), entity=str(occupant.entity), key_id=occupant.key_id.hex(), since=since, told_by=told_by
        )
        for cell, occupant, since, told_by in await call.ask(call.door.views.slots, record.eui)
    ]
    newest = {line.cell: line for line in lines}
    return models.Slots(current=[newest[cell] for cell in sorted(newest)], history=lines)


async def counters(call: Call) -> models.Counters:
    """Who used or taught which number, and which one the next 6.21 would get, and why (feature N9)."""
    record = await device_for(call)
    views = call.door.views
    events = await call.ask(views.counter_ledger, record.eui)
    highest = await call.ask(views.highest, record.eui)
    applies = record.device_type is DeviceType.GPF and record.generation == "SMETS2"
    stored = highest[0] if highest is not None else None
    now_ms = milliseconds(call.door.clock())
    given = [event for event in events if _GIVEN_OUT in event.who]
    spent = {event.counter for event in given}
    own = [e.counter for e in given if e.reason.startswith(OWN_SEQUENCE) and not e.who.endswith(_OF_THE_COS_PARTY)]
    try:
        choice = choose_counter(max(own, default=0), stored, now_ms, spent.__contains__, raise_above_highest=applies)
        following = models.NextCounter(counter=str(choice.counter), sentence=choice.reason)
    except Refused as error:
        following = models.NextCounter(counter=None, sentence=str(error))
    return models.Counters(
        items=[models.CounterUse(at=e.at, counter=str(e.counter), who=e.who, reason=e.reason) for e in events],
        highest=None
        if highest is None
        else models.Highest(counter=str(highest[0]), taught_by=highest[1], at=highest[2]),
        next_6_21=following,
    )


async def trail(call: Call) -> models.Trail:
    """What the Service Audit Trail says about a device."""
    record = await device_for(call)
    lines = await call.ask(call.door.views.trail, str(record.eui))
    return models.Trail(
        items=[
            models.TrailLine(number=number, at=at, kind=e.kind, reference=e.reference, facts=plain(e.facts))
            for number, at, e in lines
        ]
    )


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
