"""Who originates and signs a command (duis-dsp.md 3): the user where the device knows it, else the broker for it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from trustcell import gbcs
from trustcell.dsp.rules.plan import Ask, Author, CommandPlan
from trustcell.dsp.rules.roles import acting_roles
from trustcell.duis import UserRole
from trustcell.vocab import CellId, DeviceType, KeyUsage, RemotePartyRole, cells_at_manufacture

_PARTY: Mapping[UserRole, RemotePartyRole] = MappingProxyType(
    {
        UserRole.IMPORT_SUPPLIER: RemotePartyRole.SUPPLIER,
        UserRole.GAS_SUPPLIER: RemotePartyRole.SUPPLIER,
        UserRole.ELECTRICITY_DISTRIBUTOR: RemotePartyRole.NETWORK_OPERATOR,
        UserRole.GAS_TRANSPORTER: RemotePartyRole.NETWORK_OPERATOR,
    }
)
# Device types with cells for a party (smki.md 4.2); hubs and PPMIDs know the broker alone.
_KNOW: Mapping[RemotePartyRole, frozenset[DeviceType]] = MappingProxyType(
    {
        RemotePartyRole.SUPPLIER: frozenset({DeviceType.ESME, DeviceType.GSME, DeviceType.GPF, DeviceType.HCALCS}),
        RemotePartyRole.NETWORK_OPERATOR: frozenset({DeviceType.ESME, DeviceType.GPF}),
    }
)
_MODELLED = frozenset({DeviceType.ESME, DeviceType.GSME, DeviceType.GPF, DeviceType.CHF})
Payload = Callable[[int], bytes]


def known_to_device(ask: Ask) -> bool:
    """Whether the device has this user's key for a role it acts in; of an unknown cell, whether it is made that way.

    The Key Agreement cell decides, because a non-critical response is authenticated with that key; the Digital
    Signature cell stands in for it while it is the only one known. What a schedule asks for is always the broker's.
    """
    device, user = ask.facts.device, ask.request.request_id.originator
    if device is None or ask.scheduled:
        return False
    for role in {_PARTY[role] for role in acting_roles(ask) if role in _PARTY}:
        if device.device_type not in _KNOW[role]:
            continue
        slots = ask.facts.slots
        occupant = slots.get(CellId(role, KeyUsage.KEY_AGREEMENT)) or slots.get(
            CellId(role, KeyUsage.DIGITAL_SIGNATURE)
        )
        if occupant.entity == user if occupant is not None else _made_with_its_own(device.device_type, role):
            return True
    return False


def _made_with_its_own(device_type: DeviceType, role: RemotePartyRole) -> bool:
    """Whether devices come with the party's own certificates: meters may, proxies hold the broker's (smki.md 4.2)."""
    if device_type not in _MODELLED:
        return True
    cell = CellId(role, KeyUsage.KEY_AGREEMENT)
    return any(row.cell == cell and row.fillers[0] is role for row in cells_at_manufacture(device_type))


def fixed(message_code: int, value: object) -> Payload:
    """A payload that does not repeat the counter."""
    octets = gbcs.encode_payload(message_code, gbcs.Cra.COMMAND, value)
    return lambda _counter: octets


def numbered(message_code: int, value: object) -> Payload:
    """A payload that repeats part of the counter, as every DLMS one does."""
    return lambda counter: gbcs.encode_payload(message_code, gbcs.Cra.COMMAND, value, counter)


def critical(message_code: int, payload: Payload, executes_at: datetime | None = None) -> CommandPlan:
    """A critical command: the user's counter and signature."""
    return CommandPlan(message_code, payload, Author.USER, Author.USER, executes_at=executes_at)


def non_critical(ask: Ask, message_code: int, payload: Payload, held_until: datetime | None = None) -> CommandPlan:
    """A non-critical command: the user's own where the device knows it, else the broker's, which names the user."""
    known = known_to_device(ask)
    return CommandPlan(
        message_code,
        payload,
        Author.USER if known else Author.BROKER,
        None,
        supplementary=not known,
        held_until=held_until,
    )


def signed_by_broker(message_code: int, payload: Payload) -> CommandPlan:
    """A critical command in a non-critical service: the broker signs for a user whom the device does not know."""
    cell = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.DIGITAL_SIGNATURE)
    return CommandPlan(message_code, payload, Author.BROKER, Author.BROKER, supplementary=True, broker_cell=cell)
