"""Files of evidence in a folder, each under the SHA-256 of its octets."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from trustcell.vocab import Clause, Refused, Unavailable

_CLAUSE = Clause("SEC L11.4B(a)", "SEC Section L11.4B(a): the views and the approval that are relied on are on record")
_NAME = re.compile(r"[0-9a-f]{64}")


class FileEvidence:
    """See ``governance.ports.Evidence``; the folder is made when the first file is kept."""

    def __init__(self, folder: Path) -> None:
        """Use the folder at ``folder``."""
        self._folder = folder

    def keep(self, octets: bytes) -> str:
        """See the port; ``Unavailable`` when the file cannot be written, and then nothing is kept."""
        name = hashlib.sha256(octets).hexdigest()
        try:
            if not self._holds(name, octets):
                self._write(name, octets)
        except OSError as error:
            raise Unavailable(f"evidence cannot be kept in {self._folder}: {error.strerror}") from error
        return name

    def read(self, sha256: str) -> bytes:
        """See the port."""
        if not _NAME.fullmatch(sha256):
            raise _refused("evidence_missing", f"{sha256!r} is no SHA-256 in hex", "the 64 digits of a kept file")
        try:
            octets = (self._folder / sha256).read_bytes()
        except FileNotFoundError:
            raise _refused("evidence_missing", f"{sha256} is not kept", "keep the file first") from None
        except OSError as error:
            raise Unavailable(f"evidence {sha256} cannot be read: {error.strerror}") from error
        if hashlib.sha256(octets).hexdigest() != sha256:
            raise _refused("evidence_hash_mismatch", f"{sha256} has other octets now", "restore it from a backup")
        return octets

    def _holds(self, name: str, octets: bytes) -> bool:
        try:
            return (self._folder / name).read_bytes() == octets
        except FileNotFoundError:
            return False

    def _write(self, name: str, octets: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            # The name comes last: whoever sees it sees all of the file.
            Path(temporary).replace(self._folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _refused(code: str, message: str, remedy: str) -> Refused:
    return Refused([_CLAUSE.breach(code, "evidence", message, remedy)])
