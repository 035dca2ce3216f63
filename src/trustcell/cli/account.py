"""``trustcell account``: who signs in at the console of ``trustcell serve``, and what for."""

from pathlib import Path
from typing import Annotated

import typer

from trustcell.cli.options import DEFAULT_HOME, HomeFolder
from trustcell.cli.output import AsJson, lines, print_json, refusals

app = typer.Typer(help="Accounts of the console: made, listed, unlocked, removed.", no_args_is_help=True)

AccountName = Annotated[str, typer.Argument(metavar="NAME", help="With which somebody signs in.")]


@app.callback()
def group() -> None:
    """Accounts of the console: made, listed, unlocked, removed."""


@app.command()
@refusals
def make(
    name: AccountName,
    role: Annotated[
        list[str],
        typer.Option("--role", metavar="ROLE", help="requester, approver, issuer, operator, auditor, viewer."),
    ],
    person: Annotated[
        str, typer.Option(metavar="PERSON", help="Whose key of the register it signs with; nobody's without it.")
    ] = "",
    home: HomeFolder = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make an account and print its one-time password, this once; the file keeps its Argon2 hash only."""
    from trustcell.app.accounts import AccountBook, ConsoleRole
    from trustcell.app.serve import random_source

    try:
        roles = [ConsoleRole(each) for each in role]
    except ValueError:
        raise typer.BadParameter(f"a role is one of {', '.join(ConsoleRole)}") from None
    password = AccountBook(_file(home)).make(name, roles, person, random_source())
    if as_json:
        print_json({"name": name, "roles": sorted(roles), "person": person, "one_time_password": password})
    else:
        lines([password])


@app.command("list")
@refusals
def show(home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Who has an account, what for, and which are locked."""
    from trustcell.app.accounts import AccountBook
    from trustcell.app.serve import running_clock

    now = running_clock()()
    found = AccountBook(_file(home)).all()
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "roles": sorted(each.roles),
                    "person": each.person,
                    "one_time": each.one_time,
                    "locked": each.locked_until(now) is not None,
                }
                for each in found
            ]
        )
        return
    for each in found:
        signs = f"  signs as {each.person}" if each.person else ""
        locked = "  locked" if each.locked_until(now) else ""
        lines([f"{each.name}  {', '.join(sorted(each.roles))}{signs}{locked}"])
    lines([] if found else ["no accounts"])


@app.command()
@refusals
def unlock(name: AccountName, home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Forget the wrong passwords of an account (Appendix P: an ARO's opens in no other way)."""
    from trustcell.app.accounts import AccountBook

    AccountBook(_file(home)).unlock(name)
    _told("unlocked", name, as_json)


@app.command()
@refusals
def remove(name: AccountName, home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Take an account away; who is signed in with it is signed out."""
    from trustcell.app.accounts import AccountBook

    AccountBook(_file(home)).remove(name)
    _told("removed", name, as_json)


def _told(what: str, name: str, as_json: bool) -> None:
    if as_json:
        print_json({what: name})
    else:
        lines([f"{what} {name}"])


def _file(home: Path) -> Path:
    from trustcell.app.accounts import ACCOUNTS_FILE

    return home / ACCOUNTS_FILE
