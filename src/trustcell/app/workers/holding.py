"""The homes that one worker holds: taken when nobody has them, each with an engine and its deliveries."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustcell.adapters.dsp_store import SqlHome, SqlHomes
from trustcell.app.engine import Engine
from trustcell.vocab import Unavailable

_LOG = logging.getLogger("trustcell.workers")
_LOOK = 0.5
FREE_FOR = timedelta(seconds=10)
"""How long a home that was given back is left to the worker it is meant for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which worker this is, of how many, and where it is reached: the owner of its leases."""

    number: int
    workers: int
    path: str


class Holding:
    """Looks at the leases again and again, and begins with what can be had. A home that is lost ends everything."""

    def __init__(
        self,
        books: SqlHomes,
        place: Place,
        engine_of: Callable[[str, SqlHome], Engine],
        taken: Callable[[Engine], None],
        clock: Callable[[], datetime],
    ) -> None:
        """``engine_of`` makes the engine of a home beside the loop, ``taken`` hears of it within the loop."""
        self._books, self._place, self._engine_of, self._taken, self._clock = books, place, engine_of, taken, clock
        self.engines: dict[str, Engine] = {}
        self.owners: Mapping[str, str] = {}
        self.settled = asyncio.Event()
        self._free_since: dict[str, datetime] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Take what can be had until ``stopping``."""
        while not stopping.is_set():
            await self.look()
            try:
                await asyncio.wait_for(stopping.wait(), _LOOK)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Answer what waits, and give the leases back; after everything that asks the engines has ended."""
        await asyncio.gather(*(asyncio.to_thread(engine.stop) for engine in self.engines.values()))

    async def look(self) -> None:
        """Read the leases, and take what is free."""
        self.owners, free = await asyncio.to_thread(self._leases)
        for home in free:
            await self._take(home)
        if all(home in self.engines or home in self.owners for home in self._books.names() if self._mine(home)):
            self.settled.set()

    def owner(self, home: str) -> str | None:
        """Where the holder of a home is reached, as of the last look; ``None`` when nobody is known."""
        return self.owners.get(home)

    async def _take(self, home: str) -> None:
        try:
            engine = await asyncio.to_thread(self._begin, home)
        except Unavailable as error:
            if error.code != "lease_held":
                raise
            return
        self.engines[home] = engine
        self.owners = {**self.owners, home: self._place.path}
        self._taken(engine)
        _LOG.info("worker %d holds home %s", self._place.number, home)

    def _begin(self, home: str) -> Engine:
        store = self._books.take(home, self._place.path, self._clock())
        return self._engine_of(home, store)

    def _leases(self) -> tuple[dict[str, str], list[str]]:
        """Who holds what, and which homes may be taken now."""
        now, owners, free = self._clock(), {}, []
        for home, holder in self._books.leases().items():
            if holder is not None and holder[1] > now:
                owners[home] = holder[0]
                self._free_since.pop(home, None)
                # Under this name it is what is left of a process before this one.
                may_take = holder[0] == self._place.path
            elif holder is not None:
                may_take = True  # its worker is dead, or must stop as soon as it writes
            else:
                may_take = self._mine(home) or now - self._free_since.setdefault(home, now) >= FREE_FOR
            if may_take and home not in self.engines:
                free.append(home)
        return owners, free

    def _mine(self, home: str) -> bool:
        return self._books.names().index(home) % self._place.workers == self._place.number
