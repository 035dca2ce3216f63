"""The services that are offered: one module for each family, one table for all."""

from collections.abc import Mapping
from types import MappingProxyType

from trustcell.dsp.rules.services import (
    active_power,
    change_of_supplier,
    commissioning,
    credential_details,
    credentials,
    device_credentials,
    device_logs,
    firmware,
    hub_status,
    inventory_changes,
    inventory_reading,
    joining,
    opt_out,
    schedules,
    whitelist,
)
from trustcell.dsp.rules.services.base import ServiceRule

SERVICES: Mapping[str, ServiceRule] = MappingProxyType(
    {
        "4.16": active_power.READ,
        "5.1": schedules.CREATE,
        "5.2": schedules.READ,
        "5.3": schedules.DELETE,
        "6.15.1": credentials.UPDATE,
        "6.15.2": device_credentials.UPDATE,
        "6.17": device_credentials.ISSUE,
        "6.21": credentials.HANDOVER,
        "6.23": change_of_supplier.CHANGE,
        "6.24.1": credential_details.RETRIEVE,
        "6.24.2": device_credentials.RETRIEVE,
        "8.1.1": commissioning.COMMISSION,
        "8.2": inventory_reading.READ,
        "8.3": inventory_changes.DECOMMISSION,
        "8.4": inventory_changes.UPDATE,
        "8.5": opt_out.OPT_OUT,
        "8.7.1": joining.JOIN,
        "8.7.2": joining.JOIN,
        "8.8.1": joining.UNJOIN,
        "8.8.2": joining.UNJOIN,
        "8.9": device_logs.READ,
        "8.11": whitelist.UPDATE,
        "8.12.1": device_logs.RESTORE_HUB,
        "8.12.2": device_logs.RESTORE_PROXY,
        "8.14.1": hub_status.INSTALLED,
        "8.14.2": hub_status.WITHOUT_WAN,
        "8.14.3": hub_status.RETURNED,
        "8.14.4": hub_status.RETURNED,
        "11.1": firmware.DISTRIBUTE,
        "11.2": firmware.READ,
        "11.3": firmware.ACTIVATE,
        "12.2": inventory_changes.PRE_NOTIFY,
    }
)
"""Service reference variant to its rule; whatever is not here is refused as ``service_not_offered``."""

__all__ = ["SERVICES", "ServiceRule"]
