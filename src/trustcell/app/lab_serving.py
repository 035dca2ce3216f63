"""Everything that ``trustcell serve --lab`` opens: repository, DSP, virtual devices, and the doors to them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trustcell.adapters.clock import system_random
from trustcell.adapters.http_server import Work
from trustcell.adapters.keyfiles import KeyFile, read_key_file
from trustcell.app.callbacks import CallbackRules, read_callback
from trustcell.app.doors import ApiDoor, DuisDoor
from trustcell.app.dsp_serving import LabSettings, lab_dsp
from trustcell.app.lab_repository import left_out, open_lab
from trustcell.app.serve import RepositoryDoor, running_clock
from trustcell.app.settings import official_schema
from trustcell.app.tokens import TOKENS_FILE, TokenBook


@dataclass(frozen=True, slots=True)
class LabOptions:
    """What somebody asked for. Without ``lab`` there is a repository and no DSP; ``folder`` keeps everything."""

    lab: Path | None
    keys: tuple[Path, ...] = ()
    at: datetime | None = None
    folder: Path | None = None
    callback: str | None = None


@dataclass(frozen=True, slots=True)
class LabDoors:
    """The doors of a lab, and what runs beside their servers."""

    repository: RepositoryDoor
    left_out: list[str]
    duis: DuisDoor | None = None
    api: ApiDoor | None = None
    work: tuple[Work, ...] = ()


@contextmanager
def lab_doors(options: LabOptions) -> Iterator[LabDoors]:
    """Open a lab. Raises ``WireError`` for a file that is not as it should be, ``Unavailable`` for books that are not.

    The repository's clock shows a moment at which the public certificates are valid, that of the DSP shows now, since
    clients count in milliseconds of now; ``at`` sets both.
    """
    if options.folder is not None:
        options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        lab = stack.enter_context(open_lab(options.lab, options.keys, options.at, options.folder))
        gone = [f"left out {text}" for text in left_out(lab.imported)]
        if options.lab is None:
            yield LabDoors(lab.door, gone)
            return
        callback = options.callback
        if callback is not None:
            callback = read_callback(callback, CallbackRules(frozenset({_host(callback)}), lab=True))
        settings = LabSettings(
            options.folder,
            callback,
            frozenset() if callback is None else frozenset({_host(callback)}),
            None if options.at is None else running_clock(options.at),
            schema=official_schema(),
        )
        dsp = stack.enter_context(
            lab_dsp(options.lab, _keys(options.keys), lab.door.repository, lab.door.clock, settings, lab.issue)
        )
        clock = lab.door.clock
        duis = DuisDoor(dsp.engine, clock, system_random, metrics=dsp.metrics)
        tokens = TokenBook(None if options.folder is None else options.folder / TOKENS_FILE)
        api = ApiDoor(dsp.engine, dsp.homes.views, dsp.operator, tokens, clock, system_random, metrics=dsp.metrics)
        yield LabDoors(lab.door, gone, duis, api, (dsp.deliver,))


def _keys(files: tuple[Path, ...]) -> KeyFile:
    """All key files as one."""
    read = [read_key_file(path) for path in files]
    return KeyFile(
        tuple(each for file in read for each in file.credentials), tuple(each for file in read for each in file.skipped)
    )


def _host(callback: str) -> str:
    """``host:port`` of an address as operators type it."""
    address = callback.removeprefix("http://").partition("/")[0]
    return address if ":" in address else f"{address}:80"
