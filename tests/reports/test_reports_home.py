"""Reports over the books of a served lab: real requests change a real slot, and the reports say so."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest
from lxml import html
from typer.testing import CliRunner

from served_lab import GPF, NO_DS, OPERATOR, SUPPLIER, MovingClock, served_lab
from trustcell.adapters.clock import system_random
from trustcell.app import reporting
from trustcell.app.doors import Actor, NewDevice
from trustcell.app.lab_making import make_lab
from trustcell.app.lab_serving import LabOptions, opened_lab
from trustcell.app.users import USERS_FILE, UserBook
from trustcell.cli import app
from trustcell.dsp import Registration, UserStatus
from trustcell.reports import REPORTS
from trustcell.reports.service import run as ask
from trustcell.vocab import DeviceType, Eui64

cli = CliRunner()
BROKER = "90-B3-D5-1F-30-00-00-02"


@pytest.fixture(scope="module")
def lab(shared, tmp_path_factory):
    with served_lab(shared, tmp_path_factory.mktemp("lab") / "home") as served:
        yield served


def told(lab, name="post-commissioning", days=8, **asked):
    """One report over the home as it is now, as of so many days from now."""
    with reporting.opened(both_ways(lab, lab.clock() + timedelta(days=days))) as snapshot:
        return ask(REPORTS[name], snapshot, 1000, asked=asked)


def both_ways(lab, at):
    """A snapshot made from the one before it has the same rows as one that was read whole."""
    rows = []
    for whole in (False, True):
        folder = reporting.take_snapshot(lab.folder, at, whole=whole)
        rows.append(duckdb.sql(f"SELECT * FROM '{folder}/device.parquet' ORDER BY eui").fetchall())
    assert rows[0] == rows[1]
    return folder


def outcome(table, device):
    """Outcome and state of a device: of its row, or of the totals when it needs no look."""
    for row in table.rows:
        if row["device"] == str(device):
            return row["outcome"], row["state"], row["clause"]
    return None


def use(lab, eui, status):
    answer = lab.api("PUT", f"/api/users/{eui}", {"roles": ["GT", "ED"], "status": status})
    assert answer.status in (200, 201), answer


def test_the_slot_and_not_the_messages_decides(lab):
    """By real messages: installed with the operator's certificate, departed, handed back, operator off the register."""
    (row,) = [each for each in told(lab).rows if each["device"] == str(GPF)]
    assert (row["outcome"], row["installed_in_breach"]) == ("pass", True)
    assert row["clause"] == "SECMP0128A requirement 1"
    assert told(lab, days=6).totals != told(lab, days=8).totals
    assert {total[3] for total in told(lab, days=6).totals} == {"pending", "out of scope"}

    lab.leave(2**62)
    lab.wait(lambda: lab.slot(NO_DS) == BROKER)
    assert outcome(told(lab), GPF)[:2] == ("pass", "ACB, operator available")

    lab.accepted(lab.handover())
    lab.wait(lambda: lab.slot(NO_DS) == str(OPERATOR))
    use(lab, OPERATOR, "suspended")
    wrong = outcome(told(lab), GPF)
    assert wrong[0] == "fail"
    assert wrong[2] == "SECMP0128A requirement 2"
    (stuck,) = [row for row in told(lab, "stuck").rows if row["device"] == str(GPF)]
    assert stuck["cause"] == "the operator in the cells is no DCC User any more"
    use(lab, OPERATOR, "active")
    assert outcome(told(lab), GPF)[0] == "pass"
    assert not [row for row in told(lab, "stuck").rows if row["cause"].startswith("the operator")]


def test_what_is_past_is_shown_as_it_was(lab):
    before = reporting.take_snapshot(lab.folder, lab.clock() - timedelta(days=1))
    with reporting.opened(before) as snapshot:
        assert snapshot.ask("SELECT count(*) FROM {device} WHERE operator_ds <> 0", {}) == [(0,)]


def test_a_key_is_followed_to_the_devices(lab):
    folder = reporting.take_snapshot(lab.folder, None)
    with reporting.opened(folder) as snapshot:
        ((key,),) = snapshot.ask(
            "SELECT c.key_hash FROM {device} d JOIN {certificate} c ON c.number = d.supplier_ds "
            "WHERE d.device_type = 1 LIMIT 1",
            {},
        )
    table = told(lab, "cascade", key=key)
    assert table.count >= 1
    assert {row["holder"] for row in table.rows} == {str(SUPPLIER)}
    assert all("method 1" in row["remedy"] for row in table.rows)


def report(lab, *arguments, code=0):
    done = cli.invoke(app, ["report", *arguments, "--home", str(lab.folder)])
    assert done.exit_code == code, done.output + done.stderr
    return done


