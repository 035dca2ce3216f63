"""``trustcell story``: stories told with real octets."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from trustcell import gbcs
from trustcell.app.key_files import read_key_file
from trustcell.app.lab import lab_cast
from trustcell.cli.output import AsJson, lines, out, print_json, print_tree, refusals
from trustcell.cli.story_mp261 import mp261
from trustcell.cli.story_sold_network import sold_network
from trustcell.cli.telling import decoded as decode_artifact
from trustcell.cli.telling import play
from trustcell.stories import ArtifactKind, Cast, Step, own_cast

app = typer.Typer(help="Stories told step by step with real octets.", no_args_is_help=True)

_SEED = b"trustcell story secmp0128a"
_SHORT = (
    ("/digitalSignature", " DS"),
    ("/keyAgreement", " KA"),
    ("/keyCertSign", ""),
    ("/prePaymentTopUp", " top-up"),
)
_BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)


def default_cast() -> Cast:
    """The cast of a story that is told without a lab: always the same, so that every run gives the same octets."""
    return own_cast(_SEED, _BEGINS)


app.command()(mp261)
app.command("sold-network")(sold_network)


@app.callback()
def stories() -> None:
    """Stories told step by step with real octets."""


@app.command()
@refusals
def secmp0128a(
    lab: Annotated[Path | None, typer.Option(metavar="FILE", help="Play on the identities of a lab file.")] = None,
    keys: Annotated[Path | None, typer.Option(metavar="FILE", help="The key file that goes with --lab.")] = None,
    tracking: Annotated[
        bool, typer.Option("--tracking/--no-tracking", help="Whether the DSP remembers the operator's counter.")
    ] = True,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where every message goes; out/story/... without it.")
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the DSP's ledger in this SQLite file; in memory without it."),
    ] = None,
    octets: Annotated[bool, typer.Option("--octets", help="Print the octets of every message.")] = False,
    decoded: Annotated[bool, typer.Option("--decoded", help="Print every GBCS message decoded.")] = False,
    as_json: AsJson = False,
) -> None:
    """A network operator takes over a GPF, leaves with counter 2^62, and a supplier hands the slot over again.

    With tracking the device accepts the handover. With --no-tracking it stays silent for ever. Exit code 0 when the
    story ended as it has to.
    """
    if (lab is None) != (keys is None):
        raise typer.BadParameter("--lab and --keys go together")
    cast = default_cast() if lab is None or keys is None else lab_cast(lab, read_key_file(keys), _SEED)
    folder = folder or Path("out") / "story" / ("secmp0128a" if tracking else "secmp0128a-no-tracking")

    def hear(step: Step, written: list[Path]) -> None:
        if not as_json:
            _print(step, written, octets=octets, decoded=decoded)

    report = play(cast, folder, hear, tracking=tracking, ledger=ledger)
    if as_json:
        print_json(report)
    else:
        _print_summary(report)
    if not report["as_told"]:
        raise typer.Exit(1)


def _print(step: Step, written: list[Path], *, octets: bool, decoded: bool) -> None:
    out.print(f"[bold]{escape(step.title)}[/bold]")
    lines([f"  {step.text}"])
    for artifact, path in zip(step.artifacts, written, strict=True):
        out.print(f"  [dim]{escape(artifact.name)}, {len(artifact.octets)} octets: {escape(path.name)}[/dim]")
        if octets:
            text = artifact.octets.hex().upper() if artifact.kind is ArtifactKind.GBCS else artifact.octets.decode()
            lines([f"    {text}"])
        if decoded and artifact.kind is ArtifactKind.GBCS:
            print_tree(gbcs.as_tree(decode_artifact(artifact), artifact.name))
    out.print()


def _print_summary(report: dict[str, Any]) -> None:
    out.print("[bold]Summary[/bold]")
    ending = "accepted" if report["handover_accepted"] else f"met with silence, {report['attempts']} times"
    learned = report["learned_counter"]
    lines(
        [
            f"  counter tracking   {'on' if report['tracking'] else 'off'}",
            f"  operator left with {report['leaving_counter']}",
            f"  DSP remembered     {'nothing' if learned is None else learned}",
            f"  6.21 counter       {report['handover_counter']}",
            f"  6.21 was           {ending}",
            f"  slot holds         {report['slot_entity']}",
            f"  messages           {report['messages']}",
        ]
    )
    out.print("[bold]Trust Anchor Cells of the GPF[/bold]")
    lines(_cell_line(cell) for cell in report["cells"])


def _cell_line(cell: dict[str, Any]) -> str:
    """One cell on one line of 80 characters: which, who, until when, and the number stored for the role."""
    name = cell["cell"]
    for title, short in _SHORT:
        name = name.replace(title, short)
    until = cell["not_after"].partition("T")[0] if cell["not_after"] else "no end known"
    number = "" if cell["stored_number"] is None else f"  {cell['stored_number']}"
    return f"  {name:<23}{cell['entity']}  {until}{number}"
