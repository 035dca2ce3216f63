"""A lab served by several processes over one PostgreSQL: this one has the sockets, the HAN, the repository, the API."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from trustcell.adapters import http_server
from trustcell.adapters.clock import system_now, system_random
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, open_homes
from trustcell.adapters.han_store import SqlEstateStore
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.keyfiles import read_key_files
from trustcell.adapters.wan_tables import WanPump, make_wan_tables
from trustcell.adapters.worker_link import Link
from trustcell.app.callbacks import CallbackRules, read_callback
from trustcell.app.dsp_books import ENVIRONMENT
from trustcell.app.dsp_lab import LabFile, take_in
from trustcell.app.dsp_serving import entries_of, estate_of
from trustcell.app.front import BehindApi, api_door
from trustcell.app.lab import read_lab
from trustcell.app.lab_repository import left_out, open_lab
from trustcell.app.lab_serving import LabOptions, OpenedLab, host_of, pages_of
from trustcell.app.metrics import Metrics
from trustcell.app.operating import DspOperator
from trustcell.app.serve import api_service
from trustcell.app.tokens import TOKENS_FILE
from trustcell.app.users import USERS_FILE, UserBook
from trustcell.app.workers.crew import Crew
from trustcell.app.workers.han_host import HanHost
from trustcell.app.workers.holding import Place
from trustcell.app.workers.plan import Times, WorkerPlan
from trustcell.app.workers.remote import RemoteDesk, Workers
from trustcell.devices import VirtualWan
from trustcell.dsp import Work
from trustcell.vocab import Unavailable

_HELD_FOR = timedelta(seconds=12)
"""How long homes of a service that was killed are waited for: a lease and a little."""


@contextmanager
def opened_workers(options: LabOptions, database: str) -> Iterator[OpenedLab]:
    """Open a lab with ``options.workers`` processes on a PostgreSQL; all of them answer once it is open.

    Raises as ``opened_lab`` does, and ``Unavailable`` (``lease_held``, ``han_held``) when another service uses the
    database.
    """
    lab_file = options.lab
    assert lab_file is not None
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustcell-lab-")))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lab = stack.enter_context(open_lab(lab_file, options.keys, options.at, folder))
        door = lab.door
        times = Times.of(door.clock(), options.at, system_now())
        clock = times.dsp_clock
        rules = CallbackRules(frozenset(() if options.callback is None else (host_of(options.callback),)), lab=True)
        callback = None if options.callback is None else read_callback(options.callback, rules)
        heads = None if options.folder is None else folder / "dsp-heads"
        file = LabFile(lab_file, read_lab(lab_file), read_key_files(options.keys), lab.certificate)
        users = UserBook.open(folder / USERS_FILE, entries_of(file.parties(callback)))
        users.keep()
        books = open_homes(Books(database, ENVIRONMENT, lab.seal, heads, options.workers))
        stack.callback(books.close)
        make_wan_tables(database)
        devices = SqlEstateStore(database)
        stack.callback(devices.close)
        wan = VirtualWan(estate_of(file, books, devices, clock()), devices)
        han = HanHost(WanPump(database, HanWan(wan), lambda eui: int(books.home_of(eui))), clock)
        stack.callback(han.stop)
        han.start()
        _set_up(books, lambda: file.works(wan.estate, clock()), clock)
        # The path of a Unix socket is short.
        run = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustcell-")))
        front = replace(
            options.front,
            tokens=options.front.tokens or (None if options.folder is None else folder / TOKENS_FILE),
            callbacks=rules,
            console=pages_of(options, door),
        )
        places = [Place(number, options.workers, str(run / f"worker-{number}")) for number in range(options.workers)]
        plans = [
            WorkerPlan(
                place, database, folder, heads, lab_file, options.keys, callback, times, rules, front.callback_seconds,
                front.tls, options.log_json, options.policy,
            )
            for place in places
        ]  # fmt: skip
        duis = http_server.listen("duis", None, front.host, front.duis_port, front.tls)
        stack.callback(duis.socket.close)
        crew = Crew(plans, duis.socket)
        stack.callback(crew.stop)
        crew.wait()
        links = {place.path: Link(place.path) for place in places}
        workers = Workers(books, places, links, han)
        operator = DspOperator(RemoteDesk(books, links), han.call, books, users, wan, clock, lab.issue)
        metrics = Metrics(CollectorRegistry())
        metrics.show(workers.metrics)
        api = api_door(front, BehindApi(workers, books.views, operator, clock, system_random), metrics)
        gone = [f"left out {text}" for text in left_out(lab.imported)]
        services = [api_service(api, front.host, front.api_port)]
        yield OpenedLab(door, gone, services, [crew.watch, workers.run], urls={duis.name: duis.url})


def _set_up(books: SqlHomes, works: Callable[[], Sequence[Work]], clock: Callable[[], datetime]) -> None:
    """Give new books what the lab describes. Afterwards every home is free for the worker it is meant for."""
    homes = {home: _taken(books, home, clock) for home in books.names()}
    now = clock()
    if books.views.devices(None, None, 1) == []:
        for work in works():
            take_in(homes[books.home_of(work.device)], [work], now)
    for store in homes.values():
        store.release(now)


def _taken(books: SqlHomes, home: str, clock: Callable[[], datetime]) -> SqlHome:
    end = clock() + _HELD_FOR
    while True:
        try:
            return books.take(home, "set-up", clock())
        except Unavailable as error:
            if error.code != "lease_held" or clock() > end:
                raise
        time.sleep(0.5)
