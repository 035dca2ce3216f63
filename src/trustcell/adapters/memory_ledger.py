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
    Offered,
    Reservation,
    Reserved,
    Settled,
    State,
    choose_counter,
    milliseconds,
    newer,
    raised,
)
from trustcell.duis import RequestId
from trustcell.vocab import CellId, Eui64


@dataclass(frozen=True, slots=True)
class _Request:
    variant: str
    state: State
    pre_command: bytes = b""
    reserved: Reserved | None = None


@dataclass(frozen=True, slots=True)
class _Slot:
    entity: Eui64
    key_id: bytes
    taught_by: int


class MemoryLedger:
    """The ledger port over dictionaries; every method checks first and then changes, so a refusal changes nothing."""

    def __init__(self) -> None:
        """An empty ledger."""
        self._requests: dict[RequestId, _Request] = {}
        self._commands: dict[CommandKey, Command] = {}
        self._numbers: dict[CommandKey, int] = {}
        self._alerted: set[CommandKey] = set()
        self._spent: set[tuple[Eui64, int]] = set()
        self._own: dict[Eui64, int] = {}
        self._highest: dict[Eui64, int] = {}
        self._slots: dict[tuple[Eui64, CellId], _Slot] = {}
        self._history: dict[Eui64, list[CounterEvent]] = defaultdict(list)
        self._messages: list[tuple[bytes, str | None]] = []

    def transform(self, request_id: RequestId, service_variant: str, pre_command: bytes, now: datetime) -> None:
        """See ``Ledger.transform``."""
        offered = Offered(service_variant, pre_command)
        if self.offered(request_id) not in (None, offered):
            raise request_id_used(request_id)
        self._requests[request_id] = _Request(service_variant, State.TRANSFORMED, pre_command)

    def offered(self, request_id: RequestId) -> Offered | None:
        """See ``Ledger.offered``."""
        known = self._requests.get(request_id)
        if known is None:
            return None
        if known.state is not State.TRANSFORMED:
            raise request_id_used(request_id)
        return Offered(known.variant, known.pre_command)

    def reserve(self, reservation: Reservation, now: datetime) -> CounterChoice:
        """See ``Ledger.reserve``."""
        request_id, device = reservation.request_id, reservation.request_id.target
        if request_id in self._requests:
            raise request_id_used(request_id)
        choice = choose_counter(
            self._own.get(device, 0),
            self._highest.get(device),
            milliseconds(now),
            lambda number: (device, number) in self._spent,
            raise_above_highest=reservation.raise_above_highest,
        )
        self._spent.add((device, choice.counter))
        self._own[device] = choice.last_own
        if choice.highest is not None:
            self._highest[device] = choice.highest
        self._log(now, device, choice.counter, f"broker for {reservation.service_variant}", choice.reason)
        reserved = Reserved(request_id, reservation.service_variant, reservation.octets, choice.counter)
        self._requests[request_id] = _Request(reservation.service_variant, State.RESERVED, reserved=reserved)
        return choice

    def reserved(self) -> Sequence[Reserved]:
        """See ``Ledger.reserved``."""
        return [
            request.reserved
            for request in self._requests.values()
            if request.state is State.RESERVED and request.reserved is not None
        ]

    def abandon(self, request_id: RequestId, reason: str, now: datetime) -> bool:
        """See ``Ledger.abandon``."""
        known = self._requests.get(request_id)
        if known is None or known.state is not State.RESERVED or known.reserved is None:
            return False
        self._requests[request_id] = replace(known, state=State.ABANDONED)
        who = f"abandoned: {reason}"
        self._log(now, request_id.target, known.reserved.counter, who, "the number is spent without a command")
        return True

    def record(self, command: Command, now: datetime) -> None:
        """See ``Ledger.record``."""
        there = self._commands.get(command.key)
        if there is not None and (there.request_id, there.octets) == (command.request_id, command.octets):
            return
        known = self._requests.get(command.request_id)
        if known is None or known.state not in (State.TRANSFORMED, State.RESERVED):
            raise request_id_used(command.request_id)
        if there is not None:
            raise command_used(command.key)
        self._commands[command.key] = command
        self._numbers[command.key] = len(self._numbers) + 1
        if known.state is State.TRANSFORMED:
            reason = "the user's own counter, from its request ID"
            self._log(now, command.key.device, command.key.counter, str(command.key.originator), reason)
        self._requests[command.request_id] = replace(known, state=State.COMMANDED)

    def outbox(self) -> Sequence[Command]:
        """See ``Ledger.outbox``."""
        return [command for command in self._commands.values() if command.state is State.COMMANDED]

    def correlate(self, key: CommandKey) -> Command | None:
        """See ``Ledger.correlate``."""
        return self._commands.get(key)

    def time_out(self, key: CommandKey, now: datetime) -> bool:
        """See ``Ledger.time_out``."""
        command = self._commands.get(key)
        if command is None or command.state is not State.COMMANDED:
            return False
        self._commands[key] = replace(command, state=State.SILENT)
        return True

    def keep(self, octets: bytes, now: datetime) -> int:
        """See ``Ledger.keep``."""
        self._messages.append((octets, None))
        return len(self._messages)

    def unprocessed(self) -> Sequence[tuple[int, bytes]]:
        """See ``Ledger.unprocessed``."""
        return [(number, octets) for number, (octets, verdict) in enumerate(self._messages, start=1) if verdict is None]

    def dismiss(self, message: int, verdict: str, now: datetime) -> None:
        """See ``Ledger.dismiss``."""
        if not 0 < message <= len(self._messages):
            raise KeyError(f"no message {message}")
        self._messages[message - 1] = (self._messages[message - 1][0], verdict)

    def learn(self, message: int, key: CommandKey, kind: Kind, effects: Effects, now: datetime) -> Settled:
        """See ``Ledger.learn``."""
        command, number, device = self._commands[key], self._numbers[key], key.device
        alert = kind is Kind.ALERT
        repeated = key in self._alerted if alert else command.state is State.RESPONDED
        in_time = not repeated and (alert or command.state is State.COMMANDED)
        before = self._highest.get(device)
        after = before if effects.learned is None else raised(before, effects.learned)
        self.dismiss(message, kind.value, now)
        if alert:
            self._alerted.add(key)
        else:
            self._commands[key] = replace(command, state=State.RESPONDED)
        if not repeated:
            self._settle_slots(device, number, effects, alert=alert)
        if effects.learned is not None and after is not None:
            self._highest[device] = after
            if not repeated or after != before:
                who = f"learned by the DSP from {key.originator}"
                self._log(now, device, effects.learned, who, effects.learned_from)
        return Settled(in_time, after)

    def _settle_slots(self, device: Eui64, number: int, effects: Effects, *, alert: bool) -> None:
        for change in effects.slots:
            known = self._slots.get((device, change.cell))
            taught_by = None if known is None else known.taught_by
            if newer(number, taught_by, alert=alert):
                self._slots[device, change.cell] = _Slot(change.entity, change.key_id, max(number, taught_by or 0))

    def _log(self, now: datetime, device: Eui64, counter: int, who: str, reason: str) -> None:
        self._history[device].append(CounterEvent(now, device, counter, who, reason))

    def highest(self, device: Eui64) -> int | None:
        """See ``Ledger.highest``."""
        return self._highest.get(device)

    def slot(self, device: Eui64, cell: CellId) -> tuple[Eui64, bytes] | None:
        """See ``Ledger.slot``."""
        known = self._slots.get((device, cell))
        return None if known is None else (known.entity, known.key_id)

    def history(self, device: Eui64) -> Sequence[CounterEvent]:
        """See ``Ledger.history``."""
        return list(self._history.get(device, ()))
