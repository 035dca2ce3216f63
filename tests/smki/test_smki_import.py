"""Import of other authorities' certificates: each trap of real data is named, nothing is put right silently (C15)."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from smki.smki_certificates import BEGIN, DEVICE, ENVIRONMENT, KA, NOW, SmallAuthority, record, repository_of
from trustcell import certs
from trustcell.adapters.foreign import foreign_items
from trustcell.app.lab_facts import zaz1
from trustcell.smki.rules.foreign import ForeignItem, Outcome, judge
from trustcell.smki.rules.records import Family, Query, Status
from trustcell.smki.service.importing import take_in
from trustcell.vocab import Eui64, KeyUsage, WireError


def take(repository, items, pins=(), now=NOW):
    with repository.store.transaction(now) as books:
        imported = take_in(repository, books, items, now, pins)
        books.audit.append("test", "import", {}, now)
    repository.refresh()
    return imported


def codes(verdict):
    return {finding.code for finding in verdict.findings}


def item(certificate, where="here", **label):
    return ForeignItem(where, certificate.der, **label)


@pytest.fixture(scope="module")
def public(shared, tmp_path_factory):
    """The two public key files and the Z1 certificate, with the keys of Z1 and E357 known, nothing pinned."""
    facts = zaz1()
    anchors = {name: (certs.spki_of(point),) for name, point in facts.authorities.items()}
    repository = repository_of(tmp_path_factory.mktemp("public"), anchors=anchors)
    items = [ForeignItem("Z1", facts.issuing)]
    items += foreign_items(shared / "zaz1-test-keys.json") + foreign_items(shared / "rtds" / "keys.json")
    return repository, take(repository, items)


def by_label(public, label):
    return next(verdict for verdict in public[1].verdicts if label in verdict.item.where)


def test_t4_self_signed_that_claim_z1_are_left_out_unless_pinned(public, shared, tmp_path):
    verdicts = [verdict for verdict in public[1].verdicts if "self_signed_claims_issuer" in codes(verdict)]
    assert len(verdicts) == 6
    assert {verdict.outcome for verdict in verdicts} == {Outcome.LEFT_OUT}
    assert "xml-sign-90B3D51F30010000-ds" in by_label(public, "xml-sign-90B3D51F30010000-ds").item.where
    first, second = (each for each in verdicts[:2])
    pins = {first.certificate.sha256.hex()}
    repository = repository_of(tmp_path, anchors=public[0].anchors)
    z1 = ForeignItem("Z1", zaz1().issuing)
    imported = take(repository, [z1, first.item, second.item], pins)
    assert [verdict.outcome for verdict in imported.verdicts] == [Outcome.KEPT, Outcome.PINNED, Outcome.LEFT_OUT]
    kept = repository.retrieve("Z1", first.certificate.serial, NOW)
    assert kept.der == first.certificate.der
    note = repository.note(kept)
    assert note.pinned
    assert {finding["code"] for finding in note.findings} >= {"self_signed_claims_issuer", "profile_aki_missing"}


def test_a_pinned_certificate_is_still_checked_against_its_own_key(public, tmp_path):
    """A pin says whose octets, not that any octets do."""
    verdict = next(v for v in public[1].verdicts if "self_signed_claims_issuer" in codes(v))
    der = bytearray(verdict.certificate.der)
    der[-1] ^= 1
    forged = bytes(der)
    repository = repository_of(tmp_path, anchors=public[0].anchors)
    z1 = ForeignItem("Z1", zaz1().issuing)
    imported = take(repository, [z1, ForeignItem("forged", forged)], {hashlib.sha256(forged).hexdigest()})
    assert imported.verdicts[1].outcome is Outcome.LEFT_OUT
    assert "signature_not_by_issuer" in codes(imported.verdicts[1])


def test_t5_issuer_in_another_string_type_is_flagged_and_matched(public):
    verdict = by_label(public, "xml-sign-90B3D51F30020000-ds")
    assert "profile_issuer_string_type" in codes(verdict)
    assert by_label(public, "(Z1-supplier-ds)").findings == ()


def test_t6_non_minimal_signatures_are_flagged_and_the_octets_kept(public):
    flagged = [v for v in public[1].verdicts if "profile_signature_nonminimal" in codes(v)]
    assert {str(v.certificate.entity_id) for v in flagged} == {"00-DB-12-34-56-78-90-23", "00-DB-12-34-56-78-90-9B"}
    assert {v.outcome for v in flagged} == {Outcome.KEPT}
    for verdict in flagged:
        kept = public[0].retrieve("E357", verdict.certificate.serial, NOW)
        assert kept.der == verdict.item.der, "as it came, not re-encoded"


def test_t7_null_algorithm_parameters_have_a_name(public):
    for label in ("mdr-ds", "mdr-ka"):
        verdict = by_label(public, label)
        assert (verdict.outcome, codes(verdict)) == (Outcome.LEFT_OUT, {"certificate_null_algorithm_parameters"})


def test_t8_empty_basic_constraints_are_accepted_and_flagged(public):
    verdict = by_label(public, "(otherUser-ds)")
    assert verdict.outcome is Outcome.KEPT
    assert "profile_basic_constraints_present" in codes(verdict)


def test_t9_the_certificate_counts_not_the_label(public):
    verdict = next(v for v in public[1].verdicts if "label_differs" in codes(v))
    assert str(verdict.item.entity_id) == "90-B3-D5-1F-30-00-00-07"
    assert str(verdict.certificate.entity_id) == "90-B3-D5-1F-30-03-00-00"
    found = public[0].search(Query(entity_id=Eui64.parse("90b3d51f30000007"), key_usage=KA), NOW)
    assert found.records == (), "the WAN provider has no Key Agreement certificate"


def test_t10_entries_without_a_certificate_have_a_name(public):
    missing = [v for v in public[1].verdicts if codes(v) == {"certificate_missing"}]
    assert len(missing) == 3
    assert {v.outcome for v in missing} == {Outcome.LEFT_OUT}


def test_t2_repeated_keys_are_taken_in_and_counted(shared, tmp_path):
    """The 2025 renewals reuse keys; the rule of L11.4 is about issuing."""
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    first, again = stranger.organisation("first"), stranger.organisation("again", key_label="first")
    repository = repository_of(tmp_path)
    imported = take(repository, [item(stranger.root), item(stranger.oca), item(first), item(again)])
    assert [verdict.outcome for verdict in imported.verdicts] == [Outcome.KEPT] * 4
    records = repository.search(Query(key=first.spki_sha256), NOW).records
    assert sorted(each.key_use for each in records) == [0, 1]
    assert all(each.imported for each in records)


def test_everything_public_is_either_kept_or_has_a_reason(public):
    repository, imported = public
    assert len(imported.verdicts) == 1 + 33 + 419
    for verdict in imported.verdicts:
        assert verdict.outcome is not Outcome.LEFT_OUT or verdict.findings, verdict.item.where
    found = repository.search(Query(), NOW)
    assert found.altered == ()
    assert len(found.records) == imported.count(Outcome.KEPT) > 420


def test_what_is_here_already_is_not_taken_twice(public, tmp_path):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    repository = repository_of(tmp_path)
    take(repository, [item(stranger.root), item(stranger.oca)])
    imported = take(repository, [item(stranger.oca), item(stranger.oca)])
    assert [verdict.outcome for verdict in imported.verdicts] == [Outcome.HELD, Outcome.HELD]
    assert len(repository.search(Query(), NOW).records) == 2


def test_certificates_of_our_own_authorities_are_not_imported(tmp_path):
    repository = repository_of(tmp_path)
    for certificate in (SmallAuthority().organisation("x"), SmallAuthority(seed="forger").organisation("x")):
        verdict = take(repository, [item(certificate)]).verdicts[0]
        assert verdict.outcome is Outcome.LEFT_OUT
        assert "claims_our_issuer" in codes(verdict)
    assert repository.search(Query(), NOW).records == ()


def test_another_certificate_under_a_serial_in_use_is_left_out(tmp_path):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    genuine = stranger.organisation("leaf")
    repository = repository_of(tmp_path)
    take(repository, [item(stranger.root), item(stranger.oca), item(genuine)])
    twin = replace_serial(stranger)
    assert (twin.serial, twin.der == genuine.der) == (genuine.serial, False)
    verdict = take(repository, [item(twin)]).verdicts[0]
    assert verdict.outcome is Outcome.LEFT_OUT
    assert "serial_in_use" in codes(verdict)
    assert repository.retrieve("X1", genuine.serial, NOW).der == genuine.der


def replace_serial(authority):
    """Another certificate with the serial of ``leaf``."""
    return authority.organisation("leaf", key_label="other key")


def test_a_wrong_signature_is_left_out(tmp_path):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    forged = SmallAuthority("XA", "X1", "X357", seed="forger").organisation("leaf")
    repository = repository_of(tmp_path)
    imported = take(repository, [item(forged), item(stranger.oca), item(stranger.root)])
    assert [verdict.outcome for verdict in imported.verdicts] == [Outcome.LEFT_OUT, Outcome.KEPT, Outcome.KEPT]
    assert "signature_not_by_issuer" in codes(imported.verdicts[0]), "checked although its issuer stood behind it"


def test_an_unknown_issuer_is_flagged(tmp_path):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    repository = repository_of(tmp_path)
    verdict = take(repository, [item(stranger.organisation("leaf"))]).verdicts[0]
    assert (verdict.outcome, "issuer_unknown" in codes(verdict)) == (Outcome.KEPT, True)
    kept = repository.search(Query(), NOW).records[0]
    assert repository.note(kept).sha256 == verdict.certificate.sha256.hex()


def test_a_root_that_did_not_sign_itself_is_left_out(tmp_path):
    der = bytearray(SmallAuthority("XA", "X1", "X357", seed="stranger").root.der)
    der[-1] ^= 1
    repository = repository_of(tmp_path)
    verdict = take(repository, [ForeignItem("root", bytes(der))]).verdicts[0]
    assert verdict.outcome is Outcome.LEFT_OUT


def test_of_two_certificates_of_a_device_and_usage_one_is_in_use(tmp_path):
    """Whatever the order in which they come: two in use make every lookup of a client fail."""
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    old = stranger.device("old", begin=BEGIN)
    new = stranger.device("new", begin=BEGIN + timedelta(days=30))
    other_usage = stranger.device("ka", usage=KA)
    for number, order in enumerate(((old, new, other_usage), (new, old, other_usage))):
        (tmp_path / str(number)).mkdir()
        repository = repository_of(tmp_path / str(number))
        take(repository, [item(each) for each in order])
        query = Query(entity_id=DEVICE, family=Family.DEVICE, status=Status.IN_USE)
        in_use = repository.search(query, NOW).records
        assert {each.der for each in in_use} == {new.der, other_usage.der}
        gone = repository.search(replace(query, status=Status.NOT_IN_USE), NOW).records
        assert [each.der for each in gone] == [old.der]


def test_labels_that_fit_are_not_mentioned(tmp_path):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    leaf = stranger.organisation("leaf", usage=KA)
    repository = repository_of(tmp_path)
    fits, differs = (
        item(leaf, entity_id=leaf.entity_id, key_usage=usage) for usage in (KA, KeyUsage.DIGITAL_SIGNATURE)
    )
    take(repository, [item(stranger.root), item(stranger.oca)])
    assert take(repository, [fits]).verdicts[0].findings == ()
    other = stranger.organisation("leaf2", usage=KA)
    verdict = take(repository, [replace(differs, der=other.der)]).verdicts[0]
    assert codes(verdict) == {"label_differs"}


def test_the_manifest_says_what_became_of_each(public):
    repository, imported = public
    with repository.store.reading() as books:
        body, octets = books.documents.get("import", imported.manifest)
    assert hashlib.sha256(octets).hexdigest() == imported.manifest
    assert octets.count(b'"outcome":"left-out"') == imported.count(Outcome.LEFT_OUT)
    assert body == {"items": 453, "kept": imported.count(Outcome.KEPT)}


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("text", b"no certificate at all!"),
        ("empty.json", b"[]"),
        ("list.json", b"[1]"),
        ("cut.json", b'[{"eui64": '),
        ("deep.json", b"[" * 100_000),
        ("cut.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n"),
    ],
)
def test_files_that_are_none_of_it_are_named(tmp_path, name, octets):
    (tmp_path / name).write_bytes(octets)
    with pytest.raises(WireError) as refused:
        foreign_items(tmp_path / name)
    assert refused.value.code == "import_format"
    assert name in refused.value.path


def test_pem_der_and_key_store_files_are_read(tmp_path, shared):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    leaf = stranger.organisation("leaf")
    pem = [certificate.x509.public_bytes(encoding()).decode() for certificate in (stranger.root, leaf)]
    (tmp_path / "bundle.pem").write_text("".join(pem))
    (tmp_path / "leaf.cer").write_bytes(leaf.der)
    assert [each.der for each in foreign_items(tmp_path / "bundle.pem")] == [stranger.root.der, leaf.der]
    assert [each.der for each in foreign_items(tmp_path / "leaf.cer")] == [leaf.der]
    assert not any("private" in repr(each) for each in foreign_items(shared / "zaz1-test-keys.json"))


def encoding():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.PEM


def test_the_environment_names_its_authorities():
    from trustcell.smki.service.importing import authorities

    assert authorities(ENVIRONMENT) == {"TR", "T1", "TD", "D001", "TI"}
    assert record(SmallAuthority().oca).issuer in authorities(ENVIRONMENT)


def test_a_serial_no_store_can_hold_is_left_out():
    leaf = SmallAuthority("XA", "X1", "X357", seed="stranger").organisation("leaf")
    for serial, outcome in ((2**160 - 1, Outcome.KEPT), (2**160, Outcome.LEFT_OUT)):
        certificate = replace(leaf, serial=serial)
        verdict = judge(item(leaf), certificate, issuers={}, ours=(), held=None, pins=())
        assert verdict.outcome is outcome
        assert ("serial_too_long" in codes(verdict)) == (outcome is Outcome.LEFT_OUT)
