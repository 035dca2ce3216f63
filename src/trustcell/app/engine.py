"""The DSP at work in one process: a thread that turns whatever waits into groups, one commit each (scale.md 3)."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trustcell.app.doors import DuisAnswer
from trustcell.dsp import Delivery, Fenced, RequestManager, Submission
from trustcell.vocab import TrustcellError, Unavailable

_LOG = logging.getLogger("trustcell.dsp")
GROUP = 64
_IDLE = 0.5
"""Seconds without anything to do after which the thread looks around all the same."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often housekeeping is done."""

    renew: timedelta = timedelta(seconds=3)
    seal: timedelta = timedelta(seconds=2)


@dataclass(slots=True)
class _Waiting:
    """One request that waits for its answer."""

    octets: bytes
    door: str
    done: Callable[[Submission | None, BaseException | None], None]


class Engine:
    """Runs the managers of the homes this process holds. All of them are used by its one thread alone.

    ``manager_of`` finds the home for the octets of a request; ``None`` when another process holds it.
    """

    def __init__(
        self,
        managers: Mapping[str, RequestManager],
        home_of: Callable[[bytes], str | None],
        clock: Callable[[], datetime],
        pace: Pace | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Opens nothing; ``start`` begins. ``ended`` hears, on the thread, that it cannot go on."""
        self._ended = ended
        self._managers = dict(managers)
        self._home_of = home_of
        self._on_delivery: Callable[[], None] | None = None
        self._clock = clock
        self._pace = pace or Pace()
        self._queue: deque[_Waiting] = deque()
        self._calls: deque[tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="dsp", daemon=True)
        self._renewed = self._sealed = clock()

    # ---- from other threads ----

    def start(self) -> None:
        """Finish what a crash interrupted, and begin."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what waits, give the leases back, and end the thread."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    async def submit(self, octets: bytes, door: str) -> DuisAnswer:
        """See ``DuisEngine.submit``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Submission] = loop.create_future()

        def done(submission: Submission | None, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(_settle, future, submission, error)

        self._put(_Waiting(octets, door, done))
        submission = await future
        error = submission.error
        code = error.code if error is not None else submission.code
        return DuisAnswer(submission.response, code, submission.reference, error)

    async def call(self, action: Callable[[], Any]) -> Any:
        """Run something on the thread of the managers, between two groups; its result, or what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def done(result: Any, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(_settle, future, result, error)

        if self._stopping or self._failure:
            raise Unavailable(self._failure or "the DSP is stopping")
        self._calls.append((action, done))
        self._wake.set()
        return await future

    def manager(self, home: str) -> RequestManager:
        """The manager of a home; for ``call`` only."""
        return self._managers[home]

    @property
    def managers(self) -> Sequence[RequestManager]:
        """Every manager; for ``call`` only."""
        return tuple(self._managers.values())

    def health(self) -> Mapping[str, str]:
        """See ``DuisEngine.health``."""
        alive = self._thread.is_alive() and not self._failure
        return {"dsp": "ok" if alive else self._failure or "the worker has stopped"}

    def waiting(self) -> Mapping[str, int]:
        """How much waits: requests in the queue, commands without an answer."""
        return {
            "requests": len(self._queue),
            "commands": sum(manager.waiting for manager in self._managers.values()),
        }

    def listen(self, on_delivery: Callable[[], None] | None) -> None:
        """Who is called, on the thread, when there may be something new to deliver."""
        self._on_delivery = on_delivery

    def now(self) -> datetime:
        """What its clock shows."""
        return self._clock()

    def wake(self) -> None:
        """Something may be ready: look now."""
        self._wake.set()

    # ---- the thread ----

    def _put(self, waiting: _Waiting) -> None:
        if self._stopping or self._failure:
            raise Unavailable(self._failure or "the DSP is stopping")
        self._queue.append(waiting)
        self._wake.set()

    def _run(self) -> None:
        try:
            for manager in self._managers.values():
                manager.resume(self._clock())
            while not self._stopping:
                self._wake.clear()
                if not self._turn():
                    self._wake.wait(self._pause())
            while self._queue or self._calls:
                self._turn()
            for manager in self._managers.values():
                manager.store.release(self._clock())
        except Fenced as error:
            self._end(f"another worker has taken over: {error}")
        except TrustcellError as error:
            self._end(str(error))
        except BaseException as error:
            self._end(f"{type(error).__name__}: {error}")
            raise

    def _turn(self) -> bool:
        """Everything there is to do once; whether there was anything."""
        acted = self._act()
        busy = self._answer()
        now = self._clock()
        for manager in self._managers.values():
            busy |= self._carry(manager, now)
        self._keep_house(now)
        if busy and self._on_delivery is not None:
            self._on_delivery()  # not for calls: the deliverer's own would keep both awake
        return busy or acted

    def _answer(self) -> bool:
        group = [self._queue.popleft() for _ in range(min(GROUP, len(self._queue)))]
        if not group:
            return False
        by_home: dict[str, list[_Waiting]] = {}
        for waiting in group:
            home = self._home_of(waiting.octets)
            by_home.setdefault(home if home is not None else next(iter(self._managers)), []).append(waiting)
        for home, members in by_home.items():
            self._submit(self._managers[home], members)
        return True

    def _submit(self, manager: RequestManager, members: Sequence[_Waiting]) -> None:
        try:
            submissions = manager.submit([(each.octets, each.door) for each in members], self._clock())
        except Fenced as error:
            for each in members:
                each.done(None, error)
            raise
        except Unavailable as error:
            _LOG.warning("%d requests not taken: %s", len(members), error)
            for each in members:
                each.done(None, error)
            return
        except Exception as error:
            self._submit_apart(manager, members, error)
            return
        for each, submission in zip(members, submissions, strict=True):
            each.done(submission, None)

    def _submit_apart(self, manager: RequestManager, members: Sequence[_Waiting], error: Exception) -> None:
        """A fault of ours: whoever caused it must not take his group along, nor the DSP."""
        if len(members) == 1:
            _LOG.exception("a request could not be processed", exc_info=error)
            members[0].done(None, error)
            manager.resume(self._clock())  # if a number was taken for it, its command is built or given up
            return
        for each in members:
            self._submit(manager, [each])

    def _act(self) -> bool:
        acted = False
        while self._calls:
            action, done = self._calls.popleft()
            acted = True
            try:
                result = action()
            except Exception as error:
                done(None, error)
            else:
                done(result, None)
        return acted

    def _carry(self, manager: RequestManager, now: datetime) -> bool:
        """Commands out, device messages in, deliveries to and from the courier."""
        try:
            busy = bool(manager.dispatch(now)) | bool(manager.collect(now))
            busy |= bool(manager.run_due(now))
        except Fenced:
            raise
        except Unavailable as error:
            _LOG.warning("commands and answers wait: %s", error)
            return False
        return busy

    def _keep_house(self, now: datetime) -> None:
        if now - self._renewed >= self._pace.renew:
            self._renewed = now
            for manager in self._managers.values():
                manager.store.renew(now)
        if now - self._sealed >= self._pace.seal:
            self._sealed = now
            for manager in self._managers.values():
                manager.store.seal(now)

    def _pause(self) -> float:
        now = self._clock()
        times = [at for manager in self._managers.values() if (at := manager.next_at(now)) is not None]
        if not times:
            return _IDLE
        return min(max((min(times) - now).total_seconds(), 0.001), _IDLE)

    def _end(self, why: str) -> None:
        self._failure = why
        _LOG.error("the DSP has stopped: %s", why)
        error = Unavailable(why)
        while self._queue:
            self._queue.popleft().done(None, error)
        while self._calls:
            self._calls.popleft()[1](None, error)
        if self._ended is not None:
            self._ended()


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():  # its client has gone
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


class Deliveries:
    """The deliveries of every home of an engine, as the deliverer sees them."""

    def __init__(self, engine: Engine) -> None:
        """Nothing is asked yet."""
        self._engine = engine
        self._of: dict[int, RequestManager] = {}

    async def deliveries(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is due, in order for each user."""

        def read() -> list[Delivery]:
            found = []
            for manager in self._engine.managers:
                for delivery in manager.store.deliveries(now, limit):
                    self._of[delivery.number] = manager
                    found.append(delivery)
            return found

        result: list[Delivery] = await self._engine.call(read)
        return result

    async def next_delivery(self) -> datetime | None:
        """When the next waiting delivery may be tried."""

        def read() -> datetime | None:
            times = (manager.store.next_delivery() for manager in self._engine.managers)
            return min((at for at in times if at is not None), default=None)

        result: datetime | None = await self._engine.call(read)
        return result

    async def settle_deliveries(self, outcomes: Sequence[tuple[int, str, datetime | None]], now: datetime) -> None:
        """What came of attempts, to the home that each delivery is of."""

        def write() -> None:
            by_manager: dict[int, list[tuple[int, str, datetime | None]]] = {}
            for outcome in outcomes:
                by_manager.setdefault(id(self._of[outcome[0]]), []).append(outcome)
            for manager in self._engine.managers:
                if mine := by_manager.get(id(manager)):
                    manager.store.settle_deliveries(mine, now)
            for number, _, again in outcomes:
                if again is None:
                    del self._of[number]

        await self._engine.call(write)
