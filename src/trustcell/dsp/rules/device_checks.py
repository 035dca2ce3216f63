"""Checks 11 to 15: whether the device is there, fits, is in the right state, and is this user's (duis-dsp.md 4.1)."""

from collections.abc import Iterator
from datetime import datetime

from trustcell import duis
from trustcell.dsp.rules import inventory, registration
from trustcell.dsp.rules.clauses import INVENTORY, PROCESSING
from trustcell.dsp.rules.dating import acts_at
from trustcell.dsp.rules.plan import Ask
from trustcell.dsp.rules.roles import acting_roles
from trustcell.vocab import Finding

LOCAL_DELIVERY = frozenset({2, 3, 6, 7})
"""Variants that ask for the command, to bring it to the device by hand."""


def device_known(ask: Ask) -> Iterator[Finding]:
    """The target is in the inventory."""
    target = ask.request.request_id.target
    if ask.facts.device is None:
        yield PROCESSING.breach(
            "device_unknown", "Header.RequestID", f"{target} is not in the inventory", "pre-notify it by 12.2"
        )


def device_type_fits(ask: Ask) -> Iterator[Finding]:
    """The service applies to this type of device."""
    device, service = ask.facts.device, ask.request.service
    if device is None:
        return
    fits = service.target_device_types
    if device.device_type.name not in fits:
        yield PROCESSING.breach(
            "service_not_for_device",
            "Header.ServiceReferenceVariant",
            f"{service.variant} is not for a {device.duis_type}",
            f"address one of {', '.join(sorted(fits))}",
        )


def device_status_fits(ask: Ask) -> Iterator[Finding]:
    """The status of the device fits the service."""
    device, variant = ask.facts.device, ask.request.service_reference_variant
    if device is None or device.status is None:
        return
    fits = inventory.allowed_statuses(variant)
    if device.status not in fits:
        yield INVENTORY.breach(
            "device_status",
            "Header.RequestID",
            f"{device.eui} is {device.status}; {variant} needs {' or '.join(sorted(fits)) or 'another device'}",
            "bring the device into that status first",
            status=device.status,
        )


def user_responsible(ask: Ask) -> Iterator[Finding]:
    """The user is responsible for this device in one of its roles, at the time the request takes effect."""
    facts, roles, user = ask.facts, acting_roles(ask), ask.request.request_id.originator
    if facts.device is None:
        return
    at = _takes_effect(ask)
    devices = registration.responsible_devices(facts)
    if not any(device.mpxns for device in devices):
        return  # no metering point is known yet: nobody else could begin an installation (assumption)
    if registration.acts_for(user, roles, devices, facts.registrations, at) or _named_point_is_theirs(ask, at):
        return
    yield PROCESSING.breach(
        "not_responsible",
        "Header.RequestID",
        f"{user} is not registered for a metering point of {facts.device.eui} at {at:%Y-%m-%dT%H:%M:%SZ}",
        "ask for devices of your own metering points",
    )


def _takes_effect(ask: Ask) -> datetime:
    """When the request takes effect; a signed pre-command has the date of its transform."""
    known = ask.facts.known
    if isinstance(ask.request.body, duis.SignedPreCommand) and known is not None and known.executes_at is not None:
        return max(known.executes_at, ask.now)
    return acts_at(ask.request, ask.now)


def _named_point_is_theirs(ask: Ask, at: datetime) -> bool:
    """A meter that is added to a hub by 8.11 brings its metering point, before the hub or the inventory knows it."""
    body = ask.request.body
    add = body.add_device_to_chf_whitelist if isinstance(body, duis.UpdateHANDeviceLog) else None
    if add is None or add.import_mpxn is None:
        return False
    user = ask.request.request_id.originator
    return any(
        registration.is_responsible(user, role, add.import_mpxn, ask.facts.registrations, at)
        for role in acting_roles(ask)
    )


def local_delivery_offered(ask: Ask) -> Iterator[Finding]:
    """Commands go over the WAN; local delivery is not offered."""
    variant = ask.request.command_variant
    yield PROCESSING.breach(
        "local_delivery_not_offered",
        "Header.CommandVariant",
        f"variant {variant} asks for local delivery, which is not offered",
        "use variant 1, or 5 for a signed pre-command",
    )
