"""Deliveries: head of line for each user, until they are taken or given up; the trail and its chain."""

from collections.abc import Callable

import pytest

from dsp_store.books_world import (
    DEVICE,
    NOW,
    USER,
    after,
    answering,
    commanded,
    commanding,
    entry,
    eui,
    request_id,
    stood,
)
from dsp_store.test_books_counters import unguarded
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, problems
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import DeliveryState, Parcel, Work

Sql = Callable[[str], list[tuple[object, ...]]]


def send(store: SqlHome, user: str, *texts: str, hours: int | None = None) -> None:
    not_before = None if hours is None else after(hours=hours)
    parcels = tuple(Parcel(eui(user), text.encode(), not_before=not_before) for text in texts)
    stood(store.commit([Work(DEVICE, parcels=parcels)], NOW))


def heads(store: SqlHome, hours: int = 0, limit: int = 9) -> list[bytes]:
    return [each.octets for each in store.deliveries(after(hours=hours), limit)]


def test_each_user_has_a_row_in_order(store: SqlHome) -> None:
    assert heads(store) == []
    assert store.next_delivery() is None
    send(store, "a", "a1", "a2", "a3")
    send(store, "b", "b1")
    send(store, "b", "b2", hours=1)
    send(store, "b", "b3")
    send(store, "c", "c1", hours=1)
    assert heads(store) == [b"a1", b"a2", b"a3", b"b1"]  # b3 waits behind b2
    assert heads(store, hours=1) == [b"a1", b"a2", b"a3", b"b1", b"b2", b"b3", b"c1"]
    assert heads(store, hours=1, limit=2) == [b"a1", b"a2"]
    assert heads(store, hours=1, limit=4) == [b"a1", b"a2", b"a3", b"b1"]
    assert store.next_delivery() == NOW


def test_one_that_failed_holds_back_those_behind_it(store: SqlHome) -> None:
    send(store, "a", "a1", "a2", "a3")
    send(store, "b", "b1")
    first = {each.octets: each for each in store.deliveries(NOW, 9)}
    outcomes = [(first[b"a1"].number, "200", None), (first[b"a2"].number, "503", after(hours=2)),
                (first[b"b1"].number, "204", None)]  # fmt: skip
    store.settle_deliveries(outcomes, NOW)
    assert heads(store, hours=1) == []
    assert store.next_delivery() == after(hours=2)
    again, behind = store.deliveries(after(hours=2), 9)
    assert (again.octets, behind.octets) == (b"a2", b"a3")
    assert (again.number, again.attempts, again.last) == (first[b"a2"].number, 1, "503")
    store.settle_deliveries([(again.number, "410 gone", None)], NOW)
    assert heads(store) == [b"a3"]


@pytest.mark.parametrize(
    ("said", "state", "request_state"),
    [
        ("200", DeliveryState.DONE, RequestState.DELIVERED),
        ("204 No Content", DeliveryState.DONE, RequestState.DELIVERED),
        ("2000", DeliveryState.DROPPED, RequestState.RESPONDED),
        ("404", DeliveryState.DROPPED, RequestState.RESPONDED),
        ("", DeliveryState.DROPPED, RequestState.RESPONDED),
        ("nul \x00", DeliveryState.DROPPED, RequestState.RESPONDED),
    ],
)
def test_a_final_delivery_moves_its_request(
    store: SqlHome, homes: SqlHomes, said: str, state: DeliveryState, request_state: RequestState
) -> None:
    ids = request_id(1)
    key = commanded(store, ids)
    stood(store.commit([answering(ids, key)], NOW))
    (delivery,) = store.deliveries(NOW, 9)
    assert (delivery.user, delivery.request_id, delivery.final) == (USER, ids, True)
    store.settle_deliveries([(delivery.number, said, None)], after(seconds=3))
    (found,) = homes.views.deliveries_of(ids)
    assert (found.state, found.attempts, found.octets) == (state, 1, delivery.octets)
    known = store.request(ids)
    assert known is not None
    assert known.state is request_state
    assert homes.views.trail(str(ids))[-1][2].kind == f"delivery_{state}"
    store.settle_deliveries([(delivery.number, "503", after(hours=1)), (10**9, "200", None)], NOW)
    assert homes.views.deliveries_of(ids) == [found]  # it was settled before
    assert list(problems(homes)) == []


