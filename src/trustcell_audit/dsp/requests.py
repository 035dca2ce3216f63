"""I3: what was acknowledged is there, stands where something will move it on, and reaches its user under one id."""

from collections import defaultdict

from trustcell_audit.dsp.books import Books
from trustcell_audit.dsp.history import History
from trustcell_audit.dsp.words import Key, digest, key_in, key_of, text_of
from trustcell_audit.findings import Report

_REQUESTS = (
    "SELECT number, service_variant, originator, target, counter, state, executes_at FROM request ORDER BY number"
)
_RECOVERY = "recovery"
"""What the DCC does with the recovery key is asked by no user; who is put into the cells hears of it by N42."""
_COMMANDS = "SELECT request, state, alert_pending FROM command WHERE request IS NOT NULL"
_DELIVERIES = (
    "SELECT d.number, d.request_originator, d.request_target, d.request_counter, d.final, d.state, o.octets "
    "FROM delivery d LEFT JOIN delivery_octets o ON o.number = d.number ORDER BY d.number"
)
_DUE = "SELECT ref FROM due WHERE kind = 'send_held'"
_TOLD = {"responded", "silent", "unreachable", "expired", "delivered"}
_ON_THE_WAY = {"reserved", "commanded", "held"}
_STATES = _TOLD | _ON_THE_WAY | {"transformed", "answered", "quarantined", "discarded", "cancelled", "abandoned"}


def check_requests(books: Books, history: History, report: Report, *, at_rest: bool) -> None:
    """I3; ``at_rest`` means that nothing may be on its way any more."""
    commands = defaultdict(set)
    for number, state, pending in books.rows(_COMMANDS):
        commands[number].add("alert" if state == "answered" and pending else state)
    held = {key_in(ref) for (ref,) in books.rows(_DUE)}
    finals, octets = _deliveries(books, report)
    known = {}
    for number, variant, *names, state, executes_at in books.rows(_REQUESTS):
        key, place = key_of(*names), f"request {number}"
        known[key] = state
        report.need(state in _STATES, "I3", place, f"{state!r} is no state of a request")
        if state == "commanded":
            report.need("open" in commands[number], "I3", place, "it is commanded, and no command of it is open")
        elif state == "held":
            report.need(key in held, "I3", place, "it is held, and nothing is due for it")
        elif state in _TOLD and variant != _RECOVERY:
            wanted = {"done"} if state == "delivered" else {"waiting", "dropped"}
            found = finals[key].values()
            report.need(bool(wanted & set(found)), "I3", place, f"it is {state}, and its user is not told")
        most = 1 if executes_at is None else 2  # acceptance, then the alert or its absence
        count = len(finals[key])
        report.need(count <= most, "I3", place, f"its user is told {count} times what came of it")
        if at_rest:
            report.need(state not in _ON_THE_WAY, "I3", place, f"it is still {state}")
    if at_rest:
        for key, states in finals.items():
            report.need("waiting" not in states.values(), "I3", f"request {text_of(key)}", "its answer still waits")
    _acknowledged(history, known, report)
    _heard(history, octets, report)
    report.facts["requests"] = len(known)


def _deliveries(books: Books, report: Report) -> tuple[dict[Key, dict[int, str]], dict[int, str]]:
    """The final deliveries of each request with their states, and the digests of all."""
    finals: dict[Key, dict[int, str]] = defaultdict(dict)
    digests = {}
    for number, *names, final, state, octets in books.rows(_DELIVERIES):
        place = f"delivery {number}"
        if not report.need(octets is not None, "I3", place, "what it delivers is not there"):
            continue
        digests[number] = digest(octets)
        if final and names[0] is not None:
            finals[key_of(*names)][number] = state
    return finals, digests


def _acknowledged(history: History, known: dict[Key, str], report: Report) -> None:
    for event in history.of("submit"):
        code = event.text("outcome")
        if code and not code.startswith("E") and event.raw.get("request"):
            key = key_in(event.text("request"))
            report.need(key in known, "I3", event.place, f"{text_of(key)} was acknowledged ({code}) and is not there")


def _heard(history: History, octets: dict[int, str], report: Report) -> None:
    """What receivers heard: one id, one message, and the one in the books."""
    said: dict[int, str] = {}
    for event in history.of("delivered"):
        number, heard = event.raw["delivery"], event.text("input")
        report.need(said.setdefault(number, heard) == heard, "I3", event.place, f"delivery {number} said other things")
        same = octets.get(number) == heard
        report.need(same, "I3", event.place, f"delivery {number} is not what the books hold")
