"""``trustcell calendar``: everything that ends."""

import json
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Column, Table

from trustcell.app.files import write_output
from trustcell.cli.options import DEFAULT_HOME, AtMoment, HomeFolder, read_moment
from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.smki.rules.calendar import Ending
from trustcell.smki.rules.calendar_forms import as_csv, as_ics


class Form(StrEnum):
    """How the calendar is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ICS = "ics"


@refusals
def calendar(
    begin: Annotated[
        datetime | None, typer.Option("--from", metavar="MOMENT", parser=read_moment, help="Ends then or later; now.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", metavar="MOMENT", parser=read_moment, help="Ends then or before.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="A table, JSON, CSV, or iCalendar (RFC 5545).")] = Form.TABLE,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where it goes; standard output without it.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that ends: certificates, keys of authorities, packs, approvals, lists, the last day to issue."""
    from trustcell.app.home import open_home  # costs what other commands need not pay

    if file is not None and form is Form.TABLE and not as_json:
        raise typer.BadParameter("--out needs --format json, csv or ics")
    opened = open_home(home)
    now = at or opened.now()
    found = opened.calendar.endings(now, begin or now, end)
    if as_json or form is Form.JSON:
        if file is None:
            print_json(_plain(found, now))
            return
        octets = json.dumps(_plain(found, now), indent=2, ensure_ascii=False).encode() + b"\n"
    elif form is Form.CSV:
        octets = as_csv(found, now).encode()
    elif form is Form.ICS:
        octets = as_ics(found, now, opened.environment.identifier)
    else:
        _print(found, now)
        return
    if file is None:
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return
    write_output(file, octets)
    lines([f"{len(found)} ends in {file}"])


def _plain(found: list[Ending], now: datetime) -> list[dict[str, Any]]:
    return [each.as_json(now) for each in found]


def _print(found: list[Ending], now: datetime) -> None:
    table = Table("ends", "days", "kind", *(Column(name, overflow="fold") for name in ("what", "remark", "clause")))
    table.box = box.SIMPLE
    for each in found:
        days = each.days_left(now)
        mark = "red" if days < 90 else "yellow" if days < 366 else "none"
        table.add_row(
            f"{each.ends:%Y-%m-%d %H:%M}",
            f"[{mark}]{days}[/{mark}]",
            each.kind.value,
            *map(escape, (each.what, each.remark, each.clause)),
        )
    out.print(table)
    lines([] if found else ["nothing ends in this time"])
