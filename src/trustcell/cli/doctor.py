"""``trustcell doctor``: what is missing on this machine, and how to get it."""

import dataclasses
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.cli.options import DEFAULT_HOME, HomeFolder
from trustcell.cli.output import AsJson, lines, out, print_json, refusals

_MARKS = {"ok": "[green]ok[/green]", "missing": "[red]missing[/red]", "absent": "[yellow]absent[/yellow]"}


@refusals
def doctor(
    home: HomeFolder = DEFAULT_HOME,
    ports: Annotated[bool, typer.Option(help="Whether the ports of serve are tried.")] = True,
    as_json: AsJson = False,
) -> None:
    """Tell what is missing on this machine, and how to get it.

    Exit code 1 when something needed is missing; "absent" is what only one capability wants.
    """
    from trustcell.app.doctor import examine  # costs what other commands need not pay

    checks = list(examine(home, ports))
    if as_json:
        print_json([dataclasses.asdict(check) | {"verdict": check.verdict} for check in checks])
    else:
        table = Table("what", "", "found", "for", box=box.SIMPLE)
        for check in checks:
            table.add_row(escape(check.name), _MARKS[check.verdict], escape(check.found or ""), escape(check.purpose))
        out.print(table)
        lines(f"{check.name}: {check.remedy}" for check in checks if check.verdict != "ok")
    if any(check.verdict == "missing" for check in checks):
        raise typer.Exit(1)
