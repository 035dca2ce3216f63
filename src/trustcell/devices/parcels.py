"""A message on its way, to a device or from one, and its octets."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.devices.octets import Reader, moment, number, read_all, sized
from trustcell.vocab import Eui64

_LAYOUT = b"\x01"


class Way(IntEnum):
    """Which way a message goes."""

    TO_DEVICE = 1
    FROM_DEVICE = 2


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way. ``due`` is when it arrives, ``message_id`` the sender's name of the command behind it.

    A command is dropped that would arrive after ``not_after``; an answer has its own ``due`` there.
    """

    handle: int
    way: Way
    device: Eui64
    due: datetime
    not_after: datetime
    message_id: str
    octets: bytes

    def encode(self) -> bytes:
        """``01 handle[8] way device[8] due[8] notAfter[8] size[2] id size[4] message``."""
        head = _LAYOUT + number(self.handle, 8) + bytes((self.way,)) + self.device
        times = moment(self.due) + moment(self.not_after)
        return head + times + sized(self.message_id.encode()) + number(len(self.octets), 4) + self.octets

    @classmethod
    def decode(cls, octets: bytes) -> "Parcel":
        """The parcel of exactly these octets; raises ``WireError`` ``device_parcel_malformed``."""
        return read_all(octets, _read, cls.encode, "parcel")


def _read(reader: Reader) -> Parcel:
    if reader.take(1) != _LAYOUT:
        raise ValueError("layout 01 was expected")
    handle, way, device = reader.number(8), Way(reader.number(1)), Eui64(reader.take(8))
    due, not_after = reader.moment(), reader.moment()
    message_id = reader.sized().decode()
    return Parcel(handle, way, device, due, not_after, message_id, reader.take(reader.number(4)))
