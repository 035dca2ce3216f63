"""One contract for both ledgers: every call is all or nothing, IDs and numbers are used once, counters only grow."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from trustcell.adapters.memory_ledger import MemoryLedger
from trustcell.adapters.sqlite_ledger import SqliteLedger

from dsp import dsp_world as w
from dsp.dsp_ledgers import BROKER, DEVICE, MS, NOW, OTHER, SECOND, USER, command, dump_file, ids, recorded, reservation
from trustcell.dsp import (
    Command,
    Effects,
    Kind,
    Ledger,
    Offered,
    Reserved,
    SlotChange,
    State,
)
from trustcell.vocab import MAX_COUNTER, MAX_SEQ_NUMBER, Eui64, Refused


class Store:
    """A ledger and how to see everything in it."""

    def __init__(self, ledger: Ledger, dump: Callable[[], str]) -> None:
        self.ledger = ledger
        self.dump = dump


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        memory = MemoryLedger()
        yield Store(memory, lambda: repr([vars(memory)[name] for name in sorted(vars(memory))]))
        return
    path = tmp_path / "ledger.db"
    sqlite = SqliteLedger(path)
    yield Store(sqlite, lambda: dump_file(path))
    sqlite.close()


def refused(store: Store, code: str, call: Callable[[], object]) -> None:
    before = store.dump()
    with pytest.raises(Refused) as found:
        call()
    assert found.value.code == code
    assert all(finding.remedy and finding.clause and finding.field for finding in found.value.findings)
    assert store.dump() == before


# ---- request IDs ----


def test_a_transform_is_offered_until_it_is_sent(store: Store) -> None:
    ledger = store.ledger
    assert ledger.offered(ids(1)) is None
    ledger.transform(ids(1), "6.15.1", b"pre", NOW)
    assert ledger.offered(ids(1)) == Offered("6.15.1", b"pre")
    before = store.dump()
    ledger.transform(ids(1), "6.15.1", b"pre", NOW + timedelta(1))
    assert store.dump() == before
    refused(store, "request_id_used", lambda: ledger.transform(ids(1), "6.15.1", b"other", NOW))
    refused(store, "request_id_used", lambda: ledger.transform(ids(1), "6.17", b"pre", NOW))
    refused(store, "request_id_used", lambda: ledger.reserve(reservation(1), NOW))
    ledger.record(command(1, ids(1), originator=USER), NOW)
    refused(store, "request_id_used", lambda: ledger.offered(ids(1)))
    refused(store, "request_id_used", lambda: ledger.transform(ids(1), "6.15.1", b"pre", NOW))


def test_request_ids_are_exact_up_to_64_bits_and_per_originator_and_target(store: Store) -> None:
    numbers = (0, 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, MAX_COUNTER - 1, MAX_COUNTER)
    for number in numbers:
        for change in ({}, {"originator": OTHER}, {"target": SECOND}):
            store.ledger.reserve(reservation(number, **change), NOW)
    assert {reserved.request_id.counter for reserved in store.ledger.reserved()} == set(numbers)
    assert len(store.ledger.reserved()) == 3 * len(numbers)
    for number in numbers:
        refused(store, "request_id_used", lambda number=number: store.ledger.reserve(reservation(number), NOW))


# ---- reservations ----


def test_a_reservation_claims_id_and_number_and_is_found_again(store: Store) -> None:
    ledger = store.ledger
    first, second = (ledger.reserve(reservation(number), NOW) for number in (1, 2))
    assert (first.counter, second.counter) == (MS, MS + 1)
    assert ledger.highest(DEVICE) is None
    assert list(ledger.reserved()) == [
        Reserved(ids(number), "6.21", b"<request/>", MS + number - 1) for number in (1, 2)
    ]
    refused(store, "request_id_used", lambda: ledger.offered(ids(1)))
    ledger.record(command(MS, ids(1)), NOW)
    assert [reserved.request_id.counter for reserved in ledger.reserved()] == [2]


def test_an_abandoned_reservation_keeps_id_and_number(store: Store) -> None:
    ledger = store.ledger
    ledger.reserve(reservation(1), NOW)
    assert ledger.abandon(ids(1), "device_unknown", NOW)
    assert list(ledger.reserved()) == []
    before = store.dump()
    assert not ledger.abandon(ids(1), "device_unknown", NOW)
    assert not ledger.abandon(ids(2), "device_unknown", NOW)
    assert store.dump() == before
    refused(store, "request_id_used", lambda: ledger.reserve(reservation(1), NOW))
    refused(store, "request_id_used", lambda: ledger.record(command(MS, ids(1)), NOW))
    assert ledger.reserve(reservation(2), NOW).counter == MS + 1


def test_numbers_rise_whatever_the_clock_does_and_stop_at_the_last(store: Store) -> None:
    ledger = store.ledger
    taken = [ledger.reserve(reservation(n), NOW - timedelta(days=n)).counter for n in range(1, 6)]
    assert taken == sorted(set(taken))
    settle(store, MAX_SEQ_NUMBER - 1)
    assert ledger.reserve(reservation(10), NOW).counter == MAX_SEQ_NUMBER
    assert ledger.highest(DEVICE) == MAX_SEQ_NUMBER
    refused(store, "counter_exhausted", lambda: ledger.reserve(reservation(11), NOW))
    assert ledger.reserve(reservation(11, raises=False), NOW).counter == MS + 1


def settle(store: Store, number: int, request: int = 900) -> Command:
    """Teach a number by a message about a command of its own."""
    made = recorded(store.ledger, request)
    kept = store.ledger.keep(b"message", NOW)
    store.ledger.learn(kept, made.key, Kind.RESPONSE, Effects((), number, "test"), NOW)
    return made


def test_a_number_given_out_is_spent_before_it_is_recorded(store: Store) -> None:
    settle(store, MS + 10)
    raised = [store.ledger.reserve(reservation(n), NOW).counter for n in (1, 2)]
    assert raised == [MS + 11, MS + 12]
    later = NOW + timedelta(milliseconds=11)
    assert store.ledger.reserve(reservation(3, raises=False), later).counter == MS + 13
    assert store.ledger.reserve(reservation(4, raises=False, target=SECOND), later).counter == MS + 11


# ---- commands ----


def test_a_command_is_recorded_once(store: Store) -> None:
    ledger = store.ledger
    made = recorded(ledger, 1)
    assert list(ledger.outbox()) == [made]
    assert ledger.correlate(made.key) == made
    assert ledger.correlate(replace(made.key, counter=made.key.counter + 1)) is None
    assert ledger.correlate(replace(made.key, device=SECOND)) is None
    before = store.dump()
    ledger.record(made, NOW + timedelta(1))
    assert store.dump() == before
    refused(store, "request_id_used", lambda: ledger.record(replace(made, octets=b"other"), NOW))
    refused(store, "request_id_used", lambda: ledger.record(command(5, ids(77)), NOW))
    ledger.reserve(reservation(2), NOW)
    refused(store, "counter_used", lambda: ledger.record(command(made.key.counter, ids(2)), NOW))


def test_commands_of_users_carry_any_counter_exactly(store: Store) -> None:
    for number in (0, 2**53 + 1, MAX_SEQ_NUMBER, 2**63, MAX_COUNTER):
        store.ledger.transform(ids(number), "6.15.1", b"pre", NOW)
        made = command(number, ids(number), originator=USER)
        store.ledger.record(made, NOW)
        assert store.ledger.correlate(made.key) == made
        assert store.ledger.history(DEVICE)[-1].counter == number
    assert [made.key.counter for made in store.ledger.outbox()] == [
        0, 2**53 + 1, MAX_SEQ_NUMBER, 2**63, MAX_COUNTER,
    ]  # fmt: skip


def test_a_time_out_closes_the_outbox_entry_once(store: Store) -> None:
    made = recorded(store.ledger, 1)
    assert store.ledger.time_out(made.key, NOW)
    assert list(store.ledger.outbox()) == []
    silent = store.ledger.correlate(made.key)
    assert silent is not None
    assert silent.state is State.SILENT
    before = store.dump()
    assert not store.ledger.time_out(made.key, NOW)
    assert not store.ledger.time_out(replace(made.key, counter=3), NOW)
    assert store.dump() == before


# ---- messages and learning ----


def test_messages_wait_until_they_are_judged(store: Store) -> None:
    ledger = store.ledger
    numbers = [ledger.keep(octets, NOW) for octets in (b"", b"a", b"a")]
    assert list(ledger.unprocessed()) == list(zip(numbers, (b"", b"a", b"a"), strict=True))
    ledger.dismiss(numbers[1], "not_correlated", NOW)
    assert [number for number, _octets in ledger.unprocessed()] == [numbers[0], numbers[2]]
    before = store.dump()
    with pytest.raises(KeyError):
        ledger.dismiss(99, "not_correlated", NOW)
    assert store.dump() == before


def test_learning_is_one_step_and_settles_command_slot_counter_and_message(store: Store) -> None:
    ledger, made = store.ledger, recorded(store.ledger, 1)
    kept = ledger.keep(b"message", NOW)
    effects = Effects((SlotChange(w.NO_DS, BROKER, b"key id 1"),), 7, "6.15.1 floor")
    settled = ledger.learn(kept, made.key, Kind.RESPONSE, effects, NOW)
    assert (settled.first, settled.highest) == (True, 7)
    assert ledger.highest(DEVICE) == 7
    assert ledger.slot(DEVICE, w.NO_DS) == (BROKER, b"key id 1")
    assert ledger.slot(DEVICE, w.NO_KA) is None
    assert ledger.slot(SECOND, w.NO_DS) is None
    assert list(ledger.unprocessed()) == list(ledger.outbox()) == []
    last = ledger.history(DEVICE)[-1]
    assert (last.at, last.counter, last.reason) == (NOW, 7, "6.15.1 floor")


def test_learning_nothing_leaves_the_counter(store: Store) -> None:
    made = settle(store, 9)
    again = store.ledger.learn(store.ledger.keep(b"", NOW), made.key, Kind.ALERT, Effects(), NOW)
    assert (again.first, again.highest) == (True, 9)


def test_the_counter_only_grows_up_to_the_last_number(store: Store) -> None:
    ledger, made = store.ledger, recorded(store.ledger, 1)
    for number, expected in ((5, 5), (3, 5), (MAX_SEQ_NUMBER, MAX_SEQ_NUMBER), (0, MAX_SEQ_NUMBER)):
        kept = ledger.keep(b"", NOW)
        assert ledger.learn(kept, made.key, Kind.RESPONSE, Effects((), number, "t"), NOW).highest == expected
    kept = ledger.keep(b"", NOW)
    before = store.dump()
    for number in (MAX_SEQ_NUMBER + 1, -1):
        with pytest.raises(ValueError):
            ledger.learn(kept, made.key, Kind.RESPONSE, Effects((), number, "t"), NOW)
        assert store.dump() == before


def test_learning_from_what_is_not_there_changes_nothing(store: Store) -> None:
    ledger, made = store.ledger, recorded(store.ledger, 1)
    kept = ledger.keep(b"", NOW)
    before = store.dump()
    for message, key in ((kept, replace(made.key, counter=1)), (99, made.key)):
        with pytest.raises(KeyError):
            ledger.learn(message, key, Kind.RESPONSE, Effects((), 5, "t"), NOW)
        assert store.dump() == before


def test_first_is_told_once_per_kind_and_in_time(store: Store) -> None:
    ledger = store.ledger

    def firsts(made: Command, *kinds: Kind) -> list[bool]:
        return [ledger.learn(ledger.keep(b"", NOW), made.key, kind, Effects(), NOW).first for kind in kinds]

    made = recorded(ledger, 1)
    assert firsts(made, Kind.RESPONSE, Kind.RESPONSE, Kind.ALERT, Kind.ALERT) == [True, False, True, False]
    late = recorded(ledger, 2)
    ledger.time_out(late.key, NOW)
    assert firsts(late, Kind.RESPONSE, Kind.RESPONSE, Kind.ALERT) == [False, False, True]


def test_slots_follow_newer_commands_and_first_messages(store: Store) -> None:
    ledger = store.ledger
    older, newer = recorded(ledger, 1), recorded(ledger, 2)

    def learn(made: Command, entity: Eui64, kind: Kind = Kind.RESPONSE) -> Eui64:
        effects = Effects((SlotChange(w.NO_DS, entity, bytes(8)),))
        ledger.learn(ledger.keep(b"", NOW), made.key, kind, effects, NOW)
        held = ledger.slot(DEVICE, w.NO_DS)
        assert held is not None
        return held[0]

    assert learn(newer, BROKER) == BROKER
    assert learn(older, USER) == BROKER
    assert learn(newer, OTHER) == BROKER
    assert learn(older, USER, Kind.ALERT) == USER
    assert learn(older, OTHER, Kind.ALERT) == USER
    assert learn(recorded(ledger, 3), OTHER) == OTHER


def test_reading_changes_nothing(store: Store) -> None:
    before = store.dump()
    ledger = store.ledger
    assert ledger.highest(DEVICE) is None
    assert ledger.slot(DEVICE, w.NO_DS) is None
    assert list(ledger.history(DEVICE)) == list(ledger.outbox()) == list(ledger.reserved()) == []
    assert store.dump() == before
