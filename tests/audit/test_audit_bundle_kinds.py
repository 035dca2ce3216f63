"""Bundles of certificates nobody asked the OCA for: devices of a batch, authorities, people; and hash trees."""

import base64
import contextlib
import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.audit_world import Scene
from audit.test_audit_bundle import anchors, check, entry, flipped, forged, put, reworded, without
from authority_world import DS, device_csr
from trustcell.certs import CertificateKind
from trustcell.smki.rules.batch import BatchItem
from trustcell.smki.rules.hash_tree import path_of, root_of
from trustcell.smki.rules.hierarchy import AUTHORITIES
from trustcell.smki.rules.records import Query
from trustcell.smki.service.batch import Batches
from trustcell.smki.service.bundle import make_bundle
from trustcell.vocab import Eui64, Refused
from trustcell_audit.by_batch import _root

_EVERY = 7 if os.environ.get("TRUSTCELL_SOAK") else 97
KINDS = ("device", "root OCA", "issuing OCA", "root DCA", "issuing DCA", "ICA", "IKI")


def records(scene, kind: str):
    with scene.world.store.reading() as books:
        return books.certificates.search(Query(kind=kind), scene.world.now)


@pytest.fixture(scope="session")
def bundles(scene) -> dict[str, bytes]:
    return {kind: scene.bundle(records(scene, kind)[0]) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_of_each_kind_is_sound_offline(scene, bundles, kind):
    report = check(bundles[kind], *anchors(scene), heads=scene.heads.read_bytes())
    assert report.problems == []
    assert report.relied == []
    assert report.facts["kind"] == kind


def test_every_certificate_of_the_store_has_its_bundle(scene):
    with scene.world.store.reading() as books:
        every = list(books.certificates.all())
    assert len(every) >= 20
    for record in every:
        report = check(scene.bundle(record))
        assert report.problems == [], record.subject


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_octet_is_found_and_its_part_named(bundles, kind):
    octets = bytearray(bundles[kind])
    start = 0
    for number, line in enumerate(bundles[kind].splitlines(keepends=True), 1):
        for at in range(start, start + len(line) - 1, _EVERY):
            before = octets[at]
            octets[at] ^= 0x01
            problems = check(bytes(octets)).problems
            octets[at] = before
            assert problems, (number, at)
            if number > 2 and before ^ 0x01 != 0x0A:
                name = json.loads(line)["name"]
                assert f"part {name}, line {number}" in [problem.place for problem in problems]
        start += len(line)


def twin_exchanged(parts):
    """The twin of a certificate of another device and another moment."""
    parts["twin"] = flipped(parts["twin"])


BATCH = {
    "another item": (put("item", "number", value=lambda old: old + 1), "item_not_in_batch"),
    "another CSR": (put("item", "csr", value=flipped), "item_not_in_batch"),
    "another path": (put("item", "path", value=lambda old: old[::-1]), "item_not_in_batch"),
    "another batch": (put("batch", "name", value="00" * 32), "request_differs"),
    "another root": (put("batch", "body", "csrs_root", value="00" * 32), "batch_differs"),
    "another count": (put("batch", "body", "count", value=90), "item_not_in_batch"),
    "another requester": (put("batch", "body", "requester", value="ian"), "requester_differs"),
    "another party": (put("batch", "body", "party", value="dcc"), "not_authorised"),
    "no statement of who asked": (without("batch.submit"), "statement_missing"),
    "no statement of who issued": (without("batch.issue"), "statement_missing"),
    "one human being": (
        reworded("person.added", "ian", lambda s: s["body"].update(identity="max, sample person")),
        "separation_of_duties",
    ),
    "nobody may issue": (
        reworded("person.added", "ian", lambda s: s["body"].update(capacities=["ssc"])),
        "not_authorised",
    ),
    "a party without devices": (
        lambda parts: reworded(
            "party.added", parts["batch"]["body"]["party"], lambda s: s["body"].update(subscribes=["organisation"])
        )(parts),
        "subscriber_not_eligible",
    ),
    "no intent": (put("intent", value=None), "intent_missing"),
    "another intent": (put("intent", "octets", value=flipped), "intent_differs"),
    "the intent of another item": (
        put("intent", "body", "numbers", value=lambda old: [*old[1:], old[0]]),
        "intent_differs",
    ),
    "no twin": (put("twin", value=None), "twin_missing"),
    "another twin": (twin_exchanged, "audit_entry_differs"),
    "the certificate as its twin": (lambda parts: parts.update(twin=parts["certificate"]), "twin_signed_for_real"),
    "a twin of another kind": (
        lambda parts: parts.update(twin=parts["authorities"][0]["der"]),
        "twin_differs",
    ),
    "the key in another certificate": (
        put("holders", value=lambda old: [*old, old[0] | {"key_use": 1}]),
        "key_not_unique",
    ),
    "no audit entries": (put("audit", value=[]), "audit_entry_missing"),
    "an audit entry reworded": (
        entry("certificate.issued", lambda raw: raw["body"].update(item=raw["body"]["item"] + 1)),
        "audit_entry_differs",
    ),
    "other twins in the log": (
        entry("batch.intended", lambda raw: raw["body"].update(twins=["00" * 32])),
        "twin_differs",
    ),
    "another procedure": (put("procedure", value="by hand"), "procedure_unknown"),
    "a record of another device": (put("record", "entity_id", value="00db123400000099"), "record_differs"),
}


@pytest.mark.parametrize("name", BATCH)
def test_each_untruth_about_a_device_is_found(scene, bundles, name):
    edit, code = BATCH[name]
    problems = check(forged(scene, bundles["device"], edit)).problems
    assert code in {problem.code for problem in problems}, [str(problem) for problem in problems]


ROOT = next(row.label for row in AUTHORITIES if row.kind is CertificateKind.ROOT_OCA)
CEREMONY = {
    "another twin": (twin_exchanged, "audit_entry_differs"),
    "the certificate as its twin": (lambda parts: parts.update(twin=parts["certificate"]), "twin_signed_for_real"),
    "no twin": (put("twin", value=None), "twin_missing"),
    "another label": (put("label", value="root-dca"), "audit_entry_missing"),
    "rules of another policy": (put("rules", "policies", "device", value="1.2.3.4"), "rules_differ"),
    "one custodian": (
        entry("ceremony.certificate", lambda raw: raw["body"].update(custodians=["kate", "kate"])),
        "ceremony_custodians",
    ),
    "another key": (
        entry("ceremony.key", lambda raw: raw["body"].update(key="00" * 32)),
        "audit_entry_differs",
    ),
    "another key of its issuer": (
        entry("ceremony.key", lambda raw: raw["body"].update(key="00" * 32) if raw["subject"] == ROOT else None),
        "audit_entry_differs",
    ),
    "no audit entries": (put("audit", value=[]), "audit_entry_missing"),
    "issued later": (put("record", "issued_at", value="2017-01-01T00:00:00Z"), "record_differs"),
}


@pytest.mark.parametrize("name", CEREMONY)
def test_each_untruth_about_an_authority_is_found(scene, bundles, name):
    edit, code = CEREMONY[name]
    problems = check(forged(scene, bundles["issuing OCA"], edit)).problems
    assert code in {problem.code for problem in problems}, [str(problem) for problem in problems]


PERSON = {
    "another CSR": (put("csr", value=flipped), "csr_differs"),
    "another request": (put("record", "request", value="00" * 32), "request_differs"),
    "another twin": (twin_exchanged, "audit_entry_differs"),
    "no audit entries": (put("audit", value=[]), "audit_entry_missing"),
    "issued by nobody known": (
        entry("iki.issued", lambda raw: raw["body"].update(by="nobody")),
        "not_authorised",
    ),
    "issued by the ceremony": (
        entry("iki.issued", lambda raw: raw["body"].update(by="ceremony")),
        "issued_by_nobody",
    ),
    "the credential of another": (
        entry("iki.issued", lambda raw: raw["body"].update(certificate="00" * 32)),
        "audit_entry_differs",
    ),
}


@pytest.mark.parametrize("name", PERSON)
def test_each_untruth_about_a_person_is_found(scene, name):
    record = next(each for each in records(scene, "IKI") if each.subject.endswith("CN=ada"))
    edit, code = PERSON[name]
    problems = check(forged(scene, scene.bundle(record), edit)).problems
    assert code in {problem.code for problem in problems}, [str(problem) for problem in problems]


def test_a_credential_that_was_issued_and_not_yet_registered(scene, bundles):
    record = next(each for each in records(scene, "IKI") if each.subject.endswith("CN=ada"))
    report = check(forged(scene, scene.bundle(record), without("person.added", "ada")))
    assert report.problems == []
    assert any("nobody having used it" in each for each in report.relied)


class Stopped(Exception):
    """The process ends here."""


def test_a_batch_in_chunks_armoured_stopped_and_resumed_and_its_party_changed_since(tmp_path):
    """CSRs as people send them; later changes of the register do not spoil what was issued before."""
    scene = Scene(tmp_path)
    world, points = scene.world, []

    def stop(point: str) -> None:
        points.append(point)
        if points.count("K47-unstored") == 2:
            raise Stopped

    def batches(hook=lambda point: None):
        services = (world.store, world.governance, world.environment, world.hierarchy, world.random)
        return Batches(*services, hook=hook, chunk=4)

    entities = [Eui64((0x00DB123500000000 + number).to_bytes(8, "big")) for number in range(11)]
    ders = [device_csr(entity, DS, f"device {entity}") for entity in entities]
    texts = [base64.encodebytes(der) for der in ders]
    pems = [
        b"-----BEGIN NEW CERTIFICATE REQUEST-----\r\n%b-----END NEW CERTIFICATE REQUEST-----\r\n" % t for t in texts
    ]
    sent = [(ders, texts, pems)[number % 3][number] for number in range(11)]
    items = [BatchItem(f"{entity}.csr", csr) for entity, csr in zip(entities, sent, strict=True)]
    name = batches().submit(items, world["max"], scene.tick()).name
    with pytest.raises(Stopped):
        batches(stop).issue(name, world["ian"], scene.tick)
    assert batches().issue(name, world["ian"], scene.tick).complete
    with world.store.transaction(scene.tick()) as books:
        party = world.governance.register(books).parties["manufacturer"]
        world.governance.change_party(
            books, world["registrar"], "manufacturer", title=party.title, entities=party.entities,
            subscribes=["organisation"], now=world.now,
        )  # fmt: skip
    made = [each for each in records(scene, "device") if each.request.startswith(name)]
    assert len(made) == 11
    for record in made:
        report = check(scene.bundle(record), *anchors(scene), heads=scene.heads.read_bytes())
        assert report.problems == [], record.request
    world.close()


def refusal(scene, issuer: str, serial: int, database) -> str:
    with database.reading() as books, pytest.raises(Refused) as refused:
        make_bundle(
            books, scene.world.evidence, scene.world.environment, scene.audit_key, issuer, serial, scene.world.now
        )
    return refused.value.findings[0].code


def test_what_has_no_bundle_is_refused_by_name(scene, tmp_path):
    device, plain = records(scene, "device")[0], scene.plain
    copy = scene.copy(tmp_path)
    copy.sql("UPDATE certificate SET kind = 'abandoned' WHERE serial = :serial", serial=wide(device))
    copy.sql("UPDATE certificate SET imported = 1 WHERE serial = :serial", serial=wide(plain))
    copy.sql("UPDATE certificate SET request = 'x' WHERE serial = :serial", serial=wide(scene.long))
    with contextlib.closing(copy.store()) as store:
        assert refusal(scene, "T1", 7, store) == "certificate_unknown"
        assert refusal(scene, device.issuer, device.serial, store) == "certificate_abandoned"
        assert refusal(scene, plain.issuer, plain.serial, store) == "certificate_imported"
        assert refusal(scene, scene.long.issuer, scene.long.serial, store) == "certificate_without_papers"


def wide(record) -> bytes:
    return record.serial.to_bytes(20, "big")


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_each_item_of_a_hash_tree_is_proven_in_its_place_and_no_other(items, data):
    number = data.draw(st.integers(1, len(items)))
    root, path = root_of(items), path_of(items, number)
    assert _root(items[number - 1], number, len(items), path) == root
    other = data.draw(st.integers(0, len(items) + 2))
    if other != number and not (1 <= other <= len(items) and items[other - 1] == items[number - 1]):
        assert _root(items[number - 1], other, len(items), path) != root
    assert _root(items[number - 1] + b"x", number, len(items), path) != root
    assert _root(items[number - 1], number, len(items), [*path, "00" * 32]) != root


def test_the_hash_tree_is_that_of_the_rfc():
    """RFC 6962 2.1 by hand: three leaves, the third goes up as it is."""

    def node(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    a, b, c = (node(b"\x00", leaf) for leaf in (b"a", b"b", b"c"))
    assert root_of([b"a", b"b", b"c"]) == node(b"\x01", node(b"\x01", a, b), c).hex()
    assert path_of([b"a", b"b", b"c"], 3) == [node(b"\x01", a, b).hex()]
    assert root_of([]) == hashlib.sha256().hexdigest()
