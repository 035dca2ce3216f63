"""Requests: where each stands, everything about one of them, and what an operator may do with those that wait."""

from collections.abc import Awaitable, Callable

from trustcell.app.doors import Actor
from trustcell.app.dsp_rows import delivery_rows, request_row
from trustcell.app.request_trail import request_trail
from trustcell.app.tokens import Role
from trustcell.dsp.rules.facts import KnownRequest
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.duis import RequestId
from trustcell.vocab import Eui64
from trustcell.web.api import models
from trustcell.web.api.seeing import request_for, require_own
from trustcell.web.api.table import OPERATORS, Call, Endpoint, NotThereError

Move = Callable[[RequestId, Actor], Awaitable[RequestState | None]]


def request_model(request: KnownRequest) -> models.Request:
    """A request as the API shows it."""
    return models.Request.model_validate(request_row(request))


async def requests(call: Call) -> models.Requests:
    """Whoever is a user sees his own, whatever he asks for."""
    query: models.RequestPaging = call.query
    user = None if query.user is None else Eui64.parse(query.user)
    if call.principal.role is Role.USER:
        if user is not None and user != call.principal.user:
            return models.Requests(items=[], next=None)
        user = call.principal.user
    found = await call.ask(
        call.door.views.requests,
        user=user,
        device=None if query.device is None else Eui64.parse(query.device),
        after=None if query.after is None else RequestId.parse(query.after),
        limit=query.limit,
    )
    following = str(found[-1].request_id) if len(found) == query.limit else None
    return models.Requests(items=[request_model(each) for each in found], next=following)


async def request(call: Call) -> models.Request:
    """One request."""
    return request_model(await request_for(call))


async def trail(call: Call) -> models.RequestTrail:
    """Checks, commands and answers decoded, effects, deliveries; also of a request that was refused."""
    require_own(call)
    found = await call.ask(request_trail, call.door.views, call.request_id)
    if found is None:
        raise NotThereError
    return models.RequestTrail.model_validate(found)


async def deliveries(call: Call) -> models.Deliveries:
    """What was sent to the user."""
    known = await request_for(call)
    found = await call.ask(call.door.views.deliveries_of, known.request_id)
    return models.Deliveries.model_validate({"items": delivery_rows(found)})


async def release(call: Call) -> models.RequestMoved:
    """A quarantined request goes on."""
    return await _move(call, call.door.operator.release)


async def cancel(call: Call) -> models.RequestMoved:
    """A quarantined or held request ends."""
    return await _move(call, call.door.operator.cancel)


async def _move(call: Call, move: Move) -> models.RequestMoved:
    state = await move(call.request_id, call.actor)
    if state is None:
        raise NotThereError
    return models.RequestMoved(request_id=str(call.request_id), state=state)


ENDPOINTS = (
    Endpoint(
        "GET", "/api/requests", "requests", "Service requests.", requests, models.Requests, query=models.RequestPaging
    ),
    Endpoint("GET", "/api/requests/{request_id}", "request", "One service request.", request, models.Request),
    Endpoint(
        "GET", "/api/requests/{request_id}/trail", "requestTrail", "Everything about one request.", trail,
        models.RequestTrail,
    ),
    Endpoint(
        "GET", "/api/requests/{request_id}/deliveries", "requestDeliveries", "What was sent to the user.", deliveries,
        models.Deliveries,
    ),
    Endpoint(
        "POST", "/api/requests/{request_id}/release", "releaseRequest", "Let a quarantined request go on.", release,
        models.RequestMoved, OPERATORS,
    ),
    Endpoint(
        "POST", "/api/requests/{request_id}/cancel", "cancelRequest", "End a quarantined or held request.", cancel,
        models.RequestMoved, OPERATORS,
    ),
)  # fmt: skip
