"""What a worker is told: values and paths only, so that it makes everything itself and shares nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from trustcell.adapters.clock import system_now, system_now_exact
from trustcell.app.callbacks import CallbackRules
from trustcell.app.serve import Tls
from trustcell.app.workers.holding import Place
from trustcell.dsp import Policy


@dataclass(frozen=True, slots=True)
class Times:
    """How far the clocks of a service are ahead of the machine's, equal in all its processes."""

    repository: timedelta
    dsp: timedelta

    @classmethod
    def of(cls, repository: datetime, at: datetime | None, now: datetime) -> "Times":
        """As the supervisor's clocks show it at ``now``."""
        return cls(repository - now, timedelta() if at is None else at - now)

    def repository_clock(self) -> datetime:
        """What the repository's clock shows."""
        return system_now() + self.repository

    def dsp_clock(self) -> datetime:
        """What the DSP's clock shows."""
        return system_now_exact() + self.dsp


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """One worker of a lab. ``folder`` holds repository and users, ``heads`` the signed heads if they are kept."""

    place: Place
    database: str = field(repr=False)
    folder: Path
    heads: Path | None
    lab: Path
    keys: tuple[Path, ...]
    callback: str | None
    times: Times
    rules: CallbackRules
    callback_seconds: float
    tls: Tls | None = None
    log_json: bool = False
    policy: Policy | None = None
