"""The device that a request to the DSP itself is about (variant 8), and whether its user may act for it."""

from collections.abc import Iterator
from dataclasses import replace

from trustcell import duis
from trustcell.dsp.rules import inventory, registration
from trustcell.dsp.rules.clauses import INVENTORY, PROCESSING
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.plan import Ask, Needs
from trustcell.dsp.rules.roles import acting_roles
from trustcell.vocab import Eui64, Finding


def subject(request: duis.Request) -> Eui64:
    """Whose books a request changes: the device its body names, else its target."""
    named = getattr(request.body, "device_id", None) if request.service.non_device else None
    return named if isinstance(named, Eui64) else request.request_id.target


def needs_subject(body: duis.Body) -> Needs:
    """The entry of the device that the body names, and who is responsible for it."""
    named = getattr(body, "device_id", None)
    return Needs(others=(named,), members=True) if isinstance(named, Eui64) else Needs()


def entry(ask: Ask) -> DeviceRecord | None:
    """The inventory entry of that device."""
    return record(ask, subject(ask.request))


def record(ask: Ask, eui: Eui64) -> DeviceRecord | None:
    """The inventory entry of a device, whether it was gathered as the target or by name."""
    device = ask.facts.device
    return device if device is not None and device.eui == eui else ask.facts.others.get(eui)


def known_and_theirs(ask: Ask) -> Iterator[Finding]:
    """The device is in the inventory, and the user responsible for it: checks 11 and 14 of a request without a target.

    A device without metering points that nobody's hub has yet may be changed by any eligible user (assumption).
    """
    device, user = entry(ask), ask.request.request_id.originator
    if device is None:
        yield PROCESSING.breach(
            "device_unknown", "DeviceID", f"{subject(ask.request)} is not in the inventory", "pre-notify it by 12.2"
        )
        return
    devices = registration.responsible_devices(replace(ask.facts, device=device))
    if any(each.mpxns for each in devices) and not registration.acts_for(
        user, acting_roles(ask), devices, ask.facts.registrations, ask.now
    ):
        yield PROCESSING.breach(
            "not_responsible",
            "DeviceID",
            f"{user} is not registered for a metering point of {device.eui}",
            "ask for devices of your own metering points",
        )


def can_happen(device: DeviceRecord, event: inventory.Event) -> Iterator[Finding]:
    """The status of the device allows the event."""
    if not inventory.fits(device.status, event, device.device_type):
        yield INVENTORY.breach(
            "device_status",
            "DeviceID",
            f"a {device.duis_type} that is {device.status} cannot be {event}",
            "bring the device into a status that allows it",
        )
