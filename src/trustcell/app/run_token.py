"""The operator's token of one run: in a file that only this user of the machine can read, for the commands he types.

It stands in no argument, no environment and no log; it is named by the address it opens, and gone when the run ends.
"""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from trustcell.adapters.keystore_file import write_private
from trustcell.app.tokens import Principal, Role
from trustcell.vocab import Unavailable

RUN_PRINCIPAL = Principal("operator of this run", Role.OPERATOR)


def run_token_path(url: str) -> Path:
    """Where the token for the JSON API at a URL lies, if a server of this user runs there."""
    parts = urlsplit(url)
    host = (parts.hostname or "").replace(":", ".").replace("/", "_")
    return _folder() / f"{host}-{parts.port or 80}.token"


@contextmanager
def written_run_token(url: str, token: str) -> Iterator[Path]:
    """The file, for as long as the server runs. ``Unavailable`` (``token_not_written``) when it cannot be private."""
    path = run_token_path(url)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(path.parent, stat.S_ISDIR):
            raise Unavailable(f"{path.parent} is open to others: no token is written there [token_not_written]")
        path.unlink(missing_ok=True)
        write_private(path, token.encode())
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror} [token_not_written]") from None
    try:
        yield path
    finally:
        with suppress(OSError):
            if path.read_text() == token:  # another server may have come to this address
                path.unlink()


def read_token(path: Path) -> str | None:
    """The token in a file that nobody else can write or read; ``None`` when it is not there."""
    try:
        return path.read_text().strip() if _is_private(path, stat.S_ISREG) else None
    except (OSError, ValueError):
        return None


def _folder() -> Path:
    """The session's own folder, or one of this user's in the folder for temporary files."""
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    if session and Path(session).is_dir():
        return Path(session) / "trustcell"
    return Path(tempfile.gettempdir()) / f"trustcell-{os.getuid()}"


def _is_private(path: Path, is_right_kind: Callable[[int], bool]) -> bool:
    about = path.lstat()
    return is_right_kind(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
