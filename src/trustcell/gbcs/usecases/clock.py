"""ECS70: set the clock of an electricity meter within bounds; the same when it is commissioned (dlms-gbz.md 4.2)."""

from dataclasses import dataclass
from datetime import datetime

from trustcell.gbcs import dlms
from trustcell.gbcs.dlms import Data, Service
from trustcell.gbcs.dlms.times import NEVER, read_date_time
from trustcell.gbcs.usecases.forms import Command, Response, date_time

_CLOCK = bytes.fromhex("0000010000FF")
_BASE = dlms.enum(5)


@dataclass(frozen=True, slots=True)
class SetClock:
    """Command: the device adjusts its clock if its own time source lies between the bounds."""

    validity_interval_start: datetime
    validity_interval_end: datetime


@dataclass(frozen=True, slots=True)
class ClockSet:
    """Response: the clock as it is afterwards; status 0 is reliable. Success does not say that it was adjusted."""

    device_time: datetime
    status: int


def _command(value: SetClock) -> tuple[Data, ...]:
    bounds = (date_time(value.validity_interval_start), date_time(value.validity_interval_end))
    preset = dlms.structure(dlms.octet_string(NEVER), *bounds)
    return _BASE, preset, dlms.integer(0), dlms.NULL, dlms.NULL


def _read_command(base: int, preset: tuple[Data, ...], adjust: int, time: None, status: None) -> SetClock:
    _, start, end = preset
    return SetClock(read_date_time(start.value), read_date_time(end.value))


def _response(value: ClockSet) -> tuple[Data, ...]:
    return dlms.NULL, dlms.NULL, dlms.NULL, date_time(value.device_time), dlms.unsigned(value.status)


def _read_response(base: None, preset: None, adjust: None, time: bytes, status: int) -> ClockSet:
    return ClockSet(read_date_time(time), status)


COMMAND = Command(
    SetClock,
    (
        (Service.SET, 8, _CLOCK, 9),
        (Service.ACTION, 8, _CLOCK, 5),
        (Service.ACTION, 8, _CLOCK, 4),
        (Service.GET, 8, _CLOCK, 2),
        (Service.GET, 8, _CLOCK, 4),
    ),
    _command,
    _read_command,
)
RESPONSE = Response(ClockSet, COMMAND, _response, _read_response)
