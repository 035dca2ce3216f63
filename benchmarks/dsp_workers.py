"""Worker processes on one PostgreSQL, each with a home of its own: two against one."""

import atexit
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from benchmarks.authority import postgresql
from benchmarks.harness import Case, Ratio

ROUNDS = 3
_BATCH = 256
_RUNS = 2 * (ROUNDS + 1)

RATIOS = (Ratio("two workers on PostgreSQL against one", "two workers", "one worker", 1.6, True),)


class _Worker:
    """A process that plays a batch when told."""

    def __init__(self, url: str, home: str) -> None:
        arguments = [url, home, "2", str(_RUNS * _BATCH), str(_BATCH)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.dsp_worker", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        atexit.register(self._process.wait, 30)
        atexit.register(self._stdin().close)

    def begin(self) -> None:
        """Play a batch."""
        self._stdin().write("go\n")
        self._stdin().flush()

    def end(self) -> None:
        """Wait for what it is doing."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "a worker has ended"

    def _stdin(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin


def cases(shared: Path) -> list[Case]:
    """Both homes in one durable database; the first worker also plays alone. Nothing of ``shared``."""
    url = postgresql()
    workers = [_Worker(url, "0")]
    workers[0].end()  # the first one makes the tables
    workers.append(_Worker(url, "1"))
    workers[1].end()

    def play(chosen: Sequence[_Worker]) -> None:
        for worker in chosen:
            worker.begin()
        for worker in chosen:
            worker.end()

    return [
        Case("one worker", lambda: play(workers[:1]), _BATCH),
        Case("two workers", lambda: play(workers), 2 * _BATCH),
    ]
