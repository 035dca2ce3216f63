"""The DSP over HTTP: the product's server in a process of its own, kept connections, callbacks received."""

import asyncio
import atexit
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks import dsp_world
from benchmarks.dsp_floor import CRITICAL, bare
from benchmarks.harness import Case, Ratio, percentiles

ROUNDS = 3
DEVICES = 1_024
_BATCH = 256
_USERS = 64
"""Connections, each with one request at a time: what makes groups of 64 possible."""

RATIOS = (
    Ratio("critical command over HTTP: share of bare calls", "critical command", "bare critical command", 0.3, True),
)


class _Users:
    """Users at the door: they send, and take what is delivered."""

    def __init__(self, asked: Sequence[bytes], sent: Sequence[bytes]) -> None:
        self.loop = asyncio.new_event_loop()
        self.work: Iterator[tuple[bytes, bytes]] = iter(list(zip(asked, sent, strict=True)))
        self.waits: list[float] = []
        self._taken = 0
        self._enough = asyncio.Event()
        self._wanted = 0
        self.url = ""

    def listen(self) -> str:
        """The address of the users' callback."""
        return self.loop.run_until_complete(self._listen())

    def run(self) -> None:
        """A batch, until its last delivery has come."""
        self.loop.run_until_complete(self._batch([next(self.work) for _ in range(_BATCH)]))

    def close(self) -> None:
        """Nobody listens any more."""
        self.loop.run_until_complete(self._runner.cleanup())
        self.loop.close()

    async def _listen(self) -> str:
        application = web.Application()
        application.router.add_post("/callback", self._take)
        runner = self._runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}/callback"

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        self._taken += 1
        if self._taken == self._wanted:
            self._enough.set()
        return web.Response()

    async def _batch(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self._enough.clear()
        self._wanted = self._taken + len(pairs)
        waiting = iter(pairs)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_USERS), headers={"Content-Type": "application/xml"}
        ) as session:
            await asyncio.gather(*(self._user(session, waiting) for _ in range(_USERS)))
            await asyncio.wait_for(self._enough.wait(), 300)

    async def _user(self, session: aiohttp.ClientSession, waiting: Iterator[tuple[bytes, bytes]]) -> None:
        for asked, sent in waiting:
            for door, octets in (("serviceT", asked), ("serviceS", sent)):
                began = time.perf_counter()
                async with session.post(f"{self.url}/api/v1/{door}", data=octets) as response:
                    answer = await response.read()
                self.waits.append(time.perf_counter() - began)
                assert response.status == 200, answer
                assert (b">I0<" if door == "serviceT" else b">I99<") in answer, answer


_MADE: list[_Users] = []


def cases(shared: Path) -> list[Case]:
    """The server makes the same devices as this side, which signs everything beforehand. Nothing of ``shared``."""
    folder = Path(tempfile.mkdtemp(prefix="trustcell-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    users = _Users(*dsp_world.both_halves(dsp_world.make_world("sqlite://", DEVICES), (ROUNDS + 1) * _BATCH))
    callback = users.listen()
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.dsp_server", str(folder), str(DEVICES), callback],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    assert server.stdin is not None
    atexit.register(server.wait, 30)
    atexit.register(server.stdin.close)
    users.url = server.stdout.readline().strip()
    assert users.url.startswith("http"), "the server did not start"
    _MADE[:] = [users]
    atexit.register(users.close)
    return [
        Case("critical command", users.run, _BATCH),
        Case("bare critical command", bare(CRITICAL, _BATCH), _BATCH),
    ]


def notes() -> Iterator[str]:
    """What users wait for."""
    for users in _MADE:
        yield f"synchronous answers, {_USERS} connections: {percentiles(users.waits)}"
