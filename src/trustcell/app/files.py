"""Reading inputs and writing outputs."""

import os
from pathlib import Path

from trustcell.vocab import WireError

MAX_INPUT_OCTETS = 16 * 1024 * 1024
"""No single input of the command line is larger; certificates and messages are far smaller."""


def read_input(path: Path, limit: int = MAX_INPUT_OCTETS) -> bytes:
    """The octets of a file; ``WireError`` names the file when it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            octets = file.read(limit + 1)
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be read: {error.strerror}", "input_missing") from None
    if len(octets) > limit:
        raise WireError(-1, str(path), f"at most {limit} octets expected", "input_too_large")
    return octets


def write_output(path: Path, octets: bytes) -> None:
    """Write a file, folders included: all of it under its name, or nothing; ``WireError`` names it when that fails."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a terminal or pipe has no other name to be written under
            path.write_bytes(octets)
            return
        with part.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be written: {error.strerror}", "output_failed") from None
