"""A result as JSON or as a page that stands alone."""

import json
from collections.abc import Mapping
from typing import Any

import jinja2

from trustcell.charts import draw, rows
from trustcell.studies.rules.model import Study
from trustcell.studies.rules.telling import charts

_PAGES = jinja2.Environment(
    loader=jinja2.PackageLoader("trustcell.studies"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def as_json(result: Mapping[str, Any]) -> bytes:
    """Seed, parameters and result; the same octets from the same seed."""
    return json.dumps(result, indent=1, ensure_ascii=False).encode() + b"\n"


def drawn(study: Study, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each chart with the table that says the same."""
    found = []
    for chart in charts(study, result):
        heads, body = rows(chart)
        found.append({"title": chart.title, "svg": draw(chart), "heads": heads, "rows": body})
    return found


def as_html(study: Study, result: Mapping[str, Any]) -> bytes:
    """Charts with their tables, and every parameter with its source; no script, nothing fetched."""
    first = next(iter(result["variants"].values()))
    page = _PAGES.get_template("study.html.j2").render(
        result=result, charts=drawn(study, result), numbers=list(first["numbers"]), facts=list(first["facts"])
    )
    return page.encode()
