"""``trustcell departure``: a network operator leaves, device by device, and only then are its certificates revoked."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.cli.options import DEFAULT_HOME, HomeFolder, read_eui, read_moment
from trustcell.cli.output import AsJson, lines, out, print_json, refusals, with_progress
from trustcell.vocab import Eui64

app = typer.Typer(help="Departures of network operators: notice, replace, read, revoke.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the departure.")]
KeyFiles = Annotated[
    list[Path], typer.Option("--keys", metavar="FILE", help="A key file with the operator's keys; several times.")
]
Url = Annotated[str, typer.Option(metavar="URL", envvar="TRUSTCELL_DUIS_URL", help="Where the DUIS services are.")]
Database = Annotated[
    str | None, typer.Option(metavar="URL", help="The books of the DSP when they are not in the home.")
]
_URL = "http://127.0.0.1:8079"


@app.callback()
def group() -> None:
    """Departures of network operators: notice, replace, read, revoke."""


@app.command()
@refusals
def start(
    name: Name,
    operator: Annotated[
        Eui64, typer.Option(metavar="EUI-64", parser=read_eui, help="The network operator that leaves.")
    ],
    by: Annotated[str, typer.Option(metavar="WHO", help="On whose notice.")],
    noticed: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=read_moment, help="When the notice was given; now.")
    ] = None,
    in_flight: Annotated[int, typer.Option(metavar="N", min=1, help="So many devices on their way at once.")] = 500,
    per_hour: Annotated[int, typer.Option(metavar="N", min=1, help="So many begun in an hour.")] = 36_000,
    attempts: Annotated[int, typer.Option(metavar="N", min=1, help="How often a device is tried.")] = 3,
    again_after: Annotated[int, typer.Option(metavar="SECONDS", min=0, help="How long until the next try.")] = 600,
    home: HomeFolder = DEFAULT_HOME,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take the notice down and list the devices; nothing is sent yet."""
    from trustcell.app import campaigning
    from trustcell.campaigns import Limits

    limits = Limits(in_flight, per_hour, attempts, timedelta(seconds=again_after))
    with campaigning.departure_of(home, name, database) as (departure, _store):
        campaigning.begun(departure, operator, by, limits, noticed)
        _tell(campaigning.report_of(departure), as_json)


@app.command()
@refusals
def run(
    name: Name,
    keys: KeyFiles,
    url: Url = _URL,
    home: HomeFolder = DEFAULT_HOME,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Send, listen and read until every device is clean or given up; killed or stopped, it goes on where it was."""
    from trustcell.app import campaigning
    from trustcell.app.duis_client import send_request

    with campaigning.departure_of(home, name, database) as (asked, _store):
        operator = asked.campaign.subject
    client = campaigning.client_of(home, operator, keys, lambda variant, octets: send_request(url, variant, octets))
    with campaigning.departure_of(home, name, database, client) as (departure, _store):
        total = campaigning.report_of(departure)["total"]
        with with_progress(name, total) as progress:
            task = progress.task_ids[0]
            campaigning.carried_on(departure, lambda now: progress.update(task, completed=now.over))
        _tell(campaigning.report_of(departure), as_json)


@app.command()
@refusals
def status(name: Name, home: HomeFolder = DEFAULT_HOME, database: Database = None, as_json: AsJson = False) -> None:
    """How many devices are where, and when it will be over."""
    from trustcell.app import campaigning

    with campaigning.departure_of(home, name, database) as (departure, _store):
        _tell(campaigning.report_of(departure), as_json)


@app.command("list")
@refusals
def listed(home: HomeFolder = DEFAULT_HOME, database: Database = None, as_json: AsJson = False) -> None:
    """Every departure of a home."""
    from trustcell.app import campaigning

    told = campaigning.listed(home, database)
    if as_json:
        print_json(told)
        return
    lines([f"{each['name']}: {each['operator']}, {each['state']}" for each in told] or ["no departure"])


@app.command()
@refusals
def devices(
    name: Name,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="Only these; unreachable and refused without it.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 50,
    home: HomeFolder = DEFAULT_HOME,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """The devices of a departure, those without a result first of all, and the way out for each."""
    from trustcell.app import campaigning
    from trustcell.campaigns import TargetState

    try:
        wanted = [TargetState(each) for each in state or ("unreachable", "refused")]
    except ValueError:
        raise typer.BadParameter(f"a state is one of {', '.join(TargetState)}") from None
    with campaigning.departure_of(home, name, database) as (_departure, store):
        rows = [campaigning.target_row(each) for each in store.targets(name, wanted, limit)]
    if as_json:
        print_json(rows)
        return
    table = Table("device", "state", "attempts", "code", "counter", box=box.SIMPLE)
    for row in rows:
        table.add_row(*(escape(str(row[column])) for column in ("device", "state", "attempts", "code", "counter")))
    out.print(table)
    lines(dict.fromkeys(row["way_out"] for row in rows if row["way_out"]))


@app.command()
@refusals
def pause(name: Name, home: HomeFolder = DEFAULT_HOME, database: Database = None, as_json: AsJson = False) -> None:
    """Send nothing new, until it is resumed."""
    from trustcell.app import campaigning

    with campaigning.departure_of(home, name, database) as (departure, _store):
        departure.pause()
        _tell(campaigning.report_of(departure), as_json)


@app.command()
@refusals
def resume(name: Name, home: HomeFolder = DEFAULT_HOME, database: Database = None, as_json: AsJson = False) -> None:
    """Let a paused one go on; ``run`` does the work."""
    from trustcell.app import campaigning

    with campaigning.departure_of(home, name, database) as (departure, _store):
        departure.resume()
        _tell(campaigning.report_of(departure), as_json)


@app.command()
@refusals
def retry(name: Name, home: HomeFolder = DEFAULT_HOME, database: Database = None, as_json: AsJson = False) -> None:
    """Put those that were given up or refused back in line."""
    from trustcell.app import campaigning

    with campaigning.departure_of(home, name, database) as (departure, _store):
        campaigning.retried(departure)
        _tell(campaigning.report_of(departure), as_json)


@app.command()
@refusals
def revoke(
    name: Name,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who says so; needed for an override.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why before all is clean: the reference it cites.")] = "",
    home: HomeFolder = DEFAULT_HOME,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Say that the operator's certificates may be revoked: when every device is clean, or by a recorded override."""
    from trustcell.app import campaigning

    with campaigning.departure_of(home, name, database) as (departure, _store):
        campaigning.revoked(departure, reason, by)
        _tell(campaigning.report_of(departure), as_json)


def _tell(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    lines([f"{report['name']}: {report['operator']} leaves, {report['state']}, {report['total']} devices"])
    lines(f"  {state:12}{count}" for state, count in report["targets"].items() if count)
    if report["ends"] is not None and report["state"] == "running":
        lines([f"  over by {report['ends']} if it goes on like this"])
    if report["override"] is not None:
        lines([f"  override by {report['override']['by']}: {report['override']['reason']}"])
    if report["state"] == "revoked":
        lines(["  now: trustcell smki revoke request for each of its certificates, --because not-a-user"])
