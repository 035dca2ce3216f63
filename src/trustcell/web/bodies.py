"""Bodies of requests: bounded in size and time, never compressed (hostile inputs X13, A11)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from trustcell.web.limits import Budget

XML, JSON = "application/xml", "application/json"
MAX_BODY_OCTETS = 64 * 1024
"""The longest request of the repository has some two hundred octets."""
MAX_DISCARDED_OCTETS = 8 * 1024 * 1024
"""So much of a body that is too long is still read, so that its sender can hear why it is refused."""
BODY_SECONDS = 5.0
BODY_CUT = "trustcell.body_cut"
"""Set in the scope by a server that saw the sender leave before the body was whole."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_SMALL = 64 * 1024
_IDENTITY = ("", "identity")


class BodyError(Exception):
    """The body was not taken: HTTP status, machine code, reason."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        """Keep all three."""
        super().__init__(status, code, reason)
        self.status, self.code, self.reason = status, code, reason


async def read_xml(request: Request, *, limit: int = MAX_BODY_OCTETS, seconds: float = BODY_SECONDS) -> bytes:
    """The octets of an ``application/xml`` body; raises ``BodyError``, 401 for one that is too long (smki.md 5.2)."""
    try:
        return await read_body(request.scope, request.receive, request.headers, kind=XML, limit=limit, seconds=seconds)
    except BodyError as error:
        if error.status != 413:
            raise
        raise BodyError(401, "xml_limit_exceeded", error.reason) from None


async def read_body(
    scope: MutableMapping[str, Any],
    receive: Receive,
    headers: Mapping[str, str],
    *,
    kind: str,
    limit: int,
    seconds: float = BODY_SECONDS,
    budget: Budget | None = None,
) -> bytes:
    """The octets of a body of one media type, whole and in time; raises ``BodyError`` or ``ClientDisconnect``."""
    if headers.get("content-encoding", "").strip().lower() not in _IDENTITY:
        raise BodyError(415, "content_encoding_unsupported", "the body has to be sent as it is")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise BodyError(415, "content_type_unsupported", f"Content-Type {kind} was expected")
    declared = headers.get("content-length")
    length = int(declared) if declared is not None and declared.isdecimal() else None
    if length is not None and length > limit + MAX_DISCARDED_OCTETS:
        raise _too_long(limit)
    held = _Held(budget)
    try:
        async with asyncio.timeout(seconds):
            body = await _collect(receive, limit, held)
    except TimeoutError:
        raise BodyError(408, "body_too_slow", f"the body has to arrive within {seconds:g} seconds") from None
    finally:
        held.release()
    if scope.get(BODY_CUT) or (length is not None and len(body) < length):
        raise BodyError(400, "body_incomplete", "the body ended before the announced length")
    return body


async def _collect(receive: Receive, limit: int, held: "_Held") -> bytes:
    message = await _next(receive)
    if not message.get("more_body") and len(message.get("body", b"")) <= limit:
        return bytes(message.get("body", b""))  # nearly all bodies come in one piece
    kept, total = bytearray(), 0
    while True:
        chunk = message.get("body", b"")
        total += len(chunk)
        if total <= limit:
            held.grow(total)
            kept += chunk
        if total > limit + MAX_DISCARDED_OCTETS or (not message.get("more_body") and total > limit):
            raise _too_long(limit)
        if not message.get("more_body"):
            return bytes(kept)
        message = await _next(receive)


async def _next(receive: Receive) -> MutableMapping[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


def _too_long(limit: int) -> BodyError:
    return BodyError(413, "body_too_large", f"a request has at most {limit} octets")


class _Held:
    """What one long body has taken of the budget while it is being read."""

    def __init__(self, budget: Budget | None) -> None:
        self._budget, self._taken = budget, 0

    def grow(self, total: int) -> None:
        if self._budget is None or total <= max(self._taken, _SMALL):
            return
        wanted = max(total, 2 * self._taken) - self._taken
        if not self._budget.take(wanted):
            raise BodyError(503, "busy", "too many large requests are being read")
        self._taken += wanted

    def release(self) -> None:
        if self._budget is not None:
            self._budget.give_back(self._taken)
        self._taken = 0
