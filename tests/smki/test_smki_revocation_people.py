"""Revocation with real people, statements and certificates: what a bar, a notice, a rejection and a list mean then."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509 import load_der_x509_certificate

from authority_world import BROKER, DS, GAS_NETWORK, make_world, p256
from smki.revocation_world import refused
from trustcell.certs import CertificateList
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import Family, Query, Status
from trustcell.smki.rules.revocation import Circumstance, RevocationAsk
from trustcell.smki.service.revocation import Revocation
from trustcell.vocab import RemotePartyRole

SECOND = timedelta(seconds=1)
NETWORK = RemotePartyRole.NETWORK_OPERATOR


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    made.revocation = Revocation(made.store, made.governance, made.environment, made.hierarchy)
    yield made
    made.close()


def issued(world, person="gwen", role=NETWORK, entity=GAS_NETWORK, label="k1", purpose=""):
    csr = world.csr(role, entity, DS, label)
    request = world.authority.submit(csr, Ask(purpose=purpose), world[person], world.now)
    return world.authority.issue(request.name, world["ian"], world.now)


def asked(record, circumstance=Circumstance.COMPROMISE, **changes):
    return RevocationAsk(record.issuer, record.serial, circumstance, "what happened", **changes)


def revoked(world, ask, person="gwen"):
    name = world.revocation.request(ask, world[person], world.now).name
    return world.revocation.revoke(name, world["ian"], world.now)


def fetch(world, record):
    with world.store.reading() as books:
        return books.certificates.get(record.issuer, record.serial)


def listed(world, kind=ListKind.CRL):
    read = CertificateList.from_der(world.revocation.lists.issue(kind, world["ian"], world.now).der)
    return {entry.serial: entry.reason for entry in read.entries}


def test_asked_and_revoked_by_signed_statements_of_two_people(world):
    record = issued(world)
    report = revoked(world, asked(record))
    assert fetch(world, record).status(world.now) is Status.REVOKED
    with world.store.reading() as books:
        for digest, actor in ((report.request.name, "gwen"), (report.decision, "ian")):
            signed = books.statements.get(digest)
            assert signed.statement.actor == actor
            public_key = load_der_x509_certificate(signed.certificate).public_key()
            public_key.verify(signed.signature, signed.statement.octets, padding.PKCS1v15(), hashes.SHA256())
    assert listed(world) == {record.serial: 1}


def test_a_barred_key_is_refused_in_a_later_csr(world):
    record = issued(world)
    challenge = world.revocation.challenge(record.issuer, record.serial)
    proof = p256("k1").sign(challenge, ec.ECDSA(hashes.SHA256()))
    revoked(world, asked(record, proof=proof))
    world.later(seconds=1)
    for person, role, entity in (
        ("gwen", NETWORK, GAS_NETWORK),
        ("ada", RemotePartyRole.ACCESS_CONTROL_BROKER, BROKER),
    ):
        assert "public_key_barred" in refused(
            lambda p=person, r=role, e=entity: issued(world, p, r, e, purpose="again")
        )


def test_a_gas_network_that_leaves_gives_notice_first(world):
    record = issued(world)
    ask = asked(record, Circumstance.NOT_A_USER)
    assert refused(lambda: revoked(world, ask)) == ["notice_missing"]
    with world.store.transaction(world.now) as books:
        world.governance.give_notice(books, world["registrar"], "gas-network", reference="letter 1", now=world.now)
    revoked(world, ask)
    assert listed(world) == {record.serial: 5}


def test_a_rejected_certificate_is_on_the_next_list(world):
    record = issued(world)
    world.authority.reject_certificate(record.issuer, record.serial, world["gwen"], world.now, "wrong name")
    due = [each.kind for each in world.revocation.lists.due(world.now)]
    assert ListKind.CRL in due
    assert listed(world) == {record.serial: None}
    assert refused(lambda: revoked(world, asked(record))) == ["certificate_already_revoked"]


def test_whose_credential_is_revoked_states_nothing_more(world):
    record = issued(world)
    with world.store.reading() as books:
        credentials = books.certificates.search(Query(family=Family.IKI), world.now)
    gwen = next(each for each in credentials if each.der == world["gwen"].certificate)
    revoked(world, asked(gwen), "ada")
    world.later(seconds=1)
    assert refused(lambda: revoked(world, asked(record))) == ["credential_revoked"]
    assert fetch(world, record).revoked_at is None


def test_the_issuing_authority_falls_and_issues_no_more(world):
    authority = world.hierarchy.issuing_oca.record
    revoked(world, asked(authority, reference="investigation"), "pat")
    assert listed(world, ListKind.ARL) == {authority.serial: 2}
    assert refused(lambda: issued(world)) == ["ca_key_period_ended"]


def test_an_auditor_states_nothing(world):
    record = issued(world)
    assert refused(lambda: revoked(world, asked(record), "otto")) == ["revocation_not_authorised"]
    name = world.revocation.request(asked(record), world["gwen"], world.now).name
    assert refused(lambda: world.revocation.revoke(name, world["otto"], world.now))
    assert refused(lambda: world.revocation.lists.issue(ListKind.CRL, world["otto"], world.now))
    assert fetch(world, record).revoked_at is None


def test_the_books_stay_in_step_with_the_log(world):
    record = issued(world)
    revoked(world, asked(record))
    listed(world)
    kinds = [kind for kind, _ in world.audit()]
    assert kinds[-5:] == ["revocation.requested", "revocation.decided", "list.taken", "list.stored", "list.served"]
    with world.store.reading() as books:
        last = list(books.audit.entries())[-3]
        statement = books.statements.get(last.body["statement"])
    assert statement.statement.body["number"] == 1
    assert base64.b16decode(statement.statement.body["tbs"].upper())
