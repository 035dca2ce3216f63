"""Who may ask what of which device: the checks before a command is built (duis-dsp.md 4.1, 5 and 7.5)."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from trustcell import duis
from trustcell.vocab import Clause, DeviceType, Finding, RemotePartyRole

PROCESSING = Clause("SEC Appendix AB", "Service Request Processing Document")

_OFFERED = frozenset({"6.15.1", "6.21", "6.24.1"})
_LOCAL_DELIVERY = frozenset({2, 3, 6, 7})
# Where a role has cells, as far as it depends on the device type (gbcs.md 4.4; smki.md 4.2).
_CELLS_ON: Mapping[RemotePartyRole, frozenset[DeviceType]] = MappingProxyType(
    {
        RemotePartyRole.NETWORK_OPERATOR: frozenset({DeviceType.ESME, DeviceType.GPF}),
        RemotePartyRole.LOAD_CONTROLLER: frozenset({DeviceType.ESME}),
    }
)


def user_findings(roles: Collection[duis.UserRole]) -> Iterator[Finding]:
    """Check 5: the originator is a user in at least one role."""
    if not roles:
        yield PROCESSING.breach(
            "unknown_user",
            "Header.RequestID",
            "the originator of the request ID is not a DCC User",
            "become a user in one of the roles of the service",
        )


def service_findings(request: duis.Request, roles: Collection[duis.UserRole]) -> Iterator[Finding]:
    """Check 10, after those services that nobody is offered yet."""
    service = request.service
    if service.variant not in _OFFERED:
        yield PROCESSING.breach(
            "service_not_offered",
            "Header.ServiceReferenceVariant",
            f"service {service.variant} is not offered yet",
            "use 6.15.1, 6.21 or 6.24.1",
        )
    elif service.eligible_roles.isdisjoint(roles):
        yield PROCESSING.breach(
            "role_not_eligible",
            "Header.ServiceReferenceVariant",
            f"the roles {_listed(roles)} of this user may not ask for {service.variant}",
            f"ask as {_listed(service.eligible_roles)}",
        )


def target_findings(request: duis.Request, device_type: DeviceType) -> Iterator[Finding]:
    """Checks 12, 15 and 16: the service fits the device, is delivered over the WAN, and now."""
    service, body = request.service, request.body
    if device_type.name not in service.target_device_types:
        yield _not_for_device("Header.ServiceReferenceVariant", f"{service.variant} is not for a {device_type.name}")
    for role in _roles_with_cells(body):
        if device_type not in _CELLS_ON.get(role, (device_type,)):
            yield _not_for_device("RemotePartyRole", f"a {device_type.name} has no {role.title} cell")
    if request.command_variant in _LOCAL_DELIVERY:
        yield PROCESSING.breach(
            "local_delivery_not_offered",
            "Header.CommandVariant",
            f"variant {request.command_variant} asks for local delivery, which is not offered yet",
            "use variant 1, or 5 for a signed pre-command",
        )
    if isinstance(body, duis.RequestHandoverOfDCCControlledDevice) and body.execution_date_time is not None:
        yield PROCESSING.breach(
            "future_dating_not_offered",
            "ExecutionDateTime",
            "a 6.21 is held by the DSP until its date, which is not offered yet",
            "leave ExecutionDateTime out and send the request when it is due",
        )


def _roles_with_cells(body: duis.Body) -> tuple[RemotePartyRole, ...]:
    """Roles whose cells must exist. A 6.24.1 may ask for any role, except that only an ESME knows CS02f."""
    if isinstance(body, duis.UpdateSecurityCredentialsKRP | duis.RequestHandoverOfDCCControlledDevice):
        return (body.remote_party_role,)
    if isinstance(body, duis.RetrieveDeviceSecurityCredentialsKRP):
        return tuple(role for role in body.remote_party_roles if role is RemotePartyRole.LOAD_CONTROLLER)
    return ()


def _not_for_device(field: str, message: str) -> Finding:
    return PROCESSING.breach("service_not_for_device", field, message, "address a device that has what is asked for")


def _listed(roles: Collection[duis.UserRole]) -> str:
    return ", ".join(sorted(roles))
