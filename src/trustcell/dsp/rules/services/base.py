"""What a service is to the request manager: what it must know, may refuse, plans, and makes of the reply."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trustcell import duis
from trustcell.dsp.rules.plan import Answer, Ask, CommandPlan, Effects, Needs, Reply
from trustcell.vocab import Finding


def needs_nothing(body: duis.Body) -> Needs:
    """Target, user and request ID are enough."""
    return Needs()


def needs_hub(body: duis.Body) -> Needs:
    """Who is responsible for a hub, or for a device without metering points, follows from the devices on the hub."""
    return Needs(members=True)


def finds_nothing(ask: Ask) -> Iterator[Finding]:
    """A service without checks of its own."""
    return iter(())


def changes_nothing(reply: Reply) -> Effects:
    """A service whose reply goes to its user and means nothing to the DSP."""
    return Effects()


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """One row of the table of services.

    ``plan`` decides on the command or answers by itself; it raises ``Refused`` where a value cannot become a command.
    ``findings`` is check 16. ``effects`` judges a verified reply; ``needs_request`` says whether it reads
    ``Reply.request``, which is parsed only then.
    """

    plan: Callable[[Ask], CommandPlan | Answer]
    findings: Callable[[Ask], Iterator[Finding]] = finds_nothing
    effects: Callable[[Reply], Effects] = changes_nothing
    needs: Callable[[duis.Body], Needs] = needs_nothing
    needs_request: bool = False
