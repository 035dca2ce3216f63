"""No way to any device: for a DSP whose commands somebody else carries."""

from collections.abc import Sequence
from datetime import datetime

from trustcell.dsp import Sending
from trustcell.dsp.ports import Undelivered
from trustcell.vocab import Eui64


class NoWan:
    """See ``dsp.Wan``: takes everything, brings nothing."""

    def send(self, messages: Sequence[tuple[str, Eui64, bytes, datetime]], now: datetime) -> Sequence[Sending]:
        """See the port."""
        return [Sending.TAKEN] * len(messages)

    def receive(self, limit: int, now: datetime) -> Sequence[tuple[int, Eui64, bytes]]:
        """See the port."""
        return ()

    def undelivered(self) -> Sequence[Undelivered]:
        """See the port: what cannot be delivered was said at once."""
        return ()

    def done(self, handles: Sequence[int]) -> None:
        """See the port."""

    def distribute(self, image: bytes, version: str, devices: Sequence[Eui64], now: datetime) -> Sequence[bool]:
        """See the port."""
        return [False] * len(devices)

    def next_at(self) -> datetime | None:
        """See the port."""
        return None
