"""What ``trustcell serve`` serves: doors made of services, given to the web room, on addresses of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from trustcell.adapters.clock import system_now, system_random
from trustcell.adapters.http_server import listen, run
from trustcell.app.settings import Settings
from trustcell.smki.service.repository import Repository

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
    """One application of the web room, named as ASGI servers name one, what it serves, and where."""

    name: str
    application: str
    door: Any
    host: str
    port: int


def repository_service(door: RepositoryDoor, host: str, port: int) -> Service:
    """The repository and, in a lab, the key archive; port 0 takes a free one."""
    return Service("repository", "trustcell.web:repository_app", door, host, port)


def serve(services: list[Service], ready: Callable[[dict[str, str]], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` hears the URL of each service by name once all of them answer.

    ``Unavailable`` when an address cannot be used.
    """
    listening = [listen(each.name, _application(each), each.host, each.port) for each in services]
    run(listening, lambda: ready({each.name: each.url for each in listening}))


@contextmanager
def home_door(folder: Path, at: datetime | None) -> Iterator[RepositoryDoor]:
    """The repository of a home, without any of its keys; its clock shows ``at`` when it is opened and runs on."""
    from trustcell.app.home import open_home  # a lab does without keystores

    home = open_home(folder)
    yield RepositoryDoor(home.repository, running_clock(at), system_random, api_keys())


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


def _application(service: Service) -> Any:
    """The web room looks down on this one, so it is named instead of imported, as ASGI servers do."""
    module, _, name = service.application.partition(":")
    return getattr(import_module(module), name)(service.door)
