"""The post-commissioning report: what the network operator cells held when seven days were over (smki.md 7.5).

It looks at the cells, not at the messages that should have filled them (SECMP0183). The rule in force on the due day
decides: before SECMP0128A an ACB certificate on a GPF was a failure, since then it passes. A device is judged twice, as
it was on the due day and as it is now, so that what was put right late is told from what never was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

from trustcell.reports.rules.clauses import IEDP_5_3, MP128A_1, MP128A_2, MP128A_3, SECMP183
from trustcell.reports.rules.definition import Column, Kind, Report
from trustcell.reports.rules.fleet import BROKER, NOT_READ, PARTY_BITS, UNKNOWN, AsOf, party_of
from trustcell.vocab import Clause, DeviceType


class State(IntEnum):
    """What the two network operator cells hold: a row of smki.md 7.5, or why there is none."""

    NO_SUCH_CELLS = 0
    SMETS1 = 1
    NOT_READ = 2
    UNKNOWN = 3
    MIXED = 4
    BROKER = 5
    BROKER_OPERATOR_AVAILABLE = 6
    BROKER_ON_ESME = 7
    RESPONSIBLE = 8
    RESPONSIBLE_NOT_AVAILABLE = 9
    ANOTHER = 10


class Outcome(StrEnum):
    """What a device comes to."""

    OUT_OF_SCOPE = "out of scope"
    NOT_COMMISSIONED = "not commissioned"
    PENDING = "pending"
    PASS = "pass"
    FAIL = "fail"
    REMEDIATED = "remediated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a state is called, its verdict under either rule, the clause, and what would put it right."""

    text: str
    before: Outcome
    since: Outcome
    clause: Clause
    remedy: str = ""


