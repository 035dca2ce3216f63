"""Packs of an authority: published by a packer, followed by newer ones, verified with and without the register."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from authority_world import BROKER, DS, KA, RECOVERY, TCOS, WAN, World, make_world
from trustcell.certs import Certificate
from trustcell.governance.rules.parties import Capacity
from trustcell.packs import Packs, unseal, verify
from trustcell.packs.rules import archive, seal
from trustcell.smki.rules.ask import Ask
from trustcell.vocab import CellId, DeviceType, Refused, RemotePartyRole, Severity

ROLES = RemotePartyRole
PARTS = (
    (ROLES.RECOVERY, RECOVERY, DS),
    (ROLES.ACCESS_CONTROL_BROKER, BROKER, DS),
    (ROLES.ACCESS_CONTROL_BROKER, BROKER, KA),
    (ROLES.TRANSITIONAL_COS, TCOS, DS),
    (ROLES.WAN_PROVIDER, WAN, DS),
)


@pytest.fixture
def world(tmp_path) -> World:
    world = make_world(tmp_path / "home")
    for role, entity, usage in PARTS:
        request = world.authority.submit(world.csr(role, entity, usage), Ask(purpose="dcc"), world["ada"], world.now,
                                         confirm_clock=True)  # fmt: skip
        world.authority.issue(request.name, world["ian"], world.now)
    return world


@pytest.fixture
def packs(world: World) -> Packs:
    return Packs(world.store, world.governance, world.environment)


def refused(call, *arguments, **named) -> set[str]:
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    return {finding.code for finding in caught.value.findings}


def errors(findings) -> set[str]:
    return {finding.code for finding in findings if finding.severity is Severity.ERROR}


def assembled(world: World, packs: Packs, version: int = 1):
    return packs.assemble("dcc", version, str(version), now=world.now)


def test_all_that_was_issued_for_a_pack_goes_into_it(world, packs):
    pack = assembled(world, packs)
    assert {(c.role, c.key_usage) for c in pack.newest.certificates} == {(role, usage) for role, _, usage in PARTS}
    published = packs.publish(pack, world["paula"], world.now)
    assert unseal(published.octets).pack == pack
    assert packs.published("dcc") == published.octets == packs.published("dcc", 1)
    assert errors(verify(unseal(published.octets), packs.anchors())) == set()
    assert errors(packs.verify(published.octets)[1]) == set()
    assert [body["version"] for body in packs.listed()] == [1]
    with world.store.reading() as books:
        statement = books.statements.about("dcc", seal.PUBLISH)[0]
        entry = books.audit.about("dcc")[-1]
    assert statement.statement.actor == "paula"
    assert (entry.kind, entry.body["statement"]) == ("pack.published", statement.digest)


def test_only_a_packer_publishes_and_nothing_is_kept_of_others(world, packs):
    pack = assembled(world, packs)
    for person in ("ada", "otto", "ian"):
        before = world.audit()
        assert refused(packs.publish, pack, world[person], world.now) <= {"capacity_missing", "auditor_states_nothing"}
        assert packs.listed() == []
        assert [kind for kind, _ in world.audit()[len(before) :]] == ["pack.refused"]


def test_a_pack_follows_the_last_of_its_name(world, packs):
    packs.publish(assembled(world, packs, 2), world["paula"], world.now)
    world.later(hours=1)
    assert refused(packs.publish, assembled(world, packs, 2), world["paula"], world.now) == {"pack_version_same"}
    assert refused(packs.publish, assembled(world, packs, 1), world["paula"], world.now) == {"pack_version_older"}
    packs.publish(assembled(world, packs, 3), world["paula"], world.now)
    assert [body["version"] for body in packs.listed()] == [2, 3]
    assert unseal(packs.published("dcc")).pack.version == 3
    assert unseal(packs.published("dcc", 2)).pack.version == 2
    assert refused(packs.published, "dcc", 4) == {"pack_unknown"}


def test_certificates_by_identity_and_cells_by_hand(world, packs):
    everything = [("T1", c.serial) for c in assembled(world, packs).newest.certificates]
    cell = CellId(ROLES.LOAD_CONTROLLER, KA)
    broker = next(c for c in assembled(world, packs).newest.certificates if c.key_usage == KA)
    pack = packs.assemble(
        "other", 1, "x", everything, chosen={(DeviceType.ESME, cell): ("T1", broker.serial)}, now=world.now
    )
    assert pack.newest.cells[DeviceType.ESME][cell] == broker
    assert refused(packs.assemble, "other", 1, "x", [("T1", 1)], now=world.now) == {"pack_certificate_unknown"}
    assert refused(packs.assemble, "other", 1, "x", everything[1:], now=world.now) == {"pack_cell_missing"}
    assert refused(packs.assemble, "a/b", 1, "x", everything, now=world.now) == {"pack_definition"}
    assert refused(packs.assemble, "other", 1, "a/b", everything, now=world.now) == {"pack_definition"}


def test_a_revoked_certificate_is_put_into_no_pack(world, packs):
    serial = assembled(world, packs).newest.certificates[0].serial
    world.authority.reject_certificate("T1", serial, world["ada"], world.now, "not ours")
    assert refused(packs.assemble, "x", 1, "x", [("T1", serial)], now=world.now) == {"pack_certificate_status"}
    assert refused(assembled, world, packs) == {"pack_cell_missing"}


def test_warnings_block_by_policy_only(world, packs):
    later = world.later(days=30)
    request = world.authority.submit(
        world.csr(ROLES.WAN_PROVIDER, WAN, DS, "another key"), Ask(purpose="uneven"), world["ada"], later,
        confirm_clock=True)  # fmt: skip
    other = world.authority.issue(request.name, world["ian"], later)
    chosen = [("T1", c.serial) for c in assembled(world, packs).newest.certificates if c.role != ROLES.WAN_PROVIDER]
    pack = packs.assemble("uneven", 1, "x", [*chosen, ("T1", other.serial)], now=later)
    strict = Packs(world.store, world.governance, world.environment, strict=True)
    assert refused(strict.publish, pack, world["paula"], later) == {"pack_ends_unevenly"}
    assert [f.code for f in packs.publish(pack, world["paula"], later).remarks] == ["pack_ends_unevenly"]


def test_a_seal_by_the_wrong_person(world, packs):
    """P6: signed by somebody who is no packer, over other octets, with another's certificate."""
    published = packs.publish(assembled(world, packs), world["paula"], world.now)
    sealed = unseal(published.octets)
    ada, statement = world["ada"], sealed.seal.statement
    theirs = replace(statement, actor="ada")
    by_ada = replace(sealed.seal, statement=theirs, signature=ada.sign(theirs.octets), certificate=ada.certificate)
    forged = seal.seal(sealed.pack, by_ada, sealed.authority)
    assert errors(verify(unseal(forged), packs.anchors())) == set()  # offline nobody knows who packs
    assert errors(packs.verify(forged)[1]) == {"pack_signature_role"}
    borrowed = replace(sealed.seal, signature=ada.sign(statement.octets), certificate=ada.certificate)
    assert errors(verify(unseal(seal.seal(sealed.pack, borrowed, sealed.authority)))) == {"pack_signature_person"}
    wrong = replace(sealed.seal, signature=bytes([sealed.seal.signature[0] ^ 1]) + sealed.seal.signature[1:])
    assert errors(verify(unseal(seal.seal(sealed.pack, wrong, sealed.authority)))) == {"pack_signature_wrong"}
    garbage = replace(sealed.seal, certificate=b"no certificate")
    assert errors(packs.verify(seal.seal(sealed.pack, garbage, sealed.authority))[1]) == {"pack_signature_wrong"}


