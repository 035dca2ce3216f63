"""Rendering: one layout, everything escaped, and headers under which nothing but our own files is loaded."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from starlette.responses import Response

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""No script and no style stands in a page, and nothing comes from elsewhere (hostile A12)."""

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("trustcell.web.console"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.globals["values"] = lambda rows: [list(row.values()) for row in rows]
_KINDS = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}


@cache
def static_files() -> Mapping[str, tuple[bytes, str]]:
    """Octets and media type of each file by an address that changes with it."""
    found = {}
    for name, kind in _KINDS.items():
        octets = files("trustcell.web.console").joinpath("static", name).read_bytes()
        found[f"/console/static/{hashlib.sha256(octets).hexdigest()[:16]}-{name}"] = (octets, kind)
    return found


@cache
def _addresses() -> Mapping[str, str]:
    return {path.rpartition("-")[2]: path for path in static_files()}


def rendered(template: str, status: int = 200, **values: Any) -> Response:
    """A page by the name of its template."""
    text = _ENVIRONMENT.get_template(f"{template}.html.j2").render(files=_addresses(), **values)
    return Response(text, status, HEADERS, "text/html; charset=utf-8")
