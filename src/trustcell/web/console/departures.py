"""Departures of network operators: noticed, carried on beside the pages, paused, and ended by revocation."""

from typing import Any

from starlette.responses import Response

from trustcell.app import campaigning
from trustcell.app.duis_client import send_request
from trustcell.app.jobs import Job, JobState, Progress
from trustcell.campaigns import Limits, TargetState
from trustcell.charts import Bars, Series, draw
from trustcell.duis import UserRole
from trustcell.vocab import Eui64
from trustcell.web.console.authority import needed, whole
from trustcell.web.console.devices import PAGE_ROWS
from trustcell.web.console.kept import kept_folder
from trustcell.web.console.requests import OPERATORS
from trustcell.web.console.visit import Page, Section, Visit

_JOB = "departure"
_OPERATORS = {UserRole.GAS_TRANSPORTER, UserRole.ELECTRICITY_DISTRIBUTOR}


async def departures(visit: Visit) -> Response:
    """All of them, and the form for a new notice."""
    folder = visit.door.folder
    found = [] if folder is None else await visit.ask(campaigning.listed, folder, visit.door.database)
    users = [] if visit.door.dsp is None else await visit.door.dsp.operator.users()
    operators = [str(each.entity) for each in users if not each.roles.isdisjoint(_OPERATORS)]
    return visit.page("departures", found=found, operators=operators, kept=folder is not None)


async def begin(visit: Visit) -> Response:
    """Take the notice down and list the devices; nothing is sent yet."""
    folder, form, name = kept_folder(visit), visit.form, needed(visit.form, "name")
    operator = Eui64.parse(needed(form, "operator"))
    limits = Limits(whole(form, "in_flight") or 500, whole(form, "per_hour") or 36_000)

    def write() -> None:
        with campaigning.departure_of(folder, name, visit.door.database) as (departure, _store):
            campaigning.begun(departure, operator, f"{needed(form, 'by')} ({visit.actor.name})", limits, None)

    await visit.ask(write)
    return visit.go(f"/console/departures/{name}", "The notice is taken down and the devices are listed.")


async def departure(visit: Visit) -> Response:
    """How many devices are where, which are stuck with the way out of it, and when it will be over."""
    folder, name = kept_folder(visit), visit.path("name")
    wanted = visit.asked("state")
    states = [TargetState(wanted)] if wanted else list(TargetState)

    def read() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        with campaigning.departure_of(folder, name, visit.door.database) as (asked, store):
            rows = [campaigning.target_row(each) for each in store.targets(name, states, PAGE_ROWS)]
            return campaigning.report_of(asked), rows

    report, rows = await visit.ask(read)
    counts = report["targets"]
    chart = Bars("Devices by state", "devices", list(counts), [Series("devices", [float(n) for n in counts.values()])])
    return visit.page(
        "departure", report=report, rows=rows, wanted=wanted, states=[each.value for each in TargetState],
        chart=draw(chart), job=_running(visit, name),
    )  # fmt: skip


def _running(visit: Visit, name: str) -> Job | None:
    return next((each for each in visit.door.jobs.of(_JOB) if each.title.endswith(f" {name}")), None)


async def carry_on(visit: Visit) -> Response:
    """Send, listen and read until every device is clean or given up, or somebody pauses it."""
    folder, name, database = kept_folder(visit), visit.path("name"), visit.door.database
    job = _running(visit, name)
    if job is not None and job.state in (JobState.WAITING, JobState.RUNNING):
        return visit.go(f"/console/departures/{name}", "It is being carried on.")
    url, keys = visit.door.duis_url(), visit.door.keys

    def task(told: Progress) -> dict[str, Any]:
        with campaigning.departure_of(folder, name, database) as (asked, _store):
            operator = asked.campaign.subject
        client = campaigning.client_of(
            folder, operator, keys, lambda variant, octets: send_request(url, variant, octets)
        )
        with campaigning.departure_of(folder, name, database, client) as (running, _store):
            total = campaigning.report_of(running)["total"]
            campaigning.carried_on(running, lambda now: told(now.over, total))
            return campaigning.report_of(running)

    visit.door.jobs.start(visit.reference, _JOB, f"The departure {name}", visit.actor.name, task)
    return visit.go(f"/console/departures/{name}")


async def change(visit: Visit) -> Response:
    """Pause it, let it go on, or put back in line what was given up."""
    folder, name, wanted = kept_folder(visit), visit.path("name"), visit.form.get("change", "")

    def write() -> None:
        with campaigning.departure_of(folder, name, visit.door.database) as (departure, _store):
            if wanted == "pause":
                departure.pause()
            elif wanted == "resume":
                departure.resume()
            elif wanted == "retry":
                campaigning.retried(departure)
            else:
                raise ValueError("change: pause, resume or retry")

    await visit.ask(write)
    return visit.go(f"/console/departures/{name}")


async def revoke(visit: Visit) -> Response:
    """Say that the certificates may be revoked: when every device is clean, or by a recorded override."""
    folder, name = kept_folder(visit), visit.path("name")

    def write() -> None:
        with campaigning.departure_of(folder, name, visit.door.database) as (departure, _store):
            campaigning.revoked(departure, visit.form.get("reason", "").strip(), visit.actor.name)

    await visit.ask(write)
    return visit.go(f"/console/departures/{name}", "Its certificates may be revoked.")


SECTIONS = (Section("Departures", "/console/departures", "duties"),)
PAGES = (
    Page("/console/departures", departures),
    Page("/console/departures", begin, OPERATORS, "POST"),
    Page("/console/departures/{name}", departure),
    Page("/console/departures/{name}/run", carry_on, OPERATORS, "POST"),
    Page("/console/departures/{name}/change", change, OPERATORS, "POST"),
    Page("/console/departures/{name}/revoke", revoke, OPERATORS, "POST"),
)
