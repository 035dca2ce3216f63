"""Somebody who reads pages and fills in their forms, over the application itself: no socket, no script."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urljoin

import lxml.html

from trustcell.app.accounts import AccountBook, ConsoleRole
from trustcell.app.console import ConsoleDoor

PASSWORD = "a password of my own"


@dataclass
class Page:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    path: str

    @property
    def tree(self):
        return lxml.html.fromstring(self.body)

    @property
    def text(self) -> str:
        return " ".join(self.tree.text_content().split())

    @property
    def title(self) -> str:
        return self.tree.findtext(".//h1") or self.tree.find(".//h1").text_content()

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    def links(self) -> list[str]:
        return [each.get("href") for each in self.tree.iter("a")]


@dataclass
class Visitor:
    application: object
    cookies: dict[str, str] = field(default_factory=dict)
    client: str = "127.0.0.1"

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", follow: bool = True) -> Page:
        page = self._once(method, path, body, kind)
        for _ in range(5):
            if not follow or page.status != 303:
                break
            page = self._once("GET", urljoin(path, page.header("location")), b"", "")
        return page

    def get(self, path: str, **named) -> Page:
        return self.ask("GET", path, **named)

    def post(self, path: str, fields: dict[str, str], follow: bool = True) -> Page:
        return self.ask("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded", follow)

    def send(self, page: Page, action: str, files: dict[str, bytes] | None = None, **values: str) -> Page:
        """Fill in the form of a page that goes to ``action``, as a browser would, and send it."""
        form = next(each for each in page.tree.forms if each.get("action") == action)
        fields = dict(form.form_values()) | {
            each.get("name"): each.get("value") or "" for each in form.iter("input") if each.get("type") == "hidden"
        }
        fields.update(values)
        unknown = set(values) - {each.get("name") for each in form.iter("input", "select", "textarea", "button")}
        assert not unknown, f"the form has no {unknown}"
        if (form.get("method") or "get").lower() == "get":
            return self.get(f"{action}?{urlencode(fields)}")
        if form.get("enctype") == "multipart/form-data":
            return self.ask("POST", action, *_multipart(fields, files or {}))
        return self.post(action, fields)

    def sign_in(self, name: str, password: str) -> Page:
        return self.send(self.get("/console/sign-in"), "/console/sign-in", name=name, password=password)

    def _once(self, method: str, target: str, body: bytes, kind: str) -> Page:
        path, _, query = target.partition("#")[0].partition("?")
        headers = [(b"host", b"127.0.0.1")]
        if kind:
            headers.append((b"content-type", kind.encode()))
        if self.cookies:
            headers.append((b"cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()).encode()))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": quote(path).encode(), "query_string": query.encode(), "root_path": "", "scheme": "http",
            "headers": headers, "client": (self.client, 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        sent: list[dict] = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        asyncio.run(self.application(scope, receive, send))
        start = next(each for each in sent if each["type"] == "http.response.start")
        found = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
        for name, value in found:
            if name == "set-cookie":
                cookie, _, rest = value.partition("=")
                content = rest.partition(";")[0].strip('"')
                self.cookies.pop(cookie, None)
                if content and "max-age=0" not in rest.lower():
                    self.cookies[cookie] = content
        octets = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
        return Page(start["status"], found, octets, target)


def _multipart(fields: dict[str, str], files: dict[str, bytes]) -> tuple[bytes, str]:
    mark = "a-boundary"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    ]
    parts += [
        f'--{mark}\r\nContent-Disposition: form-data; name="{n}"; filename="{n}"\r\n\r\n'.encode() + v + b"\r\n"
        for n, v in files.items()
    ]
    return b"".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"


def account(accounts: AccountBook, door: ConsoleDoor, name: str, *roles: ConsoleRole, person: str = "") -> None:
    """An account whose password is ``PASSWORD`` already."""
    once = accounts.make(name, roles, person, door.random)
    accounts.change_password(name, once, PASSWORD, door.now())
