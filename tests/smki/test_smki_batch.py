"""Batches of Device CSRs: a verdict for each item, and nothing for a batch that is refused as a whole (hostile P11)."""

import dataclasses
from collections import Counter
from datetime import timedelta

import pytest

from authority_world import DS, KA, SUPPLIER, device_csr, make_world, organisation_csr, p256, point
from smki.batch_world import batches_of, csr, device_records, entity, items, run, tally, verdicts
from trustcell import certs
from trustcell.governance.rules.canonical import digest
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.batch import BatchAsk, BatchItem, pack_items, unpack_items
from trustcell.smki.rules.records import Query, Status
from trustcell.smki.service.hierarchy import CaKey
from trustcell.smki.service.shapes import DeviceShapes
from trustcell.vocab import Clause, Refused


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def refused(code, act):
    with pytest.raises(Refused) as caught:
        act()
    assert [each.code for each in caught.value.findings] == [code]


def test_good_requests_become_certificates_that_stand_every_test(world):
    found = items(45)
    batches = batches_of(world)
    seen = []
    name = batches.submit(found, world["max"], world.now, BatchAsk("pack 7")).name
    done = batches.issue(name, world["ian"], lambda: world.now, lambda part, of: seen.append((part, of)))
    assert done.complete
    assert seen[0] == (0, 45)
    assert seen[-1] == (45, 45)
    assert [part for part, _ in seen] == sorted(part for part, _ in seen)
    assert tally(world, name) == {("SUCCESS", ""): 45}
    ca = world.hierarchy.issuing_dca.certificate
    for item, verdict, der in batches.results(name):
        asked, made = certs.load_csr(item.csr), certs.Certificate.from_der(der)
        assert certs.verify_signature(made, ca.public_key)
        assert not certs.check_profile(made, kind=certs.CertificateKind.DEVICE, policy=world.environment.device_policy)
        wanted = (asked.entity_id, asked.key_usage, asked.spki)
        assert (made.entity_id, made.key_usage, made.spki) == wanted
        assert (made.not_before, made.not_after) == (world.now, certs.NO_EXPIRY)
        assert verdict.serial == made.serial
        with world.store.reading() as books:
            record = books.certificates.get("D001", made.serial)
            entry = books.audit.about(f"D001/{made.serial:X}")
        assert record.der == der
        assert record.status(world.now) is Status.IN_USE
        assert (record.ski, record.key) == (made.subject_key_identifier, made.spki_sha256)
        assert record.request == f"{name}/{verdict.number}"
        assert [each.kind for each in entry] == ["certificate.issued"]
        assert entry[0].body["sha256"] == digest(der)
    with world.store.reading() as books:
        assert len(books.certificates.search(Query(purpose="pack 7"), world.now)) == 45


def test_each_bad_item_has_its_own_code_and_the_rest_is_issued(world):
    earlier = run(world, items(1, first=900))
    assert tally(world, earlier) == {("SUCCESS", ""): 1}
    with world.store.transaction(world.now) as books:
        books.revocations.bar(digest_of_key("d903"), "stolen", world.now)
        books.audit.append("test", "test", {}, world.now)
    good = items(30)
    good[4] = BatchItem("a.csr", csr(3))
    good[7] = BatchItem("b.csr", csr(7)[:-1] + bytes((csr(7)[-1] ^ 1,)))
    good[9] = BatchItem("c.csr", b"hello")
    good[11] = BatchItem("d.csr", organisation_csr(2, SUPPLIER, DS, "an organisation"))
    good[13] = BatchItem("e.csr", csr(900, device=901))
    good[15] = BatchItem("f.csr", csr(903))
    good[17] = BatchItem("g.csr", device_csr(SUPPLIER, DS, "of an organisation"))
    good[25] = BatchItem("h.csr", csr(2, device=55))
    name = run(world, good)
    told = {each.number - 1: (each.status, each.code) for each in verdicts(world, name) if each.status != "SUCCESS"}
    assert told == {
        4: ("CSR_ERROR", "public_key_in_use"),
        7: ("CSR_ERROR", "csr_signature_wrong"),
        9: ("CSR_ERROR", "csr_armour_malformed"),
        11: ("CSR_ERROR", "csr_subject_not_empty"),
        13: ("CSR_ERROR", "public_key_in_use"),
        15: ("CSR_ERROR", "public_key_barred"),
        17: ("INELIGIBLE", "entity_of_organisation"),
        25: ("CSR_ERROR", "public_key_in_use"),
    }
    assert len(device_records(world)) == 1 + 22
    assert all("L11.4(a)" in each.message for each in verdicts(world, name) if each.code == "public_key_in_use")
    kinds = Counter(kind for kind, subject in world.audit() if subject.startswith(f"{name}/"))
    assert kinds == {"issue.refused": 8}


