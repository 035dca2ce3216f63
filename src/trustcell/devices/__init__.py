"""Virtual devices with Trust Anchor Cells and counters, home networks of them, and the way to them (gbcs.md 4 to 6).

``receive(device, octets, now)`` and ``advance(device, now)`` are the whole behaviour of one device; both return the
device afterwards and the octets it sends. An ``Estate`` owns any number of home networks, ``VirtualWan`` carries
messages to and from it. No clock, no randomness, no I/O: the same inputs give the same octets.
"""

from trustcell.devices import views, workshop
from trustcell.devices.cells import ROOT_ENTITY, CellOccupant
from trustcell.devices.estate import Estate
from trustcell.devices.faults import NO_FAULTS, Faults
from trustcell.devices.fleet import CertificateSource, Device, Fleet
from trustcell.devices.identity import DerivedKeys, DeviceIdentity, KeySource, derive_private_key
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.machine import advance, receive
from trustcell.devices.memory import HeldImage, Partner, PendingCommand, WhitelistEntry
from trustcell.devices.outcome import Outcome
from trustcell.devices.pack import ManufacturePack
from trustcell.devices.place import Place, Region
from trustcell.devices.ports import Changes, EstateStore
from trustcell.devices.rules.policy import DevicePolicy, FloorPolicy, TimeChecks
from trustcell.devices.state import AS_MADE, DeviceState
from trustcell.devices.wan import Taken, VirtualWan

__all__ = [
    "AS_MADE",
    "NO_FAULTS",
    "ROOT_ENTITY",
    "CellOccupant",
    "CertificateSource",
    "Changes",
    "DerivedKeys",
    "Device",
    "DeviceIdentity",
    "DevicePolicy",
    "DeviceState",
    "Estate",
    "EstateStore",
    "Event",
    "Faults",
    "Fleet",
    "FloorPolicy",
    "HeldImage",
    "KeySource",
    "LogEntry",
    "ManufacturePack",
    "Outcome",
    "Partner",
    "PendingCommand",
    "Place",
    "Region",
    "Taken",
    "TimeChecks",
    "VirtualWan",
    "WhitelistEntry",
    "advance",
    "derive_private_key",
    "receive",
    "views",
    "workshop",
]
