"""Ways to break a device and to mend it; each gives the device as it is afterwards, for ``Estate.put``."""

from dataclasses import replace

from trustcell.certs import Certificate
from trustcell.devices.cells import CellOccupant
from trustcell.devices.fleet import Device
from trustcell.devices.memory import Clock
from trustcell.devices.state import DeviceState
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus
from trustcell.vocab import CellId, RemotePartyRole


def with_certificate(device: Device, cell: CellId, der: bytes) -> Device:
    """Any Organisation Certificate in a cell it has, also one that does not belong there; ``ValueError`` if no such."""
    if device.cell(cell) is None:
        raise ValueError(f"this device has no cell {cell}")
    return device.with_state(device.state.with_cell(cell, CellOccupant.of(Certificate.from_der(der))))


def with_counters(device: Device, role: RemotePartyRole, number: int) -> Device:
    """Both stored numbers of a role, for a device with a past."""
    return device.with_state(device.state.with_usc(role, number).with_exec(role, number))


def failing(device: Device, *message_codes: int) -> Device:
    """A device on which the execution of these commands fails, until ``mended``."""
    return device.with_state(replace(device.state, failing=tuple(sorted({*device.state.failing, *message_codes}))))


def mended(device: Device) -> Device:
    """Nothing fails, and the clock is right."""
    return device.with_state(replace(device.state, failing=(), clock=None))


def skewed(device: Device, seconds: int, status: DeviceTimeStatus = DeviceTimeStatus.RELIABLE) -> Device:
    """A clock that is ahead of the network's by so many seconds, and what it says of itself."""
    return device.with_state(replace(device.state, clock=Clock(seconds, status)))


def snapshot(device: Device) -> bytes:
    """What the device remembers, to put it back to later."""
    return device.state.encode()


def put_back(device: Device, octets: bytes) -> Device:
    """The device with an old memory: it accepts old numbers again and cannot know it (N17). Its log goes on."""
    return device.with_state(DeviceState.decode(octets))
