"""What a model gives: for each variant a matrix of runs by months for each measure, and single numbers for each run.

Variants of one run share their random numbers, so that what differs between them is the rule and not the luck.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trustcell.studies.rules.parameters import Parameter

Matrix = Any
"""A numpy array of floats, runs by months."""

Step = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured every month: its name, its unit, what it answers."""

    name: str
    unit: str
    title: str


@dataclass(frozen=True)
class Outcome:
    """One variant after all runs."""

    variant: str
    monthly: Mapping[str, Matrix]
    numbers: Mapping[str, Matrix]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Study:
    """A shipped study: what is asked, the measures, and the model that is run."""

    name: str
    title: str
    question: str
    measures: Sequence[Measure]
    run: Callable[[Mapping[str, Parameter], int, int, Step], Sequence[Outcome]]
    months_from: str
    distribution: str = ""
    notes: Sequence[str] = ()


def dice(seed: int, run: int) -> np.random.Generator:
    """The random numbers of one run; every run has a stream of its own."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(run,))))


def band(matrix: Matrix) -> tuple[list[float], list[float], list[float]]:
    """Median, and the fifth and ninety-fifth hundredth, over runs."""
    low, middle, high = np.quantile(np.asarray(matrix, dtype=float), [0.05, 0.5, 0.95], axis=0)
    return _plain(middle), _plain(low), _plain(high)


def _plain(values: Matrix) -> list[float]:
    """Six figures say all there is to say, and say it the same everywhere."""
    return [float(f"{value:.6g}") for value in np.atleast_1d(values)]
