"""SECMP0128A: an operator takes over a GPF, leaves with a huge counter, and the slot is saved, or lost for ever."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trustcell.dsp import milliseconds
from trustcell.stories.cast import Actor
from trustcell.stories.exchange import SLOT, CellView, Exchange, Stage
from trustcell.stories.steps import Artifact, ArtifactKind, Step
from trustcell.vocab import Clause, Eui64, Refused

LEAVING_COUNTER = 2**62
"""The departing operator's counter: legal, and beyond any clock in milliseconds for 146 million years."""

_PLOT = Clause("SECMP0128A 4.1", "SECMP0128A Full Impact Assessment, section 4.1")
_PAUSE = timedelta(minutes=1)
_RETRIES = (timedelta(0), timedelta(days=1), timedelta(days=365), timedelta(days=3650))
"""When a supplier that meets silence asks again."""

Tell = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Story:
    """How it ended. ``as_told`` is true when the ending is the one this variant has to have."""

    tracking: bool
    handover_accepted: bool
    learned_counter: int | None
    leaving_counter: int
    handover_counter: int
    attempts: int
    first_usable_counter: int | None
    slot_entity: Eui64
    stored_number: int
    cells: tuple[CellView, ...]
    steps: tuple[Step, ...]

    @property
    def as_told(self) -> bool:
        """With tracking the device accepts the handover; without it, it stays silent."""
        return self.handover_accepted is self.tracking


@dataclass(slots=True)
class _Scene:
    """The moving parts while the story is told."""

    exchange: Exchange
    tell: Tell
    now: datetime
    steps: list[Step] = field(default_factory=list)

    def say(self, title: str, text: str, artifacts: tuple[Artifact, ...] = ()) -> None:
        step = Step(title, text, artifacts)
        self.steps.append(step)
        self.tell(step)
        self.now += _PAUSE


def tell(stage: Stage, on_step: Tell) -> Story:
    """Play the story; ``on_step`` hears every step as it happens. ``Refused`` when it cannot go on."""
    exchange = Exchange(stage)
    scene = _Scene(exchange, on_step, stage.cast.begins)
    _prologue(scene)
    _take_over(scene)
    _leave(scene)
    learned = _remembered(stage)
    counter, attempts, accepted = _hand_over(scene)
    return Story(
        stage.tracking,
        accepted,
        learned,
        LEAVING_COUNTER,
        counter,
        attempts,
        counter + 1 if accepted else None,
        exchange.occupant,
        exchange.stored_number,
        exchange.cells(),
        tuple(scene.steps),
    )


def _prologue(scene: _Scene) -> None:
    exchange = scene.exchange
    broker = exchange.stage.cast.broker
    text = (
        f"GPF {exchange.device.eui} comes from the factory. Its network operator slot holds the certificates of the "
        f"{broker.title} {broker.entity}; the number stored for that role is {exchange.stored_number}. Played on "
        f"{exchange.stage.cast.environment}."
    )
    scene.say("A new GPF", text)


def _take_over(scene: _Scene) -> None:
    exchange, operator = scene.exchange, scene.exchange.stage.cast.leaving
    carried = exchange.hand_over(operator, milliseconds(scene.now), scene.now)
    _require_occupant(exchange, operator)
    text = (
        f"The supplier asks for 6.21. The broker authorises it with its own counter {carried.counter}, "
        f"milliseconds since 1970. The device accepts: the slot now holds {exchange.occupant}."
    )
    scene.say(f"{operator.title} takes over", text, carried.artifacts)


def _leave(scene: _Scene) -> None:
    exchange, stage = scene.exchange, scene.exchange.stage
    operator = stage.cast.leaving
    carried = exchange.leave(operator, LEAVING_COUNTER, scene.now)
    _require_occupant(exchange, stage.cast.broker)
    outcome = (
        f"The DSP sees the broker in the slot and remembers {_remembered(stage)}."
        if stage.tracking
        else "The DSP of this variant will not use what it heard."
    )
    text = (
        f"It sends 6.15.1 with counter {LEAVING_COUNTER} (2^62) and puts the broker's certificates, DS and KA, into "
        f"its slot. The device accepts and stores {exchange.stored_number}. {outcome}"
    )
    scene.say(f"{operator.title} leaves", text, carried.artifacts)


def _hand_over(scene: _Scene) -> tuple[int, int, bool]:
    """Ask for 6.21 until the device answers or hope ends: last counter, attempts, whether it was accepted."""
    exchange, stage, begins = scene.exchange, scene.exchange.stage, scene.now
    operator = stage.cast.arriving
    returns = operator.entity == stage.cast.leaving.entity
    title = f"{operator.title} {'comes back' if returns else 'arrives'}"
    counter = 0
    for attempt, later in enumerate(_RETRIES, start=1):
        scene.now = begins + later
        carried = exchange.hand_over(operator, milliseconds(scene.now), scene.now)
        counter = carried.counter
        if exchange.occupant == operator.entity:
            events = stage.views.counter_ledger(exchange.device.eui)
            why = next(event.reason for event in reversed(events) if event.counter == counter)
            text = (
                f"The supplier asks for 6.21. Counter {counter}, because {why}. The device accepts: the slot holds "
                f"{exchange.occupant}, whose first usable counter is {counter + 1}."
            )
            scene.say(title, text, carried.artifacts)
            return counter, attempt, True
        assert carried.submission.command is not None
        gave_up = stage.manager.time_out(carried.submission.command, scene.now)
        text = (
            f"The supplier asks for 6.21{_after(later)}. The broker uses its own counter {counter}, which is not "
            f"greater than the stored {exchange.stored_number}. The device stays silent: "
            f"{exchange.device.log[-1].text}."
        )
        silent = Artifact("dsp-answer-E21", ArtifactKind.DUIS, gave_up)
        scene.say(f"{title}: attempt {attempt}", text, (*carried.artifacts, silent))
    years = (LEAVING_COUNTER // 1000) // 31_556_952
    text = f"No 6.21 passes before the broker's clock reaches 2^62 milliseconds, in about {years:,} years."
    scene.say("The slot is lost", text)
    return counter, len(_RETRIES), False


def _remembered(stage: Stage) -> int | None:
    """The number that the DSP has stored for the device's network operator slot."""
    stored = stage.views.highest(stage.device.eui)
    return None if stored is None else stored[0]


def _require_occupant(exchange: Exchange, actor: Actor) -> None:
    """The story cannot go on if a device refused what it should have taken."""
    if exchange.occupant != actor.entity:
        finding = _PLOT.breach(
            "story_broken",
            str(SLOT),
            f"the slot of {exchange.device.eui} should hold {actor.entity} by now, it holds {exchange.occupant}",
            "look at the device's response: its certificates did not lead to the root in the device",
        )
        raise Refused([finding])


def _after(later: timedelta) -> str:
    days = later.days
    return "" if not days else f" again {days} day{'s' if days > 1 else ''} later"
