"""A DSP made from a lab, ready for its doors: books, devices, engine, deliveries, and what an operator may do."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from trustcell import duis
from trustcell.adapters.clock import system_now_exact, system_random
from trustcell.adapters.directory import RepositoryDirectory
from trustcell.adapters.dsp_store import SqlHomes, open_homes
from trustcell.adapters.han_store import SqlEstateStore
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.keyfiles import KeyFile
from trustcell.app.desk import HomeDesk, LocalDesk
from trustcell.app.doors import UserEntry
from trustcell.app.dsp_books import books_of
from trustcell.app.dsp_lab import LabFile, LabParties, take_in
from trustcell.app.engine import Deliveries, Engine
from trustcell.app.front import Behind
from trustcell.app.lab import read_lab
from trustcell.app.lab_repository import LAB_SEED
from trustcell.app.metrics import Metrics
from trustcell.app.operating import DspOperator, IssueCertificates
from trustcell.app.users import USERS_FILE, UserBook
from trustcell.devices import CertificateSource, Estate, Fleet, VirtualWan
from trustcell.dsp import Policy, Reported, RequestManager
from trustcell.smki.service.repository import Repository
from trustcell.vocab import DeviceType, Eui64

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class ServedDsp:
    """A DSP at work, what its doors need besides, and its devices; those are for the engine's thread (``call``)."""

    engine: Engine
    operator: DspOperator
    behind: Behind
    wan: VirtualWan


@dataclass(frozen=True, slots=True)
class LabSettings:
    """Where a lab's DSP keeps its books (``None``: nowhere), where responses go, and its clock (``None``: now).

    ``database`` is another SQLite file for the books; the devices are kept beside it.
    """

    folder: Path | None = None
    callback: str | None = None
    clock: Clock | None = None
    seal: Callable[[bytes], bytes] | None = None
    policy: Policy | None = None
    schema: duis.Schema | None = None
    database: Path | None = None


@contextmanager
def lab_dsp(
    lab: Path,
    keys: KeyFile,
    repository: Repository,
    repository_clock: Clock,
    settings: LabSettings,
    issue: IssueCertificates,
    certificates: CertificateSource | None = None,
) -> Iterator[ServedDsp]:
    """The DSP of a lab over its repository. The first start makes what the file describes; later ones find it."""
    clock = settings.clock or system_now_exact
    file = LabFile(lab, read_lab(lab), keys, certificates)
    parties = file.parties(settings.callback)
    folder = settings.folder
    with ExitStack() as stack:
        books = books_of(folder, settings.seal)
        if settings.database is not None:
            books = replace(books, url=_url(settings.database))
        homes = open_homes(books)
        stack.callback(homes.close)
        devices = _devices_file(settings)
        estate_store = None if devices is None else SqlEstateStore(_url(devices))
        if estate_store is not None:
            stack.callback(estate_store.close)
        wan = VirtualWan(estate_of(file, homes, estate_store, clock()), estate_store)
        users = UserBook.open(None if folder is None else folder / USERS_FILE, entries_of(parties))
        fleet = wan.estate.book.fleets[""]
        directory = RepositoryDirectory(
            repository, users.users, users.callbacks, repository_clock, partial(made_with, fleet)
        )
        managers = {}
        for home in homes.names():
            store = homes.take(home, "serve", clock())
            managers[home] = RequestManager(
                store,
                directory,
                parties.broker,
                parties.transitional_cos,
                HanWan(wan),
                settings.policy,
                settings.schema,
            )
        now = clock()
        if homes.views.devices(None, None, 1) == []:
            for work in file.works(wan.estate, now):
                take_in(managers[homes.home_of(work.device)].store, [work], now)
        engine = Engine(managers, lambda octets: homes.names()[0], clock)
        desk = LocalDesk(engine.call, lambda of: HomeDesk(engine.manager(homes.names()[0]), clock))
        operator = DspOperator(desk, engine.call, homes, users, wan, clock, issue)
        engine.start()
        stack.callback(engine.stop)
        outbox, views = Deliveries(engine), homes.views
        yield ServedDsp(
            engine, operator, Behind(engine, views, operator, outbox, directory.callback, clock, system_random), wan
        )


def gauges(metrics: Metrics, engine: Engine) -> None:
    """What waits in a DSP, for whoever looks."""
    metrics.gauge("queue_requests", "Requests that wait for their group", lambda: engine.waiting()["requests"])
    metrics.gauge("outbox_open_commands", "Commands without an answer", lambda: engine.waiting()["commands"])


async def woken_by(engine: Engine, wake: Callable[[], None], stopping: asyncio.Event) -> None:
    """Beside the servers: deliveries are looked for as soon as the engine may have made some."""
    loop = asyncio.get_running_loop()

    def woken() -> None:
        loop.call_soon_threadsafe(wake)

    engine.listen(woken)
    try:
        await stopping.wait()
    finally:
        engine.listen(None)


def made_with(fleet: Fleet, device_type: DeviceType) -> Collection[Reported]:
    """What the cells of a new device of a type hold: the current pack of a lab."""
    occupants = fleet.pack.occupants.get(device_type, {})
    return {Reported(held.entity, held.key_id, cell.key_usage) for cell, held in occupants.items()}


def estate_of(file: LabFile, homes: SqlHomes, store: SqlEstateStore | None, now: datetime) -> Estate:
    """The devices as they were left, or as the file describes them."""
    if store is not None and homes.views.devices(None, None, 1):
        return Estate.load({"": file.fleet(LAB_SEED)}, LAB_SEED, store)
    return file.estate(LAB_SEED, now)


def entries_of(parties: LabParties) -> dict[Eui64, UserEntry]:
    """The users of a lab with their addresses."""
    return {
        entity: UserEntry(entity, frozenset(user.roles), user.status, parties.callbacks.get(entity))
        for entity, user in parties.users.items()
    }


def _devices_file(settings: LabSettings) -> Path | None:
    if settings.database is not None:
        return settings.database.with_name(f"{settings.database.stem}-han.db")
    return None if settings.folder is None else settings.folder / "han.db"


def _url(file: Path | None) -> str:
    return "sqlite://" if file is None else f"sqlite:///{file.absolute()}"


__all__ = ["LabSettings", "ServedDsp", "entries_of", "estate_of", "gauges", "lab_dsp", "made_with", "woken_by"]
