"""I1: no (originator, target, counter) protects two octet strings. I2: a stored counter never falls."""

import json
import re
from collections.abc import Iterable

from trustcell_audit.dsp.books import Books
from trustcell_audit.dsp.history import History
from trustcell_audit.dsp.octets import head
from trustcell_audit.dsp.words import Key, digest, eui, key_in, key_of, number, text_of
from trustcell_audit.findings import Report

_COMMANDS = "SELECT number, originator, device, counter, octets FROM command ORDER BY number"
_RESERVED = "SELECT number, reserved_by, target, reserved FROM request WHERE reserved IS NOT NULL ORDER BY number"
_EVENTS = "SELECT device, number, counter, who FROM counter_event ORDER BY device, number"
_OWN = "SELECT device, originator, last_own FROM originator_counter"
_SPENT = "SELECT device, first, last FROM spent_counter"
_FLOORS = "SELECT device, highest_counter FROM gpf_network_operator_floor"
_TAUGHT = "SELECT seq, home, octets FROM trail ORDER BY home, seq"
_TAKEN_BEFORE = re.compile(r"([0-9A-F]{2}(?:-[0-9A-F]{2}){7}) for ")


def check_one_string_each(
    books: Books, history: History, on_the_way: Iterable[tuple[str, bytes]], report: Report
) -> None:
    """I1, over the outbox, the messages on their way, and everything that was ever given to the WAN."""
    seen: dict[Key, tuple[str, str]] = {}

    def meet(key: Key, octets: bytes, place: str) -> None:
        known = seen.setdefault(key, (digest(octets), place))
        same = known[0] == digest(octets)
        report.need(same, "I1", place, f"{text_of(key)} protects other octets in {known[1]}")

    for row, originator, device, counter, octets in books.rows(_COMMANDS):
        place, key = f"command {row}", key_of(originator, device, counter)
        try:
            named = head(octets)
        except ValueError as error:
            report.need(False, "I1", place, f"its octets cannot be read: {error}")
        else:
            report.need(named == key, "I1", place, f"its octets say {text_of(named)}, its columns {text_of(key)}")
        meet(key, octets, place)
    for name, octets in on_the_way:
        meet(key_in(name), octets, f"message {name} on its way")
    for event in history.of("sent"):
        octets = bytes.fromhex(event.text("octets"))
        meet(head(octets), octets, event.place)
        report.need(head(octets) in seen, "I1", event.place, "no outbox holds what was sent")
    _one_request_each(books, report)


def _one_request_each(books: Books, report: Report) -> None:
    """A number was given to one request only."""
    given: dict[Key, str] = {}
    for row, originator, device, counter in books.rows(_RESERVED):
        key, place = (eui(originator), eui(device), counter), f"request {row}"
        known = given.setdefault(key, place)
        report.need(known == place, "I1", place, f"{text_of(key)} was given to {known} as well")
    for device, row, counter, who in books.rows(_EVENTS):
        taken = _TAKEN_BEFORE.match(who)
        if taken is not None:
            key, place = (taken[1], eui(device), number(counter)), f"counter_event {row}"
            known = given.setdefault(key, place)
            report.need(known == place, "I1", place, f"{text_of(key)} was given to {known} as well")


def check_stored_counters(books: Books, history: History, report: Report) -> None:
    """I2, against what the log and the ledger say was learned, what was given out, and what was seen before."""
    highest = {eui(device): held for device, held in books.rows(_FLOORS)}
    for device, row, counter, who in books.rows(_EVENTS):
        if who.startswith("learned by the DSP"):
            _stands(highest, eui(device), number(counter), f"counter_event {row}", report)
    for seq, home, octets in books.rows(_TAUGHT):
        if b'"learned":' in bytes(octets):
            facts = json.loads(octets)["facts"]
            _stands(highest, eui(facts["device"]), facts["learned"], f"trail {home}/{seq}", report)
    _given_out(books, highest, report)
    seen: dict[str, int] = {}
    for event in history.of("highest", "restored"):
        if event.raw["op"] == "restored":
            seen.clear()  # what was learned since the backup is not known, and a 6.24.1 teaches it again
            continue
        device, held = eui(event.text("device")), event.raw["outcome"]
        if held is not None:
            report.need(held >= seen.get(device, 0), "I2", event.place, f"{device}: {held} after {seen.get(device)}")
            seen[device] = held
    for device, held in seen.items():
        _stands(highest, device, held, "history", report)


def _stands(highest: dict[str, int], device: str, learned: int, place: str, report: Report) -> None:
    held = highest.get(device)
    message = f"{learned} was learned of {device}, and gpf_network_operator_floor holds {held}"
    report.need(held is not None and held >= learned, "I2", place, message)


def _given_out(books: Books, highest: dict[str, int], report: Report) -> None:
    """A number that was given out stays below the counters: the own sequence, or the raised one."""
    own = {(eui(device), eui(originator)): last for device, originator, last in books.rows(_OWN)}
    spent: dict[str, list[tuple[int, int]]] = {}
    for device, first, last in books.rows(_SPENT):
        spent.setdefault(eui(device), []).append((first, last))
    for row, originator, target, counter in books.rows(_RESERVED):
        device, place = eui(target), f"request {row}"
        if counter <= own.get((device, eui(originator)), -1):
            continue
        raised = any(first <= counter <= last for first, last in spent.get(device, ()))
        report.need(raised, "I2", place, f"{counter} was given out, and originator_counter of {device} is lower")
        if raised:
            _stands(highest, device, counter, place, report)
