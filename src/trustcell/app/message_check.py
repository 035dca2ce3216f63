"""Checking folders of messages."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trustcell import gbcs
from trustcell.adapters.keyfiles import KeyFile
from trustcell.app.files import read_input
from trustcell.vocab import WireError


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
