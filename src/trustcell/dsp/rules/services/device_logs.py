"""8.9, 8.12.1, 8.12.2: the devices a hub, gas meter or proxy knows (gbcs.md 4.7; dlms-gbz.md 4.3)."""

from collections.abc import Iterator
from typing import cast

from trustcell import duis, gbcs
from trustcell.dsp.rules import dating
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.device_log import hub_log, proxy_log
from trustcell.dsp.rules.plan import Answer, Ask, Author, CommandPlan, Needs
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.originator import fixed, non_critical, numbered
from trustcell.gbcs.usecases.device_logs import RestoreDeviceLog
from trustcell.vocab import DeviceType, Eui64, Finding

_CCS03, _CCS05, _CCS06, _CCS07, _CS07, _GCS59 = 0x0003, 0x0004, 0x010F, 0x00FE, 0x0013, 0x008C


# ---- 8.9 ----


def _read_needs(body: duis.Body) -> Needs:
    return Needs(members=True, held=dating.asked_for(body) == duis.CANCEL)


def _read(ask: Ask) -> CommandPlan | Answer:
    """A hub's devices, its logs when security details are asked for, or the log of a gas meter or proxy."""
    cancelled = dating.cancellation(ask)
    if cancelled is not None:
        return cancelled
    body, device = cast(duis.ReadDeviceLog, ask.request.body), ask.facts.device
    assert device is not None
    until = dating.later(body.execution_date_time, ask.now)
    if device.device_type is not DeviceType.CHF:
        return non_critical(ask, _CS07, fixed(_CS07, None), until)
    if body.read_security_details:
        return non_critical(ask, _CCS07, numbered(_CCS07, gbcs.ReadHubLogs()), until)
    # CCS06 has the payload of its predecessor, which hubs of GBCS 1 know (assumption: the version tells)
    code = _CCS05 if device.gbcs_version.startswith("1.") else _CCS06
    return non_critical(ask, code, numbered(code, gbcs.ReadHubDevices()), until)


# ---- 8.12: the old device's last log, as it reported it, goes to the new one ----


def _restore_hub_needs(body: duis.Body) -> Needs:
    return Needs(others=(cast(duis.RestoreHANDeviceLog, body).old_chf_id,), members=True)


def _restore_hub_findings(ask: Ask) -> Iterator[Finding]:
    return _log_findings(ask, cast(duis.RestoreHANDeviceLog, ask.request.body).old_chf_id, "OldCHFID", DeviceType.CHF)


def _restore_hub(ask: Ask) -> CommandPlan:
    log = hub_log(ask.facts.others[cast(duis.RestoreHANDeviceLog, ask.request.body).old_chf_id])
    assert log is not None  # check 16 has passed
    value = gbcs.RestoreWhitelist(log.extended_pan_id, log.devices)
    return non_critical(ask, _CCS03, numbered(_CCS03, value))


def _restore_proxy_needs(body: duis.Body) -> Needs:
    return Needs(others=(cast(duis.RestoreGPFDeviceLog, body).old_gpf_id,), members=True)


def _restore_proxy_findings(ask: Ask) -> Iterator[Finding]:
    return _log_findings(ask, cast(duis.RestoreGPFDeviceLog, ask.request.body).old_gpf_id, "OldGPFID", DeviceType.GPF)


def _restore_proxy(ask: Ask) -> CommandPlan:
    """The broker's own command: nothing in it names the user (duis-dsp.md 3)."""
    entries = proxy_log(ask.facts.others[cast(duis.RestoreGPFDeviceLog, ask.request.body).old_gpf_id])
    assert entries is not None  # check 16 has passed
    return CommandPlan(_GCS59, fixed(_GCS59, RestoreDeviceLog(entries)), Author.BROKER, None)


def _log_findings(ask: Ask, eui: Eui64, field: str, device_type: DeviceType) -> Iterator[Finding]:
    old = ask.facts.others.get(eui)
    if old is None or old.device_type is not device_type:
        yield PROCESSING.breach(
            "old_device_unknown", field, f"{eui} is no {device_type.name} of the inventory", "name the replaced device"
        )
    elif (hub_log(old) if device_type is DeviceType.CHF else proxy_log(old)) is None:
        yield PROCESSING.breach(
            "no_device_log", field, f"{eui} has reported no log that could be restored", "join the devices again"
        )


READ = ServiceRule(_read, needs=_read_needs)
RESTORE_HUB = ServiceRule(_restore_hub, _restore_hub_findings, needs=_restore_hub_needs)
RESTORE_PROXY = ServiceRule(_restore_proxy, _restore_proxy_findings, needs=_restore_proxy_needs)
