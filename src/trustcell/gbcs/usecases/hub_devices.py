"""CCS06, and its predecessor CCS05CCS04: the devices of a hub and how well it hears them (dlms-gbz.md 4.3)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from trustcell.gbcs import dlms
from trustcell.gbcs.dlms import Bits, Data, DataType, Service
from trustcell.gbcs.dlms.times import NEVER, date_time_octets
from trustcell.gbcs.usecases.forms import Command, Response
from trustcell.gbcs.usecases.whitelist import HUB_SETUP, NETWORK
from trustcell.vocab import Eui64

_WEEKDAY = 4


@dataclass(frozen=True, slots=True)
class ReadHubDevices:
    """Command: nothing but the question."""


@dataclass(frozen=True, slots=True)
class HubDevice:
    """One joined device. ``last_communication`` is ``None`` when there was none.

    ``status`` are eight bits, the first one most significant; ``signal_strength`` is maximum, average and minimum in
    dBm, ``link_quality`` three figures of one octet.
    """

    device: Eui64
    status: int
    signal_strength: tuple[int, int, int]
    link_quality: tuple[int, int, int]
    last_communication: datetime | None
    hops: int
    failures: int
    successes: int
    application_version: int
    stack_version: int

    def __post_init__(self) -> None:
        """Refuse figures of another number."""
        if len(self.signal_strength) != 3 or len(self.link_quality) != 3:
            raise ValueError("signal strength and link quality are three figures each")


@dataclass(frozen=True, slots=True)
class HubDevices:
    """Response: every joined device."""

    devices: tuple[HubDevice, ...]


def _device(value: HubDevice) -> Data:
    last = value.last_communication
    counts = (value.hops, value.failures, value.successes, value.application_version, value.stack_version)
    return dlms.structure(
        dlms.octet_string(value.device),
        Data.of(DataType.BIT_STRING, Bits(8, bytes((value.status,)))),
        *(dlms.integer(each) for each in value.signal_strength),
        *(dlms.unsigned(each) for each in value.link_quality),
        dlms.octet_string(NEVER if last is None else _with_weekday(last)),
        *(dlms.unsigned(each) for each in counts),
    )


def _read_device(data: Data) -> HubDevice:
    device, status, *numbers = [member.value for member in data.value]
    if len(numbers) != 12:
        raise ValueError("a device has 14 members")
    last = numbers[6]
    return HubDevice(
        Eui64(device),
        status.octets[0],
        tuple(numbers[:3]),
        tuple(numbers[3:6]),
        None if last == NEVER else _instant(last),
        *numbers[7:],
    )


def _with_weekday(at: datetime) -> bytes:
    """The one date of GBCS that states its day of the week, from 1 for Monday."""
    octets = date_time_octets(at)
    return octets[:_WEEKDAY] + bytes((at.isoweekday(),)) + octets[_WEEKDAY + 1 :]


def _instant(octets: bytes) -> datetime:
    year, month, day, _, hour, minute, second = octets[0] << 8 | octets[1], *octets[2:8]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


COMMAND = Command(
    ReadHubDevices,
    ((Service.GET, HUB_SETUP, NETWORK, 4),),
    lambda value: (dlms.NULL,),
    lambda data: ReadHubDevices(),
)
RESPONSE = Response(
    HubDevices,
    COMMAND,
    lambda value: (dlms.array(*(_device(each) for each in value.devices)),),
    lambda devices: HubDevices(tuple([_read_device(each) for each in devices])),
)
