"""The JSON API as an application: one way in for every endpoint of the table, and one shape for every refusal."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trustcell.app.doors import ApiDoor
from trustcell.app.tokens import Principal
from trustcell.vocab import Finding, Refused, Unavailable, WireError
from trustcell.web.api import han, inventory, models, parties, requests
from trustcell.web.api.entrance import Entrance, ShutOutError
from trustcell.web.api.openapi import openapi
from trustcell.web.api.table import BadRequestError, Call, Endpoint, NotThereError
from trustcell.web.bodies import JSON, BodyError, read_body
from trustcell.web.console import console_routes
from trustcell.web.problem import PROBLEM, SECURITY_HEADERS, problem

_LOG = logging.getLogger("trustcell.web.api")

ENDPOINTS: tuple[Endpoint, ...] = (
    *parties.ENDPOINTS,
    *inventory.ENDPOINTS,
    *requests.ENDPOINTS,
    *han.ENDPOINTS,
)

Refuse = Callable[..., Response]


def api_app(door: ApiDoor) -> Starlette:
    """The API of one engine; ``/health`` and ``/metrics`` and the description need no token."""
    entrance = Entrance(door)
    document = openapi(ENDPOINTS)
    by_path: dict[str, list[Endpoint]] = {}
    for each in ENDPOINTS:
        by_path.setdefault(each.path, []).append(each)

    async def description(_: Request) -> Response:
        return JSONResponse(document, headers=SECURITY_HEADERS)

    async def health(_: Request) -> Response:
        well = all(state == "ok" for state in door.engine.health().values())
        return JSONResponse({"status": "ok" if well else "unavailable"}, 200 if well else 503, SECURITY_HEADERS)

    async def metrics(_: Request) -> Response:
        if door.metrics is None:
            raise HTTPException(404)
        kind, octets = door.metrics.exposition()
        return Response(octets, headers=SECURITY_HEADERS, media_type=kind)

    async def not_served(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        code, sentence = _NOT_SERVED.get(status, ("not_served", "this cannot be asked for"))
        return _refusal(door, request, status, code, sentence, headers=headers)

    routes = [
        Route("/api/openapi.json", description),
        Route("/health", health),
        Route("/metrics", metrics),
        *(
            Route(path, _endpoint(door, entrance, found), methods=[each.method for each in found])
            for path, found in by_path.items()
        ),
        *(() if door.console is None else console_routes(door.console(door))),
    ]
    application = Starlette(routes=routes, exception_handlers={HTTPException: not_served})
    application.router.redirect_slashes = False  # a redirect would repeat the Host header that somebody sent
    return application


_NOT_SERVED = {
    404: ("not_found", "there is nothing at this address"),
    405: ("method_not_allowed", "this address does not take this method"),
}


def _endpoint(door: ApiDoor, entrance: Entrance, found: Sequence[Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    by_method = {each.method: each for each in found}

    async def answer(request: Request) -> Response:
        began = door.ticks()
        endpoint = by_method["GET" if request.method == "HEAD" else request.method]
        response, code = await _guarded(door, entrance, endpoint, request)
        if door.metrics is not None:
            door.metrics.request(f"api {endpoint.name}", response.status_code, code, door.ticks() - began)
        return response

    return answer


async def _guarded(door: ApiDoor, entrance: Entrance, endpoint: Endpoint, request: Request) -> tuple[Response, str]:
    """Every refusal there can be, translated once."""
    reference = door.reference()

    def refuse(
        status: int,
        code: str,
        sentence: str,
        findings: Sequence[Finding] = (),
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Response, str]:
        return _refusal(door, request, status, code, sentence, reference, findings, headers), code

    try:
        principal = entrance.admit(request)
        if principal.role not in endpoint.roles:
            return refuse(403, "role_not_allowed", f"the role {principal.role} may not do this")
        call = await _read(door, endpoint, request, principal, reference)
        answer = await endpoint.handler(call)
    except ShutOutError as error:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {"Retry-After": str(int(error.wait) + 1)}
        return refuse(error.status, error.code, error.sentence, headers=headers)
    except NotThereError:
        return refuse(404, "not_found", "there is no such thing, or it is not for the holder of this token")
    except BadRequestError as error:
        return refuse(400, error.code, error.sentence)
    except BodyError as error:
        return refuse(error.status, error.code, error.reason)
    except WireError as error:
        return refuse(400, error.code, str(error))
    except Refused as error:
        return refuse(409, error.code, str(error), error.findings)
    except Unavailable as error:
        return refuse(503, error.code, str(error), headers={"Retry-After": "1"})
    except ClientDisconnect:
        return Response(status_code=400), "client_left"
    except Exception:
        _LOG.exception("%s failed", reference)
        return refuse(500, "internal_error", "the request could not be processed")
    if endpoint.method != "GET":
        _LOG.info("%s %s by %s: %s", reference, endpoint.name, principal.name, request.url.path)
    octets = answer.model_dump_json().encode()
    return Response(octets, endpoint.status, {**SECURITY_HEADERS, "X-Reference": reference}, JSON), "ok"


async def _read(door: ApiDoor, endpoint: Endpoint, request: Request, principal: Principal, reference: str) -> Call:
    path = {name: str(value) for name, value in request.path_params.items()}
    for name, text in path.items():
        if not models.fits(name, text):
            raise BadRequestError(f"{name}_invalid", f"{name}: {models.PATH_PATTERNS[name]} was expected")
    query = _validated(endpoint.query, _query(request))
    body = None
    if endpoint.body is not None:
        octets = await read_body(
            request.scope,
            request.receive,
            request.headers,
            kind=JSON,
            limit=door.limits.octets,
            seconds=door.limits.body_seconds,
        )
        body = _validated_json(endpoint.body, octets)
    return Call(door, principal, reference, path, query, body)


def _query(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise BadRequestError("query_repeated", "a parameter may stand once")
        found[name] = value
    return found


def _validated(kind: type[models.Model], values: Mapping[str, str]) -> models.Model:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _invalid("query", error) from None


def _validated_json(kind: type[models.Model], octets: bytes) -> models.Model:
    try:
        json.loads(octets, object_pairs_hook=_no_repeats)
        return kind.model_validate_json(octets, strict=True)
    except ValidationError as error:
        raise _invalid("body", error) from None
    except (ValueError, RecursionError):
        raise BadRequestError("json_invalid", "body: JSON in UTF-8 without repeated names was expected") from None


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found


def _invalid(where: str, error: ValidationError) -> BadRequestError:
    """The first thing wrong, by its place and rule; what was sent is not repeated."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join((where, *(re.sub(r"\W", "?", str(each))[:64] for each in first["loc"])))
    return BadRequestError("schema_invalid", f"{place}: {first['msg']}")


def _refusal(
    door: ApiDoor,
    request: Request,
    status: int,
    code: str,
    sentence: str,
    reference: str = "",
    findings: Sequence[Finding] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    reference = reference or door.reference()
    _LOG.info("%s %s refused with %d: %s [%s]", reference, request.method, status, sentence, code)
    octets = problem(status, code, sentence, reference, findings)
    return Response(octets, status, {**SECURITY_HEADERS, **(headers or {})}, PROBLEM)
