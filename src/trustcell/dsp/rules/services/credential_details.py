"""6.24.1: which credentials a device holds (CS02a and CS02f, gbcs.md 4.4)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.effects import effects_of_details
from trustcell.dsp.rules.plan import Ask, Author, CommandPlan, Effects, Reply
from trustcell.dsp.rules.services.base import ServiceRule, needs_hub
from trustcell.vocab import CellId, DeviceType, Finding, KeyUsage, RemotePartyRole

_ESME_ONLY_ROLES = frozenset({RemotePartyRole.LOAD_CONTROLLER})
_AUTHORISING_CELL = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.KEY_AGREEMENT)


def details(body: duis.RetrieveDeviceSecurityCredentialsKRP) -> gbcs.ProvideCredentialDetails:
    """The payload: the broker's Key Agreement cell authorises."""
    return gbcs.ProvideCredentialDetails(_AUTHORISING_CELL, body.remote_party_roles)


def details_message_code(body: duis.RetrieveDeviceSecurityCredentialsKRP) -> int:
    """CS02f when the load controller is asked for, which CS02a does not know; else CS02a (gbcs.md 4.4)."""
    return 0x011B if _ESME_ONLY_ROLES.intersection(body.remote_party_roles) else 0x0008


def _body(ask: Ask) -> duis.RetrieveDeviceSecurityCredentialsKRP:
    return cast(duis.RetrieveDeviceSecurityCredentialsKRP, ask.request.body)


def _findings(ask: Ask) -> Iterator[Finding]:
    device = ask.facts.device
    if device is None or device.device_type is DeviceType.ESME:
        return
    for role in _body(ask).remote_party_roles:
        if role in _ESME_ONLY_ROLES:
            yield PROCESSING.breach(
                "service_not_for_device",
                "RemotePartyRole",
                f"a {device.device_type.name} has no {role.title} cell",
                "ask for the other roles only",
            )


def _effects(reply: Reply) -> Effects:
    """The slots; and a hub whose broker cells hold the broker is commissioned (duis-dsp.md 6, our reading)."""
    found = effects_of_details(reply)
    brokers = [slot.occupant.entity for slot in found.slots if slot.cell.role is RemotePartyRole.ACCESS_CONTROL_BROKER]
    if not brokers or set(brokers) != {reply.broker}:
        return found
    return replace(found, devices=inventory.changes(reply.device, inventory.Event.BROKER_PLACED, reply.now))


def _plan(ask: Ask) -> CommandPlan:
    body = _body(ask)
    code = details_message_code(body)
    octets = gbcs.encode_payload(code, gbcs.Cra.COMMAND, details(body))
    return CommandPlan(code, lambda _counter: octets, Author.BROKER, None)


RETRIEVE = ServiceRule(_plan, _findings, _effects, needs_hub)
