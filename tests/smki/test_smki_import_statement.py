"""An import is an act of a person: one statement, one commit, and a refusal that changes nothing but the audit log."""

import json

import pytest

from authority_world import make_world
from smki.smki_certificates import SmallAuthority
from trustcell.smki.rules.foreign import ForeignItem, Outcome
from trustcell.smki.rules.records import Query
from trustcell.smki.service.importing import STATEMENT, Imports
from trustcell.smki.service.repository import Repository
from trustcell.vocab import Refused


@pytest.fixture(scope="module")
def stranger():
    return SmallAuthority("XA", "X1", "X357", seed="stranger")


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def imports(world) -> tuple[Repository, Imports]:
    repository = Repository(world.store, world.environment)
    return repository, Imports(repository, world.governance)


def everything(world) -> tuple[int, int, int]:
    with world.store.reading() as books:
        statements = len(books.statements.of(STATEMENT))
        return len(list(books.certificates.all())), statements, len(books.documents.names("import"))


def test_one_statement_covers_the_import(world, stranger):
    repository, office = imports(world)
    items = [ForeignItem(label, each.der) for label, each in (("root", stranger.root), ("oca", stranger.oca))]
    before = everything(world)
    imported = office.take([*items, ForeignItem("nothing", None)], world["ian"], world.now)
    assert [verdict.outcome for verdict in imported.verdicts] == [Outcome.KEPT, Outcome.KEPT, Outcome.LEFT_OUT]
    assert everything(world) == (before[0] + 2, before[1] + 1, before[2] + 1)
    with world.store.reading() as books:
        signed = books.statements.of(STATEMENT)[-1]
        entry = books.audit.about(imported.manifest)[-1]
        _, manifest = books.documents.get("import", imported.manifest)
    assert signed.statement.actor == "ian"
    assert signed.statement.body == {"manifest": imported.manifest, "items": 3, "pinned": []}
    assert (entry.kind, entry.body["statement"]) == ("certificates.imported", signed.digest)
    assert [each["outcome"] for each in json.loads(manifest)["items"]] == ["kept", "kept", "left-out"]
    names = {subject for kind, subject in world.audit() if kind == "certificate.imported"}
    assert names == {f"XA/{stranger.root.serial:X}", f"XA/{stranger.oca.serial:X}"}
    assert repository.retrieve("XA", stranger.oca.serial, world.now).imported


@pytest.mark.parametrize("person", ["ada", "otto", "sue"])
def test_only_who_issues_may_import(world, stranger, person):
    _, office = imports(world)
    before, log = everything(world), world.audit()
    with pytest.raises(Refused) as refused:
        office.take([ForeignItem("root", stranger.root.der)], world[person], world.now)
    assert refused.value.code in ("capacity_missing", "auditor_states_nothing")
    assert everything(world) == before
    assert [kind for kind, _ in world.audit()[len(log) :]] == ["certificates.import.refused"]


def test_an_import_of_nothing_that_can_be_taken_is_refused(world):
    _, office = imports(world)
    before, log = everything(world), world.audit()
    for items, code in (([], "import_empty"), ([ForeignItem("x", None)], "certificate_missing")):
        with pytest.raises(Refused) as refused:
            office.take(items, world["ian"], world.now)
        assert refused.value.code == code
    assert everything(world) == before
    assert len(world.audit()) == len(log) + 2


def test_certificates_of_this_environment_are_found_and_not_imported(world, stranger):
    """The ceremony's own certificates, checked by each other without anchors."""
    repository, office = imports(world)
    found = repository.search(Query(), world.now)
    assert found.altered == ()
    assert {"TR", "TD", "TI"} <= {record.issuer for record in found.records}
    oca = next(record for record in found.records if record.kind == "issuing OCA")
    held = office.take([ForeignItem("oca", oca.der), ForeignItem("root", stranger.root.der)], world["ian"], world.now)
    assert [verdict.outcome for verdict in held.verdicts] == [Outcome.HELD, Outcome.KEPT]
