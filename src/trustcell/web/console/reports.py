"""Reports over a snapshot of the books: filtered, sorted, drawn, taken away."""

from typing import Any

from starlette.responses import Response

from trustcell.app import reporting
from trustcell.app.jobs import Progress
from trustcell.charts import Bars, Series, draw
from trustcell.reports import REPORTS, Report, forms
from trustcell.reports.rules.definition import Kind, Table
from trustcell.reports.service import run
from trustcell.web.console.kept import kept_folder
from trustcell.web.console.visit import Page, Section, Visit, download

_JOB, _SHOWN, _LOOKED_AT, _BARS = "snapshot", 200, 5_000, 20
_ALL = 1_000_000
_FILES = {
    "csv": (forms.as_csv, "text/csv"),
    "json": (forms.as_json, "application/json"),
    "html": (forms.as_html, "text/html"),
}


async def reports(visit: Visit) -> Response:
    """What can be asked, of which snapshot."""
    folder = visit.door.folder
    taken = [] if folder is None else [each.name for each in reporting.snapshots(folder)]
    jobs, is_kept = visit.door.jobs.of(_JOB)[:1], folder is not None
    return visit.page("reports", reports=list(REPORTS.values()), taken=taken, jobs=jobs, kept=is_kept)


async def take(visit: Visit) -> Response:
    """A new snapshot, beside the pages."""
    folder = kept_folder(visit)
    database, now = visit.door.database, visit.door.now()

    def task(told: Progress) -> str:
        total = reporting.device_count(folder, database)
        told(0, total)
        return reporting.take_snapshot(folder, now, database, lambda done: told(done, total)).name

    visit.door.jobs.start(visit.reference, _JOB, "A snapshot of the books", visit.actor.name, task)
    return visit.go("/console/reports")


async def report(visit: Visit) -> Response:
    """Totals as a picture and a table, and the rows that need a look."""
    found = _report(visit)
    shown: dict[str, Any] = {"report": found, "missing": _missing(visit, found)}
    if shown["missing"]:
        return visit.page("report", table=None, **shown)
    table = await visit.ask(_run, visit, found, _LOOKED_AT)
    wanted, column = visit.asked("filter").lower(), visit.asked("sort")
    rows = [row for row in table.rows if not wanted or any(wanted in str(cell).lower() for cell in row.values())]
    if column in (names := [each.name for each in found.columns]):
        downwards = visit.asked("down") == "yes"
        rows.sort(key=lambda row: "" if row[column] is None else str(row[column]), reverse=downwards)
    heads = [each.name for each in (*found.keys, *found.measures)]
    return visit.page(
        "report", table=table, rows=rows[:_SHOWN], matched=len(rows), names=names, heads=heads,
        wanted=visit.asked("filter"), column=column, down=visit.asked("down"),
        chart=_chart(table), query=dict(visit.request.query_params), **shown,
    )  # fmt: skip


async def file(visit: Visit) -> Response:
    """All of it as CSV or JSON, or a page to print."""
    found, form = _report(visit), visit.path("form")
    if form not in _FILES:
        raise LookupError(f"a report comes as {', '.join(_FILES)}")
    make, kind = _FILES[form]
    octets = await visit.ask(lambda: make(_run(visit, found, _ALL)))
    return download(octets, f"{found.name}.{form}", kind)


def _report(visit: Visit) -> Report:
    found = REPORTS.get(visit.path("name"))
    if found is None:
        raise LookupError(f"there is no report {visit.path('name')}")
    return found


def _missing(visit: Visit, found: Report) -> list[str]:
    return [name for name in found.asks if not visit.asked(name)]


def _run(visit: Visit, found: Report, limit: int) -> Table:
    folder = kept_folder(visit)
    taken = {each.name: each for each in reporting.snapshots(folder)}
    if not taken:
        raise LookupError("no snapshot was taken yet")
    name = visit.asked("snapshot") or max(taken)
    if name not in taken:
        raise LookupError(f"there is no snapshot {name}")
    with reporting.opened(taken[name]) as snapshot:
        return run(found, snapshot, limit, asked={each: visit.asked(each) for each in found.asks})


def _chart(table: Table) -> str:
    """The first measure by everything that the totals are counted by; the largest of them when there are many."""
    found = table.report
    place = len(found.keys)
    counted = [row for row in table.totals if isinstance(row[place], int)]
    if not counted or found.measures[0].kind is not Kind.COUNT:
        return ""
    largest = sorted(counted, key=lambda row: -row[place])[:_BARS]
    names = [", ".join("none" if cell is None else str(cell) for cell in row[:place]) or "all" for row in largest]
    values = [float(row[place]) for row in largest]
    return draw(Bars(found.title, found.measures[0].name, names, [Series(found.measures[0].name, values)]))


SECTIONS = (Section("Reports", "/console/reports", "duties"),)
PAGES = (
    Page("/console/reports", reports),
    Page("/console/reports", take, method="POST"),
    Page("/console/reports/{name}", report),
    Page("/console/reports/{name}/report.{form}", file),
)
