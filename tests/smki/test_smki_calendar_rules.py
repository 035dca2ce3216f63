"""Ends of things, the last start that fits, what a device cannot tell, and the forms of the calendar."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smki.revocation_records import GAS, NOW, authority, record
from trustcell.certs import NO_EXPIRY, anniversary
from trustcell.governance.rules.approvals import Approval, ApprovalKind, PmaDecision, Scope
from trustcell.smki.rules import calendar
from trustcell.smki.rules.calendar import Companion, Ending, EndingKind
from trustcell.smki.rules.calendar_forms import as_csv, as_ics, harmless
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import Family, ListRecord
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("end", "years", "last"),
    [
        ("2041-02-28T23:59:59", 10, "2031-03-01T00:00:00"),
        ("2040-10-28T23:59:59", 10, "2030-10-29T00:00:00"),  # the Issuing OCA of ZAZ1
        ("2041-02-28T23:59:59", 17, "2024-03-01T00:00:00"),
        ("2041-02-28T11:59:59", 17, "2024-02-29T12:00:00"),  # begun on the leap day it ends on 28 February
        ("2044-02-28T11:59:59", 20, "2024-02-28T12:00:00"),  # where there is a 29th, that is where it would end
        ("2040-02-28T23:59:59", 10, "2030-02-28T23:59:59"),
        ("2066-12-31T23:59:59", 25, "2042-01-01T00:00:00"),
    ],
)
def test_the_last_start_that_fits(end, years, last):
    assert calendar.last_start(moment(end), years) == moment(last)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 12, 31)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
    st.sampled_from([1, 4, 10, 17, 25, 50]),
)
def test_the_last_start_fits_and_the_next_second_does_not(end, years):
    last = calendar.last_start(end, years)
    assert anniversary(last, years) - SECOND <= end
    assert anniversary(last + SECOND, years) - SECOND > end


@given(
    st.sampled_from([2024, 2030, 2040, 2041, 2044, 2100]), st.sampled_from([4, 10, 17]), st.integers(-200000, 200000)
)
def test_the_last_start_at_the_end_of_february(year, years, seconds):
    test_the_last_start_fits_and_the_next_second_does_not.hypothesis.inner_test(
        datetime(year, 3, 1, tzinfo=UTC) + seconds * SECOND, years
    )


def test_there_is_no_last_start_before_the_calendar_begins():
    assert calendar.last_start(moment("0005-01-01T00:00:00"), 10) is None


def test_days_left_are_whole_and_go_below_zero():
    ending = Ending(EndingKind.PACK, "p", NOW)
    assert [ending.days_left(NOW - step) for step in (DAY, DAY - SECOND, timedelta())] == [1, 0, 0]
    assert [ending.days_left(NOW + step) for step in (SECOND, DAY)] == [-1, -1]


def test_a_certificate_that_a_device_cannot_tell_from_another():
    old = record(not_before=moment("2016-01-01T00:00:00"), not_after=moment("2025-12-31T23:59:59"), purpose="pack 1")
    new = record(serial=0x2000, not_after=moment("2041-02-28T23:59:59"))
    agreement = record(serial=0x2001, key_usage=KeyUsage.KEY_AGREEMENT)
    other = record(serial=0x2002, entity_id=Eui64(bytes(8)))
    device = replace(record(serial=0x2003), family=Family.DEVICE)
    same_key = [old, new, agreement, other, device]
    found = calendar.of_certificate(new, same_key)
    assert found.companions == (Companion("T1/1007", old.not_after),)
    assert (found.ends, found.assumed) == (new.not_after, old.not_after)
    assert found.remark == "same to a device as 1 other: 2025 or 2041, 2025 is assumed"
    assert calendar.of_certificate(old, same_key).assumed == old.not_after
    assert calendar.of_certificate(old, same_key).remark.startswith("used for pack 1; same to a device")


def test_a_certificate_without_companions():
    alone = record(superseded_at=NOW)
    found = calendar.of_certificate(alone, [alone])
    assert (found.kind, found.companions, found.remark) == (EndingKind.CERTIFICATE, (), "superseded")
    assert (found.what, found.certificate) == (f"{GAS}, role 03, digitalSignature", "T1/1007")
    assert found.clause == "SEC Appendix B 6.3.2(A)"


def test_a_credential():
    found = calendar.of_certificate(replace(record(), entity_id=None, family=Family.IKI, subject="CN=ada"), [])
    assert (found.kind, found.what, found.certificate) == (EndingKind.CREDENTIAL, "CN=ada", "T1/1007")


def test_an_authority_ends_and_so_does_the_time_to_issue_under_it():
    key, last = calendar.of_authority(authority(), 10)
    assert (key.kind, key.ends, key.clause) == (
        EndingKind.CA_KEY, moment("2041-02-28T23:59:59"), "SEC Appendix B 6.3.2(C)",
    )  # fmt: skip
    assert (last.kind, last.ends) == (EndingKind.LAST_ISSUE, moment("2031-03-01T00:00:00"))
    assert [each.kind for each in calendar.of_authority(authority(), 0)] == [EndingKind.CA_KEY]
    assert [each.kind for each in calendar.of_authority(authority(), 50)] == [EndingKind.CA_KEY]


def approval(**changes) -> Approval:
    scope = Scope(frozenset({RemotePartyRole.RECOVERY}), max_certificates=12)
    made = Approval(
        "A-1", 2, ApprovalKind.KEY_REUSE, "SEC L11.4B", NOW - DAY, NOW + 30 * DAY, "ada", NOW - DAY, "why", scope, "d"
    )
    return replace(made, **changes)


def decision(approved: bool) -> PmaDecision:
    return PmaDecision(NOW, "m", "n", approved, "q", True, "t", "", "d", "pat", "s")


def test_approvals_that_can_still_be_used_end():
    found = calendar.of_approval(approval(decision=decision(True)), 5, NOW)
    assert (found.what, found.ends, found.remark, found.clause) == (
        "A-1 version 2 (KEY_REUSE)", NOW + 30 * DAY, "approved, 5 of 12 used", "SEC L11.4B",
    )  # fmt: skip
    assert calendar.of_approval(approval(), 0, NOW).remark == "draft, 0 of 12 used"
    for gone in (
        approval(decision=decision(False)),
        approval(decision=decision(True), withdrawn_at=NOW),
        approval(decision=decision(True), expires=NOW - SECOND),
    ):
        assert calendar.of_approval(gone, 0, NOW) is None
    assert calendar.of_approval(approval(decision=decision(True)), 12, NOW) is None


def test_lists_end():
    served = ListRecord("T1", 9, NOW, NOW + 2 * DAY, b"", True)
    found = calendar.of_list(ListKind.CRL, served, NOW + DAY)
    assert (found.what, found.ends) == ("Organisation CRL of T1", NOW + 2 * DAY)
    assert found.remark == "number 9, the next one is due 2024-03-02T12:00:00Z"


def test_the_window_has_its_borders_and_an_order():
    items = [Ending(EndingKind.PACK, name, NOW + days * DAY) for days, name in ((2, "c"), (1, "b"), (1, "a"), (0, "z"))]
    assert [each.what for each in calendar.in_order(items, NOW, NOW + DAY)] == ["z", "a", "b"]
    assert [each.what for each in calendar.in_order(items, NOW + SECOND, None)] == ["a", "b", "c"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1+1", "＝1"])
def test_no_cell_is_a_formula(cell):
    assert harmless(cell) == f"'{cell}"
    (row,) = csv.DictReader(io.StringIO(as_csv([Ending(EndingKind.PACK, cell, NOW, cell, cell)], NOW)))
    assert (row["what"], row["remark"], row["clause"]) == (f"'{cell}",) * 3


@pytest.mark.parametrize("cell", ["", "pack 1", "1-2", "a=b"])
def test_other_cells_stay_as_they_are(cell):
    assert harmless(cell) == cell


def test_csv_keeps_quotes_commas_and_lines():
    name = 'pack "2016", first\nsecond'
    companions = (Companion("T1/1", NOW), Companion("T1/2", NOW))
    (row,) = csv.DictReader(io.StringIO(as_csv([Ending(EndingKind.PACK, name, NOW, companions=companions)], NOW)))
    assert row["what"] == name
    assert row["same_to_a_device"] == "T1/1 2024-03-01T12:00:00Z T1/2 2024-03-01T12:00:00Z"
    assert (row["ends"], row["days_left"], row["kind"]) == ("2024-03-01T12:00:00Z", "0", "pack")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(TEXTS, TEXTS)
def test_icalendar_reads_what_was_written(what, remark):
    octets = as_ics([Ending(EndingKind.PACK, what, NOW, remark, "clause")], NOW - DAY, "test")
    assert all(len(line) <= 75 and b"\r" not in line for line in octets.split(b"\r\n"))
    assert octets.endswith(b"END:VCALENDAR\r\n")
    read = icalendar.Calendar.from_ical(octets)
    (event,) = read.events
    assert event.start == NOW
    assert event["DTSTAMP"].dt == NOW - DAY
    kept = "".join(each for each in what.replace("\r\n", "\n") if each == "\n" or (each >= " " and each != "\x7f"))
    assert str(event["SUMMARY"]) == f"pack ends: {kept}"
    assert not event.errors


def test_an_event_is_known_again_when_its_end_moves():
    first, later = (Ending(EndingKind.LIST, "CRL of T1", NOW + days * DAY) for days in (0, 2))
    other = Ending(EndingKind.LIST, "ARL of TR", NOW)
    uids = [
        str(icalendar.Calendar.from_ical(as_ics([each], NOW, environment)).events[0]["UID"])
        for each, environment in ((first, "test"), (later, "test"), (other, "test"), (first, "live"))
    ]
    assert uids[0] == uids[1]
    assert len(set(uids)) == 3


def test_icalendar_far_in_the_future():
    read = icalendar.Calendar.from_ical(as_ics([Ending(EndingKind.PACK, "p", NO_EXPIRY)], NOW, "test"))
    assert read.events[0].start == NO_EXPIRY
    assert read["VERSION"] == "2.0"


def test_json_says_all_of_it():
    ending = Ending(EndingKind.PACK, "p", NOW + DAY, "r", "c", (Companion("T1/1", NOW),))
    assert ending.as_json(NOW) == {
        "kind": "pack", "what": "p", "certificate": "", "ends": "2024-03-02T12:00:00Z", "days_left": 1,
        "assumed": "2024-03-01T12:00:00Z",
        "remark": "r", "clause": "c",
        "same_to_a_device": [{"certificate": "T1/1", "ends": "2024-03-01T12:00:00Z"}],
    }  # fmt: skip


@pytest.mark.parametrize("what", ["x" * 400, "é" * 200, "x" + "é" * 200, "\U0001f512" * 99])
def test_long_lines_are_folded_between_characters(what):
    octets = as_ics([Ending(EndingKind.PACK, what, NOW)], NOW, "test")
    lines = octets.split(b"\r\n")
    assert max(map(len, lines)) in (73, 74, 75)
    for line in lines:
        line.decode()
    assert octets.replace(b"\r\n ", b"").decode().count(what) == 1


def test_text_is_escaped():
    octets = as_ics([Ending(EndingKind.PACK, "a;b,c\\d\ne\r\nf\x07", NOW)], NOW, "test")
    assert b"SUMMARY:pack ends: a\\;b\\,c\\\\d\\ne\\nf\r\n" in octets
