"""Commands of a group: what stands under their keys, what is added, what is settled."""

from collections.abc import Sequence
from dataclasses import dataclass

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.rows import COMMAND_STATES, command_key, eight
from trustcell.adapters.dsp_store.schema import COMMAND
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.dsp_store.statements import insert, lookup, update
from trustcell.adapters.store.values import micros, micros_or_none
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.work import Command, CommandChange, CommandState, Work
from trustcell.duis import RequestId

_FIND = lookup(
    "t.originator, t.counter, t.device, t.number, t.state, t.alert_pending, t.not_after",
    (COMMAND.c.originator, COMMAND.c.counter, COMMAND.c.device),
)
_COMPARE = (
    "SELECT message_code, request_originator, request_target, request_counter, octets FROM command WHERE number = ?"
)
_ADD = insert(COMMAND)
_SETTLE = update(COMMAND, ("state", "alert_pending", "not_after", "changed_at"), ("number",))


@dataclass(slots=True)
class _Entry:
    number: int
    state: CommandState
    alert_pending: bool
    not_after: int | None
    moved: bool = False
    same: tuple[int, RequestId, bytes] | None = None


class Outbox:
    """Commands by key within a group."""

    def __init__(self, group: Group, works: Sequence[Work]) -> None:
        """Read those that are known."""
        keys = {command_key(key) for work in works for key in _keys(work)}
        self._group = group
        self._entries: dict[tuple[bytes, bytes, bytes], _Entry] = {}
        for originator, counter, device, number, state, pending, not_after in group.session.find(_FIND, list(keys)):
            self._entries[originator, counter, device] = _Entry(number, COMMAND_STATES[state], bool(pending), not_after)
        self._added: list[Row] = []

    def stands(self, command: Command) -> bool:
        """Whether this very command is there already."""
        entry = self._entries.get(command_key(command.key))
        if entry is None:
            return False
        of = command.request_id
        if entry.same is not None:
            return entry.same == (command.message_code, of, command.octets)
        row = self._group.session.one(_COMPARE, (entry.number,))
        return row == (command.message_code, of.originator, of.target, eight(of.counter), command.octets)

    def taken(self, key: CommandKey) -> bool:
        """Whether a command is there."""
        return command_key(key) in self._entries

    def number(self, key: CommandKey) -> int | None:
        """The number of a command."""
        entry = self._entries.get(command_key(key))
        return None if entry is None else entry.number

    def add(self, command: Command, request: int | None, part: int) -> None:
        """A new command, under the next number."""
        group, key, of = self._group, command.key, command.request_id
        originator, counter, device = names = command_key(key)
        number = group.number()
        same = (command.message_code, of, command.octets)
        not_after = micros_or_none(command.not_after)
        self._entries[names] = _Entry(number, command.state, command.alert_pending, not_after, same=same)
        self._added.append(
            (number, group.home.ordinal, part, originator, device, counter, command.message_code, request,
             of.originator, of.target, eight(of.counter), command.service_variant, command.octets, command.state.value,
             int(command.alert_pending), command.schedule, not_after, group.at, group.at)
        )  # fmt: skip

    def settle(self, change: CommandChange) -> bool:
        """Whether it was: an open one may become anything, an answered one be alerted, a given up one be answered."""
        entry = self._entries.get(command_key(change.key))
        if entry is None or not _may(entry, change):
            return False
        entry.state, entry.moved = change.state, True
        if change.alert_pending is not None:
            entry.alert_pending = change.alert_pending
        if change.not_after is not None:
            entry.not_after = micros(change.not_after)
        return True

    def write(self) -> None:
        """Write what was added and what moved."""
        session, at = self._group.session, self._group.at
        session.write(_ADD, self._added)
        moved = [each for each in self._entries.values() if each.moved]
        session.write(
            _SETTLE, [(each.state.value, int(each.alert_pending), each.not_after, at, each.number) for each in moved]
        )


def _may(entry: _Entry, change: CommandChange) -> bool:
    match entry.state:
        case CommandState.OPEN:
            return True
        case CommandState.ANSWERED:
            return entry.alert_pending and change.alert_pending is False
        case _:
            return change.state is CommandState.ANSWERED


def _keys(work: Work) -> list[CommandKey]:
    keys = [] if work.command is None else [work.command.key]
    if work.settle is not None:
        keys.append(work.settle.key)
    if work.inbound is not None and work.inbound.key is not None:
        keys.append(work.inbound.key)
    return keys
