"""One served lab for each module, and what it would have opened."""

import pytest

from hostile.contract import Contract
from hostile.watching import Watch
from served_lab import served_lab
from trustcell.app.doors import DuisLimits


@pytest.fixture(scope="module")
def lab(shared, tmp_path_factory):
    limits = DuisLimits(body_seconds=1.0)
    with served_lab(shared, tmp_path_factory.mktemp("lab"), duis_limits=limits) as served:
        assert served.ask(served.inventory()).code == "I0"  # tables that the program brings along are read by now
        yield served


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    with Watch.over(tmp_path_factory.mktemp("secret") / "secret.txt") as found:
        yield found


@pytest.fixture
def contract(lab, watch, caplog):
    caplog.set_level("INFO", "trustcell")
    return Contract(lab, watch, caplog)
