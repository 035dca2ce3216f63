"""``trustcell story mp261``: the pack that lasts to the end of the Issuing OCA, told with a real authority."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from trustcell.app.files import write_output
from trustcell.app.mp261 import mp261_paperwork, mp261_stages
from trustcell.cli.output import AsJson, lines, out, print_json, refusals, with_progress
from trustcell.cli.pack import difference_facts
from trustcell.cli.telling import write_step
from trustcell.stories import Mp261Story, Step, tell_mp261

_SEED = b"trustcell story mp261"
_ENROLMENTS = 30


@refusals
def mp261(
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where packs and messages go; out/story/mp261 without."),
    ] = None,
    home: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the authority in this folder; taken away without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The pack of 2016 ends in 2026; with two approvals the next one lasts seventeen years over the same keys.

    Without approval every request is refused, by clause. Exit code 0 when the story ended as it has to.
    """
    folder = folder or Path("out") / "story" / "mp261"

    def hear(step: Step) -> None:
        if not as_json:
            out.print(f"[bold]{escape(step.title)}[/bold]")
            lines([f"  {step.text}"])
            out.print()

    report = play_mp261(folder, hear, home=home)
    if as_json:
        print_json(report)
    else:
        _print_summary(report, folder)
    if not report["as_told"]:
        raise typer.Exit(1)


def play_mp261(folder: Path, hear: Callable[[Step], None], *, home: Path | None = None) -> dict[str, Any]:
    """Tell the story; packs, messages and a summary are written into ``folder``; the summary."""
    numbers = iter(range(1, 1000))

    def on_step(step: Step) -> None:
        hear(step)
        write_step(folder, next(numbers), step)

    with (
        with_progress("keys, certificates and people of the authority", _ENROLMENTS) as bar,
        mp261_paperwork(home, lambda _: bar.advance(bar.task_ids[0])) as papers,
        mp261_stages() as set_stage,
    ):
        bar.stop()
        story = tell_mp261(papers, set_stage, _SEED, on_step)
        for version in (story.first.version, story.second.version):
            name = f"{story.first.name}-{version}.zip"
            write_output(folder / name, papers.packs.published(story.first.name, version))
    report = _plain(story)
    write_output(folder / "summary.json", json.dumps(report, indent=2).encode() + b"\n")
    return report


def _plain(story: Mp261Story) -> dict[str, Any]:
    return {
        "story": "mp261",
        "as_told": story.as_told,
        "refused_without_approval": {
            "refused": all(refused.clauses for refused in story.refused),
            "clauses": list(story.clauses),
            "rule_set": story.refused[0].rule_set,
        },
        "refused_before_mp261": {
            "refused": all(refused.clauses for refused in story.refused_before),
            "clauses": sorted({clause for refused in story.refused_before for clause in refused.clauses}),
            "rule_set": story.refused_before[0].rule_set,
        },
        "approvals": list(story.approvals),
        "validity_years": story.validity_years,
        "pack_not_after": _moment(story.second.not_after),
        "first_pack_not_after": _moment(story.first.not_after),
        "issuing_oca_not_after": _moment(story.issuing_oca_not_after),
        "same_to_every_device": story.difference.same_to_every_device,
        "different_in_every_date": story.difference.different_in_every_date,
        "certificates": len(story.second.newest.certificates),
        "what_a_device_tells": sorted({told.text for told in story.told}),
        "devices": [
            {
                "pack": view.pack,
                "recognised": {kind.value: count for kind, count in view.recognised.items()},
                "handover_accepted": view.handover_accepted,
            }
            for view in story.devices
        ],
        "with_new_keys": {kind.value: count for kind, count in story.new_keys.items()},
        "difference": difference_facts(story.difference),
        "steps": [{"title": step.title, "text": step.text} for step in story.steps],
    }


def _print_summary(report: dict[str, Any], folder: Path) -> None:
    out.print("[bold]Summary[/bold]")
    refused = report["refused_without_approval"]
    lines(
        [
            f"  without approval   refused: {', '.join(refused['clauses'])}",
            f"  with approvals     {', '.join(report['approvals'])}",
            f"  certificates       {report['certificates']}, {report['validity_years']} years",
            f"  first pack ends    {report['first_pack_not_after']}",
            f"  second pack ends   {report['pack_not_after']}",
            f"  Issuing OCA ends   {report['issuing_oca_not_after']}",
            f"  to every device    {'the same' if report['same_to_every_device'] else 'different'}",
            f"  a device can tell  {'; '.join(report['what_a_device_tells'])}",
            f"  packs, messages    {folder}",
        ]
    )


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
