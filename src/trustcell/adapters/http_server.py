"""HTTP servers in one process: any number of applications, each on its own address, stopped together and in order."""

import asyncio
import contextlib
import signal
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trustcell.adapters.http_protocol import DEFAULT_LIMITS, HEAD_SECONDS, Limits, guarded_protocol
from trustcell.vocab import Unavailable

STOP_SECONDS = 5

Work = Callable[[asyncio.Event], Awaitable[None]]
"""What runs beside the servers, in their loop, until the event is set; then it has ``STOP_SECONDS`` to end."""


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's certificate and key in PEM; with ``client_authorities`` every client has to show a certificate."""

    certificate: Path
    key: Path
    client_authorities: Path | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """An application and the socket it is to answer on; ``name`` is for people."""

    name: str
    application: Any
    socket: socket.socket
    tls: ssl.SSLContext | None = None
    limits: Limits = DEFAULT_LIMITS

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8083``."""
        host, port = self.socket.getsockname()[:2]
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def listen(
    name: str, application: Any, host: str, port: int, tls: Tls | None = None, limits: Limits = DEFAULT_LIMITS
) -> Listening:
    """Take the address, port 0 for any free one; ``Unavailable`` when that is not possible."""
    context = tls_context(name, tls)
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
    return Listening(name, application, taken, context, limits)


def run(listening: Sequence[Listening], ready: Callable[[], None], work: Sequence[Work] = ()) -> None:
    """Serve until SIGINT or SIGTERM; then answer what has begun, for some seconds, and return.

    ``ready`` is called once all of them answer. A ``work`` that fails stops everything, and its error is raised.
    """
    uvloop.run(serve(listening, ready, work))


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs several."""

    def __init__(self, config: uvicorn.Config, protocol: type[HttpToolsProtocol]) -> None:
        super().__init__(config)
        self._protocol = protocol

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the library does it for given sockets, but a TLS handshake ends as soon as the head of a request must."""
        config = self.config

        def protocol() -> asyncio.Protocol:
            return self._protocol(config, self.server_state, {})

        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                protocol,
                sock=each,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=HEAD_SECONDS if config.ssl else None,
            )
            for each in sockets or ()
        ]
        self.started = True


def _server(listening: Listening) -> _Server:
    context = listening.tls
    protocol = guarded_protocol(listening.limits, Counter())
    config = uvicorn.Config(
        listening.application,
        http=protocol,
        ws="none",
        lifespan="off",
        access_log=False,  # its lines would hold API keys
        log_config=None,
        server_header=False,
        limit_concurrency=listening.limits.connections,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
    return _Server(config, protocol)


async def serve(
    listening: Sequence[Listening], ready: Callable[[], None], work: Sequence[Work] = (), *, signals: bool = True
) -> None:
    """What ``run`` does, inside a loop that is there; without ``signals`` it ends when a ``work`` ends."""
    servers = [_server(each) for each in listening]
    stopping = asyncio.Event()

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM) if signals else ():
        loop.add_signal_handler(number, stop)
    works = [asyncio.ensure_future(each(stopping)) for each in work]
    tasks = [asyncio.create_task(server.serve([each.socket])) for server, each in zip(servers, listening, strict=True)]
    while not all(server.started for server in servers) and not any(task.done() for task in (*tasks, *works)):
        await asyncio.sleep(0.01)
    if all(server.started for server in servers):
        ready()
    await asyncio.wait([*tasks, *works], return_when=asyncio.FIRST_COMPLETED)
    stop()  # one that ended by itself takes the others with it
    await asyncio.wait(tasks)
    stopping.set()  # after the last answer, for answers may need what runs beside them
    if works:
        _, late = await asyncio.wait(works, timeout=STOP_SECONDS)
        for each in late:
            each.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    for task in tasks:
        task.result()
    for each in works:
        if not each.cancelled():
            each.result()


def tls_context(name: str, tls: Tls | None) -> ssl.SSLContext | None:
    """The context of a server's certificate and key, if it has them; ``Unavailable`` when they cannot be used."""
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_authorities is not None:
            context.load_verify_locations(tls.client_authorities)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "it cannot be read"
        raise Unavailable(f"{name}: certificate or key for TLS cannot be used: {reason}") from None
    return context
