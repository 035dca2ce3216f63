"""What can be wrong on the way to a device, on command, and the dice that decide, cast from a seed."""

import math
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from trustcell.devices.octets import Reader
from trustcell.vocab import Eui64

_WIRE = Struct(">?dddd")
_KEY_OCTETS = 64

MAX_DELAY = 86_400.0
"""The longest delay, a day."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How a device, a hub or a region behaves on the way: ``delay`` in seconds each way, the others as fractions.

    ``lost`` messages are gone without a word; of an unreachable place the sender is told. ``twice`` arrive two times,
    ``late`` may be overtaken by what comes after them.
    """

    reachable: bool = True
    delay: float = 0.0
    lost: float = 0.0
    twice: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no delay or no fraction."""
        if not 0 <= self.delay <= MAX_DELAY or not all(0 <= part <= 1 for part in (self.lost, self.twice, self.late)):
            raise ValueError("a delay of 0 to 86,400 seconds and fractions of 0 to 1 were expected")

    def beyond(self, nearer: "Faults") -> "Faults":
        """Both on one way: delays add up, each fraction has its chance."""
        if self is NO_FAULTS:
            return nearer
        if nearer is NO_FAULTS:
            return self
        return Faults(
            self.reachable and nearer.reachable,
            min(self.delay + nearer.delay, MAX_DELAY),
            _either(self.lost, nearer.lost),
            _either(self.twice, nearer.twice),
            _either(self.late, nearer.late),
        )

    def encode(self) -> bytes:
        """``reachable delay[8] lost[8] twice[8] late[8]``, numbers as IEEE 754."""
        return _WIRE.pack(self.reachable, self.delay, self.lost, self.twice, self.late)

    @classmethod
    def read(cls, reader: Reader) -> "Faults":
        """The next ones."""
        found = cls(*_WIRE.unpack(reader.take(_WIRE.size)))
        return NO_FAULTS if found == NO_FAULTS else found


def _either(one: float, other: float) -> float:
    return min(1.0, one + other * (1 - one))


NO_FAULTS = Faults()


class Fate(NamedTuple):
    """What becomes of one message: how many copies arrive, how long after it set out, and whether by chance."""

    copies: int
    delay: timedelta
    overtaken: bool
    by_chance: bool


_CERTAIN = Fate(1, timedelta(0), False, False)


class Dice:
    """Casts for one message of one device: the same seed, device and number always fall the same way."""

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        """Any seed; a long one is hashed."""
        self._seed = seed if len(seed) <= _KEY_OCTETS else blake2b(seed).digest()

    def cast(self, device: Eui64, number: int, faults: Faults) -> Fate:
        """The fate of the device's message of this number; one that is overtaken waits up to twice as long."""
        if faults is NO_FAULTS:
            return _CERTAIN
        if not (faults.lost or faults.twice or faults.late):
            return Fate(1, timedelta(seconds=faults.delay), False, False)
        thrown = blake2b(device + number.to_bytes(8, "big"), digest_size=32, key=self._seed).digest()
        lost, twice, late, wait = (int.from_bytes(thrown[at : at + 8], "big") / 2**64 for at in (0, 8, 16, 24))
        copies = 0 if lost < faults.lost else 2 if twice < faults.twice else 1
        overtaken = late < faults.late
        extra = wait * math.ceil(faults.delay + 1) if overtaken else 0.0
        return Fate(copies, timedelta(seconds=faults.delay + extra), overtaken, True)
