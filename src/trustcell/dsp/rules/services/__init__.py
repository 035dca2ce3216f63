"""The services that are offered: one module for each family, one table for all."""

from collections.abc import Mapping
from types import MappingProxyType

from trustcell.dsp.rules.services import credential_details, credentials
from trustcell.dsp.rules.services.base import ServiceRule

SERVICES: Mapping[str, ServiceRule] = MappingProxyType(
    {
        "6.15.1": credentials.UPDATE,
        "6.21": credentials.HANDOVER,
        "6.24.1": credential_details.RETRIEVE,
    }
)
"""Service reference variant to its rule; whatever is not here is refused as ``service_not_offered``."""

__all__ = ["SERVICES", "ServiceRule"]
