"""Alerts of DLMS and GBZ devices: generic ones, outcomes of future dated commands, firmware, discarded messages.

The use cases are GCA and GNCA (0x1000, 0x1001), 0x00CC and 0x00CD, FDRA (0x00CE, 0x00CF), DBCH10 (0x0114) and
ECS100 (0x0120); dlms-gbz.md 2.9 and 3.5 have their layouts.
"""

from dataclasses import dataclass
from datetime import datetime

from trustcell.gbcs import dlms, gbz
from trustcell.gbcs.codes import PayloadKind
from trustcell.gbcs.dlms import Data
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.gbz.times import instant_of, seconds_of
from trustcell.gbcs.usecases.forms import Form, Frame, Notification
from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class GenericAlert:
    """Code and time alone; ``payload`` is DLMS from electricity meters and hubs and GBZ from gas devices."""

    alert_code: int
    alert_date_time: datetime
    payload: PayloadKind = PayloadKind.DLMS

    def __post_init__(self) -> None:
        """Refuse another payload: those two are what devices send."""
        if self.payload not in (PayloadKind.DLMS, PayloadKind.GBZ):
            raise ValueError("a generic alert is DLMS or GBZ")


@dataclass(frozen=True, slots=True)
class FutureDatedOutcome:
    """0x00CC: one attribute of a future dated command came into force (8F66) or did not (8F67)."""

    alert_code: int
    alert_date_time: datetime
    message_code: int
    originator_counter: int
    class_id: int
    instance: bytes
    attribute: int

    def __post_init__(self) -> None:
        """Refuse an instance of another length."""
        if len(self.instance) != 6:
            raise ValueError("an instance has 6 octets")


@dataclass(frozen=True, slots=True)
class FutureDatedGasOutcome:
    """0x00CD: the same for one component of a GBZ command.

    Look for it by code, counter, cluster and command: the frame control octet may differ in its direction bit.
    """

    alert_code: int
    alert_date_time: datetime
    message_code: int
    originator_counter: int
    cluster: int
    frame_control: int
    command: int


@dataclass(frozen=True, slots=True)
class FirmwareReceiptAlert:
    """FDRA 8F72: a device has a whole image, and this is the SHA-256 it calculated over it."""

    alert_code: int
    alert_date_time: datetime
    image_hash: bytes


@dataclass(frozen=True, slots=True)
class MessageDiscardedAlert:
    """DBCH10: a hub had no room for a message and names it."""

    alert_code: int
    alert_date_time: datetime
    originator: Eui64
    target: Eui64
    cra: Cra
    originator_counter: int


@dataclass(frozen=True, slots=True)
class CommandRejectedAlert:
    """ECS100 8F85: a device does not support a command and names it."""

    alert_code: int
    alert_date_time: datetime
    message_code: int
    originator_counter: int


def _numbers(*fields: tuple[int, int]) -> bytes:
    """Numbers with their widths in octets, one behind the other."""
    try:
        return b"".join(value.to_bytes(width, "big") for value, width in fields)
    except OverflowError:
        raise ValueError("a number does not fit its field of the alert") from None


def _number(octets: bytes, start: int, end: int) -> int:
    return int.from_bytes(octets[start:end], "big")


def _outcome(value: FutureDatedOutcome) -> tuple[Data, ...]:
    command = _numbers((value.message_code, 2), (value.originator_counter, 8), (value.class_id, 2))
    return (dlms.octet_string(command + value.instance + _numbers((value.attribute, 1))),)


def _read_outcome(code: int, time: datetime, octets: bytes) -> FutureDatedOutcome:
    command = (_number(octets, 0, 2), _number(octets, 2, 10), _number(octets, 10, 12))
    return FutureDatedOutcome(code, time, *command, octets[12:18], octets[18])


def _discarded(value: MessageDiscardedAlert) -> tuple[Data, ...]:
    transaction = _numbers((value.cra, 1), (value.originator_counter, 8))
    return (dlms.octet_string(value.originator + value.target + transaction),)


