"""Scenarios: TOML files of steps, each what somebody does and what has to come of it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

from trustcell.vocab import WireError


class Do(StrEnum):
    """What a step may do."""

    READ = "read"
    """6.24.1 for the network operator and supplier cells."""
    HANDOVER = "handover"
    """6.21: the supplier puts ``to`` into the network operator cells."""
    UPDATE = "update"
    """6.15.1: the operator puts ``to`` into its cells, transformed, signed and sent."""
    CHANGE_SUPPLIER = "change-supplier"
    """6.23: the gaining supplier."""
    INVENTORY = "inventory"
    """8.2 about a device."""
    UNREACHABLE = "unreachable"
    REACHABLE = "reachable"
    REGISTER = "register"
    """Registration data: ``as`` is responsible for the device from now on."""


PARTIES = ("operator-a", "operator-b", "supplier", "supplier-b", "acb")
DEVICES = ("gpf-north", "gpf-south")
CELLS = ("operator", "supplier")
_STEP = {
    "do": Do, "as": str, "device": str, "to": str, "counter": str, "expect": str, "outcome": str, "operator": str,
    "supplier": str, "because": str,
}  # fmt: skip
_FILE = {"name": str, "title": str, "requirement": str, "clause": str, "steps": list}
SILENT = "silence"
"""In place of an outcome: no answer of the device comes."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step. ``expect`` is the code of the synchronous answer, ``outcome`` that of what comes later.

    ``operator`` and ``supplier`` are who has to be in those cells afterwards.
    """

    do: Do
    who: str
    device: str
    to: str = ""
    counter: int | None = None
    expect: str = ""
    outcome: str = ""
    operator: str = ""
    supplier: str = ""
    because: str = ""

    @property
    def needs(self) -> frozenset[str]:
        """Parties and devices without which it cannot be done."""
        named = {self.who, self.to, self.device, self.operator, self.supplier} - {"", "acb"}
        return frozenset(named)

    @property
    def controls(self) -> bool:
        """Whether it does something to the system that no user can do."""
        return self.do in (Do.UNREACHABLE, Do.REACHABLE, Do.REGISTER)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: what it shows, by which clause, in which steps."""

    name: str
    title: str
    requirement: str
    clause: str
    steps: Sequence[StepPlan]

    @property
    def needs(self) -> frozenset[str]:
        """Parties and devices it needs."""
        return frozenset().union(*(step.needs for step in self.steps))


def read_scenario(octets: bytes, file: str) -> Scenario:
    """A scenario out of its file. ``WireError`` (``scenario_format``) names file, step and what is allowed."""
    try:
        raw = tomllib.loads(octets.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(file, "", f"TOML was expected: {error}") from None
    _fields(raw, _FILE, file, "")
    missing = [name for name in _FILE if name not in raw]
    if missing:
        raise _wrong(file, missing[0], "the field is missing")
    steps = [_step(each, file, number) for number, each in enumerate(raw["steps"], 1)]
    if not steps:
        raise _wrong(file, "steps", "at least one step was expected")
    if not any(step.expect or step.outcome or step.operator or step.supplier for step in steps):
        raise _wrong(file, "steps", "nothing is expected: a scenario that cannot fail shows nothing")
    return Scenario(raw["name"], raw["title"], raw["requirement"], raw["clause"], tuple(steps))


def shipped() -> list[Scenario]:
    """The scenarios that come with the program, in order of their names."""
    folder = files("trustcell.sit").joinpath("scenarios")
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return [read_scenario(each.read_bytes(), each.name) for each in found]


def _step(raw: Any, file: str, number: int) -> StepPlan:
    where = f"steps[{number}]"
    if not isinstance(raw, dict):
        raise _wrong(file, where, "a table was expected")
    _fields(raw, _STEP, file, where)
    try:
        do = Do(raw.get("do", ""))
    except ValueError:
        raise _wrong(file, f"{where}.do", f"one of {', '.join(Do)} was expected") from None
    for name, allowed in (("as", PARTIES), ("to", PARTIES), ("device", DEVICES), ("operator", PARTIES)):
        if raw.get(name, allowed[0]) not in allowed:
            raise _wrong(file, f"{where}.{name}", f"one of {', '.join(allowed)} was expected")
    if raw.get("supplier", "acb") not in PARTIES:
        raise _wrong(file, f"{where}.supplier", f"one of {', '.join(PARTIES)} was expected")
    for name in ("as", "device"):
        if name not in raw:
            raise _wrong(file, f"{where}.{name}", "the field is missing")
    if do in (Do.HANDOVER, Do.UPDATE) and "to" not in raw:
        raise _wrong(file, f"{where}.to", "whose certificates go into the cells is missing")
    return StepPlan(
        do,
        raw["as"],
        raw["device"],
        raw.get("to", ""),
        _counter(raw.get("counter", ""), file, where),
        raw.get("expect", ""),
        raw.get("outcome", ""),
        raw.get("operator", ""),
        raw.get("supplier", ""),
        raw.get("because", ""),
    )


def _counter(text: str, file: str, where: str) -> int | None:
    """A number, or a power such as ``2^62``."""
    if not text:
        return None
    base, power, exponent = text.partition("^")
    try:
        value = int(base) ** int(exponent) if power else int(base)
    except ValueError:
        value = -1
    if not 0 < value < 2**64:
        raise _wrong(file, f"{where}.counter", "a number such as 1200 or 2^62, below 2^64, was expected")
    return value


def _fields(raw: Mapping[str, Any], known: Mapping[str, type], file: str, where: str) -> None:
    for name, value in raw.items():
        path = f"{where}.{name}" if where else name
        if name not in known:
            raise _wrong(file, path, f"the fields {', '.join(known)} are known")
        if not isinstance(value, list if known[name] is list else str):
            raise _wrong(file, path, f"{'a list' if known[name] is list else 'text'} was expected")


def _wrong(file: str, field: str, message: str) -> WireError:
    return WireError(-1, f"{file}: {field}" if field else file, message, "scenario_format")
