"""Where an operator's changes are written: in the home they belong to, by whoever holds its lease."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trustcell.app.doors import Actor
from trustcell.dsp import RequestChange, RequestManager, RequestState, TrailEntry, Work
from trustcell.duis import RequestId
from trustcell.vocab import Clause, Refused

OPERATING = Clause("trustcell operator", "docs/serve.md, the JSON API")
_ENDABLE = (RequestState.HELD, RequestState.QUARANTINED)


class Desk(Protocol):
    """Changes that need a home; each is one transaction under its lease, with its line of the trail."""

    async def write(self, work: Work) -> None:
        """Write a work in the home of its device; ``Refused`` when the store refuses it."""
        ...

    async def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """Let a quarantined request go on; where it stands then, ``None`` for one nobody knows."""
        ...

    async def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """End a quarantined or held request; where it stands then."""
        ...


@dataclass(frozen=True, slots=True)
class HomeDesk:
    """The same for one home, on the thread of its manager."""

    manager: RequestManager
    clock: Callable[[], datetime]

    def write(self, work: Work) -> None:
        """See ``Desk``."""
        for refusal in self.manager.store.commit([work], self.clock()):
            if refusal is not None:
                raise refusal

    def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Desk``."""
        return self.manager.release(request_id, line("released", request_id, {}, actor), self.clock())

    def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Desk``."""
        known = self.manager.store.request(request_id)
        if known is None:
            return None
        if known.state not in _ENDABLE:
            raise refusal("request_not_waiting", f"the request is {known.state.value}, not held or quarantined")
        ended = RequestState.CANCELLED if known.state is RequestState.HELD else RequestState.DISCARDED
        change = RequestChange(request_id, known.state, ended, known.service_variant, known.command_variant)
        self.write(Work(request_id.target, (change,), trail=(line(ended.value, request_id, {}, actor),)))
        return ended


class LocalDesk:
    """See ``Desk``: every home is held by this process."""

    def __init__(
        self, call: Callable[[Callable[[], Any]], Awaitable[Any]], desk_of: Callable[[RequestId | Work], HomeDesk]
    ) -> None:
        """``call`` runs something on the thread of the managers, ``desk_of`` finds the home concerned."""
        self._call, self._desk_of = call, desk_of

    async def write(self, work: Work) -> None:
        """See ``Desk``."""
        await self._call(lambda: self._desk_of(work).write(work))

    async def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Desk``."""
        result: RequestState | None = await self._call(lambda: self._desk_of(request_id).release(request_id, actor))
        return result

    async def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Desk``."""
        result: RequestState | None = await self._call(lambda: self._desk_of(request_id).cancel(request_id, actor))
        return result


def line(kind: str, subject: object, facts: Mapping[str, object], actor: Actor) -> TrailEntry:
    """One line of the trail about what an operator did."""
    return TrailEntry(kind, str(subject), {**facts, "actor": actor.name}, actor.reference)


def refusal(code: str, message: str) -> Refused:
    """What an operator cannot do as things stand."""
    return Refused([OPERATING.breach(code, "request", message, "look at the state of things and ask again")])
