"""What a user may see: its own requests, and devices it is registered for now (hostile input A2)."""

from datetime import datetime

from trustcell.app.tokens import Role
from trustcell.dsp.ports import Views
from trustcell.dsp.rules.facts import DeviceRecord, KnownRequest
from trustcell.dsp.rules.registration import registration_at
from trustcell.vocab import Eui64
from trustcell.web.api.table import Call, NotThereError

_ON_ONE_HUB = 64


async def device_for(call: Call) -> DeviceRecord:
    """The device in the address, when the caller may see it; the same work is done when there is none."""
    device = await call.ask(call.door.views.device, call.eui)
    if call.principal.role is Role.USER:
        seen = await call.ask(is_registered, call.door.views, call.principal.user, device, call.door.clock())
        if not seen:
            raise NotThereError
    if device is None:
        raise NotThereError
    return device


async def request_for(call: Call) -> KnownRequest:
    """The request in the address, when the caller may see it."""
    require_own(call)
    found = await call.ask(call.door.views.request, call.request_id)
    if found is None:
        raise NotThereError
    return found


def require_own(call: Call) -> None:
    """A user may ask for what carries its own name only."""
    if call.principal.role is Role.USER and call.request_id.originator != call.principal.user:
        raise NotThereError


def is_registered(views: Views, user: Eui64 | None, device: DeviceRecord | None, now: datetime) -> bool:
    """Whether a user is supplier or network operator of a metering point of the device or, if it has none, its hub."""
    if device is None:
        points: tuple[str, ...] = ("",)
    elif device.mpxns:
        points = device.mpxns
    else:
        members = views.members(device.hub or device.eui, _ON_ONE_HUB)
        points = tuple(mpxn for member in members for mpxn in member.mpxns)
    entries = [registration_at(views.registrations(mpxn), mpxn, now) for mpxn in points]
    return any(entry is not None and user in (entry.supplier, entry.network_operator) for entry in entries)
