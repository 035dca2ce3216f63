"""Service Requests: a list, and one with everything that came of it, DUIS and GBCS side by side."""

from typing import Any

from starlette.responses import Response

from trustcell.app.accounts import ConsoleRole
from trustcell.app.dsp_rows import request_row
from trustcell.app.message_tree import Read, read_message, read_octets
from trustcell.app.request_trail import request_trail
from trustcell.duis import RequestId
from trustcell.vocab import Eui64, TrustcellError
from trustcell.web.console.devices import PAGE_ROWS, dsp_of
from trustcell.web.console.visit import Page, Section, Visit

OPERATORS = frozenset({ConsoleRole.OPERATOR})


async def requests(visit: Visit) -> Response:
    """The newest first; of one user when asked so."""
    views, after, user = dsp_of(visit).views, visit.asked("after"), visit.asked("user")
    begin = RequestId.parse(after) if after else None
    whose = Eui64.parse(user) if user else None
    found = await visit.ask(views.requests, user=whose, device=None, after=begin, limit=PAGE_ROWS, newest_first=True)
    rows = [request_row(each) for each in found]
    return visit.page(
        "requests", rows=rows, user=user, following=rows[-1]["request_id"] if len(rows) == PAGE_ROWS else ""
    )


async def request(visit: Visit) -> Response:
    """DUIS in, every check, GBCS out and in, what it changed, what was delivered."""
    wanted = RequestId.parse(visit.path("request_id"))
    found = await visit.ask(_all_of, visit, wanted)
    if found is None:
        raise LookupError(f"nobody sent a request {wanted}")
    return visit.page("request", name=str(wanted), **found)


def _all_of(visit: Visit, wanted: RequestId) -> dict[str, Any] | None:
    views = dsp_of(visit).views
    trail = request_trail(views, wanted)
    if trail is None:
        return None
    known = views.request(wanted)
    messages = []
    for command in views.commands_of(wanted):
        messages.append(("command", command.state.value, "", _read(command.octets)))
        messages += [
            ("answer", verdict, f"{at:%Y-%m-%d %H:%M:%S}Z", _read(octets))
            for at, octets, verdict in views.messages_of(command.key)
        ]
    return {"trail": trail, "messages": messages, "xml": None if known is None else _xml(known.received)}


def _read(octets: bytes) -> Read:
    try:
        return read_octets(octets)
    except TrustcellError:
        return Read(octets, ())


def _xml(octets: bytes) -> Read | None:
    try:
        return read_message(octets.decode("utf-8", "replace"))[0]
    except TrustcellError:
        return None


async def release(visit: Visit) -> Response:
    """Let a quarantined request go on."""
    return await _moved(visit, dsp_of(visit).operator.release)


async def cancel(visit: Visit) -> Response:
    """End a quarantined or held request."""
    return await _moved(visit, dsp_of(visit).operator.cancel)


async def _moved(visit: Visit, move: Any) -> Response:
    wanted = RequestId.parse(visit.path("request_id"))
    state = await move(wanted, visit.actor)
    if state is None:
        raise LookupError(f"nobody sent a request {wanted}")
    return visit.go(f"/console/requests/{wanted}", f"It is {state.value} now.")


SECTIONS = (Section("Requests", "/console/requests", "dsp"),)
PAGES = (
    Page("/console/requests", requests),
    Page("/console/requests/{request_id}", request),
    Page("/console/requests/{request_id}/release", release, OPERATORS, "POST"),
    Page("/console/requests/{request_id}/cancel", cancel, OPERATORS, "POST"),
)
