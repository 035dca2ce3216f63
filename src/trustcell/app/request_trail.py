"""All there is about one request, as a tree: DUIS in, every check, GBCS out and in decoded, effects, deliveries.

The JSON API and ``trustcell dsp trail`` show what this gives, so they cannot differ.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from trustcell import duis
from trustcell.app.dsp_rows import Row, delivery_rows, request_row
from trustcell.app.plain import decoded, plain
from trustcell.dsp.ports import Views
from trustcell.dsp.rules.access import CHECKS
from trustcell.dsp.rules.facts import KnownRequest
from trustcell.dsp.rules.services.subject import subject
from trustcell.dsp.rules.work import Command, TrailEntry
from trustcell.duis import RequestId
from trustcell.vocab import Eui64, TrustcellError

_ACCEPTED, _REFUSED, _ANSWER = "request", "refused", "device_message"
_LONG = 8192
"""Characters of a value that are shown; of a longer one, such as a firmware image in hex, length and SHA-256."""

Line = tuple[int, datetime, TrailEntry]


def request_trail(views: Views, request_id: RequestId) -> Row | None:
    """The tree of a request, also of one that was refused and so is not kept; ``None`` when nobody ever sent it."""
    known = views.request(request_id)
    lines = views.trail(str(request_id))
    if known is None and not lines:
        return None
    commands = views.commands_of(request_id)
    return {
        "request": None if known is None else request_row(known),
        "duis": [_message(line, known) for line in lines if line[2].kind in (_ACCEPTED, _REFUSED)],
        "commands": [_command(views, each) for each in commands],
        "effects": [] if known is None else _effects(views, known, lines, {each.key.text for each in commands}),
        "deliveries": delivery_rows(views.deliveries_of(request_id)),
        "trail": trail_rows(lines),
    }


def trail_rows(lines: Sequence[Line]) -> list[Row]:
    """Lines of the Service Audit Trail as they were written."""
    return [
        {"number": number, "at": plain(at), "kind": e.kind, "reference": e.reference, "facts": plain(e.facts)}
        for number, at, e in lines
    ]


def check_rows(facts: Mapping[str, Any]) -> list[Row]:
    """The verdict of every check on a request, from the numbers that its line of the trail has."""
    passed, failed = facts.get("checks", ()), facts.get("failed")
    rows = []
    for check in CHECKS:
        verdict = "failed" if check.number == failed else "passed" if check.number in passed else "not about it"
        if failed is not None and check.number > failed:
            verdict = "not reached"
        rows.append({"number": check.number, "title": check.title, "verdict": verdict})
    return rows


def _message(line: Line, known: KnownRequest | None) -> Row:
    """One DUIS message under this ID: the request, its signed pre-command, or the DSP's own turn (no door)."""
    number, at, entry = line
    facts = entry.facts
    is_kept = known is not None and facts.get("duis") == hashlib.sha256(known.received).hexdigest()
    return {
        "number": number,
        "at": plain(at),
        "door": facts.get("door", ""),
        "service": facts.get("service", ""),
        "variant": facts.get("variant"),
        "sha256": facts.get("duis", ""),
        "body": _body(known.received) if is_kept and known is not None else None,
        "checks": check_rows(facts) if "checks" in facts else [],
        "accepted": entry.kind == _ACCEPTED,
        "code": facts.get("code", ""),
        "findings": plain(facts.get("findings", ())),
        "reference": entry.reference,
    }


def _body(octets: bytes) -> Row | None:
    request = _read(octets)
    if request is None:
        return None
    shown = plain(request.body)
    rest = shown if isinstance(shown, dict) else {}
    return {"type": type(request.body).__name__, **{name: _shortened(value) for name, value in rest.items()}}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONG:
        return {"characters": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value


def _command(views: Views, command: Command) -> Row:
    return {
        "message_id": command.key.text,
        "message_code": f"{command.message_code:04X}",
        "state": command.state.value,
        "not_after": plain(command.not_after),
        "message": decoded(command.octets),
        "answers": [
            {"at": plain(at), "verdict": verdict, "message": decoded(octets)}
            for at, octets, verdict in views.messages_of(command.key)
        ],
    }


def _effects(views: Views, known: KnownRequest, lines: Sequence[Line], names: Collection[str]) -> list[Row]:
    """What the books learned from this request: a commit has one time, so lines of one time belong together."""
    device = _subject(known)
    times = {at for _, at, entry in lines if entry.kind in (_ACCEPTED, _ANSWER)}
    found: list[tuple[datetime, str, str]] = []
    for cell, occupant, at, told_by in views.slots(device):
        if told_by.rpartition(" ")[2] in names:
            found.append((at, "slot", f"{cell} holds {occupant.entity} {occupant.key_id.hex()}, {told_by}"))
    found += [
        (event.at, "status", f"{event.before or 'new'} to {event.after or 'gone'}: {event.event}")
        for event in views.status_history(device)
        if event.at in times
    ]
    for _, at, entry in lines:
        facts = entry.facts
        if "learned" in facts:
            source = facts.get("learned_from", "")
            found.append((at, "counter", f"{facts['learned']} learned as the Network Operator counter, {source}"))
        if "because" in facts:
            found.append((at, "counter", f"{facts['counter']} given to {facts['originator']}: {facts['because']}"))
        found += [(at, "note", str(note)) for note in facts.get("notes", ())]
    return [{"at": plain(at), "device": str(device), "kind": kind, "text": text} for at, kind, text in sorted(found)]


def _subject(known: KnownRequest) -> Eui64:
    request = _read(known.received)
    return known.request_id.target if request is None else subject(request)


def _read(octets: bytes) -> duis.Request | None:
    try:
        return duis.parse_request(octets, max_octets=len(octets)).request
    except TrustcellError:
        return None
