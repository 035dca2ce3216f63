"""Virtual devices: ESME, GSME, GPF and CHF with Trust Anchor Cells and counters (gbcs.md 4.3, 5, 6; smki.md 4.2).

``receive(device, octets, now)`` and ``advance(device, now)`` are the whole behaviour; both return the device afterwards
and the octets it sends. No clock, no randomness, no I/O: the same inputs give the same octets.
"""

from trustcell.devices.cells import ROOT_ENTITY, CellOccupant
from trustcell.devices.fleet import Device, Fleet
from trustcell.devices.identity import DerivedKeys, DeviceIdentity, KeySource, derive_private_key
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.machine import advance, receive
from trustcell.devices.memory import HeldImage, PendingCommand
from trustcell.devices.outcome import Outcome
from trustcell.devices.pack import ManufacturePack
from trustcell.devices.rules.policy import DevicePolicy, FloorPolicy, TimeChecks
from trustcell.devices.state import AS_MADE, DeviceState

__all__ = [
    "AS_MADE",
    "ROOT_ENTITY",
    "CellOccupant",
    "DerivedKeys",
    "Device",
    "DeviceIdentity",
    "DevicePolicy",
    "DeviceState",
    "Event",
    "Fleet",
    "FloorPolicy",
    "HeldImage",
    "KeySource",
    "LogEntry",
    "ManufacturePack",
    "Outcome",
    "PendingCommand",
    "TimeChecks",
    "advance",
    "derive_private_key",
    "receive",
]
