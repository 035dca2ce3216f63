"""CCS01, CCS02, CCS03, CCS07 and CS14: the whitelist of a communications hub, changed, restored, read, backed up.

All address class 104 (dlms-gbz.md 4.3): ``0-0:30.3.0.255``, and ``0-0:30.3.1.255`` for the second band.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from trustcell.gbcs import dlms
from trustcell.gbcs.dlms import Data, Service
from trustcell.gbcs.dlms.times import read_date_time
from trustcell.gbcs.usecases.forms import (
    Command,
    InstructionsSucceeded,
    Notification,
    Response,
    date_time,
    nothing,
)
from trustcell.vocab import Eui64

HUB_SETUP: Final = 104
"""The COSEM class of a hub's networks."""

NETWORK: Final = bytes.fromhex("00001E0300FF")
SECOND_BAND: Final = bytes.fromhex("00001E0301FF")


@dataclass(frozen=True, slots=True)
class AddToWhitelist:
    """CCS01 command: let ``device`` join with its install code ``key`` during ``join_seconds`` seconds."""

    device: Eui64
    key: bytes = field(repr=False)
    join_seconds: int


@dataclass(frozen=True, slots=True)
class RemoveFromWhitelist:
    """CCS02 command: forget ``device``."""

    device: Eui64


@dataclass(frozen=True, slots=True)
class JoinedDevice:
    """One line of a hub's log: a device and the hash of its link key, 16 octets."""

    device: Eui64
    hashed_link_key: bytes

    def __post_init__(self) -> None:
        """Refuse a hash of another length."""
        if len(self.hashed_link_key) != 16:
            raise ValueError("a hashed link key has 16 octets")


@dataclass(frozen=True, slots=True)
class RestoreWhitelist:
    """CCS03 command: the network and the devices of an earlier hub."""

    extended_pan_id: bytes
    devices: tuple[JoinedDevice, ...]

    def __post_init__(self) -> None:
        """Refuse a network identifier of another length."""
        if len(self.extended_pan_id) != 8:
            raise ValueError("an extended PAN identifier has 8 octets")


@dataclass(frozen=True, slots=True)
class ReadHubLogs:
    """CCS07 command: nothing but the question."""


@dataclass(frozen=True, slots=True)
class HubLog:
    """The devices of one band of a hub at an instant."""

    backed_up: datetime
    extended_pan_id: bytes
    devices: tuple[JoinedDevice, ...]

    def __post_init__(self) -> None:
        """Refuse a network identifier of another length."""
        if len(self.extended_pan_id) != 8:
            raise ValueError("an extended PAN identifier has 8 octets")


@dataclass(frozen=True, slots=True)
class HubLogs:
    """CCS07 response: the log of either band."""

    first_band: HubLog
    second_band: HubLog


@dataclass(frozen=True, slots=True)
class HubLogAlert:
    """CS14 alert 8F12: the log after it changed."""

    alert_code: int
    alert_date_time: datetime
    log: HubLog


def _add(value: AddToWhitelist) -> tuple[Data, ...]:
    device, key = dlms.octet_string(value.device), dlms.octet_string(value.key)
    entry = dlms.structure(device, dlms.enum(1), key, dlms.enum(0))
    return entry, dlms.long_unsigned(value.join_seconds), dlms.boolean(True)


def _read_add(entry: tuple[Data, ...], join_seconds: int, enabled: bool) -> AddToWhitelist:
    device, _, key, _ = entry
    return AddToWhitelist(Eui64(device.value), key.value, join_seconds)


def _devices(devices: tuple[JoinedDevice, ...]) -> Data:
    return dlms.array(
        *(dlms.structure(dlms.octet_string(each.device), dlms.octet_string(each.hashed_link_key)) for each in devices)
    )


def _read_devices(data: Data) -> tuple[JoinedDevice, ...]:
    return tuple([JoinedDevice(Eui64(device.value), key.value) for device, key in [each.value for each in data.value]])


def _log(value: HubLog) -> Data:
    pan = dlms.octet_string(value.extended_pan_id)
    return dlms.structure(date_time(value.backed_up), pan, _devices(value.devices))


def _read_log(members: tuple[Data, ...]) -> HubLog:
    time, pan, devices = members
    return HubLog(read_date_time(time.value), pan.value, _read_devices(devices))


def _read_restore(members: tuple[Data, ...]) -> RestoreWhitelist:
    pan, devices = members
    return RestoreWhitelist(pan.value, _read_devices(devices))


CCS01_COMMAND = Command(
    AddToWhitelist,
    (
        (Service.ACTION, HUB_SETUP, NETWORK, 1),
        (Service.SET, HUB_SETUP, NETWORK, 3),
        (Service.SET, HUB_SETUP, NETWORK, 2),
    ),
    _add,
    _read_add,
)
CCS01_RESPONSE = Response(
    InstructionsSucceeded,
    CCS01_COMMAND,
    lambda value: (dlms.NULL, dlms.NULL, dlms.NULL),
    lambda *data: InstructionsSucceeded(),
)
CCS02_COMMAND = Command(
    RemoveFromWhitelist,
    ((Service.ACTION, HUB_SETUP, NETWORK, 2),),
    lambda value: (dlms.octet_string(value.device),),
    lambda device: RemoveFromWhitelist(Eui64(device)),
)
CCS02_RESPONSE = Response(InstructionsSucceeded, CCS02_COMMAND, nothing, lambda data: InstructionsSucceeded())
CCS03_COMMAND = Command(
    RestoreWhitelist,
    ((Service.ACTION, HUB_SETUP, NETWORK, 5),),
    lambda value: (dlms.structure(dlms.octet_string(value.extended_pan_id), _devices(value.devices)),),
    _read_restore,
)
CCS03_RESPONSE = Response(InstructionsSucceeded, CCS03_COMMAND, nothing, lambda data: InstructionsSucceeded())
CCS07_COMMAND = Command(
    ReadHubLogs,
    ((Service.ACTION, HUB_SETUP, NETWORK, 4), (Service.ACTION, HUB_SETUP, SECOND_BAND, 4)),
    lambda value: (dlms.NULL, dlms.NULL),
    lambda first, second: ReadHubLogs(),
)
CCS07_RESPONSE = Response(
    HubLogs,
    CCS07_COMMAND,
    lambda value: (_log(value.first_band), _log(value.second_band)),
    lambda first, second: HubLogs(_read_log(first), _read_log(second)),
)
CS14_ALERT = Notification(
    HubLogAlert,
    lambda value: (_log(value.log),),
    lambda code, time, log: HubLogAlert(code, time, _read_log(log)),
)
