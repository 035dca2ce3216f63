"""The root command and its groups."""

from typing import Annotated

import typer

import trustcell
from trustcell.cli import approval, audit, cert, csr, duis, gbcs, pack, party, repository, revocation, story, token
from trustcell.cli.batch import batch
from trustcell.cli.calendar import calendar
from trustcell.cli.demo import demo
from trustcell.cli.init import init
from trustcell.cli.output import out
from trustcell.cli.serve import serve
from trustcell.cli.smki import smki_app
from trustcell.cli.smki_audit import bundle, verify_all

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
app.add_typer(csr.app, name="csr")
app.add_typer(party.app, name="party")
app.add_typer(approval.app, name="approval")
app.add_typer(smki_app, name="smki")
app.add_typer(audit.app, name="audit")
smki_app.command()(batch)
smki_app.command()(repository.search)
smki_app.command()(repository.show)
smki_app.command()(repository.export)
smki_app.command("import")(repository.take_in)
smki_app.add_typer(revocation.revoke, name="revoke")
smki_app.command()(revocation.crl)
smki_app.command()(revocation.archive)
smki_app.command()(bundle)
smki_app.command("verify-all")(verify_all)
app.add_typer(pack.app, name="pack")
app.add_typer(story.app, name="story")
app.add_typer(token.app, name="token")
app.command()(demo)
app.command()(init)
app.command()(calendar)
app.command()(serve)


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
