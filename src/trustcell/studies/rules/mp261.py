"""MP261: what becomes of installations when the first manufacturing pack ends, with keys reused or new (N8, N15).

Each month so many devices are installed; of those made with the old pack fewer every month. How the DSP recognises a
device is asked of the product's own rule, with the defaults that a variant leaves current. Whom it has to search for
waits on the doorstep; who waits too long gives up and comes again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from trustcell.dsp.rules.recognition import Recognition, Reported, recognise
from trustcell.governance.rules.rulebook import rule_set
from trustcell.studies.rules.model import Measure, Outcome, Step, Study, dice
from trustcell.studies.rules.parameters import Parameter, month_number
from trustcell.vocab import Eui64, KeyUsage

_BROKER = Eui64(b"broker--")
_OLD_KEY, _NEW_KEY = b"old key-", b"new key-"
VARIANTS = MappingProxyType(
    {
        "keys reused, 17 years": (True, "reused_validity_years"),
        "new keys, 17 years": (False, "reused_validity_years"),
        "new keys, 10 years": (False, "plain_validity_years"),
    }
)
"""Whether the new pack repeats the keys of the old one, and how long its certificates live."""

MEASURES = (
    Measure("minutes", "minutes on the doorstep, mean", "Time on the doorstep"),
    Measure("searches", "searches a month", "Searches for a certificate"),
    Measure("failed", "visits to be repeated, a month", "Installations that failed at first"),
    Measure("expired", "installations with an expired pack, a month", "Installed with certificates that had ended"),
)


def recognitions(parameters: Mapping[str, Parameter], *, reused: bool) -> dict[str, Recognition]:
    """How a device of the old and of the new pack is recognised, by the rule the DSP uses."""
    new_key = _OLD_KEY if reused else _NEW_KEY
    old, new = (Reported(_BROKER, key, KeyUsage.KEY_AGREEMENT) for key in (_OLD_KEY, new_key))
    defaults = {new, old} if parameters["old_pack_stays_current"].value else {new}
    repository = {new, old} if parameters["repository_has_old_pack"].value else {new}
    return {name: recognise(each, defaults, None, repository) for name, each in (("old", old), ("new", new))}


def packs_to_the_end(first_month: int, years: int, issuing_ends: int) -> int:
    """How many packs are needed from the first one to the end of the Issuing OCA, none of which outlives it."""
    packs, month = 0, first_month
    while month < issuing_ends:
        packs += 1
        month = min(month + years * 12, issuing_ends)
    return packs


def approvals(parameters: Mapping[str, Parameter], *, reused: bool, years: int, first_month: int) -> int:
    """Approvals of the SMKI PMA for one pack: for the period, for the repeated keys; refused before MP261."""
    begins = datetime(first_month // 12, first_month % 12 + 1, 1, tzinfo=UTC)
    another_period = years != parameters["plain_validity_years"].value
    wanted = int(reused) + int(another_period)
    if wanted and not rule_set(begins).has("MP261"):
        return -1
    return wanted


def run(parameters: Mapping[str, Parameter], seed: int, runs: int, step: Step) -> Sequence[Outcome]:
    """Every variant over the same random numbers."""
    values = {name: each.value for name, each in parameters.items()}
    months, first = int(values["months"]), month_number(values["first_month"])
    share_old = np.clip(1 - np.arange(months) / max(1, values["old_stock_months"]), 0, 1)
    old_ended = (first + np.arange(months)) > month_number(values["old_pack_ends"])
    kinds = {variant: recognitions(parameters, reused=reused) for variant, (reused, _years) in VARIANTS.items()}
    made: dict[str, dict[str, list[Any]]] = {
        variant: {name: [] for name in (*(each.name for each in MEASURES), "installed", "hours", "distribution")}
        for variant in VARIANTS
    }
    for number in range(runs):
        drawn = _Drawn(values, dice(seed, number), share_old)
        for variant, recognition in kinds.items():
            told = _months(values, drawn, recognition, old_ended)
            for name, row in told.items():
                made[variant][name].append(row)
        step(number + 1)
    return [_outcome(variant, made[variant], parameters, first) for variant in VARIANTS]


class _Drawn:
    """What luck brings in one run, the same for every variant: devices of the old pack, minutes, searches."""

    sample = 400

    def __init__(self, values: Mapping[str, Any], luck: np.random.Generator, share_old: Any) -> None:
        installs = luck.poisson(values["installs_a_month"], len(share_old))
        self.old = luck.binomial(installs, share_old)
        self.installs = installs
        shape = (len(share_old), self.sample)
        spread = max(values["doorstep_spread"], 1e-9)
        self.base = values["doorstep_minutes"] * luck.lognormal(-(spread**2) / 2, spread, shape)
        self.search = luck.exponential(max(values["search_minutes"], 1e-9), shape)
        self.is_old = luck.random(shape)
        self.luck = luck.standard_normal(len(share_old))


def _months(values: Mapping[str, Any], drawn: _Drawn, recognition: Mapping[str, Recognition], old_ended: Any) -> Any:
    installs = np.maximum(drawn.installs, 1)
    share = drawn.old / installs
    is_old = drawn.is_old < share[:, None]
    searching = np.where(is_old, recognition["old"].needs_search, recognition["new"].needs_search)
    hopeless = np.where(is_old, recognition["old"] is Recognition.UNKNOWN, recognition["new"] is Recognition.UNKNOWN)
    waited = drawn.base + np.where(searching, drawn.search, 0.0)
    failed = searching & (hopeless | (drawn.search > values["patience_minutes"]))
    minutes = np.where(failed, drawn.base + values["patience_minutes"], waited)
    searches_old = drawn.old * recognition["old"].needs_search
    searches_new = (drawn.installs - drawn.old) * recognition["new"].needs_search
    searches = searches_old + searches_new
    too_long = np.exp(-values["patience_minutes"] / max(values["search_minutes"], 1e-9))
    old_fails = 1.0 if recognition["old"] is Recognition.UNKNOWN else too_long
    new_fails = 1.0 if recognition["new"] is Recognition.UNKNOWN else too_long
    expected = searches_old * old_fails + searches_new * new_fails
    variance = searches_old * old_fails * (1 - old_fails) + searches_new * new_fails * (1 - new_fails)
    return {
        "minutes": minutes.mean(1),
        "searches": searches.astype(float),
        "failed": np.clip(expected + drawn.luck * np.sqrt(variance), 0, searches),
        "expired": drawn.old * old_ended.astype(float),
        "installed": drawn.installs.astype(float),
        "hours": (minutes - drawn.base).mean(1) * drawn.installs / 60,
        "distribution": np.quantile(minutes, np.linspace(0.05, 0.95, 19)),
    }


def _outcome(variant: str, made: Mapping[str, Any], parameters: Mapping[str, Parameter], first: int) -> Outcome:
    reused, years_from = VARIANTS[variant]
    years = int(parameters[years_from].value)
    packs = packs_to_the_end(first, years, month_number(parameters["issuing_oca_ends"].value))
    each_pack = approvals(parameters, reused=reused, years=years, first_month=first)
    matrices = {name: np.array(rows) for name, rows in made.items()}
    numbers = {
        "installed": matrices["installed"].sum(1),
        "searches": matrices["searches"].sum(1),
        "failed": matrices["failed"].sum(1),
        "hours waited for searches": matrices["hours"].sum(1),
    }
    facts = {
        "packs to the end of the Issuing OCA": packs,
        "certificates issued for them": packs * int(parameters["certificates_in_pack"].value),
        "approvals for each pack": "refused: MP261 is not yet in force" if each_pack < 0 else each_pack,
    }
    monthly = {name: matrix for name, matrix in matrices.items() if name not in ("installed", "hours")}
    return Outcome(variant, monthly, numbers, facts)


MP261 = Study(
    "mp261",
    "MP261: the pack after 2026",
    "How long do installers wait, and how many packs are needed, with keys reused or new?",
    MEASURES,
    run,
    "first_month",
    distribution="minutes on the doorstep over all installations",
    notes=(
        "A device says which key it holds, not which certificate: with reused keys old and new packs are one to it.",
        "A search that takes longer than the installer's patience becomes a second visit.",
    ),
)
