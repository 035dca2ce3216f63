"""The request manager: requests in, commands out, device messages in, answers out (duis-dsp.md 4 and 7)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from trustcell import duis, gbcs
from trustcell.dsp.ports import Broker, Directory, Party, Sending, Store, Wan
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.lifecycle import RequestEvent, RequestState, moved
from trustcell.dsp.rules.recovery import RECOVERY
from trustcell.dsp.rules.work import (
    Command,
    CommandState,
    Delivery,
    Due,
    DueKind,
    Inbound,
    RequestChange,
    TrailEntry,
    Work,
)
from trustcell.dsp.service.answers import Answers, Submission
from trustcell.dsp.service.building import Builder
from trustcell.dsp.service.case import NOBODY, digest_of
from trustcell.dsp.service.northbound import Northbound, Reception
from trustcell.dsp.service.outgoing import Outgoing
from trustcell.dsp.service.parcels import Parcels
from trustcell.dsp.service.policy import Policy
from trustcell.dsp.service.resuming import rebuild
from trustcell.dsp.service.southbound import Southbound
from trustcell.dsp.service.timers import Timers
from trustcell.vocab import TrustcellError

_GROUP = 64
_LOOK_AGAIN = timedelta(milliseconds=250)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class RequestManager:
    """One home's DSP over its ports, for one worker. All that lasts is in the store; ``Outgoing`` mirrors its outbox.

    Every call may raise ``Unavailable`` when store or keys are out of reach, and ``Fenced`` when another worker has the
    home: then this one is of no use any more. What was acknowledged is in the store by then.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        broker: Broker,
        transitional_cos: Party,
        wan: Wan,
        policy: Policy | None = None,
        schema: duis.Schema | None = None,
    ) -> None:
        """Ports are used as given; the store is read once, for what is still to be sent."""
        policy = policy or Policy()
        self.store = store
        self._wan = wan
        self._outgoing = Outgoing(store.open_commands())
        self._look_at = _LONG_AGO
        builder = Builder(directory, broker, transitional_cos)
        parcels = Parcels(Answers(broker.sign_response), broker.entity, policy.callback_delay)
        self._south = Southbound(store, directory, builder, parcels, policy, schema)
        self._north = Northbound(store, builder, parcels, policy)
        self._timers = Timers(store, self._south, parcels, wan, self._outgoing.is_sent)

    def submit(self, items: Sequence[tuple[bytes, str]], now: datetime) -> list[Submission]:
        """Answer signed ``sr:Request`` octets, each with the door it came through; commands are ready to be sent."""
        submissions = self._south.submit(items, now)
        self._outgoing.add(each.command for each in submissions if each.command is not None)
        return submissions

    def receive(self, messages: Sequence[bytes], now: datetime) -> list[Reception]:
        """Judge device messages and learn from them."""
        receptions = self._north.receive(messages, now)
        for reception in receptions:
            if reception.settled is not None:
                self._outgoing.settled(reception.settled.key)
        return receptions

    def dispatch(self, now: datetime, limit: int = _GROUP) -> int:
        """Hand commands to the WAN, the oldest open one of each device; how many were handed over."""
        taken = self._outgoing.take(limit)
        if not taken:
            return 0
        try:
            commands = self._timers.begin(taken, now)
            messages = [(each.key.text, each.key.device, each.octets, each.not_after or now) for each in commands]
            said = self._wan.send(messages, now)
        except BaseException:
            self._outgoing.put_back(taken)
            raise
        for command, sending in zip(commands, said, strict=True):
            if sending is Sending.UNREACHABLE:
                self._give_up(command, CommandState.UNREACHABLE, now)
        return len(commands)

    def collect(self, now: datetime, limit: int = _GROUP) -> list[Reception]:
        """Take what the WAN has from devices; it is done there once it is committed here."""
        arrived = self._wan.receive(limit, now)
        self._hear_of_undelivered(now)
        if not arrived:
            return []
        messages = [octets for _, _, octets in arrived]
        try:
            receptions = self.receive(messages, now)
        except TrustcellError:
            raise
        except Exception as error:
            receptions = self._received_apart(messages, error, now)
        self._wan.done([handle for handle, _, _ in arrived])
        return receptions

    def _received_apart(self, messages: Sequence[bytes], error: Exception, now: datetime) -> list[Reception]:
        """A fault of ours: the message that causes it is kept as it came, and does not come again for ever."""
        if len(messages) > 1:
            return [reception for octets in messages for reception in self._received_alone(octets, now)]
        inbound = Inbound(None, messages[0], "internal_error")
        facts = {"verdict": "internal_error", "gbcs": digest_of(messages[0]), "why": type(error).__name__}
        entry = TrailEntry("device_message", str(NOBODY), facts)
        self.store.commit([Work(NOBODY, inbound=inbound, trail=(entry,))], now)
        return [Reception("internal_error")]

    def _received_alone(self, octets: bytes, now: datetime) -> list[Reception]:
        try:
            return self.receive([octets], now)
        except TrustcellError:
            raise
        except Exception as error:
            return self._received_apart([octets], error, now)

    def _hear_of_undelivered(self, now: datetime) -> None:
        """The WAN may learn after it took a command that there is no way to its device (E20)."""
        for each in self._wan.undelivered():
            command = self.store.commands([CommandKey.parse(each.message_id)])[0]
            if command is not None and command.state is CommandState.OPEN:
                self._give_up(command, CommandState.UNREACHABLE, now)
            self._wan.done([each.handle])

    def run_due(self, now: datetime, limit: int = _GROUP) -> int:
        """Settle what is due, looking at most every quarter of a second; how many commands were made or ended by it."""
        if now < self._look_at:
            return 0
        self._look_at = now + _LOOK_AGAIN
        new, ended = self._timers.run(now, limit)
        self._outgoing.add(new)
        for key in ended:
            self._outgoing.settled(key)
        return len(new) + len(ended)

    def resume(self, now: datetime) -> int:
        """Build the commands of reservations that a crash interrupted, or give those up; how many were built.

        What needs a key that is out of reach stays for the next time.
        """
        made = rebuild(self._south, self.store.reserved(), now)
        self._outgoing.add(made)
        return len(made)

    def release(self, request_id: duis.RequestId, entry: TrailEntry, now: datetime) -> RequestState | None:
        """Let a quarantined request go on as soon as possible; where it stands then, ``None`` for an unknown one.

        ``Refused`` (``illegal_move``) for one that is not quarantined.
        """
        known = self.store.request(request_id)
        if known is None:
            return None
        after = moved(known.state, RequestEvent.RELEASE)
        change = RequestChange(request_id, known.state, after, known.service_variant, known.command_variant)
        due = Due(now, DueKind.SEND_HELD, str(request_id))
        for refusal in self.store.commit([Work(request_id.target, (change,), due=(due,), trail=(entry,))], now):
            if refusal is not None:
                raise refusal
        return after

    def recover(self, messages: Sequence[tuple[gbcs.Message, bytes]], evidence: bytes, now: datetime) -> list[str]:
        """Put signed recovery commands into the outbox, each with its octets; ``evidence`` is the decision behind them.

        At most 64, each to another device. "I99" for each that is there now, else the code of the refusal: a number
        that was used is not used again.
        """
        works, commands = [], []
        for message, octets in messages:
            ids = duis.RequestId(message.originator, message.target, message.originator_counter)
            key = CommandKey(message.originator, message.target, message.originator_counter)
            command = Command(
                key, message.message_code, ids, RECOVERY, octets, not_after=now + self._south.policy.response_timeout
            )
            change = RequestChange(ids, None, RequestState.COMMANDED, RECOVERY, 0, received=evidence, code="I99")
            facts = {"counter": key.counter, "decision": digest_of(evidence), "gbcs": digest_of(octets)}
            entry = TrailEntry("recovery", str(ids), facts)
            works.append(Work(message.target, (change,), command, trail=(entry,)))
            commands.append(command)
        told = []
        for command, refusal in zip(commands, self.store.commit(works, now), strict=True):
            told.append("I99" if refusal is None else refusal.findings[0].code)
            if refusal is None:
                self._outgoing.add([command])
        return told

    def outbox(self) -> Sequence[Command]:
        """Commands that still wait for an answer, oldest first."""
        return self.store.open_commands()

    def deliveries(self, now: datetime, limit: int = _GROUP) -> Sequence[Delivery]:
        """What may be delivered to users now."""
        return self.store.deliveries(now, limit)

    def time_out(self, command: Command, now: datetime) -> bytes:
        """Give up waiting for a command (E21); returns the answer to its user, signed."""
        return self._give_up(command, CommandState.SILENT, now)

    def next_at(self, now: datetime) -> datetime | None:
        """When there will be something to do, if nothing comes from outside before."""
        due = self.store.next_due()
        if due is not None:
            due = max(due, self._look_at)
        times = (due, self._wan.next_at())
        return min((each for each in times if each is not None), default=None)

    @property
    def waiting(self) -> int:
        """Commands without an answer."""
        return len(self._outgoing)

    def _give_up(self, command: Command, state: CommandState, now: datetime) -> bytes:
        octets = self._timers.give_up(command, state, now)
        self._outgoing.settled(command.key)
        return octets
