"""The virtual HAN: devices are made, shown, broken and mended."""

from trustcell.app import doors
from trustcell.vocab import DeviceType, Eui64
from trustcell.web.api import models
from trustcell.web.api.table import OPERATORS, OVERSEERS, Call, Endpoint, NotThereError


def device_model(device: doors.HanDevice) -> models.HanDevice:
    """A virtual device as the API shows it."""
    return models.HanDevice(
        eui=str(device.eui),
        device_type=models.DeviceTypeName(device.device_type.name),
        hub=None if device.hub is None else str(device.hub),
        link=device.link,
    )


async def devices(call: Call) -> models.HanDevices:
    """A page."""
    query: models.HanPaging = call.query
    after = None if query.after is None else Eui64.parse(query.after)
    found = await call.door.operator.han_devices(after, query.limit)
    following = str(found[-1].eui) if len(found) == query.limit else None
    return models.HanDevices(items=[device_model(each) for each in found], next=following)


async def device(call: Call) -> models.HanDetail:
    """Cells, counters, security log."""
    found = await call.door.operator.han_device(call.eui)
    if found is None:
        raise NotThereError
    return models.HanDetail(
        device=device_model(found.device),
        cells=[models.Cell(cell=cell, entity=entity, key_id=key_id) for cell, entity, key_id in found.cells],
        counters={name: str(number) for name, number in found.counters.items()},
        log=[models.LogLine(at=at, event=event) for at, event in found.log],
    )


async def make(call: Call) -> models.HanDevice:
    """A new one, with its entry in the inventory."""
    wanted: models.NewHanDevice = call.body
    made = await call.door.operator.make_device(
        doors.NewDevice(
            Eui64.parse(wanted.eui),
            DeviceType[wanted.device_type.name],
            None if wanted.hub is None else Eui64.parse(wanted.hub),
            wanted.mpxn or "",
            wanted.details,
        ),
        call.actor,
    )
    return device_model(made)


async def break_link(call: Call) -> models.HanDevice:
    """From now on the way to it is slow, lossy or gone."""
    wanted: models.Breakage = call.body
    return await _set_link(call, doors.Link(wanted.link))


async def mend(call: Call) -> models.HanDevice:
    """It can be reached again."""
    return await _set_link(call, doors.Link.REACHABLE)


async def _set_link(call: Call, link: doors.Link) -> models.HanDevice:
    found = await call.door.operator.set_link(call.eui, link, call.actor)
    if found is None:
        raise NotThereError
    return device_model(found)


ENDPOINTS = (
    Endpoint(
        "GET", "/api/han", "hanDevices", "Virtual devices.", devices, models.HanDevices, OVERSEERS,
        query=models.HanPaging,
    ),
    Endpoint(
        "POST", "/api/han", "makeHanDevice", "Make a virtual device.", make, models.HanDevice, OPERATORS,
        body=models.NewHanDevice, status=201,
    ),
    Endpoint(
        "GET", "/api/han/{eui}", "hanDevice", "Cells, counters and security log of a virtual device.", device,
        models.HanDetail, OVERSEERS,
    ),
    Endpoint(
        "POST", "/api/han/{eui}/break", "breakHanDevice", "Spoil the way to a virtual device.", break_link,
        models.HanDevice, OPERATORS, body=models.Breakage,
    ),
    Endpoint(
        "POST", "/api/han/{eui}/mend", "mendHanDevice", "Mend the way to a virtual device.", mend, models.HanDevice,
        OPERATORS,
    ),
)  # fmt: skip
