"""``trustcell init``: an environment with its authorities and its first people, ready to work."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.cli.options import DEFAULT_HOME, AtMoment, HomeFolder
from trustcell.cli.output import AsJson, lines, out, print_json, refusals, with_progress


class KeystoreKind(StrEnum):
    """Where the authorities keep their keys."""

    FILE = "file"
    PKCS11 = "pkcs11"


@refusals
def init(
    home: HomeFolder = DEFAULT_HOME,
    environment: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML with the fields of the environment; defaults without it."),
    ] = None,
    at: AtMoment = None,
    keystore: Annotated[
        KeystoreKind, typer.Option(help="Keys in encrypted files of the home, or on a token.")
    ] = KeystoreKind.FILE,
    module: Annotated[str, typer.Option(metavar="LIBRARY", help="The PKCS#11 module, for --keystore pkcs11.")] = "",
    token: Annotated[str, typer.Option(metavar="LABEL", help="The label of the token.")] = "",
    pin_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The PIN is its first line; else TRUSTCELL_PIN, else one is generated."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another database than the home's own SQLite file; no password is kept."),
    ] = None,
    custodian: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A Key Custodian at the ceremony; two or more.")
    ] = None,
    cast: Annotated[
        bool, typer.Option("--cast", help="Enrol the sample parties and people as well, with their keys.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a home: keys, Root and Issuing OCA, Root and Issuing DCA, ICA, audit key, and the registrar.

    One that was interrupted goes on; nothing is made twice.
    """
    from trustcell.app.home import DEFAULT_CUSTODIANS, KeystorePlace  # costs what other commands need not pay
    from trustcell.app.init import CAST_STEPS, STEPS, Wish, initialise

    try:
        place = KeystorePlace(keystore.value, module, token)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    custodians = tuple(custodian or DEFAULT_CUSTODIANS)
    wish = Wish(home, environment, place, pin_file, database, custodians, cast, at)
    with with_progress("ceremony", STEPS + (CAST_STEPS if cast else 0)) as progress:
        task = progress.task_ids[0]
        made = initialise(wish, lambda name: progress.update(task, advance=1, description=name))
    if as_json:
        print_json(made)
    else:
        _print(made)


def _print(made: dict[str, Any]) -> None:
    lines([f"environment {made['environment']} in {made['home']}, since {made['begins']}", ""])
    table = Table("authority", "name", "until", "clause", box=box.SIMPLE)
    for each in made["authorities"]:
        table.add_row(*(escape(each[name]) for name in ("kind", "subject", "not_after", "clause")))
    out.print(table)
    lines([f"audit key {made['audit_key']['public_key_sha256']}"])
    if made["pin_file"]:
        lines([f"a PIN was generated and is in {made['pin_file']}: keep it elsewhere"])
    people = Table("person", "may", "for", "until", box=box.SIMPLE)
    for each in made["people"]:
        capacities, parties = (escape(", ".join(each[name])) for name in ("capacities", "acts_for"))
        people.add_row(escape(each["name"]), capacities, parties, each["credential_until"])
    out.print(people)
    if made["parties"]:
        lines(f"party {each['name']}: {each['title']}" for each in made["parties"])
