"""What the supervisor asks of workers: an operator's changes at the owner of a home, and how each of them is."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client.metrics_core import Metric

from trustcell.adapters.dsp_store import SqlHomes
from trustcell.adapters.worker_link import Link, LinkGone, Message
from trustcell.app.doors import Actor, DuisAnswer
from trustcell.app.workers import talk
from trustcell.app.workers.han_host import HanHost
from trustcell.app.workers.holding import Place
from trustcell.app.workers.plain import from_plain, to_plain
from trustcell.dsp import RequestState, Work
from trustcell.duis import RequestId
from trustcell.vocab import Unavailable

_ASK_SECONDS, _STATUS_SECONDS, _EVERY = 15.0, 2.0, 1.0
_PREFIX = "trustcell_"


class RemoteDesk:
    """See ``app.desk.Desk``: the owner of the home writes, as its lease says."""

    def __init__(self, books: SqlHomes, links: Mapping[str, Link]) -> None:
        """``links`` by the names that workers have in leases."""
        self._books, self._links = books, links

    async def write(self, work: Work) -> None:
        """See ``Desk``."""
        await self._ask(self._books.home_of(work.device), {"do": talk.WRITE, "work": to_plain(work)})

    async def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Desk``."""
        return await self._moved(talk.RELEASE, request_id, actor)

    async def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Desk``."""
        return await self._moved(talk.CANCEL, request_id, actor)

    async def _moved(self, what: str, request_id: RequestId, actor: Actor) -> RequestState | None:
        asked = {"do": what, "request": to_plain(request_id), "actor": to_plain(actor)}
        head = await self._ask(self._books.home_of(request_id.target), asked)
        return None if head["state"] is None else from_plain(RequestState, head["state"])

    async def _ask(self, home: str, head: Mapping[str, Any]) -> Mapping[str, Any]:
        holder = await asyncio.to_thread(self._books.holder, home)
        link = None if holder is None else self._links.get(holder[0])
        if link is None:
            raise talk.elsewhere(home)
        return talk.check_said(await link.ask(Message({**head, "home": home}), _ASK_SECONDS))


class Workers:
    """See ``app.doors.DuisEngine``, for health alone: how the workers said they were when they were last asked."""

    def __init__(self, books: SqlHomes, places: Sequence[Place], links: Mapping[str, Link], han: HanHost) -> None:
        """Nobody is asked yet."""
        self._books, self._places, self._links, self._han = books, places, links, han
        self._said: dict[int, Mapping[str, Any]] = {}
        self._owners: Mapping[str, str | None] = {}

    async def submit(self, octets: bytes, door: str) -> DuisAnswer:
        """Requests come in at the workers."""
        raise Unavailable("the DUIS services are elsewhere")

    def health(self) -> Mapping[str, str]:
        """See ``DuisEngine``: every worker, and every home with who holds it."""
        found = {"virtual devices": self._han.state}
        for place in self._places:
            said = self._said.get(place.number)
            bad = [] if said is None else [state for state in said["health"].values() if state != "ok"]
            found[f"worker {place.number}"] = "it does not answer" if said is None else bad[0] if bad else "ok"
        for home, owner in self._owners.items():
            if owner is None:
                found[f"home {home}"] = "nobody holds it"
            else:
                found[f"home {home}, held by {owner}"] = "ok"
        return found

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask again and again until ``stopping``."""
        while not stopping.is_set():
            await self.look()
            try:
                await asyncio.wait_for(stopping.wait(), _EVERY)
            except TimeoutError:
                continue
        await asyncio.gather(*(link.close() for link in self._links.values()))

    async def look(self) -> None:
        """Ask every worker, and read the leases."""
        answers = await asyncio.gather(*(self._status(place) for place in self._places))
        self._said = {place.number: said for place, said in zip(self._places, answers, strict=True) if said is not None}
        names = {place.path: f"worker {place.number}" for place in self._places}
        try:
            leases = await asyncio.to_thread(self._books.leases)
        except Unavailable as error:
            self._owners = dict.fromkeys(self._books.names())
            self._said = {}
            self._han.state = str(error)
            return
        self._owners = {home: None if held is None else names.get(held[0], "another") for home, held in leases.items()}

    def metrics(self) -> Iterable[Metric]:
        """Figures of every worker under its number, and who holds what."""
        up = Metric("trustcell_worker_up", "Whether a worker answers", "gauge")
        forwarded = Metric("trustcell_worker_forwarded", "Requests passed on to the owner of their home", "gauge")
        waiting = Metric("trustcell_home_waiting", "What waits in a home, by kind and worker", "gauge")
        of_doors: dict[str, Metric] = {}
        for place in self._places:
            worker = {"worker": str(place.number)}
            said = self._said.get(place.number)
            up.add_sample(up.name, worker, 0 if said is None else 1)
            if said is None:
                continue
            forwarded.add_sample(forwarded.name, worker, said["forwarded"])
            for home, counts in said["homes"].items():
                for kind, count in counts.items():
                    waiting.add_sample(waiting.name, {**worker, "home": home, "kind": kind}, count)
            for sample, labels, value in said["samples"]:
                name = f"{_PREFIX}worker_{sample.removeprefix(_PREFIX)}"
                metric = of_doors.setdefault(name, Metric(name, "As a worker counted it", "unknown"))
                metric.add_sample(name, {**labels, **worker}, value)
        return [up, forwarded, waiting, *of_doors.values()]

    async def _status(self, place: Place) -> Mapping[str, Any] | None:
        try:
            answer = await self._links[place.path].ask(Message({"do": talk.STATUS}), _STATUS_SECONDS)
        except LinkGone:
            return None
        return answer.head if "health" in answer.head else None
