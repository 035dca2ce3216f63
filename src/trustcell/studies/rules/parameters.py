"""Parameters of a study: each with its source, whether it is assumed, and what somebody set instead."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from trustcell.vocab import Clause, Refused

STUDY = Clause("trustcell study", "docs/studies.md, parameters")
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number, month or switch of a model."""

    name: str
    value: Any
    source: str
    assumed: bool
    changed: bool = False


@cache
def shipped(study: str) -> Mapping[str, Parameter]:
    """The parameters of a study as they are shipped."""
    everything = tomllib.loads(files("trustcell.studies.rules").joinpath("parameters.toml").read_text("utf-8"))
    return {name: Parameter(name, **row) for name, row in everything[study].items()}


def with_changes(study: str, changes: Mapping[str, str]) -> Mapping[str, Parameter]:
    """The same with some set anew. ``Refused``: ``parameter_unknown``, ``parameter_value``."""
    known = dict(shipped(study))
    for name, text in changes.items():
        if name not in known:
            message = f"{study} has no parameter {name}"
            raise Refused([STUDY.breach("parameter_unknown", name, message, f"one of {', '.join(known)}")])
        known[name] = replace(known[name], value=_read(known[name], text), changed=True)
    return known


def _read(parameter: Parameter, text: str) -> Any:
    kind = type(parameter.value)
    try:
        if kind is bool:
            return _TRUTH[text.lower()]
        value = kind(text)
        if kind is str:
            month_number(text)
        elif not 0 <= value <= 1e9:
            raise ValueError
        return value
    except (KeyError, ValueError):
        form = {bool: "true or false", str: "a month such as 2026-10"}.get(kind, "a number from 0 to a milliard")
        message = f"{text!r} was given, {form} was expected"
        raise Refused([STUDY.breach("parameter_value", parameter.name, message, f"as in {parameter.value}")]) from None


def month_number(text: str) -> int:
    """Months since year 0; ``ValueError`` for what is no month."""
    year, dash, month = text.partition("-")
    number = int(month)
    if not dash or not 1 <= number <= 12:
        raise ValueError(f"{text!r} is no month")
    return int(year) * 12 + number - 1


def month_text(number: int) -> str:
    """The month with this number."""
    return f"{number // 12:04}-{number % 12 + 1:02}"
