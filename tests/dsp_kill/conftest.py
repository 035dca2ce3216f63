import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsp_kill import kill_world as w

_MEMORY = Path("/dev/shm")


def _folder() -> Path:
    """In memory where there is such a place: these tests kill programs, not machines, and sync thousands of times."""
    return Path(tempfile.mkdtemp(prefix="trustcell-kill-", dir=_MEMORY if _MEMORY.is_dir() else None))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for a site."""
    folder = _folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def settled() -> Iterator[w.Site]:
    """An operator sits in the slot of a GPF."""
    folder = _folder()
    site = w.found(folder / "settled")
    node = w.Node(site, w.BEGINS)
    assert node.hand_over(w.cast().leaving, w.gpf_of(0), 1).code == "I99"
    node.rest()
    node.look()
    node.close()
    yield site
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site(settled: w.Site, place: Path) -> w.Site:
    """A copy of it."""
    return settled.copy(place / "site")
