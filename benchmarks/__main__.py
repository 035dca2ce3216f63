"""``make bench``: every case and ratio, as a table and as ``out/bench.json``."""

import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import (
    dsp,
    dsp_http,
    dsp_workers,
    exchange,
    fleet,
    issuing,
    lists,
    lists_service,
    messages,
    pages,
    reports,
    searching,
    verifying,
    xml,
)
from benchmarks.harness import measure

_MANY = 8
_OURS = 1.5
"""What this process alone can bring the load to, its database included."""


def _told(load: float) -> str:
    return "quiet" if load <= _OURS else "BUSY, other programs ran beside: judge by another run"


def main() -> int:
    """Measure, print, write; exit code 1 when a bound that must hold is missed."""
    root = Path(__file__).resolve().parents[1]
    shared = Path(os.environ.get("TRUSTCELL_SHARED", root.parent / "shared"))
    console = Console()
    missed = 0
    report = {}
    for part in (
        messages,
        xml,
        exchange,
        dsp,
        dsp_http,
        dsp_workers,
        fleet,
        issuing,
        lists,
        lists_service,
        searching,
        verifying,
        reports,
        pages,
    ):
        with console.status(f"measuring {part.__name__}"):
            seconds = measure(part.cases(shared), getattr(part, "ROUNDS", 7))
        table = Table(title=(part.__doc__ or "").strip(), title_justify="left")
        for heading in ("case", "us", "a second"):
            table.add_column(heading, justify="left" if heading == "case" else "right")
        for name, value in seconds.items():
            table.add_row(name, f"{value * 1e6:.1f}", f"{1 / value:,.0f}")
        console.print(table)
        load = os.getloadavg()[0]
        console.print(f"  load {load:.1f} over the last minute: {_told(load)}", soft_wrap=True)
        for ratio in part.RATIOS:
            value, holds = ratio.value(seconds), ratio.holds(seconds)
            missed += ratio.must and not holds
            verdict = "ok    " if holds else "MISSED" if ratio.must else "beyond"
            bound = f"{'at least' if ratio.share else 'at most'} {ratio.bound}"
            console.print(f"  {verdict} {ratio.title}: {value:.2f} ({bound})", soft_wrap=True)
            report[ratio.title] = {"value": round(value, 3), "bound": ratio.bound, "holds": holds}
        if len(part.RATIOS) > _MANY:
            worst = max(part.RATIOS, key=lambda each: each.value(seconds) / each.bound)
            console.print(f"  worst: {worst.title}: {worst.value(seconds):.2f}", soft_wrap=True)
        report[f"{part.__name__}, load"] = round(load, 2)
        for line in getattr(part, "notes", tuple)():
            console.print(f"  {line}", soft_wrap=True)
        report[part.__name__] = {name: value * 1e6 for name, value in seconds.items()}
        console.print()
    out = root / "out" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")
    console.print(f"numbers: {out.relative_to(root)}")
    return 1 if missed else 0


sys.exit(main())
