"""The truth table of the post-commissioning report (smki.md 7.5), row by row, and the same from SQL on any fleet."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.fleets import DAY, NOW, OPERATORS, Fleet, drawn, number
from trustcell.adapters.reporting import PostgresSnapshot, RunningTotals
from trustcell.reports.rules.fleet import BROKER, UNKNOWN, AsOf
from trustcell.reports.rules.post_commissioning import (
    MEANINGS,
    POST_COMMISSIONING,
    Outcome,
    Slot,
    State,
    outcome,
    state_of,
)
from trustcell.reports.service import run
from trustcell.vocab import DeviceType

US, OTHER, ACB, NOBODY = number(OPERATORS[0]), number(OPERATORS[1]), number(BROKER), number(UNKNOWN)
GPF, ESME = DeviceType.GPF, DeviceType.ESME
PASS, FAIL, OPEN, OUT = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.OUT_OF_SCOPE
# Device, what DS and KA hold, whether the operator is a User with certificates in the repository; old rule, new rule.
TABLE = [
    (GPF, 2, ACB, ACB, False, FAIL, PASS, State.BROKER),
    (GPF, 2, ACB, ACB, True, FAIL, PASS, State.BROKER_OPERATOR_AVAILABLE),
    (GPF, 2, US, US, True, PASS, PASS, State.RESPONSIBLE),
    (GPF, 2, US, US, False, PASS, FAIL, State.RESPONSIBLE_NOT_AVAILABLE),
    (GPF, 2, OTHER, OTHER, True, FAIL, FAIL, State.ANOTHER),
    (GPF, 2, OTHER, OTHER, False, FAIL, FAIL, State.ANOTHER),
    (GPF, 2, US, ACB, True, FAIL, FAIL, State.MIXED),
    (GPF, 2, ACB, OTHER, False, FAIL, FAIL, State.MIXED),
    (GPF, 2, NOBODY, NOBODY, True, FAIL, FAIL, State.UNKNOWN),
    (GPF, 2, ACB, NOBODY, True, FAIL, FAIL, State.UNKNOWN),
    (GPF, 2, 0, 0, True, OPEN, OPEN, State.NOT_READ),
    (GPF, 2, US, 0, True, OPEN, OPEN, State.NOT_READ),
    (ESME, 2, US, US, True, PASS, PASS, State.RESPONSIBLE),
    (ESME, 2, US, US, False, PASS, PASS, State.RESPONSIBLE),
    (ESME, 2, ACB, ACB, True, FAIL, FAIL, State.BROKER_ON_ESME),
    (ESME, 2, OTHER, OTHER, True, FAIL, FAIL, State.ANOTHER),
    (GPF, 1, ACB, ACB, True, OUT, OUT, State.SMETS1),
    (ESME, 1, US, US, True, OUT, OUT, State.SMETS1),
    (DeviceType.GSME, 2, ACB, ACB, True, OUT, OUT, State.NO_SUCH_CELLS),
    (DeviceType.CHF, 2, 0, 0, True, OUT, OUT, State.NO_SUCH_CELLS),
]
OLD, NEW = NOW.new_rule_from - NOW.due_after - 1, NOW.new_rule_from - NOW.due_after


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[-1].name}-{row[0].name}")
def test_every_row_of_the_table(row, tmp_path):
    device_type, smets, ds, ka, available, before, since, state = row
    slot = Slot(device_type, smets, ds, ka, OPERATORS[0], available)
    assert state_of(slot) is state
    fleet = Fleet()
    for commissioned in (OLD, NEW):
        fleet.add(
            device_type=int(device_type), smets=smets, commissioned=commissioned, due_ds=ds, due_ka=ka, operator_ds=ds,
            operator_ka=ka, available_due=available, available_now=available,
        )  # fmt: skip
    assert [outcome(slot, slot, each["commissioned"], NOW) for each in fleet.devices] == [before, since]
    with fleet.duck(tmp_path) as snapshot:
        totals = run(POST_COMMISSIONING, snapshot, 10).totals
    expected = Counter([before, since])
    assert Counter({each: sum(row[5] for row in totals if row[3] == each) for each in expected}) == expected


def test_the_table_has_every_state():
    assert {row[-1] for row in TABLE} == set(State) == set(MEANINGS)


def test_seven_days_are_seven_days(tmp_path):
    slot = Slot(GPF, 2, OTHER, OTHER, OPERATORS[0], False)
    due = NOW.moment - NOW.due_after
    assert outcome(slot, slot, due, NOW) is FAIL
    assert outcome(slot, slot, due + 1, NOW) is Outcome.PENDING
    assert outcome(slot, slot, None, NOW) is Outcome.NOT_COMMISSIONED


def test_what_was_put_right_late_is_told():
    wrong, right = Slot(GPF, 2, OTHER, OTHER, OPERATORS[0], False), Slot(GPF, 2, ACB, ACB, OPERATORS[0], False)
    unread = Slot(GPF, 2, 0, 0, OPERATORS[0], False)
    assert outcome(wrong, right, NEW, NOW) is Outcome.REMEDIATED
    assert outcome(right, wrong, NEW, NOW) is PASS
    assert outcome(unread, right, NEW, NOW) is PASS
    assert outcome(unread, wrong, NEW, NOW) is FAIL


def slots(row):
    common = (row["device_type"], row["smets"])
    then = Slot(*common, row["due_ds"], row["due_ka"], row["operator_due"], row["available_due"])
    return then, Slot(*common, row["operator_ds"], row["operator_ka"], row["operator_now"], row["available_now"])


def by_rule(fleet, at=NOW):
    """What the rule in Python says of every device, counted as the report counts."""
    counted = Counter()
    for row in fleet.devices:
        then, now = slots(row)
        told = outcome(then, now, row["commissioned"], at)
        counted[row["supplier"], row["operator_due"], row["region"], told.value, int(state_of(then))] += 1
    return counted


def random_fleet(seed, size=400):
    fleet, dice = Fleet(), random.Random(seed)
    for _ in range(size):
        fleet.add(**drawn(dice))
    return fleet


@pytest.mark.parametrize("seed", range(8))
def test_sql_says_what_the_rule_says(seed, tmp_path):
    fleet = random_fleet(seed)
    with fleet.duck(tmp_path) as snapshot:
        assert {row[:5]: row[5] for row in snapshot.ask(POST_COMMISSIONING.totals, {})} == by_rule(fleet)


@given(st.randoms(use_true_random=False))
def test_every_device_is_counted_once(dice):
    fleet = Fleet()
    for _ in range(20):
        fleet.add(**drawn(dice))
    assert sum(by_rule(fleet).values()) == 20


def test_postgresql_says_the_same(tmp_path, postgresql):
    fleet = random_fleet(99)
    url = postgresql.new()
    name = url.split("/")[3].split("?")[0]
    snapshot = PostgresSnapshot(f"host={postgresql.folder} user=tests dbname={name}", NOW)
    snapshot.load(fleet.rows())
    with fleet.duck(tmp_path) as duck:
        told, same = run(POST_COMMISSIONING, duck, 1000), run(POST_COMMISSIONING, snapshot, 1000)
    snapshot.close()
    postgresql.release(url)
    assert (told.totals, told.rows, told.count) == (same.totals, same.rows, same.count)
    assert told.count > 50


def test_running_totals_are_the_totals(tmp_path):
    """A day later: some devices changed, some became due by time alone; both are in the list of changes."""
    dice, fleet = random.Random(5), random_fleet(7)
    later = AsOf(NOW.moment + DAY)
    after = Fleet(list(fleet.devices))
    listed = []
    for place, row in enumerate(fleet.devices):
        commissioned = row["commissioned"]
        falls_due = commissioned is not None and NOW.moment < commissioned + NOW.due_after <= later.moment
        if dice.random() < 0.1:
            after.devices[place] = {**row, **drawn(dice)}
        elif not falls_due:
            continue
        listed.append(place)
    assert len(listed) > 20
    old, new = (Fleet([each.devices[place] for place in listed]) for each in (fleet, after))
    totals, full = RunningTotals(POST_COMMISSIONING), RunningTotals(POST_COMMISSIONING)
    with fleet.duck(tmp_path / "day1") as day, after.duck(tmp_path / "day2", later) as next_day:
        totals.count(day)
        assert totals.rows()
        with old.duck(tmp_path / "old") as before, new.duck(tmp_path / "new", later) as now:
            totals.refresh(before, now)
        full.count(next_day)
    assert totals.rows() == full.rows()


def test_rows_name_clause_remedy_and_history(tmp_path):
    fleet = Fleet()
    fleet.add(eui=-0x6F4C2AE0CFFDFFFE, due_ds=OTHER, due_ka=OTHER, operator_ds=OTHER, operator_ka=OTHER)
    fleet.add(operator_at_install=True, operator_ds=ACB, operator_ka=ACB)
    with fleet.duck(tmp_path) as snapshot:
        wrong, breach = run(POST_COMMISSIONING, snapshot, 10).rows
    assert wrong["history"] == "trustcell dsp history 90-B3-D5-1F-30-02-00-02"
    assert (wrong["outcome"], wrong["clause"]) == ("fail", "SEC Appendix AC 5.3")
    assert "6.15.1" in wrong["remedy"]
    assert (breach["outcome"], breach["installed_in_breach"]) == ("pass", True)
    assert breach["clause"] == "SECMP0128A requirement 1"
