"""The pages as routes: who may come in, which refusals become which page. No rule of the field is here."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trustcell.app.console import ConsoleDoor
from trustcell.vocab import Finding, Refused, TrustcellError, Unavailable
from trustcell.web.console import (
    approvals,
    audit,
    calendar,
    certificates,
    decoder,
    departures,
    devices,
    home,
    lab,
    packs,
    reports,
    requests,
    sit,
    studies,
)
from trustcell.web.console.entrance import PASSWORD_PATH, SIGN_IN_PATH, Entrance
from trustcell.web.console.forms import Form, FormError, read_form
from trustcell.web.console.pages import HEADERS, static_files
from trustcell.web.console.sessions import Sessions, is_from_form
from trustcell.web.console.visit import EVERYBODY, Page, Section, Visit

_LOG = logging.getLogger("trustcell.web.console")


def console_app(door: ConsoleDoor) -> Starlette:
    """The console alone, where there is no DSP whose JSON API it could stand beside."""
    return Starlette(routes=[Route("/", _to_console), *console_routes(door)])


def console_routes(door: ConsoleDoor) -> list[Route]:
    """Every page that what is served has something to show on."""
    return _Console(door).routes()


def _rooms(door: ConsoleDoor) -> list[Any]:
    """The modules of pages that what is served has something to show on, in the order of the navigation."""
    dsp = [devices, requests, lab] if door.dsp is not None else []
    duties = [departures, reports] if door.dsp is not None else []
    authority = [approvals, packs, calendar] if door.authority is not None else []
    return [home, *dsp, certificates, *authority, audit, *duties, studies, sit, decoder]


async def _to_console(_: Request) -> Response:
    return RedirectResponse("/console", 303, dict(HEADERS))


class _Console:
    def __init__(self, door: ConsoleDoor) -> None:
        self.door = door
        self.sessions = Sessions(door.accounts, door.random, door.ticks)
        self.entrance = Entrance(door, self.sessions)
        rooms = _rooms(door)
        self.sections: tuple[Section, ...] = tuple(section for room in rooms for section in room.SECTIONS)
        self.pages = [
            *(certificates.AUTHORITY_PAGES if door.authority is not None else ()),
            *(each for room in rooms for each in room.PAGES),
            Page("/console/sign-out", self.entrance.sign_out, method="POST"),
            Page(PASSWORD_PATH, self.entrance.password),
            Page(PASSWORD_PATH, self.entrance.new_password, method="POST"),
        ]

    def routes(self) -> list[Route]:
        by_path: dict[str, list[Page]] = {}
        for each in self.pages:
            by_path.setdefault(each.path, []).append(each)
        return [
            Route(SIGN_IN_PATH, self.entrance.sign_in, methods=["GET", "POST"]),
            *self.entrance.provider_routes(),
            Route("/console/static/{name}", _static),
            *(Route(path, self._answer(pages), methods=[p.method for p in pages]) for path, pages in by_path.items()),
            Route("/console/{rest:path}", self._answer([Page("", _nothing_here)])),
        ]

    def _answer(self, pages: Sequence[Page]) -> Callable[[Request], Awaitable[Response]]:
        by_method = {each.method: each for each in pages}

        async def answer(request: Request) -> Response:
            page = by_method.get("GET" if request.method == "HEAD" else request.method, pages[0])
            session = self.sessions.of(request)
            if session is None:
                return RedirectResponse(SIGN_IN_PATH, 303, dict(HEADERS))
            form = Form({}, {})
            visit = Visit(request, session, self.door, self.sections, self.door.reference())
            try:
                if page.method == "POST":
                    form = await read_form(request)
            except FormError as error:
                return _said(visit, 400, "This form cannot be read", str(error))
            except ClientDisconnect:
                return Response(status_code=400, headers=dict(HEADERS))
            if page.method == "POST" and not is_from_form(session, form.text.get("form", "")):
                return _said(visit, 403, "This form is not from this session", "Load the page again, then send it.")
            if (
                session.account.one_time
                and not session.elsewhere
                and page.path not in (PASSWORD_PATH, "/console/sign-out")
            ):
                return RedirectResponse(PASSWORD_PATH, 303, dict(HEADERS))
            if not session.may(*page.roles):
                wanted = ", ".join(sorted(page.roles)) if page.roles != EVERYBODY else ""
                return _said(visit, 403, "Your role does not do this", f"It is for: {wanted}.")
            visit = Visit(request, session, self.door, self.sections, visit.reference, form.text, form.files)
            if page.method == "POST":
                _LOG.info("%s %s by %s", visit.reference, request.url.path, visit.actor.name)
            return await _guarded(page, visit)

        return answer


async def _guarded(page: Page, visit: Visit) -> Response:
    try:
        return await page.handler(visit)
    except Refused as error:
        return _said(visit, 409, "That is refused", "Nothing was changed.", error.findings)
    except Unavailable as error:
        return _said(visit, 503, "That cannot be had now", str(error))
    except TrustcellError as error:
        return _said(visit, 400, "That cannot be done", str(error))
    except LookupError as error:
        return _said(visit, 404, "There is nothing of this name", str(error.args[0] if error.args else ""))
    except ValueError as error:
        return _said(visit, 400, "That cannot be read", str(error))
    except Exception:
        _LOG.exception("%s failed", visit.reference)
        return _said(visit, 500, "Something went wrong here", f"The log has it under {visit.reference}.")


def _said(visit: Visit, status: int, title: str, text: str, findings: Sequence[Finding] = ()) -> Response:
    return visit.page("said", status, title=title, text=text, findings=findings)


async def _nothing_here(visit: Visit) -> Response:
    raise LookupError(f"there is no page {visit.request.url.path}")


async def _static(request: Request) -> Response:
    found = static_files().get(request.url.path)
    if found is None:
        return Response(status_code=404, headers=dict(HEADERS))
    return Response(found[0], 200, {**HEADERS, "Cache-Control": "max-age=31536000, immutable"}, found[1])
