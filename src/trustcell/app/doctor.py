"""What this machine has and lacks for each thing that trustcell can do; nothing is changed, no key is opened."""

import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from trustcell.app.settings import Settings
from trustcell.app.upgrading import databases
from trustcell.vocab import TrustcellError

PORTS = {"DUIS": 8079, "JSON API and console": 8081, "repository": 8083}
_MINIMUM = (3, 11)
_ROOM_OCTETS = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what it is for, what was found, and the remedy when it is missing.

    ``needed`` is false for what only one capability wants: its absence makes the machine no worse for the others.
    """

    name: str
    purpose: str
    found: str | None
    remedy: str
    needed: bool = False

    @property
    def verdict(self) -> str:
        """``ok``, ``missing`` for what is needed, ``absent`` for what only one capability wants."""
        if self.found is not None:
            return "ok"
        return "missing" if self.needed else "absent"


def examine(home: Path, ports: bool = True) -> Iterable[Check]:
    """Every check, in the order in which people want to read them."""
    yield _python()
    yield from _libraries()
    yield _tool("openssl", "to read certificates with other code", "openssl", "version")
    yield _tool("PostgreSQL server", "tests of the store; serve --workers", "postgresql", "--version", _postgres())
    yield _tool("softhsm2-util", "CA keys on a token, and its tests", "softhsm2", "--version")
    yield _tool("java", "tests with the public signing client", "openjdk-17-jre-headless", "-version")
    yield _tool("npm", "tests with the public clients", "npm", "--version")
    yield _tool("chromium", "tests of the console; printing a report", "chromium", "--version")
    yield _schemas()
    yield _room(home)
    yield _books(home)
    if ports:
        yield from (_port(name, number) for name, number in PORTS.items())


def _python() -> Check:
    found = platform.python_version() if sys.version_info[:2] >= _MINIMUM else None
    return Check("Python", "everything", found, "apt-get install python3 python3-venv (3.11 or later)", needed=True)


def _libraries() -> Iterable[Check]:
    """The libraries the installed package asks for, with the versions it asks for."""
    try:
        wanted = [Requirement(line) for line in requires("trustcell") or []]
    except PackageNotFoundError:
        remedy = "make demo in a checkout, or pip install trustcell-*.whl"
        yield Check("trustcell", "everything", None, remedy, needed=True)
        return
    for each in wanted:
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        found = _version(each.name)
        fits = found is not None and each.specifier.contains(found, prereleases=True)
        yield Check(each.name, "a library of trustcell", found if fits else None, f"pip install '{each}'", needed=True)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _tool(name: str, purpose: str, package: str, asked: str, path: str | None = None) -> Check:
    path = path or shutil.which(name)
    return Check(name, purpose, path and _said([path, asked]), f"apt-get install {package}")


def _said(command: list[str]) -> str | None:
    """The first line a program tells of itself, on either stream."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else None


def _postgres() -> str | None:
    """Debian keeps the server out of the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return str(kept[-1]) if kept else shutil.which("postgres")


def _schemas() -> Check:
    folder = Settings().schema_folder
    files = sorted(folder.glob("*.xsd")) if folder is not None else []
    found = f"{len(files)} files in {folder}" if files else None
    remedy = "set TRUSTCELL_SCHEMA_FOLDER to the folder of the official schemas, which are not ours to ship"
    return Check("official XSDs", "DUIS checked against the official schema as well", found, remedy)


def _room(home: Path) -> Check:
    place = next(path for path in (home.absolute(), *home.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1024**3:.1f} GiB free at {place}" if free >= _ROOM_OCTETS else None
    return Check("disk", "books that grow", found, f"at least 2 GiB at {place}", needed=True)


def _books(home: Path) -> Check:
    purpose = f"the home {home}"
    if not home.exists():
        return Check("home", purpose, None, "trustcell init, or trustcell serve --lab FILE --home FOLDER")
    try:
        found = databases(home)
    except TrustcellError as error:
        return Check("home", purpose, None, str(error), needed=True)
    old = [each for each in found if not each.current]
    if old:
        return Check("home", purpose, None, f"trustcell upgrade --home {home}", needed=True)
    return Check("home", purpose, ", ".join(f"{each.books} {each.found}" for each in found), "")


def _port(name: str, number: int) -> Check:
    remedy = "stop what listens there, or serve with another port"
    return Check(f"port {number}", name, "free" if _free(number) else None, remedy)


def _free(number: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True
