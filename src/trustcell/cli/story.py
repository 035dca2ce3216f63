"""``trustcell story``: stories told with real octets."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from trustcell import duis, gbcs
from trustcell.app import lab_cast, open_ledger, read_key_file, set_stage, write_output
from trustcell.cli.certificates import summary
from trustcell.cli.output import AsJson, lines, out, print_json, print_tree, refusals
from trustcell.stories import Artifact, ArtifactKind, Step, Story, own_cast, tell
from trustcell.vocab import WireError

app = typer.Typer(help="Stories told step by step with real octets.", no_args_is_help=True)

_SEED = b"trustcell story secmp0128a"
_BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)


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
    cast = own_cast(_SEED, _BEGINS) if lab is None or keys is None else lab_cast(lab, read_key_file(keys), _SEED)
    folder = folder or Path("out") / "story" / ("secmp0128a" if tracking else "secmp0128a-no-tracking")
    stage = set_stage(cast, open_ledger(ledger), tracking=tracking)
    numbers = iter(range(1, 1000))

    def hear(step: Step) -> None:
        written = _write(folder, next(numbers), step)
        if not as_json:
            _print(step, written, octets=octets, decoded=decoded)

    story = tell(stage, hear)
    report = _plain(story, folder)
    write_output(folder / "summary.json", json.dumps(report, indent=2).encode() + b"\n")
    if as_json:
        print_json(report)
    else:
        _print_summary(story, folder)
    if not story.as_told:
        raise typer.Exit(1)


def _write(folder: Path, number: int, step: Step) -> list[Path]:
    """Every message of a step: as it was sent, and decoded beside it."""
    written = []
    for position, artifact in enumerate(step.artifacts, start=1):
        stem = f"{number:02d}-{position}-{artifact.name}"
        if artifact.kind is ArtifactKind.DUIS:
            path, octets = folder / f"{stem}.xml", artifact.octets
        else:
            path, octets = folder / f"{stem}.hex", artifact.octets.hex().upper().encode() + b"\n"
        write_output(path, octets)
        write_output(folder / f"{stem}.json", json.dumps(_decoded(artifact), indent=2).encode() + b"\n")
        written.append(path)
    return written


def _decoded(artifact: Artifact) -> dict[str, Any]:
    if artifact.kind is ArtifactKind.GBCS:
        return gbcs.as_plain(gbcs.decode(artifact.octets), summary)
    document = duis.parse_document(artifact.octets)
    if document.root.tag.endswith("}Response"):
        return _response(duis.parse_response(artifact.octets).response)
    request = duis.parse_request(artifact.octets).request
    return {
        "request_id": str(request.request_id),
        "service": request.service_reference_variant,
        "command_variant": request.command_variant,
        "body": type(request.body).__name__,
    }


def _response(response: duis.Response) -> dict[str, Any]:
    message = response.message
    content = getattr(message, "content", None)
    plain: dict[str, Any] = {
        "response_code": response.response_code,
        "request_id": str(response.request_id) if response.request_id else None,
        "response_id": str(response.response_id) if response.response_id else None,
    }
    payload = getattr(content, "gbcs_payload", None)
    if payload is not None:
        plain["gbcs_payload"] = gbcs.as_plain(gbcs.decode(payload), summary)
    return plain


def _print(step: Step, written: list[Path], *, octets: bool, decoded: bool) -> None:
    out.print(f"[bold]{escape(step.title)}[/bold]")
    lines([f"  {step.text}"])
    for artifact, path in zip(step.artifacts, written, strict=True):
        out.print(f"  [dim]{escape(artifact.name)}, {len(artifact.octets)} octets: {escape(path.name)}[/dim]")
        if octets:
            text = artifact.octets.hex().upper() if artifact.kind is ArtifactKind.GBCS else artifact.octets.decode()
            lines([f"    {text}"])
        if decoded and artifact.kind is ArtifactKind.GBCS:
            try:
                print_tree(gbcs.as_tree(_decoded(artifact), artifact.name))
            except WireError as error:
                lines([f"    {error}"])
    out.print()


def _plain(story: Story, folder: Path) -> dict[str, Any]:
    return {
        "story": "secmp0128a",
        "tracking": story.tracking,
        "as_told": story.as_told,
        "handover_accepted": story.handover_accepted,
        "learned_counter": story.learned_counter,
        "leaving_counter": story.leaving_counter,
        "handover_counter": story.handover_counter,
        "attempts": story.attempts,
        "first_usable_counter": story.first_usable_counter,
        "slot_entity": str(story.slot_entity),
        "stored_number": story.stored_number,
        "messages": str(folder),
        "steps": [{"title": step.title, "text": step.text} for step in story.steps],
    }


def _print_summary(story: Story, folder: Path) -> None:
    out.print("[bold]Summary[/bold]")
    ending = "accepted" if story.handover_accepted else f"met with silence, {story.attempts} times"
    lines(
        [
            f"  counter tracking   {'on' if story.tracking else 'off'}",
            f"  operator left with {story.leaving_counter}",
            f"  DSP remembered     {story.learned_counter if story.learned_counter is not None else 'nothing'}",
            f"  6.21 counter       {story.handover_counter}",
            f"  6.21 was           {ending}",
            f"  slot holds         {story.slot_entity}",
            f"  messages           {folder}",
        ]
    )
