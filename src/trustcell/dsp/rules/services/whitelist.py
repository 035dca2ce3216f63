"""8.11: a device is added to the whitelist of a hub, or removed from it (CCS01 and CCS02, dlms-gbz.md 4.3)."""

from collections.abc import Iterator
from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import dating, dcc_alerts, inventory
from trustcell.dsp.rules.clauses import INVENTORY, PROCESSING
from trustcell.dsp.rules.plan import Answer, Ask, CommandPlan, DeviceChange, Effects, Needs, Reply
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.originator import non_critical, numbered
from trustcell.vocab import Finding

_CCS01, _CCS02 = 0x0001, 0x0002


def _body(request: duis.Request) -> duis.UpdateHANDeviceLog:
    return cast(duis.UpdateHANDeviceLog, request.body)


def _event(body: duis.UpdateHANDeviceLog) -> inventory.Event:
    added = body.request_type is duis.WhitelistChange.ADD
    return inventory.Event.WHITELISTED if added else inventory.Event.UNLISTED


def _needs(body: duis.Body) -> Needs:
    body = cast(duis.UpdateHANDeviceLog, body)
    add = body.add_device_to_chf_whitelist
    points = (add.import_mpxn, add.secondary_import_mpan, add.export_mpan) if add is not None else ()
    return Needs(
        others=(body.device_id,),
        mpxns=tuple(filter(None, points)),
        members=True,
        held=body.execution_date_time == duis.CANCEL,
    )


def _findings(ask: Ask) -> Iterator[Finding]:
    body = _body(ask.request)
    other = ask.facts.others.get(body.device_id)
    if other is None:
        yield PROCESSING.breach(
            "not_pre_notified", "DeviceID", f"{body.device_id} is not in the inventory", "pre-notify it by 12.2"
        )
    elif other.status is not None and not inventory.fits(other.status, _event(body), other.device_type):
        yield INVENTORY.breach(
            "other_device_status",
            "DeviceID",
            f"a {other.duis_type} that is {other.status} cannot be {_event(body)}",
            "add devices that are Pending, remove those that were added",
        )
    if body.request_type is duis.WhitelistChange.ADD and body.add_device_to_chf_whitelist is None:
        yield PROCESSING.breach(
            "no_install_code",
            "AddDeviceToCHFWhitelist",
            "a device is added with its install code and the time to join",
            "give AddDeviceToCHFWhitelist",
        )


def _plan(ask: Ask) -> CommandPlan | Answer:
    cancelled = dating.cancellation(ask)
    if cancelled is not None:
        return cancelled
    body = _body(ask.request)
    until = dating.later(body.execution_date_time, ask.now)
    add = body.add_device_to_chf_whitelist
    if body.request_type is duis.WhitelistChange.ADD and add is not None:
        value = gbcs.AddToWhitelist(body.device_id, add.install_code, add.join_time_period)
        return non_critical(ask, _CCS01, numbered(_CCS01, value), until)
    return non_critical(ask, _CCS02, numbered(_CCS02, gbcs.RemoveFromWhitelist(body.device_id)), until)


def _effects(reply: Reply) -> Effects:
    """N24 or N25 to whoever asked; the other device moves when the hub did what it was told."""
    if reply.request is None:
        return Effects()
    body = _body(reply.request)
    done = isinstance(reply.payload, gbcs.InstructionsSucceeded)
    alert = dcc_alerts.whitelist_result(reply.request.request_id, done=done)
    return Effects(devices=_moved(reply, body) if done else (), alerts=(alert,))


def _moved(reply: Reply, body: duis.UpdateHANDeviceLog) -> tuple[DeviceChange, ...]:
    other, add = reply.facts.others.get(body.device_id), body.add_device_to_chf_whitelist
    if body.request_type is duis.WhitelistChange.REMOVE or add is None:
        return inventory.changes(other, _event(body), reply.now, hub=None)
    points = {
        "import_mpxn": add.import_mpxn,
        "secondary_import_mpan": add.secondary_import_mpan,
        "export_mpan": add.export_mpan,
    }
    given = {name: point for name, point in points.items() if point is not None}
    return inventory.changes(other, _event(body), reply.now, hub=reply.device.eui, **given)


UPDATE = ServiceRule(_plan, _findings, _effects, _needs, needs_request=True)
