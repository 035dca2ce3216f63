"""``trustcell story sold-network``: certificates that stayed behind, and the recovery that puts the new ones in."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.stories import SoldNetworkStory, Step


@refusals
def sold_network(
    devices: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="So many GPFs.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Operator A sold its network to B and left its certificates in every slot; recovery puts B's in (SEC L10).

    Real messages to every device. Exit code 0 when the story ended as it has to.
    """
    from trustcell.app.mp261 import mp261_paperwork
    from trustcell.app.sold_network import sold_network_stage
    from trustcell.stories import tell_sold_network

    def hear(step: Step) -> None:
        if not as_json:
            out.print(f"[bold]{escape(step.title)}[/bold]")
            lines([f"  {step.text}"])
            out.print()

    with (
        out.status("devices and people are made") as status,
        mp261_paperwork(None) as paperwork,
        sold_network_stage(devices) as stage,
    ):
        status.stop()
        story = tell_sold_network(stage, paperwork, hear)
    report = _report(story)
    if as_json:
        print_json(report)
    else:
        lines([f"{report['recovered']} of {report['devices']} devices are under the new operator"])
    if not story.as_told:
        raise typer.Exit(1)


def _report(story: SoldNetworkStory) -> dict[str, Any]:
    return {
        "devices": story.devices,
        "recovered": story.recovered,
        "refused_handover": story.refused_handover,
        "refused_without_decision": story.refused_without_decision,
        "refused_for_another_event": story.refused_for_another,
        "as_told": story.as_told,
    }
