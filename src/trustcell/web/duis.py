"""The three DUIS services as unmodified clients expect them (dcc-boxed-interface.md 2): a lean ASGI application."""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect

from trustcell.app.doors import DUIS_DOORS, DuisAnswer, DuisDoor
from trustcell.vocab import Unavailable
from trustcell.web.bodies import XML, BodyError, Receive, read_body
from trustcell.web.limits import Budget, RateLimit
from trustcell.web.problem import PROBLEM, SECURITY_HEADERS, problem

_LOG = logging.getLogger("trustcell.web.duis")
_PATHS = {f"/api/v1/{door}": door for door in DUIS_DOORS}
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_ANSWER_HEADERS = [
    (b"content-type", b"application/xml"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
"""No more than needed: each header is checked and written for every answer."""
_READ = frozenset({b"content-type", b"content-encoding", b"content-length"})
_PROBLEM_HEADERS = [(b"content-type", PROBLEM.encode()), *_HEADERS]
_LAST = 400
"""From this status on a connection whose body may not have been read to its end is not kept."""

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _HttpError(Exception):
    """A refusal that is no DUIS answer."""

    def __init__(self, status: int, code: str, sentence: str, headers: Mapping[bytes, bytes] | None = None) -> None:
        super().__init__(status, code, sentence)
        self.status, self.code, self.sentence = status, code, sentence
        self.headers = dict(headers or {})


def duis_app(door: DuisDoor) -> Application:
    """The services over one engine. Every DUIS answer is 200; what allows none is a problem document (checks 1, 2)."""
    rate = None if door.limits.rate is None else RateLimit(door.limits.rate, door.limits.burst)
    budget = Budget(door.limits.octets_in_hand)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = door.ticks()
        name = _PATHS.get(scope["path"], "")
        try:
            _admit(scope, name, rate, began)
            body = await read_body(
                scope,
                receive,
                {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _READ},
                kind=XML,
                limit=door.limits.octets[name],
                seconds=door.limits.body_seconds,
                budget=budget,
            )
            answer = await door.engine.submit(body, name)
        except ClientDisconnect:
            return
        except _HttpError as error:
            status, code = error.status, error.code
            await _refuse(send, door, status, code, error.sentence, headers=error.headers)
        except BodyError as error:
            status, code = error.status, error.code
            await _refuse(send, door, status, code, error.reason)
        except Unavailable as error:
            status, code = 503, error.code
            await _refuse(send, door, status, code, str(error), headers={b"retry-after": b"1"})
        except Exception:
            status, code = 500, "internal_error"
            reference = door.reference()
            _LOG.exception("%s failed", reference)
            await _refuse(send, door, status, code, "the request could not be processed", reference)
        else:
            status, code = await _give(send, door, answer)
        if door.metrics is not None:
            door.metrics.request(name or "other", status, code, door.ticks() - began)

    return application


def _admit(scope: Scope, name: str, rate: RateLimit | None, now: float) -> None:
    if not name:
        raise _HttpError(404, "not_found", f"the services are {', '.join(_PATHS)}")
    if scope["method"] != "POST":
        raise _HttpError(405, "method_not_allowed", "a service takes POST only", {b"allow": b"POST"})
    if rate is not None:
        client = scope.get("client")
        pause = rate.wait(client[0] if client else "", now)
        if pause:
            raise _HttpError(
                429,
                "rate_exceeded",
                "too many requests from this address",
                {b"retry-after": b"%d" % max(1, int(pause))},
            )


async def _give(send: Send, door: DuisDoor, answer: DuisAnswer) -> tuple[int, str]:
    if answer.response is None:
        error = answer.error
        sentence = "the body is no DUIS request" if error is None else str(error)
        await _refuse(send, door, 400, answer.code, sentence, answer.reference)
        return 400, answer.code
    headers = [*_ANSWER_HEADERS, (b"content-length", b"%d" % len(answer.response))]
    if answer.reference:
        headers.append((b"x-reference", answer.reference.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.response})
    return 200, answer.code


async def _refuse(
    send: Send,
    door: DuisDoor,
    status: int,
    code: str,
    sentence: str,
    reference: str = "",
    headers: Mapping[bytes, bytes] | None = None,
) -> None:
    """One problem document, and one log line under the same reference unless the engine wrote one already."""
    if not reference:
        reference = door.reference()
        _LOG.info("%s refused with %d: %s [%s]", reference, status, sentence, code)
    octets = problem(status, code, sentence, reference)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                *_PROBLEM_HEADERS,
                *(headers or {}).items(),
                (b"content-length", b"%d" % len(octets)),
                (b"connection", b"close" if status > _LAST else b"keep-alive"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": octets})
