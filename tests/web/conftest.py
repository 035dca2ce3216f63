"""One server for all tests that only ask."""

import pytest

from web.serving import running


@pytest.fixture(scope="session")
def lab(shared, tmp_path_factory):
    """The lab with both public key files."""
    keys = ("--keys", str(shared / "zaz1-test-keys.json"), "--keys", str(shared / "rtds" / "keys.json"))
    with running(tmp_path_factory.mktemp("lab"), "--lab", str(shared / "zaz1-lab.json"), *keys) as server:
        yield server
