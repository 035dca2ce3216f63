"""The first page: how much there is of what, and what needs a person today."""

from collections import Counter
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

from trustcell.app import reporting
from trustcell.charts import Bars, Series, draw, rows
from trustcell.reports import REPORTS
from trustcell.reports.service import run
from trustcell.smki.rules.records import Family
from trustcell.vocab import RemotePartyRole
from trustcell.web.console.visit import Page, Section, Visit

_SHOWN = 20


async def home(visit: Visit) -> Response:
    """See the module."""
    years = await visit.ask(_years, visit)
    shown: dict[str, Any] = {"expiry": years, "dsp": None, "waiting": [], "duties": await visit.ask(_duties, visit)}
    if visit.door.dsp is not None:
        shown["dsp"] = await _dsp(visit)
    if visit.door.authority is not None:
        shown["waiting"] = await visit.ask(_waiting, visit)
    return visit.page("home", **shown)


def _duties(visit: Visit) -> dict[str, Any] | None:
    """The post-commissioning report of the newest snapshot, by outcome; nothing where no lab is kept."""
    if visit.door.dsp is None or visit.door.folder is None:
        return None
    taken = reporting.snapshots(visit.door.folder)
    return {"of": "", "outcomes": []} if not taken else dict(_counted(taken[-1]))


@lru_cache(4)
def _counted(snapshot: Path) -> tuple[tuple[str, Any], ...]:
    report = REPORTS["post-commissioning"]
    place = [each.name for each in report.keys].index("outcome")
    counted: Counter[str] = Counter()
    with reporting.opened(snapshot) as held:
        for row in run(report, held, 0).totals:
            counted[str(row[place])] += int(row[len(report.keys)])
    return ("of", snapshot.name), ("outcomes", sorted(counted.items()))


async def _dsp(visit: Visit) -> dict[str, Any]:
    dsp = visit.door.dsp
    assert dsp is not None
    tally = await visit.ask(dsp.views.tally)
    items = await visit.ask(lambda: dsp.views.work_items(limit=_SHOWN))
    return {
        "health": dsp.engine.health(),
        "devices": [(kind.name, status or "none", count) for (kind, status), count in sorted(tally.devices.items())],
        "occupants": sorted(((str(who), n) for who, n in tally.occupants.items()), key=lambda each: -each[1]),
        "requests": sorted(tally.requests.items()),
        "items": items,
        "item_count": sum(tally.work_items.values()),
    }


def _years(visit: Visit) -> dict[str, Any] | None:
    """Organisation Certificates in use by role and the year in which they end."""
    door = visit.door.repository
    counted: dict[str, Counter[int]] = {}
    with door.repository.store.reading() as books:
        for role, end in books.certificates.ends(Family.ORGANISATION, door.clock()):
            if role is not None:
                counted.setdefault(_role(role), Counter())[end.year] += 1
    if not counted:
        return None
    years = sorted({year for each in counted.values() for year in each})
    span = [str(year) for year in range(years[0], min(years[-1], years[0] + 24) + 1)]
    names = sorted(counted)
    chart = Bars(
        "Certificates by role and year of expiry", "certificates", span,
        [Series(name, [float(counted[name][int(year)]) for year in span]) for name in names],
        stacked=True,
    )  # fmt: skip
    heads, body = rows(chart)
    return {
        "svg": draw(chart),
        "heads": heads,
        "rows": body,
        "count": sum(sum(each.values()) for each in counted.values()),
    }


def _role(number: int) -> str:
    try:
        return RemotePartyRole(number).title
    except ValueError:
        return f"{number:02X}"


def _waiting(visit: Visit) -> list[dict[str, str]]:
    """Approvals and requests that wait for somebody, and what ends within ninety days."""
    from trustcell.smki.rules.records import RequestState

    authority = visit.door.authority
    assert authority is not None
    now: datetime = visit.door.authority_now()
    found = []
    with authority.store.reading() as books:
        register = authority.governance.register(books)
        for name in sorted(register.versions):
            approval = register.versions[name][-1]
            state = approval.state_at(now, len(books.approval_uses.uses(name))).value
            if approval.decision is None and state != "withdrawn":
                who = "the SSC's view" if approval.ssc_view is None else "the decision of the SMKI PMA"
                found.append(
                    {"path": f"/console/approvals/{name}", "what": f"approval {name}", "why": f"waits for {who}"}
                )
        for each in books.requests.search(RequestState.APPROVED):
            path = f"/console/certificates/requests/{each.name}"
            found.append({"path": path, "what": f"request {each.name[:12]}", "why": "waits for an issuer"})
    endings = authority.calendar.endings(now, now, now + timedelta(days=90))
    found += [{"path": "/console/calendar", "what": e.what, "why": f"ends {e.ends:%Y-%m-%d}"} for e in endings[:_SHOWN]]
    return found


SECTIONS = (Section("Home", "/console", "now"),)
PAGES = (Page("/console", home),)