def test_every_form_says_the_same(lab, tmp_path):
    at = ("--as-of", (lab.clock() + timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    value = json.loads(report(lab, "expiry", "--json", *at).stdout)
    assert value["report"] == "expiry"
    rows = list(csv.DictReader(io.StringIO(report(lab, "expiry", "--format", "csv", *at).stdout)))
    assert len(rows) == value["count"] == len(value["rows"]) > 3
    assert [row["device"] for row in rows] == [row["device"] for row in value["rows"]]
    path = tmp_path / "rows.parquet"
    report(lab, "expiry", "--format", "parquet", "--out", str(path), *at)
    assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(value["count"],)]
    report(lab, "expiry", "--format", "html", "--out", str(tmp_path / "page.html"), *at)
    page = html.parse(str(tmp_path / "page.html"))
    assert len(page.xpath("//table[last()]/tbody/tr/td/code")) >= value["count"]
    assert not page.xpath("//script | //link | //img")
    assert "perhaps later" in report(lab, "expiry", *at).stdout


def test_what_is_wrong_use_and_what_is_refused(lab, tmp_path):
    assert "needs --out" in report(lab, "stuck", "--format", "parquet", code=2).stderr
    assert "value_expected" in report(lab, "cascade", code=1).stderr
    assert "books_missing" in cli.invoke(app, ["report", "stuck", "--home", str(tmp_path)]).stderr


def test_hostile_names_are_inert():
    from trustcell.reports import Table, forms

    evil = "<script>alert(1)</script>"
    row = {"device": "x", "cause": evil, "holder": "=cmd|' /C calc'!A0", "stored_counter": 1, "certificate_ends": None,
           "supplier": "@x", "clause": "c", "remedy": "r", "history": "h"}  # fmt: skip
    from datetime import UTC, datetime

    table = Table(REPORTS["stuck"], datetime(2026, 1, 1, tzinfo=UTC), [(evil, evil, "north", 1)], [row], 1)
    assert evil not in forms.as_html(table).decode()
    assert not html.fromstring(forms.as_html(table)).xpath("//script")
    (_, told_row) = csv.reader(io.StringIO(forms.as_csv(table).decode()))
    assert told_row[2].startswith("'=")
    assert told_row[5] == "'@x"


def read(folder):
    return json.loads((folder / "snapshot.json").read_text())["read"]


def test_only_what_may_have_changed_is_read_again(tmp_path):
    """Of six homes: a device is made in one of them, and only that home is read again."""
    clock = MovingClock()
    lab, keys = make_lab(tmp_path / "own", 6, clock(), system_random)
    home = tmp_path / "home"
    with opened_lab(LabOptions(lab, (keys,), folder=home, clock=clock)) as opened:
        at = clock() + timedelta(days=20)
        assert read(reporting.take_snapshot(home, at)) == 24
        clock.ahead += timedelta(hours=5)
        hub = Eui64.parse("70-B3-D5-1F-40-00-00-20")
        wanted = NewDevice(Eui64.parse("70-B3-D5-1F-40-00-00-2F"), DeviceType.PPMID, hub, install=True)
        asyncio.run(opened.dsp.operator.make_device(wanted, Actor("olga", "1")))
        assert read(reporting.take_snapshot(home, at + timedelta(hours=1))) == 25, "the hour before the last event"
        folder = reporting.take_snapshot(home, at + timedelta(hours=2))
        assert read(folder) == 5
        assert duckdb.sql(f"SELECT count(*) FROM '{folder}/device.parquet'").fetchall() == [(25,)]


def test_a_line_of_registration_data_brings_the_devices_of_its_point(tmp_path):
    clock = MovingClock()
    lab, keys = make_lab(tmp_path / "own", 3, clock(), system_random)
    home = tmp_path / "home"
    with opened_lab(LabOptions(lab, (keys,), folder=home, clock=clock)) as opened:
        clock.ahead += timedelta(hours=5)
        operator, actor = opened.dsp.operator, Actor("olga", "1")
        hub = Eui64.parse("70-B3-D5-1F-40-00-00-20")
        asyncio.run(
            operator.make_device(NewDevice(Eui64.parse("70-B3-D5-1F-40-00-00-2F"), DeviceType.PPMID, hub), actor)
        )
        at = clock() + timedelta(days=20)
        reporting.take_snapshot(home, at)
        supplier, network = (Eui64.parse(f"70-B3-D5-1F-30-00-{part}-01") for part in ("10", "20"))
        line = Registration("2000000000", supplier, network, clock() - timedelta(days=400))
        asyncio.run(operator.register(line, actor))
        folder = reporting.take_snapshot(home, at + timedelta(hours=1))
        assert read(folder) == 4 + 1, "the home of the point, and what was made an hour ago"
        again = reporting.take_snapshot(home, at + timedelta(hours=1), whole=True)
        assert folder == again
        assert read(again) == 13


def test_who_was_a_user_on_the_day_it_was_due_counts(tmp_path):
    """The operator is suspended two days after its cells were due: they were in order, and now they are not."""
    clock = MovingClock()
    lab, keys = make_lab(tmp_path / "own", 1, clock(), system_random)
    home, operator = tmp_path / "home", Eui64.parse("70-B3-D5-1F-30-00-20-00")
    with opened_lab(LabOptions(lab, (keys,), folder=home, clock=clock)) as opened:
        dsp, actor = opened.dsp.operator, Actor("olga", "1")
        (known,) = [each for each in asyncio.run(dsp.users()) if each.entity == operator]
        clock.ahead += timedelta(days=9)
        asyncio.run(dsp.put_user(replace(known, status=UserStatus.SUSPENDED), actor))
        clock.ahead += timedelta(days=1)
        columns = "available_due, available_now"
        for days, told in ((0, (True, False)), (-2, (True, True))):
            folder = reporting.take_snapshot(home, clock() + timedelta(days=days))
            rows = duckdb.sql(f"SELECT {columns} FROM '{folder}/device.parquet' WHERE device_type = 3").fetchall()
            assert rows == [told]
        clock.ahead += timedelta(hours=1)
        asyncio.run(dsp.remove_user(operator, actor))
    book = UserBook.open(home / USERS_FILE, {})
    assert [status for _, status in book.turns()[operator]] == ["active", "suspended", "removed"]
    assert operator not in book.users()
    with opened_lab(LabOptions(lab, (keys,), folder=home, clock=clock)) as opened:
        asyncio.run(opened.dsp.operator.put_user(known, actor))
    assert [status for _, status in UserBook.open(home / USERS_FILE, {}).turns()[operator]][-1] == "active"
