"""Stuck devices, expired occupants, the end of the estate, one key wherever it is: against loops over the rows."""

import random
from collections import Counter
from types import SimpleNamespace

import pytest

from reports.fleets import NOW, OPERATORS, Fleet, drawn, number
from trustcell.adapters.reporting import PostgresSnapshot
from trustcell.reports import REPORTS
from trustcell.reports.rules.fleet import BROKER, CELLS, PARTY_BITS
from trustcell.reports.rules.stuck import Cause, cause_of
from trustcell.reports.service import run
from trustcell.vocab import MAX_SEQ_NUMBER, Refused

KEY = f"{2:064x}"


@pytest.fixture(scope="module")
def fleet():
    made, dice = Fleet(), random.Random(11)
    for _ in range(300):
        made.add(**drawn(dice))
    return made


@pytest.fixture(scope="module")
def snapshot(fleet, tmp_path_factory):
    with fleet.duck(tmp_path_factory.mktemp("snapshot")) as made:
        yield made


def certificates(fleet):
    return {row["number"]: SimpleNamespace(**row) for row in fleet.tables()["certificate"]}


def held(fleet):
    for row in fleet.devices:
        for place, name in enumerate(CELLS):
            if row[name]:
                yield row, place, row[name]


def test_stuck_says_what_the_rule_says(fleet, snapshot):
    known, users = certificates(fleet), {row["number"]: row["dcc_user"] for row in fleet.tables()["party"]}
    expected = Counter()
    for row in fleet.devices:
        party = row["operator_ds"] >> PARTY_BITS
        end = known[row["operator_ds"]].first_end if row["operator_ds"] else None
        cause = cause_of(party, users.get(party, False), row["highest"], end, NOW) if row["operator_ds"] else None
        if cause is not None:
            expected[cause.value, party, row["region"]] += 1
    assert {row[:3]: row[3] for row in snapshot.ask(REPORTS["stuck"].totals, {})} == expected
    assert {key[0] for key in expected} == set(Cause)


def test_a_counter_is_close_to_its_end_from_the_margin_on():
    border = MAX_SEQ_NUMBER - NOW.counter_margin
    assert cause_of(BROKER, False, border, None, NOW) is None
    assert cause_of(BROKER, False, border + 1, None, NOW) is Cause.COUNTER_ENDS


def test_expired_counts_the_earliest_and_says_how_many_are_in_doubt(fleet, snapshot):
    known = certificates(fleet)
    expected, doubtful = Counter(), Counter()
    for _row, place, number_ in held(fleet):
        if known[number_].first_end < NOW.moment:
            expected[place, number_ >> PARTY_BITS] += 1
            doubtful[place, number_ >> PARTY_BITS] += known[number_].last_end >= NOW.moment
    found = snapshot.ask(REPORTS["expired"].totals, {})
    assert {row[:2]: row[2] for row in found} == expected
    assert {row[:2]: row[3] for row in found} == dict(doubtful)
    assert 0 < sum(doubtful.values()) < sum(expected.values())


def test_the_years_of_the_estate(fleet, snapshot):
    known = certificates(fleet)
    expected = Counter((known[number_].first_year, place) for _row, place, number_ in held(fleet))
    assert {row[:2]: row[2] for row in snapshot.ask(REPORTS["expiry"].totals, {})} == expected


def test_a_key_is_found_in_every_certificate_and_cell(fleet, snapshot):
    wanted = {number_ for number_, each in certificates(fleet).items() if each.key_hash == KEY}
    expected = sorted(
        (f"{row['eui']:016X}", list(CELLS)[place]) for row, place, number_ in held(fleet) if number_ in wanted
    )
    table = run(REPORTS["cascade"], snapshot, 1000, asked={"key": KEY})
    assert sorted((row["device"].replace("-", ""), row["cell"]) for row in table.rows) == expected
    assert table.count == len(expected) > 10
    assert {row["clause"] for row in table.rows} == {"SEC L10"}


def test_a_key_must_be_named(snapshot):
    with pytest.raises(Refused) as found:
        run(REPORTS["cascade"], snapshot, 10)
    assert "--set key=" in str(found.value)


def test_pages_are_in_order_and_end(snapshot):
    whole = run(REPORTS["expired"], snapshot, 10_000).rows
    pages = []
    for offset in range(0, len(whole) + 50, 50):
        pages += run(REPORTS["expired"], snapshot, 50, offset).rows
    assert pages == whole


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_postgresql_says_the_same(name, fleet, snapshot, postgresql):
    url = postgresql.new()
    database = url.split("/")[3].split("?")[0]
    other = PostgresSnapshot(f"host={postgresql.folder} user=tests dbname={database}", NOW)
    other.load(fleet.rows())
    asked = {"key": KEY}
    told, same = (run(REPORTS[name], each, 10_000, asked=asked) for each in (snapshot, other))
    other.close()
    postgresql.release(url)
    assert told.totals == same.totals
    assert sorted(map(str, told.rows)) == sorted(map(str, same.rows))


@pytest.mark.parametrize("report", REPORTS.values(), ids=lambda report: report.name)
def test_every_report_says_what_it_answers(report):
    assert report.question.endswith("?")
    assert report.clauses
    assert number(OPERATORS[0]) >> PARTY_BITS == OPERATORS[0]
