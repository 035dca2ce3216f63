"""Revocation over a real store: asked, done by somebody else, cascaded, barred, listed; OpenSSL reads the lists."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from smki.revocation_records import NOW, PARTIES, ask, authority, key, record
from smki.revocation_world import ENVIRONMENT, as_person, close_all, make_world, refused
from trustcell.certs import Certificate, CertificateList, check_crl
from trustcell.governance.rules.register import Register
from trustcell.smki.rules.cascade import Fate
from trustcell.smki.rules.lists import DueReason, ListKind
from trustcell.smki.rules.records import Family, IntentRecord, Status
from trustcell.smki.rules.revocation import Circumstance, Standing

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
GWEN, ADA, PAT, IAN = map(as_person, ("gwen", "ada", "pat", "ian"))


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


@pytest.fixture
def world(store_url):
    made = make_world(store_url)
    made.add(
        record(),
        record(serial=0x2000, key_use=1, approvals=("A-1",), purpose="pack 2024"),
        record(8, purpose="pack 2016"),
        replace(record(serial=0x2003), family=Family.DEVICE, issuer="D001"),
    )
    return made


def revoke(world, now=NOW, **changes):
    name = world.revocation.request(ask(**changes), GWEN, now).name
    return world.revocation.revoke(name, IAN, now)


def test_a_request_revokes_nothing(world):
    made = world.revocation.request(ask(), GWEN, NOW)
    assert (made.asker, made.standing, made.decided, made.at) == ("gwen", Standing.CLAIMED, False, NOW)
    assert world.certificate(0x1007).status(NOW) is Status.IN_USE
    assert world.revocation.requests() == [made]
    with world.store.reading() as books:
        assert books.statements.get(made.name).statement.kind == "revocation.request"


def test_a_claim_revokes_everything_over_the_key_and_bars_nothing(world):
    report = revoke(world)
    fates = {each.record.serial: each.fate for each in report.cascade.fallen}
    assert fates == {0x1007: Fate.REVOKED, 0x2000: Fate.REVOKED, 0x2003: Fate.NOT_REVOCABLE}
    for serial in (0x1007, 0x2000):
        found = world.certificate(serial)
        assert (found.revoked_at, found.revocation_reason, found.revocation_circumstance) == (NOW, 1, "4.9.1(A)(i)")
    assert world.certificate(0x2003, "D001").revoked_at is None
    assert world.certificate(0x1008).revoked_at is None
    assert report.as_json()["uses"] == ["pack 2024"]
    assert world.revocation.requests() == []
    assert [each.decided for each in world.revocation.requests(open_only=False)] == [True]
    with world.store.reading() as books:
        assert books.revocations.barred(record().key) is None
        body = books.statements.of("revocation.decision")[0].statement.body
    assert body["certificates"] == ["T1/1007", "T1/2000"]
    assert world.kinds()[-2:] == ["revocation.requested", "revocation.decided"]


def proof(world):
    return key(7).sign(world.revocation.challenge("T1", 0x1007), ec.ECDSA(hashes.SHA256()))


def test_a_proof_bars_the_key_even_after_a_claim(world):
    revoke(world)
    later = NOW + HOUR
    report = revoke(world, later, proof=proof(world))
    assert report.cascade.bars
    assert report.cascade.revoked == ()
    assert world.certificate(0x1007).revoked_at == NOW
    with world.store.reading() as books:
        assert books.revocations.barred(record().key) == f"4.9.1(A)(i), proven: {report.request.name}"
    assert refused(lambda: revoke(world, later + SECOND, proof=proof(world))) == ["certificate_already_revoked"]


def test_a_finding_of_the_dcc_bars_the_key(world):
    made = world.revocation.request(ask(reference="investigation 3"), ADA, NOW)
    assert world.revocation.revoke(made.name[:8], IAN, NOW).cascade.standing is Standing.FOUND
    with world.store.reading() as books:
        assert books.revocations.barred(record().key)


def test_other_grounds_take_one_certificate(world):
    report = revoke(world, circumstance=Circumstance.NOT_A_USER)
    assert [each.serial for each in report.cascade.revoked] == [0x1007]
    assert world.certificate(0x1007).revocation_reason == 5
    assert world.certificate(0x2000).revoked_at is None


@pytest.mark.parametrize(
    ("who", "changes", "code"),
    [
        (GWEN, {"serial": 0x9999}, "certificate_unknown"),
        (as_person("sam"), {}, "revocation_not_authorised"),
        (as_person("nobody"), {}, "person_unknown"),
        (as_person("otto"), {}, "revocation_not_authorised"),
        (GWEN, {"circumstance": Circumstance.PMA_DIRECTION}, "revocation_not_authorised"),
        (GWEN, {"issuer": "D001", "serial": 0x2003}, "certificate_not_revocable"),
        (ADA, {"issuer": "TR", "serial": 1}, "root_not_revocable"),
    ],
)
def test_a_refused_request_is_one_audit_entry_and_nothing_else(world, who, changes, code):
    before = world.kinds()
    assert refused(lambda: world.revocation.request(ask(**changes), who, NOW))[0] == code
    assert world.kinds() == [*before, "revocation.refused"]
    assert world.revocation.requests(open_only=False) == []
    with world.store.reading() as books:
        entry = list(books.audit.entries())[-1]
    assert (entry.body["actor"], entry.body["findings"][0]["code"]) == (who.person, code)


def test_a_refused_revocation_changes_nothing(world):
    made = world.revocation.request(ask(), GWEN, NOW)
    for who, name, code in (
        (GWEN, made.name, "separation_of_duties"),
        (ADA, made.name, "capacity_missing"),
        (IAN, made.name[:7], "revocation_request_unknown"),
        (IAN, "", "revocation_request_unknown"),
        (IAN, "0" * 64, "revocation_request_unknown"),
    ):
        before = world.kinds()
        assert refused(lambda who=who, name=name: world.revocation.revoke(name, who, NOW)) == [code]
        assert world.kinds() == [*before, "revocation.refused"]
    assert world.certificate(0x1007).revoked_at is None
    assert world.certificate(0x2000).revoked_at is None
    assert world.revocation.requests() == [made]


def test_a_request_is_acted_on_once(world):
    first = world.revocation.request(ask(), GWEN, NOW)
    second = world.revocation.request(ask(serial=0x2000), GWEN, NOW)
    world.revocation.revoke(first.name, IAN, NOW)
    assert refused(lambda: world.revocation.revoke(first.name, IAN, NOW)) == ["revocation_decided"]
    assert refused(lambda: world.revocation.revoke(second.name, IAN, NOW)) == ["certificate_already_revoked"]
    assert world.revocation.requests() == []  # the second one has nothing left to do


def test_a_notice_that_was_withdrawn_stops_the_revocation(world):
    made = world.revocation.request(ask(Circumstance.NOT_A_USER), GWEN, NOW)
    world.governance.register_now = Register(PARTIES, world.governance.register_now.people)
    assert refused(lambda: world.revocation.revoke(made.name, IAN, NOW)) == ["notice_missing"]


def test_devices_fall_where_they_are_configured_to(store_url):
    world = make_world(store_url, environment=replace(ENVIRONMENT, device_certificates_revocable=True))
    world.add(record(), replace(record(serial=0x2003), family=Family.DEVICE, issuer="D001"))
    revoke(world)
    assert world.certificate(0x2003, "D001").revocation_reason == 1


# lists


def make(world, now=NOW, kind=ListKind.CRL):
    return world.revocation.lists.issue(kind, IAN, now)


def test_the_first_lists_are_empty_and_right(world):
    assert [each.reason for each in world.revocation.lists.due(NOW)] == [DueReason.NONE_YET, DueReason.NONE_YET]
    for kind, authority_key in ((ListKind.CRL, world.hierarchy.issuing_oca), (ListKind.ARL, world.hierarchy.root_oca)):
        made = make(world, kind=kind)
        read = CertificateList.from_der(made.der)
        assert (made.number, made.served, read.number, read.entries) == (1, True, 1, ())
        assert check_crl(read, issuer=authority_key.certificate, now=NOW) == []
        assert made.next_update - made.this_update == kind.period(ENVIRONMENT)
        assert world.revocation.lists.served(kind) == made
    assert world.revocation.lists.due(NOW) == []
    assert world.kinds()[-3:] == ["list.taken", "list.stored", "list.served"]


def test_a_revocation_is_on_the_next_list_with_its_reason(world):
    make(world)
    revoke(world)
    due = world.revocation.lists.due(NOW + 1 * SECOND)
    assert [(each.kind, each.reason, each.by) for each in due if each.kind is ListKind.CRL] == [
        (ListKind.CRL, DueReason.REVOCATION, NOW + HOUR)
    ]
    made = make(world, NOW + SECOND)
    found = {each.serial: (each.revoked_at, each.reason) for each in CertificateList.from_der(made.der).entries}
    assert found == {0x1007: (NOW, 1), 0x2000: (NOW, 1)}
    assert made.number == 2
    assert [each for each in world.revocation.lists.due(NOW + SECOND) if each.kind is ListKind.CRL] == []


def test_a_list_of_the_same_second_is_no_reason_for_another(world):
    revoke(world)
    make(world)
    assert [each for each in world.revocation.lists.due(NOW) if each.kind is ListKind.CRL] == []


def test_an_issuing_authority_is_listed_by_the_root(world):
    name = world.revocation.request(ask(issuer="TR", serial=0x51), ADA, NOW).name
    world.revocation.revoke(name, IAN, NOW)
    (entry,) = CertificateList.from_der(make(world, kind=ListKind.ARL).der).entries
    assert (entry.serial, entry.reason) == (0x51, 2)
    assert CertificateList.from_der(make(world).der).entries == ()


def test_an_expired_certificate_leaves_after_one_more_list(world):
    revoke(world)
    end = record().not_after
    make(world, end - DAY)
    for at, listed in ((end, True), (end + SECOND, True), (end + DAY, False)):
        entries = CertificateList.from_der(make(world, at).der).entries
        assert bool(entries) is listed, at


def test_a_serial_that_was_signed_and_never_kept_is_listed(world):
    lost = record(9)
    world.add(intents=(IntentRecord("T1", lost.serial, "r", b"t", lost.der, NOW - DAY),))
    (entry,) = CertificateList.from_der(make(world).der).entries
    assert (entry.serial, entry.revoked_at, entry.reason) == (lost.serial, NOW - DAY, 4)
    assert [each for each in world.revocation.lists.due(NOW) if each.kind is ListKind.CRL] == []


def test_a_serial_abandoned_late_makes_a_list_due(world):
    make(world)
    lost = record(9)
    world.add(intents=(IntentRecord("T1", lost.serial, "r", b"t", lost.der, NOW - DAY),))
    (due,) = (each for each in world.revocation.lists.due(NOW) if each.kind is ListKind.CRL)
    assert due.reason is DueReason.REVOCATION


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (datetime(2041, 3, 1, tzinfo=UTC), "ca_key_period_ended"),
        (datetime(2016, 2, 29, 23, 59, 59, tzinfo=UTC), "ca_key_not_yet_valid"),
    ],
)
def test_no_list_outside_the_period_of_the_authority(world, at, code):
    before = world.kinds()
    assert refused(lambda: make(world, at)) == [code]
    assert world.kinds() == [*before, "list.refused"]
    assert world.revocation.lists.served(ListKind.CRL) is None


def test_a_list_ends_with_its_authority(world):
    end = authority().not_after
    assert make(world, end - HOUR).next_update == end


def test_the_clock_does_not_go_back(world):
    make(world)
    assert refused(lambda: make(world, NOW - SECOND)) == ["clock_went_back"]
    assert world.revocation.lists.served(ListKind.CRL).number == 1


def test_only_an_issuer_makes_a_list(world):
    before = world.kinds()
    assert refused(lambda: world.revocation.lists.issue(ListKind.CRL, GWEN, NOW)) == ["capacity_missing"]
    assert world.kinds() == [*before, "list.refused"]
    assert make(world).number == 1


def test_a_number_lost_on_the_way_is_not_taken_again(store_url):
    class Lost(Exception):
        pass

    def lose(point):
        if point == "list-signed":
            raise Lost

    world = make_world(store_url, lose)
    with pytest.raises(Lost):
        make(world)
    world = make_world(store_url)
    assert world.revocation.lists.recover(NOW) == []
    assert make(world).number == 2


def test_the_list_before_is_served_until_the_new_one_is_kept(store_url):
    seen = {}
    world = make_world(store_url, lambda point: seen.update({point: world.revocation.lists.served(ListKind.CRL)}))
    first = make(world)
    seen.clear()
    make(world, NOW + SECOND)
    assert seen == {"list-taken": first, "list-signed": first, "K44": first}


def test_a_list_that_is_not_right_is_not_signed(world):
    first = make(world)
    revoke(world)
    again = record(serial=0x1007)
    world.add(intents=(IntentRecord("T1", again.serial, "r", b"t", again.der, NOW - DAY),))
    before = world.kinds()
    assert refused(lambda: make(world, NOW + SECOND)) == ["crl_serial_repeated"]
    assert world.kinds() == [*before, "list.refused"]
    assert world.revocation.lists.served(ListKind.CRL) == first


def test_a_list_for_another_key_than_the_authority_has_is_not_kept(world):
    wrong = replace(world.hierarchy.issuing_oca, signer=world.hierarchy.root_oca.signer)
    world.revocation.lists._hierarchy = replace(world.hierarchy, issuing_oca=wrong)
    assert refused(lambda: make(world)) == ["crl_signature_wrong"]
    assert world.revocation.lists.served(ListKind.CRL) is None
    assert world.revocation.lists.recover(NOW) == []


# foreign reader


def openssl(*arguments, code=0):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_openssl_reads_the_lists_and_heeds_them(world, tmp_path):
    revoke(world, serial=0x2000, circumstance=Circumstance.NOT_A_USER)
    lists, chain = [], []
    for kind in ListKind:
        (tmp_path / f"{kind}.der").write_bytes(make(world, kind=kind).der)
        openssl("crl", "-inform", "DER", "-in", tmp_path / f"{kind}.der", "-out", tmp_path / f"{kind}.pem")
        lists += ["-CRLfile", tmp_path / f"{kind}.pem"]
    for name, der in (
        ("root", world.hierarchy.root_oca.certificate.der),
        ("issuing", world.hierarchy.issuing_oca.certificate.der),
        ("good", world.certificate(0x1007).der),
        ("revoked", world.certificate(0x2000).der),
    ):
        (tmp_path / f"{name}.der").write_bytes(der)
        openssl("x509", "-inform", "DER", "-in", tmp_path / f"{name}.der", "-out", tmp_path / f"{name}.pem")
    text = openssl("crl", "-in", tmp_path / "crl.pem", "-noout", "-text")
    assert "Serial Number: 2000" in text
    assert "Cessation Of Operation" in text
    openssl("crl", "-in", tmp_path / "crl.pem", "-noout", "-CAfile", tmp_path / "issuing.pem", "-verify")
    at = int((NOW + HOUR).timestamp())
    chain = ["-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "issuing.pem", *lists, "-attime", at]
    check = ["verify", "-crl_check_all", "-x509_strict", *chain]
    assert "good.pem: OK" in openssl(*check, tmp_path / "good.pem")
    assert "certificate revoked" in openssl(*check, tmp_path / "revoked.pem", code=2)
    late = [*check[:-1], int((NOW + 3 * DAY).timestamp())]
    assert "CRL has expired" in openssl(*late, tmp_path / "good.pem", code=2)


def test_the_issuing_certificate_of_this_world_is_one():
    assert Certificate.from_der(authority().der).basic_constraints.ca
