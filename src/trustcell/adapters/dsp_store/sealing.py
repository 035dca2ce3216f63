"""Signed heads of a home's audit chain, in the database and in a file outside it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from trustcell.adapters.dsp_store.session import Row, Session
from trustcell.adapters.store.failures import unavailable
from trustcell.adapters.store.heads import HeadFile
from trustcell.adapters.store.values import micros, when
from trustcell.governance.rules.audit import AuditHead

Seal = Callable[[bytes], bytes]
_END = "SELECT seq, hash FROM lease WHERE home = ?"
_NEWEST = "SELECT seq, hash, at, signature FROM audit_head WHERE home = ? ORDER BY seq DESC LIMIT 1"
_ENTRY = "SELECT hash FROM trail WHERE home = ? AND seq = ?"
_KEEP = "INSERT INTO audit_head (home, seq, hash, at, signature) VALUES (?, ?, ?, ?, ?)"


def head_path(folder: Path, home: str) -> Path:
    """The head file of a home."""
    return folder / f"dsp-heads-{home}.jsonl"


class Sealing:
    """Heads of one home."""

    def __init__(self, environment: str, chain: str, home: str, seal: Seal | None, folder: Path | None) -> None:
        """``seal`` signs (P-256, r||s); without it no head is made. Without a folder none is exported."""
        self._environment, self._chain, self._seal = environment, f"{chain}/{home}", seal
        self._file = None if folder is None else HeadFile(head_path(folder, home))
        self._unexported: AuditHead | None = None

    def compare(self, session: Session, home: int) -> None:
        """``Unavailable`` (``store_rolled_back``, ``store_forked``) when the file knows better than the database."""
        if self._file is None:
            return

        def hash_of(seq: int) -> bytes | None:
            row = session.one(_ENTRY, (home, seq))
            return None if row is None else bytes(row[0])

        end = session.one(_END, (home,))
        known = self._file.compare(self._environment, self._chain, 0 if end is None else end[0], hash_of)
        newest = session.one(_NEWEST, (home,))
        if newest is not None and known < newest[0]:
            self._unexported = self._as_head(newest)

    def wanted(self, session: Session, home: int) -> AuditHead | None:
        """The end of the chain, unless it is sealed or there is no key."""
        end, newest = session.one(_END, (home,)), session.one(_NEWEST, (home,))
        if self._seal is None or end is None or end[0] == (0 if newest is None else newest[0]):
            return None
        return AuditHead(self._environment, self._chain, end[0], bytes(end[1]), when(0))

    def sign(self, head: AuditHead, now: datetime) -> AuditHead:
        """The head with time and signature."""
        if self._seal is None:
            raise unavailable("audit_key_missing", "the store was opened without a key for its log")
        unsigned = replace(head, at=now.replace(microsecond=0))
        return replace(unsigned, signature=self._seal(unsigned.octets))

    def keep(self, session: Session, home: int, head: AuditHead) -> None:
        """Write it, to be exported after the commit."""
        session.run(_KEEP, (home, head.seq, head.hash, micros(head.at), head.signature))
        self._unexported = head

    def export(self) -> None:
        """Bring the file up to date; ``Unavailable`` (``audit_head_not_exported``) when it cannot be written."""
        if self._file is not None and self._unexported is not None:
            try:
                self._file.export(self._unexported)
            except OSError as error:
                message = f"{self._file.path} cannot be written: {error.strerror}"
                raise unavailable("audit_head_not_exported", message) from error
        self._unexported = None

    def begin_anew(self, label: str) -> None:
        """Put the file aside after a restore: the next head begins another one."""
        if self._file is not None and self._file.path.exists():
            self._file.path.rename(self._file.path.with_name(f"{self._file.path.name}.{label}"))

    def _as_head(self, row: Row) -> AuditHead:
        seq, digest, at, signature = row
        return AuditHead(self._environment, self._chain, seq, bytes(digest), when(at), bytes(signature))
