"""A worker process: the DUIS services at the socket it was given, and the DSP for the homes it can hold."""

import asyncio
import logging
import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from trustcell.adapters import http_server
from trustcell.adapters.clock import system_random
from trustcell.adapters.directory import RepositoryDirectory
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, open_homes
from trustcell.adapters.http_client import Poster
from trustcell.adapters.keyfiles import read_key_files
from trustcell.adapters.wan_tables import TableWan
from trustcell.adapters.worker_link import serve_link
from trustcell.app.deliverer import Deliverer
from trustcell.app.doors import DuisDoor
from trustcell.app.dsp_books import ENVIRONMENT
from trustcell.app.dsp_lab import LabFile, LabParties
from trustcell.app.dsp_serving import made_with
from trustcell.app.engine import Deliveries, Engine
from trustcell.app.lab import read_lab
from trustcell.app.lab_repository import LAB_SEED, beside_lab
from trustcell.app.logs import configure_logs
from trustcell.app.metrics import Metrics
from trustcell.app.serve import duis_listening
from trustcell.app.settings import official_schema
from trustcell.app.steady import settle_in
from trustcell.app.users import USERS_FILE, WatchedUsers
from trustcell.app.workers.holding import Holding
from trustcell.app.workers.plan import WorkerPlan
from trustcell.app.workers.serving import Answering, WorkerEngine
from trustcell.dsp import RequestManager, partition
from trustcell.vocab import TrustcellError

_LOG = logging.getLogger("trustcell.workers")


def work(plan: WorkerPlan, taken: socket.socket, ready: Connection) -> None:
    """The whole life of a worker; ``ready`` hears once that it answers and holds what is meant for it."""
    configure_logs(as_json=plan.log_json)
    try:
        with _opened(plan) as opened:
            settle_in()
            if not uvloop.run(_serve(plan, opened, taken, ready)):
                sys.exit(1)
    except TrustcellError as error:
        _LOG.error("worker %d has stopped: %s", plan.place.number, error)
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a worker opens for as long as it lives."""

    plan: WorkerPlan
    books: SqlHomes
    directory: RepositoryDirectory
    parties: LabParties

    def engine(self, home: str, store: SqlHome, failed: Callable[[], None]) -> Engine:
        """The DSP of one home, ready to start."""
        plan, clock = self.plan, self.plan.times.dsp_clock
        ordinal = list(self.books.names()).index(home)
        wan = TableWan(plan.database, ordinal, store.epoch, partition, time.sleep)
        broker, cos = self.parties.broker, self.parties.transitional_cos
        manager = RequestManager(store, self.directory, broker, cos, wan, plan.policy, official_schema())
        engine = Engine({home: manager}, lambda octets: home, clock, ended=failed)
        engine.start()
        return engine


@contextmanager
def _opened(plan: WorkerPlan) -> Iterator[_Opened]:
    file = LabFile(plan.lab, read_lab(plan.lab), read_key_files(plan.keys))
    users = WatchedUsers(plan.folder / USERS_FILE)
    with beside_lab(plan.folder) as (repository, seal):
        books = open_homes(Books(plan.database, ENVIRONMENT, seal, plan.heads))
        try:
            defaults = partial(made_with, file.fleet(LAB_SEED))
            clock = plan.times.repository_clock
            directory = RepositoryDirectory(repository, users.users, users.callbacks, clock, defaults)
            yield _Opened(plan, books, directory, file.parties(plan.callback))
        finally:
            books.close()


async def _serve(plan: WorkerPlan, opened: _Opened, taken: socket.socket, ready: Connection) -> bool:
    """Serve until told to stop, or until a home is lost; whether it was told."""
    loop = asyncio.get_running_loop()
    told, failed, delivered = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    parent = multiprocessing.parent_process()
    if parent is not None:  # without it nobody would end this process
        loop.add_reader(parent.sentinel, told.set)
    clock, metrics = plan.times.dsp_clock, Metrics(CollectorRegistry())
    way = Poster(plan.rules.may_connect, plan.callback_seconds)
    deliveries: list[asyncio.Task[None]] = []

    def deliver(engine: Engine) -> None:
        deliverer = Deliverer(Deliveries(engine), way, opened.directory.callback, clock, metrics=metrics)
        engine.listen(lambda: _from_thread(loop, deliverer.wake))
        task = asyncio.create_task(deliverer.run(delivered))
        task.add_done_callback(lambda ended: failed.set() if not ended.cancelled() and ended.exception() else None)
        deliveries.append(task)

    lost = partial(_from_thread, loop, failed.set)
    holding = Holding(opened.books, plan.place, lambda home, store: opened.engine(home, store, lost), deliver, clock)
    engine = WorkerEngine(holding, plan.place.path, opened.books.home_of)
    answering = Answering(holding, engine, metrics, clock)
    listening = duis_listening(DuisDoor(engine, clock, system_random, metrics=metrics), taken, plan.tls)

    async def answer(stopping: asyncio.Event) -> None:
        await serve_link(Path(plan.place.path), answering.answer, stopping)

    async def tell(stopping: asyncio.Event) -> None:
        await _first(holding.settled, stopping)
        with suppress(OSError):  # nobody may be listening any more
            ready.send(holding.settled.is_set())
        ready.close()
        await stopping.wait()

    async def last(_: asyncio.Event) -> None:
        await _first(failed, told)

    async with way:
        try:
            await http_server.serve([listening], lambda: None, [answer, holding.run, tell, last], signals=False)
        finally:
            delivered.set()
            await asyncio.gather(*deliveries, return_exceptions=True)
            await holding.stop()
            await engine.close()
    return not failed.is_set()


def _from_thread(loop: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(act)


async def _first(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
