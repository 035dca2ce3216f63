"""``trustcell upgrade``: the databases of a home, brought to the tables of this version."""

from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.cli.options import DEFAULT_HOME, HomeFolder
from trustcell.cli.output import AsJson, out, print_json, refusals, with_progress


@refusals
def upgrade(
    home: HomeFolder = DEFAULT_HOME,
    database: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A database elsewhere, such as the DSP's; several times.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell; exit code 1 when something is to be done.")
    ] = False,
    backup_made: Annotated[
        bool, typer.Option("--backup-made", help="Somebody has a backup of a database on a server.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the databases of a home to the tables of this version.

    All or nothing; a file is copied first. Nothing else may have the home open.
    """
    from trustcell.app.upgrading import databases  # costs what other commands need not pay
    from trustcell.app.upgrading import upgrade as upgrade_one

    found = databases(home, tuple(database or ()))
    told: list[dict[str, Any]] = []
    with with_progress("upgrade", len(found)) as progress:
        for each in found:
            done = None if check else upgrade_one(each, backup_made)
            copy = None if done is None or done.copy is None else str(done.copy)
            told.append(
                {
                    "books": each.books,
                    "database": each.shown,
                    "revision": each.found if check else each.wanted,
                    "was": each.found,
                    "wanted": each.wanted,
                    "copy": copy,
                }
            )
            progress.advance(progress.task_ids[0])
    if as_json:
        print_json(told)
    else:
        _print(told)
    if check and any(each["was"] != each["wanted"] for each in told):
        raise typer.Exit(1)


def _print(told: list[dict[str, Any]]) -> None:
    table = Table("books", "database", "was", "is", "copy of the old file", box=box.SIMPLE)
    for each in told:
        table.add_row(*(escape(each[name] or "") for name in ("books", "database", "was", "revision", "copy")))
    out.print(table)
