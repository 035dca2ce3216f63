"""``trustcell report``: questions answered from a snapshot of a home's books."""

import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table as Shown

from trustcell.app.files import write_output
from trustcell.cli.options import DEFAULT_HOME, HomeFolder, read_moment
from trustcell.cli.output import AsJson, lines, out, print_json, refusals, with_progress
from trustcell.reports import REPORTS, Report, Table
from trustcell.reports.ports import Snapshot

app = typer.Typer(help="Reports over the devices of a home: who has to put what right, by which clause.")


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"
    HTML = "html"


@app.callback()
def group() -> None:
    """Reports over the devices of a home: who has to put what right, by which clause."""


@app.command("list")
@refusals
def list_reports(as_json: AsJson = False) -> None:
    """What can be asked."""
    if as_json:
        print_json([{"name": each.name, "question": each.question, "asks": each.asks} for each in REPORTS.values()])
        return
    lines(f"{each.name:20}{each.question}" for each in REPORTS.values())


def _command(report: Report) -> Callable[..., None]:
    @refusals
    def command(
        home: HomeFolder = DEFAULT_HOME,
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", metavar="MOMENT", parser=read_moment, help="The moment; now.")
        ] = None,
        form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.TABLE,
        file: Annotated[
            Path | None, typer.Option("--out", metavar="FILE", help="Where it goes; standard output without it.")
        ] = None,
        limit: Annotated[int, typer.Option(metavar="N", min=0, help="At most so many rows below the totals.")] = 50,
        value: Annotated[
            list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="What the report asks for.")
        ] = None,
        database: Annotated[
            str | None, typer.Option(metavar="URL", help="The books of the DSP when they are not in the home.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        asked = dict(_pair(each) for each in value or ())
        if form is Form.PARQUET and file is None:
            raise typer.BadParameter("--format parquet needs --out FILE")
        _run(report, home, as_of, Form.JSON if as_json else form, file, limit, asked, database)

    command.__doc__ = report.question
    return command


for _report in REPORTS.values():
    app.command(_report.name)(_command(_report))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value


def _run(
    report: Report,
    home: Path,
    as_of: datetime | None,
    form: Form,
    file: Path | None,
    limit: int,
    asked: dict[str, str],
    database: str | None,
) -> None:
    from trustcell.app import reporting  # costs what other commands need not pay
    from trustcell.reports.service import run

    with with_progress("reading the books", reporting.device_count(home, database)) as progress:
        task = progress.task_ids[0]
        folder = reporting.take_snapshot(home, as_of, database, lambda done: progress.update(task, completed=done))
    with reporting.opened(folder) as snapshot:
        table = run(report, snapshot, sys.maxsize if form is Form.CSV else limit, asked=asked)
        _write(table, snapshot, form, file, asked)


def _write(table: Table, snapshot: Snapshot, form: Form, file: Path | None, asked: dict[str, str]) -> None:
    from trustcell.reports import forms

    if form is Form.TABLE:
        _print(table)
        return
    if form is Form.PARQUET:
        assert file is not None
        lines([f"{file}: {snapshot.save(table.report.rows, asked, str(file))} rows"])
        return
    octets = {Form.CSV: forms.as_csv, Form.JSON: forms.as_json, Form.HTML: forms.as_html}[form](table)
    if file is None:
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
    else:
        write_output(file, octets)


def _print(table: Table) -> None:
    report = table.report
    lines([f"{report.title}, as of {table.at:%Y-%m-%dT%H:%M:%SZ}", report.question, *report.notes])
    shown = Shown(*(each.name.replace("_", " ") for each in (*report.keys, *report.measures)), box=box.SIMPLE)
    for row in table.totals:
        shown.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    out.print(shown)
    for each in table.rows:
        told = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in each.items() if value not in (None, ""))
        lines([told])
    if len(table.rows) < table.count:
        lines([f"{len(table.rows)} of {table.count} rows: --limit, or --format csv for all"])
