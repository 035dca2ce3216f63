"""Who has an SQLite file open: a lock beside it that the kernel takes away when a process ends, however it ends."""

import fcntl
import os
import weakref
from pathlib import Path

from trustcell.adapters.store.failures import unavailable


class Owners:
    """One of those that have the file open. ``alone``: nobody else had it when this one came.

    Only who is alone can tell an unclean end from a neighbour at work: both leave the write-ahead file there.
    The lock is on a file of its own, because SQLite loses its locks when anybody closes the database file.
    """

    def __init__(self, database: Path) -> None:
        """Join; waits while another one that was alone looks the file over."""
        path = database.with_name(f"{database.name}.lock")
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unavailable("storage_failed", f"{path} cannot be written: {error.strerror}") from error
        self._file = file
        self._leave = weakref.finalize(self, os.close, file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.alone = True
        except BlockingIOError:
            fcntl.flock(file, fcntl.LOCK_SH)
            self.alone = False

    def settle(self) -> None:
        """Let others in: the file is sound."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Have it open no more; also when nobody refers to it any more."""
        self._leave()
