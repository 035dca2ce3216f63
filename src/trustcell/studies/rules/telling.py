"""A study that was run, as plain values: seed, parameters and result in one, the same octets from the same seed."""

from collections.abc import Mapping, Sequence
from typing import Any

from trustcell.charts import Bars, Lines, Series
from trustcell.studies.rules.model import Outcome, Study, band
from trustcell.studies.rules.parameters import Parameter, month_number, month_text

_HUNDREDTHS = [f"{5 * place} %" for place in range(1, 20)]


def told(
    study: Study, parameters: Mapping[str, Parameter], seed: int, runs: int, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """Everything there is to know about a result."""
    return {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "seed": seed,
        "runs": runs,
        "months": months(study, parameters),
        "parameters": {
            name: {"value": each.value, "source": each.source, "assumed": each.assumed, "changed": each.changed}
            for name, each in parameters.items()
        },
        "notes": list(study.notes),
        "variants": {each.variant: _variant(study, each) for each in outcomes},
    }


def months(study: Study, parameters: Mapping[str, Parameter]) -> list[str]:
    """The months of a study: dates where it begins at one, numbers elsewhere."""
    count = int(parameters["months"].value)
    if not study.months_from:
        return [str(month + 1) for month in range(count)]
    first = month_number(parameters[study.months_from].value)
    return [month_text(first + month) for month in range(count)]


def charts(study: Study, result: Mapping[str, Any]) -> list[Lines | Bars]:
    """One chart for each measure, one for the distribution, one for the numbers that are pounds."""
    variants = result["variants"]
    found: list[Lines | Bars] = []
    for each in study.measures:
        series = [_series(name, variant["monthly"][each.name]) for name, variant in variants.items()]
        found.append(Lines(each.title, each.unit, result["months"], series))
    if study.distribution:
        series = [_series(name, variant["monthly"]["distribution"]) for name, variant in variants.items()]
        found.append(Lines(f"Distribution: {study.distribution}", "minutes", _HUNDREDTHS, series))
    pounds = [name for name in next(iter(variants.values()))["numbers"] if name.startswith("pounds")]
    if pounds:
        series = [
            Series(name, [variant["numbers"][each]["median"] for each in pounds]) for name, variant in variants.items()
        ]
        found.append(Bars("Costs", "pounds, median", [each.removeprefix("pounds for ") for each in pounds], series))
    return found


def _series(name: str, values: Mapping[str, Any]) -> Series:
    return Series(name, values["median"], values["low"], values["high"])


def _variant(study: Study, outcome: Outcome) -> dict[str, Any]:
    names = [*(each.name for each in study.measures), *(["distribution"] if study.distribution else [])]
    return {
        "monthly": {name: _banded(outcome.monthly[name]) for name in names},
        "numbers": {
            name: {key: value[0] for key, value in _banded(rows).items()} for name, rows in outcome.numbers.items()
        },
        "facts": dict(outcome.facts),
    }


def _banded(matrix: Any) -> dict[str, list[float]]:
    middle, low, high = band(matrix)
    return {"median": middle, "low": low, "high": high}
