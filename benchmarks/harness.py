"""Times cases in turns, so that a slow moment hits all of them, and compares medians."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to time: ``run`` does ``units`` of it; a short one is sampled more often in each round."""

    name: str
    run: Callable[[], object]
    units: int = 1
    samples: int = 1


@dataclass(frozen=True, slots=True)
class Ratio:
    """A statement about two cases: ``part`` against ``floor``, and the bound the issue sets.

    ``share`` true reads floor/part (how much of the floor's speed is reached, at least ``bound``); false reads
    part/floor (how many times the floor it takes, at most ``bound``). ``must`` false marks a target beyond the issue:
    shown, but missing it does not fail the run.
    """

    title: str
    part: str
    floor: str
    bound: float
    share: bool
    must: bool = True

    def value(self, seconds: dict[str, float]) -> float:
        """The ratio in this run."""
        part, floor = seconds[self.part], seconds[self.floor]
        return floor / part if self.share else part / floor

    def holds(self, seconds: dict[str, float]) -> bool:
        """Whether the bound is kept."""
        value = self.value(seconds)
        return value >= self.bound if self.share else value <= self.bound


def measure(cases: Sequence[Case], rounds: int = 7) -> dict[str, float]:
    """Median seconds per unit of each case over interleaved rounds; one round before is not counted."""
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    gc.collect()
    gc.freeze()  # what was built before is not collected again and again while something else is timed
    for number in range(rounds + 1):
        for case in cases:
            for _ in range(case.samples):
                started = time.perf_counter()
                case.run()
                elapsed = time.perf_counter() - started
                if number:
                    times[case.name].append(elapsed / case.units)
    gc.unfreeze()
    return {name: statistics.median(values) for name, values in times.items()}


def percentiles(seconds: Sequence[float]) -> str:
    """Median and 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    middle, late = (ordered[min(len(ordered) - 1, len(ordered) * part // 100)] for part in (50, 99))
    return f"p50 {middle * 1e3:.1f} ms, p99 {late * 1e3:.1f} ms ({len(ordered)} of them)"
