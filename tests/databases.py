"""Both databases for tests: an SQLite file, and a database of a real PostgreSQL that is started here.

``store_url`` is a fresh, empty store on each. Without PostgreSQL these tests fail; they are never skipped.
"""

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

KINDS = ("sqlite", "postgresql")


class Cluster:
    """A private PostgreSQL server on a socket in a temporary folder; it ends with the process that started it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        # The server refuses to run as root.
        self._user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        if self._user:
            shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o700)
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "tests", "-E", "UTF8", "--no-sync")
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "300"}
        # Tests kill programs, not machines.
        settings["fsync"] = "off"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [program("postgres"), "-D", str(folder / "data"), *options],
                stdout=log, stderr=log, cwd="/", preexec_fn=_end_with_parent, **self._user,
            )  # fmt: skip
        self._wait()
        self._free: list[str] = []

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://tests@/{name}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(f"host={self.folder} user=tests dbname={database}", autocommit=True) as connection:
            connection.execute(statement)

    def new(self) -> str:
        """The URL of an empty database."""
        if self._free:
            return self.url(self._free.pop())
        name = f"store_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def release(self, url: str) -> None:
        """Empty a database for the next test: hundreds of them would take longer to make and remove."""
        name = url.split("/")[3].split("?")[0]
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public", name)
        self._free.append(name)

    def stop(self) -> None:
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(30)

    def _run(self, *command: str) -> None:
        done = subprocess.run([program(command[0]), *command[1:]], capture_output=True, cwd="/", **self._user)
        if done.returncode:
            pytest.fail(f"{command[0]}: {done.stderr.decode(errors='replace')}")

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError as error:
                if self._server.poll() is not None or time.monotonic() > end:
                    pytest.fail(f"PostgreSQL does not start: {error}; {(self.folder / 'log').read_text()}")
                time.sleep(0.05)
            else:
                return


def migrated(url: str) -> None:
    """Set a database up; imported here, so that tests of other rooms need no store."""
    from trustcell.adapters.store import migrate

    migrate(url)


def program(name: str) -> str:
    """A server program; Debian keeps them out of the path."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: install PostgreSQL (tools/setup.sh dev does so on Debian)")
    return found


def _end_with_parent() -> None:
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGQUIT)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """One server for each test process."""
    # Not under pytest's folder: the path of a socket is short, and the server's user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="trustcell-pg-"))
    cluster = Cluster(folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the tables of a store, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes the URL of an empty store of a kind."""
    numbers = itertools.count(1)
    taken: list[str] = []

    def make(kind: str) -> str:
        if kind == "postgresql":
            url: str = request.getfixturevalue("postgresql").new()
            taken.append(url)
            migrated(url)
            return url
        path = tmp_path / f"store-{next(numbers)}.db"
        shutil.copyfile(request.getfixturevalue("empty_sqlite"), path)
        return f"sqlite:///{path}"

    yield make
    for url in taken:
        request.getfixturevalue("postgresql").release(url)


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, new_store_url: Callable[[str], str]) -> str:
    """An empty store on each database."""
    return new_store_url(request.param)
