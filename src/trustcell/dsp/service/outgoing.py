"""Which command of a device may be sent: the oldest that is not settled, and never the next before it is."""

from collections import deque
from collections.abc import Iterable, Sequence

from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.work import Command
from trustcell.vocab import Eui64


class Outgoing:
    """The outbox of one lease, as the worker that holds it sees it; a restart fills it again from the store.

    A command that reaches a device after one with a larger counter is refused there in silence, so order is kept by
    handing out heads of line only (scale.md 2, item 2).
    """

    def __init__(self, open_commands: Iterable[Command] = ()) -> None:
        """Begin with what the store holds, in the order of its numbers."""
        self._lines: dict[Eui64, deque[Command]] = {}
        self._ready: deque[Command] = deque()
        self._sent: set[CommandKey] = set()
        self.add(open_commands)

    def __len__(self) -> int:
        """Commands that are not settled."""
        return sum(len(line) for line in self._lines.values())

    def add(self, commands: Iterable[Command]) -> None:
        """New commands, each behind those of its device."""
        for command in commands:
            line = self._lines.setdefault(command.key.device, deque())
            line.append(command)
            if len(line) == 1:
                self._ready.append(command)

    def take(self, limit: int) -> list[Command]:
        """Heads of line that have not been handed out, oldest first."""
        taken = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        self._sent.update(command.key for command in taken)
        return taken

    def put_back(self, commands: Sequence[Command]) -> None:
        """These were not sent after all, and come first again."""
        self._sent.difference_update(command.key for command in commands)
        self._ready.extendleft(reversed(commands))

    def is_sent(self, key: CommandKey) -> bool:
        """Whether a command was handed out."""
        return key in self._sent

    def settled(self, key: CommandKey) -> None:
        """A command was answered or given up: the next of its device is ready."""
        if key in self._sent:
            self._sent.discard(key)
        else:  # answered before this worker sent it: the one before did
            self._ready = deque(command for command in self._ready if command.key != key)
        line = self._lines.get(key.device)
        if line is None:
            return
        was_head = line[0].key == key
        if was_head:
            line.popleft()
        else:
            line = deque(command for command in line if command.key != key)
            self._lines[key.device] = line
        if not line:
            del self._lines[key.device]
        elif was_head:
            self._ready.append(line[0])
