"""The DSP in one process: signed requests in, devices, deliveries out; books on disk, every group of 64 synced."""

import atexit
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from benchmarks import dsp_world
from benchmarks.dsp_floor import CRITICAL, READ, bare
from benchmarks.dsp_world import GROUP, World
from benchmarks.harness import Case, Ratio, percentiles
from trustcell.app.steady import settle_in

ROUNDS = 5
DEVICES = 10_000
_BATCH = 4 * GROUP
_SINGLE = 32
NOW = dsp_world.BEGINS + timedelta(hours=1)

RATIOS = (
    Ratio("critical command end to end: share of bare calls", "critical command", "bare critical command", 0.5, True),
    Ratio("6.24.1 end to end: share of bare calls", "6.24.1", "bare 6.24.1", 0.5, True, must=False),
    Ratio("T1: critical command, share of bare calls", "critical command", "bare critical command", 0.7, True, False),
)


@dataclass(slots=True)
class _Waits:
    """Seconds that users waited for synchronous answers."""

    grouped: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)


_WAITS = _Waits()


def cases(shared: Path) -> list[Case]:
    """10,000 devices; every round takes others, so that each device and request ID is new. Nothing of ``shared``."""
    folder = Path(tempfile.mkdtemp(prefix="trustcell-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    world = dsp_world.make_world(dsp_world.files(folder), DEVICES)
    played = (ROUNDS + 1) * (_BATCH + _SINGLE)
    transforms, sendings = dsp_world.both_halves(world, played)
    reads = dsp_world.reads(world, world.gpfs[-(ROUNDS + 1) * _BATCH :], 5)
    asked, sent, read = iter(transforms), iter(sendings), iter(reads)
    settle_in()

    def critical() -> None:
        for _ in range(_BATCH // GROUP):
            _timed(world, _take(asked, GROUP), "serviceT", _WAITS.grouped)
            _timed(world, _take(sent, GROUP), "serviceS", _WAITS.grouped)

    def reading() -> None:
        for _ in range(_BATCH // GROUP):
            _timed(world, _take(read, GROUP), "serviceS", _WAITS.grouped)

    def one_by_one() -> None:
        for _ in range(_SINGLE):
            _timed(world, _take(asked, 1), "serviceT", _WAITS.single)
            _timed(world, _take(sent, 1), "serviceS", _WAITS.single)

    return [
        Case("critical command", critical, _BATCH),
        Case("bare critical command", bare(CRITICAL, _BATCH), _BATCH),
        Case("6.24.1", reading, _BATCH),
        Case("bare 6.24.1", bare(READ, _BATCH), _BATCH),
        Case("critical command, one by one", one_by_one, _SINGLE),
    ]


def notes() -> Iterator[str]:
    """What users wait for: the whole group shares one commit, so each of them waits for it."""
    yield f"synchronous answers in groups of {GROUP}: {percentiles(_WAITS.grouped)}"
    yield f"synchronous answers one by one: {percentiles(_WAITS.single)}"


def _timed(world: World, items: list[bytes], door: str, waits: list[float]) -> None:
    began = time.perf_counter()
    dsp_world.submitted(world, items, door, NOW)
    waits.append(time.perf_counter() - began)
    dsp_world.carried(world, NOW)


def _take(items: Iterator[bytes], count: int) -> list[bytes]:
    return [next(items) for _ in range(count)]
