"""What-if: a study with its parameters, run beside the pages, with bands and charts."""

from typing import Any

from starlette.responses import Response

from trustcell.app.jobs import Job, Progress
from trustcell.studies import STUDIES, Study, forms, run_study
from trustcell.studies.rules.parameters import shipped, with_changes
from trustcell.web.console.authority import whole
from trustcell.web.console.visit import Page, Section, Visit, download

_JOB = "study"
_RUNS, _MOST_RUNS = 200, 2_000


async def studies(visit: Visit) -> Response:
    """The shipped ones, and the runs that are kept."""
    return visit.page("studies", studies=list(STUDIES.values()), jobs=visit.door.jobs.of(_JOB))


async def study(visit: Visit) -> Response:
    """Its parameters, each with its source."""
    found = _study(visit)
    return visit.page("study", study=found, parameters=shipped(found.name), runs=_RUNS, most=_MOST_RUNS)


async def begin(visit: Visit) -> Response:
    """Run it; parameters that were not changed keep their values."""
    found, form = _study(visit), visit.form
    changes = {}
    for name, parameter in shipped(found.name).items():
        text = form.get(f"set-{name}", "").strip()
        if text and text != str(parameter.value):
            changes[name] = text
    with_changes(found.name, changes)  # what cannot be is told now, not by the job
    seed, runs = whole(form, "seed") or 1, whole(form, "runs") or _RUNS
    if not 1 <= runs <= _MOST_RUNS:
        raise ValueError(f"runs: 1 to {_MOST_RUNS} here; trustcell study run takes more")

    def task(told: Progress) -> dict[str, Any]:
        told(0, runs)
        return {"study": found.name, "result": run_study(found, changes, seed, runs, lambda done: told(done, runs))}

    job = visit.door.jobs.start(visit.reference, _JOB, found.title, visit.actor.name, task)
    return visit.go(f"/console/studies/runs/{job.name}")


async def result(visit: Visit) -> Response:
    """Numbers and charts, with what was assumed."""
    job = _job(visit)
    drawn = []
    if job.result is not None:
        drawn = await visit.ask(forms.drawn, STUDIES[job.result["study"]], job.result["result"])
    return visit.page("study_run", job=job, charts=drawn)


async def file(visit: Visit) -> Response:
    """The result as JSON: the same octets from the same seed."""
    job = _job(visit)
    if job.result is None:
        raise LookupError("this run has no result yet")
    return download(forms.as_json(job.result["result"]), f"{job.result['study']}.json", "application/json")


def _study(visit: Visit) -> Study:
    found = STUDIES.get(visit.path("name"))
    if found is None:
        raise LookupError(f"there is no study {visit.path('name')}")
    return found


def _job(visit: Visit) -> Job:
    job = visit.door.jobs.find(visit.path("job"))
    if job is None or job.kind != _JOB:
        raise LookupError("this run is not kept any more: the same seed gives the same result")
    return job


SECTIONS = (Section("Studies", "/console/studies", "duties"),)
PAGES = (
    Page("/console/studies", studies),
    Page("/console/studies/{name}", study),
    Page("/console/studies/{name}", begin, method="POST"),
    Page("/console/studies/runs/{job}", result),
    Page("/console/studies/runs/{job}/result.json", file),
)
