"""SECMP0128A: gas networks that leave, with and without the DSP remembering their counters (N15).

Operators leave by chance; each puts the ACB's certificates into its slots with a counter of its own choosing. Whether
the next operator's 6.21 is heard is asked of the product's own rule for counters and of the device's: the number must
be greater than the stored one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from trustcell.dsp.rules.counters import choose_counter, milliseconds
from trustcell.studies.rules.model import Measure, Outcome, Step, Study, dice
from trustcell.studies.rules.parameters import Parameter

VARIANTS = MappingProxyType(
    {
        "tracking, subscription optional": (True, False),
        "no tracking, subscription optional": (False, False),
        "no tracking, subscription mandatory": (False, True),
    }
)
"""Whether the DSP remembers counters, and whether every gas network has to subscribe."""

MEASURES = (
    Measure("stuck", "GPFs, since the beginning", "Slots that no handover opens any more"),
    Measure("handed over", "GPFs, since the beginning", "Slots handed to the next operator"),
    Measure("messages", "messages a month", "Messages of departures"),
    Measure("days", "days", "Days a departure takes, where there is one"),
)
_AT = datetime(2024, 3, 1, tzinfo=UTC)
HIGH, LOW = 2**62, 1301
"""A counter far above the broker's milliseconds, and a small one: both are in reference messages or in the seed."""


def is_heard(counter: int, *, tracking: bool) -> bool:
    """Whether a 6.21 after a departure under this counter passes the device's check against replay."""
    now = milliseconds(_AT)
    highest = counter if tracking else None
    choice = choose_counter(now - 1, highest, now, lambda _number: False, raise_above_highest=tracking)
    return choice.counter > counter


def run(parameters: Mapping[str, Parameter], seed: int, runs: int, step: Step) -> Sequence[Outcome]:
    """Every variant over the same random numbers."""
    values = {name: each.value for name, each in parameters.items()}
    made: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    for number in range(runs):
        drawn = _Drawn(values, dice(seed, number))
        for variant, (tracking, mandatory) in VARIANTS.items():
            made[variant].append(_months(values, drawn, tracking=tracking, mandatory=mandatory))
        step(number + 1)
    return [_outcome(variant, made[variant], values) for variant in VARIANTS]


class _Drawn:
    """Who leaves when, how it counts, how many of its devices answer: the same for every variant."""

    def __init__(self, values: Mapping[str, Any], luck: np.random.Generator) -> None:
        months, operators = int(values["months"]), int(values["operators"])
        weights = luck.dirichlet(np.full(operators, 4.0))
        self.gpfs = np.floor(weights * values["gpfs"]).astype(np.int64)
        self.is_user = luck.random(operators) < values["users_at_start"]
        self.leaves = luck.random((months, operators)) < values["departures_a_year"] / 12 / max(1, operators)
        self.high = luck.random(operators) < values["high_counters"]
        self.silent = luck.binomial(self.gpfs, min(1.0, values["unreachable"]))
        self.wanted = luck.binomial(self.gpfs - self.silent, min(1.0, values["returns"]))


def _months(values: Mapping[str, Any], drawn: _Drawn, *, tracking: bool, mandatory: bool) -> dict[str, Any]:
    months, operators = drawn.leaves.shape
    on_devices = np.ones(operators, bool) if mandatory else drawn.is_user.copy()
    made = {name: np.zeros(months) for name in ("stuck", "handed over", "messages", "days")}
    total = {"stuck": 0, "handed over": 0, "departed": 0, "left behind": 0, "waiting": 0}
    for month in range(months):
        for place in np.flatnonzero(drawn.leaves[month] & on_devices):
            on_devices[place] = False
            gpfs, silent = int(drawn.gpfs[place]), int(drawn.silent[place])
            replaced = int((gpfs - silent) * values["replaces_before_leaving"])
            behind = gpfs - replaced
            counter = HIGH if drawn.high[place] else LOW
            wanted = min(int(drawn.wanted[place]), replaced)
            heard = is_heard(counter, tracking=tracking)
            total["departed"] += gpfs
            total["left behind"] += behind
            total["handed over"] += wanted if heard else 0
            total["waiting"] += replaced - wanted if heard else 0
            total["stuck"] += 0 if heard else replaced
            made["messages"][month] += gpfs * values["messages_a_device"]
            made["days"][month] = max(made["days"][month], gpfs / max(1, values["commands_an_hour"]) / 24)
        made["stuck"][month] = total["stuck"] + total["left behind"]
        made["handed over"][month] = total["handed over"]
    years = months / 12
    unwilling = int((~drawn.is_user).sum()) if mandatory else 0
    support = values["support_pounds_a_month"] * min(values["support_months"], months)
    change = values["implementation_pounds"] + support if tracking else 0
    return {
        **made,
        **{f"total {name}": value for name, value in total.items()},
        "pounds for the change": change,
        "pounds for unwanted subscriptions": unwilling * values["subscription_pounds_a_year"] * years,
        "pounds for stuck devices": (total["stuck"] + total["left behind"]) * values["pounds_a_stuck_device"],
    }


def _outcome(variant: str, made: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> Outcome:
    tracking, _mandatory = VARIANTS[variant]
    monthly = {each.name: np.array([row[each.name] for row in made]) for each in MEASURES}
    names = [name for name in made[0] if name not in monthly]
    numbers = {name.removeprefix("total "): np.array([float(row[name]) for row in made]) for name in names}
    facts = {
        "a 6.21 after a departure with 2^62 is": "accepted" if is_heard(HIGH, tracking=tracking) else "never heard",
        "a 6.21 after a departure with a small counter is": (
            "accepted" if is_heard(LOW, tracking=tracking) else "never heard"
        ),
    }
    return Outcome(variant, monthly, numbers, facts)


SECMP0128A = Study(
    "secmp0128a",
    "SECMP0128A: networks that leave",
    "How many slots are lost when gas networks leave, and what does it cost, with and without counter tracking?",
    MEASURES,
    run,
    "",
    notes=(
        "Stuck counts slots that no 6.21 opens and those whose operator left without replacing its certificates.",
        "Costs of the change are those of the Full Impact Assessment; all other pounds are assumptions to be set.",
    ),
)
