"""Reports over every cell of every device: expired occupants, the end of the estate by year, one key wherever it is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from trustcell.reports.rules.clauses import L10, MP261_4
from trustcell.reports.rules.definition import Column, Kind, Report
from trustcell.reports.rules.fleet import CELLS
from trustcell.vocab import Clause

_NUMBERS = MappingProxyType(dict(enumerate(CELLS)))
_EVERY = " UNION ALL ".join(
    f"SELECT eui, region, supplier, {number} AS cell, {name} AS held FROM {{device}} WHERE {name} <> 0"
    for number, name in _NUMBERS.items()
)
_SHARED = "Where certificates share a key a device cannot say which of them it holds: the earliest end is assumed."


def _expired(_row: Mapping[str, Any]) -> tuple[Clause, str]:
    return MP261_4, "whoever controls the cell replaces the certificate at once; the device can be installed and used"


_OF_EXPIRED = (
    f"SELECT e.eui, e.region, e.supplier, e.cell, c.party, c.first_end, c.last_end, c.generations "
    f"FROM ({_EVERY}) e JOIN {{certificate}} c ON c.number = e.held WHERE c.first_end < $moment"
)

EXPIRED = Report(
    name="expired",
    title="Expired in cells",
    question="Which cells hold an expired certificate, and how many would not if the pack of the device were known?",
    clauses=(MP261_4,),
    keys=(Column("cell", Kind.CELL, _NUMBERS), Column("holder", Kind.PARTY)),
    measures=(Column("cells", Kind.COUNT), Column("would_change_if_pack_known", Kind.COUNT)),
    totals=(
        "SELECT cell, party, count(*) AS cells, sum(CASE WHEN last_end >= $moment THEN 1 ELSE 0 END) AS doubtful "
        f"FROM ({_OF_EXPIRED}) found GROUP BY cell, party"
    ),
    columns=(
        Column("device", Kind.DEVICE),
        Column("cell", Kind.CELL, _NUMBERS),
        Column("holder", Kind.PARTY),
        Column("assumed_end", Kind.MOMENT),
        Column("latest_end", Kind.MOMENT),
        Column("certificates_with_this_key", Kind.COUNT),
    ),
    rows=f"SELECT eui, cell, party, first_end, last_end, generations FROM ({_OF_EXPIRED}) found",
    cite=_expired,
    notes=(_SHARED,),
)


def _ending(_row: Mapping[str, Any]) -> tuple[Clause, str]:
    return MP261_4, "a longer validity over the same key needs an approval of the SMKI PMA; else replace it"


_OF_ESTATE = (
    "SELECT e.eui, e.cell, c.party, c.first_end, c.last_end, c.first_year, c.last_year "
    f"FROM ({_EVERY}) e JOIN {{certificate}} c ON c.number = e.held"
)

EXPIRY = Report(
    name="expiry",
    title="The end of the estate by year",
    question="In which year do the certificates in the cells of the estate end?",
    clauses=(MP261_4,),
    keys=(Column("year", Kind.YEAR), Column("cell", Kind.CELL, _NUMBERS)),
    measures=(Column("cells", Kind.COUNT), Column("perhaps_later", Kind.COUNT)),
    totals=(
        "SELECT first_year, cell, count(*) AS cells, sum(CASE WHEN last_year > first_year THEN 1 ELSE 0 END) AS later "
        f"FROM ({_OF_ESTATE}) found GROUP BY first_year, cell"
    ),
    columns=(
        Column("device", Kind.DEVICE),
        Column("cell", Kind.CELL, _NUMBERS),
        Column("holder", Kind.PARTY),
        Column("assumed_end", Kind.MOMENT),
        Column("latest_end", Kind.MOMENT),
    ),
    rows=f"SELECT eui, cell, party, first_end, last_end FROM ({_OF_ESTATE}) found WHERE first_end < $moment + $soon",
    cite=_ending,
    notes=(_SHARED, "Rows are what ends within 180 days."),
)


def _compromised(row: Mapping[str, Any]) -> tuple[Clause, str]:
    return L10, {
        "supplier": "method 1: the subscriber replaces its certificates with its own key; else 2 or 3",
        "operator": "method 1 if the operator can still sign; else method 2 (ACB certificates) or 3",
    }.get(_NUMBERS[row["cell"]].split("_")[0], "method 3: the recovery key puts the new certificates in")


_OF_KEY = (
    f"SELECT e.eui, e.region, e.supplier, e.cell, c.party, c.key_id FROM ({_EVERY}) e JOIN {{certificate}} c "
    "ON c.number = e.held WHERE c.key_hash = $key OR c.key_id = $key"
)

CASCADE = Report(
    name="cascade",
    title="One key, wherever it is",
    question="Which cells of which devices trust a key, in whichever certificates it stands?",
    clauses=(L10,),
    keys=(Column("cell", Kind.CELL, _NUMBERS), Column("holder", Kind.PARTY), Column("region", Kind.REGION)),
    measures=(Column("cells", Kind.COUNT),),
    totals=f"SELECT cell, party, region, count(*) AS cells FROM ({_OF_KEY}) found GROUP BY cell, party, region",
    columns=(
        Column("device", Kind.DEVICE),
        Column("cell", Kind.CELL, _NUMBERS),
        Column("holder", Kind.PARTY),
        Column("key_id", Kind.TEXT),
        Column("supplier", Kind.PARTY),
    ),
    rows=f"SELECT eui, cell, party, key_id, supplier FROM ({_OF_KEY}) found",
    cite=_compromised,
    asks=("key",),
)
