"""``trustcell demo``: the story with and without counter tracking, side by side."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from trustcell.app import write_output
from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.cli.story import default_cast
from trustcell.cli.telling import play

_ROWS = (
    ("operator left with counter", "leaving_counter"),
    ("DSP remembered", "learned_counter"),
    ("6.21 was sent with", "handover_counter"),
    ("the device had stored", "stored_number"),
    ("6.21 asked for", "attempts"),
    ("slot holds in the end", "slot_entity"),
)


@refusals
def demo(
    folder: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where messages and summary go.")] = Path(
        "out/demo"
    ),
    as_json: AsJson = False,
) -> None:
    """Tell SECMP0128A twice, with and without counter tracking, and show what differs."""
    reports = {
        name: play(default_cast(), folder / name, lambda _step, _written: None, tracking=tracking)
        for name, tracking in (("tracking", True), ("no_tracking", False))
    }
    summary = folder / "summary.json"
    write_output(summary, json.dumps(reports, indent=2).encode() + b"\n")
    if as_json:
        print_json(reports)
    else:
        _print(reports, summary)
    if not all(report["as_told"] for report in reports.values()):
        raise typer.Exit(1)


def _print(reports: dict[str, dict[str, Any]], summary: Path) -> None:
    for report in reports.values():
        lines(f"- {step['title']}: {step['text']}" for step in report["steps"])
        out.print()
    table = Table("", "with counter tracking", "without")
    for label, key in _ROWS:
        table.add_row(label, *(_cell(report[key]) for report in reports.values()))
    verdicts = {True: "[green]accepted[/green]", False: "[red]silence, for ever[/red]"}
    table.add_row("the handover was", *(verdicts[report["handover_accepted"]] for report in reports.values()))
    out.print(table)
    lines([f"every message, as sent and decoded: {summary.parent}", f"summary: {summary}"])


def _cell(value: Any) -> str:
    return "nothing" if value is None else str(value)
