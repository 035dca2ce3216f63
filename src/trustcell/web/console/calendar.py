"""Everything that ends, as a table and as files for other calendars."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from trustcell.charts import Bars, Series, draw
from trustcell.smki.rules.calendar import Ending, EndingKind
from trustcell.smki.rules.calendar_forms import as_csv, as_ics
from trustcell.web.console.authority import home_of
from trustcell.web.console.visit import Page, Section, Visit, download

_YEARS = ("1", "2", "5", "10", "30", "60")
_FILES = {"csv": "text/csv", "ics": "text/calendar", "json": "application/json"}


async def calendar(visit: Visit) -> Response:
    """What ends within so many years, of one kind when asked so."""
    years, kind = visit.asked("years", "30"), visit.asked("kind")
    now = visit.door.authority_now()
    found = await visit.ask(_endings, visit, years, kind)
    by_year = Counter(each.ends.year for each in found)
    span = [str(year) for year in range(now.year, max(by_year, default=now.year) + 1)]
    chart = Bars("What ends, by year", "endings", span, [Series("endings", [float(by_year[int(y)]) for y in span])])
    rows = [(f"{e.ends:%Y-%m-%d %H:%M}", e.days_left(now), e.kind.value, e.what, e.remark, e.clause) for e in found]
    return visit.page(
        "calendar", rows=rows, chart=draw(chart), years=years, kind=kind, spans=_YEARS,
        kinds=[each.value for each in EndingKind],
    )  # fmt: skip


def _endings(visit: Visit, years: str, kind: str) -> list[Ending]:
    if years not in _YEARS:
        raise ValueError(f"years: one of {', '.join(_YEARS)}")
    now = visit.door.authority_now()
    found = home_of(visit).calendar.endings(now, now, now + timedelta(days=366 * int(years)))
    return [each for each in found if not kind or each.kind == EndingKind(kind)]


async def file(visit: Visit) -> Response:
    """The same as CSV, iCalendar or JSON."""
    form = visit.path("form")
    if form not in _FILES:
        raise LookupError(f"the calendar comes as {', '.join(_FILES)}")
    now = visit.door.authority_now()
    found = await visit.ask(_endings, visit, visit.asked("years", "30"), visit.asked("kind"))
    text: Any
    if form == "csv":
        text = as_csv(found, now).encode()
    elif form == "ics":
        text = as_ics(found, now, home_of(visit).environment.identifier)
    else:
        text = json.dumps([each.as_json(now) for each in found], indent=1).encode()
    return download(text, f"calendar.{form}", _FILES[form])


SECTIONS = (Section("Calendar", "/console/calendar", "trust"),)
PAGES = (Page("/console/calendar", calendar), Page("/console/calendar/calendar.{form}", file))
