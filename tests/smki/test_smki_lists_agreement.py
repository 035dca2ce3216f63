"""A list against what is revoked, as values: both ways, and what may have left it (RFC 5280 3.3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authority_world import p256, signing
from trustcell import certs
from trustcell.smki.rules.agreement_lists import Gone, list_agreement
from trustcell.smki.rules.records import ListRecord

MADE = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SERIAL = 0x7A << 120


def agreement(gone, entries, previous=MADE - DAY, **changes):
    template = certs.CrlTemplate(
        certs.authority_name("T1", 7),
        MADE,
        MADE + 2 * DAY,
        5,
        bytes.fromhex("4000000000000001"),
        certs.encode_entries(entries),
    )
    made = certs.issue_crl(template, signing(p256("list")))
    record = ListRecord("T1", 5, MADE, MADE + 2 * DAY, made.der, True)
    return [fault.code for fault in list_agreement(replace(record, **changes), made, gone, previous)]


def gone(**changes):
    return replace(Gone(SERIAL, MADE + 900 * DAY, MADE - 3 * DAY, 4), **changes)


def entry(**changes):
    return replace(certs.CrlEntry(SERIAL, MADE - 3 * DAY, 4), **changes)


def test_a_list_that_agrees():
    assert agreement([gone()], [entry()]) == []
    assert agreement([], []) == []
    assert agreement([gone(reason=None)], [entry(reason=None)]) == []
    assert agreement([gone(reason=0)], [entry(reason=None)]) == []  # unspecified is not written
    assert agreement([gone(revoked_at=MADE - 3 * DAY + timedelta(microseconds=7))], [entry()]) == []


@pytest.mark.parametrize(
    ("books", "listed", "code"),
    [
        ([gone()], [], "list_entry_missing"),
        ([], [entry()], "list_entry_foreign"),
        ([gone(serial=SERIAL + 1), gone()], [entry()], "list_entry_missing"),
        ([gone()], [entry(), entry(serial=SERIAL + 1)], "list_entry_foreign"),
        ([gone(revoked_at=MADE - 4 * DAY)], [entry()], "list_entry_differs"),
        ([gone(reason=1)], [entry()], "list_entry_differs"),
        ([gone(reason=None)], [entry()], "list_entry_differs"),
    ],
)
def test_each_difference_has_its_code(books, listed, code):
    assert agreement(books, listed) == [code]


def test_what_was_revoked_since_is_on_the_next_list():
    assert agreement([gone(revoked_at=MADE + DAY)], []) == []
    assert agreement([gone(revoked_at=MADE)], []) == []  # the same second
    assert agreement([gone(revoked_at=MADE - timedelta(seconds=1))], []) == ["list_entry_missing"]


def test_what_has_ended_leaves_after_one_list_more():
    ended = gone(not_after=MADE - 2 * DAY)
    assert agreement([ended], [], previous=MADE - DAY) == []
    assert agreement([ended], [entry()], previous=MADE - DAY) == []
    assert agreement([ended], [], previous=MADE - 2 * DAY - timedelta(hours=1)) == ["list_entry_missing"]
    assert agreement([ended], [], previous=None) == ["list_entry_missing"]


@pytest.mark.parametrize("change", [{"number": 6}, {"this_update": MADE + DAY}, {"next_update": MADE}])
def test_a_record_of_another_list(change):
    assert agreement([], [], **change) == ["list_differs"]
