"""Deliveries to users: the oldest of each first, and what came of them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.requests import Requests
from trustcell.adapters.dsp_store.rows import DELIVERY_COLUMNS, DELIVERY_JOIN, as_delivery, as_id, plain
from trustcell.adapters.dsp_store.schema import DELIVERY
from trustcell.adapters.dsp_store.session import Session
from trustcell.adapters.dsp_store.statements import lookup, update
from trustcell.adapters.store.values import micros, when
from trustcell.dsp.rules.lifecycle import RequestState, may_follow
from trustcell.dsp.rules.work import Delivery, DeliveryState, TrailEntry

# From user to user by the index of what waits, however much waits for each of them.
_HEADS = """WITH RECURSIVE u(user_id) AS (
SELECT a.user_id FROM
(SELECT user_id FROM delivery WHERE home = ? AND state = 'waiting' ORDER BY user_id LIMIT 1) AS a
UNION ALL
SELECT (SELECT d.user_id FROM delivery d WHERE d.home = ? AND d.state = 'waiting' AND d.user_id > u.user_id
ORDER BY d.user_id LIMIT 1) FROM u WHERE u.user_id IS NOT NULL),
h(number) AS (SELECT (SELECT min(m.number) FROM delivery m
WHERE m.home = ? AND m.state = 'waiting' AND m.user_id = u.user_id) FROM u WHERE u.user_id IS NOT NULL)"""
_DUE = f"""{_HEADS} SELECT t.user_id FROM h JOIN delivery t ON t.number = h.number
WHERE t.next_at <= ? ORDER BY t.next_at, t.number LIMIT ?"""
_ROW = f"""SELECT {DELIVERY_COLUMNS} FROM delivery t{DELIVERY_JOIN}
WHERE t.home = ? AND t.state = 'waiting' AND t.user_id = ? ORDER BY t.number LIMIT ?"""
_NEXT = f"{_HEADS} SELECT min(t.next_at) FROM h JOIN delivery t ON t.number = h.number"
_FIND = lookup(
    "t.number, t.part, t.request_originator, t.request_target, t.request_counter, t.final, t.attempts, t.next_at",
    (DELIVERY.c.number,),
    " AND t.state = 'waiting'",
)
_SETTLE = update(DELIVERY, ("attempts", "next_at", "state", "last"), ("number",))


ROW = 64
"""How many deliveries of one user are handed out together."""


def waiting(session: Session, home: int, now: datetime, limit: int) -> list[Delivery]:
    """The oldest waiting ones of each user, in order, up to the first whose time has not come."""
    moment = micros(now)
    found: list[Delivery] = []
    for (user,) in session.all(_DUE, (home, home, home, moment, limit)):
        row = map(as_delivery, session.all(_ROW, (home, user, min(ROW, limit - len(found)))))
        found += takewhile(lambda each: each.next_at <= now, row)
        if len(found) >= limit:
            break
    return found


def next_waiting(session: Session, home: int) -> datetime | None:
    """When the next of them may be tried."""
    row = session.one(_NEXT, (home, home, home))
    return None if row is None or row[0] is None else when(row[0])


def settle(group: Group, outcomes: Sequence[tuple[int, str, datetime | None]]) -> None:
    """Write what came of attempts; one that was settled before stays as it is."""
    session = group.session
    said = {number: (text, again) for number, text, again in outcomes}
    found = session.find(_FIND, [(number,) for number in said])
    ids = {row[0]: as_id(*row[2:5]) for row in found if row[2] is not None}
    requests = Requests(group, ids.values())
    settled = []
    for number, part, *_id, final, attempts, next_at in sorted(found):
        text, again = said[number]
        state = DeliveryState.WAITING
        if again is None:
            state = DeliveryState.DONE if taken(text) else DeliveryState.DROPPED
            facts = {"delivery": number, "attempts": attempts + 1, "said": text}
            subject = str(ids[number]) if number in ids else f"delivery {number}"
            group.note(part, [TrailEntry(f"delivery_{state}", subject, facts)], requests.number_of)
        entry = requests.get(ids[number]) if number in ids else None
        if final and state is DeliveryState.DONE and entry and may_follow(entry.state, RequestState.DELIVERED):
            requests.move(entry, RequestState.DELIVERED)
        settled.append((attempts + 1, next_at if again is None else micros(again), state.value, plain(text), number))
    with session.together():
        session.write(_SETTLE, settled)
        requests.write()
        group.close()


def taken(text: str) -> bool:
    """Whether an address answered with a status of 2xx."""
    return text[:1] == "2" and text[1:3].isdecimal() and not text[3:4].isalnum()
