"""A world for tests: an environment with its ceremony held, parties, people with credentials, all on files.

``make_world(tmp_path)`` takes some milliseconds: the first one of a session is built with cached keys, the others are
copies. Nothing in it is a fake: real store, real keystores, real certificates, real statements.

    world = make_world(tmp_path)
    request = world.authority.submit(world.csr("ada", role, entity, usage), Ask(...), world["ada"], world.now)
"""

import atexit
import functools
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from trustcell import certs
from trustcell.adapters.clock import system_random
from trustcell.adapters.evidence import FileEvidence
from trustcell.adapters.keystore_file import FileKeystore, new_key
from trustcell.adapters.store import SqlStore, open_store
from trustcell.app.cast import PARTIES, PEOPLE, REGISTRAR
from trustcell.app.enrolment import Office, People, enrol_cast, enrol_registrar
from trustcell.app.home import governance_of
from trustcell.governance.service import Governance
from trustcell.smki.ports import KeyKind
from trustcell.smki.rules.environment import Environment
from trustcell.smki.service.ceremony import hold_ceremony
from trustcell.smki.service.hierarchy import Hierarchy, load_hierarchy
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

PIN = "a pin for tests"
NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
FOUNDED = datetime(2016, 9, 1, 10, tzinfo=UTC)
"""The ceremony, and the enrolment of everybody; the Issuing OCA ends 2041-08-31T23:59:59Z."""

ENVIRONMENT = Environment("test", "made for tests", datetime(2016, 9, 1, tzinfo=UTC))
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
RECOVERY, BROKER, TCOS, WAN = (Eui64.parse(f"90-B3-D5-1F-30-00-00-0{n}") for n in (1, 2, 4, 7))
SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
GAS_NETWORK = Eui64.parse("90-B3-D5-1F-30-02-00-00")
ELECTRICITY_NETWORK = Eui64.parse("90-B3-D5-1F-30-02-00-01")


@functools.cache
def cached_key(label: str, kind: KeyKind):
    """One key a label for the whole session: RSA keys cost 30 ms and more."""
    return new_key(kind)


class CachedKeystore(FileKeystore):
    """A file keystore whose keys come from the session's cache; scrypt is cheap."""

    def __init__(self, folder: Path, pin: str = PIN) -> None:
        super().__init__(folder, pin, work=2)

    def generate(self, label, kind):
        return self.keep(label, cached_key(label, kind))


@functools.cache
def p256(label: str) -> ec.EllipticCurvePrivateKey:
    """A P-256 key for subscribers, the same for a label in every run."""
    return ec.derive_private_key(int.from_bytes(hash_of(label)) >> 1 | 1, ec.SECP256R1())


def hash_of(label: str) -> bytes:
    """SHA-256 of a text."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(label.encode())
    return digest.finalize()


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The uncompressed point, 65 octets."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def signing(key: ec.EllipticCurvePrivateKey):
    """A function that gives r||s."""

    def sign(octets: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def organisation_csr(role: int, entity: Eui64, usage: KeyUsage, label: str, name: str | None = None) -> bytes:
    """The DER of a CSR over the key ``p256(label)``."""
    key = p256(label)
    return certs.organisation_csr(role, entity, usage, point(key), signing(key), name)


def device_csr(entity: Eui64, usage: KeyUsage, label: str) -> bytes:
    """The DER of a CSR of a device over the key ``p256(label)``."""
    key = p256(label)
    return certs.device_csr(entity, usage, point(key), signing(key))


def counting_random(seed: str = "world"):
    """Octets that are always the same ones, in the order they are asked for."""
    count = 0

    def random(size: int) -> bytes:
        nonlocal count
        count += 1
        found = b"".join(hash_of(f"{seed} {count} {part}") for part in range(size // 32 + 1))
        return found[:size]

    return random


@dataclass
class World:
    """Everything open. ``now`` may be set; ``later`` moves it."""

    folder: Path
    environment: Environment
    store: SqlStore
    keystore: FileKeystore
    people: People
    governance: Governance
    hierarchy: Hierarchy
    now: datetime = NOW
    random: object = field(default_factory=lambda: system_random)

    def __getitem__(self, person: str):
        """The credential of a person: ``world["ada"]``."""
        return self.people.credential(person)

    credential = __getitem__

    @cached_property
    def evidence(self) -> FileEvidence:
        """Files of evidence."""
        return FileEvidence(self.folder / "evidence")

    @cached_property
    def authority(self):
        """The Issuing OCA at work."""
        from trustcell.smki.service.issuing import Authority

        return Authority(self.store, self.governance, self.environment, self.hierarchy, self.evidence, self.random)

    @property
    def office(self) -> Office:
        """What enrolment works with."""
        return Office(self.environment, self.store, self.governance, self.hierarchy, self.random, self.people)

    def later(self, **by: float) -> datetime:
        """Move the clock and tell it: ``world.later(days=1)``."""
        self.now += timedelta(**by)
        return self.now

    def csr(self, role: RemotePartyRole, entity: Eui64, usage: KeyUsage = DS, label: str = "", name: str | None = None):
        """A CSR for an Organisation Certificate; another ``label`` is another key."""
        return organisation_csr(role, entity, usage, label or f"{role} {entity} {usage}", name)

    def audit(self) -> list[tuple[str, str]]:
        """Kind and subject of every audit entry."""
        with self.store.reading() as books:
            return [(entry.kind, entry.subject) for entry in books.audit.entries()]

    def close(self) -> None:
        """Release the database."""
        self.store.close()


def make_world(
    folder: Path, *, url: str | None = None, environment: Environment = ENVIRONMENT, founded: datetime = FOUNDED
) -> World:
    """A world in ``folder``. With ``url`` (an empty PostgreSQL database, say) it is built there, which takes longer."""
    if url is not None:
        return build_world(folder, url, environment, founded)
    shutil.copytree(_template(environment, founded), folder, dirs_exist_ok=True)
    return open_world(folder, f"sqlite:///{folder / 'trustcell.db'}", environment)


def build_world(folder: Path, url: str, environment: Environment, founded: datetime) -> World:
    """Hold the ceremony and enrol everybody."""
    keystore = CachedKeystore(folder / "keys")
    keystore.generate("audit", KeyKind.P256)
    store = _store(folder, url, environment, keystore)
    hierarchy = hold_ceremony(
        store, keystore, environment, now=founded, random=system_random, custodians=("kate", "karl")
    )
    people = People(folder / "people", CachedKeystore(folder / "people"))
    world = World(folder, environment, store, keystore, people, governance_of(environment), hierarchy)
    registrar = enrol_registrar(world.office, REGISTRAR, founded)
    enrol_cast(world.office, registrar, founded, parties=PARTIES, people=PEOPLE)
    return world


def open_world(folder: Path, url: str, environment: Environment = ENVIRONMENT) -> World:
    """Open what ``build_world`` made, as after a restart."""
    keystore = CachedKeystore(folder / "keys")
    store = _store(folder, url, environment, keystore)
    with store.reading() as books:
        hierarchy = load_hierarchy(books, keystore)
    people = People(folder / "people", CachedKeystore(folder / "people"))
    return World(folder, environment, store, keystore, people, governance_of(environment), hierarchy)


def _store(folder: Path, url: str, environment: Environment, keystore: FileKeystore) -> SqlStore:
    seal = keystore.signer("audit").sign
    return open_store(url, environment.identifier, seal=seal, head_file=folder / "audit-heads.jsonl")


@functools.cache
def _template(environment: Environment, founded: datetime) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="trustcell-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    build_world(folder, f"sqlite:///{folder / 'trustcell.db'}", environment, founded).close()
    return folder
