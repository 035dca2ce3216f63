"""Signed audit heads in a file outside the database, so that an older copy of it is found out (hostile D8)."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trustcell.adapters.store.failures import unavailable
from trustcell.governance.rules.audit import AuditHead
from trustcell.governance.rules.canonical import canonical, moment


class HeadFile:
    """One head a line, JSON; lines are only added."""

    def __init__(self, path: Path) -> None:
        """Use the file at ``path``; it is made when the first head is exported."""
        self.path = path

    def newest(self) -> dict[str, Any] | None:
        """The last whole line; ``Unavailable`` (``head_file_damaged``) when it is no head."""
        try:
            with self.path.open("rb") as file:
                return self._last(file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable("head_file_unreadable", f"{self.path} cannot be read: {error.strerror}") from error

    def compare(self, environment: str, chain: str, last: int, hash_of: Callable[[int], bytes | None]) -> int:
        """How far the file knows a chain that ends at ``last`` (0: nothing), after a comparison with it.

        ``Unavailable``: ``environment_mismatch``, ``store_rolled_back`` for an older copy, ``store_forked``.
        """
        kept = self.newest()
        if kept is None:
            return 0
        seq: int = kept["seq"]
        if kept.get("environment") != environment:
            message = f"{self.path} is of environment {kept.get('environment')}, the database of {environment}"
            raise unavailable("environment_mismatch", message)
        if kept.get("chain") != chain:
            raise unavailable("store_forked", f"{self.path} is of chain {kept.get('chain')}, the database of {chain}")
        if seq > last:
            message = f"{self.path} knows entry {seq}, the database ends at {last}: it is an older copy"
            raise unavailable("store_rolled_back", message)
        found = hash_of(seq)
        if found is None or found.hex() != kept.get("hash"):
            raise unavailable("store_forked", f"entry {seq} of the database is not the one that {self.path} knows")
        return seq

    def export(self, head: AuditHead) -> None:
        """Add a line, unless a later head is there; raises ``OSError`` when the file cannot be written."""
        line = canonical(
            {
                "at": moment(head.at),
                "chain": head.chain,
                "environment": head.environment,
                "hash": head.hash.hex(),
                "seq": head.seq,
                "signature": head.signature.hex(),
            }
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            # Two processes that commit one after the other may come here the other way round.
            fcntl.flock(file, fcntl.LOCK_EX)
            last = self._last(file)
            if last is not None and last["seq"] >= head.seq:
                return
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            torn = end > 0 and file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + line + b"\n")

    def _last(self, file: Any) -> dict[str, Any] | None:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 8192, 0))
        # What stands behind the last line end was cut off when a process died.
        lines = [line for line in file.read().split(b"\n")[:-1] if line]
        for line in reversed(lines):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and isinstance(found.get("seq"), int):
                return found
        if lines:
            raise unavailable("head_file_damaged", f"{self.path} has no head in its last lines")
        return None
