"""Running scenarios: a step that fails ends its scenario, because the next ones build on it."""

from collections.abc import Callable
from datetime import datetime

from trustcell.sit.ports import System
from trustcell.sit.rules.scenario import Scenario
from trustcell.sit.rules.verdict import Result, StepResult, Verdict, judged
from trustcell.vocab import TrustcellError


def run_scenario(scenario: Scenario, system: System, clock: Callable[[], datetime]) -> Result:
    """Run one. What the system has not got, or cannot be made to do, leaves it untried, with the reason."""
    began = clock()
    missing = sorted(scenario.needs - set(system.has()))
    if missing:
        return Result(scenario, Verdict.NOT_TRIED, began, 0.0, (), f"{system.name} has no {', '.join(missing)}")
    if any(step.controls for step in scenario.steps) and not system.can_control:
        return Result(scenario, Verdict.NOT_TRIED, began, 0.0, (), f"devices of {system.name} cannot be controlled")
    results: list[StepResult] = []
    try:
        system.begin()
        for step in scenario.steps:
            results.append(judged(step, system.do(step)))
            if results[-1].verdict is Verdict.FAILED:
                break
    except TrustcellError as error:
        return Result(scenario, Verdict.FAILED, began, _since(began, clock), results, str(error))
    verdict = Verdict.PASSED if all(each.verdict is Verdict.PASSED for each in results) else Verdict.FAILED
    return Result(scenario, verdict, began, _since(began, clock), results)


def _since(began: datetime, clock: Callable[[], datetime]) -> float:
    return round((clock() - began).total_seconds(), 3)
