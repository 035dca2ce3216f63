"""``trustcell serve``: the services that clients of the SMKI Repository expect, until it is stopped."""

import json
import logging
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from trustcell.cli.options import DEFAULT_HOME, HomeFolder, read_moment
from trustcell.cli.output import AsJson, err, lines, refusals

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@refusals
def serve(
    context: typer.Context,
    home: HomeFolder = DEFAULT_HOME,
    lab: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve a lab instead; its devices get certificates.")
    ] = None,
    keys: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A key file of the lab; may stand several times.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    repository_port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="Port of the repository; 0 takes a free one.")
    ] = 8083,
    at: Annotated[
        datetime | None,
        typer.Option(metavar="MOMENT", parser=read_moment, help="What the clock shows at the beginning."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the repository over HTTP; in a lab the key archive as well. SIGINT or SIGTERM stops it in good order."""
    from trustcell.app.lab_repository import left_out, open_lab  # costs what other commands need not pay
    from trustcell.app.serve import home_door, repository_service
    from trustcell.app.serve import serve as serve_doors

    is_lab = lab is not None or bool(keys)
    source = context.get_parameter_source("home")
    if is_lab and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("--home and a lab exclude each other")
    _log_to_standard_error()
    with ExitStack() as stack:
        if is_lab:
            opened = stack.enter_context(open_lab(lab, keys or [], at))
            door = opened.door
            lines_on_error([f"left out {text}" for text in left_out(opened.imported)])
            if host not in _LOOPBACK:
                lines_on_error([f"warning: the private keys of the lab can be fetched from {host}"])
        else:
            door = stack.enter_context(home_door(home, at))

        def ready(urls: dict[str, str]) -> None:
            environment = door.repository.environment.identifier
            shown = door.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
            if as_json:
                told = {"ready": True, "environment": environment, "clock": shown, **urls}
                sys.stdout.write(json.dumps(told) + "\n")
            else:
                lines([f"{name} of {environment} at {url}" for name, url in urls.items()])
                lines([f"its clock shows {shown}; Ctrl-C stops it"])
            sys.stdout.flush()

        serve_doors([repository_service(door, host, repository_port)], ready)


def lines_on_error(texts: list[str]) -> None:
    """Plain lines on standard error."""
    for text in texts:
        err.print(escape(text))


def _log_to_standard_error() -> None:
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("trustcell").setLevel(logging.INFO)