def digest_of_key(label):
    return bytes.fromhex(digest(certs.spki_of(point(p256(label)))))


def test_a_key_in_another_family_is_recorded_and_no_obstacle(world):
    request = world.authority.submit(organisation_csr(2, SUPPLIER, DS, "shared"), Ask(), world["sam"], world.now)
    world.authority.issue(request.name, world["ian"], world.now)
    name = run(world, [BatchItem("a.csr", device_csr(entity(1), DS, "shared"))])
    (made,) = verdicts(world, name)
    assert made.status == "SUCCESS"
    with world.store.reading() as books:
        (entry,) = books.audit.about(f"D001/{made.serial:X}")
    assert [each["code"] for each in entry.body["warnings"]] == ["public_key_in_other_family"]


def test_a_device_has_so_many_certificates_and_no_more(world):
    environment = dataclasses.replace(world.environment, certificates_per_device=3)
    batches = batches_of(world, environment=environment, chunk=2)
    name = run(world, [BatchItem(f"{n}.csr", csr(n, device=1)) for n in range(6)], batches)
    assert [each.status for each in verdicts(world, name)] == ["SUCCESS"] * 3 + ["ISSUANCE_ANOMALY"] * 3
    assert {each.code for each in verdicts(world, name)[3:]} == {"device_certificate_limit"}


@pytest.mark.parametrize("count", [0, 51])
def test_a_batch_of_no_size_is_refused_as_a_whole(world, count):
    environment = dataclasses.replace(world.environment, batch_limit=50)
    batches, before = batches_of(world, environment=environment), world.audit()
    code = "batch_too_large" if count else "batch_empty"
    refused(code, lambda: batches.submit(items(count), world["max"], world.now))
    assert [kind for kind, _ in world.audit()[len(before) :]] == ["batch.refused"]
    assert not batches.batches()
    assert not device_records(world)
    assert batches.submit(items(50), world["max"], world.now).count == 50


def test_one_more_than_fifty_thousand_is_refused_as_a_whole(world):
    """P11, at the limit of the code book (SEC L8.2)."""
    many = [BatchItem(f"{number}.csr", b"no CSR") for number in range(50_001)]
    batches = batches_of(world)
    refused("batch_too_large", lambda: batches.submit(many, world["max"], world.now))
    assert not batches.batches()
    assert batches.submit(many[:-1], world["max"], world.now).count == 50_000


def test_two_items_of_one_name_or_one_too_long_refuse_the_whole(world):
    batches = batches_of(world)
    refused("batch_name_repeated", lambda: batches.submit([*items(1), *items(1)], world["max"], world.now))
    long = [BatchItem("a.csr", bytes(200_000))]
    refused("batch_too_long", lambda: batches.submit(long, world["max"], world.now))


def test_the_same_batch_again_is_the_one_that_is_there(world):
    name = run(world, items(5))
    before = world.audit()
    assert run(world, items(5)) == name
    assert world.audit() == before
    other = run(world, items(5), ask=BatchAsk("something else"))
    assert other != name
    assert tally(world, other) == {("CSR_ERROR", "public_key_in_use"): 5}


def test_only_an_aro_submits_and_only_an_issuer_who_is_not_he_issues(world):
    batches = batches_of(world)
    refused("capacity_missing", lambda: batches.submit(items(1), world["ian"], world.now))
    name = batches.submit(items(1), world["max"], world.now).name
    refused("separation_of_duties", lambda: batches.issue(name, world["max"], lambda: world.now))
    refused("capacity_missing", lambda: batches.issue(name, world["sam"], lambda: world.now))
    refused("auditor_states_nothing", lambda: batches.issue(name, world["otto"], lambda: world.now))
    refused("batch_unknown", lambda: batches.issue("00" * 32, world["ian"], lambda: world.now))
    assert not device_records(world)


