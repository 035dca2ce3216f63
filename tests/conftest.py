"""Fixtures for every room. Foreign bytes come from the shared folder, found by one fixture and never copied."""

import os
from pathlib import Path

import pytest


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
