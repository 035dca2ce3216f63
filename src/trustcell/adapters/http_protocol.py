"""One HTTP connection with bounds: time and size of a request's head, connections of one client, ends of bodies."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""A connection that has not sent the head of a request by then is closed (hostile input X13)."""
BODY_CUT = "trustcell.body_cut"
"""In the scope of a request whose sender ended the connection before the body was whole."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one address: open connections in all and of one client, octets of a request's head."""

    connections: int = 1_000
    connections_per_client: int = 256
    head_octets: int = 16 * 1024


DEFAULT_LIMITS = Limits()


class HeadTooLargeError(Exception):
    """The head of a request is longer than it may be."""


def guarded_protocol(limits: Limits, per_client: Counter[str]) -> type[HttpToolsProtocol]:
    """A protocol for one address; ``per_client`` counts its open connections by client."""

    class Guarded(_Guarded):
        _limits = limits
        _per_client = per_client

    return Guarded


class _Guarded(HttpToolsProtocol):
    """Closes connections that do not get to the end of a request's head, and refuses heads and crowds too large."""

    _limits: Limits
    _per_client: Counter[str]
    _waiting: asyncio.TimerHandle | None = None
    _head_octets = 0
    _in_head = False
    _counted: str | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        client = self.client[0] if self.client else ""
        if self._per_client[client] >= self._limits.connections_per_client:
            self._refuse(b"429 Too Many Requests", b"too many connections from this address")
            return
        self._per_client[client] += 1
        self._counted = client
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._counted is not None:
            self._per_client[self._counted] -= 1
            if not self._per_client[self._counted]:
                del self._per_client[self._counted]
            self._counted = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._waiting is None and self._idle():
            self._wait()
        super().data_received(data)
        if self._in_head:  # a head within one piece was counted field by field
            self._head_octets += len(data)
            if self._head_octets > self._limits.head_octets and not self.transport.is_closing():
                self._refuse(b"431 Request Header Fields Too Large", b"the head of the request is too long")

    def eof_received(self) -> Any:
        """The sender has nothing more to say; what has begun is still answered."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or self.scheme == "https":
            return None
        cycle.keep_alive = False
        if cycle.more_body:
            cast(dict[str, Any], cycle.scope)[BODY_CUT] = True
            cycle.more_body = False
            cycle.message_event.set()
        return True

    def send_400_response(self, msg: str) -> None:
        """What was asked on this connection and not answered yet is not asked any more."""
        for cycle in (self.cycle, *(each for each, _ in self.pipeline)):
            if cycle is not None and not cycle.response_started:
                cycle.disconnected = True
                cycle.message_event.set()
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_octets = True, 0

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value) + 4)  # colon, space, end of line
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._head_octets = False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def _grow(self, octets: int) -> None:
        self._head_octets += octets
        if self._head_octets > self._limits.head_octets:
            raise HeadTooLargeError  # the parser's caller answers 400 and closes

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: bytes, reason: bytes) -> None:
        head = (
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head % (status, len(reason)) + reason)
        self.transport.close()
