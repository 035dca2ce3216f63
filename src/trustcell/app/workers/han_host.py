"""The virtual devices of several workers: one thread uses them, pumps their messages, does what it is asked."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from trustcell.adapters.wan_tables import POLL, WanPump
from trustcell.vocab import Unavailable

_LOG = logging.getLogger("trustcell.workers")


class HanHost:
    """Owns the thread of an estate. Without the database nothing moves; it is tried again until it is there."""

    def __init__(self, pump: WanPump, clock: Callable[[], datetime]) -> None:
        """Opens nothing; ``start`` begins."""
        self._pump, self._clock = pump, clock
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self.state = "ok"
        self._thread = threading.Thread(target=self._run, name="han", daemon=True)

    def start(self) -> None:
        """Begin; ``Unavailable`` (``han_held``) when another process does the same for this database."""
        self._pump.turn(self._clock())
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and give the connection up."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pump.close()

    async def call(self, action: Callable[[], Any]) -> Any:
        """Run something on the thread; its result, or what it raises."""
        if self._stopping:
            raise Unavailable("the virtual devices are being put away")
        future: Future[Any] = Future()
        self._calls.append((action, future))
        self._wake.set()
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            self._act()
            if not self._turn():
                self._wake.wait(POLL.total_seconds())
        self._act()

    def _turn(self) -> bool:
        try:
            busy = self._pump.turn(self._clock())
        except Unavailable as error:
            if self.state == "ok":
                _LOG.warning("messages of devices wait: %s", error)
            self.state = str(error)
            return False
        self.state = "ok"
        return busy

    def _act(self) -> None:
        while self._calls:
            action, future = self._calls.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(action())
            except Exception as error:
                future.set_exception(error)