def test_both_statements_are_kept_and_name_what_was_asked(world):
    found = items(3)
    name = run(world, found)
    with world.store.reading() as books:
        asked, issued = books.statements.about(name)
    assert (asked.statement.kind, asked.statement.actor) == ("batch.submit", "max")
    assert asked.statement.body["csrs_sha256"] == digest(pack_items(found))
    assert (issued.statement.kind, issued.statement.actor) == ("batch.issue", "ian")


def test_a_party_without_device_certificates_gets_none(world):
    register = world.governance

    class Narrow:
        """Governance, in which nobody subscribes for Device Certificates."""

        def __getattr__(self, name):
            return getattr(register, name)

        def register(self, books, as_of=None):
            found = register.register(books, as_of)
            parties = {n: dataclasses.replace(p, subscribes=frozenset({"iki"})) for n, p in found.parties.items()}
            return dataclasses.replace(found, parties=parties)

    from trustcell.smki.service.batch import Batches

    batches = Batches(world.store, Narrow(), world.environment, world.hierarchy, world.random, chunk=2)
    name = run(world, items(5), batches)
    assert tally(world, name) == {("INELIGIBLE", "subscriber_not_eligible"): 5}
    assert not device_records(world)


def test_ad_hoc_requests_are_for_suppliers_and_devices_that_are_known(world):
    run(world, [BatchItem("a.csr", csr(1, device=1))])
    batches, ask = batches_of(world), BatchAsk(ad_hoc=True)

    def ad_hoc(number, device, person):
        name = batches.submit([BatchItem("one.csr", csr(number, device=device))], world[person], world.now, ask).name
        batches.issue(name, world["ian"], lambda: world.now)
        (made,) = verdicts(world, name)
        return made.status, made.code

    assert ad_hoc(50, 1, "sam") == ("SUCCESS", "")
    assert ad_hoc(51, 2, "sam") == ("UNKNOWN_DEVICE", "device_unknown")
    assert ad_hoc(52, 1, "max") == ("INELIGIBLE", "ad_hoc_not_allowed")


def test_the_second_the_authority_ends_the_rest_is_coded(world):
    end = world.now + timedelta(seconds=30)
    moments = iter([world.now] * 60)
    dca = world.hierarchy.issuing_dca
    ending = dataclasses.replace(dca, record=dataclasses.replace(dca.record, not_after=end))
    batches = batches_of(world, hierarchy=dataclasses.replace(world.hierarchy, issuing_dca=ending))
    name = batches.submit(items(100), world["max"], world.now).name
    batches.issue(name, world["ian"], lambda: next(moments, end + timedelta(seconds=1)))
    found = [(each.status, each.code) for each in verdicts(world, name)]
    issued = found.count(("SUCCESS", ""))
    assert 20 < issued < 60
    assert found == [("SUCCESS", "")] * issued + [("CA_ERROR", "ca_key_period_ended")] * (100 - issued)
    assert len(device_records(world)) == issued


def test_one_octet_that_differs_from_the_twin_stops_issuing_before_the_key_is_used(world, monkeypatch):
    used = []
    sign = CaKey.sign
    monkeypatch.setattr(CaKey, "sign", lambda self, octets, now: used.append(octets) or sign(self, octets, now))
    shape_of = DeviceShapes.shape

    def altered(self, not_before, key_usage, hardware_type):
        shape = shape_of(self, not_before, key_usage, hardware_type)

        class Other:
            def tbs(self, serial, entity_id, key):
                made = bytearray(shape.splice.tbs(serial, entity_id, key))
                made[-1] ^= 1
                return bytes(made)

        return dataclasses.replace(shape, splice=Other())

    monkeypatch.setattr(DeviceShapes, "shape", altered)
    batches = batches_of(world)
    name = batches.submit(items(3), world["max"], world.now).name
    refused("twin_differs", lambda: batches.issue(name, world["ian"], lambda: world.now))
    assert not used
    assert not device_records(world)


