"""The requests that one transaction looks at and moves on: read once, changed in memory, written once."""

from collections.abc import Iterable
from dataclasses import dataclass

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.rows import REQUEST_STATES, id_key
from trustcell.adapters.dsp_store.schema import REQUEST, REQUEST_OCTETS
from trustcell.adapters.dsp_store.statements import insert, lookup, update
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.duis import RequestId
from trustcell.vocab import Eui64

_FIND = lookup(
    "t.target, t.originator, t.counter, t.number, t.state, t.code, t.accepted_at, t.executes_at, "
    "t.reserved_by, t.reserved, t.reserved_at, t.reserved_for",
    (REQUEST.c.target, REQUEST.c.originator, REQUEST.c.counter),
)
_ADD = insert(REQUEST)
_ADD_OCTETS = insert(REQUEST_OCTETS)
_STANDS = ("state", "code", "accepted_at", "executes_at", "changed_at")
_MOVE = update(REQUEST, _STANDS, ("number",))
_RESERVE = update(REQUEST, (*_STANDS, "reserved_by", "reserved", "reserved_at", "reserved_for"), ("number",))
_RECEIVED = update(REQUEST_OCTETS, ("received",), ("number",))
_OFFERED = update(REQUEST_OCTETS, ("offered",), ("number",))
_NONE = (None, None, None, None)
_ACCEPTED = frozenset(
    {
        RequestState.HELD,
        RequestState.RESERVED,
        RequestState.COMMANDED,
        RequestState.ANSWERED,
        RequestState.QUARANTINED,
    }
)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A number that was taken for a request, when, and why this one."""

    originator: Eui64
    counter: int
    at: int
    reason: str


@dataclass(slots=True)
class Entry:
    """One request as it will stand; ``number`` is its row's, new when ``added``."""

    number: int
    state: RequestState
    code: str = ""
    accepted_at: int | None = None
    executes_at: int | None = None
    reservation: Reserved | None = None
    added: tuple[bytes, bytes, bytes, int, str, int] | None = None
    moved: bool = False
    renumbered: bool = False
    received: bytes | None = None
    offered: bytes | None = None


class Requests:
    """Requests by ID within a group."""

    def __init__(self, group: Group, ids: Iterable[RequestId]) -> None:
        """Read those that are known."""
        self._group = group
        self._keys = {request_id: id_key(request_id) for request_id in ids}
        self._texts: dict[str, RequestId] | None = None
        self._entries: dict[tuple[bytes, bytes, bytes], Entry] = {}
        for row in group.session.find(_FIND, list(self._keys.values())):
            target, originator, counter, number, state, code, accepted, executes, by, reserved, at, reason = row
            taken = None if reserved is None else Reserved(Eui64(by), reserved, at, reason)
            entry = Entry(number, REQUEST_STATES[state], code, accepted, executes, taken)
            self._entries[target, originator, counter] = entry

    def get(self, request_id: RequestId) -> Entry | None:
        """What is known under an ID."""
        return self._entries.get(self._keys[request_id])

    def number_of(self, text: str) -> int | None:
        """The number of a request of this group by the text of its ID."""
        if self._texts is None:
            self._texts = {str(request_id): request_id for request_id in self._keys}
        request_id = self._texts.get(text)
        entry = None if request_id is None else self.get(request_id)
        return None if entry is None else entry.number

    def add(
        self, request_id: RequestId, state: RequestState, part: int, service_variant: str, command_variant: int
    ) -> Entry:
        """A request nobody sent before."""
        target, originator, counter = key = id_key(request_id)
        entry = Entry(self._group.number(), state)
        entry.added = (originator, target, counter, part, service_variant, command_variant)
        self._entries[key] = entry
        self.move(entry, state)
        return entry

    def move(self, entry: Entry, state: RequestState, code: str = "") -> None:
        """A request moves on; it was accepted when it first stands where I99 goes out."""
        entry.state, entry.moved = state, True
        entry.code = code or entry.code
        if entry.accepted_at is None and state in _ACCEPTED:
            entry.accepted_at = self._group.at

    @staticmethod
    def reserve(entry: Entry, taken: Reserved) -> None:
        """A number was taken for this request."""
        entry.reservation, entry.renumbered = taken, True

    def write(self) -> None:
        """Write what was added and what moved."""
        added, octets, moved, reserved, received, offered = [], [], [], [], [], []
        at, home, session = self._group.at, self._group.home.ordinal, self._group.session
        for each in self._entries.values():
            stands = (each.state.value, each.code, each.accepted_at, each.executes_at, at)
            taken = each.reservation
            numbered = _NONE if taken is None else (taken.originator, taken.counter, taken.at, taken.reason)
            if each.added is not None:
                originator, target, counter, part, variant, command_variant = each.added
                names = (each.number, home, part, originator, target, counter, variant, command_variant)
                added.append((*names, *stands, *numbered))
                octets.append((each.number, each.received or b"", each.offered))
                continue
            if each.renumbered:
                reserved.append((*stands, *numbered, each.number))
            elif each.moved:
                moved.append((*stands, each.number))
            if each.received is not None:
                received.append((each.received, each.number))
            if each.offered is not None:
                offered.append((each.offered, each.number))
        for statement, rows in (
            (_ADD, added), (_ADD_OCTETS, octets), (_MOVE, moved), (_RESERVE, reserved), (_RECEIVED, received),
            (_OFFERED, offered),
        ):  # fmt: skip
            session.write(statement, rows)
