"""Which roles may ask for a service, and in which of them a user does (check 10)."""

from collections.abc import Mapping
from types import MappingProxyType

from trustcell import duis
from trustcell.dsp.rules.plan import Ask
from trustcell.duis import UserRole

# The matrix names nobody for these two; suppliers enrol and withdraw their meters (assumption).
_ROLES_OF_UNLISTED: Mapping[str, frozenset[UserRole]] = MappingProxyType(
    dict.fromkeys(("8.5", "8.6"), frozenset({UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER}))
)


def eligible_roles(service: duis.Service) -> frozenset[UserRole]:
    """Who may ask for a service."""
    return service.eligible_roles or _ROLES_OF_UNLISTED.get(service.variant, frozenset())


def acting_roles(ask: Ask) -> frozenset[UserRole]:
    """The roles in which this user may ask for this service."""
    user = ask.facts.user
    return frozenset() if user is None else eligible_roles(ask.request.service).intersection(user.roles)
