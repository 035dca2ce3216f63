"""How a use case with a DLMS or GBZ payload becomes a typed value, and the other way round (dlms-gbz.md 2.3, 4).

A form knows the fixed part of its payload and hands the variable parts to two small functions. A frame that is not
exactly what the form would write is left as a frame, so a typed value always re-encodes to the octets it came from.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trustcell.gbcs import dlms, gbz
from trustcell.gbcs.dlms import Data, Instruction, Outcome, Result, Service
from trustcell.gbcs.dlms.times import date_time_octets, read_date_time

Frame = dlms.Frame | gbz.Frame
Address = tuple[Service, int, bytes, int]
"""Service, class, instance and element of an instruction."""

OTHER_FORM: Final = (ValueError, TypeError, AttributeError, LookupError)
"""What reading values of another shape raises: a number where a structure belongs, a member missing, a bad date."""

_INVOKE_ID: Final = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class InstructionsSucceeded:
    """A response in which every instruction succeeded and none had anything to return."""


@dataclass(frozen=True, slots=True)
class InstructionFailed:
    """A response in which instruction ``at``, from 0, failed: those before it stay done, those behind were not tried.

    ``result`` is a DLMS result code or a ZCL status. ``returned`` are the data of the instructions before it, empty
    when none returned any (dlms-gbz.md 2.4).
    """

    at: int = 0
    result: int = Result.HARDWARE_FAULT
    returned: tuple[Data, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a success, and data for other instructions than those before."""
        if self.at < 0 or not 0 < self.result <= 0xFF:
            raise ValueError("a failed instruction is counted from 0 and has a code of 8 bits that is not success")
        if all(data == dlms.NULL for data in self.returned):
            object.__setattr__(self, "returned", ())
        elif len(self.returned) != self.at:
            raise ValueError("there is one datum for each instruction before the failed one")


class Form(ABC):
    """One direction of one use case."""

    @abstractmethod
    def read(self, frame: Frame) -> Any:
        """The typed value; one of ``OTHER_FORM`` for a frame of another form."""

    @abstractmethod
    def write(self, value: Any, counter: int) -> Frame:
        """The frame; ``ValueError`` for a value of another kind. ``counter`` is the Originator Counter."""

    def typed(self, frame: Frame, counter: int) -> Any:
        """The typed value of a frame, or the frame itself when it is not exactly of this form."""
        try:
            value = self.read(frame)
            return value if self.write(value, counter) == frame else frame
        except OTHER_FORM:
            return frame


class Command(Form):
    """An access-request with fixed instructions; ``read`` and ``write`` turn their data into a value and back."""

    def __init__(
        self,
        kind: type,
        addresses: tuple[Address, ...],
        write: Callable[[Any], tuple[Data, ...]],
        read: Callable[..., Any],
    ) -> None:
        """``read`` takes the Python values of the data, one argument each."""
        self.kind = kind
        self.addresses = addresses
        self._write, self._read = write, read

    def read(self, frame: Frame) -> Any:
        """The value of the instructions' data."""
        if not isinstance(frame, dlms.AccessRequest):
            raise TypeError("a request was expected")
        return self._read(*[instruction.data.value for instruction in frame.instructions])

    def write(self, value: Any, counter: int) -> dlms.AccessRequest:
        """The instructions with the data of the value."""
        _expect(value, self.kind)
        data = self._write(value)
        instructions = tuple(Instruction(*address, each) for address, each in zip(self.addresses, data, strict=True))
        return dlms.AccessRequest(counter & _INVOKE_ID, instructions)


class Response(Form):
    """An access-response to a ``Command``: everything succeeded, or one instruction failed."""

    def __init__(
        self,
        kind: type,
        command: Command,
        write: Callable[[Any], tuple[Data, ...]],
        read: Callable[..., Any],
    ) -> None:
        """``read`` takes the Python values of the data, one argument each."""
        self.kind = kind
        self._services = tuple(address[0] for address in command.addresses)
        self._write, self._read = write, read

    def read(self, frame: Frame) -> Any:
        """What was returned, or which instruction failed."""
        if not isinstance(frame, dlms.AccessResponse):
            raise TypeError("a response was expected")
        for at, outcome in enumerate(frame.outcomes):
            if outcome.result:
                return InstructionFailed(at, outcome.result, tuple(each.data for each in frame.outcomes[:at]))
        return self._read(*[outcome.data.value for outcome in frame.outcomes])

    def write(self, value: Any, counter: int) -> dlms.AccessResponse:
        """The outcomes, in the order of the command's instructions."""
        services = self._services
        if isinstance(value, InstructionFailed):
            if value.at >= len(services):
                raise ValueError(f"the command has {len(services)} instructions")
            data = value.returned or (dlms.NULL,) * value.at
            outcomes = [Outcome(service, Result.SUCCESS, each) for service, each in zip(services, data, strict=False)]
            outcomes.append(Outcome(services[value.at], value.result))
            outcomes += [Outcome(service, Result.OTHER_REASON) for service in services[value.at + 1 :]]
        else:
            _expect(value, self.kind)
            written = self._write(value)
            outcomes = [Outcome(service, Result.SUCCESS, each) for service, each in zip(services, written, strict=True)]
        return dlms.AccessResponse(counter & _INVOKE_ID, tuple(outcomes))


class Notification(Form):
    """A data-notification: code, time and members of the use case; the first two fields of the value are those."""

    def __init__(self, kind: type, write: Callable[[Any], tuple[Data, ...]], read: Callable[..., Any]) -> None:
        """``read`` takes code, time and the Python values of the members."""
        self.kind = kind
        self._write, self._read = write, read

    def read(self, frame: Frame) -> Any:
        """The value of code, time and members."""
        if not isinstance(frame, dlms.DataNotification):
            raise TypeError("a data-notification was expected")
        code, time, *members = [member.value for member in frame.data.value]
        return self._read(code, read_date_time(time), *members)

    def write(self, value: Any, counter: int) -> dlms.DataNotification:
        """The structure of the alert."""
        _expect(value, self.kind)
        head = (dlms.long_unsigned(value.alert_code), date_time(value.alert_date_time))
        return dlms.DataNotification(counter & _INVOKE_ID, dlms.structure(*head, *self._write(value)))


def date_time(at: datetime) -> Data:
    """An octet string of an instant."""
    return dlms.octet_string(date_time_octets(at))


def nothing(value: InstructionsSucceeded) -> tuple[Data, ...]:
    """The data of a response that returns nothing for one instruction."""
    return (dlms.NULL,)


def _expect(value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise ValueError(f"{kind.__name__} expected, {type(value).__name__} given")
