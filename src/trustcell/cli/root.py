"""The root command and its groups."""

from typing import Annotated

import typer

import trustcell
from trustcell.cli import cert, duis, gbcs, story
from trustcell.cli.demo import demo
from trustcell.cli.output import out

app = typer.Typer(
    name="trustcell",
    help="Run the life of an organisation's credentials in GB smart metering: real formats, rules and cryptography.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(gbcs.app, name="gbcs")
app.add_typer(duis.app, name="duis")
app.add_typer(cert.app, name="cert")
app.add_typer(story.app, name="story")
app.command()(demo)


def _version(asked: bool) -> None:
    if asked:
        out.print(f"trustcell {trustcell.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Run the life of an organisation's credentials in GB smart metering."""
