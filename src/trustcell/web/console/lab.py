"""The lab: virtual devices made, broken and mended, and the clock of the DSP moved on."""

from datetime import timedelta

from starlette.responses import Response

from trustcell.app.doors import NewDevice
from trustcell.app.han_changes import LINKS, HanChange, Link, Mend, Power, Tamper, Way
from trustcell.vocab import DeviceType, Eui64
from trustcell.web.console.devices import PAGE_ROWS, dsp_of
from trustcell.web.console.requests import OPERATORS
from trustcell.web.console.visit import Page, Section, Visit

_LONGEST = timedelta(days=3660)
_CHANGES: dict[str, HanChange] = {
    **{link.value: Way(link, LINKS[link]) for link in Link},
    "power off": Power(on=False),
    "power on": Power(on=True),
    "tamper": Tamper(),
    "mend": Mend(),
}


async def lab(visit: Visit) -> Response:
    """Virtual devices, how messages get to each, and what the clock shows."""
    after = visit.asked("after")
    found = await dsp_of(visit).operator.han_devices(Eui64.parse(after) if after else None, PAGE_ROWS)
    following = str(found[-1].eui) if len(found) == PAGE_ROWS else ""
    kinds = [each.name for each in DeviceType]
    return visit.page(
        "lab", devices=found, changes=list(_CHANGES), kinds=kinds, following=following, now=visit.door.now()
    )


async def change(visit: Visit) -> Response:
    """Break a device or the way to it, or mend it."""
    eui = Eui64.parse(visit.path("eui"))
    wanted = _CHANGES.get(visit.form.get("change", ""))
    if wanted is None:
        raise ValueError(f"change: one of {', '.join(_CHANGES)}")
    if await dsp_of(visit).operator.change_device(eui, [wanted], visit.actor) is None:
        raise LookupError(f"there is no virtual device {eui}")
    return visit.go("/console/lab", f"{eui}: {visit.form['change']}.")


async def make(visit: Visit) -> Response:
    """A new device with its entry in the inventory."""
    form = visit.form
    kind = form.get("kind", "")
    if kind not in DeviceType.__members__:
        raise ValueError(f"kind: one of {', '.join(DeviceType.__members__)}")
    hub = form.get("hub", "").strip()
    wanted = NewDevice(
        Eui64.parse(form.get("eui", "").strip()), DeviceType[kind], Eui64.parse(hub) if hub else None,
        install=form.get("install") == "yes", mpxn=form.get("mpxn", "").strip(),
    )  # fmt: skip
    made = await dsp_of(visit).operator.make_device(wanted, visit.actor)
    return visit.go(f"/console/devices/{made.eui}", f"{made.eui} was made.")


async def take_away(visit: Visit) -> Response:
    """Gone, with everything on its way; its entry in the inventory stays."""
    eui = Eui64.parse(visit.path("eui"))
    if not await dsp_of(visit).operator.take_device_away(eui, visit.actor):
        raise LookupError(f"there is no virtual device {eui}")
    return visit.go("/console/lab", f"{eui} was taken away.")


async def move_clock(visit: Visit) -> Response:
    """Forward only: numbers that follow from time never come twice."""
    if visit.door.advance is None:
        raise ValueError("this clock is the machine's, and stays so")
    by = timedelta(hours=float(visit.form.get("hours", "")))
    if not timedelta(0) < by <= _LONGEST:
        raise ValueError(f"hours: more than 0, and {_LONGEST.days} days at most")
    shown = await visit.ask(visit.door.advance, by)
    await visit.ask(
        visit.door.record, "console.clock", "clock", {"actor": visit.actor.name, "shows": shown.isoformat()}
    )
    return visit.go("/console/lab", f"The clock shows {shown:%Y-%m-%d %H:%M} UTC.")


SECTIONS = (Section("Lab", "/console/lab", "dsp"),)
PAGES = (
    Page("/console/lab", lab),
    Page("/console/lab/clock", move_clock, OPERATORS, "POST"),
    Page("/console/lab/devices", make, OPERATORS, "POST"),
    Page("/console/lab/devices/{eui}", change, OPERATORS, "POST"),
    Page("/console/lab/devices/{eui}/take-away", take_away, OPERATORS, "POST"),
)
