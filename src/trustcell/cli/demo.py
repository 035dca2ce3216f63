"""``trustcell demo``: both stories, SECMP0128A with and without counter tracking, and MP261."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table

from trustcell.app.files import write_output
from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.cli.story import default_cast
from trustcell.cli.story_mp261 import play_mp261
from trustcell.cli.telling import play

_HUBS = 3
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
    show: Annotated[
        bool, typer.Option("--open", help="Then serve the authority of the story and a lab, and open the console.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell SECMP0128A with and without counter tracking, then MP261, and show what differs."""
    home = folder / "home"
    if show and home.exists():  # told before: what was done there since is kept
        _serve(folder)
    reports = {
        name: play(default_cast(), folder / name, lambda _step, _written: None, tracking=tracking)
        for name, tracking in (("tracking", True), ("no_tracking", False))
    }
    pack = play_mp261(folder / "mp261", lambda _step: None, home=home if show else None)
    summary, everything = folder / "summary.json", {**reports, "mp261": pack}
    write_output(summary, json.dumps(everything, indent=2).encode() + b"\n")
    if as_json:
        print_json(everything)
    else:
        _print(reports, pack, summary)
    if not all(report["as_told"] for report in everything.values()):
        raise typer.Exit(1)
    if show:
        _serve(folder)


def _serve(folder: Path) -> NoReturn:
    """This process becomes the server: a lab of its own, kept in the home that the story of MP261 left."""
    from trustcell.app.lab_making import KEYS_FILE, LAB_FILE, make_lab
    from trustcell.app.serve import random_source, running_clock

    place = folder / "lab"
    if not (place / LAB_FILE).exists():
        make_lab(place, _HUBS, running_clock()(), random_source())
    files = ("--lab", str(place / LAB_FILE), "--keys", str(place / KEYS_FILE), "--home", str(folder / "home"))
    sys.stdout.flush()
    os.execv(sys.executable, (sys.executable, "-m", "trustcell", "serve", *files, "--open"))


def _print(reports: dict[str, dict[str, Any]], pack: dict[str, Any], summary: Path) -> None:
    for report in reports.values():
        lines(f"- {step['title']}: {step['text']}" for step in report["steps"])
        out.print()
    table = Table("", "with counter tracking", "without")
    for label, key in _ROWS:
        table.add_row(label, *(_cell(report[key]) for report in reports.values()))
    verdicts = {True: "[green]accepted[/green]", False: "[red]silence, for ever[/red]"}
    table.add_row("the handover was", *(verdicts[report["handover_accepted"]] for report in reports.values()))
    out.print(table)
    out.print()
    lines(f"- {step['title']}: {step['text']}" for step in pack["steps"])
    out.print()
    out.print(_packs(pack))
    lines([f"every message, as sent and decoded: {summary.parent}", f"summary: {summary}"])


def _packs(pack: dict[str, Any]) -> Table:
    table = Table("", "the pack of 2016", "the pack of 2024")
    table.add_row("ends", pack["first_pack_not_after"], pack["pack_not_after"])
    same = "[green]the same[/green]" if pack["same_to_every_device"] else "[red]different[/red]"
    table.add_row("to every device", same, same)
    for key, label in (("recognised", "cells recognised as"), ("handover_accepted", "6.21 in 2027")):
        table.add_row(label, *(_verdict(device[key]) for device in pack["devices"]))
    refused = pack["refused_without_approval"]
    table.add_row("without approval", "", f"[red]refused[/red]: {', '.join(refused['clauses'])}")
    return table


def _verdict(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{kind} ({count})" for kind, count in value.items())
    return "[green]accepted[/green]" if value else "[red]refused[/red]"


def _cell(value: Any) -> str:
    return "nothing" if value is None else str(value)
