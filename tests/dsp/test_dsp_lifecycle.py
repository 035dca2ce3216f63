"""The two tables of states, every pair: requests (duis-dsp.md 4.3) and devices (duis-dsp.md 6)."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.rules_world import ESME, NOW, device
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.facts import DeviceStatus as D
from trustcell.dsp.rules.inventory import Event
from trustcell.dsp.rules.lifecycle import TRANSITIONS, RequestEvent, RequestState, may_follow, moved
from trustcell.vocab import DeviceType, Refused

S, E = RequestState, RequestEvent

# Written down a second time, from the states: whatever is not here must be refused.
MOVES: dict[RequestState | None, dict[RequestEvent, RequestState]] = {
    None: {
        E.TRANSFORM: S.TRANSFORMED,
        E.ANSWER: S.ANSWERED,
        E.HOLD: S.HELD,
        E.RESERVE: S.RESERVED,
        E.COMMAND: S.COMMANDED,
        E.QUARANTINE: S.QUARANTINED,
    },
    S.TRANSFORMED: {
        E.TRANSFORM: S.TRANSFORMED,
        E.HOLD: S.HELD,
        E.COMMAND: S.COMMANDED,
        E.QUARANTINE: S.QUARANTINED,
    },
    S.HELD: {E.RESERVE: S.RESERVED, E.COMMAND: S.COMMANDED, E.CANCEL: S.CANCELLED, E.ABANDON: S.ABANDONED},
    S.RESERVED: {E.COMMAND: S.COMMANDED, E.ABANDON: S.ABANDONED},
    S.COMMANDED: {
        E.RESERVE: S.RESERVED,
        E.RESPOND: S.RESPONDED,
        E.UNREACHABLE: S.UNREACHABLE,
        E.SILENCE: S.SILENT,
        E.EXPIRE: S.EXPIRED,
    },
    S.RESPONDED: {E.RESPOND: S.RESPONDED, E.DELIVER: S.DELIVERED, E.EXPIRE: S.EXPIRED},
    S.UNREACHABLE: {E.DELIVER: S.DELIVERED},
    S.SILENT: {E.DELIVER: S.DELIVERED},
    S.EXPIRED: {E.DELIVER: S.DELIVERED},
    S.DELIVERED: {E.RESPOND: S.RESPONDED, E.EXPIRE: S.EXPIRED},
    S.QUARANTINED: {E.RELEASE: S.HELD, E.DISCARD: S.DISCARDED},
    S.ANSWERED: {},
    S.DISCARDED: {},
    S.CANCELLED: {},
    S.ABANDONED: {},
}


def test_every_state_and_event_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(RequestEvent)
    assert set(MOVES) == {None, *RequestState}


@pytest.mark.parametrize(("state", "event"), list(product([None, *RequestState], RequestEvent)))
def test_every_pair_of_state_and_event(state: RequestState | None, event: RequestEvent) -> None:
    expected = MOVES[state].get(event)
    if expected is not None:
        assert moved(state, event) is expected
        assert may_follow(state, expected)
        return
    with pytest.raises(Refused) as refused:
        moved(state, event)
    assert refused.value.code == "illegal_move"
    assert refused.value.findings[0].remedy


@given(st.lists(st.sampled_from(RequestEvent), max_size=30))
def test_no_row_of_events_brings_a_request_back_to_its_beginning(events: list[RequestEvent]) -> None:
    state: RequestState | None = None
    accepted = False
    for event in events:
        try:
            state = moved(state, event)
        except Refused:
            continue
        accepted = accepted or state is not S.TRANSFORMED
        assert not (accepted and state is S.TRANSFORMED)


# ---- devices ----

# event: types, statuses before, status after; a second time, from duis-dsp.md 6
_INSTALLED = {D.INSTALLED_NOT_COMMISSIONED, D.COMMISSIONED, D.SUSPENDED, D.RECOVERY, D.RECOVERED}
_HUB, _METERS = {DeviceType.CHF, DeviceType.GPF}, {DeviceType.ESME, DeviceType.GSME}
_ALL = set(DeviceType)
DEVICE_MOVES = {
    Event.PRE_NOTIFIED: (_ALL, {None}, D.PENDING),
    Event.WHITELISTED: (_ALL - _HUB, {D.PENDING}, D.WHITELISTED),
    Event.UNLISTED: (_ALL - _HUB, {D.WHITELISTED, D.INSTALLED_NOT_COMMISSIONED}, D.PENDING),
    Event.JOINED_HAN: (_ALL - _HUB, {D.WHITELISTED}, D.INSTALLED_NOT_COMMISSIONED),
    Event.HUB_INSTALLED: (_HUB, {D.PENDING}, D.INSTALLED_NOT_COMMISSIONED),
    Event.CLOCK_SET: (_METERS, {D.INSTALLED_NOT_COMMISSIONED}, D.COMMISSIONED),
    Event.BROKER_PLACED: ({DeviceType.CHF}, {D.INSTALLED_NOT_COMMISSIONED}, D.COMMISSIONED),
    Event.GAS_METER_JOINED: ({DeviceType.GPF}, {D.INSTALLED_NOT_COMMISSIONED}, D.COMMISSIONED),
    Event.JOINED: (_ALL - _HUB - _METERS, {D.INSTALLED_NOT_COMMISSIONED}, D.COMMISSIONED),
    Event.SUSPENDED: (_ALL, {D.COMMISSIONED, D.INSTALLED_NOT_COMMISSIONED}, D.SUSPENDED),
    Event.RESTORED: (_ALL, {D.SUSPENDED}, D.COMMISSIONED),
    Event.RECOVERY_BEGUN: (_ALL, {D.COMMISSIONED}, D.RECOVERY),
    Event.RECOVERED: (_ALL, {D.RECOVERY}, D.RECOVERED),
    Event.RECOVERY_ENDED: (_ALL, {D.RECOVERED}, D.COMMISSIONED),
    Event.DECOMMISSIONED: (_ALL, _INSTALLED, D.DECOMMISSIONED),
    Event.OPTED_OUT: (_ALL, {D.COMMISSIONED}, D.WITHDRAWN),
    Event.SET_PENDING: (_ALL - _HUB, {D.WHITELISTED, D.INSTALLED_NOT_COMMISSIONED}, D.PENDING),
    Event.SET_INSTALLED: (_ALL, {D.PENDING, D.WHITELISTED}, D.INSTALLED_NOT_COMMISSIONED),
    Event.SET_COMMISSIONED: (_HUB, {D.INSTALLED_NOT_COMMISSIONED}, D.COMMISSIONED),
    Event.SET_WITHDRAWN: (_HUB, {D.INSTALLED_NOT_COMMISSIONED, D.COMMISSIONED}, D.WITHDRAWN),
    Event.DELETED: (_ALL, {D.PENDING, D.DECOMMISSIONED}, None),
}


def test_every_event_of_the_inventory_is_written_down_twice() -> None:
    assert set(DEVICE_MOVES) == set(Event)


@pytest.mark.parametrize("event", Event)
def test_every_status_type_and_event_of_the_inventory(event: Event) -> None:
    types, before, after = DEVICE_MOVES[event]
    for status, device_type in product([None, *D], DeviceType):
        legal = device_type in types and status in before
        assert inventory.fits(status, event, device_type) is legal
        if legal:
            assert inventory.after(status, event, device_type) is after
            continue
        with pytest.raises(Refused) as refused:
            inventory.after(status, event, device_type)
        assert refused.value.code == "device_status"


def test_a_suspended_device_comes_back_to_where_it_was() -> None:
    for before in (D.COMMISSIONED, D.INSTALLED_NOT_COMMISSIONED):
        suspended = inventory.change(device(ESME, before), Event.SUSPENDED, NOW).after
        assert suspended is not None
        assert (suspended.status, suspended.status_before, suspended.status_since) == (D.SUSPENDED, before, NOW)
        restored = inventory.change(suspended, Event.RESTORED, NOW).after
        assert restored is not None
        assert (restored.status, restored.status_before) == (before, None)


def test_commissioning_sets_the_date_once() -> None:
    first = inventory.change(device(ESME, D.INSTALLED_NOT_COMMISSIONED), Event.CLOCK_SET, NOW).after
    assert first is not None
    assert first.commissioned_at == NOW
    later = NOW.replace(year=2030)
    for event in (Event.RECOVERY_BEGUN, Event.RECOVERED, Event.RECOVERY_ENDED):
        first = inventory.change(first, event, later).after
        assert first is not None
    assert (first.status, first.commissioned_at) == (D.COMMISSIONED, NOW)


def test_deleting_leaves_no_entry_and_an_event_out_of_place_changes_nothing() -> None:
    pending = device(ESME, D.PENDING)
    assert inventory.change(pending, Event.DELETED, NOW).after is None
    assert inventory.changes(pending, Event.CLOCK_SET, NOW) == ()
    assert inventory.changes(None, Event.CLOCK_SET, NOW) == ()


INSTALLED = frozenset({D.INSTALLED_NOT_COMMISSIONED, D.COMMISSIONED})
SUSPENDED = frozenset({D.SUSPENDED})
NEEDED = {
    "8.1.1": {D.INSTALLED_NOT_COMMISSIONED},
    **dict.fromkeys(("8.7.1", "8.7.2", "8.8.1", "8.8.2", "8.9", "8.11", "8.12.1", "8.12.2", "11.2"), INSTALLED),
    "6.24.1": INSTALLED | SUSPENDED | {D.RECOVERY, D.RECOVERED},
    "6.21": INSTALLED | SUSPENDED,
    **dict.fromkeys(("6.15.1", "6.23", "11.1", "11.3"), SUSPENDED | {D.COMMISSIONED}),
    **dict.fromkeys(("6.15.2", "6.17", "6.24.2", "8.5"), frozenset({D.COMMISSIONED})),
}


@pytest.mark.parametrize("variant", NEEDED)
def test_the_status_each_service_needs(variant: str) -> None:
    assert inventory.allowed_statuses(variant) == NEEDED[variant]
