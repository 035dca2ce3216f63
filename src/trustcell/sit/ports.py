"""The system under test, as its users see it, and what only its operator can do to it."""

from collections.abc import Collection
from typing import Protocol

from trustcell.sit.rules.scenario import StepPlan
from trustcell.sit.rules.verdict import Seen


class System(Protocol):
    """A DSP with devices behind it."""

    @property
    def name(self) -> str:
        """What it is."""
        ...

    def has(self) -> Collection[str]:
        """Which parties and devices of ``scenario.PARTIES`` and ``DEVICES`` there are."""
        ...

    @property
    def can_control(self) -> bool:
        """Whether devices can be cut off and registrations changed."""
        ...

    def begin(self) -> None:
        """As new, where that can be had."""
        ...

    def do(self, step: StepPlan) -> Seen:
        """Do a step, wait for what comes of it, and look at the cells when the step asks for that."""
        ...
