"""What came of steps and scenarios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from trustcell.sit.rules.scenario import SILENT, Scenario, StepPlan


class Verdict(StrEnum):
    """Passed, failed, or not tried: what was not tried never counts as passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed of one step. ``outcome`` is the code of what came later, ``silence`` when nothing did.

    ``evidence`` are texts by title: DUIS out and in, GBCS decoded.
    """

    code: str = ""
    outcome: str = ""
    operator: str = ""
    supplier: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step, what was seen, and each expectation that was not met, in words."""

    step: StepPlan
    seen: Seen
    verdict: Verdict
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario that was run; ``reason`` says why it was not tried."""

    scenario: Scenario
    verdict: Verdict
    began: datetime
    seconds: float
    steps: Sequence[StepResult] = ()
    reason: str = ""


def judged(step: StepPlan, seen: Seen) -> StepResult:
    """Compare what was expected with what was seen."""
    pairs = (
        ("the answer", step.expect, seen.code),
        ("the outcome", step.outcome, seen.outcome or SILENT),
        ("the network operator cells", step.operator, seen.operator),
        ("the supplier cells", step.supplier, seen.supplier),
    )
    problems = [
        f"{what}: {expected} expected, {found or 'nothing'} seen"
        for what, expected, found in pairs
        if expected and expected != found
    ]
    return StepResult(step, seen, Verdict.FAILED if problems else Verdict.PASSED, problems)
