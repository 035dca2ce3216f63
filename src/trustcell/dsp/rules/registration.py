"""Registration data: who is responsible for a metering point, and so for a device, at a time (check 14).

A supplier or network operator is responsible for a device when it is registered for one of its metering points. A
device without one of its own, such as a hub, takes those of every device on its hub. Other Users and Registered
Supplier Agents act on a customer's mandate, which the DSP does not see.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from trustcell.dsp.rules.facts import DeviceRecord, Facts, Registration
from trustcell.duis import UserRole
from trustcell.vocab import DeviceType, Eui64

WITHOUT_REGISTRATION = frozenset({UserRole.OTHER_USER, UserRole.REGISTERED_SUPPLIER_AGENT})
_ELECTRICITY = frozenset({UserRole.IMPORT_SUPPLIER, UserRole.ELECTRICITY_DISTRIBUTOR})
_GAS = frozenset({UserRole.GAS_SUPPLIER, UserRole.GAS_TRANSPORTER})
_SUPPLIERS = frozenset({UserRole.IMPORT_SUPPLIER, UserRole.EXPORT_SUPPLIER, UserRole.GAS_SUPPLIER})
_GAS_DEVICES = frozenset({DeviceType.GSME, DeviceType.GPF})


def registration_at(registrations: Iterable[Registration], mpxn: str, at: datetime) -> Registration | None:
    """The registration of a metering point that is in force at a time."""
    begun = [entry for entry in registrations if entry.mpxn == mpxn and entry.begins <= at]
    return max(begun, key=lambda entry: entry.begins, default=None)


def points_for(role: UserRole, devices: Iterable[DeviceRecord]) -> Iterator[str]:
    """The metering points of these devices that somebody in this role can be registered for."""
    for device in devices:
        gas = device.device_type in _GAS_DEVICES
        if role in (_GAS if gas else _ELECTRICITY) or device.device_type is DeviceType.CHF:
            yield from filter(None, (device.import_mpxn, device.secondary_import_mpan))
        if role in (UserRole.EXPORT_SUPPLIER, UserRole.ELECTRICITY_DISTRIBUTOR) and not gas:
            yield from filter(None, (device.export_mpan,))


def responsible_devices(facts: Facts) -> tuple[DeviceRecord, ...]:
    """The devices whose metering points decide: the target, or all on its hub when it has none of its own.

    A proxy belongs to the gas of its home alone.
    """
    device = facts.device
    if device is None:
        return ()
    if device.mpxns:
        return (device,)
    if device.device_type is DeviceType.GPF:
        return (device, *(each for each in facts.members if each.device_type in _GAS_DEVICES))
    return (device, *facts.members)


def is_responsible(user: Eui64, role: UserRole, mpxn: str, registrations: Iterable[Registration], at: datetime) -> bool:
    """Whether a user is registered for a metering point in a role at a time."""
    entry = registration_at(registrations, mpxn, at)
    if entry is None:
        return False
    return user == (entry.supplier if role in _SUPPLIERS else entry.network_operator)


def acts_for(
    user: Eui64,
    roles: Iterable[UserRole],
    devices: Iterable[DeviceRecord],
    registrations: Iterable[Registration],
    at: datetime,
) -> bool:
    """Whether a user may act for one of these devices in one of its roles at a time."""
    devices, registrations = tuple(devices), tuple(registrations)
    return any(
        role in WITHOUT_REGISTRATION
        or any(is_responsible(user, role, mpxn, registrations, at) for mpxn in points_for(role, devices))
        for role in roles
    )
