"""The drawings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from trustcell.charts.scale import extent, label, ticks

Height = Callable[[float], float]
_WIDTH, _HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 76
COLOURS = ("#2f6f9f", "#b5541c", "#3d7a46", "#7a4a8c", "#8a6d1d", "#9b2f4a")
"""Distinct on white and on black, and for those who do not tell red from green."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values under a name; ``low`` and ``high`` are the band around each."""

    name: str
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a band of another length."""
        if {len(self.low), len(self.high)} - {0, len(self.values)} or len(self.low) != len(self.high):
            raise ValueError("a band has a low and a high for each value")


@dataclass(frozen=True, slots=True)
class Lines:
    """Values over positions that follow one another, such as months."""

    title: str
    unit: str
    positions: Sequence[str]
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class Bars:
    """Values side by side for each position, or one upon the other."""

    title: str
    unit: str
    positions: Sequence[str]
    series: Sequence[Series]
    stacked: bool = False

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a stack of bands or of negative values, which would lie."""
        if self.stacked and any(each.low or min(each.values, default=0) < 0 for each in self.series):
            raise ValueError("what is stacked has no band and is not negative")


def draw(chart: Lines | Bars) -> str:
    """The chart as an SVG element. ``ValueError`` when there is nothing to draw or the lengths differ."""
    count = len(chart.positions)
    if not count or not chart.series or any(len(each.values) != count for each in chart.series):
        raise ValueError("a chart has positions, and a value of each series for each")
    everything = [value for each in chart.series for value in (*each.values, *each.low, *each.high)]
    if isinstance(chart, Bars) and chart.stacked:
        everything = [sum(each.values[place] for each in chart.series) for place in range(count)]
    marks = ticks(*extent(everything))
    low, high = marks[0], marks[-1]

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    inner = _WIDTH - _LEFT - _RIGHT
    parts = [_head(chart), *_grid(marks, y)]
    if isinstance(chart, Bars):
        parts += (_stacks if chart.stacked else _bars)(chart, inner / count, y)
        centres = [_LEFT + inner * (place + 0.5) / count for place in range(count)]
    else:
        centres = [_LEFT + inner * (place / (count - 1) if count > 1 else 0.5) for place in range(count)]
        parts += _lines(chart, centres, y)
    parts += _positions(chart.positions, centres)
    parts += _legend(chart)
    return "".join([*parts, "</svg>"])


