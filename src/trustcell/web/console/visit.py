"""One request to a page: who comes, what for, and the answers a page can give."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trustcell.app.accounts import ConsoleRole
from trustcell.app.console import ConsoleDoor
from trustcell.app.doors import Actor
from trustcell.web.console.pages import HEADERS, rendered
from trustcell.web.console.sessions import Session

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the navigation; a section is there when what it shows is served."""

    title: str
    path: str
    group: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in. ``form`` holds text, ``uploads`` the files of a form."""

    request: Request
    session: Session
    door: ConsoleDoor
    sections: tuple[Section, ...]
    reference: str
    form: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who it is, for lines of trails."""
        return Actor(self.session.account.name, self.reference)

    @property
    def person(self) -> str:
        """Whose key signs; raises ``ValueError`` for an account that belongs to nobody of the register."""
        if not self.session.account.person:
            raise ValueError("this account belongs to no person of the register: trustcell account make --person")
        return self.session.account.person

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the address, without blanks around it."""
        return str(self.request.query_params.get(name, default)).strip()

    async def ask(self, question: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Ask beside the loop, so that nobody else waits."""
        return await run_in_threadpool(question, *args, **named)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page in the layout, with what the last form wants to say."""
        return rendered(
            template, status, session=self.session, sections=self.sections, said=self.session.hear(),
            here=self.request.url.path, Role=ConsoleRole, door=self.door, **values,
        )  # fmt: skip

    def go(self, path: str, said: str = "") -> Response:
        """To another page, which says something."""
        self.session.said = said
        return RedirectResponse(quote(path, safe="/?=&%:"), 303, dict(HEADERS))


def download(octets: bytes, name: str, kind: str) -> Response:
    """A file to keep; its name has no signs that a browser could take for a path."""
    safe = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name).lstrip(".") or "download"
    return Response(octets, 200, {**HEADERS, "Content-Disposition": f'attachment; filename="{safe}"'}, kind)


Handler = Callable[[Visit], Awaitable[Response]]
EVERYBODY = frozenset(ConsoleRole)


@dataclass(frozen=True, slots=True)
class Page:
    """An address, who may come, and who answers. ``POST`` is for forms alone."""

    path: str
    handler: Handler
    roles: frozenset[ConsoleRole] = EVERYBODY
    method: str = "GET"
