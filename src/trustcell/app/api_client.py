"""A running server's JSON API from the other side, for commands."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from trustcell.adapters.http_ask import HttpAnswer, ask_http
from trustcell.app.run_token import read_token, run_token_path
from trustcell.vocab import Clause, Refused, Unavailable

API = Clause("trustcell JSON API", "docs/serve.md, the JSON API")
_PAGE = 200
_TIMES, _LONGEST = 5, 30
"""How often a request is repeated that came too fast, and how many seconds it waits at most."""


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Asks with a token. ``Refused`` with the server's own code and sentence, ``Unavailable`` when it cannot answer."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, url: str, token: str = "", token_file: Path | None = None) -> "ApiClient":
        """With this token, else that of the file, else that which a server of this user left for this address."""
        if token_file is not None and not token:
            try:
                token = token_file.read_text().strip()
            except (OSError, ValueError):
                raise _refused("token_missing", f"{token_file} holds no token", "name the file of a token") from None
        token = token or read_token(run_token_path(url)) or ""
        if not token.isascii() or not token.isprintable() or not token:
            raise _refused(
                "token_missing",
                f"there is no token for {url}",
                "start trustcell serve as this user, or set TRUSTCELL_TOKEN, or give --token-file",
            )
        return cls(url.rstrip("/"), token)

    def get(self, path: str, **query: str) -> Any:
        """What is there."""
        return self.ask("GET", path + (f"?{urlencode(query)}" if query else ""))

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Every item of a list, page by page."""
        after: dict[str, str] = {}
        while True:
            page = self.get(path, limit=str(_PAGE), **query, **after)
            yield from page["items"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; one that comes too fast waits as long as the server says."""
        octets = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        for _ in range(_TIMES):
            answer = ask_http(method, self.url + path, octets, headers)
            if answer.status != 429:
                break
            time.sleep(min(int(answer.headers.get("retry-after", "1")), _LONGEST))
        try:
            plain = json.loads(answer.body)
        except ValueError:
            raise Unavailable(f"{self.url} does not answer as the JSON API does [answer_unreadable]") from None
        if answer.status >= 400:
            raise _problem(answer, plain)
        return plain


def _problem(answer: HttpAnswer, plain: Any) -> Exception:
    facts = plain if isinstance(plain, dict) else {}
    code, detail = str(facts.get("code", answer.status)), str(facts.get("detail", "no reason was given"))
    if answer.status >= 500:
        return Unavailable(f"{detail} [{code}], reference {facts.get('reference')}")
    return _refused(code, detail, f"reference {facts.get('reference')}")


def _refused(code: str, message: str, remedy: str) -> Refused:
    return Refused([API.breach(code, "request", message, remedy)])
