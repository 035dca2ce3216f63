"""The wide area network in one process: commands to an estate and its answers, at least once (scale.md 3)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from trustcell.devices.estate import Estate
from trustcell.devices.memory import HeldImage
from trustcell.devices.parcels import Way
from trustcell.devices.ports import EstateStore
from trustcell.vocab import Eui64


class Taken(StrEnum):
    """What the network says of a command at once."""

    TAKEN = "taken"
    UNREACHABLE = "unreachable"
    """There is no such device, it is off or not in its hub's network, or its hub cannot be reached (E20)."""


class VirtualWan:
    """An estate behind the contract of the DSP's WAN. A store, if given, has every call's changes before it returns.

    Not for several threads at once: whoever owns it calls it from one.
    """

    __slots__ = ("estate", "store")

    def __init__(self, estate: Estate, store: EstateStore | None = None) -> None:
        """The estate and where it is kept."""
        self.estate = estate
        self.store = store

    def send(self, messages: Sequence[tuple[str, Eui64, bytes, datetime]], now: datetime) -> list[Taken]:
        """Commands as (id, device, octets, not after); one that is still on its way is not sent twice."""
        said = [self._sent(*message, now) for message in messages]
        self._save()
        return said

    def receive(self, limit: int, now: datetime) -> list[tuple[int, Eui64, bytes]]:
        """Up to ``limit`` device messages as (handle, device, octets); each once, and after a restart until done.

        Devices work only here and in ``work``, and no more of them than the limit needs.
        """
        found: list[tuple[int, Eui64, bytes]] = []
        while len(found) < limit:
            parcel = self.estate.post.take(Way.FROM_DEVICE, now)
            if parcel is not None:
                found.append((parcel.handle, parcel.device, parcel.octets))
            elif not self.estate.step(now):
                break
        try:
            self._save()
        except BaseException:
            for handle, _, _ in found:
                self.estate.post.give_back(handle)
            raise
        return found

    def work(self, now: datetime, limit: int = 1_000_000) -> int:
        """Let devices take what has arrived, up to ``limit`` of it; how much that was."""
        done = 0
        while done < limit and self.estate.step(now):
            done += 1
        self._save()
        return done

    def done(self, handles: Sequence[int]) -> None:
        """What these device messages taught has been committed."""
        for handle in handles:
            self.estate.post.strike(handle)
        self._save()

    def distribute(self, image: bytes, version: str, devices: Sequence[Eui64], now: datetime) -> list[bool]:
        """Bring a firmware image to devices: which of them got it. The version is eight hex digits."""
        held = HeldImage(hashlib.sha256(image).digest(), bytes.fromhex(version))
        brought = self.estate.distribute(held, devices, now)
        self._save()
        return brought

    def next_at(self) -> datetime | None:
        """When something more will be ready, if that is known."""
        return self.estate.next_at()

    def _sent(self, message_id: str, device: Eui64, octets: bytes, not_after: datetime, now: datetime) -> Taken:
        if self.estate.post.holds(message_id):
            return Taken.TAKEN
        taken = self.estate.command(message_id, device, octets, not_after, now)
        return Taken.TAKEN if taken else Taken.UNREACHABLE

    def _save(self) -> None:
        if self.store is not None:
            self.estate.save(self.store)
