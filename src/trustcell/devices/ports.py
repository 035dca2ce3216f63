"""What an estate needs from outside: a store of device records and of messages on their way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trustcell.vocab import Eui64


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since the last save, to be written in one transaction.

    ``devices`` are records by device, to insert or replace; ``gone`` are devices taken out of the estate. ``queued``
    are new messages by handle, ``taken`` the handles of messages that are done: a handle the store does not know is no
    error. ``settings`` is ``None`` when it has not changed.
    """

    devices: Sequence[tuple[Eui64, bytes]]
    gone: Sequence[Eui64]
    queued: Sequence[tuple[int, bytes]]
    taken: Sequence[int]
    settings: bytes | None

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.devices or self.gone or self.queued or self.taken or self.settings is not None)


class EstateStore(Protocol):
    """Octets by key; what they mean is the estate's business. One estate writes to one store."""

    def devices(self) -> Iterable[tuple[Eui64, bytes]]:
        """Every device record, in any order."""
        ...

    def queue(self) -> Iterable[tuple[int, bytes]]:
        """Every message that is not done, in any order."""
        ...

    def settings(self) -> bytes | None:
        """What the estate last said of itself."""
        ...

    def save(self, changes: Changes) -> None:
        """Write all of it or nothing."""
        ...
