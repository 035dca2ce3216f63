"""One worker for a benchmark: takes a home of a database, makes devices of its own, and plays a batch for each line."""

import sys
import time
from datetime import timedelta

from benchmarks import dsp_world

_NOW = dsp_world.BEGINS + timedelta(hours=1)


def main(url: str, home: str, homes: int, size: int, batch: int) -> None:
    """Says when it is ready; for each line of its input one batch, and how long it took."""
    world = dsp_world.make_world(url, size, home, homes, f"bench {home}")
    asked, sent = dsp_world.both_halves(world, size)
    print("ready", flush=True)
    for start, _line in zip(range(0, size, batch), sys.stdin, strict=False):
        began = time.perf_counter()
        for at in range(start, start + batch, dsp_world.GROUP):
            group = slice(at, at + dsp_world.GROUP)
            dsp_world.play(world, asked[group], "serviceT", _NOW)
            dsp_world.play(world, sent[group], "serviceS", _NOW)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
