"""Signing in and out, and the first password of one's own (SEC Appendix P, portal login)."""

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trustcell.app.accounts import SIGN_IN, Account
from trustcell.app.console import ConsoleDoor
from trustcell.app.oidc import CALLBACK_PATH
from trustcell.vocab import Refused, TrustcellError
from trustcell.web.console.forms import FormError, read_form
from trustcell.web.console.pages import HEADERS, rendered
from trustcell.web.console.sessions import Sessions
from trustcell.web.console.visit import Visit
from trustcell.web.limits import RateLimit

_LOG = logging.getLogger("trustcell.web.console")
_A_SECOND, _BURST = 1.0, 20.0
_WAY = "trustcell_way"
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
            return self._form()
        client = request.client.host if request.client else ""
        if self._rate.wait(client, self._door.ticks()):
            return self._form("Too many attempts came from this address. Wait a little.", "", 429)
        try:
            form = (await read_form(request)).text
        except FormError as error:
            return self._form(str(error), "", 400)
        name = form.get("name", "").strip()[:64]
        try:
            account = await run_in_threadpool(self._admitted, name, form.get("password", ""), client)
        except Refused as error:
            status = 429 if error.code == "account_locked" else 401
            return self._form(error.findings[0].message, name, status)
        except TrustcellError as error:  # no log, no sign-in
            return self._form(str(error), name, 503)
        response = RedirectResponse(PASSWORD_PATH if account.one_time else "/console", 303, dict(HEADERS))
        self._sessions.begin(account, response, secure=request.url.scheme == "https")
        return response

    def _form(self, problem: str = "", name: str = "", status: int = 200) -> Response:
        return rendered("sign_in", status, problem=problem, name=name, provider=self._door.oidc is not None)

    def provider_routes(self) -> list[Route]:
        """Out to the OpenID Provider of the settings and back, if there is one."""
        if self._door.oidc is None:
            return []
        return [Route("/console/oidc", self.to_provider), Route(CALLBACK_PATH, self.from_provider)]

    async def to_provider(self, request: Request) -> Response:
        """Off to the provider; a cookie that outlasts the way there and back names the sign-in."""
        oidc, client = self._door.oidc, request.client.host if request.client else ""
        assert oidc is not None
        if self._rate.wait(client, self._door.ticks()):
            return self._form("Too many attempts came from this address. Wait a little.", "", 429)
        try:
            name, there = await oidc.begin()
        except TrustcellError as error:
            return self._form(str(error), "", 503)
        response = RedirectResponse(there, 303, dict(HEADERS))
        secure = request.url.scheme == "https"
        response.set_cookie(_WAY, name, 600, httponly=True, samesite="lax", path=CALLBACK_PATH, secure=secure)
        return response

    async def from_provider(self, request: Request) -> Response:
        """Back: whoever the provider names has to have an account here, and its roles are those of the account."""
        oidc, client = self._door.oidc, request.client.host if request.client else ""
        assert oidc is not None
        try:
            who = await oidc.finish(request.cookies.get(_WAY, ""), dict(request.query_params), self._door.now())
            account = await run_in_threadpool(self._known, who, client)
        except Refused as error:
            return self._form(error.findings[0].message, "", 401)
        except TrustcellError as error:
            return self._form(str(error), "", 503)
        # The cookie of a session is not sent on a way that began at the provider, so the page goes on by itself.
        response = rendered("welcome", 200)
        response.headers["Refresh"] = "0; url=/console"
        self._sessions.begin(account, response, secure=request.url.scheme == "https", elsewhere=True)
        response.delete_cookie(_WAY, path=CALLBACK_PATH)
        return response

    def _known(self, who: str, client: str) -> Account:
        reference = self._door.reference()
        account = self._door.accounts.find(who)
        facts = {"actor": who[:64], "from": client, "reference": reference, "by": "OpenID Connect"}
        if account is None or account.locked_until(self._door.now()) is not None:
            code = "account_unknown" if account is None else "account_locked"
            self._door.record("console.sign_in_refused", "console", {**facts, "code": code})
            problem = "there is no account here that is open and has the name by which the provider knows you"
            raise Refused([SIGN_IN.breach(code, "name", problem, "trustcell account make")])
        self._door.record("console.sign_in", "console", facts)
        _LOG.info("%s sign-in of %s from %s by the provider", reference, who, client)
        return account

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
