"""``trustcell lab``: a lab of one's own, to be served."""

from pathlib import Path
from typing import Annotated

import typer

from trustcell.cli.output import AsJson, lines, print_json, refusals

app = typer.Typer(help="Labs of one's own: a PKI, users and devices to serve.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Labs of one's own: a PKI, users and devices to serve."""


@app.command()
@refusals
def make(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where lab.json and keys.json go.")],
    hubs: Annotated[int, typer.Option(metavar="N", help="So many hubs, each with a GPF, an ESME and a GSME.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Make a lab: two suppliers, two network operators, the DCC, hubs in both regions; every key is new."""
    from trustcell.app.lab_making import make_lab
    from trustcell.app.serve import random_source, running_clock

    lab, keys = make_lab(folder, hubs, running_clock()(), random_source())
    if as_json:
        print_json({"lab": str(lab), "keys": str(keys), "hubs": hubs, "devices": 4 * hubs})
        return
    lines([f"{lab}: {hubs} hubs with {3 * hubs} devices, two suppliers, two network operators", f"{keys}: their keys"])
    lines([f"trustcell serve --lab {lab} --keys {keys} --home {folder / 'home'}"])
