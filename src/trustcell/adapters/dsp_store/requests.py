"""The requests that one transaction looks at and moves on: read once, changed in memory, written once."""

from collections.abc import Iterable
from dataclasses import dataclass

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.rows import id_key
from trustcell.adapters.dsp_store.schema import REQUEST, REQUEST_OCTETS
from trustcell.adapters.dsp_store.statements import insert, lookup, update
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.duis import RequestId
from trustcell.vocab import Eui64

_FIND = lookup(
    "t.target, t.originator, t.counter, t.number, t.state, t.code, t.accepted_at, t.reserved_by, t.reserved",
    (REQUEST.c.target, REQUEST.c.originator, REQUEST.c.counter),
)
_ADD = insert(REQUEST)
_ADD_OCTETS = insert(REQUEST_OCTETS)
_MOVE = update(REQUEST, ("state", "code", "accepted_at", "changed_at"), ("number",))
_RESERVE = update(REQUEST, ("state", "code", "accepted_at", "changed_at", "reserved_by", "reserved"), ("number",))
_RECEIVED = update(REQUEST_OCTETS, ("received",), ("number",))
_OFFERED = update(REQUEST_OCTETS, ("offered",), ("number",))
_ACCEPTED = frozenset(
    {
        RequestState.HELD,
        RequestState.RESERVED,
        RequestState.COMMANDED,
        RequestState.ANSWERED,
        RequestState.QUARANTINED,
    }
)


@dataclass(slots=True)
class Entry:
    """One request as it will stand; ``number`` is its row's, new when ``added``."""

    number: int
    state: RequestState
    code: str = ""
    accepted_at: int | None = None
    reserved_by: bytes | None = None
    reserved: int | None = None
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
        self._entries: dict[tuple[bytes, bytes, bytes], Entry] = {}
        for target, originator, counter, number, state, code, accepted, reserved_by, reserved in group.session.find(
            _FIND, list({id_key(each) for each in ids})
        ):
            entry = Entry(number, RequestState(state), code, accepted, reserved_by, reserved)
            self._entries[target, originator, counter] = entry

    def get(self, request_id: RequestId) -> Entry | None:
        """What is known under an ID."""
        return self._entries.get(id_key(request_id))

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
    def reserve(entry: Entry, originator: Eui64, counter: int) -> None:
        """A number was taken for this request."""
        entry.reserved_by, entry.reserved, entry.renumbered = originator, counter, True

    def write(self) -> None:
        """Write what was added and what moved."""
        added, octets, moved, reserved, received, offered = [], [], [], [], [], []
        at, home, session = self._group.at, self._group.home.ordinal, self._group.session
        for each in self._entries.values():
            stands = (each.state.value, each.code, each.accepted_at, at)
            if each.added is not None:
                originator, target, counter, part, variant, command_variant = each.added
                names = (each.number, home, part, originator, target, counter, variant, command_variant)
                added.append((*names, *stands, each.reserved_by, each.reserved))
                octets.append((each.number, each.received or b"", each.offered))
                continue
            if each.renumbered:
                reserved.append((*stands, each.reserved_by, each.reserved, each.number))
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
