"""One served lab of many homes for each module; every test has the next of them for itself."""

import itertools

import pytest

from dsp_http.homes import MANY, Home, euis, many_homes
from served_lab import served_lab

_NEXT = itertools.count()


@pytest.fixture(scope="module")
def lab(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with served_lab(shared, folder / "home", lab=many_homes(shared, folder)) as served:
        yield served


@pytest.fixture
def home(lab) -> Home:
    return Home(lab, *euis(next(_NEXT) % MANY))
