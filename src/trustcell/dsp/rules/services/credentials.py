"""6.15.1 and 6.21: who sits in a device's cells (CS02b and CS02g, gbcs.md 4.3; duis-dsp.md 7)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from trustcell import certs, duis, gbcs
from trustcell.dsp.rules import dating, dcc_alerts, transform
from trustcell.dsp.rules.clauses import PROCESSING, REQUIREMENT_2
from trustcell.dsp.rules.effects import effects_of_update, is_tracked, outcome_of
from trustcell.dsp.rules.facts import Occupant
from trustcell.dsp.rules.plan import Answer, Ask, Author, CommandPlan, Effects, Needs, Reply, SlotChange
from trustcell.dsp.rules.recognition import Reported
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.vocab import CellId, Finding, KeyUsage, RemotePartyRole, WireError


def _body(ask: Ask) -> transform.UpdateBody:
    return cast(transform.UpdateBody, ask.request.body)


def _findings(ask: Ask) -> Iterator[Finding]:
    device, body = ask.facts.device, _body(ask)
    if device is not None and not transform.has_cells(device.device_type, body.remote_party_role):
        yield PROCESSING.breach(
            "service_not_for_device",
            "RemotePartyRole",
            f"a {device.device_type.name} has no {body.remote_party_role.title} cell",
            "name a role that has cells on this device",
        )
    yield from transform.update_findings(body, ask.request.request_id.counter if _is_own(body) else 0)


def _handover_findings(ask: Ask) -> Iterator[Finding]:
    yield from _findings(ask)
    cell = CellId(_body(ask).remote_party_role, KeyUsage.DIGITAL_SIGNATURE)
    occupant = ask.facts.slots.get(cell)
    if occupant is not None and occupant.entity != ask.broker:
        yield PROCESSING.breach(
            "slot_not_broker",
            "RemotePartyRole",
            f"the {cell} cell of {ask.request.request_id.target} is held by {occupant.entity}, not by the broker",
            "let the party in the slot hand over by 6.15.1, or read the slot by 6.24.1 if a response was lost",
        )
    yield from _who_is_placed(ask)


def _who_is_placed(ask: Ask) -> Iterator[Finding]:
    """SECMP0128A requirement 2: a GPF gets an operator that is a DCC User with certificates in the repository.

    The certificate that signs is looked at: it says who controls the cells (smki.md 9, B11).
    """
    device = ask.facts.device
    if device is None or not is_tracked(device):
        return
    for each, standing in ask.facts.placed.items():
        if not standing.by_user:
            yield REQUIREMENT_2.breach(
                "operator_not_a_user",
                "ReplacementCertificates",
                f"{each.entity} is no DCC User",
                "leave the ACB in the slot until it is one",
            )
        elif not standing.in_repository:
            yield REQUIREMENT_2.breach(
                "operator_certificate_unknown",
                "ReplacementCertificates",
                f"the repository has no certificate {each.key_id.hex()} of {each.entity}",
                "use a certificate of the repository",
            )


def _is_own(body: transform.UpdateBody) -> bool:
    """Whether the request's own counter goes into the command: 6.15.1, but not 6.21 (duis-dsp.md 3)."""
    return isinstance(body, duis.UpdateSecurityCredentialsKRP)


def _payload(body: transform.UpdateBody, counter: int) -> bytes:
    value = transform.update_credentials(body, counter)
    return gbcs.encode_payload(value.control.mode.message_code, gbcs.Cra.COMMAND, value)


def _update(ask: Ask) -> CommandPlan:
    """The user's own command: its counter and its signature."""
    body = _body(ask)
    return CommandPlan(
        transform.replacement_mode(body).message_code,
        lambda counter: _payload(body, counter),
        Author.USER,
        Author.USER,
        executes_at=dating.later(body.execution_date_time, ask.now),
    )


def _handover_needs(body: duis.Body) -> Needs:
    """A cancellation asks what is held; a network operator that is to be placed, who it is."""
    cancels = dating.asked_for(body) == duis.CANCEL
    handover = cast(duis.RequestHandoverOfDCCControlledDevice, body)
    if cancels or handover.remote_party_role is not RemotePartyRole.NETWORK_OPERATOR:
        return Needs(held=cancels)
    placed = _reported(handover.digital_signing_certificate)
    return Needs(placed=() if placed is None else (placed,))


def _reported(der: bytes) -> Reported | None:
    """Who a certificate is of; the device judges one that cannot be read."""
    try:
        certificate = certs.Certificate.from_der(der)
    except WireError:
        return None
    entity, key_id = certificate.entity_id, certificate.subject_key_identifier
    return None if entity is None or key_id is None else Reported(entity, key_id, certificate.key_usage)


def _handover(ask: Ask) -> CommandPlan | Answer:
    """The broker's command: it holds the slot, so it signs, with the key that is known to be there."""
    cancelled = dating.cancellation(ask)
    if cancelled is not None:
        return cancelled
    body = _body(ask)
    device = ask.facts.device
    assert device is not None
    return CommandPlan(
        transform.replacement_mode(body).message_code,
        lambda counter: _payload(body, counter),
        Author.BROKER,
        Author.BROKER,
        raise_above_highest=transform.raises_above_stored(body, device.device_type, device.generation),
        broker_cell=CellId(body.remote_party_role, KeyUsage.DIGITAL_SIGNATURE),
        held_until=dating.later(body.execution_date_time, ask.now),
    )


def _handed_over(reply: Reply) -> Effects:
    """The slots, and N42 to the party whose credentials are there now: it did not ask for them itself."""
    found = effects_of_update(reply)
    outcome = outcome_of(reply.payload)
    placed = tuple(
        SlotChange(entry.cell, Occupant(entry.replacing_entity, entry.replacing_key_id))
        for entry in (outcome.replacement_outcomes if outcome is not None else ())
        if entry.status is gbcs.StatusCode.SUCCESS and entry.replacing_entity != reply.broker
    )
    if not placed:
        return found
    assert outcome is not None
    party, stored = placed[0].occupant.entity, outcome.seq_number
    return replace(found, alerts=(dcc_alerts.credentials_updated(party, reply.device.eui, placed, stored),))


UPDATE = ServiceRule(_update, _findings, effects_of_update)
HANDOVER = ServiceRule(_handover, _handover_findings, _handed_over, _handover_needs)
