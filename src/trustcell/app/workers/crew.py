"""The processes of the workers: started with the socket of the doors, started again when one dies, stopped in order."""

import asyncio
import logging
import multiprocessing
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from trustcell.app.workers.plan import WorkerPlan
from trustcell.app.workers.worker import work
from trustcell.vocab import Unavailable

_LOG = logging.getLogger("trustcell.workers")
_READY_SECONDS, _STOP_SECONDS = 180.0, 15.0
_LOOK = 0.1
_PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Before a worker that died is started again, by how often that happened in a row."""
_LIVED = 30.0
"""Seconds after which a worker that dies is not the same trouble as before."""


@dataclass(slots=True)
class _Member:
    """A worker as its process is now."""

    plan: WorkerPlan
    process: multiprocessing.process.BaseProcess
    ready: Connection
    began: float
    died: int = 0
    again_at: float | None = None


class Crew:
    """The workers of one service."""

    def __init__(self, plans: Sequence[WorkerPlan], taken: socket.socket) -> None:
        """Start them; ``taken`` is the listening socket they share."""
        self._context = multiprocessing.get_context("spawn")
        self._taken = taken
        self._members = [self._started(plan) for plan in plans]

    def wait(self) -> None:
        """Until all of them answer; ``Unavailable`` when one cannot."""
        end = time.monotonic() + _READY_SECONDS
        for member in self._members:
            while not member.ready.poll(_LOOK):
                if not member.process.is_alive() or time.monotonic() > end:
                    raise Unavailable(f"worker {member.plan.place.number} did not start; the log says why")
            try:
                member.ready.recv()
            except EOFError:
                raise Unavailable(f"worker {member.plan.place.number} did not start; the log says why") from None

    async def watch(self, stopping: asyncio.Event) -> None:
        """Start again who dies, until ``stopping``."""
        while not stopping.is_set():
            for index, member in enumerate(self._members):
                self._members[index] = self._looked_after(member)
            try:
                await asyncio.wait_for(stopping.wait(), _LOOK)
            except TimeoutError:
                continue

    def processes(self) -> dict[int, int]:
        """The process id of each worker that lives."""
        return {
            each.plan.place.number: each.process.pid
            for each in self._members
            if each.process.pid is not None and each.process.is_alive()
        }

    def stop(self) -> None:
        """Ask all of them to end, and end whoever does not."""
        for member in self._members:
            if member.process.is_alive():
                member.process.terminate()
        end = time.monotonic() + _STOP_SECONDS
        for member in self._members:
            member.process.join(max(end - time.monotonic(), 0.0))
            if member.process.is_alive():
                _LOG.warning("worker %d did not stop in time", member.plan.place.number)
                member.process.kill()
                member.process.join()
            member.process.close()
            member.ready.close()

    def _looked_after(self, member: _Member) -> _Member:
        if member.process.is_alive():
            return member
        number, now = member.plan.place.number, time.monotonic()
        if member.again_at is None:
            member.died = member.died + 1 if now - member.began < _LIVED else 1
            pause = _PAUSES[min(member.died, len(_PAUSES)) - 1]
            member.again_at = now + pause
            _LOG.error("worker %d has ended with %s; again in %g s", number, member.process.exitcode, pause)
        if now < member.again_at:
            return member
        member.ready.close()
        member.process.close()
        started = self._started(member.plan)
        started.died = member.died
        return started

    def _started(self, plan: WorkerPlan) -> _Member:
        listening, telling = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=work, args=(plan, self._taken, telling), name=f"worker-{plan.place.number}", daemon=True
        )
        # Ctrl-C reaches every process of the terminal; workers stop when they are told to, in order.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        telling.close()
        return _Member(plan, process, listening, time.monotonic())
