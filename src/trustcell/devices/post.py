"""The messages of an estate on their way: first due, first out, and none is forgotten before it is done."""

from collections import Counter
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple

from trustcell.devices.faults import Dice, Faults
from trustcell.devices.parcels import Parcel, Way
from trustcell.vocab import Eui64

_MICROSECONDS = 1_000_000


class Sending(NamedTuple):
    """A message that sets out at ``at`` and is worth delivering until ``not_after``."""

    way: Way
    device: Eui64
    octets: bytes
    at: datetime
    not_after: datetime
    message_id: str = ""


class Post:
    """Parcels in order of arrival. Within one device and way that is the order of sending, unless one is overtaken."""

    __slots__ = ("_dice", "_handle", "_heaps", "_ids", "_last", "_new", "_struck", "_waiting")

    def __init__(self, seed: bytes) -> None:
        """Empty; ``seed`` decides what gets lost."""
        self._dice = Dice(seed)
        self._waiting: dict[int, Parcel] = {}
        self._heaps: dict[Way, list[tuple[datetime, int]]] = {way: [] for way in Way}
        self._last: dict[tuple[Way, Eui64], datetime] = {}
        self._ids: Counter[str] = Counter()
        self._handle = 0
        self._new: dict[int, Parcel] = {}
        self._struck: list[int] = []

    def __len__(self) -> int:
        """How many parcels are not done."""
        return len(self._waiting)

    def parcels(self) -> list[Parcel]:
        """All that are not done, in order of arrival."""
        return sorted(self._waiting.values(), key=lambda parcel: (parcel.due, parcel.handle))

    def holds(self, message_id: str) -> bool:
        """Whether a command of this name, or an answer to it, is still on its way."""
        return message_id in self._ids

    def send(self, sending: Sending, faults: Faults, cast: int) -> bool:
        """A message sets out, and the dice decide as the ``cast``-th time for its device; whether they were thrown."""
        fate = self._dice.cast(sending.device, cast, faults)
        for _ in range(fate.copies):
            due = self._arrival(sending, sending.at + fate.delay, fate.overtaken)
            # Handles rise with time, so that one given out before a restart is never given to another parcel.
            self._handle = max(self._handle + 1, int(sending.at.timestamp() * _MICROSECONDS))
            way, device, octets, _, not_after, message_id = sending
            parcel = Parcel(self._handle, way, device, due, not_after, message_id, octets)
            self.restore(parcel)
            self._new[parcel.handle] = parcel
            if not fate.overtaken:
                self._last[way, device] = due
        return fate.by_chance

    def restore(self, parcel: Parcel) -> None:
        """A parcel that a store has kept."""
        self._waiting[parcel.handle] = parcel
        self._handle = max(self._handle, parcel.handle)
        self._ids[parcel.message_id] += 1
        heappush(self._heaps[parcel.way], (parcel.due, parcel.handle))

    def take(self, way: Way, now: datetime) -> Parcel | None:
        """The next parcel that has arrived; it is handed out once and stays on the books until it is done."""
        heap = self._heaps[way]
        while heap and heap[0][0] <= now:
            parcel = self._waiting.get(heappop(heap)[1])
            if parcel is not None:
                return parcel
        return None

    def give_back(self, handle: int) -> None:
        """A parcel that was taken and not handed out after all."""
        parcel = self._waiting[handle]
        heappush(self._heaps[parcel.way], (parcel.due, handle))

    def next_due(self, *ways: Way) -> datetime | None:
        """When the next parcel arrives at its end, of one way or of both."""
        heaps = (self._heaps[way] for way in ways or Way)
        return min((heap[0][0] for heap in heaps if heap), default=None)

    def strike(self, handle: int) -> None:
        """This parcel is done; a handle that is not on the books is no error."""
        parcel = self._waiting.pop(handle, None)
        if parcel is None:
            return
        self._ids[parcel.message_id] -= 1
        if not self._ids[parcel.message_id]:
            del self._ids[parcel.message_id]
        if self._new.pop(handle, None) is None:
            self._struck.append(handle)

    def changes(self) -> tuple[list[tuple[int, bytes]], list[int]]:
        """New parcels and struck handles since ``saved``."""
        return [(handle, parcel.encode()) for handle, parcel in self._new.items()], list(self._struck)

    def saved(self) -> None:
        """What ``changes`` told is in the store."""
        self._new.clear()
        self._struck.clear()

    def _arrival(self, sending: Sending, due: datetime, overtaken: bool) -> datetime:
        """When a message arrives: not before the one in front of it. What is overtaken holds nobody up."""
        key = (sending.way, sending.device)
        last = self._last.get(key)
        return due if overtaken or last is None or last < due else last
