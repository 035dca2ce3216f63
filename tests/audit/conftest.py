"""The scene of the audit tests, made once and never changed."""

import pytest

from audit.audit_world import Scene


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Scene:
    """An authority with three certificates on requests; tests work on copies of its database."""
    return Scene(tmp_path_factory.mktemp("audit-world"))
