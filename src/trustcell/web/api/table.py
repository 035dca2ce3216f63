"""One row for each thing the API can be asked: routing, rights, and the OpenAPI document all come from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from trustcell.app.doors import Actor, ApiDoor
from trustcell.app.tokens import Principal, Role
from trustcell.duis import RequestId
from trustcell.vocab import Eui64
from trustcell.web.api.models import Model, Nothing

R = TypeVar("R")

EVERYONE = frozenset(Role)
OVERSEERS = frozenset({Role.OPERATOR, Role.AUDITOR})
OPERATORS = frozenset({Role.OPERATOR})


class NotThereError(Exception):
    """What was named is not there, or is not for the holder of this token: nobody can tell which (hostile input A2)."""


class BadRequestError(Exception):
    """What was asked for makes no sense: code and sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        """Keep both."""
        super().__init__(code, sentence)
        self.code, self.sentence = code, sentence


@dataclass(frozen=True, slots=True)
class Call:
    """One call by somebody who may make it, with everything read from address, query and body."""

    door: ApiDoor
    principal: Principal
    reference: str
    path: Mapping[str, str]
    query: Any
    body: Any

    @property
    def actor(self) -> Actor:
        """Who asks, for the audit line."""
        return Actor(self.principal.name, self.reference)

    @property
    def eui(self) -> Eui64:
        """The EUI-64 in the address."""
        return Eui64.parse(self.path["eui"])

    @property
    def request_id(self) -> RequestId:
        """The request ID in the address."""
        return RequestId.parse(self.path["request_id"])

    async def ask(self, question: Callable[..., R], *values: Any, **named: Any) -> R:
        """A question to the views, where it holds up nobody."""
        return await run_in_threadpool(question, *values, **named)


Handler = Callable[[Call], Awaitable[Model]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``summary`` is a sentence for people; ``body`` only for what changes something."""

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    answer: type[Model]
    roles: frozenset[Role] = EVERYONE
    query: type[Model] = Nothing
    body: type[Model] | None = None
    status: int = 200
