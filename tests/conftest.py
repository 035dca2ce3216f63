"""Fixtures for every room. Foreign bytes come from the shared folder, found by one fixture and never copied."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from databases import empty_sqlite, new_store_url, postgresql, store_url  # noqa: F401

# CI and everyday runs repeat the same examples; `make soak` looks for new ones, and more of them.
_SOAK = int(os.environ.get("TRUSTCELL_SOAK", "0"))
settings.register_profile("everyday", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", deadline=None, max_examples=100 * max(_SOAK, 1), print_blob=True)
settings.load_profile("soak" if _SOAK else "everyday")


def shared_folder() -> Path:
    """The shared folder: ``TRUSTCELL_SHARED`` or ``../shared`` beside the checkout."""
    return Path(os.environ.get("TRUSTCELL_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with reference messages, keys, templates and conformance data; its absence is a failure."""
    folder = shared_folder()
    if not (folder / "rtds" / "keys.json").is_file():
        pytest.fail(f"the shared folder is missing: {folder} (set TRUSTCELL_SHARED)")
    return folder
