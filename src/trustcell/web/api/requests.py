"""Requests: where each stands, everything about one of them, and what an operator may do with those that wait."""

from collections.abc import Awaitable, Callable

from trustcell.app.doors import Actor
from trustcell.app.tokens import Role
from trustcell.dsp.rules.facts import KnownRequest
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import Command
from trustcell.duis import RequestId
from trustcell.vocab import Eui64
from trustcell.web.api import models
from trustcell.web.api.plain import decoded, plain
from trustcell.web.api.seeing import request_for
from trustcell.web.api.table import OPERATORS, Call, Endpoint, NotThereError

Move = Callable[[RequestId, Actor], Awaitable[RequestState | None]]


def request_model(request: KnownRequest) -> models.Request:
    """A request as the API shows it."""
    request_id = request.request_id
    return models.Request(
        request_id=str(request_id),
        originator=str(request_id.originator),
        target=str(request_id.target),
        counter=str(request_id.counter),
        service_variant=request.service_variant,
        command_variant=request.command_variant,
        state=request.state,
        code=request.code,
        accepted_at=request.accepted_at,
        executes_at=request.executes_at,
        octets=len(request.received),
    )


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
    """Checks, commands and answers decoded, deliveries."""
    known = await request_for(call)
    views = call.door.views
    lines = await call.ask(views.trail, str(known.request_id))
    commands = [await _command(call, each) for each in await call.ask(views.commands_of, known.request_id)]
    return models.RequestTrail(
        request=request_model(known),
        trail=[
            models.TrailLine(number=number, at=at, kind=e.kind, reference=e.reference, facts=plain(e.facts))
            for number, at, e in lines
        ],
        commands=commands,
        deliveries=(await deliveries(call)).items,
    )


async def deliveries(call: Call) -> models.Deliveries:
    """What was sent to the user."""
    known = await request_for(call)
    found = await call.ask(call.door.views.deliveries_of, known.request_id)
    return models.Deliveries(
        items=[
            models.Delivery(
                number=each.number,
                state=each.state,
                attempts=each.attempts,
                next_at=each.next_at,
                last=each.last,
                octets=len(each.octets),
            )
            for each in found
        ]
    )


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


async def _command(call: Call, command: Command) -> models.Command:
    answers = await call.ask(call.door.views.messages_of, command.key)
    key = command.key
    return models.Command(
        message_id=f"{key.originator}:{key.device}:{key.counter}",
        message_code=f"{command.message_code:04X}",
        state=command.state.value,
        message=decoded(command.octets),
        answers=[
            models.DeviceMessage(at=at, verdict=verdict, message=decoded(octets)) for at, octets, verdict in answers
        ],
    )


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
