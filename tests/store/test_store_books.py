"""One contract for the books on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from store.store_world import (
    FOREVER,
    MAX_SERIAL,
    NOW,
    certificate,
    decision,
    digest,
    intent,
    organisation,
    request,
    revocation_list,
    statement,
    writing,
)  # fmt: skip
from trustcell.adapters.store import SqlStore
from trustcell.smki.rules.records import Family, ItemVerdict, Query, RequestState, Status
from trustcell.vocab import Eui64, KeyUsage, Refused

SERIALS = (1, 127, 128, 255, 256, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**127, 2**158, MAX_SERIAL)


def refused(store: SqlStore, dump: Callable[[], str], code: str, write: Callable[..., object]) -> None:
    """A refusal with this code that left nothing behind."""
    before = dump()
    with pytest.raises(Refused) as found, writing(store) as books:
        write(books)
    assert found.value.code == code
    assert all(each.clause and each.field and each.remedy for each in found.value.findings)
    assert dump() == before


# ---- certificates ----


def test_a_certificate_comes_back_as_it_was(store: SqlStore) -> None:
    made = [
        certificate(1),
        organisation(2, lodged_at=None, accepted=True, superseded_at=NOW, key_use=3),
        organisation(3, accepted=False, revoked_at=NOW, revocation_reason=1, revocation_circumstance="compromise"),
        organisation(4, issued_at=NOW + timedelta(microseconds=1), imported=True, entity_id=None, role=None),
    ]
    with writing(store) as books:
        books.certificates.add_many(made)
    with store.reading() as books:
        assert [books.certificates.get(each.issuer, each.serial) for each in made] == made
        assert books.certificates.get("D001", 5) is None
        assert books.certificates.get("T1", 1) is None


def test_serials_are_exact_and_in_order_up_to_159_bits(store: SqlStore) -> None:
    with writing(store) as books:
        books.certificates.add_many([certificate(serial) for serial in reversed(SERIALS)])
        books.certificates.add_many([organisation(serial) for serial in SERIALS])
    with store.reading() as books:
        everything = list(books.certificates.all())
        assert [(each.issuer, each.serial) for each in everything] == [
            (issuer, serial) for issuer in ("D001", "T1") for serial in SERIALS
        ]
        assert [each.serial for each in books.certificates.search(Query(issuer="D001"), NOW)] == list(SERIALS)
        assert list(books.certificates.all(("D001", 2**63))) == everything[SERIALS.index(2**63) + 1 :]
        assert list(books.certificates.all(("T1", MAX_SERIAL))) == []
        for serial in SERIALS:
            assert books.certificates.get("T1", serial) == organisation(serial)
            found = books.certificates.search(Query(serial=serial), NOW)
            assert [each.issuer for each in found] == ["D001", "T1"]


def test_all_reads_on_beyond_one_chunk(store: SqlStore) -> None:
    with writing(store) as books:
        books.certificates.add_many([certificate(serial) for serial in range(1, 2502)])
    with store.reading() as books:
        assert [each.serial for each in books.certificates.all()] == list(range(1, 2502))
        assert [each.serial for each in books.certificates.all(("D001", 999))] == list(range(1000, 2502))


def test_a_key_stands_once_in_its_family(store: SqlStore, dump: Callable[[], str]) -> None:
    with writing(store) as books:
        books.certificates.add(organisation(1))
    key = organisation(1).key
    refused(store, dump, "public_key_in_use", lambda b: b.certificates.add(organisation(2, key=key)))
    refused(store, dump, "serial_in_use", lambda b: b.certificates.add(organisation(1, key=digest("other"))))
    twice = [organisation(5), certificate(6), certificate(6, key=key)]
    repeated = [organisation(3), organisation(4, key=organisation(3).key)]
    refused(store, dump, "public_key_in_use", lambda b: b.certificates.add_many(repeated))
    refused(store, dump, "serial_in_use", lambda b: b.certificates.add_many(twice))
    with writing(store) as books:
        books.certificates.add(certificate(7, key=key))  # another family
        books.certificates.add(organisation(8, key=key, key_use=1))
        books.certificates.add(organisation(9, key=key, key_use=-1, kind="abandoned"))
        books.certificates.add(organisation(10, key=key, imported=True))
        books.certificates.add(organisation(11, key=key, imported=True))
    with store.reading() as books:
        assert [each.serial for each in books.certificates.with_key(key)] == [1, 7, 8, 9, 10, 11]
        assert [each.serial for each in books.certificates.with_key(key, Family.DEVICE)] == [7]
        assert books.certificates.with_key(digest("none")) == []
    refused(store, dump, "public_key_in_use", lambda b: b.certificates.add(organisation(12, key=key, key_use=1)))


def test_a_refused_add_leaves_the_transaction_usable(store: SqlStore) -> None:
    with writing(store) as books:
        books.certificates.add(certificate(1))
        with pytest.raises(Refused):
            books.certificates.add_many([certificate(2), certificate(3, key=certificate(1).key)])
        books.certificates.add(certificate(2))
    with store.reading() as books:
        assert [each.serial for each in books.certificates.all()] == [1, 2]


def test_every_refused_certificate_is_named(store: SqlStore) -> None:
    made = [certificate(serial) for serial in range(1, 5)]
    with writing(store) as books:
        books.certificates.add_many(made[:2])
    again = [*(replace(each, serial=each.serial + 100) for each in made[:2]), made[3]]
    with pytest.raises(Refused) as found, writing(store) as books:
        books.certificates.add_many(again)
    assert [int(each.facts["serial"], 16) for each in found.value.findings] == [101, 102]


def test_keys_in_use_of_one_family(store: SqlStore) -> None:
    with writing(store) as books:
        books.certificates.add_many([certificate(serial) for serial in range(1, 1201)])
        books.certificates.add(organisation(1, key=digest("organisation")))
        books.certificates.add(certificate(2001, imported=True))
    keys = [digest(number) for number in (1, 600, 1200, 1201, 2001, "organisation")]
    many = [digest(f"none {number}") for number in range(1500)]
    with store.reading() as books:
        used = books.certificates.keys_in_use
        assert used(Family.DEVICE, keys + many) == {digest(1), digest(600), digest(1200), digest(2001)}
        assert used(Family.ORGANISATION, many + keys) == {digest("organisation")}
        assert used(Family.IKI, keys) == used(Family.DEVICE, []) == set()


def test_questions_about_many_at_once(store: SqlStore) -> None:
    entity = Eui64(b"\xfe" * 8)
    with writing(store) as books:
        books.certificates.add_many([certificate(serial, request=f"r{serial}") for serial in range(1, 1201)])
        books.certificates.add(organisation(MAX_SERIAL, key=digest(7), entity_id=entity))
        books.certificates.add(organisation(2, key=digest(7), key_use=1, entity_id=entity, request="again"))
        books.certificates.add(organisation(3, key=digest(8), imported=True, entity_id=entity, request="foreign"))
        books.certificates.add(organisation(4, key_use=-1, entity_id=entity, kind="abandoned"))
        books.revocations.bar(digest(7), "compromised", NOW)
    many = [digest(f"none {number}") for number in range(1500)]
    with store.reading() as books:
        found = books.certificates.holders([*many, digest(7), digest(8), digest(1200)])
        assert {key: sorted(held) for key, held in found.items()} == {
            digest(7): [(Family.DEVICE, "r7"), (Family.ORGANISATION, "ab" * 32), (Family.ORGANISATION, "again")],
            digest(8): [(Family.DEVICE, "r8"), (Family.ORGANISATION, "foreign")],
            digest(1200): [(Family.DEVICE, "r1200")],
        }
        assert books.certificates.holders([]) == {}
        serials = [*range(1000, 3000), MAX_SERIAL, 2]
        assert books.certificates.serials_in_use("D001", serials) == {2, *range(1000, 1201)}
        assert books.certificates.serials_in_use("T1", serials) == {2, MAX_SERIAL}
        entities = [entity, certificate(5).entity_id, Eui64(bytes(8))]
        assert books.certificates.issued_counts(entities, Family.ORGANISATION) == {entity: 3}
        assert books.certificates.issued_counts(entities, Family.DEVICE) == {certificate(5).entity_id: 1}
        assert books.revocations.barred_many([*many, digest(7)]) == {digest(7): "compromised"}


def test_only_the_fields_that_may_change_are_updated(store: SqlStore) -> None:
    made = organisation(MAX_SERIAL, lodged_at=None)
    with writing(store) as books:
        books.certificates.add_many([made, organisation(1)])
    later = replace(
        made, lodged_at=NOW, accepted=True, superseded_at=NOW, revoked_at=NOW, revocation_reason=0,
        revocation_circumstance="4.9.1(A)(i)",
    )  # fmt: skip
    with writing(store) as books:
        books.certificates.update(replace(later, der=b"other", not_after=FOREVER, key=digest("other")))
    with store.reading() as books:
        assert books.certificates.get("T1", MAX_SERIAL) == later
        assert books.certificates.get("T1", 1) == organisation(1)
    with pytest.raises(KeyError), writing(store) as books:
        books.certificates.update(organisation(2))


def test_how_many_a_subject_has_had(store: SqlStore) -> None:
    entity = Eui64(b"\xff" * 8)
    with writing(store) as books:
        books.certificates.add_many([certificate(serial, entity_id=entity) for serial in (1, 2, 3)])
        books.certificates.add(organisation(4, entity_id=entity))
        books.certificates.add(certificate(5))
    with store.reading() as books:
        assert books.certificates.issued_to(entity, Family.DEVICE) == 3
        assert books.certificates.issued_to(entity, Family.ORGANISATION) == 1
        assert books.certificates.issued_to(entity, Family.IKI) == 0


SEARCHABLE = {
    1: certificate(1, lodged_at=NOW),
    2: certificate(2, key_usage=KeyUsage.KEY_AGREEMENT, entity_id=Eui64(b"\x80" + bytes(7)), purpose="batch"),
    3: organisation(3),
    4: organisation(4, superseded_at=NOW, approvals=("A-2",), purpose=""),
    5: organisation(5, revoked_at=NOW, approvals=(), role=3, lodged_at=None),
    6: organisation(6, not_after=NOW - timedelta(microseconds=1), purpose=""),
    7: organisation(7, not_after=NOW, kind="authority", key_usage=KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN),
    8: organisation(8, family=Family.IKI, kind="iki", issuer="TI", role=None, lodged_at=None, imported=True),
}
QUERIES = [
    (Query(), {1, 2, 3, 4, 5, 6, 7, 8}),
    (Query(entity_id=SEARCHABLE[2].entity_id), {2}),
    (Query(role=2), {3, 4, 6, 7}),
    (Query(role=3), {5}),
    (Query(key_usage=KeyUsage.KEY_AGREEMENT), {2}),
    (Query(key_usage=KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN), {7}),
    (Query(key=digest(8)), {8}),
    (Query(key=digest(4)), {4}),
    (Query(ski=digest(3)[:20]), {3}),
    (Query(issuer="T1"), {3, 4, 5, 6, 7}),
    (Query(serial=4), {4}),
    (Query(issuer="TI", serial=4), set()),
    (Query(family=Family.IKI), {8}),
    (Query(family=Family.DEVICE), {1, 2}),
    (Query(kind="authority"), {7}),
    (Query(status=Status.IN_USE), {1, 3, 7}),
    (Query(status=Status.PENDING), {2, 8}),
    (Query(status=Status.NOT_IN_USE), {4}),
    (Query(status=Status.EXPIRED), {6}),
    (Query(status=Status.REVOKED), {5}),
    (Query(expires_from=NOW, expires_to=NOW), {7}),
    (Query(expires_to=NOW), {6, 7}),
    (Query(expires_from=NOW + timedelta(days=1)), {1, 2, 3, 4, 5, 8}),
    (Query(expires_from=FOREVER, expires_to=FOREVER), {1, 2}),
    (Query(purpose="batch"), {2}),
    (Query(purpose=""), {1, 4, 6}),
    (Query(approval="A-1"), {3, 6, 7, 8}),
    (Query(approval="A-2"), {3, 4, 6, 7, 8}),
    (Query(approval="A-3"), set()),
    (Query(role=2, status=Status.IN_USE, purpose="pack", approval="A-1", family=Family.ORGANISATION), {3, 7}),
]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_searching(kind: str, new_store_url: Callable[[str], str]) -> None:
    from store.store_world import opened

    store = opened(new_store_url(kind))
    with writing(store) as books:
        books.certificates.add_many(list(SEARCHABLE.values()))
    with store.reading() as books:
        for query, expected in QUERIES:
            found = books.certificates.search(query, NOW)
            assert {each.serial for each in found} == expected, query
            assert found == sorted(found, key=lambda each: (each.issuer, each.serial))
            assert found == [SEARCHABLE[each.serial] for each in found]
            assert books.certificates.search(replace(query, limit=2), NOW) == found[:2]
        for status in Status:
            found = books.certificates.search(Query(status=status), NOW)
            assert {each.serial for each in found} == {n for n, e in SEARCHABLE.items() if e.status(NOW) is status}
    store.close()


# ---- requests ----


def test_requests_decisions_and_states(store: SqlStore, dump: Callable[[], str]) -> None:
    first, second = request("12345678" + "a" * 56), request("12345679" + "b" * 56, role=None, entity_id=None)
    with writing(store) as books:
        books.requests.add(first)
        books.requests.add(second)
        assert [books.requests.decide(decision(first.name, certificate=None)).number for _ in range(2)] == [1, 2]
        books.requests.move(second.name, RequestState.ISSUED)
    with store.reading() as books:
        get = books.requests.get
        assert get(first.name) == get("12345678") == first
        assert get("1234567") is None
        assert get("12345670") is None
        assert get(second.name) == replace(second, state=RequestState.ISSUED)
        assert books.requests.search() == [first, get(second.name)]
        assert books.requests.search(RequestState.ISSUED) == [get(second.name)]
        assert books.requests.search(RequestState.LODGED) == books.requests.decisions(second.name) == []
        assert books.requests.decisions(first.name) == [
            decision(first.name, number=number, certificate=None) for number in (1, 2)
        ]
    refused(store, dump, "request_repeated", lambda b: b.requests.add(first))
    refused(store, dump, "request_repeated", lambda b: b.requests.add(second))
    with pytest.raises(KeyError), writing(store) as books:
        books.requests.move("none", RequestState.ISSUED)


def test_an_ambiguous_beginning_is_no_name(store: SqlStore) -> None:
    with writing(store) as books:
        books.requests.add(request("1234567890" + "a" * 54))
        books.requests.add(request("1234567891" + "a" * 54))
    with store.reading() as books:
        assert books.requests.get("123456789") is None
        assert books.requests.get("1234567891") is not None


@pytest.mark.parametrize("state", [RequestState.REJECTED_FORMAT, RequestState.REJECTED_CONTENT])
def test_what_was_refused_may_be_asked_again(store: SqlStore, state: RequestState) -> None:
    with writing(store) as books:
        books.requests.add(request(state=state))
        books.requests.decide(decision(granted=False, certificate=None))
    again = request(requester="max", statement="99" * 32, at=NOW + timedelta(1), ask={"years": 1})
    with writing(store) as books:
        books.requests.add(again)
    with store.reading() as books:
        assert books.requests.search() == [again]
        assert len(books.requests.decisions(again.name)) == 1


def test_intents_stand_until_they_are_settled(store: SqlStore, dump: Callable[[], str]) -> None:
    made = [intent(serial) for serial in (MAX_SERIAL, 2**64, 1)]
    with writing(store) as books:
        books.requests.intend(made)
        books.requests.intend([intent(1, issuer="D001")])
    refused(store, dump, "serial_in_use", lambda b: b.requests.intend([intent(5), intent(2**64)]))
    with writing(store) as books:
        books.requests.settle("T1", MAX_SERIAL, "issued")
        books.requests.settle("T1", 1, "abandoned")
    with store.reading() as books:
        assert books.requests.intents() == [made[1], intent(1, issuer="D001")]
        assert [each.settled for each in books.requests.intents(open_only=False)] == ["issued", "", "abandoned", ""]
        assert books.requests.intent("T1", 1) == replace(made[2], settled="abandoned")
        assert books.requests.intent("T1", 2) is None
        assert books.requests.abandoned("T1") == [replace(made[2], settled="abandoned")]
        assert books.requests.abandoned("D001") == []
    with pytest.raises(KeyError), writing(store) as books:
        books.requests.settle("T1", 2, "issued")
    with pytest.raises(ValueError), writing(store) as books:
        books.requests.settle("T1", 2**64, "lost")


def test_many_intents_are_settled_at_once(store: SqlStore) -> None:
    with writing(store) as books:
        books.requests.intend([intent(serial) for serial in range(1, 101)])
        books.requests.settle_many("T1", range(1, 100), "issued")
    with store.reading() as books:
        assert books.requests.intents() == [intent(100)]


# ---- approvals, lists, batches, documents ----


def test_an_approval_is_used_up(store: SqlStore, dump: Callable[[], str]) -> None:
    with writing(store) as books:
        assert [books.approval_uses.take("A", 2, "T1", serial, NOW) for serial in (MAX_SERIAL, 1)] == [1, 2]
        assert books.approval_uses.take("B", 1, "T1", 1, NOW) == 1
    refused(store, dump, "approval_used_up", lambda b: b.approval_uses.take("A", 2, "T1", 2, NOW))
    refused(store, dump, "approval_used_up", lambda b: b.approval_uses.take("C", 0, "T1", 2, NOW))
    with store.reading() as books:
        assert books.approval_uses.uses("A") == [(1, "T1", MAX_SERIAL, NOW), (2, "T1", 1, NOW)]
        assert books.approval_uses.uses("C") == []


def test_barred_keys(store: SqlStore) -> None:
    with writing(store) as books:
        books.revocations.bar(digest(1), "compromised", NOW)
        books.revocations.bar(digest(1), "again", NOW)
    with store.reading() as books:
        assert books.revocations.barred(digest(1)) == "compromised"
        assert books.revocations.barred(digest(2)) is None


def test_list_numbers_only_rise(store: SqlStore, dump: Callable[[], str]) -> None:
    numbers = (0, 1, 255, 256, 2**63, 2**64, MAX_SERIAL)
    with store.reading() as books:
        assert books.revocations.newest("T1") is books.revocations.served("T1") is None
    for number in numbers:
        with writing(store) as books:
            books.revocations.add_list(revocation_list(number))
        for low in {number, number // 2}:
            refused(store, dump, "crl_number_fell", lambda b, low=low: b.revocations.add_list(revocation_list(low)))
        with store.reading() as books:
            assert books.revocations.newest("T1") == revocation_list(number)
            assert books.revocations.served("T1") is None
            assert books.revocations.newest("TR") is None
    for number in (1, 2**63, 2**63):
        with writing(store) as books:
            books.revocations.serve("T1", number)
        with store.reading() as books:
            assert books.revocations.served("T1") == revocation_list(number, served=True)
    refused(store, dump, "crl_number_fell", lambda b: b.revocations.serve("T1", 256))
    with pytest.raises(KeyError), writing(store) as books:
        books.revocations.serve("T1", 2**63 + 1)


def test_the_revoked_by_time_and_serial(store: SqlStore) -> None:
    times = {1: NOW + timedelta(1), 2: NOW, 2**64: NOW, 3: NOW - timedelta(1)}
    with writing(store) as books:
        books.certificates.add_many([organisation(serial, revoked_at=at) for serial, at in times.items()])
        books.certificates.add_many([organisation(9), organisation(4, issuer="TR", revoked_at=NOW)])
    with store.reading() as books:
        assert [each.serial for each in books.revocations.revoked("T1")] == [3, 2, 2**64, 1]
        assert [each.serial for each in books.revocations.revoked("T1", NOW)] == [2, 2**64, 1]
        assert list(books.revocations.revoked("D001")) == []


def test_verdicts_of_a_batch_follow_one_another(store: SqlStore) -> None:
    made = [ItemVerdict(1, "SUCCESS", serial=MAX_SERIAL), ItemVerdict(2, "CSR_ERROR", "csr_malformed", "é")]
    with writing(store) as books:
        books.batches.record("B", made)
        books.batches.record("other", made)
    with writing(store) as books:
        assert books.batches.done("B") == 2
        books.batches.record("B", [ItemVerdict(3, "SUCCESS", serial=1)])
    for wrong in ([3], [5], [5, 4], [4, 6], [4, 4]):
        with pytest.raises(ValueError), writing(store) as books:
            books.batches.record("B", [ItemVerdict(number, "SUCCESS") for number in wrong])
    with store.reading() as books:
        assert list(books.batches.verdicts("B")) == [*made, ItemVerdict(3, "SUCCESS", serial=1)]
        assert books.batches.done("none") == 0
        assert list(books.batches.verdicts("none")) == []


def test_documents_are_replaced_by_name(store: SqlStore) -> None:
    with writing(store) as books:
        books.documents.put("pack", "b", {"a": [1, None, {"é": "x"}]}, b"\x00octets")
        books.documents.put("pack", "B", {})
        books.documents.put("pack", "a", {"old": True}, b"old")
        books.documents.put("other", "a", {})
    with writing(store) as books:
        books.documents.put("pack", "a", {"new": 1})
    with store.reading() as books:
        assert books.documents.get("pack", "b") == ({"a": [1, None, {"é": "x"}]}, b"\x00octets")
        assert books.documents.get("pack", "a") == ({"new": 1}, b"")
        assert books.documents.get("none", "a") is None
        assert books.documents.names("pack") == ["B", "a", "b"]
        assert books.documents.names("none") == []


# ---- statements ----


def test_statements_are_numbered_in_the_order_they_were_made(store: SqlStore, dump: Callable[[], str]) -> None:
    made = [statement(1), statement(2, "approval.draft", "b"), statement(3, "approval.draft", "a")]
    with writing(store) as books:
        kept = [books.statements.add(each) for each in made]
    assert kept == [replace(each, number=number) for number, each in enumerate(made, 1)]
    refused(store, dump, "statement_repeated", lambda b: b.statements.add(made[1]))
    with store.reading() as books:
        log = books.statements
        assert [log.get(each.digest) for each in made] == kept
        assert log.get("00" * 32) is None
        assert log.of() == kept
        assert log.of("approval.draft") == kept[1:]
        assert log.of("approval.draft", "party.add") == kept
        assert log.about("a") == [kept[0], kept[2]]
        assert log.about("a", "approval.draft", "none") == [kept[2]]
        assert log.about("c") == log.of("none") == []
