"""What a worker does for others: requests from its doors and from other workers, and an operator's changes."""

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from trustcell.adapters.worker_link import Link, Message
from trustcell.app.desk import HomeDesk
from trustcell.app.doors import Actor, DuisAnswer
from trustcell.app.engine import Engine
from trustcell.app.metrics import Metrics
from trustcell.app.workers import talk
from trustcell.app.workers.holding import Holding
from trustcell.app.workers.plain import from_plain, to_plain
from trustcell.app.workers.routing import home_in
from trustcell.dsp import Work
from trustcell.duis import RequestId
from trustcell.vocab import Eui64, Refused, Unavailable

FORWARD_SECONDS = 15.0

_T = TypeVar("_T")


class WorkerEngine:
    """See ``DuisEngine``: a request goes to the engine of its home, here or in another worker."""

    def __init__(self, holding: Holding, own: str, home_of: Callable[[Eui64], str]) -> None:
        """``own`` is where this worker is reached."""
        self._holding, self._own, self._home_of = holding, own, home_of
        self._links: dict[str, Link] = {}
        self.forwarded = 0

    async def submit(self, octets: bytes, door: str) -> DuisAnswer:
        """See ``DuisEngine``; ``Unavailable`` (``home_elsewhere``) while its home changes hands."""
        home = home_in(octets, self._home_of) or self._any()
        engine = self._holding.engines.get(home)
        if engine is not None:
            return await engine.submit(octets, door)
        owner = self._holding.owner(home)
        if owner is None or owner == self._own:
            raise talk.elsewhere(home)
        link = self._links.setdefault(owner, Link(owner))
        self.forwarded += 1
        return talk.read_answer(await link.ask(talk.submitting(home, door, octets), FORWARD_SECONDS))

    def health(self) -> Mapping[str, str]:
        """See ``DuisEngine``."""
        found = {f"home {home}": engine.health()["dsp"] for home, engine in self._holding.engines.items()}
        return {"worker": "ok", **found}

    async def close(self) -> None:
        """Give the links up."""
        for link in self._links.values():
            await link.close()

    def _any(self) -> str:
        """A home for what names none: its line of the trail has to be somewhere."""
        return next(iter(self._holding.engines), None) or next(iter(self._holding.owners), "0")


class Answering:
    """Answers the messages of other processes. It never passes one on: who asked has an old view of the leases."""

    def __init__(self, holding: Holding, engine: WorkerEngine, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        """Nothing is answered yet."""
        self._holding, self._engine, self._metrics, self._clock = holding, engine, metrics, clock

    async def answer(self, message: Message) -> Message:
        """See ``adapters.worker_link.serve_link``."""
        try:
            return await self._answer(message)
        except (Unavailable, Refused) as error:
            return talk.said_error(error)

    async def _answer(self, message: Message) -> Message:
        head = message.head
        match head["do"]:
            case talk.SUBMIT:
                home = head.get("home")
                engine: Engine | WorkerEngine = self._engine if home is None else self._held(home)
                return talk.answered(await engine.submit(message.octets, head["door"]))
            case talk.STATUS:
                return Message(self._status())
            case talk.WRITE:
                work = from_plain(Work, head["work"])
                await self._at_desk(head["home"], lambda desk: desk.write(work))
                return Message({})
            case talk.RELEASE | talk.CANCEL as what:
                ids, actor = from_plain(RequestId, head["request"]), from_plain(Actor, head["actor"])
                state = await self._at_desk(
                    head["home"],
                    lambda desk: desk.release(ids, actor) if what == talk.RELEASE else desk.cancel(ids, actor),
                )
                return Message({"state": to_plain(state)})
        raise talk.elsewhere(str(head.get("home")))

    def _held(self, home: str) -> Engine:
        engine = self._holding.engines.get(home)
        if engine is None:
            raise talk.elsewhere(home)
        return engine

    def _at_desk(self, home: str, act: Callable[[HomeDesk], _T]) -> Awaitable[_T]:
        engine = self._held(home)
        return engine.call(lambda: act(HomeDesk(engine.manager(home), self._clock)))

    def _status(self) -> dict[str, Any]:
        engines = self._holding.engines
        return {
            "health": dict(self._engine.health()),
            "homes": {home: dict(engine.waiting()) for home, engine in engines.items()},
            "forwarded": self._engine.forwarded,
            "process": os.getpid(),
            "samples": self._metrics.samples(),
        }
