"""Reading inputs and checking folders of messages."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from trustcell import gbcs
from trustcell.adapters.keyfiles import KeyFile
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


def message_files(paths: Sequence[Path]) -> list[Path]:
    """The files themselves, and the message files below each folder, in the order of their names.

    Raises ``WireError`` for a path that does not exist and for a folder without message files.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise WireError(-1, str(path), "a file or folder was expected, there is none", "input_missing")
        below = sorted(file for file in path.rglob("*") if _is_message_file(file)) if path.is_dir() else [path]
        if not below:
            endings = ", ".join(sorted(filter(None, gbcs.MESSAGE_SUFFIXES)))
            raise WireError(-1, str(path), f"message files ({endings}) were expected in the folder", "input_missing")
        found.extend(below)
    return found


def verify_messages(files: Sequence[Path], keys: KeyFile, step: Callable[[], None]) -> gbcs.Tally:
    """Check every file; ``step`` is called after each, for a progress bar."""
    tally = gbcs.Tally(keys.ring())
    for file in files:
        try:
            tally.add(str(file), read_input(file))
        except WireError as error:
            tally.fail(str(file), error.reason)
        step()
    return tally


def _is_message_file(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in gbcs.MESSAGE_SUFFIXES and not file.name.startswith(".")