def _read_discarded(code: int, time: datetime, octets: bytes) -> MessageDiscardedAlert:
    cra = Cra(octets[16])
    return MessageDiscardedAlert(code, time, Eui64(octets[:8]), Eui64(octets[8:16]), cra, _number(octets, 17, 25))


def _rejected(value: CommandRejectedAlert) -> tuple[Data, ...]:
    return (dlms.octet_string(_numbers((value.message_code, 2), (value.originator_counter, 8))),)


def _read_rejected(code: int, time: datetime, octets: bytes) -> CommandRejectedAlert:
    return CommandRejectedAlert(code, time, _number(octets, 0, 2), _number(octets, 2, 10))


class _Generic(Form):
    """Code and time, in the payload that the value names."""

    _dlms = Notification(GenericAlert, lambda value: (), GenericAlert)

    def read(self, frame: Frame) -> GenericAlert:
        """The alert of either kind."""
        if isinstance(frame, gbz.Alert):
            return GenericAlert(frame.code, instant_of(frame.time), PayloadKind.GBZ)
        found: GenericAlert = self._dlms.read(frame)
        return found

    def write(self, value: GenericAlert, counter: int) -> Frame:
        """The frame of its kind."""
        if isinstance(value, GenericAlert) and value.payload is PayloadKind.GBZ:
            return gbz.Alert(value.alert_code, seconds_of(value.alert_date_time))
        return self._dlms.write(value, counter)


class _GasOutcome(Form):
    """Specific octets ``0E`` code[2] counter[8] cluster[2] fc cmd."""

    def read(self, frame: Frame) -> FutureDatedGasOutcome:
        """The alert."""
        if not isinstance(frame, gbz.Alert) or len(frame.specific) != 15:
            raise ValueError("14 octets behind their length were expected")
        octets = frame.specific
        command = (_number(octets, 1, 3), _number(octets, 3, 11), _number(octets, 11, 13), octets[13], octets[14])
        return FutureDatedGasOutcome(frame.code, instant_of(frame.time), *command)

    def write(self, value: FutureDatedGasOutcome, counter: int) -> gbz.Alert:
        """The frame."""
        if not isinstance(value, FutureDatedGasOutcome):
            raise ValueError(f"FutureDatedGasOutcome expected, {type(value).__name__} given")
        command = _numbers((value.message_code, 2), (value.originator_counter, 8), (value.cluster, 2))
        specific = b"\x0e" + command + _numbers((value.frame_control, 1), (value.command, 1))
        return gbz.Alert(value.alert_code, seconds_of(value.alert_date_time), specific)


class _GasReceipt(Form):
    """A DLMS octet string of 32 octets inside GBZ."""

    _HEAD = b"\x09\x20"

    def read(self, frame: Frame) -> FirmwareReceiptAlert:
        """The alert."""
        if not isinstance(frame, gbz.Alert):
            raise TypeError("a GBZ alert was expected")
        return FirmwareReceiptAlert(frame.code, instant_of(frame.time), frame.specific[len(self._HEAD) :])

    def write(self, value: FirmwareReceiptAlert, counter: int) -> gbz.Alert:
        """The frame."""
        if not isinstance(value, FirmwareReceiptAlert) or len(value.image_hash) != 32:
            raise ValueError("a FirmwareReceiptAlert with a hash of 32 octets was expected")
        return gbz.Alert(value.alert_code, seconds_of(value.alert_date_time), self._HEAD + value.image_hash)


GENERIC = _Generic()
FUTURE_DATED_OUTCOME = Notification(FutureDatedOutcome, _outcome, _read_outcome)
FUTURE_DATED_GAS_OUTCOME = _GasOutcome()
FIRMWARE_RECEIPT = Notification(
    FirmwareReceiptAlert, lambda value: (dlms.octet_string(value.image_hash),), FirmwareReceiptAlert
)
GAS_FIRMWARE_RECEIPT = _GasReceipt()
MESSAGE_DISCARDED = Notification(MessageDiscardedAlert, _discarded, _read_discarded)
COMMAND_REJECTED = Notification(CommandRejectedAlert, _rejected, _read_rejected)