def test_a_delivery_that_is_not_final_leaves_its_request(store: SqlHome) -> None:
    ids = request_id(1)
    commanded(store, ids)
    stood(store.commit([Work(DEVICE, parcels=(Parcel(USER, b"ack", ids),))], NOW))
    store.settle_deliveries([(store.deliveries(NOW, 1)[0].number, "200", None)], NOW)
    known = store.request(ids)
    assert known is not None
    assert known.state is RequestState.COMMANDED


# ---- the trail ----


def test_the_trail_of_a_request_and_of_a_device(store: SqlHome, homes: SqlHomes) -> None:
    ids = request_id(1)
    facts = {"text": 'é "\\\x00\u2028', "number": 2**70, "none": None, "list": ["a", 1], "deep": {"b": 1, "a": True}}
    stood(store.commit([Work(DEVICE, trail=(entry("refused", ids, **facts), entry("seen", DEVICE)))], NOW))
    commanded(store, ids, after(microseconds=7))
    told = homes.views.trail(str(ids))
    assert [(seq, each.kind) for seq, _at, each in told] == [(1, "refused"), (3, "reserved"), (4, "command")]
    assert [at for _seq, at, _each in told] == [NOW, after(microseconds=7), after(microseconds=7)]
    assert told[0][2] == entry("refused", ids, **facts)
    assert [each.kind for *_, each in homes.views.trail(str(DEVICE))] == ["seen"]
    assert homes.views.trail("nobody") == []
    assert list(problems(homes)) == []


def test_a_trail_keeps_no_fractions(store: SqlHome, dump: Callable[[], str]) -> None:
    before = dump()
    with pytest.raises(TypeError):
        store.commit([Work(DEVICE, trail=(entry("x", "y", ratio=0.5),))], NOW)
    assert dump() == before


def test_the_chain_finds_what_was_edited(store: SqlHome, homes: SqlHomes, sql: Sql) -> None:
    for number in range(5):
        stood(store.commit([commanding(request_id(number), number, None, originator=USER)], NOW))
    store.seal(NOW)
    assert list(problems(homes)) == []
    chain = list(homes.views.chain())
    assert [(home, seq) for home, seq, *_ in chain] == [("0", number) for number in range(1, 6)]
    unguarded(sql, "trail")
    other = chain[2][2].replace(b"command", b"cOmmand").hex()
    literal = f"X'{other}'" if homes._engine.dialect.name == "sqlite" else f"'\\x{other}'::bytea"
    sql(f"UPDATE trail SET octets = {literal} WHERE seq = 3")
    assert list(problems(homes)) == ["home 0: entry 3 is not what was recorded"]
    sql("DELETE FROM trail WHERE seq = 5")
    assert list(problems(homes))[1:] == ["home 0: entry 5 is missing, but its hash is known"]
    sql("DELETE FROM trail WHERE seq = 2")
    assert "home 0: entry 2 is missing, 3 follows" in list(problems(homes))


def test_views_page_through_requests(store: SqlHome, homes: SqlHomes) -> None:
    everything = []
    for number in range(9):
        ids = request_id(number, eui(number % 2), eui("u" + str(number % 3)))
        everything.append(ids)
        stood(store.commit([commanding(ids, number, None, originator=ids.originator)], NOW))

    def read(**by: object) -> list[object]:
        found: list[object] = []
        after_ = None
        while page := homes.views.requests(user=by.get("user"), device=by.get("device"), after=after_, limit=2):
            after_ = page[-1].request_id
            found += [each.request_id for each in page]
        return found

    assert read() == everything
    assert read(user=eui("u1")) == [each for each in everything if each.originator == eui("u1")]
    assert read(device=eui(0)) == [each for each in everything if each.target == eui(0)]
    assert read(user=eui("u1"), device=eui(0)) == [everything[4]]
    assert homes.views.requests(user=None, device=None, after=request_id(99), limit=9) == []
    in_order = homes.views.requests(user=None, device=None, after=None, limit=9)
    newest = homes.views.requests(user=None, device=None, after=None, limit=9, newest_first=True)
    assert list(newest) == list(in_order)[::-1]
    older = homes.views.requests(user=None, device=None, after=newest[0].request_id, limit=9, newest_first=True)
    assert list(older) == list(newest)[1:]
    assert [homes.views.request(each).request_id for each in everything] == everything
    assert homes.views.request(request_id(99)) is None
