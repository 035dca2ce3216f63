"""What takes longer than a page: one after the other beside the server, with progress, kept until newer ones come."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trustcell.vocab import Clause, Refused, TrustcellError

_LOG = logging.getLogger("trustcell.jobs")
JOBS = Clause("trustcell console", "docs/console.md, what runs beside the pages")
_KEPT, _WAITING = 64, 8

Progress = Callable[[int, int], None]
"""How many are done, of how many."""
Task = Callable[[Progress], Any]


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Job:
    """One job; ``result`` is there when it is done, ``problem`` when it failed."""

    name: str
    kind: str
    title: str
    by: str
    state: JobState = JobState.WAITING
    done: int = 0
    total: int = 0
    result: Any = None
    problem: str = ""


class Jobs:
    """The last jobs of this run; a restart forgets them, and what they changed is where it belongs."""

    def __init__(self) -> None:
        """None yet; the thread begins with the first."""
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def start(self, name: str, kind: str, title: str, by: str, task: Task) -> Job:
        """Put a job at the end of the queue. ``Refused``: ``jobs_waiting`` when the queue is long."""
        job = Job(name, kind, title, by)
        with self._lock:
            waiting = sum(each.state is JobState.WAITING for each in self._jobs.values())
            if waiting >= _WAITING:
                raise Refused([JOBS.breach("jobs_waiting", "job", f"{waiting} jobs wait already", "wait for one")])
            self._jobs[name] = job
            while len(self._jobs) > _KEPT:
                oldest = next((key for key, each in self._jobs.items() if each.state in _ENDED), None)
                if oldest is None:
                    break
                del self._jobs[oldest]
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "trustcell-job")
        self._pool.submit(self._run, job, task)
        return job

    def find(self, name: str) -> Job | None:
        """One of those that are kept."""
        return self._jobs.get(name)

    def of(self, kind: str) -> list[Job]:
        """Those of a kind, newest first."""
        with self._lock:
            return [each for each in reversed(self._jobs.values()) if each.kind == kind]

    def _run(self, job: Job, task: Task) -> None:
        def told(done: int, total: int) -> None:
            job.done, job.total = done, total

        job.state = JobState.RUNNING
        try:
            job.result = task(told)
            job.state = JobState.DONE
        except TrustcellError as error:
            job.problem, job.state = str(error), JobState.FAILED
        except Exception:
            _LOG.exception("job %s failed", job.name)
            job.problem, job.state = f"it ended unexpectedly; the log has it under {job.name}", JobState.FAILED


_ENDED = (JobState.DONE, JobState.FAILED)
