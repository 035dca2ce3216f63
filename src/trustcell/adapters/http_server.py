"""HTTP servers in one process: any number of applications, each on its own address, stopped together and in order."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trustcell.vocab import Unavailable

HEAD_SECONDS = 10.0
"""A connection that has not sent the head of a request by then is closed (hostile input X13)."""
STOP_SECONDS = 5
_CONNECTIONS = 1_000
_HEAD_OCTETS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Listening:
    """An application and the socket it is to answer on; ``name`` is for people."""

    name: str
    application: Any
    socket: socket.socket

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8083``."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(name: str, application: Any, host: str, port: int) -> Listening:
    """Take the address, port 0 for any free one; ``Unavailable`` when that is not possible."""
    # With the protocol named asyncio sets TCP_NODELAY; without, each answer on a kept connection takes 40 ms longer.
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(256)
    except (OSError, OverflowError) as error:
        taken.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise Unavailable(f"{name}: the address {host}:{port} cannot be used: {reason}") from None
    return Listening(name, application, taken)


def run(listening: Sequence[Listening], ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; then answer what has begun, for some seconds, and return.

    ``ready`` is called once all of them answer.
    """
    asyncio.run(_serve(listening, ready))


class _Protocol(H11Protocol):
    """Closes connections that are open but do not get to the end of a request's head."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None and self._idle():
            self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        super().data_received(data)
        if not self._idle():
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs several."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _serve(listening: Sequence[Listening], ready: Callable[[], None]) -> None:
    servers = [
        _Server(
            uvicorn.Config(
                each.application,
                http=_Protocol,
                ws="none",
                access_log=False,  # its lines would hold API keys
                log_config=None,
                server_header=False,
                limit_concurrency=_CONNECTIONS,
                h11_max_incomplete_event_size=_HEAD_OCTETS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        for each in listening
    ]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    tasks = [asyncio.create_task(server.serve([each.socket])) for server, each in zip(servers, listening, strict=True)]
    while not all(server.started for server in servers) and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    if all(server.started for server in servers):
        ready()
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop()  # one that ended by itself takes the others with it
    await asyncio.wait(tasks)
    for task in tasks:
        task.result()
