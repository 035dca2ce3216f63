"""The history of operations: one JSON object a line, written by those who used the DSP and its devices.

``op`` says what happened, ``start`` and ``end`` when, ``client`` who did it, ``outcome`` what came of it:

``submit``    ``request`` (its ID), ``input`` (SHA-256 of the octets), ``outcome`` (the code), ``content`` (SHA-256 of
              what the answer carries), ``before`` and ``after`` (``digest_of_books``)
``sent``      ``octets`` (hex) of a message given to the WAN
``delivered`` ``delivery`` (its number), ``request``, ``input`` (SHA-256), ``outcome`` (status of the receiver)
``highest``   ``device``, ``outcome``: the stored Network Operator counter
``device``    ``device``, ``cells`` and ``numbers`` by name: a fresh read of a device
``device_restored``, ``restored``   a device, or the database, was put back to an older copy
``run``       ``input``, ``clock``, ``seed``, ``outcome``: digests of what went in and what came out
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustcell_audit.findings import Report


@dataclass(frozen=True)
class Event:
    """One line; ``place`` is how messages name it."""

    place: str
    raw: dict[str, Any]

    def text(self, name: str) -> str:
        """A field as text, empty without it."""
        return str(self.raw.get(name, ""))


@dataclass(frozen=True)
class History:
    """Every event, in the order in which it was written."""

    events: tuple[Event, ...] = ()

    def of(self, *kinds: str) -> Iterator[Event]:
        """Events of these kinds."""
        return (event for event in self.events if event.raw.get("op") in kinds)


def read_history(path: Path, report: Report) -> History:
    """Read a file; a line cut off at its end belongs to a client that was killed, any other bad one is a problem."""
    lines = path.read_bytes().split(b"\n")
    events = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            raw = json.loads(line)
        except ValueError:
            raw = None
        if isinstance(raw, dict) and isinstance(raw.get("op"), str):
            events.append(Event(f"history line {number}", raw))
        else:
            report.need(number == len(lines), "history_malformed", f"history line {number}", "it is no operation")
    report.facts["operations"] = len(events)
    return History(tuple(events))
