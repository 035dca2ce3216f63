"""Killed inside a transaction, at every statement: all of it or nothing, no number twice (hostile K9, K16, K25-K32)."""

import signal
from collections.abc import Callable

import pytest

from dsp_store.books_world import (
    BROKER,
    DEVICE,
    NOW,
    after,
    answering,
    commanded,
    commanding,
    dumped,
    eui,
    learn,
    opened,
    request_id,
    reservation,
    reserved,
    stood,
)
from dsp_store.children import SURVIVED, ended, forked, stop_at
from trustcell.adapters.dsp_store import SqlHome, problems
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.facts import DeviceRecord, Occupant
from trustcell.dsp.rules.plan import DeviceChange, Effects, SlotChange
from trustcell.vocab import CellId, DeviceType, KeyUsage, RemotePartyRole

CELL = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
DEVICES = [DEVICE, eui("second"), eui("third")]
Call = Callable[[SqlHome], object]


def prepare(store: SqlHome) -> None:
    learn(store, DEVICE, 2**62)
    for device in DEVICES:
        commanded(store, request_id(1, device), raise_above_highest=False)
        reserved(store, request_id(2, device), raise_above_highest=False)


def reserve(store: SqlHome) -> object:
    return store.reserve([reservation(request_id(3, device)) for device in DEVICES], after(hours=1))


def record(store: SqlHome) -> object:
    counters = {each.request.request_id: each.counter for each in store.reserved()}
    return store.commit([commanding(ids, counter) for ids, counter in counters.items()], after(hours=1))


def answer(store: SqlHome) -> object:
    works = []
    for command in store.open_commands():
        ids = command.request_id
        effects = Effects(
            slots=(SlotChange(CELL, Occupant(BROKER, b"key")),), learned=2**62 + 5, learned_from="6.15.1",
            devices=(DeviceChange(ids.target, DeviceRecord(ids.target, DeviceType.GPF), "seen"),),
        )  # fmt: skip
        works.append(answering(ids, command.key, effects))
    return store.commit(works, after(hours=1))


def deliver(store: SqlHome) -> object:
    due = store.deliveries(after(hours=1), 9)
    store.settle_deliveries([(each.number, "200", None) for each in due], after(hours=1))
    return None


@pytest.mark.parametrize("call", [reserve, record, answer, deliver])
def test_a_kill_at_any_statement_leaves_all_or_nothing(url: str, call: Call) -> None:
    homes = opened(url)
    store = homes.take("0", "first", NOW)
    prepare(store)
    if call is deliver:
        answer(store)
    store.close()
    homes.close()
    before, done = dumped(url), 0

    for number in range(1, 60):

        def child(number: int = number) -> int:
            mine = opened(url).take("0", f"worker {number}", after(minutes=number))
            stop_at(mine, number, signal.SIGKILL)
            call(mine)
            return SURVIVED

        how = ended(forked(child))
        now = dumped(url)
        if how == SURVIVED:
            assert now != before
            done = number
            break
        assert how == -signal.SIGKILL
        # Nothing but what the last statement, COMMIT, may have done already; it was not sent.
        assert now == before
    assert done > 5
    homes = opened(url)
    assert list(problems(homes)) == []
    homes.close()


def test_a_number_that_was_given_before_the_kill_is_not_given_again(url: str) -> None:
    given = []
    for number in range(8):
        homes = opened(url)
        store = homes.take("0", "parent", after(minutes=number))
        given.append(reserved(store, request_id(100 + number), NOW).counter)
        store.close()
        homes.close()

        def child(number: int = number) -> int:
            mine = opened(url).take("0", "child", after(minutes=number, seconds=30))
            stop_at(mine, 2 + number * 2, signal.SIGKILL)
            reserved(mine, request_id(number), NOW)
            mine.reserve([reservation(request_id(50 + number))], NOW)
            return SURVIVED

        ended(forked(child))
    assert len(set(given)) == len(given)
    assert given == sorted(given)


def test_the_outcome_of_a_call_whose_answer_was_lost_is_looked_up(url: str) -> None:
    """D6: the process died after COMMIT, before it heard so."""
    homes = opened(url)
    store = homes.take("0", "first", NOW)
    counter = reserved(store, request_id(1)).counter
    store.close()
    homes.close()

    def child() -> int:
        mine = opened(url).take("0", "second", after(minutes=1))
        stood(mine.commit([commanding(request_id(1), counter)], NOW))
        return 3

    assert ended(forked(child)) == 3
    homes = opened(url)
    store = homes.take("0", "third", after(minutes=2))
    assert [each is not None for each in store.commands([CommandKey(BROKER, DEVICE, counter)])] == [True]
    stood(store.commit([commanding(request_id(1), counter)], NOW))
    assert len(store.open_commands()) == 1
    store.close()
    homes.close()
