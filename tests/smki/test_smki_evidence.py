"""What stands behind a decision is looked at when it is relied on: documents of approvals (V5), devices (C19)."""

import itertools
import os
import signal
from datetime import timedelta

import pytest

from authority_world import BROKER, DS, device_csr, make_world, open_world
from smki.issuing_world import ACB, codes, issue, longer, refused, scope_for
from trustcell.adapters.evidence import FileEvidence
from trustcell.governance.rules.approvals import ApprovalKind, Position, Scope
from trustcell.governance.rules.canonical import digest
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.batch import BatchAsk, BatchItem
from trustcell.smki.service.answering import DEVICES, devices_raised
from trustcell.smki.service.batch import Batches
from trustcell.smki.service.issuing import Authority
from trustcell.vocab import Eui64

MONTH = timedelta(days=30)
PAPERS = {"paper": b"the paper", "view": b"minutes of the SSC", "decision": b"minutes of the PMA"}


@pytest.fixture
def world(tmp_path):
    world = make_world(tmp_path)
    yield world
    world.close()


def approved_with_papers(world, csr, ask):
    """A VALIDITY approval that rests on three files."""
    names = {name: world.evidence.keep(octets) for name, octets in PAPERS.items()}
    now, governance = world.now, world.governance
    with world.store.transaction(now) as books:
        draft = governance.draft_approval(
            books, world["ada"], "long", kind=ApprovalKind.VALIDITY,
            scope=scope_for(csr, ask, keys=frozenset(), years=17), effective_from=now,
            expires=now + MONTH, rationale="a pack", evidence=[names["paper"]], now=now,
        )  # fmt: skip
        governance.ssc_view(
            books, world["sue"], "long", digest=draft.digest, date=now, reference="SSC 1", position=Position.SUPPORT,
            text="fine", document=names["view"], now=now,
        )  # fmt: skip
        governance.decide(
            books, world["pat"], "long", digest=draft.digest, date=now, meeting="PMA 1", minute="1.1", approved=True,
            quorum="six", considered=True, considered_text="read", document=names["decision"], now=now,
        )  # fmt: skip
    return names


@pytest.mark.parametrize("which", PAPERS)
@pytest.mark.parametrize(("how", "code"), [("exchanged", "evidence_hash_mismatch"), ("gone", "evidence_missing")])
def test_an_approval_whose_document_was_replaced_issues_nothing(world, which, how, code):
    csr, ask = world.csr(ACB, BROKER, DS), Ask(years=17, approvals=("long",))
    names = approved_with_papers(world, csr, ask)
    request = world.authority.submit(csr, ask, world["ada"], world.now)
    file = world.folder / "evidence" / names[which]
    octets = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(octets + b" as they should have been")
    act = lambda: world.authority.issue(request.name, world["ian"], world.now)  # noqa: E731
    refusal = refused(act, world.store)
    assert codes(refusal) == ["validity_not_approved", code]
    assert names[which] in refusal.findings[1].message
    explained = world.authority.explain(request.name, world.now)
    assert code in [each.code for each in explained.findings]
    file.write_bytes(octets)
    again = world.authority.submit(csr, ask, world["ada"], world.now)
    made = world.authority.issue(again.name, world["ian"], world.now)
    assert made.approvals == ("long",)
    file.write_bytes(b"afterwards")  # the certificate stays: verify-all raises the report
    with world.store.reading() as books:
        assert books.certificates.get(made.issuer, made.serial).revoked_at is None


@pytest.mark.parametrize("point", ["written", "named", "kept", "stated"])
def test_killed_between_a_document_and_the_record_that_cites_it(tmp_path, point):
    """K45: no record without its file; a file that nothing cites is no harm, and the same act works afterwards."""
    make_world(tmp_path).close()
    child = os.fork()
    if child == 0:
        try:
            world = open_world(tmp_path, f"sqlite:///{tmp_path / 'trustcell.db'}")
            syncs = itertools.count()
            os.fsync = lambda _file: die(next(syncs) == ("written", "named").index(point)) if point in SYNCS else None
            draft_citing(world, point)
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    world = open_world(tmp_path, f"sqlite:///{tmp_path / 'trustcell.db'}")
    with world.store.reading() as books:
        assert books.statements.about("K45") == []
        assert [each for each in books.audit.entries() if each.subject == "K45"] == []
    for file in (tmp_path / "evidence").glob("[0-9a-f]*"):
        assert digest(file.read_bytes()) == file.name
    draft_citing(world)
    with world.store.reading() as books:
        (said,) = books.statements.about("K45")
    assert [world.evidence.read(name) for name in said.statement.body["evidence"]] == [b"the paper"]
    world.close()


SYNCS = ("written", "named")


def die(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def draft_citing(world, point: str = "") -> None:
    name = world.evidence.keep(b"the paper")
    die(point == "kept")
    with world.store.transaction(world.now) as books:
        world.governance.draft_approval(
            books, world["ada"], "K45", kind=ApprovalKind.VALIDITY,
            scope=Scope(frozenset({ACB}), years=17, requests=frozenset({"ab" * 32})), effective_from=world.now,
            expires=world.now + MONTH, rationale="a pack", evidence=[name], now=world.now,
        )  # fmt: skip
        die(point == "stated")


def test_an_approval_without_documents_needs_none(world):
    csr, ask = world.csr(ACB, BROKER, DS), Ask(years=17, approvals=("longer",))
    longer(world, csr, ask, years=17)
    world.folder.joinpath("evidence").mkdir(exist_ok=True)
    assert issue(world, csr, ask).approvals == ("longer",)


class Inventory:
    """What a DSP knows: one device holds whatever is asked for."""

    DEVICE = Eui64.parse("00-DB-12-34-00-00-00-99")

    def devices_with(self, record):
        return frozenset({self.DEVICE})


def test_a_certificate_rejected_after_its_use_raises_the_devices_made_for_its_pack(world):
    devices = [Eui64((0x00DB123400000000 + number).to_bytes(8, "big")) for number in range(3)]
    batches = Batches(world.store, world.governance, world.environment, world.hierarchy, world.random)
    for purpose, entities in (("pack-9", devices[:2]), ("pack-8", devices[2:])):
        items = [BatchItem(f"{entity}.csr", device_csr(entity, DS, f"device {entity}")) for entity in entities]
        batch = batches.submit(items, world["max"], world.now, BatchAsk(purpose))
        batches.issue(batch.name, world["ian"], lambda: world.now)
    authority = Authority(
        world.store, world.governance, world.environment, world.hierarchy, FileEvidence(world.folder / "evidence"),
        world.random, deployments=Inventory(),
    )  # fmt: skip
    made = issue(world, ask=Ask(purpose="pack-9"))
    gone = authority.reject_certificate(made.issuer, made.serial, world["ada"], world.now, "wrong usage")
    assert gone.revoked_at is not None
    with world.store.reading() as books:
        assert devices_raised(books, made.issuer, made.serial) == [*devices[:2], Inventory.DEVICE]
        (entry,) = [each for each in books.audit.entries() if each.kind == "certificate.rejected"]
        octets = books.documents.get(DEVICES, f"{made.issuer}/{made.serial:X}")[1]
    assert (entry.body["devices"], entry.body["used_for"]) == (3, "pack-9")
    assert len(octets) == 24


def test_without_a_pack_or_an_inventory_no_device_is_raised(world):
    made = issue(world)
    world.authority.reject_certificate(made.issuer, made.serial, world["ada"], world.now, "wrong usage")
    with world.store.reading() as books:
        assert devices_raised(books, made.issuer, made.serial) == []
