"""System integration tests that users read, extend and run against the built-in system or any DUIS address."""

from trustcell.sit.rules.scenario import Scenario, StepPlan, read_scenario, shipped
from trustcell.sit.rules.verdict import Result, StepResult, Verdict
from trustcell.sit.service import run_scenario

__all__ = [
    "Result",
    "Scenario",
    "StepPlan",
    "StepResult",
    "Verdict",
    "read_scenario",
    "run_scenario",
    "shipped",
]
