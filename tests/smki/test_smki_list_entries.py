"""A list taken over from the one before has the octets of a list built from the books, whatever happened between."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smki.revocation_records import NOW, record
from smki.revocation_world import as_person, close_all, make_world
from trustcell import certs
from trustcell.certs import CertificateList
from trustcell.certs.crl_splice import cut_list, entries_of, frame_of, names, serials_of
from trustcell.smki.rules.lists import ListKind, still_listed
from trustcell.smki.rules.records import IntentRecord
from trustcell.smki.service import lists as making
from trustcell.smki.service.list_entries import FEW, KEPT, next_entries
from trustcell.vocab import WireError

IAN, SECOND, DAY = as_person("ian"), timedelta(seconds=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


@pytest.fixture
def built(monkeypatch):
    """Whether each list that was made was put together anew."""
    seen = []

    def noted(*asked):
        found = next_entries(*asked)
        seen.append(found.whole)
        return found

    monkeypatch.setattr(making, "next_entries", noted)
    return seen


def make(world, at):
    return world.revocation.lists.issue(ListKind.CRL, IAN, at)


def revoke(world, *serials, at, reason=4):
    with world.store.transaction(at) as books:
        for serial in serials:
            kept = books.certificates.get("T1", serial)
            books.certificates.update(replace(kept, revoked_at=at, revocation_reason=reason))
        books.audit.append("test.revoked", "test", {}, at)


def expected(world, previous):
    """The entries by the books, encoded one by one by the codec."""
    with world.store.reading() as books:
        gone = [
            (each.revoked_at, each.serial, each.revocation_reason)
            for each in books.certificates.all()
            if each.issuer == "T1" and each.revoked_at and still_listed(each.not_after, each.revoked_at, previous)
        ]
        gone += [
            (each.at, each.serial, 4)
            for each in books.requests.abandoned("T1")
            if still_listed(certs.Certificate.from_der(each.twin).not_after, each.at, previous)
        ]
    return b"".join(certs.encode_crl_entry(serial, at, reason) for at, serial, reason in sorted(gone))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_list_is_the_one_the_books_give(store_url, built, seed):
    world, chance = make_world(store_url), random.Random(seed)
    ends = [NOW + 2 * DAY, NOW + 5 * DAY, NOW + 400 * DAY]
    serials = [(0x1000 + n) if n % 3 else (0x10 << 120) + n for n in range(60)]
    world.add(*(record(serial=serial, number=100 + n, not_after=ends[n % 3]) for n, serial in enumerate(serials)))
    chance.shuffle(serials)
    at, previous, lost = NOW, None, 0
    for _ in range(12):
        for _ in range(chance.randrange(4)):
            revoke(world, serials.pop(), at=at - chance.choice([0, 0, 0, 3600]) * SECOND, reason=chance.choice([1, 4]))
        if chance.random() < 0.15:
            lost += 1
            given = record(serial=0x9000 + lost, number=900 + lost)
            world.add(
                intents=(IntentRecord("T1", given.serial, "r", b"t", given.der, at - chance.choice([0, 1]) * DAY),)
            )
        served = make(world, at)
        assert bytes(cut_list(served.der)[2]) == expected(world, previous)
        read = CertificateList.from_der(served.der)
        assert certs.check_crl(read, issuer=world.hierarchy.issuing_oca.certificate, now=at) == []
        previous, at = at, at + chance.choice([SECOND, 3600 * SECOND, DAY])
    assert built[0]
    assert False in built


def test_one_more_is_taken_over_and_what_ended_is_left_out(store_url, built):
    world = make_world(store_url)
    world.add(*(record(serial=n, number=n, not_after=NOW + (2 if n == 7 else 90) * DAY) for n in range(1, 20)))
    revoke(world, *range(1, 11), at=NOW)
    make(world, NOW)
    revoke(world, 11, at=NOW + SECOND)
    for days, listed in ((1, range(1, 12)), (3, range(1, 12)), (4, [n for n in range(1, 12) if n != 7])):
        read = CertificateList.from_der(make(world, NOW + days * DAY).der)
        assert sorted(each.serial for each in read.entries) == list(listed)
    assert built == [True, False, False, False]


def test_many_new_ones_are_built_anew(store_url, built):
    world = make_world(store_url)
    world.add(*(record(serial=n, number=n) for n in range(1, FEW + 3)))
    make(world, NOW)
    revoke(world, *range(1, FEW + 2), at=NOW + SECOND)
    assert len(CertificateList.from_der(make(world, NOW + SECOND).der).entries) == FEW + 1
    assert built == [True, True]


def test_a_revocation_dated_before_the_last_list_is_not_lost(store_url, built):
    world = make_world(store_url)
    world.add(record(serial=1, number=1), record(serial=2, number=2))
    revoke(world, 1, at=NOW - DAY)
    make(world, NOW)
    revoke(world, 2, at=NOW - 2 * DAY)
    read = CertificateList.from_der(make(world, NOW + SECOND).der)
    assert [each.serial for each in read.entries] == [2, 1]
    assert built == [True, True]


@pytest.mark.parametrize(
    ("wrong", "by"),
    [
        ("octets", -1),
        ("octets", 1),
        ("octets", -34),
        ("octets", -68),
        ("gone", -1),
        ("number", -1),
        ("octets", -10_000),
    ],
)
def test_what_is_kept_wrongly_gives_no_wrong_list(store_url, built, wrong, by):
    world = make_world(store_url)
    world.add(*(record(serial=n, number=n) for n in range(1, 9)))
    revoke(world, *range(1, 7), at=NOW - DAY)
    assert len(cut_list(make(world, NOW).der)[2]) == 6 * 34
    revoke(world, 7, at=NOW + SECOND)
    with world.store.transaction(NOW) as books:
        body, _ = books.documents.get(KEPT, "T1")
        books.documents.put(KEPT, "T1", {**body, wrong: body[wrong] + by})
        books.audit.append("test", "test", {}, NOW)
    assert bytes(cut_list(make(world, NOW + SECOND).der)[2]) == expected(world, NOW)
    assert built == [True, True]


def test_a_list_whose_octets_changed_is_not_taken_over(store_url, built):
    world = make_world(store_url)
    world.add(*(record(serial=n, number=n) for n in range(1, 9)))
    revoke(world, *range(1, 7), at=NOW - DAY)
    made = make(world, NOW)
    revoke(world, 7, at=NOW + SECOND)
    for place in (60, len(made.der) // 2, len(made.der) - 1):
        octets = bytearray(made.der)
        octets[place] ^= 1
        with world.store.reading() as books:
            key = world.hierarchy.issuing_oca.certificate.public_key
            assert next_entries(books, "T1", key, replace(made, der=bytes(octets)), 2, NOW + SECOND).whole
            assert not next_entries(books, "T1", key, made, 2, NOW + SECOND).whole


# the octets of lists

FOUND = [(0x1007, NOW, 1), ((0x10 << 120) + 5, datetime(2050, 1, 1, tzinfo=UTC), None), (0x80, NOW, 10), (1, NOW, None)]
ENCODED = b"".join(certs.encode_crl_entry(*each) for each in FOUND)


def test_serials_are_read_where_every_entry_has_its_form():
    octets = [each.to_bytes(each.bit_length() // 8 + 1, "big") for each, _, _ in FOUND]
    assert serials_of(ENCODED) == octets
    assert serials_of(b"") == []
    assert all(names(ENCODED, each) for each, _, _ in FOUND)
    assert not names(ENCODED, 0x10)
    for place in range(len(ENCODED)):
        cut = ENCODED[:place]
        assert serials_of(cut) is None or any(
            cut == b"".join(certs.encode_crl_entry(*each) for each in FOUND[:count]) for count in range(len(FOUND))
        )
    for wrong in (b"\0", b"\x30\x00", ENCODED[:3]):
        assert serials_of(ENCODED + wrong) is None
        assert serials_of(wrong + ENCODED) is None


@pytest.mark.parametrize(
    "changed",
    [
        (b"\x0a\x01\x01", b"\x0a\x01\x07"),  # a reason that is not used
        (b"\x0a\x01\x01", b"\x0a\x01\x00"),  # unspecified is left out
        (b"\x55\x1d\x15", b"\x55\x1d\x18"),  # another extension
        (b"240301", b"241301"),  # no month 13
        (b"\x18\x0f2050", b"\x18\x0f2049"),  # UTCTime up to 2049
        (b"\x02\x02\x10\x07", b"\x02\x02\x90\x07"),  # negative
        (b"\x02\x02\x10\x07", b"\x02\x02\x00\x07"),  # not the shortest
    ],
)
def test_an_entry_of_another_form_is_none(changed):
    before, after = changed
    assert before in ENCODED
    assert serials_of(ENCODED.replace(before, after, 1)) is None


def test_lists_of_one_frame_differ_in_their_entries_only(store_url):
    world = make_world(store_url)
    made = CertificateList.from_der(make(world, NOW).der)
    template = certs.CrlTemplate(made.issuer, NOW, NOW + DAY, 5, bytes(8))
    bare = certs.crl_tbs_octets(template)
    full = certs.crl_tbs_of(template, certs.EncodedEntries(FOUND))
    assert bytes(entries_of(full)) == ENCODED
    assert bytes(entries_of(bare)) == b""
    assert frame_of(full) == frame_of(bare)
    assert frame_of(bare) != frame_of(certs.crl_tbs_octets(replace(template, number=6)))
    for octets in (full[:-1], full + b"\0", b"", b"\x30", b"\x30\x80" + full[2:]):
        with pytest.raises(WireError):
            entries_of(octets)
    for place in range(12):
        octets = bytearray(made.der)
        octets[place] ^= 0x40
        try:
            tbs, _, _ = cut_list(bytes(octets))
        except WireError:
            continue
        assert tbs != made.tbs
