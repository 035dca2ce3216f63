"""Every test has a world of its own, copied from one that was made once."""

import copy

import pytest

from governance.governance_world import World
from governance.governance_world import world as made
from trustcell.governance import Governance


@pytest.fixture(scope="session")
def founded() -> World:
    return made()


@pytest.fixture
def world(founded) -> World:
    books = copy.copy(founded.books)
    books.said, books.entries, books.revoked = list(books.said), list(books.entries), set()
    return World(Governance("test"), books, founded.now)
