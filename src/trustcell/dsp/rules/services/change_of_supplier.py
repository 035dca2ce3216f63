"""6.23: the gaining supplier's credentials, placed by the transitional CoS party (CS02b, mode supplierByTransCoS)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import dating, dcc_alerts, registration, transform
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.effects import effects_of_update, outcome_of
from trustcell.dsp.rules.plan import Answer, Ask, Author, CommandPlan, Effects, Needs, Reply
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.gbcs import CredentialsReplacementMode as Mode
from trustcell.vocab import CellId, Eui64, Finding, KeyUsage, RemotePartyRole

_MODE = Mode.SUPPLIER_BY_TRANS_COS
_SUPPLIER = RemotePartyRole.SUPPLIER
_COS_CELL = CellId(RemotePartyRole.TRANSITIONAL_COS, KeyUsage.DIGITAL_SIGNATURE)
_SUPPLIER_CELL = CellId(_SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
NOTICE = timedelta(days=1)
"""How long before its date a change is checked again and sent to the device, which then executes it (assumption)."""


def _body(request: duis.Request) -> duis.UpdateSecurityCredentialsCoS:
    return cast(duis.UpdateSecurityCredentialsCoS, request.body)


def _needs(body: duis.Body) -> Needs:
    body = cast(duis.UpdateSecurityCredentialsCoS, body)
    return Needs(mpxns=(body.import_mpxn,), held=body.execution_date_time == duis.CANCEL)


def _findings(ask: Ask) -> Iterator[Finding]:
    """The metering point is the device's, and the user its registered supplier when the change takes effect."""
    body, device, user = _body(ask.request), ask.facts.device, ask.request.request_id.originator
    if device is not None and body.import_mpxn not in (device.import_mpxn, device.secondary_import_mpan):
        yield PROCESSING.breach(
            "mpxn_not_of_device",
            "ImportMPxN",
            f"{body.import_mpxn} is not a metering point of {device.eui}",
            "give the import MPxN of the device",
        )
    at = dating.acts_at(ask.request, ask.now)
    entry = registration.registration_at(ask.facts.registrations, body.import_mpxn, at)
    if entry is None or entry.supplier != user:
        yield PROCESSING.breach(
            "not_gaining_supplier",
            "ImportMPxN",
            f"{user} is not the registered supplier of {body.import_mpxn} at {at:%Y-%m-%dT%H:%M:%SZ}",
            "ask for a change that takes effect while the registration is yours",
        )


def _plan(ask: Ask) -> CommandPlan | Answer:
    """Sent a day before its date, so that the registration is checked again; a sent one is cancelled on the device."""
    body = _body(ask.request)
    if dating.held_alike(ask):
        cancelled = dating.cancellation(ask)
        if cancelled is not None:
            return cancelled
    date = dating.later(body.execution_date_time, ask.now)
    held = dating.later(date - NOTICE, ask.now) if date is not None else None

    def payload(counter: int) -> bytes:
        return gbcs.encode_payload(_MODE.message_code, gbcs.Cra.COMMAND, _value(body, counter))

    return CommandPlan(
        _MODE.message_code,
        payload,
        Author.TRANSITIONAL_COS,
        Author.TRANSITIONAL_COS,
        broker_cell=_COS_CELL,
        executes_at=date,
        held_until=held,
    )


def _value(body: duis.UpdateSecurityCredentialsCoS, counter: int) -> gbcs.UpdateSecurityCredentials:
    specialist = transform.specialist_floor(body.top_up_floor_seq_number)
    # A cancellation carries no floors: only code, counter and date of it are used (gbcs.md 6.3).
    cancels = body.execution_date_time == duis.CANCEL
    control = gbcs.AuthorisingRemotePartyControl(
        _MODE,
        counter,
        _COS_CELL,
        transform.time_based_checks(apply=body.apply_time_based_cpv_checks),
        other_changes=None if cancels else transform.other_floors(_SUPPLIER, body.floor_seq_number, specialist),
    )
    cells = tuple(transform.replacements(_SUPPLIER, body))
    return gbcs.UpdateSecurityCredentials(
        control, cells, body.path_certificates, dating.gbcs_time(body.execution_date_time)
    )


def _effects(reply: Reply) -> Effects:
    """The slots, and N26 to the supplier that had the signing cell before."""
    found = effects_of_update(reply)
    losing = _losing(reply)
    if losing is None or reply.request is None:
        return found
    alert = dcc_alerts.supplier_changed(losing, reply.device, _body(reply.request).import_mpxn)
    return replace(found, alerts=(alert,))


def _losing(reply: Reply) -> Eui64 | None:
    outcome = outcome_of(reply.payload)
    for entry in outcome.replacement_outcomes if outcome is not None else ():
        changed = entry.existing_entity not in (entry.replacing_entity, reply.broker)
        if entry.cell == _SUPPLIER_CELL and entry.status is gbcs.StatusCode.SUCCESS and changed:
            return entry.existing_entity
    return None


CHANGE = ServiceRule(_plan, _findings, _effects, _needs, needs_request=True)