def test_a_shape_that_the_lint_refuses_is_not_issued(world, monkeypatch):
    wrong = Clause("clause", "source").breach("profile_something", "field", "is wrong")
    monkeypatch.setattr("trustcell.certs.shape_check.check_profile", lambda *_, **__: [wrong])
    batches = batches_of(world)
    name = batches.submit(items(3), world["max"], world.now).name
    refused("profile_something", lambda: batches.issue(name, world["ian"], lambda: world.now))
    assert not verdicts(world, name)
    assert not device_records(world)


def test_a_random_source_that_repeats_itself_ends_in_a_code_and_never_in_one_serial_twice(world):
    batches = batches_of(world, random=lambda size: b"\x55" * size)
    name = run(world, items(4), batches)
    assert tally(world, name) == {("CA_ERROR", "serial_in_use"): 4}
    assert not device_records(world)
    single = run(world, items(1, first=50), batches_of(world, random=lambda size: b"\x55" * size))
    again = run(world, items(1, first=60), batches_of(world, random=lambda size: b"\x55" * size))
    assert tally(world, single) == {("SUCCESS", ""): 1}
    assert tally(world, again) == {("CA_ERROR", "serial_in_use"): 1}


def test_a_run_that_another_follows_writes_nothing_more(world):
    name = batches_of(world).submit(items(60), world["max"], world.now).name
    stopped = []

    def overtake(at):
        if at == "K47-unstored" and not stopped:
            stopped.append(at)
            batches_of(world).issue(name, world["ian"], lambda: world.now)

    refused("batch_taken_over", lambda: batches_of(world, overtake).issue(name, world["ian"], lambda: world.now))
    assert tally(world, name) == {("SUCCESS", ""): 60}
    assert len(device_records(world)) == 60


def test_a_key_that_another_batch_takes_meanwhile_is_refused_and_its_octets_given_up(world):
    first = batches_of(world).submit(items(6), world["max"], world.now).name
    done = []

    def other(at):
        if at == "K47-unstored" and not done:
            done.append(run(world, items(2), ask=BatchAsk("in between")))

    batches_of(world, other).issue(first, world["ian"], lambda: world.now)
    assert tally(world, done[0]) == {("SUCCESS", ""): 2}
    assert [(each.status, each.code) for each in verdicts(world, first)] == [
        ("CSR_ERROR", "public_key_in_use"),
        ("CSR_ERROR", "public_key_in_use"),
        *[("SUCCESS", "")] * 4,
    ]
    records = device_records(world)
    assert Counter(each.kind for each in records) == {"device": 6, "abandoned": 2}
    assert all(each.revoked_at for each in records if each.kind == "abandoned")


def test_an_aro_of_several_parties_names_one(world):
    from trustcell.smki.service.batch import _party

    refused("batch_party_unclear", lambda: _party(frozenset({"a", "b"}), ""))
    assert _party(frozenset({"a", "b"}), "b") == "b"
    assert _party(frozenset(), "") == ""


def test_items_are_packed_and_unpacked():
    found = [BatchItem("ä.csr", b""), BatchItem("b.csr", bytes(300))]
    assert unpack_items(pack_items(found)) == found
    with pytest.raises(ValueError, match="too early"):
        unpack_items(pack_items(found)[:-1])


def test_a_device_has_one_certificate_in_use_for_each_key_usage(tmp_path):
    """What a client of the repository counts on: the old one goes out of use as the new one comes."""
    world = make_world(tmp_path)
    run(world, [BatchItem("old.csr", csr(1, device=7)), BatchItem("agreement.csr", csr(2, device=7))])
    world.later(days=1)
    again = [BatchItem("new.csr", csr(3, device=7)), BatchItem("newest.csr", csr(5, device=7)), *items(3, first=10)]
    run(world, again)
    records = [each for each in device_records(world) if each.entity_id == entity(7)]
    status = Counter((each.key_usage, each.status(world.now).value) for each in records)
    assert status == {(DS, "I"): 1, (DS, "N"): 2, (KA, "I"): 1}
    in_use = next(each for each in records if each.key_usage == DS and each.superseded_at is None)
    assert in_use.key.hex() == digest(certs.load_csr(csr(5, device=7)).spki)
    assert {each.superseded_at for each in records if each.superseded_at is not None} == {world.now}
    others = [each for each in device_records(world) if each.entity_id != entity(7)]
    assert {each.superseded_at for each in others} == {None}
