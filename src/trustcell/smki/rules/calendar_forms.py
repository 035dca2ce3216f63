"""The calendar as CSV that no spreadsheet executes, and as iCalendar (RFC 5545)."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from trustcell.governance.rules.canonical import canonical, digest, moment
from trustcell.smki.rules.calendar import Ending

_COLUMNS = ("kind", "what", "certificate", "ends", "days_left", "assumed", "remark", "clause", "same_to_a_device")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LINE_OCTETS = 75


def harmless(cell: str) -> str:
    """The text of a cell, with an apostrophe in front of what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def as_csv(endings: Sequence[Ending], now: datetime) -> str:
    """A header and a line each (RFC 4180)."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for each in endings:
        same = " ".join(f"{c.certificate} {moment(c.ends)}" for c in each.companions)
        texts = (each.what, each.remark, each.clause, same)
        what, remark, clause, companions = map(harmless, texts)
        ends, assumed = moment(each.ends), moment(each.assumed)
        rows.writerow(
            (each.kind.value, what, each.certificate, ends, each.days_left(now), assumed, remark, clause, companions)
        )
    return text.getvalue()


def as_ics(endings: Sequence[Ending], now: datetime, environment: str) -> bytes:
    """One event each. Its UID stays the same when the same thing ends at another time, as a list does."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//trustcell//calendar//EN", "CALSCALE:GREGORIAN"]
    events = (line for each in endings for line in _event(each, now, environment))
    lines = (*head, f"X-WR-CALNAME:{_text(f'trustcell {environment}')}", *events, "END:VCALENDAR")
    return b"".join(_folded(lines))


def _event(ending: Ending, now: datetime, environment: str) -> Iterator[str]:
    name = canonical(
        {
            "certificate": ending.certificate,
            "environment": environment,
            "kind": ending.kind.value,
            "what": ending.what,
        }
    )
    parts = [
        ending.certificate,
        ending.remark,
        ending.clause,
        *(f"{c.certificate} ends {moment(c.ends)}" for c in ending.companions),
    ]
    yield "BEGIN:VEVENT"
    yield f"UID:{digest(name)[:32]}@trustcell"
    yield f"DTSTAMP:{_utc(now)}"
    yield f"DTSTART:{_utc(ending.ends)}"
    yield f"SUMMARY:{_text(f'{ending.kind.value} ends: {ending.what}')}"
    yield f"DESCRIPTION:{_text(chr(10).join(filter(None, parts)))}"
    yield f"CATEGORIES:{_text(ending.kind.value)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _utc(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.year:04}{at:%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """A TEXT value: escaped, without control characters other than the line feed (RFC 5545 3.3.11)."""
    value = value.replace("\r\n", "\n")
    kept = "".join(each for each in value if each == "\n" or (each >= " " and each != "\x7f"))
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(lines: Iterable[str]) -> Iterator[bytes]:
    """Content lines of at most 75 octets, no character torn apart (RFC 5545 3.1)."""
    for line in lines:
        octets, room = b"", _LINE_OCTETS
        for character in line:
            encoded = character.encode()
            if len(encoded) > room:
                octets, room = octets + b"\r\n ", _LINE_OCTETS - 1
            octets, room = octets + encoded, room - len(encoded)
        yield octets + b"\r\n"
