"""Both ways to the devices carry messages of the public identities."""

from pathlib import Path

import pytest

from devices.devices_lab import Lab


@pytest.fixture(scope="session")
def lab(shared: Path) -> Lab:
    """RTDS and ZAZ1 identities."""
    return Lab(shared)
