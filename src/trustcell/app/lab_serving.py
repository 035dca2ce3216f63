"""Everything that ``trustcell serve --lab`` opens: repository, DSP, virtual devices, and the doors to them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from trustcell.adapters.clock import system_now_exact, system_random
from trustcell.adapters.keyfiles import read_key_files
from trustcell.adapters.store.engine import file_of, readable
from trustcell.app.accounts import AccountBook
from trustcell.app.callbacks import CallbackRules, read_callback
from trustcell.app.console import ConsoleDoor, authority_in, oidc_of_settings
from trustcell.app.doors import ApiDoor
from trustcell.app.dsp_serving import LabSettings, ServedDsp, gauges, lab_dsp, woken_by
from trustcell.app.front import Front, open_front
from trustcell.app.lab_clock import CLOCK_FILE, LabClock
from trustcell.app.lab_repository import left_out, open_lab
from trustcell.app.serve import Clock, RepositoryDoor, Service, Work, running_clock
from trustcell.app.settings import official_schema
from trustcell.app.tokens import TOKENS_FILE
from trustcell.dsp import Policy


@dataclass(frozen=True, slots=True)
class LabOptions:
    """What somebody asked for. Without ``lab`` there is a repository and no DSP; ``folder`` keeps everything.

    ``clock`` is the DSP's in place of the machine's (in one process), ``policy`` in place of its usual choices.
    ``database`` is where the DSP keeps its books instead; on PostgreSQL ``workers`` processes share them. Without
    ``accounts`` there is no console; ``duis_url`` tells its departures where this lab answers.
    """

    lab: Path | None
    keys: tuple[Path, ...] = ()
    at: datetime | None = None
    folder: Path | None = None
    callback: str | None = None
    front: Front = field(default_factory=Front)
    clock: Clock | None = None
    policy: Policy | None = None
    database: str | None = None
    workers: int = 1
    log_json: bool = False
    accounts: AccountBook | None = None
    duis_url: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class OpenedLab:
    """The repository's door, the services of the DSP, and what runs beside the servers.

    ``urls`` are the addresses of services that other processes answer.
    """

    repository: RepositoryDoor
    left_out: list[str]
    services: list[Service]
    work: list[Work]
    dsp: ServedDsp | None = None
    urls: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def opened_lab(options: LabOptions) -> Iterator[OpenedLab]:
    """Open a lab. Raises ``WireError`` for a file that is not as it should be, ``Unavailable`` for books that are not.

    The repository's clock shows a moment at which the public certificates are valid, that of the DSP shows now, since
    clients count in milliseconds of now; ``at`` sets both.
    """
    folder = options.folder
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        lab = stack.enter_context(open_lab(options.lab, options.keys, options.at, folder))
        gone = [f"left out {text}" for text in left_out(lab.imported)]
        if options.lab is None:
            yield OpenedLab(lab.door, gone, [], [])
            return
        allowed = frozenset() if options.callback is None else frozenset({host_of(options.callback)})
        rules = CallbackRules(allowed, lab=True)
        base = options.clock or (system_now_exact if options.at is None else running_clock(options.at))
        clock = LabClock(base, None if folder is None else folder / CLOCK_FILE)
        settings = LabSettings(
            folder,
            None if options.callback is None else read_callback(options.callback, rules),
            clock,
            lab.seal,
            options.policy,
            schema=official_schema(),
            database=None if options.database is None else file_of(readable(options.database)),
        )
        door = lab.door
        dsp = stack.enter_context(
            lab_dsp(
                options.lab,
                read_key_files(options.keys),
                door.repository,
                door.clock,
                settings,
                lab.issue,
                lab.certificate,
            )
        )
        tokens = options.front.tokens or (None if folder is None else folder / TOKENS_FILE)

        def advance(by: timedelta) -> datetime:
            shown = clock.advance(by)
            dsp.engine.wake()
            return shown

        pages = pages_of(options, door, advance)
        opened = open_front(replace(options.front, tokens=tokens, callbacks=rules, console=pages), dsp.behind)
        gauges(opened.metrics, dsp.engine)
        listening = partial(woken_by, dsp.engine, opened.wake)
        yield OpenedLab(door, gone, opened.services, [*opened.work, listening], dsp)


def pages_of(
    options: LabOptions,
    repository: RepositoryDoor,
    advance: Callable[[timedelta], datetime] | None = None,
) -> Callable[[ApiDoor], ConsoleDoor] | None:
    """What makes the console's door beside a JSON API; a folder that is also an authority's home opens both."""
    accounts, folder = options.accounts, options.folder
    if accounts is None:
        return None

    def made(api: ApiDoor) -> ConsoleDoor:
        return ConsoleDoor(
            accounts, repository, system_random, dsp=api, authority=authority_in(folder), folder=folder,
            database=options.database, keys=options.keys, duis_url=options.duis_url, advance=advance,
            oidc=oidc_of_settings(system_random),
        )  # fmt: skip

    return made


def host_of(callback: str) -> str:
    """``host:port`` of an address as operators type it."""
    address = callback.removeprefix("http://").partition("/")[0]
    return address if ":" in address else f"{address}:80"


def open_as_asked(options: LabOptions) -> AbstractContextManager[OpenedLab]:
    """``opened_lab``, or the same with workers where the database is one that processes can share."""
    database = options.database
    if database is None or file_of(readable(database)) is not None:
        return opened_lab(options)
    from trustcell.app.workers.supervisor import opened_workers  # it builds on what is above

    return opened_workers(options, database)
