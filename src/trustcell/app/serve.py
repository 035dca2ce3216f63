"""What ``trustcell serve`` serves: doors made of services, given to the web room, on addresses of their own."""

import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustcell.adapters.clock import system_now, system_random
from trustcell.adapters.http_protocol import DEFAULT_LIMITS, Limits
from trustcell.adapters.http_server import Listening, Tls, Work, listen, run, tls_context
from trustcell.app.doors import ApiDoor, DuisDoor
from trustcell.app.settings import Settings
from trustcell.app.steady import settle_in
from trustcell.smki.service.repository import Repository
from trustcell.vocab import Clause, Refused

if TYPE_CHECKING:
    from trustcell.app.console import ConsoleDoor
    from trustcell.app.home import Home

__all__ = [
    "ApiDoor",
    "Clock",
    "DuisDoor",
    "Limits",
    "RepositoryDoor",
    "Service",
    "Tls",
    "Work",
    "api_keys",
    "api_service",
    "console_service",
    "duis_listening",
    "duis_service",
    "opened_home",
    "random_source",
    "refuse_open_address",
    "repository_service",
    "running_clock",
    "serve",
]

LISTENING = Clause("trustcell serve", "docs/serve.md, where it listens")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class RepositoryDoor:
    """What the repository's HTTP services need. Any API key will do when ``api_keys`` is empty.

    ``archive`` is the zip of organisation certificates with their keys; only a lab has one.
    """

    repository: Repository
    clock: Clock
    random: Callable[[int], bytes]
    api_keys: frozenset[str] = field(default=frozenset(), repr=False)
    archive: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Service:
    """One application of the web room, named as ASGI servers name one, what it serves, where, in which bounds."""

    name: str
    application: str
    door: Any
    host: str
    port: int
    tls: Tls | None = None
    limits: Limits = DEFAULT_LIMITS


def repository_service(door: RepositoryDoor, host: str, port: int) -> Service:
    """The repository and, in a lab, the key archive; port 0 takes a free one."""
    return Service("repository", "trustcell.web:repository_app", door, host, port)


def duis_service(
    door: DuisDoor, host: str, port: int, tls: Tls | None = None, limits: Limits = DEFAULT_LIMITS
) -> Service:
    """The three DUIS services; with ``tls.client_authorities`` users show a certificate before anything is read."""
    return Service("duis", "trustcell.web:duis_app", door, host, port, tls, limits)


def duis_listening(door: DuisDoor, taken: socket.socket, tls: Tls | None, limits: Limits = DEFAULT_LIMITS) -> Listening:
    """The DUIS services at a socket that another process has bound and shares."""
    service = duis_service(door, "", 0, tls, limits)
    return Listening(service.name, _application(service), taken, tls_context(service.name, tls), limits)


def api_service(door: ApiDoor, host: str, port: int, tls: Tls | None = None) -> Service:
    """The JSON API with its description, health and metrics."""
    return Service("api", "trustcell.web:api_app", door, host, port, tls)


def console_service(door: "ConsoleDoor", host: str, port: int, tls: Tls | None = None) -> Service:
    """The console where there is no JSON API it could stand beside."""
    return Service("console", "trustcell.web:console_app", door, host, port, tls)


def serve(services: list[Service], ready: Callable[[dict[str, str]], None], work: Sequence[Work] = ()) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` hears the URL of each service by name once all of them answer.

    ``work`` runs beside the servers in their loop and ends after them. ``Unavailable`` when an address cannot be used.
    """
    listening = [
        listen(each.name, _application(each), each.host, each.port, each.tls, each.limits) for each in services
    ]
    settle_in()
    run(listening, lambda: ready({each.name: each.url for each in listening}), work)


def refuse_open_address(host: str, *, keys_are_public: bool, told: bool) -> None:
    """With keys that everybody has, only this machine may come in, unless somebody says that he knows.

    ``Refused``: ``public_keys_on_open_address``.
    """
    if keys_are_public and not told and not _is_loopback(host):
        raise Refused(
            [
                LISTENING.breach(
                    "public_keys_on_open_address",
                    "host",
                    f"private keys that everybody can have are loaded, and {host} can be reached from other machines",
                    "listen on 127.0.0.1, or say --i-know-these-keys-are-public",
                )
            ]
        )


@contextmanager
def opened_home(folder: Path, at: datetime | None) -> Iterator[tuple[RepositoryDoor, "Home"]]:
    """The repository of a home, and the home, whose keys nobody asks for before somebody acts.

    Its clock shows ``at`` when it is opened and runs on.
    """
    from trustcell.app.home import open_home  # a lab does without keystores

    home = open_home(folder)
    try:
        yield RepositoryDoor(home.repository, running_clock(at), system_random, api_keys()), home
    finally:
        home.close()


def running_clock(start: datetime | None = None) -> Clock:
    """The clock of the machine, or one that shows ``start`` now and runs on."""
    if start is None:
        return system_now
    ahead = start - system_now()
    return lambda: system_now() + ahead


def api_keys() -> frozenset[str]:
    """The keys that clients have to give, from the settings; none means that any will do."""
    return frozenset(filter(None, Settings().repository_api_keys.get_secret_value().split()))


def random_source() -> Callable[[int], bytes]:
    """The generator of the machine."""
    return system_random


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _application(service: Service) -> Any:
    """The web room looks down on this one, so it is named instead of imported, as ASGI servers do."""
    module, _, name = service.application.partition(":")
    return getattr(import_module(module), name)(service.door)
