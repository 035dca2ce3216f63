"""System integration tests: scenarios to read, run against the built-in system, with their evidence."""

from typing import Any

from starlette.responses import Response

from trustcell.app.jobs import Job, Progress
from trustcell.app.sit_builtin import BuiltIn
from trustcell.app.sit_client import clock
from trustcell.sit import Result, Scenario, forms, run_scenario, shipped
from trustcell.web.console.requests import OPERATORS
from trustcell.web.console.visit import Page, Section, Visit, download

_JOB = "sit"
_FILES = {"xml": (forms.as_junit, "application/xml"), "html": (forms.as_html, "text/html")}


async def scenarios(visit: Visit) -> Response:
    """What there is to run, step by step, and the runs that are kept."""
    return visit.page("sit", scenarios=shipped(), jobs=visit.door.jobs.of(_JOB))


async def begin(visit: Visit) -> Response:
    """Run one scenario or all of them, with or without counter tracking."""
    known = {each.name: each for each in shipped()}
    wanted, tracking = visit.form.get("scenario", ""), visit.form.get("tracking") == "yes"
    if wanted and wanted not in known:
        raise ValueError(f"scenario: one of {', '.join(known)}")
    chosen: list[Scenario] = [known[wanted]] if wanted else list(known.values())

    def task(told: Progress) -> dict[str, Any]:
        results: list[Result] = []
        system = BuiltIn(tracking)
        try:
            for scenario in chosen:
                told(len(results), len(chosen))
                results.append(run_scenario(scenario, system, clock))
        finally:
            system.close()
        told(len(results), len(chosen))
        return {"system": system.name, "results": results, "value": forms.as_value(system.name, results)}

    title = f"{wanted or 'All scenarios'}, {'with' if tracking else 'without'} counter tracking"
    job = visit.door.jobs.start(visit.reference, _JOB, title, visit.actor.name, task)
    return visit.go(f"/console/sit/{job.name}")


async def result(visit: Visit) -> Response:
    """Each step with its verdict."""
    return visit.page("sit_run", job=_job(visit), title_of=forms.title_of)


async def file(visit: Visit) -> Response:
    """The same as JUnit XML, or as a page with the evidence."""
    job, form = _job(visit), visit.path("form")
    if job.result is None or form not in _FILES:
        raise LookupError("there is no such file of this run")
    make, kind = _FILES[form]
    octets = await visit.ask(make, job.result["system"], job.result["results"])
    return download(octets, f"sit.{form}", kind)


def _job(visit: Visit) -> Job:
    job = visit.door.jobs.find(visit.path("job"))
    if job is None or job.kind != _JOB:
        raise LookupError("this run is not kept any more")
    return job


SECTIONS = (Section("SIT", "/console/sit", "duties"),)
PAGES = (
    Page("/console/sit", scenarios),
    Page("/console/sit", begin, OPERATORS, "POST"),
    Page("/console/sit/{job}", result),
    Page("/console/sit/{job}/sit.{form}", file),
)
