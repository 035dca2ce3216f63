"""``trustcell serve``: the services that clients of the SMKI Repository expect, until it is stopped."""

import json
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from trustcell.cli.options import DEFAULT_HOME, HomeFolder, read_moment
from trustcell.cli.output import AsJson, err, lines, refusals


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
    keys_are_public: Annotated[
        bool,
        typer.Option(
            "--i-know-these-keys-are-public", help="Listen beyond this machine although everybody has the lab's keys."
        ),
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write log lines as JSON.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the repository over HTTP; in a lab the key archive as well. SIGINT or SIGTERM stops it in good order."""
    from trustcell.app.lab_repository import left_out, open_lab  # costs what other commands need not pay
    from trustcell.app.logs import configure_logs
    from trustcell.app.serve import home_door, refuse_open_address, repository_service
    from trustcell.app.serve import serve as serve_doors

    is_lab = lab is not None or bool(keys)
    source = context.get_parameter_source("home")
    if is_lab and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("--home and a lab exclude each other")
    configure_logs(as_json=log_json)
    refuse_open_address(host, keys_are_public=is_lab, told=keys_are_public)
    with ExitStack() as stack:
        if is_lab:
            opened = stack.enter_context(open_lab(lab, keys or [], at))
            door = opened.door
            lines_on_error([f"left out {text}" for text in left_out(opened.imported)])
            if keys_are_public:
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
