"""A report that was run, as CSV, JSON or a page to print."""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

import jinja2

from trustcell.reports.rules.definition import Kind, Table

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PAGES = jinja2.Environment(
    loader=jinja2.PackageLoader("trustcell.reports"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


@dataclass(frozen=True, slots=True)
class _Bars:
    """The totals by one key: what people look at first."""

    heading: str
    name: str
    measure: str
    values: list[tuple[str, int]]
    total: int


def as_value(table: Table) -> dict[str, Any]:
    """Plain values for ``--json`` and the API."""
    report = table.report
    heads = [column.name for column in (*report.keys, *report.measures)]
    return {
        "report": report.name,
        "title": report.title,
        "question": report.question,
        "as_of": table.at.strftime(_FORMAT),
        "asked": dict(table.asked),
        "clauses": [clause.ref for clause in report.clauses],
        "notes": list(report.notes),
        "totals": [dict(zip(heads, row, strict=True)) for row in table.totals],
        "count": table.count,
        "rows": list(table.rows),
    }


def as_json(table: Table) -> bytes:
    """``as_value`` as octets."""
    return json.dumps(as_value(table), indent=2, ensure_ascii=False).encode() + b"\n"


def as_csv(table: Table) -> bytes:
    """The rows, with the names of their columns; no text becomes a formula in a spreadsheet."""
    report = table.report
    names = [*(column.name for column in report.columns), "clause", "remedy", "history"]
    told = io.StringIO(newline="")
    writer = csv.writer(told)
    writer.writerow(names)
    writer.writerows([_inert(row[name]) for name in names] for row in table.rows)
    return told.getvalue().encode()


def as_html(table: Table) -> bytes:
    """A page that stands alone: nothing is fetched, no script, every text escaped."""
    report = table.report
    columns = (*report.keys, *report.measures)
    page = _PAGES.get_template("report.html.j2").render(
        table=table,
        moment=table.at.strftime(_FORMAT),
        heads=[column.name for column in columns],
        numeric={column.name for column in columns if column.kind is Kind.COUNT},
        bars=_bars(table),
    )
    return page.encode()


def _bars(table: Table) -> _Bars:
    report = table.report
    places = {column.name: place for place, column in enumerate(report.keys)}
    chosen = next(name for name in ("outcome", "cause", "year", "cell") if name in places)
    counted: dict[str, int] = {}
    for row in table.totals:
        label = str(row[places[chosen]])
        counted[label] = counted.get(label, 0) + row[len(report.keys)]
    ordered = sorted(counted.items(), key=lambda each: each[0] if chosen == "year" else -each[1])
    measure = report.measures[0].name
    return _Bars(f"{measure.capitalize()} by {chosen}", chosen, measure, ordered, max(1, sum(counted.values())))


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
