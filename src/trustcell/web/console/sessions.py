"""Who is signed in: sessions on the server, a cookie that no script can read, a token for every form (hostile A12)."""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from trustcell.app.accounts import Account, AccountBook, ConsoleRole

COOKIE = "trustcell_session"
IDLE_SECONDS, LONGEST_SECONDS = 15 * 60.0, 8 * 3600.0
_MOST = 1_000


@dataclass(slots=True)
class Session:
    """One person at one browser. ``form`` is the token that every form of this session carries.

    ``elsewhere`` is true for who was signed in by an OpenID Provider, and so has no password here.
    """

    account: Account
    form: str
    began: float
    seen: float
    elsewhere: bool = False
    said: str = ""
    """What the next page shall say, once."""

    def may(self, *roles: ConsoleRole) -> bool:
        """Whether the account has one of these roles."""
        return not self.account.roles.isdisjoint(roles)

    def hear(self) -> str:
        """What is to be said, and it is said."""
        said, self.said = self.said, ""
        return said


class Sessions:
    """Kept in memory: whoever restarts the server signs everybody out."""

    def __init__(self, accounts: AccountBook, random: Callable[[int], bytes], ticks: Callable[[], float]) -> None:
        """Nobody is signed in."""
        self._accounts, self._random, self._ticks = accounts, random, ticks
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, account: Account, response: Response, *, secure: bool, elsewhere: bool = False) -> None:
        """Sign somebody in under a name that nobody had before."""
        name, now = self._random(32).hex(), self._ticks()
        self._sessions[name] = Session(account, self._random(32).hex(), now, now, elsewhere)
        if len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        response.set_cookie(COOKIE, name, httponly=True, samesite="strict", path="/console", secure=secure)

    def of(self, request: Request) -> Session | None:
        """Whose request it is; it ends when it was idle, is too old, or the account has changed or is gone."""
        name, now = request.cookies.get(COOKIE, ""), self._ticks()
        session = self._sessions.get(name)
        if session is None:
            return None
        account = self._accounts.find(session.account.name)
        changed = account is None or account.secret != session.account.secret
        if changed or now - session.seen > IDLE_SECONDS or now - session.began > LONGEST_SECONDS:
            del self._sessions[name]
            return None
        assert account is not None
        session.account, session.seen = account, now
        return session

    def end(self, request: Request, response: Response) -> None:
        """Sign out."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, path="/console")


def is_from_form(session: Session, token: str) -> bool:
    """Whether a form is one of ours."""
    return hmac.compare_digest(session.form.encode(), token.encode("utf-8", "replace"))
