"""A store with two authorities and a few certificates, and a governance that takes every statement of its people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from smki.revocation_records import LEAVING_GAS, NOW, PARTIES, PEOPLE, authority, key, raw_signer
from trustcell.adapters.store import SqlStore, open_store
from trustcell.certs import Certificate
from trustcell.governance.rules.kinds import KINDS
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.smki.ports import KeyKind
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord, IntentRecord
from trustcell.smki.rules.revocation import GROUNDS_CLAUSE
from trustcell.smki.service.hierarchy import CaKey, Hierarchy
from trustcell.smki.service.revocation import Revocation
from trustcell.vocab import Refused

ENVIRONMENT = Environment("test", "a test environment", datetime(2016, 1, 1, tzinfo=NOW.tzinfo))


@dataclass(frozen=True)
class SoftKey:
    """A signer in memory."""

    number: int
    label: str = "key"
    kind: KeyKind = KeyKind.P256
    deterministic: bool = False

    @property
    def public_key(self) -> bytes:
        raise NotImplementedError

    def sign(self, octets: bytes) -> bytes:
        return raw_signer(key(self.number))(octets)


@dataclass(frozen=True)
class Credential:
    """Who acts; the governance of this world looks at nothing else."""

    person: str
    certificate: bytes = b""

    def sign(self, octets: bytes) -> bytes:
        return b"signature of " + self.person.encode()


@dataclass
class Ledger:
    """Stands for governance: a register that tests change, and statements kept without looking at signatures."""

    register_now: Register = field(default_factory=lambda: Register({**PARTIES, "gas": LEAVING_GAS}, PEOPLE))

    def register(self, books: Any, as_of: datetime | None = None) -> Register:
        return self.register_now

    def state(
        self, books: Any, credential: Credential, kind: str, subject: str, body: Mapping[str, Any], now: datetime
    ) -> SignedStatement:
        person = self.register_now.people.get(credential.person)
        if person is None or not any(person.holds(each, now) for each in KINDS[kind].capacities):
            raise Refused([GROUNDS_CLAUSE.breach("capacity_missing", "actor", "no", "another person")])
        said = Statement("test", kind, subject, credential.person, now, body)
        return books.statements.add(SignedStatement(said, credential.sign(said.octets), credential.certificate))


@dataclass
class World:
    """All of it. ``hook`` is what runs at crash points."""

    store: SqlStore
    governance: Ledger
    hierarchy: Hierarchy
    revocation: Revocation

    def add(self, *records: CertificateRecord, intents: tuple[IntentRecord, ...] = ()) -> None:
        with self.store.transaction(NOW) as books:
            for each in records:
                books.certificates.add(each)
            books.requests.intend(intents)
            for each in intents:
                books.requests.settle(each.issuer, each.serial, "abandoned")
            books.audit.append("test.added", "test", {}, NOW)

    def certificate(self, serial: int, issuer: str = "T1") -> CertificateRecord:
        with self.store.reading() as books:
            found = books.certificates.get(issuer, serial)
        assert found is not None
        return found

    def kinds(self) -> list[str]:
        """The kinds of all audit entries."""
        with self.store.reading() as books:
            return [each.kind for each in books.audit.entries()]


OPEN: list[SqlStore] = []


def close_all() -> None:
    """Close every store that a test opened."""
    while OPEN:
        OPEN.pop().close()


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'trustcell.db'}"


def make_world(
    url: str, hook: Callable[[str], None] = lambda point: None, environment: Environment = ENVIRONMENT
) -> World:
    """Open the store, and set it up the first time."""
    store = open_store(url, "test", seal=raw_signer(key(5000)), head_file=None)
    OPEN.append(store)
    root, issuing = authority(root=True), authority()
    top = CaKey(Certificate.from_der(root.der), SoftKey(1002), root)
    low = CaKey(Certificate.from_der(issuing.der), SoftKey(1001), issuing)
    hierarchy = Hierarchy(top, low, top, low, top, SoftKey(5000))
    governance = Ledger()
    revocation = Revocation(store, governance, environment, hierarchy, hook)
    world = World(store, governance, hierarchy, revocation)
    with store.reading() as books:
        empty = books.certificates.get("TR", 1) is None
    if empty:
        world.add(root, replace(issuing, issuer="TR"))
    return world


def as_person(name: str) -> Credential:
    return Credential(name)


def refused(call: Callable[[], Any]) -> list[str]:
    """The codes with which a call is refused."""
    with pytest.raises(Refused) as refusal:
        call()
    return [each.code for each in refusal.value.findings]
