"""The DSP's WAN over an estate of virtual devices in this process."""

import re
from collections.abc import Sequence
from datetime import datetime

from trustcell.devices.wan import Taken, VirtualWan
from trustcell.dsp import Sending
from trustcell.dsp.ports import Undelivered
from trustcell.vocab import Eui64

_VERSION = re.compile("[0-9A-Fa-f]{8}")


class HanWan:
    """See ``dsp.Wan``. Devices and DSP share only octets: what the one calls taken, the other calls taken as well."""

    def __init__(self, wan: VirtualWan) -> None:
        """Whoever owns the estate calls this from its one thread."""
        self._wan = wan

    def send(self, messages: Sequence[tuple[str, Eui64, bytes, datetime]], now: datetime) -> Sequence[Sending]:
        """See the port."""
        said = self._wan.send(messages, now)
        return [Sending.TAKEN if each is Taken.TAKEN else Sending.UNREACHABLE for each in said]

    def receive(self, limit: int, now: datetime) -> Sequence[tuple[int, Eui64, bytes]]:
        """See the port."""
        return self._wan.receive(limit, now)

    def undelivered(self) -> Sequence[Undelivered]:
        """See the port: what cannot be delivered was said at once."""
        return ()

    def done(self, handles: Sequence[int]) -> None:
        """See the port."""
        self._wan.done(handles)

    def distribute(self, image: bytes, version: str, devices: Sequence[Eui64], now: datetime) -> Sequence[bool]:
        """See the port; an image whose version is not eight hex digits is for none of these devices."""
        if not _VERSION.fullmatch(version):
            return [False] * len(devices)
        return self._wan.distribute(image, version, devices, now)

    def next_at(self) -> datetime | None:
        """See the port."""
        return self._wan.next_at()
