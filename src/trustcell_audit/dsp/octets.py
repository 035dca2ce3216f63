"""What this program reads of GBCS messages and of device records by itself: heads, integers, cells, numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

from trustcell_audit.dsp.words import Key, cell_text, eui, number

_HEAD = b"\xdf\x09"
_TO_DEVICE = 1


class _Octets:
    """Octets and a place in them; ``ValueError`` at their end."""

    def __init__(self, octets: bytes) -> None:
        self._octets, self._at = octets, 0

    def take(self, size: int) -> bytes:
        part = self._octets[self._at : self._at + size]
        if len(part) != size:
            raise ValueError("the octets end too early")
        self._at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def sized(self, size: int = 2) -> bytes:
        return self.take(self.number(size))


def head(octets: bytes) -> Key:
    """Originator, target and counter of a message, with or without the wrapper of a MAC; ``ValueError`` if none."""
    at = octets.find(_HEAD) if octets[:1] == b"\xdd" else 0
    read = _Octets(octets[max(at, 0) :])
    if at < 0 or read.take(2) != _HEAD:
        raise ValueError("it is no general-signing message")
    read.take(1)
    counter = read.number(8)
    originator, target = read.sized(1), read.sized(1)
    if (len(originator), len(target)) != (8, 8):
        raise ValueError("an EUI-64 has eight octets")
    return eui(originator), eui(target), counter


def carries(octets: bytes, value: int) -> bool:
    """Whether a DER INTEGER of this value stands anywhere in a message."""
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((2, len(content))) + content in octets


@dataclass(frozen=True)
class DeviceMemory:
    """What differs from manufacture: cells with (entity, key identifier), and numbers by kind and role."""

    device: str
    cells: dict[int, tuple[str, str]]
    numbers: dict[str, int]


def device_memory(octets: bytes) -> DeviceMemory:
    """A record of an estate, as far as cells and numbers; ``ValueError`` for what is none."""
    read = _Octets(octets)
    if read.number(1) != 1:
        raise ValueError("a device record of layout 1 was expected")
    read.sized()
    device = eui(read.take(8))
    read.take(1)
    _place(read)
    state = _Octets(read.sized(4))
    if state.number(1) not in (1, 2):
        raise ValueError("a device state of layout 1 or 2 was expected")
    cells = dict(_cell(state) for _ in range(state.number(1)))
    numbers = {}
    for kind in ("usc", "exec"):
        for _ in range(state.number(1)):
            role = state.number(1)
            numbers[f"{kind} {role}"] = state.number(8)
    return DeviceMemory(device, cells, numbers)


def _place(read: _Octets) -> None:
    if read.number(1):
        read.take(8)
    read.take(3)
    if read.number(1):
        read.take(8)
    if read.number(1):
        read.take(33)
    read.take(8)


def _cell(read: _Octets) -> tuple[int, tuple[str, str]]:
    cell = read.number(1) << 24 | read.number(2) << 8 | read.number(1)
    entity, key_id = read.take(8), read.take(8)
    read.take(65)
    read.sized()
    return cell, (eui(entity), key_id.hex())


def commands_on_the_way(parcels: Iterator[bytes]) -> Iterator[tuple[str, bytes]]:
    """Message name and octets of every parcel that is on its way to a device."""
    for octets in parcels:
        read = _Octets(octets)
        read.take(9)
        way = read.number(1)
        read.take(24)
        name = read.sized().decode()
        if way == _TO_DEVICE:
            yield name, read.sized(4)


__all__ = ["DeviceMemory", "carries", "cell_text", "commands_on_the_way", "device_memory", "head", "number"]
