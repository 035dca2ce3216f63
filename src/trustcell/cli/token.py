"""``trustcell token``: who may use the JSON API of ``trustcell serve``."""

from pathlib import Path
from typing import Annotated

import typer

from trustcell.cli.options import DEFAULT_HOME, HomeFolder
from trustcell.cli.output import AsJson, lines, print_json, refusals

app = typer.Typer(help="Tokens of the JSON API: made, listed, revoked.", no_args_is_help=True)

TokensFile = Annotated[
    Path | None,
    typer.Option("--tokens", metavar="FILE", help="The file of tokens; tokens.json of the home without it."),
]
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called, in lists and audit lines.")]


@app.command()
@refusals
def make(
    name: TokenName,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="operator, auditor or user:EUI-64.")],
    home: HomeFolder = DEFAULT_HOME,
    tokens: TokensFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once; the file keeps its SHA-256 only."""
    from trustcell.app.serve import random_source, running_clock
    from trustcell.app.tokens import make_token

    token = make_token(_file(home, tokens), name, role, running_clock()(), random_source())
    if as_json:
        print_json({"name": name, "role": role, "token": token})
    else:
        lines([token])


@app.command("list")
@refusals
def show(home: HomeFolder = DEFAULT_HOME, tokens: TokensFile = None, as_json: AsJson = False) -> None:
    """Who has a token, and what for."""
    from trustcell.app.tokens import TokenBook

    entries = TokenBook(_file(home, tokens)).entries()
    if as_json:
        print_json([{"name": e.principal.name, "role": e.principal.title, "made_at": e.made_at} for e in entries])
    else:
        lines([f"{e.made_at}  {e.principal.title}  {e.principal.name}" for e in entries] or ["no tokens"])


@app.command()
@refusals
def revoke(
    name: TokenName, home: HomeFolder = DEFAULT_HOME, tokens: TokensFile = None, as_json: AsJson = False
) -> None:
    """Take a token away; a running server sees it at the next request."""
    from trustcell.app.tokens import revoke_token

    revoke_token(_file(home, tokens), name)
    if as_json:
        print_json({"revoked": name})
    else:
        lines([f"revoked {name}"])


def _file(home: Path, tokens: Path | None) -> Path:
    from trustcell.app.tokens import TOKENS_FILE

    return tokens or home / TOKENS_FILE
