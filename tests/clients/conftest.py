"""One lab for the tests that leave it as it was, and a fresh one for each story."""

import pytest

from clients.user import users


@pytest.fixture(scope="module")
def world(shared, tmp_path_factory):
    """A lab whose devices keep their parties."""
    with users(shared, tmp_path_factory.mktemp("clients")) as everybody:
        yield everybody
