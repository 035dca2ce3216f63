"""Brings responses and alerts to users: in order for each of them, to many at once, again until they are taken."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Protocol

from trustcell.adapters.http_client import Posted
from trustcell.app.metrics import Metrics
from trustcell.dsp.rules.retry import Outcome, RetrySchedule, after_attempt
from trustcell.dsp.rules.work import Delivery
from trustcell.vocab import Eui64

_LOG = logging.getLogger("trustcell.deliveries")
_LIMIT = 256
_LONGEST_PAUSE = timedelta(seconds=1)
_SHORTEST_PAUSE = timedelta(milliseconds=1)

Settled = tuple[int, str, datetime | None]
"""Number of a delivery, what came of the attempt, and when to try again (``Store.settle_deliveries``)."""


class Outbox(Protocol):
    """``Store.deliveries``, ``next_delivery`` and ``settle_deliveries``, run where they hold up nobody."""

    async def deliveries(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is due, in order for each user; one of a user, or several in a row."""
        ...

    async def next_delivery(self) -> datetime | None:
        """When the next waiting delivery may be tried."""
        ...

    async def settle_deliveries(self, outcomes: Sequence[Settled], now: datetime) -> None:
        """What came of attempts."""
        ...


class Posting(Protocol):
    """The way out."""

    async def post(self, url: str, octets: bytes) -> Posted:
        """One attempt."""
        ...


class Deliverer:
    """Posts what waits. A user whose address is slow or away holds up nobody else, and nothing of its own overtakes."""

    def __init__(
        self,
        outbox: Outbox,
        way: Posting,
        address: Callable[[Eui64], str | None],
        clock: Callable[[], datetime],
        schedule: RetrySchedule | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """``address`` gives the URL of a user's callback, if it has one."""
        self._outbox, self._way, self._address, self._clock = outbox, way, address, clock
        self._schedule, self._metrics = schedule or RetrySchedule(), metrics
        self._wake = asyncio.Event()
        self._busy: dict[asyncio.Task[list[Settled]], Eui64] = {}

    def wake(self) -> None:
        """There is something new to deliver."""
        self._wake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until ``stopping`` is set; attempts that have begun are then given up and made again later."""
        ending = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                self._wake.clear()
                pause = await self._begin()
                await self._wait(ending, pause)
                await self._settle()
        finally:
            ending.cancel()
            for task in self._busy:
                task.cancel()
            await asyncio.gather(ending, *self._busy, return_exceptions=True)

    async def _begin(self) -> float:
        """Start a row of attempts for every user that has something due and none under way; how long to wait then."""
        now = self._clock()
        due: dict[Eui64, list[Delivery]] = {}
        under_way = set(self._busy.values())
        found = await self._outbox.deliveries(now, _LIMIT)
        for each in found:
            if each.user not in under_way:
                due.setdefault(each.user, []).append(each)
        for user, row in due.items():
            self._busy[asyncio.create_task(self._row(self._address(user), row))] = user
        if due:
            return _LONGEST_PAUSE.total_seconds()
        coming = await self._outbox.next_delivery()
        # What is due of a user under way is not waited for by time: its row wakes the loop when it ends.
        wait = _LONGEST_PAUSE if coming is None or found else coming - now
        return min(max(wait, _SHORTEST_PAUSE), _LONGEST_PAUSE).total_seconds()

    async def _wait(self, ending: "asyncio.Task[Any]", pause: float) -> None:
        """Until something is there to do: a row has ended, something new, a time has come, or the end."""
        woken = asyncio.create_task(self._wake.wait())
        try:
            waiting: list[asyncio.Task[Any]] = [ending, woken, *self._busy]
            await asyncio.wait(waiting, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            with suppress(asyncio.CancelledError):
                await woken

    async def _settle(self) -> None:
        """Write what came of all rows that have ended, together; only then the next of these users may begin."""
        ended = [task for task in self._busy if task.done()]
        outcomes = [outcome for task in ended for outcome in task.result()]
        if outcomes:
            await self._outbox.settle_deliveries(outcomes, self._clock())
        for task in ended:
            del self._busy[task]

    async def _row(self, url: str | None, row: Iterable[Delivery]) -> list[Settled]:
        """One after the other, up to the first that was not taken and stays in the way."""
        outcomes: list[Settled] = []
        for delivery in row:
            began = perf_counter()
            posted = Posted(None, "no address is known") if url is None else await self._way.post(url, delivery.octets)
            outcome, again = after_attempt(posted.status, delivery.attempts, self._clock(), self._schedule)
            said = posted.reason if posted.status is None else str(posted.status)
            outcomes.append((delivery.number, said, again))
            if self._metrics is not None:
                self._metrics.delivery(outcome.value, perf_counter() - began)
            if outcome is not Outcome.DONE:
                _LOG.info("delivery %d to %s: %s, %s", delivery.number, delivery.user, said, outcome.value)
            if outcome is Outcome.AGAIN:
                break
        return outcomes
