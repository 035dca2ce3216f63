"""Running a report over a snapshot: totals, the rows that need a look, each with its clause and its history."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from trustcell.reports.ports import Row, Snapshot
from trustcell.reports.rules.definition import Column, Kind, Report, Table
from trustcell.reports.rules.fleet import BROKER, NOT_READ, UNKNOWN
from trustcell.vocab import Clause, Eui64, Refused

REPORT = Clause("trustcell report", "docs/reports.md, running one")
REGIONS = ("unknown", "north", "central", "south")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPECIAL = {NOT_READ: "nobody", UNKNOWN: "unknown", BROKER: "ACB"}


def run(
    report: Report, snapshot: Snapshot, limit: int, offset: int = 0, asked: Mapping[str, str] | None = None
) -> Table:
    """Totals, and at most ``limit`` rows from ``offset`` on. ``Refused`` (``value_expected``) without what it asks."""
    given = dict(asked or {})
    missing = [name for name in report.asks if not given.get(name)]
    if missing:
        problem = f"{report.name} asks for {', '.join(missing)}"
        raise Refused([REPORT.breach("value_expected", missing[0], problem, f"say --set {missing[0]}=VALUE")])
    tell = _Words(snapshot)
    totals = [tell.row((*report.keys, *report.measures), row) for row in snapshot.ask(report.totals, given)]
    ((count,),) = snapshot.ask(f"SELECT count(*) FROM ({report.rows}) counted", given)
    text = f"{report.rows} ORDER BY 1, 2 LIMIT {int(limit)} OFFSET {int(offset)}"
    rows = [_cited(report, tell, row) for row in snapshot.ask(text, given)] if limit else []
    return Table(report, moment(snapshot.at.moment), sorted(totals, key=str), rows, count, given)


def moment(micros: int) -> datetime:
    """A moment of a row."""
    return _EPOCH + timedelta(microseconds=micros)


def _cited(report: Report, tell: "_Words", row: Row) -> dict[str, Any]:
    raw = {column.name: value for column, value in zip(report.columns, row, strict=True)}
    clause, remedy = report.cite(raw)
    told = dict(zip(raw, tell.row(report.columns, row), strict=True))
    return told | {"clause": clause.ref, "remedy": remedy, "history": f"trustcell dsp history {told['device']}"}


class _Words:
    """Codes to what people read."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._parties = dict(_SPECIAL)
        for number, entity, name in snapshot.ask("SELECT number, entity, name FROM {party}", {}):
            if number not in _SPECIAL:
                self._parties[number] = f"{name} ({entity})" if name else entity

    def row(self, columns: Sequence[Column], row: Row) -> list[Any]:
        return [self._told(column, value) for column, value in zip(columns, row, strict=True)]

    def _told(self, column: Column, value: Any) -> Any:
        if value is None:
            return None
        match column.kind:
            case Kind.DEVICE:
                return str(Eui64(int(value).to_bytes(8, "big", signed=True)))
            case Kind.PARTY:
                return self._parties.get(value, f"party {value}")
            case Kind.REGION:
                return REGIONS[value] if value < len(REGIONS) else str(value)
            case Kind.STATE | Kind.CELL:
                return (column.words or {}).get(value, str(value))
            case Kind.MOMENT:
                return moment(value).strftime("%Y-%m-%dT%H:%M:%SZ")
            case Kind.COUNT | Kind.YEAR:
                return int(value)
            case Kind.FLAG:
                return bool(value)
        return value
