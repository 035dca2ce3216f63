"""Axes: steps of 1, 2 or 5 times a power of ten, and numbers as people write them."""

import math
from collections.abc import Sequence

_STEPS = (1, 2, 2.5, 5, 10)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from at or below ``low`` to at or above ``high``; a range of nothing is widened."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("an axis has finite ends")
    if high - low < max(1e-12, 1e-9 * max(abs(low), abs(high))):
        high = low + max(1.0, abs(low), abs(high))
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in _STEPS if each * power >= raw * (1 - 1e-9))
    first = math.floor(low / step)
    last = math.ceil(high / step)
    return [number * step for number in range(first, last + 1)]


def label(value: float) -> str:
    """A short number: 1.5M, 20k, 0.25."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if sign == 'k' else size):g}{sign}"
    return f"{value:.4g}"


def extent(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest, zero always among them."""
    return min(0.0, *values), max(0.0, *values)
