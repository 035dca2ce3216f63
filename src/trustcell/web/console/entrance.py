"""Signing in and out, and the first password of one's own (SEC Appendix P, portal login)."""

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trustcell.app.accounts import Account
from trustcell.app.console import ConsoleDoor
from trustcell.vocab import Refused, TrustcellError
from trustcell.web.console.forms import FormError, read_form
from trustcell.web.console.pages import HEADERS, rendered
from trustcell.web.console.sessions import Sessions
from trustcell.web.console.visit import Visit
from trustcell.web.limits import RateLimit

_LOG = logging.getLogger("trustcell.web.console")
_A_SECOND, _BURST = 1.0, 20.0
SIGN_IN_PATH, PASSWORD_PATH = "/console/sign-in", "/console/password"


class Entrance:
    """The only pages for people who are not signed in."""

    def __init__(self, door: ConsoleDoor, sessions: Sessions) -> None:
        """One rate for each address."""
        self._door, self._sessions = door, sessions
        self._rate = RateLimit(_A_SECOND, _BURST)

    async def sign_in(self, request: Request) -> Response:
        """Name and password; every attempt is one entry of the audit log, and a right one counts only with it."""
        if request.method == "GET":
            return rendered("sign_in", problem="", name="")
        client = request.client.host if request.client else ""
        if self._rate.wait(client, self._door.ticks()):
            return rendered("sign_in", 429, problem="Too many attempts came from this address. Wait a little.", name="")
        try:
            form = (await read_form(request)).text
        except FormError as error:
            return rendered("sign_in", 400, problem=str(error), name="")
        name = form.get("name", "").strip()[:64]
        try:
            account = await run_in_threadpool(self._admitted, name, form.get("password", ""), client)
        except Refused as error:
            status = 429 if error.code == "account_locked" else 401
            return rendered("sign_in", status, problem=error.findings[0].message, name=name)
        except TrustcellError as error:  # no log, no sign-in
            return rendered("sign_in", 503, problem=str(error), name=name)
        response = RedirectResponse(PASSWORD_PATH if account.one_time else "/console", 303, dict(HEADERS))
        self._sessions.begin(account, response, secure=request.url.scheme == "https")
        return response

    def _admitted(self, name: str, password: str, client: str) -> Account:
        reference = self._door.reference()
        try:
            account = self._door.accounts.check(name, password, self._door.now())
        except Refused as error:
            _LOG.info("%s sign-in from %s refused [%s]", reference, client, error.code)
            facts = {"actor": name, "from": client, "code": error.code, "reference": reference}
            self._door.record("console.sign_in_refused", "console", facts)
            raise
        self._door.record("console.sign_in", "console", {"actor": name, "from": client, "reference": reference})
        _LOG.info("%s sign-in of %s from %s", reference, account.name, client)
        return account

    async def sign_out(self, visit: Visit) -> Response:
        """Over."""
        response = RedirectResponse(SIGN_IN_PATH, 303, dict(HEADERS))
        self._sessions.end(visit.request, response)
        await visit.ask(self._door.record, "console.sign_out", "console", {"actor": visit.actor.name})
        return response

    async def password(self, visit: Visit) -> Response:
        """The form for a new password."""
        return visit.page("password", problem="")

    async def new_password(self, visit: Visit) -> Response:
        """The new one; every session of the account ends, and this one begins anew."""
        old, new = visit.form.get("old", ""), visit.form.get("new", "")
        if new != visit.form.get("again", ""):
            return visit.page("password", 400, problem="The two new ones differ.")
        name, door = visit.session.account.name, self._door
        try:
            account = await visit.ask(door.accounts.change_password, name, old, new, door.now())
        except Refused as error:
            return visit.page("password", 400, problem=str(error))
        await visit.ask(door.record, "console.password", "console", {"actor": name})
        response = RedirectResponse("/console", 303, dict(HEADERS))
        self._sessions.end(visit.request, response)
        self._sessions.begin(account, response, secure=visit.request.url.scheme == "https")
        return response
