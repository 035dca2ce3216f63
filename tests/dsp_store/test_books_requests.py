"""Request IDs, commands and works: what is refused leaves nothing, what stands is whole, repeats are harmless."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dsp_store.books_world import (
    BROKER,
    DEVICE,
    MOST,
    NOW,
    USER,
    after,
    answering,
    change,
    commanded,
    commanding,
    entry,
    eui,
    request_id,
    reservation,
    reserved,
    stood,
)
from trustcell.adapters.dsp_store import SqlHome, SqlHomes, problems
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Effects, Needs
from trustcell.dsp.rules.work import (
    CommandChange,
    CommandState,
    Due,
    DueKind,
    Inbound,
    Work,
)
from trustcell.vocab import Refused

Dump = Callable[[], str]
IDS = request_id(1)


def code(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def test_from_request_to_answer(store: SqlHome, homes: SqlHomes) -> None:
    choice = reserved(store, IDS)
    (waiting,) = store.reserved()
    assert (waiting.request.request_id, waiting.originator, waiting.counter) == (IDS, BROKER, choice.counter)
    assert waiting.request.received == b"<request/>"
    work = commanding(IDS, choice.counter, not_after=after(days=1))
    stood(store.commit([work], NOW))
    assert store.reserved() == []
    (command,) = store.open_commands()
    assert work.command is not None
    assert replace(command, number=0) == work.command
    key = command.key
    assert store.commands([key, CommandKey(BROKER, DEVICE, 5)]) == [command, None]
    stood(store.commit([answering(IDS, key)], after(seconds=1)))
    assert store.open_commands() == []
    known = store.request(IDS)
    assert known is not None
    assert (known.state, known.code, known.accepted_at) == (RequestState.RESPONDED, "I0", NOW)
    views = homes.views
    assert [each.key for each in views.commands_of(IDS)] == [key]
    assert views.messages_of(key) == [(after(seconds=1), b"answer", "response")]
    assert [each.octets for each in views.deliveries_of(IDS)] == [f"response {IDS}".encode()]
    assert [told.kind for _seq, _at, told in views.trail(str(IDS))] == ["reserved", "command", "answer"]
    assert [(each.counter, each.who) for each in views.counter_ledger(DEVICE)] == [
        (choice.counter, f"{BROKER} for 6.21")
    ]
    assert list(problems(homes)) == []


def test_counters_to_the_end_are_exact(store: SqlHome, homes: SqlHomes) -> None:
    ids = [request_id(number, eui(number)) for number in (0, 2**63 - 1, 2**63, MOST - 1, MOST)]
    works = [commanding(each, each.counter, None, originator=USER) for each in ids]
    stood(store.commit(works, NOW))
    assert [each.request_id for each in store.open_commands()] == ids
    assert [each.key.counter for each in store.open_commands()] == [each.counter for each in ids]
    assert [store.request(each) is not None for each in ids] == [True] * 5
    assert [homes.views.counter_ledger(each.target)[0].counter for each in ids] == [each.counter for each in ids]
    assert store.request(request_id(MOST, eui("other"))) is None


def test_an_id_is_used_once(store: SqlHome, dump: Dump) -> None:
    reserved(store, IDS)
    before = dump()
    assert [code(each) for each in store.reserve([reservation(IDS)], NOW)] == ["request_id_used"]
    assert [code(each) for each in store.commit([commanding(IDS, 5, None)], NOW)] == ["request_id_used"]
    moved = Work(DEVICE, (change(IDS, RequestState.TRANSFORMED, RequestState.COMMANDED),))
    assert [code(each) for each in store.commit([moved], NOW)] == ["request_id_used"]
    assert dump() == before


def test_the_refused_leave_nothing_and_the_others_stand(store: SqlHome, homes: SqlHomes) -> None:
    taken = commanded(store, IDS)
    others = [request_id(2, eui(number)) for number in range(4)]
    works = [
        commanding(others[0], 7, None, originator=USER),
        replace(commanding(request_id(2), taken.counter, None), due=(Due(NOW, DueKind.SEND_HELD, "x"),)),
        commanding(others[1], 7, None, originator=USER),
        Work(others[2].target, (change(others[2], RequestState.HELD, RequestState.CANCELLED),),
             effects=Effects(learned=9), trail=(entry("never", "x"),)),
        commanding(others[3], 7, None, originator=USER),
    ]  # fmt: skip
    outcomes = store.commit(works, NOW)
    assert [each and code(each) for each in outcomes] == [None, "counter_used", None, "request_id_used", None]
    assert store.request(request_id(2)) is None
    assert store.due(NOW, 9) == []
    assert homes.views.trail("x") == []
    assert homes.views.highest(others[2].target) is None
    assert [each.request_id for each in store.open_commands()] == [IDS, others[0], others[1], others[3]]
    assert list(problems(homes)) == []


def test_reservations_of_a_group_are_independent(store: SqlHome, homes: SqlHomes) -> None:
    reserved(store, IDS)
    full = eui("full")
    stood(store.commit([Work(full, effects=Effects(learned=2**63 - 1, learned_from="x"))], NOW))
    group = [reservation(request_id(3, eui(1))), reservation(IDS), reservation(request_id(3, full)),
             reservation(request_id(3, eui(2)))]  # fmt: skip
    outcomes = store.reserve(group, NOW)
    assert isinstance(outcomes[0], CounterChoice)
    assert code(outcomes[1]) == "request_id_used"
    assert code(outcomes[2]) == "counter_exhausted"
    assert isinstance(outcomes[3], CounterChoice)
    assert store.request(request_id(3, full)) is None
    assert [each.request.request_id for each in store.reserved()] == [IDS, request_id(3, eui(1)), request_id(3, eui(2))]
    assert [told.kind for _seq, _at, told in homes.views.trail(str(request_id(3, full)))] == []


def test_the_same_command_again_is_harmless(store: SqlHome, dump: Dump) -> None:
    choice = reserved(store, IDS)
    work = commanding(IDS, choice.counter)
    stood(store.commit([work], NOW))
    before = dump()
    stood(store.commit([work], after(seconds=1)))
    assert dump() == before
    assert work.command is not None
    other = replace(work, command=replace(work.command, octets=b"other"))
    assert [code(each) for each in store.commit([other], NOW)] == ["request_id_used"]
    another = commanding(request_id(2), choice.counter, None)
    assert [code(each) for each in store.commit([another], NOW)] == ["counter_used"]
    assert dump() == before


def test_transform_then_signed_pre_command(store: SqlHome) -> None:
    offer = change(IDS, None, RequestState.TRANSFORMED, received=b"<request/>", offered=b"pre")
    stood(store.commit([Work(DEVICE, (offer,))], NOW))
    known = store.request(IDS)
    assert known is not None
    assert (known.state, known.received, known.offered, known.accepted_at) == (
        RequestState.TRANSFORMED, b"<request/>", b"pre", None,
    )  # fmt: skip
    signed = commanding(IDS, 1, RequestState.TRANSFORMED, originator=USER)
    stood(store.commit([signed], after(seconds=5)))
    known = store.request(IDS)
    assert known is not None
    assert (known.received, known.offered, known.accepted_at) == (b"<request/>", b"pre", after(seconds=5))


def test_a_request_may_move_twice_in_a_work(store: SqlHome) -> None:
    moves = (change(IDS, None, RequestState.HELD, executes_at=after(days=1)),
             change(IDS, RequestState.HELD, RequestState.COMMANDED))  # fmt: skip
    stood(store.commit([Work(DEVICE, moves)], NOW))
    known = store.request(IDS)
    assert known is not None
    assert (known.state, known.executes_at) == (RequestState.COMMANDED, after(days=1))
    wrong = (change(request_id(2), None, RequestState.HELD), change(request_id(2), None, RequestState.HELD))
    assert [code(each) for each in store.commit([Work(DEVICE, wrong)], NOW)] == ["request_id_used"]
    assert store.request(request_id(2)) is None


def test_a_reservation_that_is_given_up(store: SqlHome, homes: SqlHomes) -> None:
    choice = reserved(store, IDS)
    given_up = Work(DEVICE, (change(IDS, RequestState.RESERVED, RequestState.ABANDONED, code="E21"),))
    stood(store.commit([given_up], NOW))
    assert store.reserved() == []
    ledger = homes.views.counter_ledger(DEVICE)
    assert [each.counter for each in ledger] == [choice.counter] * 2
    assert "abandoned" in ledger[1].who
    assert reserved(store, request_id(2)).counter > choice.counter


def test_a_group_names_a_device_once(store: SqlHome) -> None:
    with pytest.raises(ValueError, match="once"):
        store.reserve([reservation(IDS), reservation(request_id(2))], NOW)
    with pytest.raises(ValueError, match="64"):
        store.commit([Work(eui(number)) for number in range(65)], NOW)
    stood(store.commit([Work(eui(number)) for number in range(64)], NOW))
    assert store.commit([], NOW) == []


# ---- what becomes of a command ----


@pytest.mark.parametrize(
    ("state", "pending", "change_to", "change_pending", "moves"),
    [
        (CommandState.OPEN, False, CommandState.ANSWERED, None, True),
        (CommandState.OPEN, False, CommandState.SILENT, None, True),
        (CommandState.OPEN, True, CommandState.ANSWERED, False, True),
        (CommandState.ANSWERED, False, CommandState.ANSWERED, None, False),
        (CommandState.ANSWERED, False, CommandState.SILENT, None, False),
        (CommandState.ANSWERED, True, CommandState.ANSWERED, None, False),
        (CommandState.ANSWERED, True, CommandState.ANSWERED, False, True),
        (CommandState.SILENT, False, CommandState.ANSWERED, None, True),
        (CommandState.SILENT, False, CommandState.UNREACHABLE, None, False),
        (CommandState.UNREACHABLE, True, CommandState.ANSWERED, False, True),
    ],
)
def test_a_command_moves_on_and_never_back(
    store: SqlHome,
    state: CommandState,
    pending: bool,
    change_to: CommandState,
    change_pending: bool | None,
    moves: bool,
) -> None:
    work = commanding(IDS, 9, None, originator=USER, alert_pending=pending)
    stood(store.commit([work], NOW))
    key = CommandKey(USER, DEVICE, 9)
    if state is not CommandState.OPEN:
        stood(store.commit([Work(DEVICE, settle=CommandChange(key, state))], NOW))
    effects = Effects(learned=5, learned_from="a late answer")
    settle = Work(
        DEVICE, settle=CommandChange(key, change_to, change_pending), inbound=Inbound(DEVICE, b"x", "y", key),
        effects=effects,
    )  # fmt: skip
    stood(store.commit([settle], NOW))
    (found,) = store.commands([key])
    assert found is not None
    assert found.state is (change_to if moves else state)
    assert found.alert_pending is (change_pending if moves and change_pending is not None else pending)
    assert [found.highest for found in store.facts([(None, DEVICE, Needs())])] == [5]  # taught in any case


def test_an_unknown_command_is_not_settled(store: SqlHome, homes: SqlHomes) -> None:
    key = CommandKey(BROKER, DEVICE, 1)
    stood(store.commit([Work(DEVICE, settle=CommandChange(key, CommandState.ANSWERED),
                             inbound=Inbound(None, b"stray", "not_correlated", key))], NOW))  # fmt: skip
    assert store.commands([key]) == [None]
    assert homes.views.messages_of(key) == []


def test_open_commands_are_their_own_timers(store: SqlHome) -> None:
    keys = []
    for number, hours in ((1, 3), (2, 1), (3, 2)):
        ids = request_id(number, eui(number))
        stood(store.commit([commanding(ids, number, None, originator=USER, not_after=after(hours=hours))], NOW))
        keys.append(CommandKey(USER, ids.target, number))
    stood(store.commit([commanding(request_id(4), 4, None, originator=USER)], NOW))
    assert store.next_due() == after(hours=1)
    assert store.due(NOW, 9) == []
    late = [Due(after(hours=hours), DueKind.RESPONSE_TIMEOUT, keys[place].text) for hours, place in ((1, 1), (2, 2))]
    assert store.due(after(hours=2), 9) == late
    assert store.due(after(hours=2), 1) == late[:1]
    later = CommandChange(keys[1], CommandState.OPEN, not_after=after(hours=5))
    stood(store.commit([Work(keys[1].device, settle=later)], NOW))
    silent = CommandChange(keys[2], CommandState.SILENT)
    stood(store.commit([Work(keys[2].device, settle=silent)], NOW))
    assert [each.ref for each in store.due(after(hours=9), 9)] == [keys[0].text, keys[1].text]
    assert store.next_due() == after(hours=3)
