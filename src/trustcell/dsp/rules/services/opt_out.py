"""8.5: a meter leaves the DCC; whoever runs it next gets the broker's slot (CS02b, mode accessControlBrokerByACB).

Nothing that was read says more than the fields; the vector of 0x0104 shows a command with a MAC only and a signed
response on anything but a hub (gbcs.md 1.3 and 4.3).
"""

from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import dating, inventory, transform
from trustcell.dsp.rules.effects import effects_of_update, outcome_of
from trustcell.dsp.rules.plan import Answer, Ask, Author, CommandPlan, Effects, Needs, Reply
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.gbcs import CredentialsReplacementMode as Mode
from trustcell.vocab import BROKER_CELL, CellId, KeyUsage, RemotePartyRole

_MODE = Mode.ACCESS_CONTROL_BROKER_BY_ACB
_SIGNING_CELL = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.DIGITAL_SIGNATURE)


def _needs(body: duis.Body) -> Needs:
    return Needs(held=dating.asked_for(body) == duis.CANCEL)


def _plan(ask: Ask) -> CommandPlan | Answer:
    cancelled = dating.cancellation(ask)
    if cancelled is not None:
        return cancelled
    body = cast(duis.ServiceOptOut, ask.request.body)

    def payload(counter: int) -> bytes:
        return gbcs.encode_payload(_MODE.message_code, gbcs.Cra.COMMAND, _value(body, counter))

    until = dating.later(body.execution_date_time, ask.now)
    return CommandPlan(_MODE.message_code, payload, Author.BROKER, None, held_until=until)


def _value(body: duis.ServiceOptOut, counter: int) -> gbcs.UpdateSecurityCredentials:
    """No authorising cell: on a meter the broker has a Key Agreement cell only. The DSP holds the date."""
    control = gbcs.AuthorisingRemotePartyControl(
        _MODE,
        counter,
        time_based_checks=transform.time_based_checks(apply=body.apply_time_based_cpv_checks),
        floor=body.floor_seq_number,
    )
    cells = [gbcs.Replacement(body.key_agreement_certificate, BROKER_CELL)]
    if body.digital_signing_certificate is not None:
        cells.insert(0, gbcs.Replacement(body.digital_signing_certificate, _SIGNING_CELL))
    return gbcs.UpdateSecurityCredentials(control, tuple(cells), body.path_certificates)


def _effects(reply: Reply) -> Effects:
    """The slots; a meter whose broker key is somebody else's now is out of the DCC."""
    found = effects_of_update(reply)
    outcome = outcome_of(reply.payload)
    left = outcome is not None and any(
        entry.cell == BROKER_CELL and entry.status is gbcs.StatusCode.SUCCESS and entry.replacing_entity != reply.broker
        for entry in outcome.replacement_outcomes
    )
    if not left:
        return found
    return Effects(found.slots, devices=inventory.changes(reply.device, inventory.Event.OPTED_OUT, reply.now))


OPT_OUT = ServiceRule(_plan, effects=_effects, needs=_needs)