def rows(chart: Lines | Bars) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table that says the same."""
    heads = ["", *(each.name for each in chart.series)]
    body = [
        [position, *(_told(each, place) for each in chart.series)] for place, position in enumerate(chart.positions)
    ]
    return heads, body


def _told(series: Series, place: int) -> str:
    told = label(series.values[place])
    return f"{told} ({label(series.low[place])} to {label(series.high[place])})" if series.low else told


def _head(chart: Lines | Bars) -> str:
    names = ", ".join(each.name for each in chart.series)
    told = f"{chart.unit} over {chart.positions[0]} to {chart.positions[-1]}: {names}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT + _more(chart)}" '
        f'font-size="12" font-family="system-ui, sans-serif"><title>{_text(chart.title)}</title>'
        f"<desc>{_text(told)}</desc>"
        f'<text x="{_LEFT}" y="11" fill="currentColor" class="unit">{_text(chart.unit)}</text>'
    )


def _more(chart: Lines | Bars) -> int:
    """The legend has room for six names; each further row needs its own."""
    return 17 * max(0, -(-len(chart.series) // 3) - 2)


def _grid(marks: Sequence[float], y: Height) -> list[str]:
    parts = []
    for mark in marks:
        at = _n(y(mark))
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}" stroke="currentColor" '
            f'stroke-opacity="{0.55 if mark == 0 else 0.15}" class="grid"/>'
            f'<text x="{_LEFT - 8}" y="{at}" dy="4" text-anchor="end" fill="currentColor">{label(mark)}</text>'
        )
    return parts


def _lines(chart: Lines, centres: Sequence[float], y: Height) -> list[str]:
    parts = []
    for number, each in enumerate(chart.series):
        colour = COLOURS[number % len(COLOURS)]
        if each.low:
            there = [f"{_n(x)},{_n(y(v))}" for x, v in zip(centres, each.high, strict=True)]
            back = [f"{_n(x)},{_n(y(v))}" for x, v in zip(centres, each.low, strict=True)]
            points = " ".join([*there, *reversed(back)])
            parts.append(
                f'<polygon points="{points}" fill="{colour}" fill-opacity="0.18" class="band series-{number % 6}"/>'
            )
        line = " ".join(f"{_n(x)},{_n(y(v))}" for x, v in zip(centres, each.values, strict=True))
        dash = ("", ' stroke-dasharray="7 4"', ' stroke-dasharray="2 3"')[number % 3]
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash} '
            f'class="line series-{number % 6}"/>'
        )
    return parts


def _bars(chart: Bars, width: float, y: Height) -> list[str]:
    each_width = width * 0.8 / len(chart.series)
    parts = []
    for place in range(len(chart.positions)):
        for number, each in enumerate(chart.series):
            left = _LEFT + width * (place + 0.1) + number * each_width
            value = each.values[place]
            top, foot = sorted((y(value), y(0.0)))
            told = f"{chart.positions[place]}, {each.name}: {_told(each, place)}"
            parts.append(
                f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(each_width * 0.94)}" height="{_n(foot - top)}" '
                f'fill="{COLOURS[number % len(COLOURS)]}" class="bar series-{number % 6}">'
                f"<title>{_text(told)}</title></rect>"
            )
            if each.low:
                centre, ends = _n(left + each_width * 0.47), (_n(y(each.low[place])), _n(y(each.high[place])))
                parts.append(
                    f'<line x1="{centre}" x2="{centre}" y1="{ends[0]}" y2="{ends[1]}" stroke="currentColor" '
                    'class="band"/>'
                )
    return parts


def _stacks(chart: Bars, width: float, y: Height) -> list[str]:
    parts = []
    for place, position in enumerate(chart.positions):
        below = 0.0
        for number, each in enumerate(chart.series):
            value = each.values[place]
            top, foot = y(below + value), y(below)
            below += value
            if value:
                parts.append(
                    f'<rect x="{_n(_LEFT + width * (place + 0.15))}" y="{_n(top)}" width="{_n(width * 0.7)}" '
                    f'height="{_n(foot - top)}" fill="{COLOURS[number % len(COLOURS)]}"{_pale(number)} '
                    f'class="bar series-{number % 6}"><title>{_text(f"{position}, {each.name}: {label(value)}")}'
                    "</title></rect>"
                )
    return parts


def _pale(number: int) -> str:
    """The seventh colour is the first one again, lighter."""
    return ' fill-opacity="0.55"' if number >= len(COLOURS) else ""


def _positions(positions: Sequence[str], centres: Sequence[float]) -> list[str]:
    every = max(1, -(-len(positions) // 10))
    base = _HEIGHT - _BOTTOM + 18
    return [
        f'<text x="{_n(centres[place])}" y="{base}" text-anchor="middle" fill="currentColor">{_text(position)}</text>'
        for place, position in enumerate(positions)
        if place % every == 0
    ]


def _legend(chart: Lines | Bars) -> list[str]:
    parts = []
    width = (_WIDTH - _LEFT - _RIGHT) / max(1, min(3, len(chart.series)))
    for number, each in enumerate(chart.series):
        x, y = _LEFT + (number % 3) * width, _HEIGHT - 34 + (number // 3) * 17
        parts.append(
            f'<rect x="{_n(x)}" y="{y - 9}" width="14" height="10" fill="{COLOURS[number % len(COLOURS)]}"'
            f'{_pale(number)} class="series-{number % 6}"/>'
            f'<text x="{_n(x + 20)}" y="{y}" fill="currentColor">{_text(each.name)}</text>'
        )
    return parts


def _n(value: float) -> str:
    """A coordinate; two places are finer than a screen."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_CONTROL = {code: "\ufffd" for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def _text(value: str) -> str:
    """Text of an element: XML has no control characters and no lone surrogates."""
    clean = value.translate(_CONTROL).encode("utf-8", "replace").decode()
    return escape(clean)
