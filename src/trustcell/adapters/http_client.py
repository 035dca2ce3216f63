"""Posts signed responses to users' addresses: keeps connections, follows nothing, calls only what the rules allow."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_ANSWER_OCTETS = 64 * 1024
_KEEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Posted:
    """The HTTP status, or none and the reason."""

    status: int | None
    reason: str = ""


class _Watchful(AbstractResolver):
    """Resolves as the system does and leaves out what may not be called, so that no name leads around the rules."""

    def __init__(self, may_connect: Callable[[str], bool]) -> None:
        self._may_connect = may_connect
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [each for each in found if self._may_connect(each["host"])]
        if not allowed:
            raise OSError("its address may not be called")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


class Poster:
    """Keeps a connection to each address; use it as an asynchronous context."""

    def __init__(self, may_connect: Callable[[str], bool], seconds: float = 15.0, connections: int = 256) -> None:
        """A client starts a Java program before it answers: ``seconds`` are 10 at least (dcc-boxed-interface.md 3)."""
        self._may_connect, self._seconds, self._connections = may_connect, seconds, connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Poster":
        """Nothing is connected yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=_KEEP_SECONDS,
                resolver=_Watchful(self._may_connect),
                ttl_dns_cache=10,
            ),
            timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=min(self._seconds, 5.0)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/xml"},
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, octets: bytes) -> Posted:
        """One attempt; never raises for what the other side does."""
        if self._session is None:
            raise RuntimeError("use a Poster as a context")
        try:
            async with self._session.post(url, data=octets, allow_redirects=False) as response:
                with suppress(aiohttp.ClientError, TimeoutError):  # it is the status that counts
                    if (response.content_length or 0) <= _ANSWER_OCTETS:
                        await response.content.read(_ANSWER_OCTETS)  # else the connection is not kept
                return Posted(response.status)
        except TimeoutError:
            return Posted(None, f"no answer within {self._seconds:g} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Posted(None, _sentence(error))


def _sentence(error: Exception) -> str:
    """Why there was no answer, in short: what the other side sent does not get into books or logs."""
    cause = error.__cause__ if isinstance(error, aiohttp.ClientConnectorError) else None
    number = getattr(error, "os_error", cause)
    if isinstance(number, OSError):
        return f"no connection: {number.strerror or number}"
    return f"no valid answer ({type(error).__name__})"
