"""One HTTP request and its answer, for commands: no redirects, no proxies, bounded in size and time."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from trustcell.vocab import Unavailable

_MOST = 64 << 20


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers by name in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask_http(method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float = 30.0) -> HttpAnswer:
    """Ask ``http://host:port/...``; ``Unavailable`` (``server_unreachable``) when nothing comes back."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        host, port = "", 0
    if parts.scheme != "http" or not host:
        raise Unavailable(f"{url}: an address such as http://127.0.0.1:8081 was expected [server_unreachable]")
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path or "/", body, dict(headers))
        response = connection.getresponse()
        octets = response.read(_MOST + 1)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Unavailable(f"http://{host}:{port} does not answer: {why} [server_unreachable]") from None
    finally:
        connection.close()
    if len(octets) > _MOST:
        raise Unavailable(f"http://{host}:{port} answers with more than {_MOST} octets [answer_too_large]")
    return HttpAnswer(response.status, {name.lower(): text for name, text in response.getheaders()}, octets)
