"""What-if: a fleet and a rule book, forked and run for months, compared with bands over many runs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from trustcell.studies.rules.model import Step, Study
from trustcell.studies.rules.mp261 import MP261
from trustcell.studies.rules.parameters import with_changes
from trustcell.studies.rules.secmp0128a import SECMP0128A
from trustcell.studies.rules.telling import charts, told

STUDIES: Mapping[str, Study] = MappingProxyType({study.name: study for study in (MP261, SECMP0128A)})


def run_study(
    study: Study, changes: Mapping[str, str], seed: int, runs: int, step: Step = lambda done: None
) -> dict[str, Any]:
    """Run a study with some parameters set anew. ``Refused``: ``parameter_unknown``, ``parameter_value``."""
    parameters = with_changes(study.name, changes)
    return told(study, parameters, seed, runs, study.run(parameters, seed, runs, step))


__all__ = ["STUDIES", "Study", "charts", "run_study"]
