"""ECS17c: the active power an electricity meter imports just now; not encrypted (dlms-gbz.md 2.7)."""

from dataclasses import dataclass

from trustcell.gbcs import dlms
from trustcell.gbcs.dlms import Data, Service
from trustcell.gbcs.usecases.forms import Command, Response

_REGISTER = bytes.fromhex("00005E2C2214")


@dataclass(frozen=True, slots=True)
class ReadActivePower:
    """Command: nothing but the question."""


@dataclass(frozen=True, slots=True)
class ActivePower:
    """Response: the power, what its numbers mean (``unit`` 27 is watt, times ten to the ``scaler``), and a second one.

    The second number is named as in the other register reads: the power of a secondary element (assumed).
    """

    power: int
    scaler: int
    unit: int
    secondary: int


def _response(value: ActivePower) -> tuple[Data, ...]:
    meaning = dlms.structure(dlms.integer(value.scaler), dlms.enum(value.unit))
    power, secondary = (dlms.double_long_unsigned(each) for each in (value.power, value.secondary))
    return (dlms.structure(power, meaning, secondary),)


def _read_response(members: tuple[Data, ...]) -> ActivePower:
    power, meaning, secondary = (each.value for each in members)
    scaler, unit = (each.value for each in meaning)
    return ActivePower(power, scaler, unit, secondary)


COMMAND = Command(
    ReadActivePower,
    ((Service.GET, 1, _REGISTER, 2),),
    lambda value: (dlms.NULL,),
    lambda register: ReadActivePower(),
)
RESPONSE = Response(ActivePower, COMMAND, _response, _read_response)
