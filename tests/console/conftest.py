"""The console over a real authority (the home that the story of MP261 leaves), and over a real lab."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from console.visitor import PASSWORD, Visitor, account
from served_lab import served_lab
from trustcell.adapters.clock import system_random
from trustcell.app.accounts import AccountBook, ConsoleRole
from trustcell.app.console import ConsoleDoor
from trustcell.app.home import open_home
from trustcell.app.serve import RepositoryDoor
from trustcell.cli.story_mp261 import play_mp261
from trustcell.web import console_app

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""Both packs are good, and so are the credentials of everybody."""


class Clock:
    def __init__(self, at: datetime = BEGIN) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def ticks(self) -> float:
        return self.at.timestamp()

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture(scope="session")
def story_home(tmp_path_factory):
    """Packs of 2016 and 2024, approvals, certificates, an audit log: made once by real acts."""
    folder = tmp_path_factory.mktemp("story") / "home"
    play_mp261(folder.parent / "out", lambda _: None, home=folder)
    return folder


@pytest.fixture
def authority(story_home, tmp_path):
    """A copy of that home, opened; its clock is ``Clock``."""
    folder = tmp_path / "home"
    shutil.copytree(story_home, folder)
    home = open_home(folder)
    yield home
    home.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(authority, clock):
    accounts = AccountBook(authority.folder / "accounts.json", CHEAP)
    repository = RepositoryDoor(authority.repository, clock, system_random)
    return ConsoleDoor(
        accounts, repository, system_random, authority=authority, folder=authority.folder, ticks=clock.ticks
    )


@pytest.fixture
def signed_in(door):
    """``signed_in("pat", "approver", person="pat")``: a visitor who is in."""
    application = console_app(door)

    def begin(name: str, *roles: str, person: str = "") -> Visitor:
        account(door.accounts, door, name, *map(ConsoleRole, roles), person=person)
        visitor = Visitor(application)
        assert visitor.sign_in(name, PASSWORD).title == "Home"
        return visitor

    return begin


@pytest.fixture
def stranger(door):
    return Visitor(console_app(door))


@pytest.fixture(scope="session")
def lab(shared, tmp_path_factory):
    """A served lab with a console; accounts ``operator`` and ``viewer`` have the password ``PASSWORD``."""
    accounts = AccountBook(None, CHEAP)
    now = datetime.now(UTC)
    for name, roles in (("operator", set(ConsoleRole) - {ConsoleRole.REQUESTER}), ("viewer", {ConsoleRole.VIEWER})):
        once = accounts.make(name, roles, "", system_random)
        accounts.change_password(name, once, PASSWORD, now)
    with served_lab(shared, tmp_path_factory.mktemp("console") / "lab", accounts=accounts) as served:
        served.accounts = accounts
        yield served
