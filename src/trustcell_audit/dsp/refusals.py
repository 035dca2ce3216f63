"""I8: a refusal changes nothing but the log."""

import hashlib
import json

from trustcell_audit.dsp.books import Books
from trustcell_audit.dsp.history import History
from trustcell_audit.dsp.words import digest, key_in, key_of, text_of
from trustcell_audit.findings import Report

_TABLES = (
    "request", "request_octets", "originator_counter", "gpf_network_operator_floor", "spent_counter", "counter_event",
    "command", "inbound", "slot", "slot_event", "device", "status_event", "registration", "schedule", "distribution",
    "delivery", "delivery_octets", "due", "work_item",
)  # fmt: skip
_GIVEN = "SELECT home, own_floor, given FROM lease ORDER BY home"
_REQUESTS = (
    "SELECT r.number, r.originator, r.target, r.counter, r.state, o.received FROM request r "
    "LEFT JOIN request_octets o ON o.number = r.number ORDER BY r.number"
)
_COMMANDS = "SELECT number, request_originator, request_target, request_counter FROM command ORDER BY number"
_TRAIL = "SELECT home, seq, octets FROM trail ORDER BY home, seq"
_TOLD_OF = "SELECT DISTINCT request FROM trail WHERE request IS NOT NULL"


def digest_of_books(books: Books) -> str:
    """A digest of everything in the books but log, heads and leases."""
    sum_ = hashlib.sha256()
    for table in _TABLES:
        for row in sorted(repr([bytes(v) if isinstance(v, memoryview) else v for v in row])
                          for row in books.rows(f"SELECT * FROM {table}")):  # fmt: skip
            sum_.update(f"{table} {row}\n".encode())
    sum_.update(repr([tuple(row) for row in books.rows(_GIVEN)]).encode())
    return sum_.hexdigest()


def check_refusals(books: Books, history: History, report: Report) -> None:
    """I8, by the rows there are and by digests that clients took before and after."""
    refused: dict[str, str] = {}
    accepted: set[str] = set()
    for home, seq, octets in books.rows(_TRAIL):
        entry = json.loads(octets)
        if entry["kind"] == "refused":
            refused.setdefault(entry["facts"]["duis"], f"trail {home}/{seq}")
        elif entry["kind"] == "request":
            accepted.add(entry["facts"]["duis"])
    report.facts["refusals"] = len(refused)
    told_of = {number for (number,) in books.rows(_TOLD_OF)}
    known = set()
    for number, originator, target, counter, state, received in books.rows(_REQUESTS):
        known.add(key_of(originator, target, counter))
        place = f"request {number}"
        if received is not None:
            name = digest(received)
            fine = state == "abandoned" or name not in refused or name in accepted
            report.need(fine, "I8", place, f"it was refused ({refused.get(name)}), and it is {state}")
        fine = state == "reserved" or number in told_of
        report.need(fine, "I8", place, "no entry of the log tells of it")
    for number, *names in books.rows(_COMMANDS):
        key = key_of(*names)
        report.need(key in known, "I8", f"command {number}", f"it is for {text_of(key)}, which nobody accepted")
    for event in history.of("submit"):
        before, after = event.text("before"), event.text("after")
        if event.text("outcome").startswith("E") and before and after:
            report.need(before == after, "I8", event.place, "the refusal changed more than the log")
        if event.text("outcome").startswith("E") and event.raw.get("unused"):
            key = key_in(event.text("request"))
            report.need(key not in known, "I8", event.place, f"{text_of(key)} was refused, and it is there")
