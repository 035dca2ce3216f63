"""Certificates with everything behind them, made in the shared test world, and copies of it to tamper with."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from authority_world import BROKER, DS, KA, device_csr, make_world
from trustcell.adapters.store import SqlStore, open_store
from trustcell.app.audit import Relint
from trustcell.governance.rules.approvals import ApprovalKind, Position, Scope
from trustcell.governance.rules.audit_export import export_lines
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.smki.rules.batch import BatchItem
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.service.batch import Batches
from trustcell.smki.service.bundle import make_bundle
from trustcell.smki.service.lists import RevocationLists
from trustcell.smki.service.verify_all import verify_all
from trustcell.vocab import Eui64, RemotePartyRole

ACB = RemotePartyRole.ACCESS_CONTROL_BROKER
DAY = timedelta(days=1)


class Scene:
    """A plain certificate, one of 17 years over the same key as approved, and one that its subscriber rejected."""

    def __init__(self, folder: Path) -> None:
        self.world = make_world(folder)
        self.heads = folder / "audit-heads.jsonl"
        self.audit_key = self.world.hierarchy.audit_key
        self.plain = self.issue("one")
        ask = Ask(years=17, approvals=("reuse", "long"), purpose="pack-2")
        requests = frozenset({request_name(self.csr("one"), ask)})
        roles = frozenset({ACB})
        keys = frozenset({self.plain.key.hex()})
        self.approve("reuse", ApprovalKind.KEY_REUSE, Scope(roles, keys=keys, requests=requests))
        self.approve("long", ApprovalKind.VALIDITY, Scope(roles, years=17, purpose="pack-2", requests=requests))
        self.long = self.issue("one", ask)
        bad = self.issue("two")
        self.rejected = self.world.authority.reject_certificate(
            bad.issuer, bad.serial, self.world["ada"], self.tick(), "wrong name"
        )

        self.batch = self.issue_batch(5)
        self.make_lists()

    def issue_batch(self, size: int) -> str:
        """Device Certificates by the batch; one of the CSRs is no CSR."""
        world = self.world
        entities = [Eui64((0x00DB123400000000 + number).to_bytes(8, "big")) for number in range(size)]
        items = [BatchItem(f"{entity}.csr", device_csr(entity, DS, f"device {entity}")) for entity in entities]
        batches = Batches(world.store, world.governance, world.environment, world.hierarchy, world.random)
        batch = batches.submit([*items, BatchItem("bad.csr", b"no CSR")], world["max"], self.tick())
        return batches.issue(batch.name, world["ian"], lambda: world.now).name

    def make_lists(self) -> None:
        """Two of each, so that there is one before the one given out."""
        world = self.world
        lists = RevocationLists(world.store, world.governance, world.environment, world.hierarchy)
        for kind in (*ListKind, *ListKind):
            lists.issue(kind, world["ian"], self.tick())

    def tick(self):
        return self.world.later(minutes=1)

    def csr(self, label: str) -> bytes:
        return self.world.csr(ACB, BROKER, KA, label)

    def issue(self, label: str, ask: Ask | None = None):
        world = self.world
        request = world.authority.submit(self.csr(label), ask or Ask(), world["ada"], self.tick())
        return world.authority.issue(request.name, world["ian"], self.tick())

    def approve(self, name: str, kind: ApprovalKind, scope: Scope) -> None:
        world, governance = self.world, self.world.governance
        paper, minutes, views = (
            world.evidence.keep(octets) for octets in (b"paper of " + name.encode(), b"PMA minutes", b"SSC minutes")
        )
        now = self.tick()
        with world.store.transaction(now) as books:
            draft = governance.draft_approval(
                books, world["ada"], name, kind=kind, scope=scope, effective_from=now, expires=now + 30 * DAY,
                rationale="manufacturing pack", evidence=[paper], now=now,
            )  # fmt: skip
        with world.store.transaction(self.tick()) as books:
            governance.ssc_view(
                books, world["sue"], name, digest=draft.digest, date=world.now, reference="SSC 1",
                position=Position.OPPOSE, text="rather not", document=views, now=world.now,
            )  # fmt: skip
        with world.store.transaction(self.tick()) as books:
            governance.decide(
                books, world["pat"], name, digest=draft.digest, date=world.now, meeting="PMA 7", minute="7.1",
                approved=True, quorum="7 of 9", considered=True, considered_text="views were taken into account",
                document=minutes, now=world.now,
            )  # fmt: skip

    def bundle(self, record) -> bytes:
        world = self.world
        with world.store.reading() as books:
            return make_bundle(
                books, world.evidence, world.environment, self.audit_key, record.issuer, record.serial, world.now
            )

    def copy(self, folder: Path) -> "Copy":
        """The database as it is now, in a file of its own that may be tampered with."""
        path = folder / "copy.db"
        original = self.world.folder / "trustcell.db"
        with closing(sqlite3.connect(original)) as here, closing(sqlite3.connect(path)) as there:
            here.backup(there)
        return Copy(self, path)


@dataclass
class Copy:
    """A database somebody got at: without triggers, and changed behind our back."""

    scene: Scene
    path: Path

    def sql(self, statement: str, **values) -> "Copy":
        """Run a statement that must touch a row."""
        with closing(sqlite3.connect(self.path)) as database, database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f"DROP TRIGGER {name}")
            assert database.execute(statement, values).rowcount != 0, statement
        return self

    def verify(self, evidence=None):
        """What verify-all finds."""
        world = self.scene.world
        with closing(self.store()) as store, store.reading() as books:
            return verify_all(books, world.environment, evidence or world.evidence, Relint)

    def export(self) -> bytes:
        """The export of the audit log."""
        with closing(self.store()) as store, store.reading() as books:
            audit = books.audit
            key = self.scene.audit_key.public_key
            return b"".join(export_lines("test", key, audit.entries(), audit.heads(), store.chain))

    def store(self) -> SqlStore:
        """The copy, opened."""
        return open_store(f"sqlite:///{self.path}", "test", seal=None, head_file=None)
