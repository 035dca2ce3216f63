"""The recovery command: CS02b by Recovery, signed only, without a service request behind it (smki.md 6.4; gbcs.md 4.3).

It goes through the same books as a command of a service: under a request ID of the recovery party, with the decision it
was built under in place of a DUIS request.
"""

from collections.abc import Mapping
from dataclasses import replace

from trustcell import gbcs
from trustcell.dsp.rules import dcc_alerts
from trustcell.dsp.rules.effects import effects_of_update, outcome_of
from trustcell.dsp.rules.facts import Occupant
from trustcell.dsp.rules.plan import Answer, Ask, CommandPlan, Effects, Reply, SlotChange
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.transform import command
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

RECOVERY = "recovery"
"""In place of a service variant."""

_MODE = gbcs.CredentialsReplacementMode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY
_CELL = CellId(RemotePartyRole.RECOVERY, KeyUsage.DIGITAL_SIGNATURE)


def recovery_command(
    recovery: Eui64,
    device: Eui64,
    counter: int,
    certificates: Mapping[CellId, bytes],
    path: tuple[bytes, ...],
) -> gbcs.Message:
    """The command to be signed: these certificates into these cells.

    As the reference command does, it disapplies the time-based checks, because what is recovered may be late, and sets
    the floors of the roles whose cells it fills to 0.
    """
    roles = sorted({cell.role for cell in certificates})
    control = gbcs.AuthorisingRemotePartyControl(
        _MODE,
        counter,
        _CELL,
        gbcs.TimeBasedChecks.DISAPPLY,
        0,
        None,
        tuple(gbcs.RemotePartySeqNumberChange(role, 0) for role in roles),
    )
    replacements = tuple(gbcs.Replacement(der, cell) for cell, der in certificates.items())
    payload = gbcs.UpdateSecurityCredentials(control, replacements, path, None)
    return command(recovery, device, counter, _MODE.message_code, payload)


def _no_plan(_ask: Ask) -> CommandPlan | Answer:
    raise AssertionError("no service request leads to a recovery")


def _recovered(reply: Reply) -> Effects:
    """The slots, and N42 to each party whose credentials are there now; no counter of a Network Operator is learned."""
    found = effects_of_update(reply)
    outcome = outcome_of(reply.payload)
    placed: dict[Eui64, list[SlotChange]] = {}
    for entry in outcome.replacement_outcomes if outcome is not None else ():
        if entry.status is gbcs.StatusCode.SUCCESS and entry.replacing_entity != reply.broker:
            change = SlotChange(entry.cell, Occupant(entry.replacing_entity, entry.replacing_key_id))
            placed.setdefault(entry.replacing_entity, []).append(change)
    alerts = tuple(
        dcc_alerts.credentials_updated(party, reply.device.eui, changes) for party, changes in placed.items()
    )
    return replace(found, alerts=alerts)


RULE = ServiceRule(_no_plan, effects=_recovered)