def test_a_packer_who_has_left_signs_no_more_and_his_packs_stay(world, packs):
    octets = packs.publish(assembled(world, packs), world["paula"], world.now).octets
    later = world.later(days=1)
    with world.store.transaction(later) as books:
        world.governance.withdraw_capacity(
            books, world["registrar"], "paula", Capacity.PACKER, reason="left", now=later
        )
    assert errors(packs.verify(octets)[1]) == set()
    assert "capacity_missing" in refused(packs.publish, assembled(world, packs, 2), world["paula"], later)


def test_a_pack_whose_packer_had_his_credential_revoked_since(world, packs):
    """P6: offline the seal is right; whoever asks the environment is told."""
    octets = packs.publish(assembled(world, packs), world["paula"], world.now).octets
    made = Certificate.from_der(world["paula"].certificate)
    with world.store.transaction(world.now) as books:
        record = books.certificates.get(made.issuer.common_name, made.serial)
        books.certificates.update(replace(record, revoked_at=world.now, revocation_reason=1))
        books.audit.append("test", "test", {}, world.now)
    assert errors(verify(unseal(octets), packs.anchors())) == set()
    assert errors(packs.verify(octets)[1]) == {"pack_signature_revoked"}
    assert "credential_revoked" in refused(packs.publish, assembled(world, packs, 2), world["paula"], world.now)


def test_a_credential_out_of_date(world, packs):
    published = packs.publish(assembled(world, packs), world["paula"], world.now)
    sealed = unseal(published.octets)
    late = replace(sealed.seal.statement, at=world.now + timedelta(days=4000))
    paula = world["paula"]
    signed = replace(sealed.seal, statement=late, signature=paula.sign(late.octets))
    assert errors(verify(unseal(seal.seal(replace(sealed.pack, made_at=late.at), signed, sealed.authority)))) >= {
        "pack_signature_period"
    }


def test_every_octet_of_a_published_pack_matters(world, packs):
    octets = packs.publish(assembled(world, packs), world["paula"], world.now).octets
    anchors = packs.anchors()
    for place in range(5, len(octets), 97):
        damaged = octets[:place] + bytes([octets[place] ^ 0x01]) + octets[place + 1 :]
        try:
            found = errors(verify(unseal(damaged), anchors))
        except Refused:
            continue
        assert found, place


_KILLED = """
import os, signal, sys
from pathlib import Path
from trustcell.app.files import write_output
real = os.fsync
def die(handle):
    os.kill(os.getpid(), signal.SIGKILL)
os.fsync = die
write_output(Path(sys.argv[1]), b"new" * 100_000)
"""


def test_a_pack_half_written_has_not_its_name(tmp_path):
    """K46: killed while writing, the old file is there whole, and a new one has no name yet."""
    file = tmp_path / "dcc-1.zip"
    file.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", _KILLED, file], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"old"


def test_files_of_an_archive_are_read_in_bounds():
    with pytest.raises(Refused):
        archive.read_archive(b"PK" + bytes(archive.MAX_ARCHIVE_OCTETS))
