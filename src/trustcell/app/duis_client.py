"""A DUIS request sent to its service, for the command line."""

import json
from typing import Any

from trustcell.adapters.http_ask import ask_http
from trustcell.app.doors import SERVICE_D, SERVICE_S, SERVICE_T
from trustcell.vocab import Clause, Refused, Unavailable

DOORS = Clause("DUIS services", "docs/serve.md, DUIS services")
_TRANSFORM = 4
_NON_DEVICE = (2, 6, 8)


def send_request(url: str, command_variant: int, octets: bytes) -> bytes:
    """The signed response. ``Refused`` when the door allows none, ``Unavailable`` when it cannot answer now."""
    door = SERVICE_T if command_variant == _TRANSFORM else SERVICE_D if command_variant in _NON_DEVICE else SERVICE_S
    answer = ask_http("POST", f"{url.rstrip('/')}/api/v1/{door}", octets, {"Content-Type": "application/xml"})
    if answer.status == 200:
        return answer.body
    try:
        read = json.loads(answer.body)
    except ValueError:
        read = None
    problem: dict[str, Any] = read if isinstance(read, dict) else {}
    code, detail = str(problem.get("code", answer.status)), str(problem.get("detail", "no reason was given"))
    if answer.status >= 500:
        raise Unavailable(f"{detail} [{code}]")
    remedy = f"reference {problem.get('reference', 'none')}"
    raise Refused([DOORS.breach(code, "request", detail, remedy)])
