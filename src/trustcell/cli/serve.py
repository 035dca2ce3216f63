"""``trustcell serve``: the services that clients of the SMKI Repository expect, until it is stopped."""

import json
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from trustcell.cli.options import DEFAULT_HOME, HomeFolder, read_moment
from trustcell.cli.output import AsJson, err, lines, refusals

if TYPE_CHECKING:
    from trustcell.app.serve import Tls


@refusals
def serve(
    context: typer.Context,
    home: HomeFolder = DEFAULT_HOME,
    lab: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve a lab: its repository, its DSP and its virtual devices.")
    ] = None,
    keys: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A key file of the lab; may stand several times.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    duis_port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="Port of the DUIS services; 0 takes a free one.")
    ] = 8079,
    repository_port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="Port of the repository; 0 takes a free one.")
    ] = 8083,
    api_port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="Port of the JSON API, health and metrics.")
    ] = 8081,
    callback: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT/PATH", help="Where the lab's users want their responses, all of them."),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(metavar="MOMENT", parser=read_moment, help="What the clock shows at the beginning."),
    ] = None,
    public_keys: Annotated[
        bool,
        typer.Option(
            "--i-know-these-keys-are-public", help="Listen beyond this machine although the lab's keys are public."
        ),
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", metavar="FILE", help="Speak TLS at the DUIS port: PEM.")
    ] = None,
    private_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key in PEM.")] = None,
    client_authorities: Annotated[
        Path | None,
        typer.Option("--tls-client-authorities", metavar="FILE", help="Ask DUIS users for a certificate of these."),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Tokens of the JSON API; tokens.json of the home without it."),
    ] = None,
    run_token: Annotated[
        bool,
        typer.Option(
            "--run-token/--no-run-token", help="Leave an operator's token for this run where only this user can read."
        ),
    ] = True,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the lab's DSP keeps its books: postgresql+psycopg://... or sqlite:////FILE."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Processes of the DSP that share one PostgreSQL.")
    ] = 1,
    console: Annotated[
        bool, typer.Option("--console/--no-console", help="Pages for people, on the port of the JSON API.")
    ] = True,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the console in a browser once it is there.")
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write log lines as JSON.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve over HTTP until SIGINT or SIGTERM: the repository and the console; a lab also DUIS and the JSON API.

    A lab given with --home is kept there: its requests, its counters and its devices are as they were left.
    """
    from trustcell.app import console as pages  # costs what other commands need not pay
    from trustcell.app import serve as serving
    from trustcell.app.accounts import ACCOUNTS_FILE, FIRST_ACCOUNT, AccountBook
    from trustcell.app.front import Front
    from trustcell.app.lab_serving import LabOptions, open_as_asked
    from trustcell.app.logs import configure_logs
    from trustcell.app.run_token import RUN_PRINCIPAL, written_run_token
    from trustcell.app.tokens import new_token

    is_lab = lab is not None or bool(keys)
    if database is not None and lab is None:
        raise typer.BadParameter("--database is for a lab: it goes with --lab")
    if workers > 1 and not (database or "").startswith("postgresql"):
        raise typer.BadParameter("--workers needs --database postgresql+psycopg://...")
    source = context.get_parameter_source("home")
    kept = home if source is not None and source.name == "COMMANDLINE" else None
    configure_logs(as_json=log_json)
    with ExitStack() as stack:
        services: list[serving.Service] = []
        work: list[serving.Work] = []
        token = ""
        folder = kept if is_lab else home
        accounts = AccountBook(None if folder is None else folder / ACCOUNTS_FILE) if console else None
        answering: dict[str, str] = {}
        elsewhere: Mapping[str, str] = {}
        if is_lab:
            serving.refuse_open_address(host, keys_are_public=True, told=public_keys)
            token, entry = new_token(RUN_PRINCIPAL, serving.running_clock()(), serving.random_source())
            tls = read_tls(certificate, private_key, client_authorities)
            front = Front(host, duis_port, api_port, tokens, (entry,) if run_token else (), tls)
            asked = LabOptions(
                lab, tuple(keys or ()), at, kept, callback, front, database=database, workers=workers,
                log_json=log_json, accounts=accounts,
                duis_url=lambda: answering.get("duis", ""),
            )  # fmt: skip
            opened = stack.enter_context(open_as_asked(asked))
            elsewhere = opened.urls
            door = opened.repository
            lines_on_error(opened.left_out)
            if public_keys:
                lines_on_error([f"warning: the private keys of the lab can be fetched from {host}"])
            services += opened.services
            work += opened.work
        else:
            door, authority = stack.enter_context(serving.opened_home(home, at))
            if accounts is not None:
                shown = pages.ConsoleDoor(
                    accounts,
                    door,
                    door.random,
                    authority=authority,
                    folder=home,
                    oidc=pages.oidc_of_settings(door.random),
                )
                services.append(serving.console_service(shown, host, api_port))
        services.append(serving.repository_service(door, host, repository_port))

        def ready(listening: dict[str, str]) -> None:
            urls = {**elsewhere, **listening}
            answering.update(urls)
            environment = door.repository.environment.identifier
            shown = door.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
            base = urls.get("api") or urls.get("console")
            page = f"{base}/console" if accounts is not None and base is not None else None
            password = pages.first_account(accounts, serving.random_source()) if accounts is not None and page else None
            place = stack.enter_context(written_run_token(urls["api"], token)) if "api" in urls and run_token else None
            if as_json:
                told = {"ready": True, "environment": environment, "clock": shown, **urls}
                told |= {} if place is None else {"token_file": str(place)}
                told |= {} if page is None else {"console": page}
                told |= {} if password is None else {"account": FIRST_ACCOUNT, "one_time_password": password}
                sys.stdout.write(json.dumps(told) + "\n")
            else:
                lines([f"{name} of {environment} at {url}" for name, url in urls.items() if name != "console"])
                lines([] if place is None else [f"token of this run for trustcell device in {place}"])
                lines([] if page is None else [f"console at {page}"])
                if password is not None:
                    lines([f"sign in there as {FIRST_ACCOUNT}; password for the first time: {password}"])
                lines([f"the repository's clock shows {shown}; Ctrl-C stops it"])
            sys.stdout.flush()
            if open_browser and page is not None:
                webbrowser.open(page)

        serving.serve(services, ready, work)


def read_tls(certificate: Path | None, key: Path | None, client_authorities: Path | None) -> "Tls | None":
    """The server's TLS, if it was asked for."""
    from trustcell.app.serve import Tls

    if certificate is None or key is None:
        if certificate or key or client_authorities:
            raise typer.BadParameter("--tls-certificate and --tls-key go together")
        return None
    return Tls(certificate, key, client_authorities)


def lines_on_error(texts: list[str]) -> None:
    """Plain lines on standard error."""
    for text in texts:
        err.print(escape(text))
