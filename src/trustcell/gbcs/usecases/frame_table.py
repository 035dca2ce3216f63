"""Which typed value a DLMS or GBZ payload has: rows by message code, columns by direction (dlms-gbz.md 4)."""

from collections.abc import Mapping
from types import MappingProxyType

from trustcell.gbcs.frame import Cra
from trustcell.gbcs.usecases import active_power, alerts, clock, firmware_version, hub_devices, whitelist
from trustcell.gbcs.usecases.forms import Form

_Row = dict[Cra, Form]
_HUB_DEVICES: _Row = {Cra.COMMAND: hub_devices.COMMAND, Cra.RESPONSE: hub_devices.RESPONSE}

_ROWS: dict[int, _Row] = {
    0x0001: {Cra.COMMAND: whitelist.CCS01_COMMAND, Cra.RESPONSE: whitelist.CCS01_RESPONSE},
    0x0002: {Cra.COMMAND: whitelist.CCS02_COMMAND, Cra.RESPONSE: whitelist.CCS02_RESPONSE},
    0x0003: {Cra.COMMAND: whitelist.CCS03_COMMAND, Cra.RESPONSE: whitelist.CCS03_RESPONSE},
    0x0004: _HUB_DEVICES,
    0x0018: {Cra.ALERT: whitelist.CS14_ALERT},
    0x0028: {Cra.COMMAND: active_power.COMMAND, Cra.RESPONSE: active_power.RESPONSE},
    0x0059: {Cra.COMMAND: firmware_version.ECS52_COMMAND, Cra.RESPONSE: firmware_version.ECS52_RESPONSE},
    0x0062: {Cra.COMMAND: clock.COMMAND, Cra.RESPONSE: clock.RESPONSE},
    0x0084: {Cra.COMMAND: firmware_version.GCS38_COMMAND, Cra.RESPONSE: firmware_version.GCS38_RESPONSE},
    0x00CC: {Cra.ALERT: alerts.FUTURE_DATED_OUTCOME},
    0x00CD: {Cra.ALERT: alerts.FUTURE_DATED_GAS_OUTCOME},
    0x00CE: {Cra.ALERT: alerts.FIRMWARE_RECEIPT},
    0x00CF: {Cra.ALERT: alerts.GAS_FIRMWARE_RECEIPT},
    0x00FE: {Cra.COMMAND: whitelist.CCS07_COMMAND, Cra.RESPONSE: whitelist.CCS07_RESPONSE},
    0x010F: _HUB_DEVICES,
    0x0114: {Cra.ALERT: alerts.MESSAGE_DISCARDED},
    0x0120: {Cra.ALERT: alerts.COMMAND_REJECTED},
    0x1000: {Cra.ALERT: alerts.GENERIC},
    0x1001: {Cra.ALERT: alerts.GENERIC},
}

FRAME_USE_CASES: Mapping[int, Mapping[Cra, Form]] = MappingProxyType(_ROWS)
"""Message code to the form of each direction."""
