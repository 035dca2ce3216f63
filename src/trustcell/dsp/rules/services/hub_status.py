"""8.14.1 to 8.14.4: what became of a communications hub, told by whoever handled it (duis-dsp.md 6).

An installed hub waits for its commissioning together with its proxy; one without WAN stays as it was until it is heard
of. A hub that goes back was there before: it is decommissioned with its proxy; one that never was stays Pending
(assumption).
"""

from collections.abc import Iterator
from typing import cast

from trustcell import duis
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.inventory import Event
from trustcell.dsp.rules.plan import Answer, Ask, DeviceChange, Effects, Needs
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.subject import entry, known_and_theirs, needs_subject
from trustcell.vocab import DeviceType, Finding


def _installed_needs(body: duis.Body) -> Needs:
    body = cast(duis.CHFInstallSuccessSMWAN, body)
    return Needs(others=(body.device_id,), mpxns=(body.mpxn,), members=True)


def _findings(ask: Ask) -> Iterator[Finding]:
    yield from known_and_theirs(ask)
    device = entry(ask)
    if device is not None and device.device_type is not DeviceType.CHF:
        yield PROCESSING.breach(
            "not_a_hub", "DeviceID", f"{device.eui} is a {device.duis_type}", "name the Communications Hub Function"
        )


def _both(ask: Ask, event: Event) -> tuple[DeviceChange, ...]:
    """Hub and proxy, each as far as the event can happen to it."""
    hub = entry(ask)
    assert hub is not None  # check 16 has passed
    proxy = next((each for each in ask.facts.members if each.eui == hub.gpf), None)
    return inventory.changes(hub, event, ask.now) + inventory.changes(proxy, event, ask.now)


def _installed(ask: Ask) -> Answer:
    return Answer("I99", effects=Effects(devices=_both(ask, Event.HUB_INSTALLED)))


def _without_wan(ask: Ask) -> Answer:
    return Answer("I99", effects=Effects(notes=("hub installed without SM WAN",)))


def _returned(ask: Ask) -> Answer:
    return Answer("I99", effects=Effects(devices=_both(ask, Event.DECOMMISSIONED)))


INSTALLED = ServiceRule(_installed, _findings, needs=_installed_needs)
WITHOUT_WAN = ServiceRule(_without_wan, _findings, needs=_installed_needs)
RETURNED = ServiceRule(_returned, _findings, needs=needs_subject)
