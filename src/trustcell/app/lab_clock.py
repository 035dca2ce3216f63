"""The clock of a lab's DSP: what another one shows, and as far ahead as somebody has moved it."""

import json
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from trustcell.adapters.keystore_file import write_private
from trustcell.vocab import Unavailable, WireError

CLOCK_FILE = "clock.json"


class LabClock:
    """Moves forward only: counters and leases follow from time, and a kept lab is never earlier than it was left."""

    def __init__(self, base: Callable[[], datetime], path: Path | None = None) -> None:
        """``path`` keeps how far it is ahead; ``WireError`` (``clock_format``) when it does not say so."""
        self._base, self._path, self._lock = base, path, threading.Lock()
        self._ahead = timedelta(0) if path is None or not path.exists() else _read(path)

    def __call__(self) -> datetime:
        """Now."""
        return self._base() + self._ahead

    def advance(self, by: timedelta) -> datetime:
        """Move it on; what it shows then. Raises ``ValueError`` for any other way than forward."""
        if by <= timedelta(0):
            raise ValueError("a clock moves forward")
        with self._lock:
            ahead = self._ahead + by
            if self._path is not None:
                _write(self._path, ahead)
            self._ahead = ahead
        return self()


def _read(path: Path) -> timedelta:
    try:
        ahead = timedelta(seconds=float(json.loads(path.read_bytes())["ahead_seconds"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise WireError(-1, str(path), "a file written by the console was expected", "clock_format") from None
    return max(ahead, timedelta(0))


def _write(path: Path, ahead: timedelta) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        write_private(temporary, json.dumps({"ahead_seconds": ahead.total_seconds()}).encode())
        os.replace(temporary, path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror} [clock_failed]") from None
