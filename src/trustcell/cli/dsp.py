"""``trustcell dsp``: the books of a home's DSP, read whether it runs or not; and a restore confirmed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustcell.cli.options import DEFAULT_HOME, AtMoment, HomeFolder, read_eui
from trustcell.cli.output import AsJson, lines, print_json, print_tree, refusals
from trustcell.cli.tables import print_facts, print_rows
from trustcell.vocab import Clause, Eui64, Refused

if TYPE_CHECKING:
    from trustcell.dsp.ports import Views
    from trustcell.dsp.rules.facts import DeviceRecord

app = typer.Typer(help="The DSP's books of a home: requests, trails, counters, inventory.", no_args_is_help=True)

DSP = Clause("trustcell dsp", "docs/trail.md, the books of a home")

Device = Annotated[Eui64, typer.Argument(metavar="EUI-64", parser=read_eui, help="A device of the inventory.")]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="At most so many rows.")]
_CONFIRM = "say --confirm when the backup is in place and nobody else has a newer copy of these books"


@app.callback()
def group() -> None:
    """The DSP's books of a home: requests, trails, counters, inventory."""


@app.command()
@refusals
def requests(
    home: HomeFolder = DEFAULT_HOME,
    device: Annotated[
        Eui64 | None, typer.Option(metavar="EUI-64", parser=read_eui, help="Requests to this device.")
    ] = None,
    user: Annotated[
        Eui64 | None, typer.Option(metavar="EUI-64", parser=read_eui, help="Requests of this user.")
    ] = None,
    after: Annotated[str | None, typer.Option(metavar="REQUEST-ID", help="Only what came after this one.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Service requests in the order in which they came, and where each stands."""
    from trustcell.app.dsp_rows import request_row
    from trustcell.duis import RequestId

    with _views(home) as views:
        found = views.requests(
            user=user,
            device=device,
            after=None if after is None else RequestId.parse(after),
            limit=limit,
        )
        rows = [request_row(each) for each in found]
    columns = ("accepted_at", "service_variant", "command_variant", "state", "code", "request_id")
    _tell(rows, columns, as_json, "no requests")


@app.command()
@refusals
def trail(
    request_id: Annotated[
        str, typer.Argument(metavar="REQUEST-ID", help="originator:target:counter, as in the DUIS request.")
    ],
    home: HomeFolder = DEFAULT_HOME,
    decoded: Annotated[bool, typer.Option("--decoded", help="Show GBCS messages and the DUIS body in full.")] = False,
    as_json: AsJson = False,
) -> None:
    """All about one request: DUIS in, every check, GBCS out and in, effects, deliveries."""
    from trustcell.app.request_trail import request_trail
    from trustcell.cli.dsp_trail import as_node
    from trustcell.duis import RequestId

    wanted = RequestId.parse(request_id)
    with _views(home) as views:
        found = request_trail(views, wanted)
    if found is None:
        raise _unknown("request_unknown", "request", f"nobody sent a request {wanted}")
    if as_json:
        print_json(found)
    else:
        print_tree(as_node(found, str(wanted), decoded=decoded))


@app.command()
@refusals
def ledger(device: Device, home: HomeFolder = DEFAULT_HOME, at: AtMoment = None, as_json: AsJson = False) -> None:
    """Who used which number on a device, who sits in the slot, and why the next 6.21 gets its number."""
    from trustcell.app.ledger import ledger as ledger_of

    with _views(home) as views:
        found = ledger_of(views, _record(views, device), _now(at))
    if as_json:
        print_json(found)
        return
    print_rows(found["items"], ("at", "counter", "who", "reason"), "no number was used")
    highest, following = found["highest"], found["next_6_21"]
    lines([f"{cell} holds {entity}" for cell, entity in found["slot"].items()])
    if highest is not None:
        lines([f"stored counter {highest['counter']}, {highest['taught_by']}, {highest['at']}"])
    if following["counter"] is None:
        lines([f"the next 6.21 gets no number: {following['sentence']}"])
    else:
        lines([f"the next 6.21 gets {following['counter']}: {following['sentence']}"])


@app.command()
@refusals
def slots(
    device: Device,
    home: HomeFolder = DEFAULT_HOME,
    history: Annotated[bool, typer.Option("--history", help="Everybody who ever sat there, oldest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Who sits in the Trust Anchor Cells of a device, as far as the DSP knows."""
    from trustcell.app.dsp_rows import slot_rows

    with _views(home) as views:
        current, ever = slot_rows(views, _record(views, device).eui)
    columns = ("cell", "entity", "key_id", "since", "told_by")
    _tell(ever if history else current, columns, as_json, "no cell is known")


@app.command()
@refusals
def inventory(
    device: Annotated[
        Eui64 | None, typer.Argument(metavar="[EUI-64]", parser=read_eui, help="One device; all without it.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    after: Annotated[
        Eui64 | None, typer.Option(metavar="EUI-64", parser=read_eui, help="Only devices after this one.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """The Smart Metering Inventory: types, statuses, hubs, metering points."""
    from trustcell.app.dsp_rows import device_row

    with _views(home) as views:
        if device is not None:
            row = device_row(_record(views, device))
            if as_json:
                print_json(row)
            else:
                print_facts({**row, **row.pop("details")})
            return
        found = views.devices(None, after, limit)
    rows = [device_row(each) for each in found]
    _tell(rows, ("eui", "device_type", "status", "hub", "mpxns", "generation"), as_json, "no devices")


@app.command()
@refusals
def history(device: Device, home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """What happened to a device in the inventory, oldest first."""
    from trustcell.app.dsp_rows import history_rows

    with _views(home) as views:
        rows = history_rows(views, device)
    if not rows:
        raise _unknown("device_unknown", "device", f"{device} was never in the inventory")
    _tell(rows, ("at", "event", "before", "after"), as_json, "")


@app.command()
@refusals
def registrations(
    mpxn: Annotated[str, typer.Argument(metavar="MPXN", help="A metering point: MPAN or MPRN.")],
    home: HomeFolder = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Who is and was responsible for a metering point, newest first."""
    from trustcell.app.dsp_rows import registration_row

    with _views(home) as views:
        rows = [registration_row(each) for each in views.registrations(mpxn)]
    _tell(rows, ("begins", "supplier", "network_operator"), as_json, "nobody is registered")


@app.command()
@refusals
def schedules(
    user: Annotated[Eui64, typer.Argument(metavar="EUI-64", parser=read_eui, help="A DCC User.")],
    home: HomeFolder = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """The DSP schedules of a user (5.1), and when each runs next."""
    from trustcell.app.dsp_rows import schedule_row

    with _views(home) as views:
        rows = [schedule_row(each) for each in views.schedules(user)]
    columns = ("number", "device", "service_variant", "frequency", "starts", "ends", "next_at")
    _tell(rows, columns, as_json, "no schedules")


@app.command()
@refusals
def homes(home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """The homes of the database: who holds the lease of each, until when, and how long its audit chain is."""
    from trustcell.app.dsp_books import ends

    rows = ends(home)
    _tell(rows, ("home", "owner", "until", "entries"), as_json, "")


@app.command()
@refusals
def verify(home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Check the books: audit chains, signed heads here and outside, counters; exit code 1 if something is wrong."""
    from trustcell.app.dsp_books import ends
    from trustcell.app.dsp_books import verify as verify_books

    problems = verify_books(home)
    entries = sum(row["entries"] for row in ends(home))
    if as_json:
        print_json({"ok": not problems, "entries": entries, "problems": problems})
    else:
        lines([*problems, f"{entries} entries: {'sound' if not problems else f'{len(problems)} problems'}"])
    if problems:
        raise typer.Exit(1)


@app.command()
@refusals
def restore(
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who confirms it, for the audit trail.")],
    home: HomeFolder = DEFAULT_HOME,
    confirm: Annotated[bool, typer.Option("--confirm", help="Yes: a backup of these books was put back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Confirm that a backup was put back: no number that may have been sent since is used again."""
    from trustcell.app.dsp_books import restored

    if not confirm:
        raise _unknown("confirmation_expected", "confirm", "every counter of every device would jump", _CONFIRM)
    rows = restored(home, by, _now(None))
    _tell(rows, ("home", "ended", "known", "from"), as_json, "")


@contextmanager
def _views(home: Path) -> "Iterator[Views]":
    from trustcell.app.dsp_books import reading

    with reading(home) as homes_:
        yield homes_.views


def _record(views: "Views", device: Eui64) -> "DeviceRecord":
    found = views.device(device)
    if found is None:
        raise _unknown("device_unknown", "device", f"{device} is not in the inventory")
    return found


def _now(at: datetime | None) -> datetime:
    from trustcell.app.serve import running_clock

    return at or running_clock()()


def _tell(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, columns, nothing)


def _unknown(code: str, field: str, message: str, remedy: str = "look at what there is") -> Refused:
    return Refused([DSP.breach(code, field, message, remedy)])
