"""Services judged by foreign bytes: every template in scope against its RTDS command (duis-dsp.md 3 and 5)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsp.rules_world import (
    BROKER,
    CHF,
    COS,
    ESME,
    GPF,
    NOW,
    OPERATOR,
    SUPPLIER,
    TYPES,
    ask,
    bare,
    device,
    facts,
    message,
    registrations,
    rtds,
    slots,
    template,
    user,
)
from trustcell import duis, gbcs
from trustcell.dsp.rules import access
from trustcell.dsp.rules.facts import DeviceStatus
from trustcell.dsp.rules.plan import Author, CommandPlan
from trustcell.dsp.rules.reasons import RESPONSE_CODE
from trustcell.dsp.rules.services import SERVICES
from trustcell.gbcs.usecases.device_logs import DeviceLogAlert
from trustcell.vocab import DeviceType, Eui64

SIGNED_BY_USER = (
    "CS02bNOByNO_6.15.1_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_IMMEDIATE_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_CANCELLATION_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_FUTURE_DATED_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_CANCELLATION_SUCCESS",
    "CS02c_6.17_SUCCESS",
    "CS02d_6.15.2_SUCCESS",
    "CS02e_6.24.2_SUCCESS",
    "CS03A2Critical_8.7.1_SUCCESS",
    "CS03CCritical_8.7.1_SUCCESS",
    "CS06_11.3_CANCELLATION_SUCCESS",
    "CS06_11.3_FUTURE_DATED_SUCCESS",
    "CS06_11.3_IMMEDIATE_SUCCESS",
)
BY_USER = ("CS03B_8.7.2_SUCCESS", "CS07_8.9_SUCCESS", "GCS38_11.2_SUCCESS")
BY_BROKER_FOR_USER = (
    "CCS01_8.11_SUCCESS",
    "CCS02_8.11_SUCCESS",
    "CCS03_8.12.1_SUCCESS",
    "CCS05CCS04_8.9_SUCCESS",
    "CCS07_8.9_SUCCESS",
)
SIGNED_BY_BROKER_FOR_USER = (
    "CS03A2NonCritical_8.7.2_SUCCESS",
    "CS03CNonCritical_8.7.2_SUCCESS",
    "CS04ACNonCritical_8.8.2_SUCCESS",
)
BY_BROKER = ("CS02aMAC_6.24.1_SUCCESS", "CS02fMAC_6.24.1_SUCCESS", "GCS59_8.12.2_SUCCESS")
SIGNED_BY_BROKER = ("CS02bNOByNOHandover_6.21_SUCCESS", "CS02bSupplierBySupplierHandover_6.21_SUCCESS")
SIGNED_BY_COS = (
    "CS02bSupplierByTransCoS_6.23_CANCELLATION_SUCCESS",
    "CS02bSupplierByTransCoS_6.23_FUTURE_DATED_SUCCESS",
    "CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS",
)
# name: who originates, who signs, whether the user is named
PAIRS = {
    **dict.fromkeys(SIGNED_BY_USER, (Author.USER, Author.USER, False)),
    **dict.fromkeys(BY_USER, (Author.USER, None, False)),
    **dict.fromkeys(BY_BROKER_FOR_USER, (Author.BROKER, None, True)),
    **dict.fromkeys(SIGNED_BY_BROKER_FOR_USER, (Author.BROKER, Author.BROKER, True)),
    **dict.fromkeys(BY_BROKER, (Author.BROKER, None, False)),
    **dict.fromkeys(SIGNED_BY_BROKER, (Author.BROKER, Author.BROKER, False)),
    **dict.fromkeys(SIGNED_BY_COS, (Author.TRANSITIONAL_COS, Author.TRANSITIONAL_COS, False)),
}


def command(shared: Path, name: str) -> gbcs.Message:
    return gbcs.decode(rtds(shared, f"{name}_COMMAND"))


def with_certificates(request: duis.Request, real: gbcs.Message) -> duis.Request:
    """The request with the certificates of the vector: those of the templates are re-issues of the same keys."""
    body: Any = request.body
    payload = gbcs.decode_payload(real)
    if isinstance(body, duis.UpdateSecurityCredentialsDevice):
        return replace(request, body=replace(body, device_certificate=real.payload))
    if not isinstance(payload, gbcs.UpdateSecurityCredentials):
        return request
    found = {entry.cell: entry.certificate for entry in payload.replacements}
    names = ("digital_signing_certificate", "key_agreement_certificate", "key_agreement_top_up_certificate")
    given = dict(zip(names, found.values(), strict=False))
    assert [getattr(body, name) is not None for name in names] == [name in given for name in names]
    return replace(request, body=replace(body, path_certificates=payload.path_certificates, **given))


def known(request: duis.Request, real: gbcs.Message) -> Any:
    """The facts a request of the templates meets: everybody where the templates expect them."""
    ids, body, payload = request.request_id, request.body, gbcs.decode_payload(real)
    status = DeviceStatus.COMMISSIONED
    target = device(ids.target, status, gbcs_version="1.1" if real.message_code == 0x0004 else "4.2")
    if isinstance(body, duis.UpdateSecurityCredentialsCoS):
        target = replace(target, secondary_import_mpan=body.import_mpxn)
    others = {which: device(which) for which in TYPES}
    for name in ("other_device_id", "device_id"):
        other = getattr(body, name, None)
        if other is not None:
            others[other] = replace(others.get(other, device(ESME)), eui=other, device_type=other_type(payload))
    if isinstance(body, duis.UpdateHANDeviceLog):
        added = body.request_type is duis.WhitelistChange.ADD
        status = DeviceStatus.PENDING if added else DeviceStatus.WHITELISTED
        others[body.device_id] = replace(others[body.device_id], status=status)
    if isinstance(body, duis.RestoreHANDeviceLog):
        log = gbcs.HubLog(NOW, payload.extended_pan_id, payload.devices)
        alert = reported(body.old_chf_id, 0x0018, gbcs.HubLogAlert(0x8F12, NOW, log))
        others[body.old_chf_id] = replace(others[CHF], eui=body.old_chf_id, device_log=alert)
    if isinstance(body, duis.RestoreGPFDeviceLog):
        alert = reported(body.old_gpf_id, 0x00B2, DeviceLogAlert(0x8071, NOW, payload.entries))
        others[body.old_gpf_id] = replace(others[GPF], eui=body.old_gpf_id, device_log=alert)
    certificate = getattr(payload, "other_device_certificate", None)
    certificates = {body.other_device_id: certificate} if certificate else {}
    who = user(ids.originator) if ids.originator != BROKER else user(BROKER)
    supplier = BROKER if ids.originator == BROKER else SUPPLIER
    registered = registrations(supplier)
    if isinstance(body, duis.UpdateSecurityCredentialsCoS):
        registered += (replace(registered[0], mpxn=body.import_mpxn),)
    return facts(
        target,
        who,
        others=others,
        certificates=certificates,
        registrations=registered,
        slots=slots(supplier=SUPPLIER, operator=OPERATOR),
    )


def reported(device: Eui64, code: int, value: Any) -> bytes:
    """The alert by which an earlier hub or proxy reported the log of the vector."""
    payload = gbcs.encode_payload(code, gbcs.Cra.ALERT, value, 4_000)
    return gbcs.encode(gbcs.Message(gbcs.Cra.ALERT, 4_000, device, BROKER, code, payload))


def other_type(payload: Any) -> DeviceType:
    return getattr(payload, "other_device_type", DeviceType.ESME)


@pytest.mark.parametrize("name", PAIRS)
def test_a_template_becomes_its_command_octet_by_octet(name: str, shared: Path) -> None:
    real = command(shared, name)
    request = with_certificates(template(shared, name), real)
    asked = ask(request, known(request, real), now=NOW.replace(year=2014))
    if request.service_reference_variant == "6.21":
        asked = replace(asked, facts=replace(asked.facts, slots={}))
    access.require(asked)
    plan = SERVICES[request.service_reference_variant].plan(asked)
    assert isinstance(plan, CommandPlan)
    assert bare(message(plan, request, real.originator_counter)) == bare(real)
    originator, signer, named = PAIRS[name]
    assert (plan.originator, plan.signer, plan.supplementary) == (originator, signer, named)
    assert bool(real.signature) is (signer is not None)
    assert real.originator == {Author.BROKER: BROKER, Author.TRANSITIONAL_COS: COS}.get(
        originator, request.request_id.originator
    )


# ---- every template there is ----


MISMATCHED: dict[str, set[str]] = {}
# Templates that do not fit the home of these tests: they name other devices, other metering points, a state a device is
# not in, or the broker as their user.
REFUSED_HERE: dict[str, set[str]] = {
    "5.1": {"schedule_not_offered"},
    "5.2": {"no_schedule_found"},
    "5.3": {"no_schedule_found"},
    "6.23": {"mpxn_not_of_device", "not_gaining_supplier"},
    "6.24.1": {"not_responsible"},
    "8.1.1": {"device_status"},
    "8.2": {"no_device_found"},
    "8.4": {"device_status"},
    "8.7.1": {"other_device_unknown"},
    "8.7.2": {"other_device_unknown"},
    "8.11": {"other_device_status"},
    "8.12.1": {"old_device_unknown"},
    "8.12.2": {"not_responsible"},
    "11.2": {"not_responsible"},
    "12.2": {"already_in_inventory"},
}


def templates(shared: Path) -> list[Path]:
    return sorted((shared / "duis-templates").glob("*.XML"))


def test_every_template_is_planned_answered_or_refused_by_a_named_reason(shared: Path) -> None:
    """All 297: none by accident, and whatever is offered is refused only where the home of these tests does not fit."""
    refused: dict[str, set[str]] = {}
    planned = set()
    for path in templates(shared):
        try:
            request = duis.parse_request(path.read_bytes()).request
        except duis.RequestMismatch as mismatch:  # the schema's variants of 7.12 to 7.15 contradict its criticality
            request = mismatch.parsed.request
        variant, target = request.service_reference_variant, request.request_id.target
        which = device(target) if target in TYPES else None
        asked = ask(request, facts(which, user(request.request_id.originator)), now=NOW.replace(year=2014))
        verdict = list(access.judge(asked))[-1]
        if verdict.findings:
            refused.setdefault(variant, set()).update(finding.code for finding in verdict.findings)
            continue
        plan = SERVICES[variant].plan(asked)
        if isinstance(plan, CommandPlan):
            message(plan, request, 2**40)
        planned.add(variant)
    assert len(templates(shared)) == 297
    assert all(reasons <= set(RESPONSE_CODE) for reasons in refused.values())
    others = {variant: reasons for variant, reasons in refused.items() if variant not in SERVICES}
    assert {variant: reasons for variant, reasons in others.items() if reasons != {"service_not_offered"}} == MISMATCHED
    assert {variant: reasons for variant, reasons in refused.items() if variant in SERVICES} == REFUSED_HERE
    assert planned | set(REFUSED_HERE) == set(SERVICES)
