"""Homes under leases: one owner, the former is fenced, two workers on one database do not meet (hostile N16, K34)."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dsp_store.books_world import (
    BROKER,
    DEVICE,
    NOW,
    USER,
    after,
    change,
    commanding,
    eui,
    learn,
    opened,
    request_id,
    reservation,
    reserved,
    stood,
)
from dsp_store.children import ended, forked, stop_at, stopped
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, problems
from trustcell.dsp.ports import Fenced, Homes, Store, Views
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.partition import partition
from trustcell.dsp.rules.plan import DeviceChange, Effects, Needs
from trustcell.dsp.rules.work import Parcel, Work
from trustcell.vocab import DeviceType, Eui64, Unavailable

WRITING: list[Callable[[SqlHome], object]] = [
    lambda store: store.reserve([reservation(request_id(1))], NOW),
    lambda store: store.commit([commanding(request_id(1), 1, None)], NOW),
    lambda store: store.commit([], NOW),
    lambda store: store.settle_deliveries([(1, "200", None)], NOW),
    lambda store: store.renew(NOW),
    lambda store: store.seal(NOW),
    lambda store: store.release(NOW),
]


def test_the_ports_are_met(homes: SqlHomes, store: SqlHome) -> None:
    as_homes: Homes = homes
    as_store: Store = store
    as_views: Views = homes.views
    assert as_homes.names() == ("0",)
    assert as_store.reserved() == []
    assert as_views.devices(None, None, 9) == []


@pytest.mark.parametrize("call", WRITING)
def test_the_former_owner_writes_nothing(
    homes: SqlHomes, store: SqlHome, dump: Callable[[], str], call: Callable[[SqlHome], object]
) -> None:
    learn(store, DEVICE, 5)
    reserved(store, request_id(9), raise_above_highest=False)
    stood(store.commit([Work(DEVICE, parcels=(Parcel(USER, b"x"),))], NOW))
    second = homes.take("0", "second", after(minutes=1))
    assert second.epoch == store.epoch + 1
    before = dump()
    with pytest.raises(Fenced):
        call(store)
    assert dump() == before
    reserved(second, request_id(1))
    with pytest.raises(Fenced):
        call(store)
    assert [each.highest for each in store.facts([(None, DEVICE, Needs())])] == [5]
    second.close()


def test_a_lease_runs_out_is_prolonged_and_given_back(url: str, homes: SqlHomes) -> None:
    assert homes.holder("0") is None
    first = homes.take("0", "first", NOW)
    assert homes.holder("0") == ("first", after(seconds=10))
    first.renew(after(seconds=5))
    first.close()
    assert homes.holder("0") == ("first", after(seconds=15))
    if url.startswith("postgresql"):
        with pytest.raises(Unavailable) as found:
            homes.take("0", "second", after(seconds=14))
        assert found.value.code == "lease_held"
    homes.take("0", "first", after(seconds=1)).close()  # the same owner, started again
    second = homes.take("0", "second", after(seconds=15))
    second.release(after(seconds=16))
    assert homes.holder("0") is None
    third = homes.take("0", "third", after(seconds=16))
    assert third.epoch == 4
    third.close()


def test_an_unknown_home(homes: SqlHomes) -> None:
    for call in (lambda: homes.take("1", "x", NOW), lambda: homes.holder("x")):
        with pytest.raises(Unavailable) as found:
            call()
        assert found.value.code == "home_unknown"


@pytest.mark.parametrize("statement", [0, 4])
def test_a_paused_worker_is_fenced(url: str, statement: int) -> None:
    """Stopped between transactions, and, where the database takes locks away, inside one."""
    if statement and url.startswith("sqlite"):
        statement = 1  # before BEGIN: a paused writer keeps SQLite's only lock
    homes = opened(url)
    homes.take("0", "nobody", NOW - timedelta(days=1)).close()
    homes.close()

    def child() -> int:
        mine = opened(url).take("0", "first", NOW)
        reserved(mine, request_id(1))
        if statement:
            stop_at(mine, statement, signal.SIGSTOP)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)
        try:
            mine.reserve([reservation(request_id(2))], NOW)
        except Fenced:
            return 7
        except Unavailable:
            try:
                mine.reserve([reservation(request_id(2))], NOW)
            except Fenced:
                return 7
        return 8

    pid = forked(child)
    stopped(pid)
    homes = opened(url)
    second = homes.take("0", "second", after(minutes=1))
    number = reserved(second, request_id(3)).counter
    os.kill(pid, signal.SIGCONT)
    assert ended(pid) == 7
    assert second.request(request_id(2)) is None
    assert reserved(second, request_id(4)).counter > number
    assert list(problems(homes)) == []
    second.close()
    homes.close()


# ---- several homes ----


@pytest.fixture
def two(url: str) -> Iterator[SqlHomes]:
    made = opened(url, homes=2)
    yield made
    made.close()


def devices_of(homes: SqlHomes, home: str, count: int) -> list[Eui64]:
    euis = (eui(number) for number in range(100_000))
    chosen = (each for each in euis if homes.home_of(each) == home)
    return [next(chosen) for _ in range(count)]


def test_a_home_is_a_set_of_partitions(two: SqlHomes, url: str) -> None:
    assert two.names() == ("0", "1")
    euis = [eui(number) for number in range(2000)]
    homes_of = {partition(each): two.home_of(each) for each in euis}
    assert set(homes_of.values()) == {"0", "1"}
    assert all(two.home_of(each) == homes_of[partition(each)] for each in euis)
    again = opened(url, homes=5)  # the number of homes is that of the database
    assert again.names() == two.names()
    again.close()


def test_numbers_are_one_in_the_database(two: SqlHomes) -> None:
    numbers = []
    for home in two.names():
        store = two.take(home, home, NOW)
        works = [commanding(request_id(1, each), 1, None) for each in devices_of(two, home, 5)]
        stood(store.commit(works, NOW))
        numbers.append([each.number for each in store.open_commands()])
        assert numbers[-1] == sorted(numbers[-1])
        store.close()
    assert len({*numbers[0], *numbers[1]}) == 10


def test_two_workers_on_one_database(two: SqlHomes, url: str) -> None:
    """Each its own home, but entries of one HAN in both: no deadlock, nothing lost, no number twice."""
    shared = [eui(f"shared {number}") for number in range(8)]

    def work(home: str) -> list[int]:
        mine = opened(url)
        store = mine.take(home, f"worker {home}", NOW)
        given = []
        for turn in range(6):
            devices = devices_of(mine, home, 8)
            choices = store.reserve([reservation(request_id(turn, each)) for each in devices], NOW)
            entries = shared if home == "0" else shared[::-1]
            works = []
            for device, choice, entry_ in zip(devices, choices, entries, strict=True):
                assert isinstance(choice, CounterChoice)
                given.append(choice.counter)
                record = DeviceRecord(entry_, DeviceType.ESME, details={"by": home})
                effects = Effects(devices=(DeviceChange(entry_, record, home),))
                done = commanding(request_id(turn, device), choice.counter)
                works.append(Work(device, done.requests, done.command, effects=effects, trail=done.trail))
            stood(store.commit(works, NOW))
        assert len(store.open_commands()) == 48
        store.release(NOW)
        mine.close()
        return given

    with ThreadPoolExecutor(2) as pool:
        given = list(pool.map(work, two.names()))
    assert [len(each) for each in given] == [48, 48]
    assert [len(two.views.status_history(each)) for each in shared] == [12] * 8
    assert {home for home, *_ in two.views.chain()} == {"0", "1"}
    assert list(problems(two)) == []


def test_one_id_in_two_homes_is_accepted_once(two: SqlHomes) -> None:
    """N2: an ID that names no device may be sent to either worker."""
    stores = [two.take(home, home, NOW) for home in two.names()]
    ids = request_id(1, BROKER)
    works = [Work(devices_of(two, home, 1)[0], (change(ids, None, RequestState.ANSWERED),)) for home in two.names()]
    with ThreadPoolExecutor(2) as pool:
        outcomes = [each for (each,) in pool.map(lambda store, work: store.commit([work], NOW), stores, works)]
    assert sorted(each is None for each in outcomes) == [False, True]
    assert [getattr(each, "code", "") for each in outcomes if each] == ["request_id_used"]
    for store in stores:
        store.close()
