"""The virtual HAN: devices are made, shown, broken and mended."""

from collections.abc import Sequence
from dataclasses import fields

from trustcell.app import doors
from trustcell.app.han_changes import (
    LINKS,
    Alarm,
    Certify,
    Count,
    Fail,
    HanChange,
    Link,
    Mend,
    Move,
    Power,
    PutBack,
    Skew,
    Tamper,
    Way,
)
from trustcell.devices import Faults
from trustcell.gbcs import DeviceTimeStatus
from trustcell.vocab import CellId, CellUsage, DeviceType, Eui64, KeyUsage, RemotePartyRole
from trustcell.web.api import models
from trustcell.web.api.table import OPERATORS, OVERSEERS, BadRequestError, Call, Endpoint, NotThereError

_BEFORE_ALL = (
    ("memory", lambda memory: PutBack(bytes.fromhex(memory))),
    ("certificate", lambda wrong: Certify(_cell(wrong.cell), bytes.fromhex(wrong.certificate))),
    ("counters", lambda numbers: Count(_role(numbers.role), int(numbers.number))),
    ("failing", lambda codes: Fail(tuple(int(code, 16) for code in codes))),
    ("clock", lambda clock: Skew(clock.seconds, DeviceTimeStatus[clock.status.upper()])),
    ("alarm", lambda code: Alarm(int(code, 16))),
    ("tamper", lambda _: Tamper()),
    ("power", lambda _: Power(on=False)),
    ("link", lambda link: Way(link, LINKS[Link(link)])),
    ("way", lambda way: Way("set", Faults(way.reachable, way.delay, way.lost, way.twice, way.late))),
)
"""In this order nothing is refused after something was sent."""
_CELLS = {
    str(CellId(role, usage, cell_usage)): CellId(role, usage, cell_usage)
    for role in RemotePartyRole
    for usage in KeyUsage
    for cell_usage in CellUsage
}
_ROLES = {role.title: role for role in RemotePartyRole}


def device_model(device: doors.HanDevice) -> models.HanDevice:
    """A virtual device as the API shows it."""
    shown = {each.name: getattr(device, each.name) for each in fields(device)}
    return models.HanDevice.model_validate(
        {
            **shown,
            "eui": str(device.eui),
            "device_type": device.device_type.name,
            "hub": None if device.hub is None else str(device.hub),
        }
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
        cells=[models.Cell.model_validate(row) for row in found.cells],
        counters=[models.StoredNumbers.model_validate(_counted(row, "update", "other")) for row in found.counters],
        keys=[models.OwnKey.model_validate(row) for row in found.keys],
        joined=[models.Partner.model_validate(row) for row in found.joined],
        pending=[models.PendingCommand.model_validate(_counted(row, "counter")) for row in found.pending],
        log=[models.LogLine.model_validate(row) for row in found.log],
    )


def _counted(row: doors.Row, *names: str) -> dict[str, object]:
    """Counters as decimal text."""
    return {name: str(value) if name in names and value is not None else value for name, value in row.items()}


async def make(call: Call) -> models.HanDevice:
    """A new one, with its entry in the inventory."""
    wanted: models.NewHanDevice = call.body
    made = await call.door.operator.make_device(
        doors.NewDevice(
            Eui64.parse(wanted.eui),
            DeviceType[wanted.device_type.name],
            None if wanted.hub is None else Eui64.parse(wanted.hub),
            wanted.install,
            wanted.mpxn or "",
            wanted.details,
        ),
        call.actor,
    )
    return device_model(made)


async def take_away(call: Call) -> models.Removed:
    """Gone, with everything on its way."""
    if not await call.door.operator.take_device_away(call.eui, call.actor):
        raise NotThereError
    return models.Removed(removed=str(call.eui))


async def break_device(call: Call) -> models.HanDevice:
    """From now on the things named are wrong with it."""
    wanted: models.Breakage = call.body
    try:
        changes = [make(value) for name, make in _BEFORE_ALL if (value := getattr(wanted, name)) is not None]
    except ValueError as error:
        raise BadRequestError("breakage_invalid", f"body: {error}") from None
    if not changes:
        raise BadRequestError("breakage_empty", "body: at least one thing that shall be wrong was expected")
    return await _change(call, changes)


async def mend(call: Call) -> models.HanDevice:
    """It can be reached, has power, its clock is right, and nothing fails."""
    return await _change(call, [Mend()])


async def move(call: Call) -> models.HanDevice:
    """It hears another hub now, or none."""
    wanted: models.Whereto = call.body
    return await _change(call, [Move(None if wanted.hub is None else Eui64.parse(wanted.hub), wanted.band)])


async def memory(call: Call) -> models.Memory:
    """What it remembers now."""
    found = await call.door.operator.device_memory(call.eui)
    if found is None:
        raise NotThereError
    return models.Memory(memory=found.hex())


async def _change(call: Call, changes: Sequence[HanChange]) -> models.HanDevice:
    found = await call.door.operator.change_device(call.eui, changes, call.actor)
    if found is None:
        raise NotThereError
    return device_model(found)


def _cell(name: str) -> CellId:
    if name not in _CELLS:
        raise ValueError("a cell such as networkOperator/digitalSignature was expected")
    return _CELLS[name]


def _role(name: str) -> RemotePartyRole:
    if name not in _ROLES:
        raise ValueError("a role such as networkOperator was expected")
    return _ROLES[name]


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
        "DELETE", "/api/han/{eui}", "removeHanDevice", "Take a virtual device away.", take_away, models.Removed,
        OPERATORS,
    ),
    Endpoint(
        "POST", "/api/han/{eui}/break", "breakHanDevice", "Spoil a virtual device or the way to it.", break_device,
        models.HanDevice, OPERATORS, body=models.Breakage,
    ),
    Endpoint(
        "POST", "/api/han/{eui}/mend", "mendHanDevice", "Mend a virtual device and the way to it.", mend,
        models.HanDevice, OPERATORS,
    ),
    Endpoint(
        "POST", "/api/han/{eui}/move", "moveHanDevice", "Move a virtual device to another hub.", move,
        models.HanDevice, OPERATORS, body=models.Whereto,
    ),
    Endpoint(
        "GET", "/api/han/{eui}/memory", "hanDeviceMemory", "What a virtual device remembers, to put back later.",
        memory, models.Memory, OPERATORS,
    ),
)  # fmt: skip