MEANINGS = MappingProxyType(
    {
        State.NO_SUCH_CELLS: Meaning("no network operator cells", Outcome.OUT_OF_SCOPE, Outcome.OUT_OF_SCOPE, SECMP183),
        State.SMETS1: Meaning("SMETS1", Outcome.OUT_OF_SCOPE, Outcome.OUT_OF_SCOPE, SECMP183),
        State.NOT_READ: Meaning(
            "cells never read", Outcome.UNKNOWN, Outcome.UNKNOWN, SECMP183, "read the cells: 6.24.1"
        ),
        State.UNKNOWN: Meaning(
            "a certificate that no repository has",
            Outcome.FAIL,
            Outcome.FAIL,
            SECMP183,
            "an incident: find whose it is; recovery if nobody can replace it",
        ),
        State.MIXED: Meaning(
            "two owners", Outcome.FAIL, Outcome.FAIL, IEDP_5_3, "the owner of the DS cell replaces both: 6.15.1 or 6.21"
        ),
        State.BROKER: Meaning("ACB, operator not available", Outcome.FAIL, Outcome.PASS, MP128A_3),
        State.BROKER_OPERATOR_AVAILABLE: Meaning(
            "ACB, operator available",
            Outcome.FAIL,
            Outcome.PASS,
            MP128A_3,
            "the supplier may place the operator's certificate: 6.21",
        ),
        State.BROKER_ON_ESME: Meaning(
            "ACB on an ESME",
            Outcome.FAIL,
            Outcome.FAIL,
            IEDP_5_3,
            "the supplier places the operator's certificate: 6.21",
        ),
        State.RESPONSIBLE: Meaning("the responsible operator", Outcome.PASS, Outcome.PASS, IEDP_5_3),
        State.RESPONSIBLE_NOT_AVAILABLE: Meaning(
            "the responsible operator, who is no DCC User with certificates in the repository",
            Outcome.PASS,
            Outcome.FAIL,
            MP128A_2,
            "the operator puts the ACB certificates back: 6.15.1",
        ),
        State.ANOTHER: Meaning(
            "another operator",
            Outcome.FAIL,
            Outcome.FAIL,
            IEDP_5_3,
            "that operator replaces it by 6.15.1; recovery if it cannot",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Slot:
    """The network operator cells of a device at one moment, by certificate number, and whose they should be."""

    device_type: int
    smets: int
    ds: int
    ka: int
    operator: int
    available: bool


def state_of(slot: Slot) -> State:
    """The row of smki.md 7.5 that a slot falls into."""
    if slot.device_type not in (DeviceType.ESME, DeviceType.GPF):
        return State.NO_SUCH_CELLS
    if slot.smets == 1:
        return State.SMETS1
    if NOT_READ in (slot.ds, slot.ka):
        return State.NOT_READ
    ds, ka = party_of(slot.ds), party_of(slot.ka)
    if UNKNOWN in (ds, ka):
        return State.UNKNOWN
    if ds != ka:
        return State.MIXED
    if ds == BROKER:
        if slot.device_type == DeviceType.ESME:
            return State.BROKER_ON_ESME
        return State.BROKER_OPERATOR_AVAILABLE if slot.available else State.BROKER
    if ds != slot.operator:
        return State.ANOTHER
    if slot.available or slot.device_type == DeviceType.ESME:
        return State.RESPONSIBLE
    return State.RESPONSIBLE_NOT_AVAILABLE


def verdict(state: State, due: int, at: AsOf) -> Outcome:
    """Pass, fail or unknown under the rule that was in force on the due day."""
    meaning = MEANINGS[state]
    return meaning.since if due >= at.new_rule_from else meaning.before


def outcome(then: Slot, now: Slot, commissioned: int | None, at: AsOf) -> Outcome:
    """What a device comes to, from its cells on the due day and now."""
    state = state_of(then)
    if MEANINGS[state].since is Outcome.OUT_OF_SCOPE:
        return Outcome.OUT_OF_SCOPE
    if commissioned is None:
        return Outcome.NOT_COMMISSIONED
    due = commissioned + at.due_after
    if due > at.moment:
        return Outcome.PENDING
    first, last = verdict(state, due, at), verdict(state_of(now), due, at)
    if first is Outcome.UNKNOWN:  # kept open until somebody reads the cells
        return last
    if first is Outcome.FAIL and last is Outcome.PASS:
        return Outcome.REMEDIATED
    return first


def _state_sql(ds: str, ka: str, operator: str, available: str) -> str:
    esme, gpf = int(DeviceType.ESME), int(DeviceType.GPF)
    party = f"({ds} >> {PARTY_BITS})"
    return (
        f"CASE WHEN device_type NOT IN ({esme}, {gpf}) THEN {State.NO_SUCH_CELLS:d} "
        f"WHEN smets = 1 THEN {State.SMETS1:d} "
        f"WHEN {ds} = {NOT_READ} OR {ka} = {NOT_READ} THEN {State.NOT_READ:d} "
        f"WHEN {party} = {UNKNOWN} OR ({ka} >> {PARTY_BITS}) = {UNKNOWN} THEN {State.UNKNOWN:d} "
        f"WHEN {party} <> ({ka} >> {PARTY_BITS}) THEN {State.MIXED:d} "
        f"WHEN {party} = {BROKER} THEN CASE WHEN device_type = {esme} THEN {State.BROKER_ON_ESME:d} "
        f"WHEN {available} THEN {State.BROKER_OPERATOR_AVAILABLE:d} ELSE {State.BROKER:d} END "
        f"WHEN {party} <> {operator} THEN {State.ANOTHER:d} "
        f"WHEN {available} OR device_type = {esme} THEN {State.RESPONSIBLE:d} "
        f"ELSE {State.RESPONSIBLE_NOT_AVAILABLE:d} END"
    )


def _states(wanted: Outcome, *, since: bool) -> str:
    found = [f"{state:d}" for state, each in MEANINGS.items() if (each.since if since else each.before) is wanted]
    return f"({', '.join(found)})"


def _is(wanted: Outcome, state: str) -> str:
    """Whether a state comes to this under the rule of the due day."""
    new, old = _states(wanted, since=True), _states(wanted, since=False)
    return f"(CASE WHEN due >= $new_rule_from THEN {state} IN {new} ELSE {state} IN {old} END)"


_JUDGED = (
    "SELECT eui, device_type, region, supplier, operator_due, operator_now, operator_at_install, "
    "commissioned + $due_after AS due, "
    f"{_state_sql('due_ds', 'due_ka', 'operator_due', 'available_due')} AS then_state, "
    f"{_state_sql('operator_ds', 'operator_ka', 'operator_now', 'available_now')} AS now_state FROM {{device}}"
)
_OUTCOME = (
    f"CASE WHEN then_state <= {State.SMETS1:d} THEN '{Outcome.OUT_OF_SCOPE}' "
    f"WHEN due IS NULL THEN '{Outcome.NOT_COMMISSIONED}' "
    f"WHEN due > $moment THEN '{Outcome.PENDING}' "
    f"WHEN {_is(Outcome.PASS, 'then_state')} THEN '{Outcome.PASS}' "
    f"WHEN {_is(Outcome.FAIL, 'then_state')} THEN "
    f"CASE WHEN {_is(Outcome.PASS, 'now_state')} THEN '{Outcome.REMEDIATED}' ELSE '{Outcome.FAIL}' END "
    f"WHEN {_is(Outcome.PASS, 'now_state')} THEN '{Outcome.PASS}' "
    f"WHEN {_is(Outcome.FAIL, 'now_state')} THEN '{Outcome.FAIL}' ELSE '{Outcome.UNKNOWN}' END"
)
_BREACH = f"(operator_at_install AND device_type = {int(DeviceType.GPF)} AND due - $due_after >= $new_rule_from)"

_WORDS = MappingProxyType({int(state): each.text for state, each in MEANINGS.items()})


def _cite(row: Mapping[str, Any]) -> tuple[Clause, str]:
    if row["installed_in_breach"] and row["outcome"] == Outcome.PASS:
        return MP128A_1, "install with the ACB's certificates"
    meaning = MEANINGS[State(row["now" if row["outcome"] in (Outcome.FAIL, Outcome.UNKNOWN) else "state"])]
    return meaning.clause, meaning.remedy


POST_COMMISSIONING = Report(
    name="post-commissioning",
    title="Post-commissioning report",
    question="Which devices had the right certificates in their network operator cells seven days after commissioning?",
    clauses=(IEDP_5_3, MP128A_1, MP128A_2, MP128A_3, SECMP183),
    keys=(
        Column("supplier", Kind.PARTY),
        Column("operator", Kind.PARTY),
        Column("region", Kind.REGION),
        Column("outcome", Kind.TEXT),
        Column("state", Kind.STATE, _WORDS),
    ),
    measures=(Column("devices", Kind.COUNT), Column("installed_in_breach", Kind.COUNT)),
    totals=(
        f"SELECT supplier, operator_due, region, {_OUTCOME} AS outcome, then_state, count(*) AS devices, "
        f"sum(CASE WHEN {_BREACH} THEN 1 ELSE 0 END) AS installed_in_breach FROM ({_JUDGED}) judged "
        "GROUP BY supplier, operator_due, region, outcome, then_state"
    ),
    columns=(
        Column("device", Kind.DEVICE),
        Column("outcome", Kind.TEXT),
        Column("state", Kind.STATE, _WORDS),
        Column("now", Kind.STATE, _WORDS),
        Column("due", Kind.MOMENT),
        Column("supplier", Kind.PARTY),
        Column("operator", Kind.PARTY),
        Column("installed_in_breach", Kind.FLAG),
    ),
    rows=(
        "SELECT * FROM (SELECT eui, "
        f"{_OUTCOME} AS outcome, then_state, now_state, due, supplier, operator_due, {_BREACH} AS breach "
        f"FROM ({_JUDGED}) judged) told "
        f"WHERE outcome IN ('{Outcome.FAIL}', '{Outcome.REMEDIATED}', '{Outcome.UNKNOWN}') OR breach "
        "OR (outcome = 'pass' AND now_state <> then_state) "
        f"OR (outcome = 'pass' AND then_state = {State.BROKER_OPERATOR_AVAILABLE:d})"
    ),
    cite=_cite,
    running=True,
)
"""Totals by supplier, operator and region; rows for what somebody has to look at."""
