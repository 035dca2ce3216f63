"""Doors in this process over a real socket, with an engine that tells what it was given."""

import contextlib
import http.client
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvloop

from trustcell.adapters import http_server
from trustcell.adapters.http_protocol import DEFAULT_LIMITS
from trustcell.app.doors import DuisAnswer, DuisDoor, DuisLimits
from trustcell.vocab import WireError
from trustcell.web import duis_app

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
XML = {"Content-Type": "application/xml"}


class Engine:
    """Answers with what came, so that a test sees which octets reached it through which door."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, str]] = []
        self.error: Exception | None = None
        self.states = {"store": "ok"}

    async def submit(self, octets: bytes, door: str) -> DuisAnswer:
        if self.error is not None:
            raise self.error
        self.seen.append((octets, door))
        if not octets.startswith(b"<"):
            error = WireError(0, "", "an XML document was expected", "xml_not_well_formed")
            return DuisAnswer(None, error.code, "1709283600-engine", error)
        code = octets[1:].partition(b"/")[0].decode()
        return DuisAnswer(b"<sr:Response>" + code.encode() + b"</sr:Response>", code, "1709283600-engine")

    def health(self):
        return self.states


class Numbers:
    """Octets that differ from call to call, for references."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, size: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(size, "big")


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Door:
    engine: Engine
    port: int
    door: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method="POST", path="/api/v1/serviceS", body=b"", headers=None) -> Reply:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, XML if headers is None else headers)
            return reply(connection.getresponse())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)


def reply(response: http.client.HTTPResponse) -> Reply:
    found = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, found, response.read())


@contextlib.contextmanager
def served(application, limits=DEFAULT_LIMITS, tls=None, work=()):
    """Serve an application from a thread of its own; yields the port."""
    import asyncio

    listening = http_server.listen("test", application, "127.0.0.1", 0, tls, limits)
    ready, ending = threading.Event(), threading.Event()

    async def end(stopping):
        while not ending.is_set() and not stopping.is_set():
            await asyncio.sleep(0.01)

    failed: list[BaseException] = []

    def run():
        try:
            uvloop.run(http_server.serve([listening], ready.set, [end, *work], signals=False))
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(15)
        yield listening.socket.getsockname()[1]
    finally:
        ending.set()
        thread.join(20)
        assert not thread.is_alive()
    assert not failed


@contextlib.contextmanager
def duis_door(limits: DuisLimits | None = None, server=DEFAULT_LIMITS, tls=None, **facts):
    engine = Engine()
    door = DuisDoor(engine, lambda: NOW, Numbers(), limits or DuisLimits(), **facts)
    with served(duis_app(door), server, tls) as port:
        yield Door(engine, port, door)
