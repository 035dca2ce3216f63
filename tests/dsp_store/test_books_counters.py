"""The counter rule of SECMP0128A in the books (duis-dsp.md 7; hostile N5 to N18), and what cells are known to hold."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dsp_store.books_world import (
    BROKER,
    COS,
    DEVICE,
    NOW,
    NOW_MS,
    after,
    answering,
    commanded,
    eui,
    learn,
    request_id,
    reservation,
    reserved,
    stood,
)
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, problems
from trustcell.dsp.rules.facts import Occupant
from trustcell.dsp.rules.plan import Effects, Needs, SlotChange
from trustcell.dsp.rules.work import CommandChange, CommandState, Work
from trustcell.vocab import CellId, CellUsage, KeyUsage, Refused, RemotePartyRole

Sql = Callable[[str], list[tuple[object, ...]]]
MOST = 2**63 - 1
CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
OTHER_CELL = CellId(RemotePartyRole.SUPPLIER, KeyUsage.KEY_AGREEMENT, CellUsage.PRE_PAYMENT_TOP_UP)


def highest(store: SqlHome) -> int | None:
    return store.facts([(None, DEVICE, Needs())])[0].highest


@pytest.mark.parametrize(("stored", "given"), [(NOW_MS - 1, NOW_MS), (NOW_MS, NOW_MS + 1), (NOW_MS + 1, NOW_MS + 2)])
def test_below_equal_and_above_the_generated_counter(store: SqlHome, homes: SqlHomes, stored: int, given: int) -> None:
    learn(store, DEVICE, stored)
    assert reserved(store, request_id(1)).counter == given
    assert highest(store) == max(stored, given if given > stored and stored >= NOW_MS else stored)
    assert list(problems(homes)) == []


def test_each_repeat_gets_a_higher_number(store: SqlHome) -> None:
    learn(store, DEVICE, 2**62)
    assert [reserved(store, request_id(number)).counter for number in range(3)] == [2**62 + n for n in (1, 2, 3)]
    assert highest(store) == 2**62 + 3


def test_other_commands_keep_their_sequence_and_skip_what_was_raised(store: SqlHome, homes: SqlHomes) -> None:
    learn(store, DEVICE, NOW_MS + 2)
    raising = (True, False, False, False, False, False)
    counters = [
        reserved(store, request_id(number), raise_above_highest=above).counter for number, above in enumerate(raising)
    ]
    assert counters == [NOW_MS + 3, NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 4, NOW_MS + 5]
    assert list(problems(homes)) == []


def test_sequences_are_of_an_originator_and_a_device(store: SqlHome) -> None:
    for number in range(3):
        group = [reservation(request_id(number, eui(name)), originator=BROKER) for name in ("a", "b")]
        assert [choice.counter for choice in store.reserve(group, NOW)] == [NOW_MS + number] * 2
    assert reserved(store, request_id(9, eui("a")), originator=COS).counter == NOW_MS


def test_a_clock_that_goes_back_changes_nothing(store: SqlHome) -> None:
    first = reserved(store, request_id(1)).counter
    assert reserved(store, request_id(2), NOW - timedelta(days=900)).counter == first + 1
    assert reserved(store, request_id(3), after(seconds=1)).counter == NOW_MS + 1000


def test_the_last_number_is_refused_and_nothing_wraps(store: SqlHome) -> None:
    learn(store, DEVICE, MOST - 1)
    assert reserved(store, request_id(1)).counter == MOST
    (refused,) = store.reserve([reservation(request_id(2))], NOW)
    assert isinstance(refused, Refused)
    assert refused.code == "counter_exhausted"
    assert highest(store) == MOST
    assert reserved(store, request_id(2), raise_above_highest=False).counter == NOW_MS


def test_what_was_learned_only_grows(store: SqlHome, homes: SqlHomes) -> None:
    assert homes.views.highest(DEVICE) is None
    learn(store, DEVICE, 50)
    learn(store, DEVICE, 50, after(hours=1))
    learn(store, DEVICE, 49, after(hours=2))
    source = "6.15.1 authorisingRemotePartySeqNumber"
    assert homes.views.highest(DEVICE) == (50, source, NOW)
    learn(store, DEVICE, 51, after(hours=3))
    assert homes.views.highest(DEVICE) == (51, source, after(hours=3))
    assert [(each.counter, each.reason) for each in homes.views.counter_ledger(DEVICE)] == [(50, source), (51, source)]
    assert homes.views.highest(eui("other")) is None


def test_zero_can_be_learned(store: SqlHome) -> None:
    learn(store, DEVICE, 0)
    assert highest(store) == 0


def test_the_ledger_says_who_used_which_number_and_why(store: SqlHome, homes: SqlHomes) -> None:
    key = commanded(store, request_id(1))
    stood(store.commit([answering(request_id(1), key, Effects(learned=2**62, learned_from="floor"))], after(seconds=1)))
    raised = reserved(store, request_id(2), after(seconds=2))
    again = reserved(store, request_id(3), after(seconds=3), raise_above_highest=False)
    ledger = homes.views.counter_ledger(DEVICE)
    assert [each.counter for each in ledger] == [NOW_MS, 2**62, raised.counter, again.counter]
    assert ledger[1].who == f"learned by the DSP from {BROKER}"
    assert ledger[2].reason == raised.reason
    assert [each.at for each in ledger] == [after(seconds=number) for number in range(4)]


# ---- by hand ----


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gpf_network_operator_floor SET highest_counter = highest_counter - 1",
        "DELETE FROM gpf_network_operator_floor",
        "UPDATE originator_counter SET last_own = 0",
        "DELETE FROM originator_counter",
        "DELETE FROM spent_counter",
        "UPDATE spent_counter SET first = first + 1",
        "DELETE FROM counter_event",
        "UPDATE counter_event SET reason = ''",
        "UPDATE lease SET given = given - 1",
        "UPDATE lease SET epoch = 0",
        "UPDATE lease SET seq = seq - 1",
        "UPDATE command SET octets = octets",
        "UPDATE command SET counter = counter",
        "DELETE FROM command",
        "UPDATE delivery_octets SET octets = octets",
        "DELETE FROM inbound",
        "UPDATE inbound SET octets = octets",
        "UPDATE trail SET octets = octets",
        "DELETE FROM trail",
        "UPDATE request SET counter = counter",
        "DELETE FROM request",
    ],
)
def test_nothing_that_stays_is_lowered_or_deleted_by_hand(
    store: SqlHome, sql: Sql, dump: Callable[[], str], statement: str
) -> None:
    learn(store, DEVICE, 2**62)
    reserved(store, request_id(2))
    key = commanded(store, request_id(1), raise_above_highest=False)
    stood(store.commit([answering(request_id(1), key)], NOW))
    before = dump()
    with pytest.raises(sa.exc.IntegrityError, match="is not changed or deleted"):
        sql(statement)
    assert dump() == before


def test_a_counter_lowered_without_its_trigger_is_found(store: SqlHome, homes: SqlHomes, sql: Sql) -> None:
    learn(store, DEVICE, 2**62)
    reserved(store, request_id(1), raise_above_highest=False)
    assert list(problems(homes)) == []
    unguarded(sql, "gpf_network_operator_floor")
    sql("UPDATE gpf_network_operator_floor SET highest_counter = 7")
    assert [found.split(": ")[0] for found in problems(homes)] == [str(DEVICE)]
    unguarded(sql, "originator_counter")
    sql("UPDATE originator_counter SET last_own = 7")
    assert [found.split(": ")[1] for found in problems(homes)] == [
        f"{2**62} was learned, but the stored counter is 7",
        f"{NOW_MS} was given out, but its counter stands lower",
    ]


def unguarded(sql: Sql, table: str) -> None:
    """Take the triggers away, as somebody could who owns the database."""
    try:
        sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    except sa.exc.OperationalError:
        for kind in ("lasts", "frozen", "stays"):
            sql(f"DROP TRIGGER IF EXISTS {table}_{kind}")


# ---- cells ----


def teaching(store: SqlHome, name: str, taught_by: int | None, *, alert: bool = False, hours: int = 0) -> None:
    """An answer to command ``taught_by`` says who holds the cell."""
    key = commanded(store, request_id(hash((name, hours)) % 10**9, eui(name)))
    effects = Effects(slots=(SlotChange(CELL, Occupant(eui(name), b"key " + name.encode())),))
    settle = CommandChange(key, CommandState.ANSWERED, alert_pending=False if alert else None)
    stood(store.commit([Work(DEVICE, settle=settle, effects=effects, taught_by=taught_by)], after(hours=hours)))


def test_cells_follow_the_newest_command(store: SqlHome, homes: SqlHomes) -> None:
    def holds() -> Occupant:
        return store.facts([(None, DEVICE, Needs())])[0].slots[CELL]

    teaching(store, "a", 10)
    teaching(store, "b", 20, hours=1)
    assert holds().entity == eui("b")
    teaching(store, "late", 15, hours=2)
    assert holds().entity == eui("b")
    teaching(store, "b", 30, hours=3)
    teaching(store, "late", 25, hours=4)  # what was confirmed by 30 is newer
    assert holds().entity == eui("b")
    teaching(store, "alerted", None, alert=True, hours=5)
    assert holds().entity == eui("alerted")
    teaching(store, "late", 29, hours=6)
    teaching(store, "c", 30, hours=7)
    assert holds() == Occupant(eui("c"), b"key c")
    history = homes.views.slots(DEVICE)
    assert [(cell, at) for cell, _, at, _ in history] == [(CELL, after(hours=hours)) for hours in (0, 1, 5, 7)]
    assert [occupant.entity for _, occupant, _, _ in history] == [eui(name) for name in ("a", "b", "alerted", "c")]
    assert [told.split(" to ")[0] for *_, told in history] == ["response", "response", "alert", "response"]


def test_cells_are_told_apart(store: SqlHome) -> None:
    held = {CELL: Occupant(BROKER, b"1"), OTHER_CELL: Occupant(COS, b"2")}
    changes = tuple(SlotChange(cell, occupant) for cell, occupant in held.items())
    stood(store.commit([Work(DEVICE, effects=Effects(slots=changes))], NOW))
    assert dict(store.facts([(None, DEVICE, Needs())])[0].slots) == held
    assert dict(store.facts([(None, eui("other"), Needs())])[0].slots) == {}
