"""Devices whose network operator cells nobody can change any more, or soon cannot (N10; smki.md 7.3, SECMP0128A 4.1).

A device is stuck when its cells belong to an operator that is no DCC User any more: only that operator could replace
them. It is soon stuck when the stored counter is close to the end of SeqNumber: the next command must be higher.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from trustcell.reports.rules.clauses import L10, MP128A_4, MP261_4, SECMP183
from trustcell.reports.rules.definition import Column, Kind, Report
from trustcell.reports.rules.fleet import FIRST_PARTY, PARTY_BITS, UNKNOWN
from trustcell.vocab import MAX_SEQ_NUMBER, Clause


class Cause(IntEnum):
    """Why, the worst first."""

    OPERATOR_GONE = 1
    UNKNOWN = 2
    COUNTER_ENDS = 3
    EXPIRED = 4


_CAUSES: Mapping[Cause, tuple[str, Clause, str]] = MappingProxyType(
    {
        Cause.OPERATOR_GONE: (
            "the operator in the cells is no DCC User any more",
            L10,
            "it becomes a DCC User again and sends 6.15.1; else recovery, by decision of the SMKI PMA",
        ),
        Cause.UNKNOWN: ("a certificate that no repository has", SECMP183, "find its owner; else recovery"),
        Cause.COUNTER_ENDS: (
            "the stored counter is close to its end",
            MP128A_4,
            "recovery, which sets the counters anew, by decision of the SMKI PMA",
        ),
        Cause.EXPIRED: (
            "the certificate in the cells has expired; it can be installed and used",
            MP261_4,
            "the operator replaces it by 6.15.1; the ACB's by 6.21",
        ),
    }
)
_WORDS = MappingProxyType({int(cause): text for cause, (text, _, _) in _CAUSES.items()})
_LIMIT = f"({MAX_SEQ_NUMBER} - $counter_margin)"


def cause_of(party: int, dcc_user: bool, highest: int | None, first_end: int | None, at: Any) -> Cause | None:
    """Why a device with these network operator cells needs help, ``None`` when it does not."""
    if party >= FIRST_PARTY and not dcc_user:
        return Cause.OPERATOR_GONE
    if party == UNKNOWN:
        return Cause.UNKNOWN
    if highest is not None and highest > MAX_SEQ_NUMBER - at.counter_margin:
        return Cause.COUNTER_ENDS
    if first_end is not None and first_end < at.moment:
        return Cause.EXPIRED
    return None


_HOLDER = f"(d.operator_ds >> {PARTY_BITS})"
_CAUSE = (
    f"CASE WHEN {_HOLDER} >= {FIRST_PARTY} AND NOT coalesce(p.dcc_user, FALSE) THEN {Cause.OPERATOR_GONE:d} "
    f"WHEN {_HOLDER} = {UNKNOWN} THEN {Cause.UNKNOWN:d} WHEN d.highest > {_LIMIT} THEN {Cause.COUNTER_ENDS:d} "
    f"WHEN c.first_end < $moment THEN {Cause.EXPIRED:d} END"
)
_JUDGED = (
    f"SELECT d.eui, d.region, d.supplier, {_HOLDER} AS holder, d.highest, c.first_end, {_CAUSE} AS cause "
    f"FROM {{device}} d LEFT JOIN {{party}} p ON p.number = {_HOLDER} "
    "LEFT JOIN {certificate} c ON c.number = d.operator_ds WHERE d.operator_ds <> 0"
)


def _cite(row: Mapping[str, Any]) -> tuple[Clause, str]:
    _text, clause, remedy = _CAUSES[Cause(row["cause"])]
    return clause, remedy


STUCK = Report(
    name="stuck",
    title="Stuck and soon stuck",
    question="On which devices can nobody change the network operator cells any more, or soon not?",
    clauses=tuple(dict.fromkeys(clause for _, clause, _ in _CAUSES.values())),
    keys=(Column("cause", Kind.STATE, _WORDS), Column("holder", Kind.PARTY), Column("region", Kind.REGION)),
    measures=(Column("devices", Kind.COUNT),),
    totals=(
        f"SELECT cause, holder, region, count(*) AS devices FROM ({_JUDGED}) judged WHERE cause IS NOT NULL "
        "GROUP BY cause, holder, region"
    ),
    columns=(
        Column("device", Kind.DEVICE),
        Column("cause", Kind.STATE, _WORDS),
        Column("holder", Kind.PARTY),
        Column("stored_counter", Kind.COUNT),
        Column("certificate_ends", Kind.MOMENT),
        Column("supplier", Kind.PARTY),
    ),
    rows=f"SELECT eui, cause, holder, highest, first_end, supplier FROM ({_JUDGED}) judged WHERE cause IS NOT NULL",
    cite=_cite,
)
