"""The repository: what a search finds, what is never given out, companions over one key."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from smki.smki_certificates import BEGIN, DEVICE, DS, KA, NOW, SUPPLIER, SmallAuthority, record, repository_of
from trustcell.smki.rules.records import Family, Query, Status
from trustcell.vocab import Eui64, KeyUsage, Refused, RemotePartyRole

OTHER = Eui64.parse("90-B3-D5-1F-30-03-00-00")


@pytest.fixture(scope="module")
def authority():
    return SmallAuthority()


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, authority):
    """Six certificates: two suppliers, a renewal over the same key, a device, one that ends soon, one revoked."""
    records = {
        "ds": record(authority.organisation("ds")),
        "ka": record(authority.organisation("ka", usage=KA), purpose="pack-2024"),
        "renewed": record(authority.organisation("renewed", years=17, key_label="ds"), key_use=1, approvals=("A-1",)),
        "other": record(authority.organisation("other", entity=OTHER, role=RemotePartyRole.RECOVERY, years=1)),
        "revoked": record(authority.organisation("revoked", usage=KA), revoked_at=NOW, revocation_reason=1),
        "device": record(authority.device("device")),
    }
    repository = repository_of(tmp_path_factory.mktemp("repository"), *records.values())
    return repository, records


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"entity_id": SUPPLIER}, {"ds", "ka", "renewed", "revoked"}),
        ({"entity_id": DEVICE}, {"device"}),
        ({"role": RemotePartyRole.RECOVERY}, {"other"}),
        ({"role": 2, "key_usage": KA}, {"ka", "revoked"}),
        ({"key_usage": DS, "family": Family.ORGANISATION}, {"ds", "renewed", "other"}),
        ({"key": "ds"}, {"ds", "renewed"}),
        ({"ski": "ds"}, {"ds", "renewed"}),
        ({"serial": "other"}, {"other"}),
        ({"issuer": "D001"}, {"device"}),
        ({"status": Status.REVOKED}, {"revoked"}),
        ({"status": Status.IN_USE, "entity_id": SUPPLIER}, {"ds", "ka", "renewed"}),
        ({"purpose": "pack-2024"}, {"ka"}),
        ({"approval": "A-1"}, {"renewed"}),
        ({"expires_from": BEGIN, "expires_to": BEGIN + timedelta(days=366)}, {"other"}),
        ({"expires_from": BEGIN + timedelta(days=365 * 16), "family": Family.ORGANISATION}, {"renewed"}),
        ({"entity_id": Eui64(bytes(8))}, set()),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_each_criterion_finds_what_it_names(stocked, criteria, expected):
    repository, records = stocked
    for name in ("key", "ski", "serial"):
        if isinstance(criteria.get(name), str):
            criteria = {**criteria, name: getattr(records[criteria[name]], name)}
    found = repository.search(Query(**criteria), NOW)
    assert found.altered == ()
    assert {(each.issuer, each.serial) for each in found.records} == {
        (records[name].issuer, records[name].serial) for name in expected
    }


def test_what_is_found_comes_by_issuer_and_serial(stocked):
    repository, _ = stocked
    found = [(each.issuer, each.serial) for each in repository.search(Query(), NOW).records]
    assert found == sorted(found)
    assert len(found) == 6


def test_status_depends_on_the_moment(stocked):
    repository, records = stocked
    later = NOW.replace(year=2026)
    assert [each.serial for each in repository.search(Query(status=Status.EXPIRED), later).records] == [
        records["other"].serial
    ]
    assert repository.search(Query(status=Status.EXPIRED), NOW).records == ()


def test_retrieval_by_identity_and_by_serial_as_a_number(stocked):
    repository, records = stocked
    ds = records["ds"]
    assert repository.retrieve(ds.issuer, ds.serial, NOW).der == ds.der
    assert repository.retrieve_serial(ds.serial, NOW).der == ds.der
    assert repository.retrieve("TR", ds.serial, NOW) is None
    assert repository.retrieve_serial(1, NOW) is None


def test_companions_are_the_other_certificates_over_the_key(stocked):
    repository, records = stocked
    found = repository.companions(records["ds"], NOW).records
    assert [each.serial for each in found] == [records["renewed"].serial]
    assert found[0].ski == records["ds"].ski
    assert repository.companions(records["device"], NOW).records == ()


def test_a_serial_two_foreign_issuers_used_is_ambiguous_and_ours_wins(tmp_path, authority):
    shared = authority.organisation("ds")
    ours = record(shared)
    foreign = SmallAuthority("ZA", "Z1", "E357", seed="own")  # same labels, so the same serials
    theirs = record(foreign.organisation("ds"), imported=True)
    more = SmallAuthority("YA", "Y1", "Y357", seed="own")
    third = record(more.organisation("ds"), imported=True)
    assert ours.serial == theirs.serial == third.serial
    anchors = {**authority.anchors(), **foreign.anchors(), **more.anchors()}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with_ours = repository_of(tmp_path / "a", ours, theirs, third, anchors=anchors)
    assert with_ours.retrieve_serial(ours.serial, NOW).issuer == "T1"
    without = repository_of(tmp_path / "b", theirs, third, anchors=anchors)
    with pytest.raises(Refused) as refused:
        without.retrieve_serial(theirs.serial, NOW)
    assert refused.value.code == "serial_ambiguous"


# C14: a stored certificate that was altered is not given out, whatever was altered.

ALTERATIONS = {
    "octets": lambda r, a: {"der": r.der[:-1] + bytes([r.der[-1] ^ 1])},
    "octets cut": lambda r, a: {"der": r.der[:-1]},
    "another certificate": lambda r, a: {"der": a.organisation("another").der},
    "signed by nobody": lambda r, a: {"der": SmallAuthority(seed="stranger").organisation("x").der},
    "subject": lambda r, a: {"entity_id": OTHER},
    "role": lambda r, a: {"role": 1},
    "usage": lambda r, a: {"key_usage": KA},
    "key": lambda r, a: {"key": bytes(32)},
    "ski": lambda r, a: {"ski": bytes(8)},
    "end": lambda r, a: {"not_after": r.not_after + timedelta(days=3650)},
    "begin": lambda r, a: {"not_before": r.not_before - timedelta(days=1)},
    "family": lambda r, a: {"family": Family.DEVICE},
    "issuer": lambda r, a: {"issuer": "TR"},
}


@pytest.mark.parametrize("change", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_an_altered_certificate_is_not_given_out(tmp_path, authority, change):
    good = record(authority.organisation("good"))
    bad = record(authority.organisation("bad"))
    bad = replace(bad, **change(bad, authority))
    repository = repository_of(tmp_path, good, bad)
    with pytest.raises(Refused) as refused:
        repository.retrieve(bad.issuer, bad.serial, NOW)
    assert refused.value.code == "certificate_altered"
    found = repository.search(Query(), NOW)
    assert [each.serial for each in found.records] == [good.serial]
    assert {finding.code for finding in found.altered} == {"certificate_altered"}
    assert f"{bad.issuer}/{bad.serial:X}" in found.altered[0].field


def test_a_whole_forged_certificate_with_a_fitting_record_is_not_given_out(tmp_path):
    """Everything agrees with everything, but our authority never signed it."""
    forged = record(SmallAuthority(seed="stranger").organisation("forged"))
    repository = repository_of(tmp_path, forged)
    with pytest.raises(Refused) as refused:
        repository.retrieve(forged.issuer, forged.serial, NOW)
    assert refused.value.findings[0].field.endswith(".signature")


def test_our_own_certificate_under_an_authority_nobody_knows_is_not_given_out(tmp_path):
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    mine = record(stranger.organisation("mine"))
    theirs = record(stranger.organisation("theirs"), imported=True)
    repository = repository_of(tmp_path, mine, theirs)
    with pytest.raises(Refused):
        repository.retrieve(mine.issuer, mine.serial, NOW)
    assert repository.retrieve(theirs.issuer, theirs.serial, NOW) is not None, "imported without its issuer"


def test_authorities_of_the_store_check_what_they_issued(tmp_path):
    """Without anchors the issuer is looked for in the store; once it is there, its signature counts."""
    other = SmallAuthority("XA", "X1", "X357", seed="other")
    forged = record(SmallAuthority("XA", "X1", "X357", seed="forger").organisation("leaf"), imported=True)
    genuine = record(other.organisation("leaf"), imported=True)
    issuer = record(other.oca, imported=True)
    repository = repository_of(tmp_path, issuer, genuine, forged, anchors={})
    found = repository.search(Query(issuer="X1"), NOW)
    assert [each.der for each in found.records] == [genuine.der]
    assert len(found.altered) == 1


def test_an_anchor_beats_a_certificate_of_the_same_name_in_the_store(tmp_path, authority):
    """Who can write into the database can put an authority of our name there; it does not count."""
    forger = SmallAuthority(seed="forger")
    fake_issuer, forged = record(forger.oca), record(forger.organisation("leaf"))
    genuine = record(authority.organisation("leaf"))
    repository = repository_of(tmp_path, fake_issuer, forged, genuine)
    found = repository.search(Query(issuer="T1"), NOW)
    assert [each.der for each in found.records] == [genuine.der]


def test_an_imported_certificate_is_the_one_that_was_imported(tmp_path):
    """Its issuer is not known here, so the digest noted at the import has to do."""
    stranger = SmallAuthority("XA", "X1", "X357", seed="stranger")
    theirs = record(stranger.organisation("theirs"), imported=True)
    repository = repository_of(tmp_path, theirs)
    for sha256, right in (("0" * 64, False), (hashlib.sha256(theirs.der).hexdigest(), True)):
        with repository.store.transaction(NOW) as books:
            books.documents.put("import-note", f"X1/{theirs.serial:X}", {"sha256": sha256, "findings": []})
            books.audit.append("test", "note", {}, NOW)
        assert bool(repository.search(Query(), NOW).records) is right


def test_members_of_a_published_pack_are_known(tmp_path, authority):
    inside, outside = record(authority.organisation("inside")), record(authority.organisation("outside"))
    repository = repository_of(tmp_path, inside, outside)
    assert repository.in_pack([inside, outside]) == [False, False]
    with repository.store.transaction(NOW) as books:
        body = {"name": "P", "version": 1, "certificates": [["T1", f"{inside.serial:X}"]]}
        books.documents.put("pack", "P 1", body)
        books.audit.append("pack.published", "P", {}, NOW)
    assert repository.in_pack([inside, outside]) == [True, False]


def test_reading_writes_nothing(stocked):
    repository, records = stocked
    with repository.store.reading() as books:
        before = len(list(books.audit.entries()))
    repository.search(Query(entity_id=SUPPLIER), NOW)
    repository.retrieve_serial(records["ds"].serial, NOW)
    repository.companions(records["ds"], NOW)
    with repository.store.reading() as books:
        assert len(list(books.audit.entries())) == before


def test_key_usage_of_authorities_is_searchable(tmp_path, authority):
    repository = repository_of(tmp_path, record(authority.oca), record(authority.organisation("ds")))
    found = repository.search(Query(key_usage=KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN), NOW)
    assert [each.kind for each in found.records] == ["issuing OCA"]


def test_a_pack_is_what_was_issued_for_it_and_what_it_holds(tmp_path, authority):
    issued = record(authority.organisation("issued"), purpose="P")
    chosen = record(authority.organisation("chosen", usage=KA))
    elsewhere = record(authority.organisation("elsewhere"), purpose="Q")
    repository = repository_of(tmp_path, issued, chosen, elsewhere)
    with repository.store.transaction(NOW) as books:
        for name, member in (("P", chosen), ("R", elsewhere)):
            body = {"name": name, "version": 1, "certificates": [["T1", f"{member.serial:X}"]]}
            books.documents.put("pack", f"{name} 1", body)
        books.audit.append("pack.published", "P", {}, NOW)

    def serials(**criteria):
        return {each.serial for each in repository.search_pack("P", Query(**criteria), NOW).records}

    assert serials() == {issued.serial, chosen.serial}
    assert serials(key_usage=KA) == {chosen.serial}
    for criteria in ({"role": 1}, {"status": Status.REVOKED}, {"approval": "A"}, {"expires_to": NOW}, {"ski": b"x"}):
        assert serials(**criteria) == set()
    assert serials(expires_from=NOW, status=Status.IN_USE, role=2) == {issued.serial, chosen.serial}
    assert len(repository.search_pack("P", Query(limit=1), NOW).records) == 1
    assert repository.search_pack("none", Query(), NOW).records == ()
