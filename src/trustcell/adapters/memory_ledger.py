"""A ledger in memory: for tests, benchmarks and stories that end with the process."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trustcell.adapters.ledger_refusals import command_used, request_id_used
from trustcell.dsp import (
    Command,
    CommandKey,
    CounterChoice,
    CounterEvent,
    Effects,
    Kind,
    Reservation,
    Reserved,
    Settled,
    State,
    choose_counter,
    milliseconds,
    raised,
)
from trustcell.duis import RequestId
from trustcell.vocab import CellId, Eui64


@dataclass(slots=True)
class _Request:
    variant: str
    state: State
    pre_command: bytes | None = None
    reserved: Reserved | None = None


class MemoryLedger:
    """The ledger port over dictionaries; every method checks first and then changes, so a refusal changes nothing."""

    def __init__(self) -> None:
        """An empty ledger."""
        self._requests: dict[RequestId, _Request] = {}
        self._commands: dict[CommandKey, Command] = {}
        self._alerted: set[CommandKey] = set()
        self._own: dict[Eui64, int] = {}
        self._highest: dict[Eui64, int] = {}
        self._slots: dict[tuple[Eui64, CellId], tuple[Eui64, bytes]] = {}
        self._history: dict[Eui64, list[CounterEvent]] = defaultdict(list)
        self._messages: list[tuple[bytes, str | None]] = []

    def transform(self, request_id: RequestId, service_variant: str, pre_command: bytes, now: datetime) -> None:
        """See ``Ledger.transform``."""
        known = self._requests.get(request_id)
        if known is not None and (known.state is not State.TRANSFORMED or known.pre_command != pre_command):
            raise request_id_used(request_id)
        self._requests[request_id] = _Request(service_variant, State.TRANSFORMED, pre_command)

    def pre_command(self, request_id: RequestId) -> bytes | None:
        """See ``Ledger.pre_command``."""
        known = self._requests.get(request_id)
        return known.pre_command if known is not None and known.state is State.TRANSFORMED else None

    def reserve(self, reservation: Reservation, now: datetime) -> CounterChoice:
        """See ``Ledger.reserve``."""
        request_id, device = reservation.request_id, reservation.request_id.target
        if request_id in self._requests:
            raise request_id_used(request_id)
        choice = choose_counter(
            self._own.get(device, 0),
            self._highest.get(device),
            milliseconds(now),
            lambda number: CommandKey(reservation.broker, device, number) in self._commands,
            raise_above_highest=reservation.raise_above_highest,
        )
        self._own[device] = choice.last_own
        if choice.highest is not None:
            self._highest[device] = choice.highest
        self._history[device].append(
            CounterEvent(now, device, choice.counter, f"broker for {reservation.service_variant}", choice.reason)
        )
        reserved = Reserved(request_id, reservation.octets, choice.counter)
        self._requests[request_id] = _Request(reservation.service_variant, State.RESERVED, None, reserved)
        return choice

    def reserved(self) -> Sequence[Reserved]:
        """See ``Ledger.reserved``."""
        return [
            request.reserved
            for request in self._requests.values()
            if request.state is State.RESERVED and request.reserved is not None
        ]

    def record(self, command: Command, now: datetime) -> None:
        """See ``Ledger.record``."""
        known = self._requests.get(command.request_id)
        if known is None or known.state not in (State.TRANSFORMED, State.RESERVED):
            raise request_id_used(command.request_id)
        if command.key in self._commands:
            raise command_used(command.key)
        self._commands[command.key] = command
        if known.state is State.TRANSFORMED:
            reason = "the user's own counter, from its request ID"
            event = CounterEvent(now, command.key.device, command.key.counter, str(command.key.originator), reason)
            self._history[command.key.device].append(event)
        self._requests[command.request_id] = replace(known, state=State.COMMANDED)

    def outbox(self) -> Sequence[Command]:
        """See ``Ledger.outbox``."""
        return [command for command in self._commands.values() if command.state is State.COMMANDED]

    def correlate(self, key: CommandKey) -> Command | None:
        """See ``Ledger.correlate``."""
        return self._commands.get(key)

    def time_out(self, key: CommandKey, now: datetime) -> None:
        """See ``Ledger.time_out``."""
        command = self._commands.get(key)
        if command is not None and command.state is State.COMMANDED:
            self._commands[key] = replace(command, state=State.SILENT)

    def keep(self, octets: bytes, now: datetime) -> int:
        """See ``Ledger.keep``."""
        self._messages.append((octets, None))
        return len(self._messages)

    def unprocessed(self) -> Sequence[tuple[int, bytes]]:
        """See ``Ledger.unprocessed``."""
        return [(number, octets) for number, (octets, verdict) in enumerate(self._messages, start=1) if verdict is None]

    def dismiss(self, message: int, verdict: str, now: datetime) -> None:
        """See ``Ledger.dismiss``."""
        self._messages[message - 1] = (self._messages[message - 1][0], verdict)

    def learn(self, message: int, key: CommandKey, kind: Kind, effects: Effects, now: datetime) -> Settled:
        """See ``Ledger.learn``."""
        command, device = self._commands[key], key.device
        first = key not in self._alerted if kind is Kind.ALERT else command.state is State.COMMANDED
        if kind is Kind.ALERT:
            self._alerted.add(key)
        else:
            self._commands[key] = replace(command, state=State.RESPONDED)
        for slot in effects.slots:
            self._slots[device, slot.cell] = (slot.entity, slot.key_id)
        if effects.learned is not None:
            self._highest[device] = raised(self._highest.get(device), effects.learned)
            event = CounterEvent(
                now, device, effects.learned, f"learned by the DSP from {key.originator}", effects.learned_from
            )
            self._history[device].append(event)
        self.dismiss(message, kind.value, now)
        return Settled(first, self._highest.get(device))

    def highest(self, device: Eui64) -> int | None:
        """See ``Ledger.highest``."""
        return self._highest.get(device)

    def slot(self, device: Eui64, cell: CellId) -> tuple[Eui64, bytes] | None:
        """See ``Ledger.slot``."""
        return self._slots.get((device, cell))

    def history(self, device: Eui64) -> Sequence[CounterEvent]:
        """See ``Ledger.history``."""
        return list(self._history[device])
