"""An authority for benchmarks: a home of its own in a temporary folder, on SQLite or on a PostgreSQL of its own."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from trustcell.app.cast import PARTIES, PEOPLE
from trustcell.app.enrolment import enrol_cast
from trustcell.app.home import Home, create_home
from trustcell.smki.rules.environment import Environment

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@dataclass(frozen=True)
class Subject:
    """A key pair of a subscriber."""

    private: ec.EllipticCurvePrivateKey
    point: bytes

    def sign(self, octets: bytes) -> bytes:
        """r||s."""
        r, s = decode_dss_signature(self.private.sign(octets, DETERMINISTIC))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def subject(number: int) -> Subject:
    """The key pair of this number."""
    private = ec.derive_private_key((number << 64) + 1, ec.SECP256R1())
    form = serialization.PublicFormat.UncompressedPoint
    return Subject(private, private.public_key().public_bytes(serialization.Encoding.X962, form))


def home(database: str | None = None) -> Home:
    """A home after its ceremony, with the sample parties and people."""
    folder = Path(tempfile.mkdtemp(prefix="trustcell-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = Environment("bench", "made for measuring", datetime(2024, 1, 1, tzinfo=UTC))
    made = create_home(folder / "home", environment, database=database, pin="a pin to measure with", now=NOW)
    enrol_cast(made.office, made.credential("registrar"), NOW, parties=PARTIES, people=PEOPLE)
    return made


def postgresql() -> str:
    """The URL of an empty database on a server that ends with this process; durable, as a real one."""
    folder = Path(tempfile.mkdtemp(prefix="trustcell-pg-"))
    folder.chmod(0o700)
    who: dict[str, object] = {}
    if os.getuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        who = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data, log = folder / "data", (folder / "log").open("wb")
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    subprocess.run(
        [_program("initdb"), "-D", data, "-A", "trust", "-U", "bench", "-E", "UTF8"],
        check=True, stdout=log, cwd="/", **who,
    )  # type: ignore[call-overload]  # fmt: skip
    server = subprocess.Popen([_program("postgres"), "-D", data, *options], stdout=log, stderr=log, cwd="/", **who)  # type: ignore[call-overload]
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.wait)
    atexit.register(server.send_signal, signal.SIGINT)  # SIGTERM would wait for our own connections
    for _ in range(600):
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"host={folder} user=bench dbname=postgres").close()
            return f"postgresql+psycopg://bench@/postgres?host={folder}"
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not start")


def _program(name: str) -> str:
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    if found is None:
        raise RuntimeError(f"{name} is missing: tools/setup.sh dev installs PostgreSQL")
    return found
