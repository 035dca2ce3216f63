"""The calendar and the archive over a real store."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smki.revocation_records import NOW, PARTIES, PEOPLE, ask, authority, record
from smki.revocation_world import ENVIRONMENT, as_person, close_all, make_world, url_of
from smki.test_smki_calendar_rules import approval, decision
from trustcell.certs import NO_EXPIRY
from trustcell.governance.rules.register import Register
from trustcell.smki.rules.archive import archive_findings
from trustcell.smki.rules.calendar import EndingKind
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import Family, RequestRecord, RequestState
from trustcell.smki.service.archive import Archive
from trustcell.smki.service.calendar import Calendar

DAY = timedelta(days=1)
OLD_END, NEW_END = (datetime(year, 2, 28, 23, 59, 59, tzinfo=UTC) for year in (2026, 2041))


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


@pytest.fixture
def world(tmp_path):
    made = make_world(url_of(tmp_path))
    made.add(
        record(not_before=datetime(2016, 3, 1, tzinfo=UTC), not_after=OLD_END, purpose="pack 2016"),
        record(serial=0x2000, not_after=NEW_END, key_use=1, purpose="pack 2024"),
        record(8),
        replace(record(9), family=Family.DEVICE, issuer="D001", not_after=NO_EXPIRY),
        replace(record(10), family=Family.IKI, issuer="TI", entity_id=None, subject="CN=ada"),
    )
    return made


def endings(world, *window):
    found = Calendar(world.store, world.governance, ENVIRONMENT).endings(NOW, *window)
    return {(each.kind.value, each.certificate or each.what): each for each in found}


def test_everything_that_ends_is_there(world):
    world.governance.register_now = Register(PARTIES, PEOPLE, {"A-1": (approval(decision=decision(True)),)})
    for kind in ListKind:
        world.revocation.lists.issue(kind, as_person("ian"), NOW)
    with world.store.transaction(NOW) as books:
        books.documents.put("pack", "pack 2024", {"not_after": "2041-02-28T23:59:59Z"})
        books.documents.put("pack", "draft", {})
        books.approval_uses.take("A-1", 12, "T1", 1, NOW)
        books.audit.append("test", "test", {}, NOW)
    found = endings(world)
    root_end = authority(root=True).not_after
    assert {name: each.ends for name, each in found.items()} == {
        ("list", "Organisation CRL of T1"): NOW + 2 * DAY,
        ("approval", "A-1 version 2 (KEY_REUSE)"): NOW + 30 * DAY,
        ("list", "Organisation ARL of TR"): NOW + 365 * DAY,
        ("certificate", "T1/1007"): OLD_END,
        ("last-issue", "TR/51"): datetime(2031, 3, 1, tzinfo=UTC),
        ("certificate", "T1/1008"): record(8).not_after,
        ("credential", "TI/100A"): record(10).not_after,
        ("certificate", "T1/2000"): NEW_END,
        ("pack", "pack 2024"): NEW_END,
        ("ca-key", "TR/51"): NEW_END,
        ("ca-key", "TR/1"): root_end,
        ("last-issue", "TR/1"): datetime(2016, 3, 1, tzinfo=UTC),
    }
    assert found["approval", "A-1 version 2 (KEY_REUSE)"].remark == "approved, 1 of 12 used"
    new = found["certificate", "T1/2000"]
    assert (new.assumed, [each.certificate for each in new.companions]) == (OLD_END, ["T1/1007"])


def test_the_window_is_kept(world):
    found = endings(world, OLD_END, OLD_END)
    assert [(each.kind, each.ends) for each in found.values()] == [(EndingKind.CERTIFICATE, OLD_END)]
    # the companion outside the window is told all the same
    (ending,) = found.values()
    assert [each.ends for each in ending.companions] == [NEW_END]
    assert endings(world, OLD_END + timedelta(seconds=1), OLD_END + DAY) == {}


def test_what_is_revoked_has_ended(world):
    made = world.revocation.request(ask(), as_person("gwen"), NOW)
    world.revocation.revoke(made.name, as_person("ian"), NOW)
    assert not [name for name in endings(world) if "1007" in name[1] or "2000" in name[1]]


def test_the_calendar_comes_in_order(world):
    found = Calendar(world.store, world.governance, ENVIRONMENT).endings(NOW)
    assert [each.ends for each in found] == sorted(each.ends for each in found)


def test_the_archive_holds_every_certificate_with_its_request(world):
    kept = record(11)
    request = RequestRecord(
        "r" * 64, b"\x30\x01\x00", Family.ORGANISATION, "gas", 3, kept.entity_id, kept.key_usage, kept.key, "gwen", "s",
        NOW, RequestState.LODGED,
    )  # fmt: skip
    with world.store.transaction(NOW) as books:
        books.requests.add(request)
        books.certificates.add(replace(kept, request=request.name))
        books.audit.append("test", "test", {}, NOW)
    archive = Archive(world.store, ENVIRONMENT)
    lines = list(archive.lines(NOW))
    assert archive_findings(lines) == []
    items = {(each["issuer"], each["serial"]): each for each in map(json.loads, lines[1:-1])}
    assert len(items) == 8
    assert items["T1", "100B"]["csr"] == "MAEA"
    assert {each["family"] for each in items.values()} == {"organisation", "device", "iki"}
    only = list(archive.lines(NOW, frozenset({Family.DEVICE})))
    assert [json.loads(each)["issuer"] for each in only[1:-1]] == ["D001"]
