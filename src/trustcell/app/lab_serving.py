"""Everything that ``trustcell serve --lab`` opens: repository, DSP, virtual devices, and the doors to them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from trustcell.adapters.keyfiles import KeyFile, read_key_file
from trustcell.app.callbacks import CallbackRules, read_callback
from trustcell.app.dsp_serving import LabSettings, ServedDsp, gauges, lab_dsp, woken_by
from trustcell.app.front import Front, open_front
from trustcell.app.lab_repository import left_out, open_lab
from trustcell.app.serve import Clock, RepositoryDoor, Service, Work, running_clock
from trustcell.app.settings import official_schema
from trustcell.app.tokens import TOKENS_FILE
from trustcell.dsp import Policy


@dataclass(frozen=True, slots=True)
class LabOptions:
    """What somebody asked for. Without ``lab`` there is a repository and no DSP; ``folder`` keeps everything.

    ``clock`` is the DSP's in place of the machine's, ``policy`` in place of its usual choices.
    """

    lab: Path | None
    keys: tuple[Path, ...] = ()
    at: datetime | None = None
    folder: Path | None = None
    callback: str | None = None
    front: Front = field(default_factory=Front)
    clock: Clock | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class OpenedLab:
    """The repository's door, the services of the DSP, and what runs beside the servers."""

    repository: RepositoryDoor
    left_out: list[str]
    services: list[Service]
    work: list[Work]
    dsp: ServedDsp | None = None


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
        allowed = frozenset() if options.callback is None else frozenset({_host(options.callback)})
        rules = CallbackRules(allowed, lab=True)
        settings = LabSettings(
            folder,
            None if options.callback is None else read_callback(options.callback, rules),
            options.clock or (None if options.at is None else running_clock(options.at)),
            lab.seal,
            options.policy,
            schema=official_schema(),
        )
        door = lab.door
        dsp = stack.enter_context(
            lab_dsp(options.lab, _keys(options.keys), door.repository, door.clock, settings, lab.issue)
        )
        tokens = options.front.tokens or (None if folder is None else folder / TOKENS_FILE)
        opened = open_front(replace(options.front, tokens=tokens, callbacks=rules), dsp.behind)
        gauges(opened.metrics, dsp.engine)
        listening = partial(woken_by, dsp.engine, opened.wake)
        yield OpenedLab(door, gone, opened.services, [*opened.work, listening], dsp)


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
